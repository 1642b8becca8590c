//! K11: models that cheat have no number, and the honest one beside them has.

use deadheat_core::{
    record::{Outcome, Race},
    stats::known::{Known, Limit, Unit},
};

use super::{
    Context,
    track::{Course, run},
};

/// A model, and what its refusal must say.
const CHEATS: [(&str, &str); 3] = [
    ("selftest/wrong", "check values are wrong"),
    ("selftest/skips", "the peer counted"),
    ("selftest/swallows", "the peer counted"),
];

const HONEST: &str = "threads/per-task";

pub(super) fn k11(context: &Context) -> Result<Vec<Known>, String> {
    let models: Vec<&str> = CHEATS.iter().map(|(id, _)| *id).chain([HONEST]).collect();
    let course = Course {
        scenario: "tcp-echo",
        models: &models,
        load: "closed-4",
        params: "",
        placement: "same",
    };
    let race = run(context, &course.plan(&context.cells, 2, 2)?)?;
    let mut known: Vec<Known> = CHEATS
        .iter()
        .map(|(id, said)| {
            let what = format!("blocks of {id} that are refused, of 2");
            Known::new(what, Unit::Count, 2.0, refused(&race, id, said), Limit::Absolute(0.0))
        })
        .collect();
    let what = format!("blocks of {HONEST} that are refused, of 2");
    known.push(Known::new(
        what,
        Unit::Count,
        0.0,
        refused(&race, HONEST, ""),
        Limit::Absolute(0.0),
    ));
    Ok(known)
}

/// Blocks in which it was refused for that reason and has no slice.
fn refused(race: &Race, id: &str, said: &str) -> f64 {
    let refused = race.trials(id).filter(|(_, trial)| match &trial.outcome {
        Outcome::Failed { cause, .. } => cause.contains(said) && trial.slices.is_empty(),
        Outcome::Ok => false,
    });
    refused.count() as f64
}
