//! The command that stands below each race in a report, read by the command line that it is for:
//! it must plan the same race.

use clap::Parser;
use deadheat_core::{
    cell::Cell,
    race::{self, Plan, plan::Pace},
    record::{Kind, Race, Record},
};
use deadheat_reports::{Options, find};
use serde_json::json;

use super::Terms;
use crate::{
    Threads,
    choice::choose,
    cli::{self, Program, RunArgs},
    matrix, program,
};

/// What begins the command of a race that `deadheat` can't run.
const SAME_PROGRAM: &str = "# run the same program again with: ";

/// The words of a command, as a shell takes them.
fn split(command: &str) -> Vec<String> {
    let print = format!("printf '%s\\n' {command}");
    let output = std::process::Command::new("sh").args(["-c", &print]).output().unwrap();
    assert!(output.status.success(), "{command}");
    String::from_utf8(output.stdout).unwrap().lines().map(Into::into).collect()
}

fn parse(command: &str) -> RunArgs {
    let parsed = Program::try_parse_from(split(command));
    match parsed.map(|program| program.command) {
        Ok(cli::Command::Run(args)) => *args,
        Ok(other) => panic!("{command}: {other:?}"),
        Err(error) => panic!("{command}: {error}"),
    }
}

/// What is planned by a command line, and what this machine is found to be then.
fn plans(cells: &[Cell], args: &RunArgs, pace: Option<Pace>) -> Vec<Plan> {
    let terms = Terms::new(&args.effort, false, args.effort.seed.unwrap_or(7));
    let reference = args.effort.reference.as_deref();
    let courses = choose(cells, &[], &args.choice, terms.profile, reference).unwrap();
    let mut plans = terms.plans(&courses);
    for plan in &mut plans {
        if let Some(pace) = pace.filter(|_| plan.kind == Kind::Sliced) {
            plan.refit(pace);
        }
    }
    plans
}

/// The command in a report of this race.
fn told(cells: &[Cell], plan: &Plan, race: &Race, args: &RunArgs) -> String {
    let terms = Terms::new(&args.effort, false, plan.seed);
    let mut record = Record { races: vec![race.clone()], ..Record::default() };
    record.run.profile = terms.profile.id().into();
    record.run.seed = plan.seed;
    record.run.program.more.insert(program::OWN.into(), json!(program::own(cells)));
    let files = (find("md").unwrap().render)(&record, &Options::default()).unwrap();
    let page = String::from_utf8(files[0].bytes.clone()).unwrap();
    let (_, below) = page.split_once("```sh\n").unwrap();
    below.split_once("\n```").unwrap().0.into()
}

/// Plans what the flags say, and then what the reports of those races say. Returns their commands.
fn planned_again(cells: &[Cell], flags: &str, pace: Option<Pace>) -> Vec<String> {
    let args = parse(&format!("deadheat run {flags}"));
    let commands = plans(cells, &args, pace).into_iter().map(|plan| {
        let race = race::begin(&plan);
        let command = told(cells, &plan, &race, &args);
        let line = match command.strip_prefix(SAME_PROGRAM) {
            Some(flags) => format!("deadheat {flags}"),
            None => command.clone(),
        };
        let again = plans(cells, &parse(&line), pace);
        let [again] = again.as_slice() else { panic!("{} races: {command}", again.len()) };
        assert_eq!(race::begin(again), race, "{command}");
        assert_eq!((again.seed, again.effort.warmup), (plan.seed, plan.effort.warmup), "{command}");
        command
    });
    commands.collect()
}

#[test]
fn every_course_of_every_profile_is_planned_again() {
    for flags in ["--all", "--quick", "--profile publish", "--profile smoke"] {
        let commands = planned_again(&matrix::cells(), flags, None);
        assert!(commands.len() > 3, "{flags}: {commands:?}");
        assert!(commands.iter().all(|c| c.starts_with("deadheat run ")), "{commands:?}");
    }
}

#[test]
fn what_the_flags_said_is_planned_again() {
    for flags in [
        "tcp-echo/closed-16 --exact",
        "tcp-echo --load closed-128,open-500-burst-5 --models 'threads/*,blocking/sequential'",
        "echo-server --sweep open=1000..4000 --slice 80ms --rounds 3 --seed 99",
        "tcp-echo --param bytes=4096 --margin 3%",
        "--scenarios sha256 --param bytes=16777216,handoff=pool --load closed-2-think-1ms",
        "gather --param delays=3+2 --margin throughput=2%,p99=0.25 --blocks 3",
        "http-server --placement free --reference threads/pool-64",
        "sleep --placement split --load closed-4 --blocks 2 --rounds 1 --slice 1.234567ms",
        "idle-tasks --load batch-500 --reference threads/per-task",
    ] {
        assert!(!planned_again(&matrix::cells(), flags, None).is_empty(), "{flags}");
    }
}

/// Windows that fit this machine, and races that run alone because their windows must be long.
#[test]
fn what_calibration_made_of_a_race_is_planned_again() {
    let pace = |service_ns, relaxation_ns| Pace {
        service_ns,
        relaxation_ns,
        ready_ns: 1_000_000,
        rest_ns: 1_000_000,
    };
    for (pace, kind) in
        [(pace(654_321, 15_432_101), Kind::Sliced), (pace(100_000_000, 400_000_000), Kind::Solo)]
    {
        let flags = "http-server/open-2000-poisson@split --exact";
        let args = parse(&format!("deadheat run {flags}"));
        let planned = plans(&matrix::cells(), &args, Some(pace));
        assert_eq!(planned[0].kind, kind);
        planned_again(&matrix::cells(), flags, Some(pace));
        planned_again(&matrix::cells(), "sleep tcp-echo", Some(pace));
    }
}

#[test]
fn a_race_of_ones_own_is_for_the_program_that_has_it() {
    let race = crate::race("load-user").load("closed-8").load("open-100");
    let race = race.blocking("ureq", Threads::per_task(), || Ok(()), |(), seq| Ok(seq)).blocking(
        "curl",
        Threads::pool(4),
        || Ok(()),
        |(), seq| Ok(seq),
    );
    let mine = race.cells();
    let commands = planned_again(&mine, "--reference curl --param typical=2ms", None);
    assert_eq!(commands.len(), 2);
    let all = [matrix::cells(), mine].concat();
    for commands in [commands, planned_again(&all, "--scenarios load-user", None)] {
        let own = format!("{SAME_PROGRAM}run load-user/");
        assert!(commands.iter().all(|command| command.starts_with(&own)), "{commands:?}");
    }
    let usual = planned_again(&all, "sleep", None);
    assert!(usual.iter().all(|command| command.starts_with("deadheat run sleep/")), "{usual:?}");
}
