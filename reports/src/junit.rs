//! `JUnit`'s XML, for the test view of a CI server: a race is a test case, and so is a search for
//! capacities.
//!
//! An INVALID race, one that could not be run, a race of builds that is blunt, and a contender
//! without an answer are errors: the test could not tell. A build that is slower than its reference
//! is a failure: the test told. A race in which nobody fits is skipped. A slower *model* is a
//! result and fails nothing, and so is whatever a search finds.

use std::fmt::Write;

use deadheat_core::{
    record::{Call, Fits, Outcome, Race, Record, Role, Status, Warning},
    stats::{State, Summary, summary},
};

use crate::{
    Error, Format, Options, Output,
    capacities::{Search, searches},
    words,
};

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
    let mut cases: String = record.races.iter().map(|race| case(race, &mut counts)).collect();
    let searches = searches(record);
    cases.extend(searches.iter().map(|search| searched(search, &mut counts)));
    let Counts { errors, failures, skipped } = counts;
    let races = record.races.iter().chain(record.capacities.iter().flat_map(|c| &c.races));
    let seconds = seconds(races);
    let tests = record.races.len() + searches.len();
    let totals = format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{seconds:.3}\""
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
    let mut text = opened(&race.scenario, &race.id, seconds([race]));
    if let Some((kind, message)) = error(race, &summary) {
        counts.errors += 1;
        said(&mut text, "error", kind, &message);
    } else if let Some(message) = slower_build(race, &summary) {
        counts.failures += 1;
        said(&mut text, "failure", "regression", &message);
    } else if has_builds(race) && summary.is_blunt() {
        let message = "a slowdown of twice the margin was not shown to exceed the margin";
        counts.errors += 1;
        said(&mut text, "error", "blunt", message);
    } else if !race.contenders.iter().any(|contender| contender.fits == Fits::Yes) {
        counts.skipped += 1;
        text.push_str("      <skipped message=\"no model fits this race\"/>\n");
    }
    closed(&mut text, summary.sentences().into_iter().map(|said| said.text), &race.warnings);
    text
}

/// A search has no failure: how much load is carried is a result, whatever it is.
fn searched(search: &Search<'_>, counts: &mut Counts) -> String {
    let capacity = search.capacity;
    let (title, _) = words::capacity(capacity);
    let mut text = opened(&capacity.scenario, &title, seconds(&capacity.races));
    if let Some((kind, message)) = unfound(search) {
        counts.errors += 1;
        said(&mut text, "error", kind, &message);
    }
    closed(&mut text, search.found.sentences().into_iter(), &capacity.warnings);
    text
}

fn opened(scenario: &str, name: &str, seconds: f64) -> String {
    let (scenario, name) = (escape(scenario), escape(name));
    format!(
        "    <testcase classname=\"deadheat.{scenario}\" name=\"{name}\" time=\"{seconds:.3}\">\n"
    )
}

fn said(text: &mut String, element: &str, kind: &str, message: &str) {
    let message = escape(message);
    let _ = writeln!(text, "      <{element} type=\"{kind}\" message=\"{message}\"/>");
}

fn closed(text: &mut String, sentences: impl Iterator<Item = String>, warnings: &[Warning]) {
    let sentences = sentences.map(|sentence| escaped(&words::sentence(&sentence)));
    let warnings =
        warnings.iter().map(|warning| format!("warning: {}", escape(&words::warning(warning))));
    let lines: Vec<String> = sentences.chain(warnings).collect();
    if !lines.is_empty() {
        let _ = writeln!(text, "      <system-out>{}</system-out>", lines.join("\n"));
    }
    text.push_str("    </testcase>\n");
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

/// Why a search can't tell: the first reason is enough.
fn unfound(search: &Search<'_>) -> Option<(&'static str, String)> {
    let races = &search.capacity.races;
    let not_run = races.iter().find_map(|race| match &race.status {
        Status::Failed(cause) => Some(("not-run", format!("{}: {cause}", race.id))),
        _ => None,
    });
    let invalid = || {
        let said = search.found.sentences().into_iter().next();
        search.found.is_invalid.then(|| ("invalid", said.unwrap_or_default()))
    };
    let mut trials = races.iter().flat_map(|race| &race.blocks).flat_map(|block| &block.trials);
    let failed = || {
        trials.find_map(|trial| match &trial.outcome {
            Outcome::Failed { cause, .. } => {
                Some(("failed", format!("{}: {cause}", trial.contender)))
            }
            Outcome::Ok => None,
        })
    };
    let nothing = || {
        let none = search.found.rows.iter().all(|row| row.n == 0);
        none.then(|| ("not-run", "no block has measured every rate of a grid".to_owned()))
    };
    not_run.or_else(invalid).or_else(failed).or_else(nothing)
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

/// How long races measured, without what lies between slices.
fn seconds<'a>(races: impl IntoIterator<Item = &'a Race>) -> f64 {
    let trials = races.into_iter().flat_map(|race| &race.blocks).flat_map(|block| &block.trials);
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
