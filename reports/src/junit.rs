//! `JUnit`'s XML, for the test view of a CI server: a race is a test case.
//!
//! An INVALID race, one that could not be run, a race of builds that is blunt, and a contender
//! without an answer are errors: the test could not tell. A build that is slower than its reference is a failure: the test told. A race
//! in which nobody fits is skipped. A slower *model* is a result and fails nothing.

use std::fmt::Write;

use deadheat_core::{
    record::{Call, Fits, Race, Record, Role, Status},
    stats::{State, Summary, summary},
};

use crate::{Error, Format, Options, Output, words};

pub(crate) const FORMAT: Format = Format {
    id: "junit",
    extension: "xml",
    about: "JUnit's XML: a race is a test case, INVALID is an error, a slower build a failure",
    render,
};

/// What a test view counts.
#[derive(Default)]
struct Counts {
    errors: usize,
    failures: usize,
    skipped: usize,
}

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let mut counts = Counts::default();
    let cases: String = record.races.iter().map(|race| case(race, &mut counts)).collect();
    let Counts { errors, failures, skipped } = counts;
    let seconds = record.races.iter().map(seconds).fold(0.0, |all, one| all + one);
    let totals = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{seconds:.3}\"",
        record.races.len()
    );
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(text, "<testsuites name=\"deadheat\" {totals}>");
    let started = escape(record.run.started.trim_end_matches('Z'));
    let stamp =
        if started.is_empty() { String::new() } else { format!(" timestamp=\"{started}\"") };
    let _ = writeln!(text, "  <testsuite name=\"deadheat\" {totals} skipped=\"{skipped}\"{stamp}>");
    text.push_str("    <properties>\n");
    let about = [("run", words::run(record)), ("machine", words::machine(&record.machine))];
    for (name, value) in about {
        let value = escape(&value);
        let _ = writeln!(text, "      <property name=\"{name}\" value=\"{value}\"/>");
    }
    text.push_str("    </properties>\n");
    text.push_str(&cases);
    text.push_str("  </testsuite>\n</testsuites>\n");
    Ok(vec![Output::text("junit.xml", text)])
}

fn case(race: &Race, counts: &mut Counts) -> String {
    let summary = summary(race);
    let mut text = format!(
        "    <testcase classname=\"deadheat.{}\" name=\"{}\" time=\"{:.3}\">\n",
        escape(&race.scenario),
        escape(&race.id),
        seconds(race)
    );
    let mut said = |element: &str, kind: &str, message: &str| {
        let message = escape(message);
        let _ = writeln!(text, "      <{element} type=\"{kind}\" message=\"{message}\"/>");
    };
    if let Some((kind, message)) = error(race, &summary) {
        counts.errors += 1;
        said("error", kind, &message);
    } else if let Some(message) = slower_build(race, &summary) {
        counts.failures += 1;
        said("failure", "regression", &message);
    } else if has_builds(race) && summary.is_blunt() {
        counts.errors += 1;
        said("error", "blunt", "a slowdown of twice the margin was not shown to exceed the margin");
    } else if !race.contenders.iter().any(|contender| contender.fits == Fits::Yes) {
        counts.skipped += 1;
        text.push_str("      <skipped message=\"no model fits this race\"/>\n");
    }
    let sentences: Vec<String> = summary
        .sentences()
        .iter()
        .map(|sentence| escaped(&words::sentence(&sentence.text)))
        .collect();
    let warnings = race.warnings.iter().map(|warning| escape(&words::warning(warning)));
    let lines: Vec<String> =
        sentences.into_iter().chain(warnings.map(|text| format!("warning: {text}"))).collect();
    if !lines.is_empty() {
        let _ = writeln!(text, "      <system-out>{}</system-out>", lines.join("\n"));
    }
    text.push_str("    </testcase>\n");
    text
}

/// Why the race can't tell: the first reason is enough.
fn error(race: &Race, summary: &Summary) -> Option<(&'static str, String)> {
    if let Status::Failed(cause) = &race.status {
        return Some(("not-run", cause.clone()));
    }
    if summary.is_invalid() {
        let said = summary.sentences().into_iter().next().map(|sentence| sentence.text);
        return Some(("invalid", said.unwrap_or_default()));
    }
    summary.rows.iter().find_map(|row| match &row.state {
        State::Failed(cause) | State::Partly { cause, .. } => {
            Some(("failed", format!("{}: {cause}", row.id)))
        }
        _ => None,
    })
}

/// Whether it is a gate, whose silence must mean something.
fn has_builds(race: &Race) -> bool {
    race.contenders.iter().any(|contender| !contender.build.is_empty())
}

/// A contender of another build, and slower: a gate's alarm.
fn slower_build(race: &Race, summary: &Summary) -> Option<String> {
    let is_build = |id: &str| race.contender(id).is_some_and(|c| !c.build.is_empty());
    let models = summary.rows.iter().filter(|row| row.role == Role::Model && is_build(&row.id));
    let mut slower = models.filter(|row| row.call() == Call::Slower);
    slower.next().map(|row| format!("{}: {}", row.id, words::verdict(row, &summary.reference)))
}

/// How long the race measured, without what lies between slices.
fn seconds(race: &Race) -> f64 {
    let trials = race.blocks.iter().flat_map(|block| &block.trials);
    let slices = trials.flat_map(|trial| &trial.slices);
    let ns = slices.map(|slice| u128::from(slice.span_ns.max(slice.window_ns))).sum::<u128>();
    ns as f64 / 1e9
}

/// Text as XML takes it, in content and in attributes.
fn escape(text: &str) -> String {
    escaped(&words::clean(text))
}

/// What is clean already.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}
