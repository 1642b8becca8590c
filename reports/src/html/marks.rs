//! What stands beside the verdicts of a race, in words: its controls, and its marks.

use deadheat_core::{
    record::{Control, Race, Role},
    stats::{Row, Summary, human},
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
    all.into_iter().map(|control| checked(control, race.margin(control.metric))).collect()
}

fn checked(control: &Control, margin: f64) -> Checked {
    let name = match control.role {
        Role::Handicapped => words::SLOWED,
        _ => words::TWIN,
    };
    let said = match (control.state.as_str(), control.role) {
        ("ok", Role::Handicapped) => "seen, as it should be",
        ("ok", _) if within(control, margin) => "equal to itself, as it should be",
        ("ok", _) => "not shown to differ from itself",
        ("invalid", Role::Handicapped) => "INVALID: not what it is known to be",
        ("invalid", _) => "INVALID: it differs from itself",
        ("blunt", _) => "BLUNT: a known slowdown was not shown to exceed the margin",
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

/// Whether it is shown to be equal.
fn within(control: &Control, margin: f64) -> bool {
    let ends = control.lo.zip(control.hi);
    ends.is_some_and(|(lo, hi)| lo >= 1.0 / (1.0 + margin) && hi <= 1.0 + margin)
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

/// As many verdicts that fair weather does not change as are told one by one.
const EACH: usize = 2;

/// What the rounds in fair weather say alone, where there were others: with its numbers, unless
/// many verdicts are the same as over all rounds.
pub(super) fn fair(summary: &Summary) -> String {
    let of = |row: &Row| {
        let verdict = row.verdict.as_ref()?;
        let fair = verdict.fair.as_ref()?;
        let interval = human::ratio_interval(fair.ratio, Some((fair.lo, fair.hi)));
        let call = words::call(verdict.metric, fair.verdict);
        let name = words::name(row);
        let text = format!("{name} {interval} {call}");
        Some((fair.verdict == verdict.verdict, name, text))
    };
    let models = summary.rows.iter().filter(|row| row.role == Role::Model);
    let (same, others): (Vec<_>, Vec<_>) = models.filter_map(of).partition(|(same, ..)| *same);
    let mut said: Vec<String> = Vec::new();
    if same.len() > EACH {
        let names: Vec<String> = same.into_iter().map(|(_, name, _)| name).collect();
        said.push(format!("the same verdicts as over all rounds on {}", human::list(&names)));
    } else {
        said.extend(same.into_iter().map(|(_, _, text)| text));
    }
    said.extend(others.into_iter().map(|(_, _, text)| text));
    said.join("; ")
}

fn means(mark: &str) -> &'static str {
    match mark {
        "uneven" => {
            "the totals contradict the typical round: some slices were much slower than most"
        }
        "not-decidable" => {
            "too few samples lie beyond the quantile, or the windows are too short for the queue"
        }
        "within-noise-floor" => {
            "its interval meets that of the same code, raced twice, or that one is not shown to be equal to itself"
        }
        "no-floor" => "there is no control, or it has no interval",
        "invalid" => "a control failed, so nobody is ranked",
        "no-data" => "no block has numbers of both",
        "few-blocks" => "too few blocks for an interval",
        "peer-bound" => "the other end was busy nearly all the time: a tie is no dead heat",
        "saturated" => {
            "less was carried than was offered: its latencies grow with the window and are not compared"
        }
        "waits-off-the-clock" => {
            "its clients, or the reference's, also wait where no latency counts it: not compared"
        }
        "generator-limited" => "the load generator was late: shown, not ranked",
        "depends-on-weather" => "fair rounds and foul rounds say different things",
        "drifting" => "the ratio still moved from round to round",
        "blunt" => "a known slowdown was not seen",
        "errors" => "more than one in a thousand operations failed",
        "never-ended" => "operations that never ended are among those that the quantile is of",
        "listen-overflow" => "the kernel dropped connections, which were tried again later",
        "outside-its-turn" => "more than 1% of its CPU time was used while others had their turn",
        "weather" => "too few rounds were in fair weather to decide",
        "makes-weather" => "its own slices are foul too often for chance, so nothing is set aside",
        "exploratory" => "not what the race was made for",
        "not-discovered" => "among so many looks, one like it is to be expected by chance",
        _ => "a mark of a later version",
    }
}

#[cfg(test)]
mod tests {
    use deadheat_core::record::{Call, Fair, Verdict};

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
        let said = &controls(&race, &Summary::default())[0];
        assert!(said.loud && said.said.starts_with("BLUNT"), "{}", said.said);
    }

    #[test]
    fn verdicts_that_fair_weather_does_not_change_are_told_together() {
        let row = |(id, all, fair): (&str, Call, Call)| {
            let fair = Some(Fair { ratio: 1.5, lo: 1.4, hi: 1.6, n: 8, verdict: fair });
            let verdict = Some(Verdict { verdict: all, fair, ..Verdict::default() });
            Row { id: id.into(), verdict, ..Row::default() }
        };
        let said = |rows: &[_]| {
            let rows = rows.iter().copied().map(row).collect();
            fair(&Summary { rows, ..Summary::default() })
        };
        let all = [
            ("a/a", Call::Slower, Call::Slower),
            ("b/b", Call::DeadHeat, Call::DeadHeat),
            ("c/c", Call::Undecided, Call::Slower),
            ("d/d", Call::Faster, Call::Faster),
        ];
        assert_eq!(
            said(&all),
            "the same verdicts as over all rounds on a/a, b/b and d/d; c/c 1.50 [1.40, 1.60] \
             slower"
        );
        assert_eq!(
            said(&all[1..3]),
            "b/b 1.50 [1.40, 1.60] dead heat; c/c 1.50 [1.40, 1.60] slower"
        );
        assert_eq!(said(&[]), "");
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
