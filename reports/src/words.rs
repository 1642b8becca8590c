//! Words that every format shares: verdicts, the machine's line, the command that runs a race
//! again.
//!
//! Texts of a record pass through [`clean`] on their way out: a control character in a name could
//! otherwise steer a terminal.

use deadheat_core::{
    record::{Call, Capacity, Kind, Machine, Metric, Race, Record, Role, Verdict, Warning},
    stats::{Row, State, human},
};

mod again;

pub(crate) use self::again::command;

/// The name of the control row in every format.
pub(crate) const TWIN: &str = "same code, twice";

/// The name of the other control row.
pub(crate) const SLOWED: &str = "same code, slowed";

/// The longest text of a record that is shown in one piece, in characters.
const LONGEST: usize = 400;

/// The longest sentence, in characters: beyond anything that a hundred models could make it.
const LONGEST_SENTENCE: usize = 20_000;

/// A text of the record as one line without control or direction-changing characters, and without
/// those that XML does not have.
pub(crate) fn clean(text: &str) -> String {
    cut(text, LONGEST)
}

/// A sentence of our own, which is never cut: only what it quotes could be long.
pub(crate) fn sentence(text: &str) -> String {
    cut(text, LONGEST_SENTENCE)
}

fn cut(text: &str, longest: usize) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
    };
    let mut line: String = text
        .chars()
        .take(longest)
        .map(|c| match c {
            '\n' | '\t' | '\r' => ' ',
            c if hidden(c) => '\u{FFFD}',
            c => c,
        })
        .collect();
    if text.chars().nth(longest).is_some() {
        line.push('…');
    }
    line
}

/// A warning: what is so, and in parentheses what to do about it.
pub(crate) fn warning(warning: &Warning) -> String {
    let text = clean(&warning.text);
    if warning.advice.is_empty() { text } else { format!("{text} ({})", clean(&warning.advice)) }
}

/// A sentence whose numbers stay with their units, and intervals in one piece, where lines break.
pub(crate) fn tie(text: &str) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "ns", "µs", "ms", "s"];
    let mut tied = String::new();
    let mut before = "";
    for word in text.split(' ') {
        let is_unit = units.contains(&word.trim_end_matches([',', ';', '.', ')']));
        let is_end = before.starts_with('[') && before.ends_with(',');
        if !tied.is_empty() {
            let number = before.ends_with(|c: char| c.is_ascii_digit());
            tied.push(if (is_unit && number) || is_end { '\u{A0}' } else { ' ' });
        }
        tied.push_str(word);
        before = word;
    }
    tied
}

/// What a call is called: time is slower or faster, CPU time and memory are more or less.
pub(crate) fn call(metric: Metric, call: Call) -> &'static str {
    let amount = matches!(metric, Metric::CpuTime | Metric::Memory);
    match (call, amount) {
        (Call::Faster, false) => "faster",
        (Call::Faster, true) => "less",
        (Call::FasterSizeUndecided, false) => "faster, size undecided",
        (Call::FasterSizeUndecided, true) => "less, size undecided",
        (Call::DeadHeat, _) => "dead heat",
        (Call::SlowerSizeUndecided, false) => "slower, size undecided",
        (Call::SlowerSizeUndecided, true) => "more, size undecided",
        (Call::Slower, false) => "slower",
        (Call::Slower, true) => "more",
        (Call::Undecided, _) => "undecided",
    }
}

/// Why it cannot run here. The reason may begin with the word itself: "infeasible at 100000: …".
pub(crate) fn infeasible(reason: &str) -> String {
    let said = reason.starts_with("infeasible");
    if said { reason.to_owned() } else { format!("infeasible: {reason}") }
}

/// The last column: the verdict with its resolution and marks, or why there is none.
pub(crate) fn verdict(row: &Row, reference: &str) -> String {
    match (&row.state, &row.verdict) {
        (State::Failed(cause), _) => format!("failed: {}", clean(cause)),
        (State::NotApplicable(reason), _) => format!("not applicable: {}", clean(reason)),
        (State::Infeasible(reason), _) => clean(&infeasible(reason)),
        (State::Absent, _) => "not run".into(),
        _ if row.id == reference => "reference".into(),
        (_, None) => "no verdict".into(),
        (_, Some(verdict)) if verdict.marks.iter().any(|mark| mark == "invalid") => {
            match row.role {
                Role::Model => "not ranked: invalid",
                Role::Twin => "differs from itself",
                Role::Handicapped => "not what it is",
            }
            .into()
        }
        (_, Some(verdict)) => decided(verdict),
    }
}

/// A verdict with its resolution where it is open, and its marks.
pub(crate) fn decided(verdict: &Verdict) -> String {
    let mut text = call(verdict.metric, verdict.verdict).to_owned();
    if let (Call::Undecided, Some(resolution)) = (verdict.verdict, verdict.resolution) {
        text = format!("{text} ±{}", human::percent(resolution));
    }
    for known in verdict.marks.iter().filter_map(|id| mark(id)) {
        text = format!("{text}, {known}");
        if let (true, Some(share)) = (known == "uneven", verdict.slow_share) {
            text = format!("{text}: {} of slices 1.5× slower", human::percent(share));
        }
    }
    text
}

/// A verdict in as few words as there are: why nothing may be said, where that is so.
#[cfg(feature = "html")]
pub(crate) fn shortly(verdict: &Verdict) -> &'static str {
    let silent =
        verdict.marks.iter().find(|id| deadheat_core::stats::mark::SILENT.contains(&id.as_str()));
    let why = silent.filter(|_| verdict.verdict == Call::Undecided).and_then(|id| mark(id));
    why.unwrap_or_else(|| call(verdict.metric, verdict.verdict))
}

/// A mark in a few words; those of later versions have none, nor has what a heading already says.
pub(crate) fn mark(id: &str) -> Option<&'static str> {
    Some(match id {
        "uneven" => "uneven",
        "not-decidable" => "too few samples",
        "within-noise-floor" => "meets the twin",
        "no-floor" => "no control",
        "no-data" => "no data",
        "few-blocks" => "too few blocks",
        "peer-bound" => "peer-bound",
        "blunt" => "blunt",
        "saturated" => "saturated",
        "waits-off-the-clock" => "waits off the clock",
        "generator-limited" => "generator-limited",
        "errors" => "operations failed",
        "never-ended" => "some never ended",
        "listen-overflow" => "connections dropped",
        "outside-its-turn" => "works outside its turn",
        "weather" => "foul weather",
        "depends-on-weather" => "depends on the weather",
        "makes-weather" => "makes its own weather",
        "not-discovered" => "not rare among so many looks",
        _ => return None,
    })
}

/// What stands in the first column.
pub(crate) fn name(row: &Row) -> String {
    match row.role {
        Role::Model => clean(&row.id),
        Role::Twin => TWIN.into(),
        Role::Handicapped => SLOWED.into(),
    }
}

/// The machine in one line.
pub(crate) fn machine(machine: &Machine) -> String {
    let mut parts = Vec::new();
    if !machine.cpu.is_empty() {
        parts.push(clean(&machine.cpu));
    }
    if machine.cpus > 0 {
        parts.push(format!("{} CPU{}", machine.cpus, if machine.cpus == 1 { "" } else { "s" }));
    }
    parts.extend(machine.memory.map(|memory| human::bytes(memory as f64)));
    let system = format!("{} {}", clean(&machine.os), clean(&machine.kernel));
    if !system.trim().is_empty() {
        parts.push(system.trim().to_owned());
    }
    parts.extend(machine.virtualisation.as_deref().map(|by| format!("virtual ({})", clean(by))));
    if parts.is_empty() { "unknown machine".into() } else { parts.join(" · ") }
}

/// The run in one line.
pub(crate) fn run(record: &Record) -> String {
    let run = &record.run;
    let mut parts = vec![format!("deadheat {}", clean(&run.program.version)).trim().to_owned()];
    if !run.profile.is_empty() {
        parts.push(format!("profile {}", clean(&run.profile)));
    }
    parts.push(format!("seed {}", run.seed));
    if !run.started.is_empty() {
        parts.push(clean(&run.started));
    }
    if run.interrupted {
        parts.push("interrupted".into());
    }
    parts.join(" · ")
}

/// How a race was run, in one line.
pub(crate) fn shape(race: &Race) -> String {
    let (slices, timed) = match race.kind {
        Kind::Sliced => ("slices", true),
        Kind::Turns => ("turns", false),
        // One process at a time: an operation after the other, or a slice like any other.
        Kind::Solo if race.load.starts_with("batch-") => ("steps, alone", false),
        Kind::Solo => ("slices, alone", true),
    };
    let mut parts = vec![format!("{} × {} {slices}", race.blocks.len(), race.shape.rounds)];
    if timed && race.shape.window_ns > 0 {
        parts.push(format!("windows of {}", human::time(race.shape.window_ns as f64)));
    }
    if !race.placement.name.is_empty() {
        parts.push(format!("placement {}", clean(&race.placement.name)));
    }
    parts.push(format!("margin ±{}", human::percent(race.margin(race.primary))));
    if !race.foul.is_empty() {
        let rounds = if race.foul.len() == 1 { "round" } else { "rounds" };
        parts.push(format!("{} {rounds} in foul weather", race.foul.len()));
    }
    parts.join(" · ")
}

/// What a capacity search measured, and how: a heading and what stands beside it.
pub(crate) fn capacity(capacity: &Capacity) -> (String, String) {
    let rates = capacity.races.len();
    let rounds = capacity.races.first().map_or(0, |race| race.shape.rounds);
    let done = capacity.races.iter().map(|race| race.blocks.len()).min().unwrap_or(0);
    let ceiling = match capacity.ceiling {
        Some(ceiling) => format!("the generator's own limit {}", human::rate(ceiling)),
        None => "the generator's own limit not known".into(),
    };
    let heading = format!("{} with {}", capacity.scenario, capacity.objective);
    (clean(&heading), format!("{done} blocks × {rounds} at {rates} rates · {ceiling}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(clean("a\x1b[31mb\u{202E}c\nd"), "a\u{FFFD}[31mb\u{FFFD}c d");
        assert_eq!(clean(&"x".repeat(1_000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn numbers_keep_their_units() {
        let tied = tie("costs 467 B, or 9.7 µs [1.0, 1.2] B");
        assert_eq!(tied, "costs 467\u{A0}B, or 9.7\u{A0}µs [1.0,\u{A0}1.2] B");
    }
}
