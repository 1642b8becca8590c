//! What stands beside the verdicts of a race, in words: its controls, and its marks.

use deadheat_core::{
    record::{Control, Race, Role},
    stats::{Summary, human},
};

use crate::words;

/// A control by one metric.
pub(super) struct Checked {
    pub(super) name: String,
    pub(super) metric: &'static str,
    pub(super) truth: String,
    pub(super) found: String,
    pub(super) said: String,
    pub(super) loud: bool,
}

/// Every control of a race by every metric, the judged one first.
pub(super) fn controls(race: &Race, summary: &Summary) -> Vec<Checked> {
    let mut all: Vec<&Control> = race.controls.iter().collect();
    all.sort_by_key(|control| control.metric != summary.metric);
    all.into_iter().map(checked).collect()
}

fn checked(control: &Control) -> Checked {
    let name = match control.role {
        Role::Handicapped => "same code, handicapped",
        _ => words::TWIN,
    };
    let said = match (control.state.as_str(), control.role) {
        ("ok", Role::Handicapped) => "seen, as it should be",
        ("ok", _) => "equal to itself, as it should be",
        ("invalid", Role::Handicapped) => "INVALID: not what it is known to be",
        ("invalid", _) => "INVALID: it differs from itself",
        ("blunt", _) => "BLUNT: a known slowdown was not seen",
        ("no-interval", _) => "too few blocks for an interval",
        (other, _) => &words::clean(other),
    };
    Checked {
        name: name.into(),
        metric: control.metric.name(),
        truth: human::ratio(control.truth),
        found: human::ratio_interval(control.ratio, control.lo.zip(control.hi)),
        loud: matches!(control.state.as_str(), "invalid" | "blunt"),
        said: said.to_owned(),
    }
}

/// Whether a known slowdown was not seen, by the metric that the race is judged by.
pub(super) fn is_blunt(race: &Race, summary: &Summary) -> bool {
    let judged = race.controls.iter().filter(|control| control.metric == summary.metric);
    judged.into_iter().any(|control| control.state == "blunt")
}

/// Whether a control says that the race can't be believed.
pub(super) fn is_invalid(race: &Race, summary: &Summary) -> bool {
    let judged = race.controls.iter().filter(|control| control.metric == summary.metric);
    summary.is_invalid() || judged.into_iter().any(|control| control.state == "invalid")
}

/// A mark, who has it, and what it means.
pub(super) struct Marked {
    pub(super) mark: String,
    pub(super) who: String,
    pub(super) means: &'static str,
}

/// The marks on the judged verdicts, each with the contenders that have it.
pub(super) fn marked(summary: &Summary) -> Vec<Marked> {
    let mut marks: Vec<(&str, Vec<String>)> = Vec::new();
    for row in summary.rows.iter().filter(|row| row.role == Role::Model) {
        for mark in row.verdict.iter().flat_map(|verdict| &verdict.marks) {
            let name = words::name(row);
            match marks.iter_mut().find(|known| known.0 == mark) {
                Some(known) => known.1.push(name),
                None => marks.push((mark, vec![name])),
            }
        }
    }
    marks
        .into_iter()
        .map(|(mark, who)| Marked {
            mark: words::clean(mark).replace('-', " "),
            who: human::list(&who),
            means: means(mark),
        })
        .collect()
}

fn means(mark: &str) -> &'static str {
    match mark {
        "uneven" => {
            "the totals contradict the typical round: some slices were much slower than most"
        }
        "not-decidable" => {
            "too few samples lie beyond the quantile, or the windows are too short for the queue"
        }
        "within-noise-floor" => "the same code, raced twice, differs as much from itself",
        "no-floor" => "there is no control, or it has no interval",
        "invalid" => "a control failed, so nobody is ranked",
        "no-data" => "no block has numbers of both",
        "few-blocks" => "too few blocks for an interval",
        "peer-bound" => "the other end was busy nearly all the time: a tie is no dead heat",
        "saturated" => {
            "less was carried than was offered: its latencies grow with the window and are not compared"
        }
        "generator-limited" => "the load generator was late: shown, not ranked",
        "depends-on-weather" => "fair rounds and foul rounds say different things",
        "drifting" => "the ratio still moved from round to round",
        _ => "a mark of a later version",
    }
}

#[cfg(test)]
mod tests {
    use deadheat_core::record::{Metric, Verdict};
    use deadheat_core::stats::Row;

    use super::*;

    #[test]
    fn a_handicap_that_was_not_seen_is_said() {
        let control = Control {
            role: Role::Handicapped,
            truth: 1.1,
            ratio: 1.02,
            lo: Some(0.9),
            hi: Some(1.2),
            state: "blunt".into(),
            ..Control::default()
        };
        let race = Race { controls: vec![control], ..Race::default() };
        let summary = Summary { metric: Metric::Throughput, ..Summary::default() };
        assert!(is_blunt(&race, &summary) && !is_invalid(&race, &summary));
        let said = &controls(&race, &summary)[0];
        assert!(said.loud && said.said.starts_with("BLUNT"), "{}", said.said);
    }

    #[test]
    fn unknown_marks_are_shown_and_known_ones_explained() {
        let row = |id: &str, marks: &[&str]| Row {
            id: id.into(),
            verdict: Some(Verdict {
                marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
                ..Verdict::default()
            }),
            ..Row::default()
        };
        let rows = vec![row("a/a", &["uneven"]), row("b/b", &["uneven", "of-tomorrow"])];
        let marks = marked(&Summary { rows, ..Summary::default() });
        assert_eq!((marks[0].mark.as_str(), marks[0].who.as_str()), ("uneven", "a/a and b/b"));
        assert_eq!(
            (marks[1].mark.as_str(), marks[1].means),
            ("of tomorrow", "a mark of a later version")
        );
    }
}
