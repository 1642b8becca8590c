//! `list`: what there is, and why some of it can't run here.

use deadheat_core::{
    cell::Cell,
    model::Places,
    record::{Fits, Role},
    scenario::{Param, ParamKind, Tier},
};

use crate::{
    choice::{choose, ids},
    cli::{CargoArgs, ChoiceArgs, EffortArgs, ListArgs, RunArgs},
    config,
    course::Course,
    failure::{Failure, exit},
    output,
    plan::Terms,
    profile::Profile,
};

/// Models, scenarios and cells. Everything that exists by name is here too.
pub(crate) fn list(cells: &[Cell], args: &ListArgs) -> Result<u8, Failure> {
    let choice = ChoiceArgs { all: true, ..args.choice.clone() };
    let outsiders = config::read(choice.config.as_deref(), cells)?;
    let courses = choose(cells, &outsiders, &choice, Profile::Publish, None)?;
    let chosen: Vec<Cell> = courses.iter().flat_map(Course::cells).collect();
    models(&chosen);
    externals(&courses);
    scenarios(&courses);
    output::line("\nCELLS");
    let effort = EffortArgs { profile: Profile::Smoke, ..EffortArgs::default() };
    let terms = Terms::new(&effort, false, 0);
    for (course, plan) in courses.iter().zip(terms.plans(&courses)) {
        for contender in plan.entrants.iter().map(|entrant| &entrant.contender) {
            if contender.role == Role::Model {
                let reason = match &contender.fits {
                    Fits::Yes => String::new(),
                    Fits::NotApplicable(why) => format!("  not applicable: {why}"),
                    Fits::Infeasible(why) => format!("  can't run here: {why}"),
                };
                output::line(format_args!("  {}{reason}", course.cell_id(&contender.model)));
            }
        }
    }
    Ok(exit::OK)
}

/// `--list`: the chosen cells as test runners read them.
pub(crate) fn cells(cells: &[Cell], args: &RunArgs, cargo: &CargoArgs) -> Result<u8, Failure> {
    if cargo.ignored {
        return Ok(exit::OK);
    }
    let profile = if args.effort.quick { Profile::Quick } else { args.effort.profile };
    let outsiders = config::read(args.choice.config.as_deref(), cells)?;
    let reference = args.effort.reference.as_deref();
    let courses = choose(cells, &outsiders, &args.choice, profile, reference)?;
    let ids = |course: &Course| -> Vec<String> {
        course.racers.iter().map(|racer| course.cell_id(racer.model())).collect()
    };
    let ids: Vec<String> = courses.iter().flat_map(ids).collect();
    for id in &ids {
        output::line(format_args!("{id}: benchmark"));
    }
    if cargo.libtest_format.as_deref() != Some("terse") {
        output::line(format_args!("\n0 tests, {} benchmarks", ids.len()));
    }
    Ok(exit::OK)
}

fn models(cells: &[Cell]) {
    output::line("MODELS");
    for id in ids(cells, |cell| cell.model.id) {
        let Some(cell) = cells.iter().find(|cell| cell.model.id == id) else { continue };
        let model = cell.model;
        let places = match model.places {
            Places::Tasks => "tasks".into(),
            Places::Threads => "a thread per task".into(),
            Places::Fixed(1) => "one task at a time".into(),
            Places::Fixed(n) => format!("{n} tasks at a time"),
            Places::PerCpu => "a task per CPU".into(),
        };
        let note = if model.note.is_empty() { String::new() } else { format!(" ({})", model.note) };
        output::line(format_args!("  {id:24}{}: {places}{note}", model.about));
    }
}

fn externals(courses: &[Course]) {
    let mut said: Vec<String> = Vec::new();
    for external in courses.iter().flat_map(Course::externals) {
        if !said.contains(&external.id) {
            let note = if external.note.is_empty() {
                String::new()
            } else {
                format!(" ({})", external.note)
            };
            let command = external.command.join(" ");
            output::line(format_args!("  {:24}external program: {command}{note}", external.id));
            said.push(external.id);
        }
    }
}

fn scenarios(courses: &[Course]) {
    output::line("\nSCENARIOS");
    let mut said: Vec<&str> = Vec::new();
    for scenario in courses.iter().map(|course| &course.scenario) {
        let id = scenario.id;
        if said.contains(&id) {
            continue;
        }
        said.push(id);
        let about = (scenario.describe)();
        output::line(format_args!("  {id:24}{}; {}", about.operation, about.stands_for));
        for course in about.courses {
            let params = if course.params.is_empty() {
                String::new()
            } else {
                format!("/{}", course.params)
            };
            let when = match course.tier {
                Tier::Quick => "in every profile",
                Tier::Brief => "in --quick, and by name, with --all or --profile publish",
                Tier::Default => "in all but --quick",
                Tier::Publish => "by name, with --all or --profile publish",
            };
            let place = course.placement;
            output::line(format_args!("    {}{params}  placement {place}, {when}", course.load));
        }
        for Param { name, default, kind, about } in about.params {
            let values = match kind {
                ParamKind::Number(least, most) => format!("{least} to {most}"),
                ParamKind::Duration(most) => {
                    format!("up to {}", deadheat_core::duration::format(*most))
                }
                ParamKind::Choice(words) => words.join(", "),
                ParamKind::List(most) => format!("up to {most} numbers joined with +"),
            };
            output::line(format_args!("    --param {name}={default}  {about} ({values})"));
        }
    }
}
