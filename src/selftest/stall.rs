//! K7: coordinated omission. A server stands still for S in every T; an open load must show it to
//! everyone who arrived meanwhile, and a closed loop of one client must be seen to hide it.

use std::time::Duration;

use deadheat_core::{
    clock,
    record::Race,
    sample::Sample,
    stats::{
        histogram,
        known::{
            Known,
            queue::{hidden, mean, stalled},
        },
    },
};

use super::{
    Context,
    track::{Course, alone, sound, take},
};

/// Arrivals per second.
const RATE: f64 = 1_000.0;

pub(super) fn k7(context: &Context) -> Result<Vec<Known>, String> {
    let (period, stall) = if context.quick {
        (Duration::from_millis(300), Duration::from_millis(60))
    } else {
        (Duration::from_secs(1), Duration::from_millis(200))
    };
    let params = format!("every={}ms,stall={}ms", period.as_millis(), stall.as_millis());
    let race = |load: &str| {
        let course = Course {
            scenario: "selftest-staller",
            models: &["threads/per-task"],
            load,
            params: &params,
            placement: "split",
        };
        // Whole periods, so that their phase does not matter.
        let plan = alone(course.plan(&context.cells, 1, 1)?, period, 10 * period);
        let taken = take(context, &plan)?;
        let race = sound(taken.race)?;
        let samples: Vec<Sample> =
            taken.slices.into_iter().flat_map(|(_, numbers)| numbers.samples).collect();
        Ok::<_, String>((race, samples))
    };
    let [stall, period] = [stall, period].map(|time| clock::nanos(time) as f64);
    let (open, samples) = race("open-1000")?;
    let seen = stalled(stall, period, service(&samples, stall), RATE, p99(&open));
    let (closed, _) = race("closed-1")?;
    Ok(vec![seen, hidden(stall, p99(&closed))])
}

/// Mean service time, stalls left out.
fn service(samples: &[Sample], stall: f64) -> f64 {
    let all = samples.iter().map(|sample| sample.finished - sample.started);
    mean(all.filter(|service| (*service as f64) < stall / 2.0))
}

/// Of what the record keeps, in whatever weather: the stalls are its own.
fn p99(race: &Race) -> f64 {
    let trials = race.blocks.iter().flat_map(|block| &block.trials);
    let hists = trials.flat_map(|trial| [&trial.hist, &trial.foul_hist]);
    let texts = hists.map(|hist| match hist.response.as_str() {
        "" => hist.service.as_str(),
        response => response,
    });
    let merged = histogram::merge(texts);
    merged.map_or(f64::NAN, |merged| merged.value_at_quantile(0.99) as f64)
}
