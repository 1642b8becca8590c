//! Test mode: each cell once, no files; what `cargo test --benches` asks for.

use std::ops::ControlFlow;

use deadheat_core::{
    cell::Cell,
    race::{self, Plan, child::Processes},
    record::{Fits, Outcome, Race, Role},
};

use crate::{
    choice::choose,
    cli::{CargoArgs, RunArgs},
    cmd::run::{interrupted, on_interrupt},
    config,
    failure::{Failure, exit},
    output,
    plan::Terms,
    profile::Profile,
};

/// Runs one slice of each cell, and says of each whether its answers were right.
pub(crate) fn test(cells: &[Cell], args: &RunArgs, cargo: &CargoArgs) -> Result<u8, Failure> {
    if cargo.ignored {
        return Ok(exit::OK);
    }
    let mut effort = args.effort.clone();
    (effort.profile, effort.quick) = (Profile::Smoke, false);
    (effort.blocks, effort.rounds) = (None, None);
    let seed = effort.seed.unwrap_or(1);
    let terms = Terms::new(&effort, false, seed);
    let outsiders = config::read(args.choice.config.as_deref(), cells)?;
    let reference = effort.reference.as_deref();
    let courses = choose(cells, &outsiders, &args.choice, terms.profile, reference)?;
    let plans = terms.plans(&courses);
    config::check_programs(&plans, config::path(args.choice.config.as_deref()))?;
    let launcher = Processes::of_this_program()
        .map_err(|error| Failure::error(format!("failed to find this program's file: {error}")))?;
    on_interrupt();
    let mut tally = Tally::default();
    for (course, plan) in courses.iter().zip(plans) {
        let mut race = race::begin(&plan);
        let outcome = race::run(&plan, &launcher, &mut race, &mut |_, _| {
            if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if interrupted() {
            return Ok(exit::INTERRUPTED);
        }
        let cause = outcome.err().map(|error| error.to_string());
        for entrant in &plan.entrants {
            let id = course.cell_id(&entrant.contender.model);
            tally.add(&id, &verdict(&race, &plan, &entrant.contender.id, cause.as_deref()));
        }
    }
    let Tally { ok, failed, ignored } = tally;
    let word = if failed == 0 { "ok" } else { "FAILED" };
    output::line(format_args!(
        "\ntest result: {word}. {ok} passed; {failed} failed; {ignored} ignored"
    ));
    Ok(if failed == 0 { exit::OK } else { exit::FAILED })
}

/// How a cell came through.
enum Verdict {
    Ok,
    Ignored(String),
    Failed(String),
}

fn verdict(race: &Race, plan: &Plan, id: &str, cause: Option<&str>) -> Verdict {
    let contender = plan.entrants.iter().map(|e| &e.contender).find(|c| c.id == id);
    debug_assert!(contender.is_some_and(|c| c.role == Role::Model), "smoke has no controls");
    if let Some(Fits::NotApplicable(why) | Fits::Infeasible(why)) = contender.map(|c| &c.fits) {
        return Verdict::Ignored(why.clone());
    }
    match (race.trials(id).next(), cause) {
        (_, Some(cause)) => Verdict::Failed(cause.into()),
        (None, None) => Verdict::Failed("it was not run".into()),
        (Some((_, trial)), None) => match &trial.outcome {
            Outcome::Ok => Verdict::Ok,
            Outcome::Failed { cause, stderr } => {
                Verdict::Failed(format!("{cause} {stderr}").trim_end().to_owned())
            }
        },
    }
}

#[derive(Default)]
struct Tally {
    ok: usize,
    failed: usize,
    ignored: usize,
}

impl Tally {
    fn add(&mut self, id: &str, verdict: &Verdict) {
        let (count, word) = match verdict {
            Verdict::Ok => (&mut self.ok, "ok".into()),
            Verdict::Ignored(why) => (&mut self.ignored, format!("ignored, {why}")),
            Verdict::Failed(why) => (&mut self.failed, format!("FAILED: {why}")),
        };
        *count += 1;
        output::line(format_args!("test {id} ... {word}"));
    }
}
