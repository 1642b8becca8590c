//! K5: Little's law by two witnesses, and the interactive response time law.

use std::time::Duration;

use deadheat_core::{
    record::Slice,
    stats::known::{Known, Limit, Unit, queue::little},
};

use super::{
    Context,
    track::{Course, Taken, alone, sound, take},
};

/// Clients of the closed loops.
const CLIENTS: f64 = 16.0;

/// How long they think, ns.
const THINK: f64 = 20_000_000.0;

pub(super) fn k5(context: &Context) -> Result<Vec<Known>, String> {
    let long = Duration::from_secs(if context.quick { 4 } else { 8 });
    // A hundred operations of each session and more: 40 ms a cycle.
    let client = Course {
        scenario: "http-fanout",
        models: &["threads/per-task"],
        load: "closed-16-think-20ms",
        params: "think=20ms",
        placement: "split",
    };
    let server = Course {
        scenario: "echo-server",
        models: &["threads/per-task"],
        load: "open-2000-poisson",
        params: "",
        placement: "split",
    };
    let closed = one(context, &client, long)?;
    let open = one(context, &server, long)?;
    let law = |what: &str, (taken, slice): &(Taken, Slice), slack| {
        let samples = taken.slices.iter().flat_map(|(_, numbers)| numbers.samples.iter().copied());
        let samples: Vec<_> = samples.collect();
        let seen = slice.peer.map_or(0, |peer| peer.in_flight);
        let ratio = little(&samples, seen);
        Known::new(what, Unit::Number, 1.0, ratio, Limit::Relative(slack))
    };
    Ok(vec![
        law("λW of the clients ÷ L of the server that they wait for", &closed, 0.02),
        law("λW of the samples ÷ L that the generator counted", &open, 0.05),
        interactive(&closed),
    ])
}

fn one(context: &Context, course: &Course<'_>, window: Duration) -> Result<(Taken, Slice), String> {
    let plan = alone(course.plan(&context.cells, 1, 1)?, Duration::from_millis(200), window);
    let Taken { race, slices } = take(context, &plan)?;
    let race = sound(race)?;
    let slice = race.blocks[0].trials[0].slices.first().cloned();
    let slice = slice.ok_or_else(|| format!("{}: there is no slice", race.id))?;
    Ok((Taken { race, slices }, slice))
}

/// X = N/(R + Z), in the window.
fn interactive((taken, slice): &(Taken, Slice)) -> Known {
    let window = slice.lead_ns..slice.lead_ns + slice.window_ns;
    let samples = taken.slices.iter().flat_map(|(_, numbers)| &numbers.samples);
    let inside = samples.filter(|sample| window.contains(&sample.finished));
    let times: Vec<f64> = inside.map(|s| (s.finished - s.started) as f64).collect();
    let response = times.iter().sum::<f64>() / times.len() as f64;
    let truth = CLIENTS / (response + THINK) * 1e9;
    let throughput = slice.done as f64 / slice.window_ns as f64 * 1e9;
    let what = "X of 16 clients against N/(R + Z), per second";
    Known::new(what, Unit::Number, truth, throughput, Limit::Relative(0.02))
}
