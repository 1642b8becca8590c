//! A record as other tools take it: per cell and metric one cost, with an interval.
//!
//! A cost is the median over blocks of what the contender itself cost, with the exact 95% interval
//! of that median: unlike a verdict it is not paired with the reference, so it keeps all of the
//! machine's noise. Nothing is averaged. A quantile is the median of the blocks' quantiles, and so
//! another figure than that of all blocks merged, which tables show.
//!
//! Controls are left out, and so are races that their controls void, and costs of which the race
//! itself says nothing (too few samples, saturated, late arrivals …): these tools rank and raise
//! alarms by whatever they are given. A cost that lies among operations that never ended, in
//! whatever block, has no median over blocks.

use deadheat_core::{
    record::{Contender, Metric, Race, Record, Role, Verdict},
    stats::{Estimate, Measures, Summary, applicable, mark, summary},
};

use crate::{names::cell, words};

/// What one contender of a race cost.
pub(crate) struct Cell<'a> {
    pub(crate) race: &'a Race,
    pub(crate) contender: &'a Contender,
    /// `SCENARIO/FAMILY/VARIANT/LOAD…`, without control characters.
    pub(crate) id: String,
    /// Only those that were measured, the primary one first.
    pub(crate) costs: Vec<Cost>,
}

/// A cost by one metric: less is better.
pub(crate) struct Cost {
    pub(crate) metric: Metric,
    /// Median over blocks, in [`unit`]s.
    pub(crate) value: f64,
    /// Where there are enough blocks for one.
    pub(crate) interval: Option<(f64, f64)>,
    /// One per block.
    pub(crate) blocks: Vec<f64>,
}

/// A race, summed up, with every contender of it that has numbers.
pub(crate) struct Raced<'a> {
    pub(crate) race: &'a Race,
    pub(crate) summary: Summary,
    /// Controls included.
    pub(crate) cells: Vec<Cell<'a>>,
}

/// Every race, whether it may be believed or not.
pub(crate) fn races(record: &Record) -> Vec<Raced<'_>> {
    let raced = |race| Raced { race, summary: summary(race), cells: contenders(race) };
    record.races.iter().map(raced).collect()
}

/// The races that may be believed, with their models only.
pub(crate) fn believed(record: &Record) -> Vec<Raced<'_>> {
    let mut races = races(record);
    races.retain(|raced| !raced.summary.is_invalid());
    for raced in &mut races {
        raced.cells.retain(|cell| cell.contender.role == Role::Model);
        for cell in &mut raced.cells {
            cell.costs.retain(|cost| {
                is_said((raced.race, &raced.summary), &cell.contender.id, cost.metric)
            });
        }
    }
    races
}

/// Whether the race says anything of a contender's cost.
fn is_said(raced: (&Race, &Summary), id: &str, metric: Metric) -> bool {
    silence(raced, id, metric).is_none()
}

/// Why the race says nothing of a contender's cost, in a few words: its own conditions do not allow
/// it, or too few samples decide it. `None`: it stands.
pub(crate) fn silence(
    (race, summary): (&Race, &Summary),
    id: &str,
    metric: Metric,
) -> Option<&'static str> {
    let is_tail = matches!(metric, Metric::P50 | Metric::P99);
    let row = summary.rows.iter().find(|row| row.id == id);
    let own = row.map(|row| row.conditions).unwrap_or_default();
    let is_beyond = row.is_some_and(|row| row.beyond.contains(&metric));
    let is_thin = |verdict: &Verdict| verdict.marks.iter().any(|m| m == mark::NOT_DECIDABLE);
    let about =
        |verdict: &&Verdict| verdict.metric == metric && (verdict.a == id || verdict.b == id);
    // Whoever raced alone was compared with nobody, and its cost stands.
    let mut verdicts = race.verdicts.iter().filter(about).peekable();
    let is_decided = verdicts.peek().is_none() || verdicts.any(|verdict| !is_thin(verdict));
    let reasons = [
        (is_tail && own.saturated, mark::SATURATED),
        (is_tail && own.waits_off_the_clock, mark::WAITS_OFF_THE_CLOCK),
        (own.generator_limited, mark::GENERATOR_LIMITED),
        (is_beyond, mark::NEVER_ENDED),
        (!is_decided, mark::NOT_DECIDABLE),
    ];
    reasons.into_iter().find(|(is, _)| *is).and_then(|(_, mark)| words::mark(mark))
}

/// The models of every race that may be believed.
pub(crate) fn cells(record: &Record) -> Vec<Cell<'_>> {
    believed(record).into_iter().flat_map(|raced| raced.cells).collect()
}

fn contenders(race: &Race) -> Vec<Cell<'_>> {
    let measures = Measures::of(race);
    let cell = |contender| {
        let costs: Vec<Cost> = costs(&measures, contender);
        Cell { race, contender, id: cell(race, &contender.id), costs }
    };
    race.contenders.iter().map(cell).filter(|cell| !cell.costs.is_empty()).collect()
}

fn costs(measures: &Measures<'_>, contender: &Contender) -> Vec<Cost> {
    let of = |metric: Metric| Cost::of(metric, measures.costs(metric, &contender.id));
    // The median of those blocks alone that have a value would be too small.
    let is_known = |metric: &Metric| !measures.is_beyond(*metric, &contender.id);
    applicable(measures.race()).into_iter().filter(is_known).filter_map(of).collect()
}

impl Cost {
    fn of(metric: Metric, blocks: Vec<f64>) -> Option<Self> {
        let estimate = Estimate::of(&blocks, 0.05);
        let (value, interval) = (estimate.point, estimate.interval);
        (estimate.n > 0).then_some(Self { metric, value, interval, blocks })
    }

    /// Operations per second, where that is what the cost is the inverse of: value and interval.
    pub(crate) fn rate(&self) -> Option<(f64, Option<(f64, f64)>)> {
        let per_second = |cost: f64| 1e9 / cost;
        let interval = self.interval.map(|(lo, hi)| (per_second(hi), per_second(lo)));
        (self.metric == Metric::Throughput).then(|| (per_second(self.value), interval))
    }
}

/// What a cost is counted in.
pub(crate) fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::Throughput | Metric::Makespan | Metric::CpuTime => "ns/op",
        Metric::P50 | Metric::P99 => "ns",
        Metric::Memory => "bytes/unit",
    }
}

/// The comparison with the reference on a cost's metric, in a few words.
pub(crate) fn compared(summary: &Summary, id: &str) -> Option<String> {
    let row = summary.rows.iter().find(|row| row.id == id)?;
    Some(words::verdict(row, &summary.reference))
}
