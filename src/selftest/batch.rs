//! K8: a batch of waits takes as many waves as its workers need.

use deadheat_core::stats::{
    known::{Known, Limit, Unit},
    median,
};

use super::{
    Context,
    track::{Course, run, sound},
};

/// How long each operation waits, ns.
const WAIT: u64 = 100_000_000;

/// Operations, and the models with so many of them at once; `None`: all.
const CASES: &[(u64, &str, Option<u64>)] = &[
    (4, "blocking/sequential", Some(1)),
    (32, "threads/pool-8", Some(8)),
    (30, "threads/pool-8", Some(8)),
    (64, "threads/per-task", None),
    (64, "tokio/current-thread", None),
    (64, "tokio/multi-thread", None),
    (64, "smol/multi", None),
];

pub(super) fn k8(context: &Context) -> Result<Vec<Known>, String> {
    let is_built = |model: &&str| context.cells.iter().any(|cell| cell.model.id == *model);
    let cases = CASES.iter().filter(|(_, model, _)| is_built(model));
    cases.map(|(count, model, at_once)| case(context, *count, model, *at_once)).collect()
}

fn case(context: &Context, count: u64, model: &str, at_once: Option<u64>) -> Result<Known, String> {
    let course = Course {
        scenario: "sleep",
        models: &[model],
        load: &format!("batch-{count}"),
        params: "for=100ms",
        placement: "free",
    };
    let race = sound(run(context, &course.plan(&context.cells, 1, 3)?)?)?;
    let slices = race.blocks.iter().flat_map(|block| &block.trials).flat_map(|trial| &trial.slices);
    let makespans: Vec<f64> = slices.map(|slice| slice.window_ns as f64).collect();
    let waves = count.div_ceil(at_once.unwrap_or(count));
    let what = format!("{count} waits on {model}, makespan");
    let measured = median(&makespans).unwrap_or(f64::NAN);
    Ok(Known::new(what, Unit::Ns, (waves * WAIT) as f64, measured, Limit::Above(0.05)))
}
