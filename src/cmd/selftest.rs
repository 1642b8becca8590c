//! `deadheat selftest`: known answers, a table of truth and measurement, and an exit code.

use deadheat_core::{
    race::child::Processes,
    stats::{
        human,
        known::{Finding, Known, Limit, Unit},
    },
};

use crate::{
    cli::SelftestArgs,
    cmd::run::{interrupted, on_interrupt},
    failure::{Failure, exit},
    output,
    selftest::{Answer, CHECKS, Check, Context, cells, is_foul},
};

/// Runs the checks that were asked for, and says of each whether it holds.
pub(crate) fn selftest(args: &SelftestArgs) -> Result<u8, Failure> {
    let checks = chosen(args)?;
    let launcher = Processes::of_this_program()
        .map_err(|error| Failure::error(format!("failed to find this program's file: {error}")))?;
    on_interrupt();
    let context = Context { launcher, cells: cells(), quick: args.quick, stop: interrupted };
    let mut answers = Vec::new();
    for check in checks {
        output::note(format_args!("{}: {} …", check.id, check.about));
        let answer = check.answer(&context);
        if interrupted() {
            return Ok(exit::INTERRUPTED);
        }
        if !args.json {
            print(&answer);
        }
        answers.push(answer);
    }
    if args.json {
        let text = serde_json::to_string_pretty(&answers)
            .map_err(|error| Failure::error(format!("failed to write the answers: {error}")))?;
        output::line(text);
    }
    let count = |finding| answers.iter().filter(|answer| answer.finding == finding).count();
    let [holds, undecided, fails] = [Finding::Holds, Finding::Undecided, Finding::Fails].map(count);
    output::note(format_args!("{holds} hold, {undecided} undecided, {fails} fail"));
    let mut failed = answers.iter().filter(|answer| answer.finding == Finding::Fails);
    if failed.any(|answer| answer.foreign.is_some_and(is_foul)) {
        output::note(
            "others used this machine while checks failed: that may be why, and a quieter moment tells",
        );
    }
    Ok(if fails == 0 { exit::OK } else { exit::FAILED })
}

fn chosen(args: &SelftestArgs) -> Result<Vec<&'static Check>, Failure> {
    let named = |id: &str| CHECKS.iter().find(|check| check.id.eq_ignore_ascii_case(id));
    if args.only.is_empty() {
        return Ok(CHECKS.iter().filter(|check| check.quick || !args.quick).collect());
    }
    let unknown = |id: &String| {
        let ids: Vec<&str> = CHECKS.iter().map(|check| check.id).collect();
        Failure::usage(format!("no known answer is called \"{id}\"; there are: {}", ids.join(", ")))
    };
    args.only.iter().map(|id| named(id).ok_or_else(|| unknown(id))).collect()
}

fn print(answer: &Answer) {
    output::line(format_args!("{:<5} {}", answer.id, answer.about));
    if let Some(error) = &answer.error {
        output::line(format_args!("      {}: {error}", word(Finding::Fails)));
    }
    let width = answer.known.iter().map(|known| known.what.chars().count()).max().unwrap_or(0);
    for known in &answer.known {
        let Known { what, truth, measured, unit, .. } = known;
        let (truth, measured) = (figure(*truth, *unit), figure(*measured, *unit));
        let interval = known
            .interval
            .map(|(lo, hi)| format!(" [{}, {}]", figure(lo, *unit), figure(hi, *unit)));
        output::line(format_args!(
            "      {what:width$}  truth {truth:>9}  measured {measured:>9}{}  {}  {}",
            interval.unwrap_or_default(),
            limit(known),
            word(known.finding()),
        ));
    }
    if let Some(meaning) = answer.meaning {
        output::line(format_args!("      where it fails: {meaning}"));
    }
    if let Some(foreign) = answer.foreign.filter(|foreign| *foreign > 0.01) {
        let again = if answer.again { ", measured a second time" } else { "" };
        output::line(format_args!("      foreign load {}{again}", human::percent(foreign)));
    }
}

fn word(finding: Finding) -> &'static str {
    match finding {
        Finding::Holds => "holds",
        Finding::Undecided => "UNDECIDED",
        Finding::Fails => "FAILS",
    }
}

fn limit(known: &Known) -> String {
    match known.limit {
        Limit::Relative(share) => format!("±{}", human::percent(share)),
        Limit::Absolute(0.0) => "exactly".into(),
        Limit::Absolute(most) => format!("±{}", figure(most, known.unit)),
        Limit::Above(share) => format!("+{} at most", human::percent(share)),
        Limit::AtMost => "at most".into(),
        Limit::AtLeast => "at least".into(),
        Limit::Margin(margin) => format!("dead heat within {}", human::percent(margin)),
        Limit::Less => "less".into(),
    }
}

fn figure(value: f64, unit: Unit) -> String {
    match unit {
        _ if !value.is_finite() => "none".into(),
        Unit::Ns => human::time(value),
        Unit::Bytes => human::bytes(value),
        Unit::Count => format!("{value:.0}"),
        Unit::Share => format!("{:.2}%", value * 100.0),
        Unit::Number if value.abs() >= 100.0 => format!("{value:.1}"),
        Unit::Number => format!("{value:.4}"),
    }
}
