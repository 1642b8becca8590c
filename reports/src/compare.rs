//! Two records side by side, and what may be concluded from them.
//!
//! Contenders of two runs never shared a round, so nothing here is a verdict. On one machine a cell's
//! new cost over its old one is shown with an interval from both, and called *indicative*: the weather
//! of two times is in it, and no interval knows of that. Between two machines costs are not compared
//! at all: only who leads, and the ratios to the reference, which each run measured for itself. What
//! a record says nothing of by itself (a latency at a load that was not kept up with, say) is not
//! compared either.
//!
//! Not in here: reading records and exit codes (the command line's). A gate races both builds in one
//! run.

use deadheat_core::{
    record::{Metric, Race, Record, Role},
    stats::{Estimate, Measures, Row, Summary, applicable, mark, summary_of},
};

use crate::{costs, words};

mod carried;
mod text;

pub use self::{
    carried::{Carries, Searches},
    text::text,
};

/// Each record's interval is made at this level, so that both together hold at 95%.
const ALPHA: f64 = 0.025;

/// Two records, side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Whether both were measured on one machine, as its fingerprint says.
    pub same_machine: bool,
    /// What else differs between the runs, a sentence each.
    pub notes: Vec<String>,
    /// Races of both, in the new record's order.
    pub races: Vec<Pairing>,
    /// Races that only the old record has.
    pub only_base: Vec<String>,
    /// Races that only the new record has.
    pub only_new: Vec<String>,
    /// Searches for capacities that both have; those of one alone are among the races above.
    pub searches: Vec<Searches>,
}

/// A race of both records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairing {
    /// Its id.
    pub race: String,
    /// What differs in how it was run.
    pub notes: Vec<String>,
    /// Why its numbers can't be put side by side.
    pub unlike: Option<String>,
    /// A line per contender and metric.
    pub cells: Vec<Cell>,
    /// Contenders that only one of the records has numbers of.
    pub missing: Vec<String>,
}

/// A contender in both records, by one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The contender's id.
    pub contender: String,
    /// What is compared.
    pub metric: Metric,
    /// Old and new.
    pub sides: [Side; 2],
    /// The new cost ÷ the old one; only on one machine, and where both records say something of it.
    pub change: Option<Change>,
}

/// A contender in one record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// Its cost: median over blocks; 0 where it has none that may be told.
    pub cost: f64,
    /// Why the record says nothing of its cost, in a few words.
    pub silence: Option<&'static str>,
    /// The record's own ratio to the reference, with its interval; 1 for the reference itself.
    pub ratio: Option<(f64, Option<(f64, f64)>)>,
    /// Its place among the models of the race, from 1; those who lead together share it.
    pub place: Option<usize>,
}

/// How a cost changed between two runs on one machine. Indicative: the runs were not interleaved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Above 1: the new one costs more.
    pub ratio: f64,
    /// From both records' blocks; `None` where one of them has too few.
    pub interval: Option<(f64, f64)>,
    /// What it hints at.
    pub hint: Hint,
}

/// What a change hints at. Deliberately none of the words of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The interval lies above the margin.
    Up,
    /// The interval lies below it.
    Down,
    /// The interval lies within it.
    Alike,
    /// None of these.
    Open,
}

/// Puts two records side by side; by each race's own metric only, or by `all` that apply.
pub fn compare(base: &Record, new: &Record, all: bool) -> Comparison {
    let same_machine =
        !base.machine.fingerprint.is_empty() && base.machine.fingerprint == new.machine.fingerprint;
    let find = |record: &Record, id: &str| record.races.iter().position(|race| race.id == id);
    let both = new.races.iter().filter_map(|race| Some((&base.races[find(base, &race.id)?], race)));
    let only = |of: &Record, other: &Record| -> Vec<String> {
        let missing = of.races.iter().filter(|race| find(other, &race.id).is_none());
        missing.map(|race| race.id.clone()).collect()
    };
    let searches = carried::side_by_side(base, new);
    Comparison {
        same_machine,
        notes: notes(base, new),
        races: both.map(|(base, new)| pairing(base, new, same_machine, all)).collect(),
        only_base: [only(base, new), searches.only_base].concat(),
        only_new: [only(new, base), searches.only_new].concat(),
        searches: searches.shared,
    }
}

fn notes(base: &Record, new: &Record) -> Vec<String> {
    let (a, b) = (&base.run.program, &new.run.program);
    let mut differs = vec![
        ("program", format!("{} {}", a.version, a.git), format!("{} {}", b.version, b.git)),
        ("compiler", a.rustc.clone(), b.rustc.clone()),
        ("build", a.profile.clone(), b.profile.clone()),
        ("kernel", base.machine.kernel.clone(), new.machine.kernel.clone()),
        ("profile", base.run.profile.clone(), new.run.profile.clone()),
    ];
    let versions = a.lock.keys().chain(b.lock.keys().filter(|name| !a.lock.contains_key(*name)));
    let none = || "none".to_owned();
    differs.extend(versions.map(|name| {
        let of = |lock: &std::collections::BTreeMap<String, String>| {
            lock.get(name).cloned().unwrap_or_else(none)
        };
        (name.as_str(), of(&a.lock), of(&b.lock))
    }));
    differs.retain(|(_, a, b)| a != b);
    differs.iter().map(|(what, a, b)| format!("{what}: {} → {}", a.trim(), b.trim())).collect()
}

fn pairing(base: &Race, new: &Race, same_machine: bool, all: bool) -> Pairing {
    let sides = [Shown::of(base), Shown::of(new)];
    let unlike = unlike(&sides);
    let mut pairing = Pairing {
        race: new.id.clone(),
        notes: run_differently(base, new),
        unlike,
        ..Pairing::default()
    };
    if pairing.unlike.is_some() {
        return pairing;
    }
    let metrics = if all { applicable(new) } else { vec![sides[1].summary.metric] };
    let mut ids: Vec<&String> = new.contenders.iter().map(|contender| &contender.id).collect();
    ids.extend(base.contenders.iter().map(|c| &c.id).filter(|id| new.contender(id).is_none()));
    for id in ids {
        let is_model = |race: &Race| race.contender(id).is_none_or(|c| c.role == Role::Model);
        if !is_model(base) || !is_model(new) {
            continue;
        }
        let cells: Vec<Cell> =
            metrics.iter().filter_map(|metric| cell(&sides, id, *metric, same_machine)).collect();
        let has_any = sides.iter().any(|side| !side.measures.costs(metrics[0], id).is_empty());
        if cells.is_empty() && has_any {
            pairing.missing.push(id.clone());
        }
        pairing.cells.extend(cells);
    }
    pairing
}

/// A race with everything that is shown of it.
struct Shown<'a> {
    race: &'a Race,
    measures: Measures<'a>,
    summary: Summary,
}

impl<'a> Shown<'a> {
    fn of(race: &'a Race) -> Self {
        let measures = Measures::of(race);
        let summary = summary_of(&measures);
        Self { race, measures, summary }
    }

    /// Why its own race says nothing of a contender's cost.
    fn silence(&self, metric: Metric, id: &str) -> Option<&'static str> {
        let is_beyond = self.measures.is_beyond(metric, id);
        let never_ended = || if is_beyond { words::mark(mark::NEVER_ENDED) } else { None };
        costs::silence((self.race, &self.summary), id, metric).or_else(never_ended)
    }

    fn estimate(&self, metric: Metric, id: &str) -> Option<Estimate> {
        let costs = self.measures.costs(metric, id);
        let estimate = Estimate::of(&costs, ALPHA);
        (estimate.n > 0 && estimate.point > 0.0).then_some(estimate)
    }

    fn side(&self, metric: Metric, id: &str) -> Option<Side> {
        if let Some(why) = self.silence(metric, id) {
            return Some(Side { silence: Some(why), ..Side::default() });
        }
        let cost = self.estimate(metric, id)?.point;
        let verdicts = self.race.verdicts.iter();
        let verdict = verdicts.filter(|verdict| verdict.n > 0);
        let mut verdict = verdict.filter(|verdict| verdict.metric == metric && verdict.a == id);
        let reference = &self.race.reference;
        let ratio = if id == reference {
            Some((1.0, None))
        } else if self.silence(metric, reference).is_some() {
            None
        } else {
            verdict.next().map(|verdict| (verdict.ratio, verdict.lo.zip(verdict.hi)))
        };
        let place = if metric == self.summary.metric { self.place(id) } else { None };
        Some(Side { cost, silence: None, ratio, place })
    }

    /// By the ratio to the reference, the leading group in front: its order has no meaning.
    fn place(&self, id: &str) -> Option<usize> {
        let group = self.summary.group.as_ref()?;
        if group.members.iter().any(|member| member == id) {
            return Some(1);
        }
        let ratio = |row: &Row| match &row.verdict {
            _ if row.id == self.summary.reference => Some(1.0),
            Some(verdict) if verdict.n > 0 => Some(verdict.ratio),
            _ => None,
        };
        let rows = || self.summary.rows.iter().filter(|row| row.role == Role::Model);
        let own = rows().find(|row| row.id == id).and_then(ratio)?;
        let before = rows().filter(|row| {
            group.members.contains(&row.id) || ratio(row).is_some_and(|other| other < own)
        });
        Some(before.count() + 1)
    }
}

fn cell(sides: &[Shown<'_>; 2], id: &str, metric: Metric, same_machine: bool) -> Option<Cell> {
    let [base, new] = sides;
    let change = || {
        let (old, new_) = (base.estimate(metric, id)?, new.estimate(metric, id)?);
        let interval = old.interval.zip(new_.interval).map(|(a, b)| (b.0 / a.1, b.1 / a.0));
        let hint = hint(interval, new.race.margin(metric));
        Some(Change { ratio: new_.point / old.point, interval, hint })
    };
    let sides = [base.side(metric, id)?, new.side(metric, id)?];
    let is_told = sides.iter().all(|side| side.silence.is_none());
    Some(Cell {
        contender: id.to_owned(),
        metric,
        sides,
        change: if same_machine && is_told { change() } else { None },
    })
}

fn hint(interval: Option<(f64, f64)>, margin: f64) -> Hint {
    match interval {
        Some((lo, _)) if lo > 1.0 + margin => Hint::Up,
        Some((_, hi)) if hi < 1.0 / (1.0 + margin) => Hint::Down,
        Some((lo, hi)) if lo >= 1.0 / (1.0 + margin) && hi <= 1.0 + margin => Hint::Alike,
        _ => Hint::Open,
    }
}

/// Why the numbers of two races can't be put side by side.
fn unlike([base, new]: &[Shown<'_>; 2]) -> Option<String> {
    let (a, b) = (base.race, new.race);
    let differs = [
        ("it was raced on other CPUs: placement", &a.placement.name, &b.placement.name),
        ("the ratios are to different references:", &a.reference, &b.reference),
    ];
    for (what, a, b) in differs {
        if a != b {
            return Some(format!("{what} {a} and {b}"));
        }
    }
    if a.params != b.params || a.load != b.load || a.scenario != b.scenario {
        return Some("one id, but not one scenario, load and parameters".into());
    }
    let (a, b) = (base.summary.metric, new.summary.metric);
    if a != b {
        return Some(format!("they are about different metrics: {a} and {b}"));
    }
    let invalid = [(base, "old"), (new, "new")];
    let invalid = invalid.into_iter().find(|(side, _)| side.summary.is_invalid());
    invalid.map(|(_, which)| format!("the {which} race is INVALID, and its numbers mean nothing"))
}

/// What differs in how a race was run, and may be the reason for what is seen.
fn run_differently(base: &Race, new: &Race) -> Vec<String> {
    let (a, b) = (&base.shape, &new.shape);
    let ms = |ns: u64| super::human::time(ns as f64);
    let differs = [
        ("blocks", base.blocks.len().to_string(), new.blocks.len().to_string()),
        ("rounds", a.rounds.to_string(), b.rounds.to_string()),
        ("window", ms(a.window_ns), ms(b.window_ns)),
        ("sessions", a.sessions.to_string(), b.sessions.to_string()),
        ("operations per sample", a.ops_per_sample.to_string(), b.ops_per_sample.to_string()),
    ];
    let differs = differs.into_iter().filter(|(_, a, b)| a != b);
    differs.map(|(what, a, b)| format!("{what}: {a} → {b}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_no_verdict_and_needs_the_whole_interval() {
        for (interval, wanted) in [
            (Some((1.06, 1.2)), Hint::Up),
            (Some((0.7, 0.95)), Hint::Down),
            (Some((0.97, 1.04)), Hint::Alike),
            (Some((1.02, 1.2)), Hint::Open),
            (None, Hint::Open),
        ] {
            assert_eq!(hint(interval, 0.05), wanted, "{interval:?}");
        }
    }

    #[test]
    fn without_a_fingerprint_no_two_machines_are_the_same() {
        assert!(!compare(&Record::default(), &Record::default(), false).same_machine);
    }
}
