//! The order experiment: the claim on which the whole design rests. Twins, whose true ratio is 1,
//! measured in slices and one after the other, for the same time, by the same estimators; in the
//! weather as it is, and under bursts of load of our own.

use std::{collections::BTreeMap, time::Duration};

use deadheat_core::{
    cell::Cell,
    clock,
    protocol::Prepare,
    race::{Launcher, Plan, child::Child},
    record::{Kind, Race, Slice},
    resource,
    stats::{
        known::{Known, Limit, Unit},
        median,
    },
};
use serde::Serialize;

use super::{
    Context,
    track::{Course, Turn, alternate, sound, with_twins},
};

/// Rounds at the start of a block that do not count, on either side.
const WARM_UP: usize = 2;

/// What is compared, how often, and in what weather.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// A scenario, its load and parameters, as in ids.
    pub scenario: String,
    /// How operations arrive.
    pub load: String,
    /// `k=v,k=v`; empty for the defaults.
    pub params: String,
    /// `same`, `split` or `free`.
    pub placement: String,
    /// The model whose twins race.
    pub model: String,
    /// Disjoint pairs of twins in each block.
    pub pairs: usize,
    /// Blocks.
    pub blocks: usize,
    /// Slices of each twin in a block.
    pub rounds: usize,
    /// The window of a slice; `None`: as the scenario has it.
    pub window: Option<Duration>,
    /// Load of our own meanwhile.
    pub bursts: Option<Bursts>,
}

/// Load of our own: a process that burns CPU time, now and then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bursts {
    /// How long at a time.
    pub on: Duration,
    /// How long in between.
    pub off: Duration,
    /// On these CPUs; none: on any.
    pub cpus: Vec<usize>,
}

impl Default for Bursts {
    fn default() -> Self {
        let [on, off] = [200, 300].map(Duration::from_millis);
        Self { on, off, cpus: Vec::new() }
    }
}

/// In what order the slices were run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Everybody a slice in every round.
    Slices,
    /// Everybody all slices of a block, one after the other.
    OneAfterTheOther,
}

/// A pair of twins in one block, on the log scale: 0 is the truth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// In which order.
    pub order: Order,
    /// In which block.
    pub block: usize,
    /// Which pair.
    pub pair: usize,
    /// The median of the pairs of slices.
    pub medians: f64,
    /// From the totals.
    pub totals: f64,
}

/// How far twins are apart: standard deviations of the log ratio around the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Of the medians of pairs.
    pub medians: f64,
    /// Of the totals.
    pub totals: f64,
    /// Comparisons.
    pub n: usize,
}

impl Spread {
    /// Of the comparisons in that order.
    pub fn of(comparisons: &[Comparison], order: Order) -> Self {
        let of: Vec<_> = comparisons.iter().filter(|c| c.order == order).collect();
        let spread = |value: fn(&Comparison) -> f64| {
            let squares = of.iter().map(|comparison| value(comparison).powi(2));
            (squares.sum::<f64>() / of.len() as f64).sqrt()
        };
        Self { medians: spread(|c| c.medians), totals: spread(|c| c.totals), n: of.len() }
    }
}

/// Runs the experiment. Blocks in slices and blocks one after the other take turns, so that both
/// see the same weather; each has the same processes, slices and windows.
pub(crate) fn order_experiment_on(
    context: &Context,
    cells: &[Cell],
    experiment: &Experiment,
) -> Result<Vec<Comparison>, String> {
    let neighbour = experiment.bursts.as_ref().map(|bursts| start(context, bursts)).transpose()?;
    let course = Course {
        scenario: &experiment.scenario,
        models: &[experiment.model.as_str()],
        load: &experiment.load,
        params: &experiment.params,
        placement: &experiment.placement,
    };
    let rounds = WARM_UP + experiment.rounds;
    let plan = course.plan(cells, experiment.blocks, rounds)?;
    let mut sliced = with_twins(plan, 2 * experiment.pairs - 1);
    if let Some(window) = experiment.window {
        sliced.shape.window_ns = clock::nanos(window);
    }
    let mut sequential = sliced.clone();
    (sliced.kind, sequential.kind) = (Kind::Sliced, Kind::Solo);
    let ids: Vec<String> = sliced.entrants.iter().map(|e| e.contender.id.clone()).collect();
    let plans: [Plan; 2] = [sliced, sequential];
    let races = alternate(context, &plans, Turn::Block);
    if let Some(neighbour) = neighbour {
        neighbour.quit();
    }
    let orders = [Order::Slices, Order::OneAfterTheOther];
    let mut comparisons = Vec::new();
    for (race, order) in races?.into_iter().zip(orders) {
        compare(&sound(race)?, &ids, order, rounds, &mut comparisons);
    }
    Ok(comparisons)
}

/// As [`order_experiment_on`], with the self-test's own cells.
#[doc(hidden)]
pub fn order_experiment(
    experiment: &Experiment,
    stop: fn() -> bool,
) -> Result<Vec<Comparison>, String> {
    let launcher = deadheat_core::race::child::Processes::of_this_program()
        .map_err(|error| format!("failed to find this program's file: {error}"))?;
    let cells = super::cells();
    let context = Context { launcher, cells: cells.clone(), quick: false, stop };
    order_experiment_on(&context, &cells, experiment)
}

/// The same estimators for both orders. Rounds that were run again because of the weather are
/// beyond `rounds`, and count for nobody.
fn compare(
    race: &Race,
    ids: &[String],
    order: Order,
    rounds: usize,
    comparisons: &mut Vec<Comparison>,
) {
    for block in &race.blocks {
        let slices = |id: &String| -> BTreeMap<usize, &Slice> {
            let trial = block.trials.iter().find(|trial| trial.contender == *id);
            let slices = trial.into_iter().flat_map(|trial| &trial.slices);
            let counts = slices.filter(|slice| (WARM_UP..rounds).contains(&slice.round));
            counts.map(|slice| (slice.round, slice)).collect()
        };
        for (pair, ids) in ids.chunks_exact(2).enumerate() {
            let (a, b) = (slices(&ids[0]), slices(&ids[1]));
            let cost = |slice: &Slice| (slice.window_ns as f64 / slice.done as f64).ln();
            let ratios: Vec<f64> =
                a.iter().filter_map(|(round, a)| Some(cost(a) - cost(b.get(round)?))).collect();
            let total = |slices: &BTreeMap<usize, &Slice>| {
                let sum =
                    |of: fn(&Slice) -> u64| slices.values().map(|s| of(s)).sum::<u64>() as f64;
                (sum(|slice| slice.window_ns) / sum(|slice| slice.done)).ln()
            };
            comparisons.push(Comparison {
                order,
                block: block.index,
                pair,
                medians: median(&ratios).unwrap_or(f64::NAN),
                totals: total(&a) - total(&b),
            });
        }
    }
}

/// Starts the neighbour.
fn start(context: &Context, bursts: &Bursts) -> Result<Child, String> {
    let failed = |error: std::io::Error| format!("failed to start the bursts: {error}");
    let params = [("on", bursts.on), ("off", bursts.off)]
        .map(|(name, time)| (name.to_owned(), format!("{}us", time.as_micros())));
    let prepare = Prepare {
        cell: "bursts".into(),
        scenario: "selftest-bursts".into(),
        peer: Some(0),
        params: params.into(),
        load: "closed-1".into(),
        cpus: if bursts.cpus.is_empty() { resource::cpus() } else { bursts.cpus.clone() },
        ..Prepare::default()
    };
    let mut child = context.launcher.peer("bursts").map_err(failed)?;
    child.prepare(prepare).map_err(failed)?;
    Ok(child)
}

/// The self-test's: quiet, and under bursts.
pub(super) fn check(context: &Context) -> Result<Vec<Known>, String> {
    let quiet = Experiment {
        scenario: "tcp-echo".into(),
        load: "closed-16".into(),
        params: String::new(),
        placement: "same".into(),
        model: "threads/per-task".into(),
        pairs: 2,
        blocks: if context.quick { 3 } else { 5 },
        rounds: 16,
        window: Some(Duration::from_millis(15)),
        bursts: None,
    };
    let first = resource::cpus().first().copied().into_iter().collect();
    let bursts = Bursts { cpus: first, ..Bursts::default() };
    let loud = Experiment { bursts: Some(bursts), ..quiet.clone() };
    let mut known = Vec::new();
    for (weather, experiment) in [("as it is", &quiet), ("under bursts", &loud)] {
        let comparisons = order_experiment_on(context, &context.cells, experiment)?;
        let slices = Spread::of(&comparisons, Order::Slices);
        let others = Spread::of(&comparisons, Order::OneAfterTheOther);
        // Without foreign load there may be nothing for slices to mend: they must do no harm.
        let share = if experiment.bursts.is_some() { 0.5 } else { 1.25 };
        for (name, of) in [
            ("medians", (|spread: &Spread| spread.medians) as fn(&Spread) -> f64),
            ("totals", |spread| spread.totals),
        ] {
            let what = format!(
                "{weather}, {name}: spread of {} twins in slices, against {share} × one after the other",
                slices.n
            );
            let truth = share * of(&others);
            known.push(Known::new(what, Unit::Share, truth, of(&slices), Limit::AtMost));
        }
    }
    Ok(known)
}
