//! `run --resume`: the record says what was asked for, and what of it is there.

use std::{collections::BTreeSet, path::Path, time::Duration};

use deadheat_core::{
    race::{Entrant, Plan},
    record::{Contender, Program, ProgramFile, Race, Record, Role, Status},
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
    Ok(Resumed { args, folder, record })
}

/// What is left of a run is for the program that began it.
pub(crate) fn check_program(folder: &Folder, record: &Record) -> Result<(), Failure> {
    let differences = differences(&record.run.program, &program::program());
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::error(format!(
        "{} was measured by another program than this one ({}): two programs make no one race",
        folder.record().display(),
        differences.join("; "),
    )))
}

/// What tells the program that measured from this one; nothing: it is the same.
fn differences(then: &Program, now: &Program) -> Vec<String> {
    let named = |program: &Program| {
        [
            ("version", program.version.clone()),
            ("git", program.git.clone()),
            ("rustc", program.rustc.clone()),
            ("build", program.profile.clone()),
            ("features", program.features.join(" ")),
        ]
    };
    let mut differ: Vec<_> = named(then)
        .into_iter()
        .zip(named(now))
        .map(|((what, then), (_, now))| (what, then, now))
        .collect();
    // Where a program is its crate's, which lock file it finds depends on how it was started.
    if then.file.is_none() || then.file != now.file {
        let crates: BTreeSet<&String> = then.lock.keys().chain(now.lock.keys()).collect();
        let of = |of: &Program, name: &str| of.lock.get(name).cloned().unwrap_or_default();
        differ
            .extend(crates.into_iter().map(|name| (name.as_str(), of(then, name), of(now, name))));
    }
    if !is_told_by_git(then) {
        differ.push(("its file", words(then.file), words(now.file)));
    }
    differ.retain(|(_, then, now)| then != now);
    let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    differ
        .into_iter()
        .map(|(what, then, now)| format!("{what}: {}, here {}", or_none(then), or_none(now)))
        .collect()
}

/// Whether builds that differ differ in `git` too. It knows nothing of changes that are in no
/// commit, nor of races of one's own.
fn is_told_by_git(program: &Program) -> bool {
    let own = program.more.get(program::OWN).and_then(serde_json::Value::as_array);
    let is_whole = !program.git.is_empty() && !program.git.ends_with("+dirty");
    is_whole && own.is_none_or(Vec::is_empty)
}

fn words(file: Option<ProgramFile>) -> String {
    let Some(ProgramFile { size, changed_ns }) = file else { return "unknown".into() };
    let changed = jiff::Timestamp::from_nanosecond(changed_ns.into()).unwrap_or_default();
    format!("{size} bytes of {changed}")
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

/// Whether the run came to its end with all that was planned: there is nothing to go on with.
pub(crate) fn is_complete(plans: &[Plan], record: &Record) -> bool {
    let has_ended = !record.run.ended.is_empty() && !record.run.interrupted;
    has_ended && plans.iter().all(|plan| is_raced(plan, record) || is_carried(plan, record))
}

fn is_raced(plan: &Plan, record: &Record) -> bool {
    let id = plan.id();
    record.races.iter().any(|race| race.id == id && race.status == Status::Complete)
}

/// With `--slo`: whether every block of the scenario's search is there.
fn is_carried(plan: &Plan, record: &Record) -> bool {
    let own = record.capacities.iter().find(|own| own.scenario == plan.scenario.id);
    own.is_some_and(|own| own.races.iter().all(|race| race.blocks.len() >= own.blocks))
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
        record::{Block, Capacity, Handicap, Kind},
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

    /// A program of a commit without changes.
    fn program() -> Program {
        Program {
            version: "0.1.0".into(),
            git: "0123456789ab".into(),
            rustc: "rustc 1.95.0".into(),
            profile: "release, opt-level 3".into(),
            features: vec!["core".into(), "tokio".into()],
            lock: [("tokio".to_owned(), "1.54.0".to_owned())].into(),
            file: Some(ProgramFile { size: 7, changed_ns: 1_767_323_045_000_000_001 }),
            ..Program::default()
        }
    }

    /// What is said of a program that differs from [`program`] in this, and in its file.
    fn told(change: impl FnOnce(&mut Program)) -> String {
        let mut other = program();
        other.file = Some(ProgramFile { size: 8, ..other.file.unwrap() });
        change(&mut other);
        differences(&program(), &other).join("; ")
    }

    #[test]
    fn another_build_is_another_program() {
        assert_eq!(told(|_| ()), "", "built again, from the same commit in the same way");
        assert_eq!(told(|own| own.version = "0.2.0".into()), "version: 0.1.0, here 0.2.0");
        assert_eq!(told(|own| own.git.clear()), "git: 0123456789ab, here none");
        let rustc = told(|own| own.rustc = "rustc 1.96.0".into());
        assert_eq!(rustc, "rustc: rustc 1.95.0, here rustc 1.96.0");
        let build = told(|own| own.profile = "debug, opt-level 0".into());
        assert_eq!(build, "build: release, opt-level 3, here debug, opt-level 0");
        let two = told(|own| {
            own.features.pop();
            own.lock = [("smol".to_owned(), "2.0.0".to_owned())].into();
        });
        assert_eq!(
            two,
            "features: core tokio, here core; smol: none, here 2.0.0; tokio: 1.54.0, here none"
        );
    }

    #[test]
    fn where_git_does_not_tell_builds_apart_their_files_do() {
        let of = |change: fn(&mut Program), size| {
            let mut then = program();
            change(&mut then);
            let file = ProgramFile { size, ..then.file.unwrap() };
            let now = Program { file: Some(file), ..then.clone() };
            differences(&then, &now).join("; ")
        };
        let changes: [fn(&mut Program); 3] = [
            |own| own.git.clear(),
            |own| own.git += "+dirty",
            |own| _ = own.more.insert(program::OWN.into(), serde_json::json!(["mine"])),
        ];
        for change in changes {
            assert_eq!(of(change, 7), "");
            let said = of(change, 8);
            let time = "2026-01-02T03:04:05.000000001Z";
            assert_eq!(said, format!("its file: 7 bytes of {time}, here 8 bytes of {time}"));
        }
        let unknown = Program { git: String::new(), file: None, ..program() };
        let now = Program { file: program().file, ..unknown.clone() };
        assert!(differences(&unknown, &now)[0].starts_with("its file: unknown, here 7 bytes"));
        assert!(differences(&unknown, &unknown).is_empty());
    }

    #[test]
    fn the_same_file_is_the_same_program_wherever_it_looks_for_a_lock_file() {
        let mut now = program();
        now.lock.clear();
        assert!(differences(&program(), &now).is_empty());
    }

    #[test]
    fn a_run_is_complete_when_it_has_ended_with_all_of_its_races() {
        let plans = plans();
        let races = plans.iter().map(race::begin).collect();
        let mut record = Record { races, ..Record::default() };
        record.run.ended = "2026-01-02T03:04:05Z".into();
        assert!(!is_complete(&plans, &record), "they have begun");
        for race in &mut record.races {
            race.status = Status::Complete;
        }
        assert!(is_complete(&plans, &record));
        let mut other = record.clone();
        other.run.interrupted = true;
        assert!(!is_complete(&plans, &other), "it was interrupted");
        other = record.clone();
        other.run.ended.clear();
        assert!(!is_complete(&plans, &other), "it was killed");
        record.races.pop();
        assert!(!is_complete(&plans, &record), "one is missing");
    }

    #[test]
    fn a_search_is_complete_when_all_of_its_blocks_are_there() {
        let plans = plans();
        let mut record = Record::default();
        record.run.ended = "2026-01-02T03:04:05Z".into();
        assert!(!is_complete(&plans, &record), "it has not begun");
        let rate = Race { blocks: vec![Block::default(); 2], ..Race::default() };
        let mut capacity = Capacity {
            scenario: "http-server".into(),
            blocks: 2,
            races: vec![rate.clone(), rate],
            ..Capacity::default()
        };
        record.capacities = vec![capacity.clone()];
        assert!(is_complete(&plans, &record));
        capacity.races[1].blocks.pop();
        record.capacities = vec![capacity];
        assert!(!is_complete(&plans, &record), "a block is missing");
    }
}
