//! A race's costs per contender and block, and the paired log ratios between any two contenders.
//!
//! Histograms are decoded once, here; after that a comparison is arithmetic, so that all pairs of
//! a race can be compared (leading group) for little more than all against one.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    estimate::median,
    histogram::{self, quantile},
    regression::memory_line,
};
use crate::record::{Metric, Race, Slice, Trial};

/// Samples beyond a quantile that let it be shown.
pub(super) const SHOWN: f64 = 10.0;
/// Samples beyond a quantile, per block, that let it decide.
pub(super) const DECIDES: f64 = 100.0;
/// A slice this much slower than its model's own median is one of the slow ones.
const SLOW: f64 = 1.5;
/// Relaxation times that the windows of an open load must cover before its tail decides.
const RELAXATIONS: f64 = 400.0;

/// A race, ready to be compared.
#[derive(Clone, Debug)]
pub struct Measures<'a> {
    race: &'a Race,
    trials: BTreeMap<&'a str, BTreeMap<usize, Costs>>,
    /// Contenders whose windows are too short for their queues.
    hasty: BTreeSet<&'a str>,
}

/// One block's comparison of two contenders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The block's index.
    pub block: usize,
    /// d: the median over rounds of the log ratio, or the log ratio of the block's quantiles or
    /// slopes.
    pub d: f64,
    /// D: the log ratio of the block's totals, where the metric has rounds.
    pub total: Option<f64>,
}

/// What a trial cost.
#[derive(Clone, Debug, Default)]
struct Costs {
    throughput: BTreeMap<usize, Spent>,
    makespan: BTreeMap<usize, Spent>,
    cpu_time: BTreeMap<usize, Spent>,
    p50: Tail,
    p99: Tail,
    memory: Option<f64>,
}

/// Time and what it was spent on.
#[derive(Clone, Copy, Debug)]
struct Spent {
    time: u64,
    ops: u64,
}

/// A quantile of a block.
#[derive(Clone, Copy, Debug, Default)]
struct Tail {
    value: Option<f64>,
    decides: bool,
}

impl<'a> Measures<'a> {
    /// Reads a race. Failed trials have no costs, nor have slices that do not count.
    pub fn of(race: &'a Race) -> Self {
        let mut trials: BTreeMap<&str, BTreeMap<usize, Costs>> = BTreeMap::new();
        for block in &race.blocks {
            for trial in block.trials.iter().filter(|trial| trial.outcome.is_ok()) {
                let of_contender = trials.entry(&trial.contender).or_default();
                of_contender.entry(block.index).or_insert_with(|| Costs::of(race, trial));
            }
        }
        let hasty = trials.keys().copied().filter(|id| !is_relaxed(race, id)).collect();
        Self { race, trials, hasty }
    }

    /// The race.
    pub fn race(&self) -> &'a Race {
        self.race
    }

    /// Blocks in which both have this metric, with a's cost over b's on the log scale.
    pub fn pairs(&self, metric: Metric, a: &str, b: &str) -> Vec<Pair> {
        let (Some(of_a), Some(of_b)) = (self.trials.get(a), self.trials.get(b)) else {
            return Vec::new();
        };
        let both = of_a.iter().filter_map(|(block, costs)| Some((*block, costs, of_b.get(block)?)));
        both.filter_map(|(block, a, b)| pair(metric, block, a, b)).collect()
    }

    /// Whether the counts of both let this metric decide (only quantiles ever do not).
    pub fn decidable(&self, metric: Metric, a: &str, b: &str) -> bool {
        let enough = |id: &str| {
            let costs = self.trials.get(id).into_iter().flat_map(BTreeMap::values);
            costs.filter_map(|costs| costs.tail(metric)).all(|tail| tail.decides)
        };
        let is_tail = matches!(metric, Metric::P50 | Metric::P99);
        !is_tail || (enough(a) && enough(b) && self.is_relaxed(a) && self.is_relaxed(b))
    }

    fn is_relaxed(&self, id: &str) -> bool {
        !self.hasty.contains(id)
    }

    /// The SUT's share: CPU time per operation ÷ the metric's time per operation, at most 1
    /// (several CPUs can work on one operation's time); median over blocks.
    pub fn share(&self, metric: Metric, id: &str) -> Option<f64> {
        if matches!(metric, Metric::CpuTime | Metric::Memory) {
            return None;
        }
        let shares = self.trials.get(id)?.values().filter_map(|costs| {
            let cpu = costs.per_op(Metric::CpuTime)?;
            Some(cpu / costs.per_op(metric)?)
        });
        median(&shares.collect::<Vec<_>>()).map(|share| share.min(1.0))
    }

    /// A contender's own cost in each block: ns per operation, ns, or bytes per unit.
    pub fn costs(&self, metric: Metric, id: &str) -> Vec<f64> {
        let blocks = self.trials.get(id).into_iter().flat_map(BTreeMap::values);
        blocks.filter_map(|costs| costs.per_op(metric)).collect()
    }

    /// The share of a contender's slices that ran 1.5 × slower than its own median slice.
    pub fn slow_share(&self, metric: Metric, id: &str) -> Option<f64> {
        let blocks = self.trials.get(id)?.values();
        let slices: Vec<f64> = blocks
            .filter_map(|costs| costs.rounds(metric))
            .flat_map(|rounds| rounds.values().filter_map(|spent| spent.per_op()))
            .collect();
        let typical = median(&slices)?;
        let slow = slices.iter().filter(|cost| **cost > SLOW * typical).count();
        Some(slow as f64 / slices.len() as f64)
    }
}

/// Whether an open load's windows cover 400 τ, τ = s/(1−√ρ)²; other loads have no queue whose
/// memory could outlast the windows. Without a histogram there is no quantile to judge either.
fn is_relaxed(race: &Race, id: &str) -> bool {
    if !race.load.starts_with("open-") {
        return true;
    }
    let trials: Vec<&Trial> =
        race.trials(id).map(|(_, trial)| trial).filter(|trial| trial.outcome.is_ok()).collect();
    let sum = |of: fn(&Slice) -> u64| -> f64 {
        trials.iter().flat_map(|trial| &trial.slices).map(|slice| of(slice) as f64).sum()
    };
    let cpus = race.placement.sut.len().max(1) as f64;
    let span = sum(|slice| slice.span_ns);
    let utilisation = if span > 0.0 { sum(|slice| slice.cpu_ns) / (span * cpus) } else { 0.0 };
    let services = trials.iter().map(|trial| trial.hist.service.as_str());
    let Some(service) = histogram::merge(services) else { return true };
    let relaxation = service.mean() / (1.0 - utilisation.sqrt()).powi(2);
    utilisation < 1.0 && sum(|slice| slice.window_ns) >= RELAXATIONS * relaxation
}

/// Which metrics a race can be judged by. Open loads have no throughput of their own (it is
/// offered), a batch's is its makespan, and a race for memory has nothing else.
pub fn applicable(race: &Race) -> Vec<Metric> {
    if race.primary == Metric::Memory {
        return vec![Metric::Memory];
    }
    let time = match race.load.split('-').next() {
        Some("open") => None,
        Some("batch") => Some(Metric::Makespan),
        _ => Some(Metric::Throughput),
    };
    let mut metrics = vec![race.primary];
    for metric in time.into_iter().chain([Metric::P50, Metric::P99, Metric::CpuTime]) {
        if metric != race.primary {
            metrics.push(metric);
        }
    }
    metrics
}

fn pair(metric: Metric, block: usize, a: &Costs, b: &Costs) -> Option<Pair> {
    let (Some(of_a), Some(of_b)) = (a.rounds(metric), b.rounds(metric)) else {
        return log_ratio(a.per_op(metric)?, b.per_op(metric)?).map(|d| Pair {
            block,
            d,
            total: None,
        });
    };
    let common: Vec<(Spent, Spent)> =
        of_a.iter().filter_map(|(round, a)| Some((*a, *of_b.get(round)?))).collect();
    let rounds: Vec<f64> =
        common.iter().filter_map(|(a, b)| log_ratio(a.per_op()?, b.per_op()?)).collect();
    let d = median(&rounds)?;
    let a = total(common.iter().map(|pair| pair.0))?;
    let b = total(common.iter().map(|pair| pair.1))?;
    Some(Pair { block, d, total: log_ratio(a, b) })
}

fn log_ratio(a: f64, b: f64) -> Option<f64> {
    let d = (a / b).ln();
    (a > 0.0 && b > 0.0 && d.is_finite()).then_some(d)
}

/// Σtime ÷ Σoperations.
fn total(spent: impl Iterator<Item = Spent>) -> Option<f64> {
    let (time, ops) = spent
        .fold((0.0, 0.0), |(time, ops), spent| (time + spent.time as f64, ops + spent.ops as f64));
    (time > 0.0 && ops > 0.0).then(|| time / ops)
}

impl Costs {
    fn of(race: &Race, trial: &Trial) -> Self {
        let counted = || trial.slices.iter().filter(|slice| slice.invalid.is_empty());
        let rounds = |spent: fn(&Slice) -> Option<Spent>| {
            counted().filter_map(|slice| Some((slice.round, spent(slice)?))).collect()
        };
        let latency = match trial.hist.response.as_str() {
            "" => &trial.hist.service,
            response => response,
        };
        let latency = histogram::decode(latency).ok().flatten();
        let tail = |q| {
            let histogram = latency.as_ref();
            Tail {
                value: histogram.and_then(|histogram| quantile(histogram, q, SHOWN)),
                decides: histogram.is_some_and(|h| quantile(h, q, DECIDES).is_some()),
            }
        };
        let memory = if race.primary == Metric::Memory {
            memory_line(trial).map(|line| line.slope).filter(|slope| *slope > 0.0)
        } else {
            None
        };
        Self {
            throughput: rounds(|slice| Spent::on(slice.window_ns, slice.done)),
            makespan: rounds(makespan),
            cpu_time: rounds(|slice| Spent::on(slice.cpu_turn_ns, slice.executed)),
            p50: tail(0.50),
            p99: tail(0.99),
            memory,
        }
    }

    /// The metrics that are paired round by round.
    fn rounds(&self, metric: Metric) -> Option<&BTreeMap<usize, Spent>> {
        match metric {
            Metric::Throughput => Some(&self.throughput),
            Metric::Makespan => Some(&self.makespan),
            Metric::CpuTime => Some(&self.cpu_time),
            Metric::P50 | Metric::P99 | Metric::Memory => None,
        }
    }

    fn tail(&self, metric: Metric) -> Option<Tail> {
        match metric {
            Metric::P50 => Some(self.p50),
            Metric::P99 => Some(self.p99),
            _ => None,
        }
    }

    /// The cost of the whole block.
    fn per_op(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::P50 => self.p50.value,
            Metric::P99 => self.p99.value,
            Metric::Memory => self.memory,
            _ => total(self.rounds(metric)?.values().copied()),
        }
    }
}

/// A batch with operations that never ended has no end of its own.
fn makespan(slice: &Slice) -> Option<Spent> {
    if slice.censored > 0 { None } else { Spent::on(slice.window_ns, slice.done) }
}

impl Spent {
    fn on(time: u64, ops: u64) -> Option<Self> {
        (time > 0 && ops > 0).then_some(Self { time, ops })
    }

    fn per_op(self) -> Option<f64> {
        (self.ops > 0).then(|| self.time as f64 / self.ops as f64)
    }
}
