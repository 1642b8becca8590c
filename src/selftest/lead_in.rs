//! K13: with a lead-in twice as long, a contender is in a dead heat with itself.

use deadheat_core::{
    record::{Metric, Race},
    stats::{Estimate, Measures, known::Known},
};

use super::{
    Context,
    track::{Course, Turn, alternate, sound},
};

/// Blocks and rounds.
const EFFORT: (usize, usize) = (12, 10);

/// What marks the contender with the longer lead-in.
const LONGER: &str = "+longer";

pub(super) fn k13(context: &Context) -> Result<Vec<Known>, String> {
    let echo = Course {
        scenario: "tcp-echo",
        models: &["threads/per-task"],
        load: "closed-16",
        params: "",
        placement: "same",
    };
    let waits = Course { scenario: "sleep", load: "closed-64", ..echo };
    [echo, waits].iter().map(|course| dead_heat(context, course)).collect()
}

fn dead_heat(context: &Context, course: &Course<'_>) -> Result<Known, String> {
    let plan = course.plan(&context.cells, EFFORT.0, EFFORT.1)?;
    let mut longer = plan.clone();
    longer.shape.lead_ns *= 2;
    let margin = plan.primary.default_margin();
    let reference = plan.reference.clone();
    let mut races = alternate(context, &[plan, longer], Turn::Slice)?.into_iter();
    let (Some(one), Some(other)) = (races.next(), races.next()) else {
        return Err("two races are needed".into());
    };
    let joined = join(sound(one)?, sound(other)?);
    let measures = Measures::of(&joined);
    let longer = format!("{reference}{LONGER}");
    let pairs = measures.pairs(Metric::Throughput, &longer, &reference);
    let ratios: Vec<f64> = pairs.iter().map(|pair| pair.d).collect();
    let what = format!("{}, lead-in twice as long", joined.id);
    Ok(Known::ratio(what, 1.0, &Estimate::of(&ratios, 0.05), margin))
}

/// One race with the contenders of both, so that they are paired round by round as all are.
fn join(mut race: Race, other: Race) -> Race {
    let rename = |id: &str| format!("{id}{LONGER}");
    race.contenders.extend(other.contenders.into_iter().map(|mut contender| {
        contender.id = rename(&contender.id);
        contender
    }));
    for (block, more) in race.blocks.iter_mut().zip(other.blocks) {
        block.trials.extend(more.trials.into_iter().map(|mut trial| {
            trial.contender = rename(&trial.contender);
            trial
        }));
    }
    race
}
