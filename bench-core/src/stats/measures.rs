//! A race's costs per contender and block, and the paired log ratios between any two contenders.
//!
//! Histograms are decoded once, when a race is read; after that a comparison is arithmetic, so that all pairs of
//! a race can be compared (leading group) for little more than all against one.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    carry::Turn,
    conditions::{Conditions, failures},
    estimate::median,
    latencies::{Latencies, Sum},
    sky::Sky,
};
use crate::record::{Block, Metric, Race, Slice, Trial};

mod costs;

use self::costs::{Costs, Spent, Tail, log_ratio, total};

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
    sky: Sky,
    trials: BTreeMap<&'a str, BTreeMap<usize, Costs>>,
    latencies: BTreeMap<&'a str, Latencies>,
    conditions: BTreeMap<&'a str, Conditions>,
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
    /// D: the log ratio of the block's totals; `None` where the metric has no rounds, or one of the
    /// two did nothing in all of them.
    pub total: Option<f64>,
    /// d over the rounds in fair weather alone, where those are at least half of the planned.
    pub fair: Option<f64>,
}

impl<'a> Measures<'a> {
    /// Reads a race. Failed trials have no costs, nor have slices that do not count.
    pub fn of(race: &'a Race) -> Self {
        let sky = Sky::over(race);
        let mut raced: BTreeMap<&str, Vec<(usize, &Trial)>> = BTreeMap::new();
        for block in &race.blocks {
            for trial in block.trials.iter().filter(|trial| trial.outcome.is_ok()) {
                raced.entry(&trial.contender).or_default().push((block.index, trial));
            }
        }
        let mut all = Self {
            race,
            sky,
            trials: BTreeMap::new(),
            latencies: BTreeMap::new(),
            conditions: BTreeMap::new(),
            hasty: BTreeSet::new(),
        };
        for (id, trials) in raced {
            all.read(id, &trials);
        }
        all
    }

    /// Reads one contender's trials, and decodes each of their histograms once.
    fn read(&mut self, id: &'a str, trials: &[(usize, &Trial)]) {
        let race = self.race;
        let mut sum = Sum::default();
        let mut of_blocks = BTreeMap::new();
        for (block, trial) in trials {
            let own = Sum::of(trial, &self.sky);
            let lost = lost(trial, *block, &self.sky);
            of_blocks.entry(*block).or_insert_with(|| Costs::of(race, trial, own.judged(), lost));
            sum.add(own);
        }
        let latencies = sum.done();
        let is_open = race.load.starts_with("open-");
        let late = if is_open && latencies.lag.is_none() {
            // What the weather delayed counts only where there is nothing else.
            let mut foul = Sum::default();
            for (_, trial) in trials {
                foul.add(Sum::of_foul(trial));
            }
            &foul.done()
        } else {
            &latencies
        };
        self.conditions.insert(id, Conditions::of(race, id, late));
        if is_open && !is_relaxed(race, id, &latencies) {
            self.hasty.insert(id);
        }
        self.trials.insert(id, of_blocks);
        self.latencies.insert(id, latencies);
    }

    /// A contender's latencies over the whole race; `None` where none of its trials ended well.
    pub fn latencies(&self, id: &str) -> Option<&Latencies> {
        self.latencies.get(id)
    }

    /// A quantile over the whole race, of the rounds that count.
    pub(super) fn quantile(&self, id: &str, q: f64) -> Tail {
        let trials = self.race.trials(id).filter(|(_, trial)| trial.outcome.is_ok());
        let lost = trials
            .fold(0_u64, |sum, (block, trial)| sum.saturating_add(lost(trial, block, &self.sky)));
        Tail::of(self.latencies(id).and_then(Latencies::judged), lost, q)
    }

    /// Which rounds were in foul weather, and who may have caused that.
    pub fn sky(&self) -> &Sky {
        &self.sky
    }

    /// What is to be known of a contender before its numbers are compared.
    pub fn conditions(&self, id: &str) -> Conditions {
        self.conditions.get(id).copied().unwrap_or_default()
    }

    /// Blocks in which both have a quantile, but too few rounds were in fair weather for it to count.
    pub fn rained_out(&self, metric: Metric, a: &str, b: &str) -> usize {
        let both = |block: &usize| {
            let of =
                |id: &str| self.trials.get(id).is_some_and(|trials| trials.contains_key(block));
            of(a) && of(b)
        };
        let is_tail = matches!(metric, Metric::P50 | Metric::P99);
        let blocks = self.race.blocks.iter().map(|block| block.index).filter(both);
        if is_tail { blocks.filter(|block| !self.sky.is_fair(*block, &[a, b])).count() } else { 0 }
    }

    /// Whether the quantile of a block lies among operations that never ended well.
    pub fn is_beyond(&self, metric: Metric, id: &str) -> bool {
        let mut costs = self.trials.get(id).into_iter().flat_map(BTreeMap::values);
        costs.any(|costs| match metric {
            Metric::Makespan => costs.never_ended,
            _ => costs.tail(metric).is_some_and(|tail| tail.beyond),
        })
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
        both.filter_map(|(block, of_a, of_b)| self.pair(metric, block, (a, of_a), (b, of_b)))
            .collect()
    }

    fn pair(
        &self,
        metric: Metric,
        block: usize,
        (id_a, a): (&str, &Costs),
        (id_b, b): (&str, &Costs),
    ) -> Option<Pair> {
        let who = [id_a, id_b];
        let (Some(of_a), Some(of_b)) = (a.rounds(metric), b.rounds(metric)) else {
            let d = log_ratio(a.per_op(metric)?, b.per_op(metric)?)?;
            // A tail that the weather made is nobody's.
            let counts = a.tail(metric).is_none() || self.sky.is_fair(block, &who);
            return counts.then_some(Pair { block, d, total: None, fair: None });
        };
        let common: Vec<(usize, Spent, Spent)> =
            of_a.iter().filter_map(|(round, a)| Some((*round, *a, *of_b.get(round)?))).collect();
        let d = |keep: &dyn Fn(usize) -> bool| {
            let kept = common.iter().filter(|(round, ..)| keep(*round));
            let ratios: Vec<f64> = kept.filter_map(|(_, a, b)| a.against(*b)).collect();
            Some((median(&ratios)?, ratios.len()))
        };
        let fair = d(&|round| !self.sky.is_foul(block, round, &who));
        let enough = |(_, rounds): &(f64, usize)| 2 * rounds >= self.race.shape.rounds;
        // Who did nothing in the whole block has no total there, and d says so.
        let a = total(common.iter().map(|(_, a, _)| *a));
        let b = total(common.iter().map(|(_, _, b)| *b));
        Some(Pair {
            block,
            d: d(&|_| true)?.0,
            total: a.zip(b).and_then(|(a, b)| log_ratio(a, b)),
            fair: fair.filter(enough).map(|(d, _)| d),
        })
    }

    /// For each block, (round, d of that round): what a drift within blocks is looked for in.
    pub fn rounds(&self, metric: Metric, a: &str, b: &str) -> Vec<Vec<(usize, f64)>> {
        let (Some(of_a), Some(of_b)) = (self.trials.get(a), self.trials.get(b)) else {
            return Vec::new();
        };
        let of_block = |a: &Costs, b: &Costs| -> Option<Vec<(usize, f64)>> {
            let (a, b) = (a.rounds(metric)?, b.rounds(metric)?);
            let common = a.iter().filter_map(|(round, a)| Some((*round, a, b.get(round)?)));
            let ratio = |(round, a, b): (usize, &Spent, &Spent)| {
                Some((round, log_ratio(a.per_op()?, b.per_op()?)?))
            };
            Some(common.filter_map(ratio).collect())
        };
        of_a.iter().filter_map(|(block, a)| of_block(a, of_b.get(block)?)).collect()
    }

    /// Each block's slices in their order, with what they cost: what carry-over is looked for in.
    pub fn turns(&self, metric: Metric) -> Vec<Vec<Turn<'a>>> {
        let turns = |block: &'a Block| {
            let slices = block.trials.iter().filter_map(move |trial| {
                let costs = self.trials.get(trial.contender.as_str())?.get(&block.index)?;
                let rounds = costs.rounds(metric)?;
                Some(trial.slices.iter().filter_map(move |slice| {
                    let ln_cost = rounds.get(&slice.round)?.per_op()?.ln();
                    let (round, position) = (slice.round, slice.position);
                    Some(Turn { round, position, contender: &trial.contender, ln_cost })
                }))
            });
            slices.flatten().collect()
        };
        self.race.blocks.iter().map(turns).collect()
    }

    /// Whether the counts of both let this metric decide (only quantiles ever do not).
    pub fn decidable(&self, metric: Metric, a: &str, b: &str) -> bool {
        let enough = |id: &str| {
            // What the weather took from a block is said as that.
            let fair = |block: &usize| self.sky.is_fair(*block, &[a, b]);
            let blocks = self.trials.get(id).into_iter().flatten();
            let costs = blocks.filter(|(block, _)| fair(block)).map(|(_, costs)| costs);
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

    /// Blocks in which a contender can be compared. One in which it did nothing at all has no cost,
    /// and counts.
    pub(super) fn blocks(&self, metric: Metric, id: &str) -> usize {
        let blocks = self.trials.get(id).into_iter().flat_map(BTreeMap::values);
        let told = blocks.filter(|costs| match costs.rounds(metric) {
            Some(rounds) => !rounds.is_empty(),
            None => costs.per_op(metric).is_some(),
        });
        told.count()
    }

    /// The share of a contender's slices that ran 1.5 × slower than its own median slice, those too
    /// in which it did nothing.
    pub fn slow_share(&self, metric: Metric, id: &str) -> Option<f64> {
        let blocks = self.trials.get(id)?.values();
        let slices: Vec<f64> = blocks
            .filter_map(|costs| costs.rounds(metric))
            .flat_map(|rounds| rounds.values().map(|s| s.per_op().unwrap_or(f64::INFINITY)))
            .collect();
        let typical = median(&slices)?;
        let slow = slices.iter().filter(|cost| **cost > SLOW * typical).count();
        Some(slow as f64 / slices.len() as f64)
    }
}

/// Whether an open load's windows cover 400 τ, τ = s/(1−√ρ)²; other loads have no queue whose
/// memory could outlast the windows, and are not asked. Without a histogram there is no quantile to judge either.
fn is_relaxed(race: &Race, id: &str, latencies: &Latencies) -> bool {
    let trials: Vec<&Trial> =
        race.trials(id).map(|(_, trial)| trial).filter(|trial| trial.outcome.is_ok()).collect();
    let sum = |of: fn(&Slice) -> u64| -> f64 {
        trials.iter().flat_map(|trial| &trial.slices).map(|slice| of(slice) as f64).sum()
    };
    // A model of one thread has one CPU, whatever its set.
    let workers = race.contender(id).and_then(|contender| contender.workers).filter(|n| *n > 0);
    let cpus = race.placement.sut.len().min(workers.unwrap_or(usize::MAX)).max(1) as f64;
    let shared = race.placement.peer.iter().any(|cpu| race.placement.sut.contains(cpu));
    let span = sum(|slice| slice.span_ns).max(1.0);
    let Some(service) = &latencies.service else { return true };
    // Whichever is scarcer, CPUs or sessions: operations that wait for a timer use no CPU, and
    // those that compute are few.
    let peer = sum(|slice| slice.peer.map_or(0, |peer| peer.busy));
    let own = sum(|slice| slice.cpu_ns) + if shared { peer } else { 0.0 };
    let on_cpus = own / (span * cpus);
    let sessions = race.shape.sessions.max(1) as f64;
    let in_sessions = sum(|slice| slice.executed) * service.mean() / (span * sessions);
    let utilisation = on_cpus.max(in_sessions);
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

/// Operations that have no latency because they failed, or had not ended when the drain did. Only
/// of the rounds that are in the histogram they are held against ([`Sum::of`]): those of a round
/// that is set aside would put a quantile of the others beyond.
fn lost(trial: &Trial, block: usize, sky: &Sky) -> u64 {
    let failed = |slice: &Slice| slice.failed.unwrap_or_else(|| failures(slice));
    let lost = |slice: &Slice| slice.censored.saturating_add(failed(slice));
    let who = [trial.contender.as_str()];
    let counted = trial.slices.iter().filter(|slice| !sky.is_foul(block, slice.round, &who));
    counted.fold(0, |sum, slice| sum.saturating_add(lost(slice)))
}
