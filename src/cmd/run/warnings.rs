//! What holds for the run as a whole: said before it begins, and kept in its record once, however
//! often the run is resumed.

use deadheat_core::{
    race::Plan,
    record::{Race, Record, Warning},
    stats::{Estimate, rank, summary, twins_over_run},
};

use crate::{folder::Folder, output};

/// The code of the warning that twins were apart too often.
const TWINS: &str = "twins";

/// Adds a warning that is not there yet: a run that goes on finds again what it found before.
pub(super) fn add(warnings: &mut Vec<Warning>, warning: Warning) {
    let same = |known: &Warning| known.code == warning.code && known.text == warning.text;
    if !warnings.iter().any(same) {
        warnings.push(warning);
    }
}

/// Puts what is so now in the place of what was so before.
pub(super) fn renew(warnings: &mut Vec<Warning>, code: &str, now: Option<Warning>) {
    warnings.retain(|known| known.code != code);
    warnings.extend(now);
}

/// Counts the twins of all races that there are by now.
pub(super) fn judge_twins(record: &mut Record) {
    let found = too_many_twins(&record.races);
    renew(&mut record.warnings, TWINS, found);
}

/// Over a whole run, whether the twins were apart more often than their intervals allow.
fn too_many_twins(races: &[Race]) -> Option<Warning> {
    let twins = races.iter().filter_map(|race| summary(race).twin);
    let estimates: Vec<Estimate> = twins
        .map(|twin| Estimate {
            point: twin.ratio.ln(),
            interval: twin.lo.zip(twin.hi).map(|(lo, hi)| (lo.ln(), hi.ln())),
            k: rank(twin.n, 0.05),
            n: twin.n,
        })
        .collect();
    let found = twins_over_run(&estimates);
    found.are_too_many().then(|| Warning {
        code: TWINS.into(),
        text: format!(
            "the same code, raced twice, differs from itself in {} of {} races, where chance gives \
             {:.1}",
            found.excluding, found.counted, found.expected
        ),
        advice: "intervals of this run are too narrow for its weather: a quieter machine".into(),
    })
}

/// Says where results go, and what must be known of the run and of its plans; returns the warnings.
pub(super) fn announce(plans: &[Plan], record: &Record, folder: &Folder) -> Vec<Warning> {
    output::note(format_args!("results: {}", folder.path().display()));
    for warning in &record.warnings {
        output::warn(&warning.text, &warning.advice);
    }
    let mut said: Vec<&Warning> = Vec::new();
    for warning in plans.iter().flat_map(|plan| &plan.warnings) {
        if said.contains(&warning) {
            continue;
        }
        let of: Vec<String> =
            plans.iter().filter(|p| p.warnings.contains(warning)).map(Plan::id).collect();
        let whose = if of.len() == plans.len() { String::new() } else { of.join(", ") + ": " };
        output::warn(&format!("{whose}{}", warning.text), &warning.advice);
        said.push(warning);
    }
    record.warnings.iter().chain(said).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(code: &str, text: &str) -> Warning {
        Warning { code: code.into(), text: text.into(), advice: String::new() }
    }

    fn texts(warnings: &[Warning]) -> Vec<&str> {
        warnings.iter().map(|warning| warning.text.as_str()).collect()
    }

    #[test]
    fn what_was_said_is_not_said_again() {
        let mut warnings = vec![warning("over-time", "a")];
        add(&mut warnings, Warning { advice: "other".into(), ..warning("over-time", "a") });
        add(&mut warnings, warning("over-time", "b"));
        add(&mut warnings, warning("few-blocks", "a"));
        assert_eq!(texts(&warnings), ["a", "b", "a"]);
    }

    #[test]
    fn twins_are_counted_anew_each_time() {
        let mut record = Record::default();
        for text in ["in 2 of 5 races", "in 3 of 9 races"] {
            renew(&mut record.warnings, TWINS, Some(warning(TWINS, text)));
            add(&mut record.warnings, warning("load", "busy"));
            let twins = record.warnings.iter().filter(|warning| warning.code == TWINS);
            assert_eq!(twins.map(|twins| twins.text.as_str()).collect::<Vec<_>>(), [text]);
        }
        judge_twins(&mut record);
        assert_eq!(texts(&record.warnings), ["busy"], "without races there are no twins");
    }
}
