//! The order experiment: the claim on which the whole design rests. Twins, whose true ratio is 1,
//! measured in slices and one after the other, for the same time, by the same estimators; in the
//! weather as it is, and under bursts of load of our own.

use std::{collections::BTreeMap, time::Duration};

use deadheat_core::{
    clock,
    protocol::Prepare,
    race::{Launcher, Plan, child::Child},
    record::{Kind, Race, Slice},
    resource,
    stats::{known::Known, median, relative_distance},
};

use super::{
    Context,
    track::{Course, Turn, alternate, sound, with_twins},
};

/// What the twins do.
const COURSE: Course<'_> = Course {
    scenario: "tcp-echo",
    models: &["threads/per-task"],
    load: "closed-16",
    params: "",
    placement: "same",
};

/// Blocks of each arrangement, and disjoint pairs of twins in each.
const EFFORT: (usize, usize) = (8, 2);

/// Rounds at the start of a block that do not count, on either side.
const WARM_UP: usize = 1;

/// Rounds of a block in all.
const ROUNDS: usize = WARM_UP + 9;

/// The window of a slice.
const WINDOW: Duration = Duration::from_millis(15);

/// How long our own load burns CPU time at once, and how long it rests.
const BURSTS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(300));

/// How far pairs of twins came out apart, on the log scale: 0 is the truth. Block by block, for pairs
/// of a block have the same weather.
#[derive(Debug, Default)]
struct Apart {
    /// By the median of the pairs of slices.
    medians: Vec<Vec<f64>>,
    /// By the totals.
    totals: Vec<Vec<f64>>,
}

pub(super) fn check(context: &Context) -> Result<Vec<Known>, String> {
    let mut known = Vec::new();
    // Where nothing disturbs there is nothing for slices to mend: they must do no harm.
    for (weather, bursts, most) in [("as it is", false, 1.25), ("under bursts", true, 1.0)] {
        let neighbour = bursts.then(|| start(context)).transpose()?;
        let apart = experiment(context);
        if let Some(neighbour) = neighbour {
            neighbour.quit();
        }
        let [slices, others] = apart?;
        let [in_slices, in_a_row] = [&slices, &others].map(Apart::words);
        let what = format!("{weather}: twins in slices, {in_slices}, ÷ in a row, {in_a_row}");
        let [slices, others] = [&slices, &others].map(Apart::of_blocks);
        known.push(Known::less(what, most, &relative_distance(&slices, &others, 0.05)));
    }
    Ok(known)
}

/// Twins in slices, and one after the other. Blocks of both take turns, so that both see the same
/// weather; each has the same processes, slices and windows.
fn experiment(context: &Context) -> Result<[Apart; 2], String> {
    let (blocks, pairs) = EFFORT;
    let mut sliced = with_twins(COURSE.plan(&context.cells, blocks, ROUNDS)?, 2 * pairs - 1);
    sliced.shape.window_ns = clock::nanos(WINDOW);
    let mut sequential = sliced.clone();
    (sliced.kind, sequential.kind) = (Kind::Sliced, Kind::Solo);
    let ids: Vec<String> = sliced.entrants.iter().map(|e| e.contender.id.clone()).collect();
    let plans: [Plan; 2] = [sliced, sequential];
    let mut races = alternate(context, &plans, Turn::Block)?.into_iter();
    let (Some(in_turn), Some(alone)) = (races.next(), races.next()) else {
        return Err("two races are needed".into());
    };
    Ok([compare(&sound(in_turn)?, &ids), compare(&sound(alone)?, &ids)])
}

/// The same estimators for both. Rounds that were run again because of the weather are beyond
/// [`ROUNDS`], and count for nobody.
fn compare(race: &Race, ids: &[String]) -> Apart {
    let mut apart = Apart::default();
    for block in &race.blocks {
        let slices = |id: &String| -> BTreeMap<usize, &Slice> {
            let trial = block.trials.iter().find(|trial| trial.contender == *id);
            let slices = trial.into_iter().flat_map(|trial| &trial.slices);
            let counts = slices.filter(|slice| (WARM_UP..ROUNDS).contains(&slice.round));
            counts.map(|slice| (slice.round, slice)).collect()
        };
        let (mut medians, mut totals) = (Vec::new(), Vec::new());
        for pair in ids.chunks_exact(2) {
            let (a, b) = (slices(&pair[0]), slices(&pair[1]));
            let cost = |slice: &Slice| (slice.window_ns as f64 / slice.done as f64).ln();
            let ratios: Vec<f64> =
                a.iter().filter_map(|(round, a)| Some(cost(a) - cost(b.get(round)?))).collect();
            let total = |slices: &BTreeMap<usize, &Slice>| {
                let sum =
                    |of: fn(&Slice) -> u64| slices.values().map(|s| of(s)).sum::<u64>() as f64;
                (sum(|slice| slice.window_ns) / sum(|slice| slice.done)).ln()
            };
            medians.push(median(&ratios).unwrap_or(f64::NAN));
            totals.push(total(&a) - total(&b));
        }
        apart.medians.push(medians);
        apart.totals.push(totals);
    }
    apart
}

impl Apart {
    /// How far apart the pairs of each block came out, by medians.
    fn of_blocks(&self) -> Vec<f64> {
        self.medians.iter().map(|pairs| spread(pairs)).collect()
    }

    /// "±1.2% (±2.9% by totals)".
    fn words(&self) -> String {
        let [medians, totals] =
            [&self.medians, &self.totals].map(|all| 100.0 * spread(&all.concat()));
        format!("±{medians:.1}% (±{totals:.1}% by totals)")
    }
}

/// The standard deviation around the truth.
fn spread(apart: &[f64]) -> f64 {
    (apart.iter().map(|d| d * d).sum::<f64>() / apart.len().max(1) as f64).sqrt()
}

/// Starts the load of our own, on the first CPU that there is.
fn start(context: &Context) -> Result<Child, String> {
    let failed = |error: std::io::Error| format!("failed to start the bursts: {error}");
    let (on, off) = BURSTS;
    let params = [("on", on), ("off", off)]
        .map(|(name, time)| (name.to_owned(), format!("{}us", time.as_micros())));
    let prepare = Prepare {
        cell: "bursts".into(),
        scenario: "selftest-bursts".into(),
        peer: Some(0),
        params: params.into(),
        load: "closed-1".into(),
        cpus: resource::cpus().into_iter().take(1).collect(),
        ..Prepare::default()
    };
    let mut child = context.launcher.peer("bursts").map_err(failed)?;
    child.prepare(prepare).map_err(failed)?;
    Ok(child)
}
