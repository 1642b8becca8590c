//! What a run leaves behind: its reports, what it prints, its exit code.

use std::path::Path;

use deadheat_core::{
    record::{Race, Record, Role, Warning},
    stats::{mark, summary},
};
use deadheat_reports::{Options, compare as comparison};

use super::{Run, failed, slo};
use crate::{
    cli::OutputFormat,
    closing,
    cmd::report,
    failure::{Failure, exit},
    output,
};

impl Run {
    /// Writes and prints the reports.
    pub(super) fn finish(&mut self, strict: bool) -> Result<u8, Failure> {
        let mut page = self.folder.record();
        let mut unwritten = None;
        for id in ["md", "html"] {
            let Some(format) = deadheat_reports::find(id) else { continue };
            if id == "html" && self.args.results.noplot {
                continue;
            }
            match (format.render)(&self.record, &Options::default()) {
                Ok(files) => match self.folder.add(&files) {
                    Ok(main) => page = main,
                    Err(failure) => unwritten = Some(failure),
                },
                Err(error) => output::warn(&error.to_string(), ""),
            }
        }
        self.folder.link_latest();
        if let Some(name) = &self.args.results.save_baseline {
            let kept = self.folder.keep_as(name)?;
            output::note(format_args!("baseline {name}: {}", kept.display()));
        }
        let printed = self.print(&page);
        unwritten.map_or(printed, Err)?;
        Ok(self.code(strict))
    }

    /// Prints the result. Where its format has no place for it, everything else is told all the
    /// same.
    pub(super) fn print(&self, page: &Path) -> Result<(), Failure> {
        let format = self.args.results.output_format;
        let bencher = format == OutputFormat::Bencher;
        let told: &[Warning] = if output::is_one_terminal() { &self.told } else { &[] };
        let (result, unshown) = match report::shown(format.id(), &self.record, told) {
            Ok(text) => (text, None),
            Err(failure) => (String::new(), Some(failure)),
        };
        let mut rest = String::new();
        if let Some(baseline) = &self.baseline {
            let compared = comparison::compare(baseline, &self.record, false);
            rest = format!("\n{}", comparison::text(&compared));
        }
        let closing = closing::sentences(&self.record, page);
        // They sum up races; where there are only capacities, those have just been told.
        let skip = if self.record.races.is_empty() { closing.len() - 1 } else { 0 };
        rest = format!("{rest}\n{}\n", closing[skip..].join("\n"));
        // Standard output has one thing: events, lines for tools, or all that people read.
        match (self.events.are_wanted(), bencher) {
            (true, _) => output::aside(&(result + &rest)),
            (false, true) => {
                output::result(&result);
                output::aside(&rest);
            }
            (false, false) => output::result(&(result + &rest)),
        }
        self.events.end(&self.record);
        unshown.map_or(Ok(()), Err)
    }

    fn code(&self, strict: bool) -> u8 {
        let Record { races, capacities, .. } = &self.record;
        let has_failed = races.iter().any(failed) || capacities.iter().any(slo::failed);
        let is_open = races.iter().any(unjudged) || capacities.iter().any(slo::unjudged);
        match () {
            () if self.record.run.interrupted => exit::INTERRUPTED,
            () if has_failed => exit::FAILED,
            () if strict && is_open => exit::UNJUDGED,
            () => exit::OK,
        }
    }
}

/// Whether its controls void it, or it compared nothing.
fn unjudged(race: &Race) -> bool {
    let summary = summary(race);
    let judged = summary
        .rows
        .iter()
        .filter(|row| row.role == Role::Model)
        .filter_map(|row| row.verdict.as_ref())
        .any(|verdict| {
            let silent = verdict.marks.iter().any(|known| mark::SILENT.contains(&known.as_str()));
            verdict.lo.is_some() && !silent
        });
    summary.is_invalid() || !judged
}
