//! K12: what slicing itself does. The reference in slices among idle twins, against the same alone
//! without a pause, for each class of load.

use std::time::Duration;

use deadheat_core::{
    record::{Metric, Race, Trial},
    stats::{Estimate, histogram, known::Known},
};

use super::{
    Context,
    track::{Course, Turn, alone, alternate, sound, with_twins},
};

/// Twins that are idle meanwhile.
const TWINS: usize = 2;

/// A class of load.
struct Class {
    name: &'static str,
    course: Course<'static>,
    /// What is compared. Tails of open loads need more operations than fit in here.
    metrics: &'static [Metric],
    blocks: usize,
    rounds: usize,
}

const CLASSES: [Class; 3] = [
    Class {
        name: "closed",
        course: Course {
            scenario: "tcp-echo",
            models: &["threads/per-task"],
            load: "closed-16",
            params: "",
            placement: "same",
        },
        metrics: &[Metric::Throughput, Metric::P50, Metric::P99],
        blocks: 12,
        rounds: 8,
    },
    Class {
        name: "closed, waiting",
        course: Course {
            scenario: "sleep",
            models: &["threads/per-task"],
            load: "closed-64",
            params: "",
            placement: "same",
        },
        metrics: &[Metric::Throughput, Metric::P50, Metric::P99],
        blocks: 12,
        rounds: 8,
    },
    // Idle CPUs wake up as the machine likes: neighbours in time are alike, so blocks are short.
    Class {
        name: "open",
        course: Course {
            scenario: "echo-server",
            models: &["threads/per-task"],
            load: "open-2000-poisson",
            params: "",
            placement: "split",
        },
        metrics: &[Metric::P50],
        blocks: 14,
        rounds: 5,
    },
];

pub(super) fn k12(context: &Context) -> Result<Vec<Known>, String> {
    let mut known = Vec::new();
    for class in &CLASSES {
        let (sliced, whole) = both(context, class)?;
        for metric in class.metrics {
            let ratios = ratios(&sliced, &whole, *metric);
            let what = format!("{}: {} in slices ÷ without a pause", class.name, metric.id());
            let estimate = Estimate::of(&ratios, 0.05);
            known.push(Known::ratio(what, 1.0, &estimate, metric.default_margin()));
        }
    }
    Ok(known)
}

/// The race in slices and the one without a pause, block by block in turn.
fn both(context: &Context, class: &Class) -> Result<(Race, Race), String> {
    let mut plan = class.course.plan(&context.cells, class.blocks, class.rounds)?;
    // A tail needs operations.
    plan.shape.window_ns = plan.shape.window_ns.max(50_000_000);
    let Ok(many) = u32::try_from(class.rounds) else { return Err("too many rounds".into()) };
    let [lead, window] = [plan.shape.lead_ns, plan.shape.window_ns].map(Duration::from_nanos);
    let whole = alone(plan.clone(), lead, many * window);
    let mut sliced = with_twins(plan, TWINS);
    sliced.shape.warmup = 2;
    let mut races = alternate(context, &[sliced, whole], Turn::Block)?.into_iter();
    let (Some(sliced), Some(whole)) = (races.next(), races.next()) else {
        return Err("two races are needed".into());
    };
    Ok((sound(sliced)?, sound(whole)?))
}

/// Of each block, on the log scale.
fn ratios(sliced: &Race, whole: &Race, metric: Metric) -> Vec<f64> {
    let id = &sliced.reference;
    let costs = |race: &Race| -> Vec<f64> {
        race.trials(id).map(|(_, trial)| cost(trial, metric).unwrap_or(f64::NAN)).collect()
    };
    costs(sliced).iter().zip(costs(whole)).map(|(a, b)| (a / b).ln()).collect()
}

fn cost(trial: &Trial, metric: Metric) -> Option<f64> {
    if metric == Metric::Throughput {
        let time: u64 = trial.slices.iter().map(|slice| slice.window_ns).sum();
        let done: u64 = trial.slices.iter().map(|slice| slice.done).sum();
        return (done > 0).then(|| time as f64 / done as f64);
    }
    let latencies = [&trial.hist, &trial.foul_hist].map(|hist| match hist.response.as_str() {
        "" => hist.service.as_str(),
        response => response,
    });
    let merged = histogram::merge(latencies)?;
    // A quantile decides with a hundred samples beyond it.
    match metric {
        Metric::P50 => histogram::quantile(&merged, 0.50, 100.0),
        _ => histogram::quantile(&merged, 0.99, 100.0),
    }
}
