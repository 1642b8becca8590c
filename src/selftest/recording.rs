//! K10: what the record keeps of a real race, against the samples that it was made from.

use deadheat_core::{
    record::{Histograms, Race},
    stats::{
        histogram,
        known::{Known, Limit, Unit, recording::worst_error},
    },
};

use super::{
    Context,
    track::{Course, sound, take},
};

pub(super) fn k10(context: &Context) -> Result<Vec<Known>, String> {
    let course = Course {
        scenario: "tcp-echo",
        models: &["threads/per-task"],
        load: "closed-4",
        params: "",
        placement: "same",
    };
    let mut plan = course.plan(&context.cells, 3, 4)?;
    plan.keep_slices = true;
    let taken = take(context, &plan)?;
    let race = sound(taken.race)?;
    let window = plan.shape.lead_ns..plan.shape.lead_ns + plan.shape.window_ns;
    let samples: Vec<u64> = taken
        .slices
        .iter()
        .flat_map(|(_, numbers)| &numbers.samples)
        .filter(|sample| window.contains(&sample.finished))
        .map(|sample| sample.finished - sample.started)
        .collect();
    let of_trials = merged(&race, |race| {
        let trials = race.blocks.iter().flat_map(|block| &block.trials);
        trials.flat_map(|trial| [trial.hist.clone(), trial.foul_hist.clone()]).collect()
    });
    let of_slices = merged(&race, |race| {
        let trials = race.blocks.iter().flat_map(|block| &block.trials);
        trials.flat_map(|t| &t.slices).filter_map(|slice| slice.hist.clone()).collect()
    });
    let error = of_trials.as_ref().map_or(f64::NAN, |kept| worst_error(&samples, kept));
    let same = f64::from(u8::from(of_trials.is_some() && of_trials == of_slices));
    Ok(vec![
        Known::new(
            format!("record of {} operations against them, worst error", samples.len()),
            Unit::Number,
            1e-3,
            error,
            Limit::AtMost,
        ),
        Known::new(
            "slices merged are the blocks merged",
            Unit::Count,
            1.0,
            same,
            Limit::Absolute(0.0),
        ),
    ])
}

fn merged(race: &Race, parts: fn(&Race) -> Vec<Histograms>) -> Option<histogram::Histogram<u64>> {
    let parts = parts(race);
    histogram::merge(parts.iter().map(|hist| hist.service.as_str()))
}
