//! What a trial cost, by every metric, and how two costs are compared.

use std::collections::BTreeMap;

use super::{
    super::{
        histogram::{Ranked, quantile},
        regression::memory_line,
    },
    DECIDES, SHOWN,
};
use crate::record::{Metric, Race, Slice, Trial};

/// The log ratio of a round in which one of two did nothing at all: beyond any that is measured, and
/// finite, so that it counts.
const STALLED: f64 = 20.0;

/// What a trial cost.
#[derive(Clone, Debug, Default)]
pub(super) struct Costs {
    throughput: BTreeMap<usize, Spent>,
    makespan: BTreeMap<usize, Spent>,
    cpu_time: BTreeMap<usize, Spent>,
    p50: Tail,
    p99: Tail,
    memory: Option<f64>,
    /// Whether a batch of it did not end.
    pub(super) never_ended: bool,
}

/// Time and what it was spent on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    time: u64,
    ops: f64,
}

/// A quantile of a block.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::stats) struct Tail {
    pub(in crate::stats) value: Option<f64>,
    pub(super) decides: bool,
    /// It lies among operations that never ended well, and so has no value.
    pub(in crate::stats) beyond: bool,
}

impl Costs {
    /// `lost`: of the rounds that `latency` is of.
    pub(super) fn of(race: &Race, trial: &Trial, latency: Option<&impl Ranked>, lost: u64) -> Self {
        let counted = || trial.slices.iter().filter(|slice| slice.invalid.is_empty());
        let rounds = |spent: fn(&Slice) -> Option<Spent>| {
            counted().filter_map(|slice| Some((slice.round, spent(slice)?))).collect()
        };
        let tail = |q| Tail::of(latency, lost, q);
        let memory = if race.primary == Metric::Memory {
            memory_line(trial).map(|line| line.slope).filter(|slope| *slope > 0.0)
        } else {
            None
        };
        Self {
            throughput: rounds(|slice| {
                // A window in which nothing ended is the slowest of all, and no gap.
                let ops = slice.progress.unwrap_or(slice.done as f64);
                (slice.window_ns > 0).then_some(Spent { time: slice.window_ns, ops })
            }),
            makespan: rounds(makespan),
            cpu_time: rounds(|slice| Spent::on(slice.cpu_turn_ns, slice.executed)),
            never_ended: race.load.starts_with("batch-") && counted().any(|s| s.censored > 0),
            p50: tail(0.50),
            p99: tail(0.99),
            memory,
        }
    }

    /// The metrics that are paired round by round.
    pub(super) fn rounds(&self, metric: Metric) -> Option<&BTreeMap<usize, Spent>> {
        match metric {
            Metric::Throughput => Some(&self.throughput),
            Metric::Makespan => Some(&self.makespan),
            Metric::CpuTime => Some(&self.cpu_time),
            Metric::P50 | Metric::P99 | Metric::Memory => None,
        }
    }

    pub(super) fn tail(&self, metric: Metric) -> Option<Tail> {
        match metric {
            Metric::P50 => Some(self.p50),
            Metric::P99 => Some(self.p99),
            _ => None,
        }
    }

    /// The cost of the whole block.
    pub(super) fn per_op(&self, metric: Metric) -> Option<f64> {
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

impl Tail {
    /// The value at rank ⌈qN⌉, where N counts those that never ended well too: they are slower than
    /// any other, by an unknown time.
    pub(super) fn of(samples: Option<&impl Ranked>, lost: u64, q: f64) -> Self {
        let Some(samples) = samples else { return Self::default() };
        let ended = samples.count() as f64;
        // The same rank among those that ended.
        let among = q * (ended + lost as f64) / ended;
        let beyond = lost > 0 && among > 1.0;
        let value = if beyond { None } else { quantile(samples, q, SHOWN) };
        let value = value.map(|value| match lost {
            0 => value,
            _ => samples.value_at(among) as f64,
        });
        Self { value, decides: quantile(samples, q, DECIDES).is_some() && !beyond, beyond }
    }
}

impl Spent {
    fn on(time: u64, ops: u64) -> Option<Self> {
        (time > 0 && ops > 0).then_some(Self { time, ops: ops as f64 })
    }

    /// `None`: nothing was done in that time.
    pub(super) fn per_op(self) -> Option<f64> {
        (self.ops > 0.0).then(|| self.time as f64 / self.ops)
    }

    /// The log ratio to another's; against one that did nothing it is as large as any, and of two
    /// that did nothing there is none.
    pub(super) fn against(self, other: Self) -> Option<f64> {
        match (self.per_op(), other.per_op()) {
            (Some(a), Some(b)) => log_ratio(a, b),
            (None, Some(_)) => Some(STALLED),
            (Some(_), None) => Some(-STALLED),
            (None, None) => None,
        }
    }
}

pub(super) fn log_ratio(a: f64, b: f64) -> Option<f64> {
    let d = (a / b).ln();
    (a > 0.0 && b > 0.0 && d.is_finite()).then_some(d)
}

/// Σtime ÷ Σoperations.
pub(super) fn total(spent: impl Iterator<Item = Spent>) -> Option<f64> {
    let (time, ops) =
        spent.fold((0.0, 0.0), |(time, ops), spent| (time + spent.time as f64, ops + spent.ops));
    (time > 0.0 && ops > 0.0).then(|| time / ops)
}
