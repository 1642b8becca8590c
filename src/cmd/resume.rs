//! `run --resume`: the record says what was asked for, and what of it is there.

use std::path::Path;

use deadheat_core::{
    race::{self, Plan},
    record::{Fits, Record, Role, Status},
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

/// Gives the plans the lengths that their races had.
pub(crate) fn take_shapes(plans: &mut [Plan], record: &Record) -> Result<(), Failure> {
    for plan in plans {
        let Some(race) = record.races.iter().find(|race| race.id == plan.id()) else { continue };
        // The controls are another's where the reference turned out too slow.
        let fits = |id: &str| race.contender(id).is_none_or(|own| own.fits == Fits::Yes);
        let same_controls = fits(&plan.reference);
        let who = |race: &deadheat_core::record::Race| -> Vec<String> {
            let all = race.contenders.iter();
            let compared = all.filter(|own| same_controls || own.role == Role::Model);
            compared.map(|contender| contender.id.clone()).collect()
        };
        if who(race) != who(&race::begin(plan)) {
            return Err(Failure::error(format!(
                "{} was raced by other models than there are in this program",
                race.id
            )));
        }
        plan.shape = race.shape.clone();
        if race.status == Status::Running && race.blocks.is_empty() {
            continue;
        }
        for entrant in &mut plan.entrants {
            let known = race.contender(&entrant.contender.id);
            entrant.contender.handicap = known.and_then(|contender| contender.handicap);
        }
        plan.kind = race.kind;
        plan.placement = race.placement.clone();
    }
    Ok(())
}
