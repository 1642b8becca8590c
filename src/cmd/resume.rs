//! `run --resume`: the record says what was asked for, and what of it is there.

use std::{path::Path, time::Duration};

use deadheat_core::{
    race::{Entrant, Plan},
    record::{Contender, Race, Record, Role},
};

use crate::{cli::RunArgs, config::Outsider, failure::Failure, folder::Folder, program};

/// Where the record keeps the arguments.
pub(crate) const ARGS: &str = "args";

/// Where the record keeps the external programs that were there to be raced.
pub(crate) const OUTSIDERS: &str = "external";

/// What a run goes on with.
pub(crate) struct Resumed {
    pub(crate) args: RunArgs,
    pub(crate) folder: Folder,
    pub(crate) record: Record,
}

/// Reads a run's folder. Whatever shapes a race comes from its record.
pub(crate) fn resume(folder: &Path, now: &RunArgs) -> Result<Resumed, Failure> {
    let nothing = RunArgs::default();
    let differs = serde_json::json!([now.choice, now.effort])
        != serde_json::json!([nothing.choice, nothing.effort]);
    if differs {
        return Err(Failure::usage(format!(
            "--resume {}: filters and flags come from the record, and can't be given again",
            folder.display()
        )));
    }
    let (folder, record) = Folder::open(folder)?;
    let stored = record.run.more.get(ARGS).cloned().unwrap_or_default();
    let args: RunArgs = serde_json::from_value(stored).map_err(|error| {
        let record = folder.record();
        Failure::error(format!("{} does not say what was asked for: {error}", record.display()))
    })?;
    let ours = program::program();
    if (&ours.version, &ours.git) != (&record.run.program.version, &record.run.program.git) {
        return Err(Failure::error(format!(
            "{} was measured by {} {}, and this is {} {}: two programs make no one race",
            folder.record().display(),
            record.run.program.version,
            record.run.program.git,
            ours.version,
            ours.git,
        )));
    }
    Ok(Resumed { args, folder, record })
}

/// The external programs that the run was started with; its file may have changed since.
pub(crate) fn outsiders(record: &Record) -> Result<Vec<Outsider>, Failure> {
    let Some(stored) = record.run.more.get(OUTSIDERS) else { return Ok(Vec::new()) };
    serde_json::from_value(stored.clone()).map_err(|error| {
        Failure::error(format!("the record does not say which external programs raced: {error}"))
    })
}

/// The plans of a run that goes on; of a new one all are fresh.
#[derive(Debug, Default)]
pub(crate) struct Parted {
    /// Their races have begun, and go on as they were.
    pub(crate) begun: Vec<Plan>,
    /// These are still to be planned, as those of a new run are.
    pub(crate) fresh: Vec<Plan>,
    /// About how long what there is took.
    pub(crate) spent: Duration,
}

/// Parts plans by whether their races have begun.
pub(crate) fn part(plans: Vec<Plan>, record: &Record) -> Result<Parted, Failure> {
    let mut parted = Parted::default();
    for mut plan in plans {
        let id = plan.id();
        let Some(race) = record.races.iter().find(|race| race.id == id) else {
            parted.fresh.push(plan);
            continue;
        };
        restore(&mut plan, race)?;
        let done = race.blocks.len() as f64 / plan.shape.blocks.max(1) as f64;
        parted.spent += plan.estimate().mul_f64(done.min(1.0));
        parted.begun.push(plan);
    }
    Ok(parted)
}

/// Makes a plan what it was when its race began: what calibration, and the time that there was,
/// had made of it, and what the race itself found out about its contenders.
fn restore(plan: &mut Plan, race: &Race) -> Result<(), Failure> {
    let unlike = || {
        Failure::error(format!(
            "{} was raced by other models than there are in this program",
            race.id
        ))
    };
    let planned: Vec<&Entrant> =
        plan.entrants.iter().filter(|entrant| entrant.contender.role == Role::Model).collect();
    let raced = race.contenders.iter().filter(|contender| contender.role == Role::Model);
    if !raced.map(|own| &own.id).eq(planned.iter().map(|entrant| &entrant.contender.id)) {
        return Err(unlike());
    }
    // In the race's order, by which its contenders are started.
    let entrant = |own: &Contender| {
        let model = planned.iter().find(|entrant| entrant.contender.model == own.model)?;
        Some(Entrant { contender: own.clone(), ..(*model).clone() })
    };
    let entrants: Option<Vec<Entrant>> = race.contenders.iter().map(entrant).collect();
    plan.entrants = entrants.ok_or_else(unlike)?;
    plan.reference.clone_from(&race.reference);
    plan.kind = race.kind;
    plan.placement = race.placement.clone();
    plan.shape = race.shape.clone();
    Ok(())
}

#[cfg(all(test, feature = "core"))]
mod tests {
    use deadheat_core::{
        race::{self, plan::Pace},
        record::{Block, Handicap, Kind},
    };

    use super::*;
    use crate::{
        choice::choose,
        cli::{ChoiceArgs, EffortArgs},
        matrix,
        plan::Terms,
        profile::Profile,
    };

    /// Two races of two models.
    fn plans() -> Vec<Plan> {
        let choice = ChoiceArgs {
            models: vec!["threads/per-task".into(), "threads/pool-64".into()],
            scenarios: vec!["http-server".into()],
            load: vec!["closed-16".into(), "open-2000-poisson".into()],
            ..ChoiceArgs::default()
        };
        let courses = choose(&matrix::cells(), &[], &choice, Profile::Default, None).unwrap();
        Terms::new(&EffortArgs::default(), false, 1).plans(&courses)
    }

    /// What the plan of an open load becomes where its queue has a long memory.
    fn calibrated(mut plan: Plan) -> Plan {
        plan.refit(Pace {
            service_ns: 100_000_000,
            relaxation_ns: 400_000_000,
            ready_ns: 1_000_000,
            rest_ns: 1_000_000,
        });
        assert_eq!(plan.kind, Kind::Solo);
        plan
    }

    fn open(plans: Vec<Plan>) -> Plan {
        plans.into_iter().find(|plan| plan.load.is_open()).unwrap()
    }

    #[test]
    fn a_race_that_was_killed_in_its_first_block_goes_on_as_it_was_planned() {
        let before = calibrated(open(plans()));
        let mut race = race::begin(&before);
        race.placement.sut = vec![7];
        let slowed = race.contenders.iter_mut().find(|own| own.role == Role::Handicapped).unwrap();
        slowed.handicap = Some(Handicap::Clock { factor: 1.5 });
        let record = Record { races: vec![race.clone()], ..Record::default() };
        let Parted { begun, fresh, spent } = part(plans(), &record).unwrap();
        assert_eq!((begun.len(), fresh.len(), spent), (1, 1, Duration::ZERO));
        let after = race::begin(&begun[0]);
        assert_eq!((after.kind, &after.shape), (Kind::Solo, &race.shape));
        assert_eq!(after.placement, race.placement);
        assert_eq!(after.contenders, race.contenders);
        assert!(fresh[0].load.is_closed() && fresh[0].kind == Kind::Sliced);
    }

    #[test]
    fn another_reference_and_its_controls_are_kept() {
        let mut race = race::begin(&open(plans()));
        race.reference = "threads/pool-64".into();
        for own in race.contenders.iter_mut().filter(|own| own.role != Role::Model) {
            own.id = own.id.replace("per-task", "pool-64");
            own.model = "threads/pool-64".into();
        }
        race.blocks = vec![Block::default(); 4];
        let record = Record { races: vec![race.clone()], ..Record::default() };
        let parted = part(plans(), &record).unwrap();
        let plan = &parted.begun[0];
        assert_eq!(race::begin(plan).contenders, race.contenders);
        assert_eq!(plan.reference, "threads/pool-64");
        let share = parted.spent.as_secs_f64() / plan.estimate().as_secs_f64();
        assert!((share - 4.0 / plan.shape.blocks as f64).abs() < 1e-6, "{share}");
    }

    #[test]
    fn other_models_are_no_race_to_go_on_with() {
        let mut race = race::begin(&open(plans()));
        race.contenders.retain(|own| own.id != "threads/pool-64");
        let record = Record { races: vec![race], ..Record::default() };
        let refused = part(plans(), &record).unwrap_err().to_string();
        assert!(refused.contains("was raced by other models"), "{refused}");
    }
}
