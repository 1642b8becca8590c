//! `doctor`: what in this machine spoils measurements, how much, and what to do about it.

use std::{collections::BTreeMap, ops::ControlFlow, slice};

use deadheat_core::{
    cell::Cell,
    clock,
    doctor::{self, Examination, Twin},
    race::{
        self, Plan, Progress,
        child::Processes,
        plan::{Effort, Wish},
    },
    record::{Fits, Race, Role},
    scenario::Params,
    stats::judge,
};

use crate::{
    cli::DoctorArgs,
    cmd::run::{interrupted, on_interrupt},
    failure::{Failure, exit},
    output,
};

mod text;

/// The race whose twin is the noise floor, under its scenario's own reference.
const COURSE: (&str, &str) = ("tcp-echo", "closed-16");

/// How long the twin is raced, ns. On a machine that is very busy longer, so that there is an
/// interval of 99% at all, and at most three times as long.
const RACE: u64 = 10_000_000_000;

/// The fewest blocks that an interval of 99% needs.
const LEAST: usize = 8;

/// Blocks and rounds of that: one more of each would take longer.
const EFFORT: Effort = Effort { blocks: 20, rounds: 8, warmup: 2, long_rounds: 1, window: None };

/// Examines, and prints what was found. What is found is a result, never a failure.
pub(crate) fn doctor(cells: &[Cell], args: &DoctorArgs) -> Result<u8, Failure> {
    let race = if args.no_race { "" } else { ", and 10 s of racing the same code, twice" };
    output::note(format_args!("doctor: 6 s in which all CPUs are busy{race}"));
    let mut examination = doctor::examine();
    let twin = if args.no_race { Err("left out (--no-race)".into()) } else { twin(cells) };
    if interrupted() {
        return Ok(exit::INTERRUPTED);
    }
    let measured = &mut examination.measured;
    match twin {
        Ok(twin) => measured.twin = Some(twin),
        Err(why) => measured.no_twin = Some(why),
    }
    let examination = Examination::new(examination.machine, examination.measured);
    if args.json {
        let json = serde_json::to_string_pretty(&examination)
            .map_err(|error| Failure::error(format!("failed to write JSON: {error}")))?;
        output::line(json);
    } else {
        text::lines(&examination, output::width()).iter().for_each(output::line);
    }
    Ok(exit::OK)
}

/// Races the same code, twice; or why that can't be done here.
fn twin(cells: &[Cell]) -> Result<Twin, String> {
    let plan = plan(cells)?;
    let launcher = Processes::of_this_program()
        .map_err(|error| format!("failed to find this program's own file: {error}"))?;
    on_interrupt();
    let mut race = race::begin(&plan);
    let start = clock::now();
    let mut watch = |race: &mut Race, progress| {
        let most = if race.blocks.len() < LEAST { 3 * RACE } else { RACE };
        let over = progress == Progress::Block && clock::now() - start >= most;
        if over || interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    race::run(&plan, &launcher, &mut race, &mut watch).map_err(|error| error.to_string())?;
    let took = clock::now() - start;
    race.controls = judge(&race).controls;
    Twin::of(&race, took).ok_or_else(|| format!("no block of {} has numbers of both", race.id))
}

/// The reference and its twin, nobody else.
fn plan(cells: &[Cell]) -> Result<Plan, String> {
    let (scenario, load) = COURSE;
    let of_course = || cells.iter().filter(|cell| cell.scenario.id == scenario);
    let reference = of_course().find(|cell| cell.model.id == (cell.scenario.describe)().reference);
    let Some(cell) = reference.or_else(|| of_course().next()) else {
        return Err(format!("this program does not race {scenario}"));
    };
    let about = (cell.scenario.describe)();
    let wish = Wish {
        params: Params::resolve(&BTreeMap::new(), about.params).map_err(|e| e.to_string())?,
        load: load.parse().map_err(|error| format!("{load}: {error}"))?,
        placement: "same",
        name_placement: false,
        effort: EFFORT,
        seed: 1,
        reference: Some(cell.model.id),
        controls: true,
        external: Vec::new(),
        margin: BTreeMap::new(),
        keep_slices: false,
    };
    let mut plan = Plan::new(&cell.scenario, slice::from_ref(cell), wish);
    // The handicapped control would take a third of the time, and says nothing of the floor.
    plan.entrants.retain(|entrant| entrant.contender.role != Role::Handicapped);
    let mut fits = plan.entrants.iter().map(|entrant| &entrant.contender.fits);
    match fits.find(|fits| **fits != Fits::Yes) {
        Some(Fits::NotApplicable(why) | Fits::Infeasible(why)) => {
            Err(format!("{} does not fit here: {why}", cell.model.id))
        }
        _ => Ok(plan),
    }
}
