//! What of a race is told to those who unfold it: how it was run, what the scenario saw, what
//! slices waited for, and what they did to each other.

use std::collections::{BTreeMap, BTreeSet};

use deadheat_core::{
    record::{Race, Record, Role, Slice, Trial},
    stats::{Summary, human},
};
use serde_json::Value;

use crate::{table, words};

/// Different values of a fact that are told one by one.
const KINDS: usize = 3;

/// What the scenario observed besides, a line for each fact. Where contenders saw different things,
/// each is named.
pub(super) fn facts(race: &Race) -> Vec<String> {
    let mut facts: BTreeMap<&str, Vec<(String, Vec<String>)>> = BTreeMap::new();
    for contender in &race.contenders {
        let trials: Vec<&Trial> = race
            .trials(&contender.id)
            .map(|(_, trial)| trial)
            .filter(|trial| trial.outcome.is_ok())
            .collect();
        // Times are the other end's witness (Little's law), and no findings.
        let names = trials.iter().copied().flat_map(|trial| trial.facts.keys());
        let names = names.filter(|name| !name.ends_with("_ns"));
        let names: BTreeSet<&str> = names.map(String::as_str).collect();
        for name in names {
            let own = seen(trials.iter().filter_map(|trial| trial.facts.get(name)));
            let all = facts.entry(name).or_default();
            match all.iter_mut().find(|known| known.0 == own) {
                Some(known) => known.1.push(contender.id.clone()),
                None => all.push((own, vec![contender.id.clone()])),
            }
        }
    }
    let line = |(name, values): (&str, Vec<(String, Vec<String>)>)| {
        let said: Vec<String> = match values.as_slice() {
            [(value, _)] => vec![value.clone()],
            many => {
                let own = many.iter().map(|(value, who)| format!("{value} ({})", human::list(who)));
                own.collect()
            }
        };
        words::clean(&format!("{}: {}", name.replace('_', " "), said.join("; ")))
    };
    facts.into_iter().map(line).collect()
}

/// What a fact was over the blocks: a number with its range, or whatever it is.
fn seen<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    let values: Vec<&Value> = values.collect();
    let mut numbers: Vec<f64> = values.iter().filter_map(|value| value.as_f64()).collect();
    numbers.sort_by(f64::total_cmp);
    if let (true, [least, .., most]) = (numbers.len() == values.len(), numbers.as_slice())
        && most > least
    {
        return format!("{least} to {most}");
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let kinds: BTreeSet<String> = values.into_iter().map(text).collect();
    if kinds.len() > KINDS {
        return format!("{} different ones", kinds.len());
    }
    kinds.into_iter().collect::<Vec<_>>().join(" or ")
}

/// What a contender waited for, by operation.
pub(super) struct Spent {
    pub(super) name: String,
    /// Runnable, and not running.
    pub(super) delay: String,
    pub(super) faults: String,
}

/// Those that have numbers; nobody, where none of it is available.
pub(super) fn spent(race: &Race, summary: &Summary) -> Vec<Spent> {
    let rows = summary.rows.iter().filter(|row| row.has_numbers());
    let all: Vec<(String, Option<f64>, Option<f64>)> = rows
        .map(|row| {
            let delay = per_op(race, &row.id, |slice| slice.run_delay_ns);
            let faults = per_op(race, &row.id, |slice| slice.faults);
            (words::name(row), delay, faults)
        })
        .collect();
    if all.iter().all(|(_, delay, faults)| delay.is_none() && faults.is_none()) {
        return Vec::new();
    }
    let none = || table::NONE.to_owned();
    all.into_iter()
        .map(|(name, delay, faults)| Spent {
            name,
            delay: delay.map_or_else(none, human::time),
            faults: faults.map_or_else(none, human::count),
        })
        .collect()
}

/// Over the slices in which it was counted.
fn per_op(race: &Race, id: &str, of: fn(&Slice) -> Option<u64>) -> Option<f64> {
    let trials = race.trials(id).map(|(_, trial)| trial).filter(|trial| trial.outcome.is_ok());
    let counted = trials.flat_map(|trial| &trial.slices).filter_map(|s| Some((of(s)?, s.executed)));
    let (sum, executed) = counted.fold((0.0, 0.0), |(sum, executed), (count, operations)| {
        (sum + count as f64, executed + operations as f64)
    });
    (executed > 0.0).then(|| sum / executed)
}

/// What it costs to run after somebody.
pub(super) struct Carried {
    pub(super) predecessor: String,
    pub(super) effect: String,
    pub(super) said: &'static str,
    pub(super) cases: String,
}

/// Every predecessor's effect, whether it is shown to be one or not.
pub(super) fn carried_over(race: &Race, summary: &Summary) -> Vec<Carried> {
    let name = |id: &str| match race.contender(id).map(|contender| contender.role) {
        Some(Role::Twin) => words::TWIN.into(),
        Some(Role::Handicapped) => words::SLOWED.into(),
        _ => words::clean(id),
    };
    let effects = summary.course.carry_over.iter();
    effects
        .map(|of| Carried {
            predecessor: name(&of.predecessor),
            effect: match of.effect.interval {
                Some((lo, hi)) => {
                    format!("{} [{}, {}]", change(of.effect.point), change(lo), change(hi))
                }
                None => format!("{} [no interval]", change(of.effect.point)),
            },
            said: match of.is_shown() {
                true if of.effect.point > 0.0 => "costs more",
                true => "costs less",
                false => "not shown to be any",
            },
            cases: human::whole(of.cases as u64),
        })
        .collect()
}

/// A difference on the log scale, as a share with its sign.
fn change(ln: f64) -> String {
    let sign = if ln < 0.0 { "−" } else { "+" };
    format!("{sign}{}", human::percent(ln.exp_m1()))
}

/// Everything that makes the race what it is.
pub(super) fn conditions(record: &Record, race: &Race) -> Vec<(String, String)> {
    let shape = &race.shape;
    let time = |ns: u64| if ns == 0 { String::new() } else { human::time(ns as f64) };
    let warm = match (shape.warmup_lead_ns, shape.warmup_window_ns) {
        (lead, warm @ 1..) if shape.warmup > 0 => {
            let lead = if lead == 0 { shape.lead_ns } else { lead };
            format!(" (windows of {} after {})", time(warm), time(lead))
        }
        _ => String::new(),
    };
    let rounds = format!("{} and {} warm-up{warm}", shape.rounds, shape.warmup);
    let cpus = |cpus: &[usize]| cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let margins: Vec<String> = deadheat_core::stats::applicable(race)
        .into_iter()
        .map(|metric| format!("{} ±{}", metric.id(), human::percent(race.margin(metric))))
        .collect();
    let mut conditions = vec![
        ("scenario".to_owned(), race.scenario.clone()),
        ("load".into(), race.load.clone()),
        ("kind".into(), format!("{:?}", race.kind).to_lowercase()),
        ("decided by".into(), race.primary.name().into()),
        ("reference".into(), race.reference.clone()),
        ("margins".into(), margins.join(", ")),
        ("placement".into(), race.placement.name.clone()),
        ("CPUs of contenders".into(), cpus(&race.placement.sut)),
        ("CPUs of peers".into(), cpus(&race.placement.peer)),
        ("CPUs of the harness".into(), cpus(&race.placement.harness)),
        ("blocks".into(), format!("{} of {}", race.blocks.len(), shape.blocks)),
        ("rounds of a block".into(), rounds),
        ("lead-in, at least".into(), time(shape.lead_ns)),
        ("window".into(), time(shape.window_ns)),
        ("lead-out".into(), time(shape.out_ns)),
        ("drain, at most".into(), time(shape.drain_ns)),
        ("sessions".into(), shape.sessions.to_string()),
        ("seed of the run".into(), record.run.seed.to_string()),
    ];
    // What was not measured is said, and never zero.
    let slices = || race.blocks.iter().flat_map(|b| &b.trials).flat_map(|trial| &trial.slices);
    let is_counted = |of: fn(&Slice) -> bool| slices().any(of);
    for (name, counted) in [
        ("run-queue delay", is_counted(|slice| slice.run_delay_ns.is_some())),
        ("system calls", is_counted(|slice| slice.more.contains_key("system_calls"))),
    ] {
        if !counted {
            conditions.push((name.into(), "not available".into()));
        }
    }
    if shape.ops_per_sample > 1 {
        conditions.push(("operations per sample".into(), shape.ops_per_sample.to_string()));
    }
    conditions.extend(race.params.iter().map(|(key, value)| (key.clone(), value.clone())));
    let filled = conditions.into_iter().filter(|(_, value)| !value.is_empty());
    filled.map(|(name, value)| (words::clean(&name), words::clean(&value))).collect()
}

#[cfg(test)]
mod tests {
    use deadheat_core::{
        record::{Block, Contender},
        stats::{CarryOver, Course, Estimate, Row},
    };
    use serde_json::json;

    use super::*;

    /// Two contenders in two blocks, each with a slice of ten operations.
    fn raced(facts: impl Fn(&str, usize) -> Value) -> Race {
        let trial = |id: &str, block| {
            let slice = Slice { executed: 10, run_delay_ns: Some(5_000), ..Slice::default() };
            let facts = BTreeMap::from([("completion_order".to_owned(), facts(id, block))]);
            Trial { contender: id.into(), facts, slices: vec![slice], ..Trial::default() }
        };
        let block = |index| Block {
            index,
            trials: ["a/a", "b/b"].map(|id| trial(id, index)).into(),
            ..Block::default()
        };
        let contender = |id: &str| Contender { id: id.into(), ..Contender::default() };
        Race {
            contenders: ["a/a", "b/b"].map(contender).into(),
            blocks: [0, 1].map(block).into(),
            ..Race::default()
        }
    }

    #[test]
    fn facts_are_told_once_where_all_saw_the_same() {
        let same = facts(&raced(|_, _| json!([0, 1])));
        assert_eq!(same, ["completion order: [0,1]"]);
        let apart = facts(&raced(|id, block| if id == "a/a" { json!(block) } else { json!("x") }));
        assert_eq!(apart, ["completion order: 0 to 1 (a/a); x (b/b)"]);
        let either = facts(&raced(|_, block| json!([block])));
        assert_eq!(either, ["completion order: [0] or [1]"]);
        let mut witness = raced(|_, _| json!(1));
        for trial in witness.blocks.iter_mut().flat_map(|block| &mut block.trials) {
            trial.facts = [("in_flight_ns".to_owned(), json!(3_287_867_970_u64))].into();
        }
        assert!(facts(&witness).is_empty());
        assert!(facts(&Race::default()).is_empty());
    }

    #[test]
    fn what_was_not_counted_is_said_and_what_was_is_by_operation() {
        let race = raced(|_, _| json!(1));
        let row = Row { id: "a/a".into(), ..Row::default() };
        let summary = Summary { rows: vec![row], ..Summary::default() };
        let all = spent(&race, &summary);
        assert_eq!((all[0].delay.as_str(), all[0].faults.as_str()), ("500 ns", "–"));
        assert!(spent(&Race::default(), &summary).is_empty());
        let not = |race: &Race| -> Vec<String> {
            let all = conditions(&Record::default(), race).into_iter();
            all.filter(|(_, value)| value == "not available").map(|(name, _)| name).collect()
        };
        assert_eq!(not(&race), ["system calls"]);
        assert_eq!(not(&Race::default()), ["run-queue delay", "system calls"]);
    }

    #[test]
    fn every_predecessor_has_its_effect() {
        let of = |predecessor: &str, point, interval| CarryOver {
            predecessor: predecessor.into(),
            effect: Estimate { point, interval, k: 1, n: 8 },
            cases: 40,
        };
        let carry_over =
            vec![of("a/a", 0.1, Some((0.05, 0.15))), of("b/b", -0.001, Some((-0.01, 0.01)))];
        let course = Course { carry_over, ..Course::default() };
        let told = carried_over(&Race::default(), &Summary { course, ..Summary::default() });
        let said: Vec<(&str, &str)> = told.iter().map(|of| (of.effect.as_str(), of.said)).collect();
        assert_eq!(
            said,
            [("+11% [+5.1%, +16%]", "costs more"), ("−0.1% [−1.0%, +1.0%]", "not shown to be any")]
        );
    }
}
