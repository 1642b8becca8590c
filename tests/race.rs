//! Races end to end: blocks, rounds, controls, foreign programs, and everything that goes wrong.

use std::{
    collections::BTreeMap,
    fs, iter,
    net::{Ipv4Addr, TcpListener},
    ops::ControlFlow,
    os::unix::fs::{PermissionsExt, symlink},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU16, Ordering::Relaxed},
    },
    time::Duration,
};

use deadheat::core::{
    cell::Cell,
    protocol::{Done, Numbers},
    race::{
        self, External, Launcher, Plan, Progress,
        child::{Processes, Threads},
        plan::{Effort, Pace, Wish},
    },
    record::{Block, Fits, Handicap, Kind, Outcome, Race, Role, Slice, Status, Trial, Warning},
    scenario::Params,
};

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(deadheat::matrix::cells);

const EFFORT: Effort = Effort {
    blocks: 2,
    rounds: 2,
    warmup: 1,
    long_rounds: 1,
    window: Some(Duration::from_millis(15)),
};

fn plan(scenario: &str, models: &[&str], load: &str, external: &[(&str, &str)]) -> Plan {
    plan_against(None, scenario, models, load, external)
}

/// With another reference than the scenario's.
fn plan_against(
    reference: Option<&str>,
    scenario: &str,
    models: &[&str],
    load: &str,
    external: &[(&str, &str)],
) -> Plan {
    let chosen = |cell: &&Cell| cell.scenario.id == scenario && models.contains(&cell.model.id);
    let cells: Vec<Cell> = CELLS.iter().filter(chosen).cloned().collect();
    let contender = |(id, fault): &(&str, &str)| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contender.py");
        let command = ["python3", script, fault].map(str::to_owned).to_vec();
        External { id: (*id).to_owned(), command, ..External::default() }
    };
    let wish = Wish {
        params: Params::parse("", (cells[0].scenario.describe)().params).unwrap(),
        load: load.parse().unwrap(),
        placement: "free",
        name_placement: false,
        effort: EFFORT,
        seed: 7,
        reference,
        controls: true,
        external: external.iter().map(contender).collect(),
        margin: BTreeMap::new(),
        keep_slices: false,
    };
    Plan::new(&cells[0].scenario, &cells, wish)
}

fn run(plan: &Plan, launcher: &dyn Launcher) -> Race {
    let mut race = race::begin(plan);
    race::run(plan, launcher, &mut race, &mut |_, _| ControlFlow::Continue(())).unwrap();
    race
}

fn processes() -> Processes {
    Processes::of(env!("CARGO_BIN_EXE_deadheat"))
}

fn trials<'a>(race: &'a Race, contender: &'a str) -> Vec<&'a Trial> {
    race.trials(contender).map(|(_, trial)| trial).collect()
}

fn cause(trial: &Trial) -> &str {
    match &trial.outcome {
        Outcome::Failed { cause, .. } => cause,
        Outcome::Ok => "",
    }
}

/// Whether a contender came through every block, and what it died of where it did not.
fn all_ok(race: &Race, contender: &str) {
    for trial in trials(race, contender) {
        assert_eq!(trial.outcome, Outcome::Ok, "{contender}");
    }
}

#[test]
fn a_race_has_every_slice_of_everyone() {
    let plan = plan("tcp-echo", &["threads/per-task", "blocking/sequential"], "closed-4", &[]);
    let race = run(&plan, &processes());
    assert_eq!(race.status, Status::Complete);
    assert_eq!((race.id.as_str(), race.blocks.len()), ("tcp-echo/closed-4", 2));
    for contender in ["threads/per-task", "blocking/sequential", "threads/per-task+twin"] {
        let trials = trials(&race, contender);
        assert_eq!(trials.len(), 2);
        for trial in trials {
            assert_eq!(trial.outcome, Outcome::Ok);
            // In foul weather rounds are run again, up to as many.
            let rounds: Vec<_> = trial.slices.iter().map(|slice| slice.round).collect();
            assert!((2..=4).contains(&rounds.len()), "warm-up rounds are not kept: {rounds:?}");
            assert_eq!(rounds, (0..rounds.len()).collect::<Vec<_>>());
            let [fair, foul] = [&trial.hist, &trial.foul_hist];
            assert!(!fair.service.is_empty() || !foul.service.is_empty());
            assert!(fair.response.is_empty() && foul.response.is_empty());
            assert!(trial.slices.iter().any(|slice| slice.done > 0));
            for slice in &trial.slices {
                assert!(slice.executed >= slice.done, "{slice:?}");
                assert_eq!(slice.peer.unwrap().done, slice.executed, "what the peer counted");
                assert!(slice.cpu_turn_ns > 0 && slice.cpu_ns > 0, "{slice:?}");
                assert!(slice.voluntary.is_some(), "{slice:?}");
            }
        }
    }
    let workers = |id| race.contender(id).unwrap().workers;
    assert_eq!(workers("blocking/sequential"), Some(1));
}

#[test]
fn all_models_of_a_round_get_the_same_arrivals() {
    let plan = plan("sleep", &["threads/per-task", "threads/pool-64"], "open-500-poisson", &[]);
    let race = run(&plan, &processes());
    for block in &race.blocks {
        for round in 0..2 {
            let seen: Vec<_> = block
                .trials
                .iter()
                .map(|trial| (trial.slices[round].schedule_seed, trial.slices[round].offered))
                .collect();
            assert!(seen.len() == 4 && seen.iter().all(|s| *s == seen[0]), "{seen:?}");
            assert!(seen[0].1 > 0);
        }
    }
    let seeds: Vec<_> =
        race.blocks.iter().map(|block| block.trials[0].slices[0].schedule_seed).collect();
    assert_ne!(seeds[0], seeds[1], "every round has arrivals of its own");
}

/// Of a handicapped twin's operations, a tenth more were not reported.
fn a_tenth_is_extra(race: &Race) {
    let twin = race.contenders.iter().find(|c| c.role == Role::Handicapped).unwrap();
    let slices = || race.trials(&twin.id).flat_map(|(_, trial)| &trial.slices);
    all_ok(race, &twin.id);
    let sum = |of: fn(&Slice) -> u64| slices().map(of).sum::<u64>() as f64;
    let (extra, executed) = (sum(|slice| slice.extra), sum(|slice| slice.executed));
    // On a busy machine there are few, and each session is somewhere between two of its extra ones.
    let sessions = 4.0 * race.trials(&twin.id).count() as f64;
    let wanted = 0.1 * executed;
    assert!((extra - wanted).abs() < 0.02 * executed + sessions, "{extra} for {executed}");
}

#[test]
fn a_handicapped_client_does_a_tenth_more_than_it_reports() {
    for load in ["closed-4", "closed-4-spawn", "closed-4-think-1ms", "open-3000"] {
        let plan = plan("tcp-echo", &["threads/per-task"], load, &[]);
        let race = run(&plan, &processes());
        let handicap = race.contender("threads/per-task+handicap").unwrap().handicap;
        assert_eq!(handicap, Some(Handicap::Work { every: 10 }), "{load}");
        a_tenth_is_extra(&race);
        for trial in trials(&race, "threads/per-task+handicap") {
            for slice in &trial.slices {
                // It really asks: the other end counts them too.
                assert_eq!(slice.peer.unwrap().done, slice.executed + slice.extra, "{load}");
            }
        }
        let others = race.contenders.iter().filter(|c| c.role != Role::Handicapped);
        for contender in others {
            let mut slices = race.trials(&contender.id).flat_map(|(_, trial)| &trial.slices);
            assert!(slices.all(|slice| slice.extra == 0));
        }
    }
}

#[test]
fn a_handicapped_server_is_asked_a_tenth_more() {
    for load in ["closed-4", "closed-4-think-1ms", "open-3000"] {
        let plan = plan("echo-server", &["threads/per-task"], load, &[]);
        let race = run(&plan, &processes());
        a_tenth_is_extra(&race);
    }
}

#[test]
fn a_foreign_program_races_by_the_protocol_alone() {
    let plan = plan("tcp-echo", &["threads/per-task"], "closed-2", &[("python/threads", "")]);
    let race = run(&plan, &processes());
    for trial in trials(&race, "python/threads") {
        assert_eq!(trial.outcome, Outcome::Ok);
        assert!(trial.slices.iter().any(|slice| slice.done > 0));
        assert!(trial.resources.threads_peak >= Some(1), "none of its threads is ours");
        for slice in &trial.slices {
            assert!(slice.cpu_ns > 0, "the system tells its CPU time: {slice:?}");
            assert_eq!(slice.voluntary, None, "nobody tells its switches, and that is not zero");
        }
    }
}

/// A port that is free, and not of those that the system gives away.
fn port() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + 100 * u16::try_from(std::process::id() % 100).unwrap();
    let next = || first + NEXT.fetch_add(1, Relaxed);
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    iter::repeat_with(next).take(99).find(free).unwrap().to_string()
}

/// Makes the foreign programs of a plan servers, on this port, each with its fault.
fn serve_in_python(plan: &mut Plan, port: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server.py");
    for external in plan.entrants.iter_mut().filter_map(|e| e.external.as_mut()) {
        let fault = external.command[2].clone();
        external.command = ["python3", script, port, &fault].map(str::to_owned).to_vec();
    }
}

#[test]
fn an_open_load_with_nobody_there_is_no_closed_one() {
    for (scenario, models) in [("tcp-echo", ["threads/per-task"]), ("echo-server", ["smol/multi"])]
    {
        // The first is due after 100 ms, and a slice is shorter.
        let race = run(&plan(scenario, &models, "open-10", &[]), &processes());
        all_ok(&race, models[0]);
        for (_, trial) in race.trials(models[0]) {
            assert!(!trial.slices.is_empty(), "{scenario}");
            for slice in &trial.slices {
                assert_eq!((slice.offered, slice.executed), (0, 0), "{scenario}");
            }
        }
    }
}

#[test]
fn a_server_may_have_the_same_address_in_every_block() {
    let port = port();
    for load in ["closed-4", "open-1000"] {
        let mut plan = plan("echo-server", &["threads/per-task"], load, &[("python/own-port", "")]);
        serve_in_python(&mut plan, &port);
        let race = run(&plan, &processes());
        assert_eq!(race.blocks.len(), 2);
        for contender in ["threads/per-task", "python/own-port"] {
            all_ok(&race, contender);
        }
    }
}

fn lost_no_connection(race: &Race, contender: &str) {
    for slice in race.trials(contender).flat_map(|(_, trial)| &trial.slices) {
        assert!(slice.errors.is_empty(), "{contender}: {slice:?}");
    }
}

#[test]
fn a_server_at_the_address_of_another_fails_and_names_it() {
    let server = "python/own-port";
    let (models, external) = (&["threads/per-task"], &[(server, "shared")]);
    let mut plan = plan_against(Some(server), "echo-server", models, "closed-4", external);
    // Its controls are the same program at the same port, and the system shares it out among them.
    serve_in_python(&mut plan, &port());
    let race = run(&plan, &processes());
    for control in ["python/own-port+twin", "python/own-port+handicap"] {
        let trials = trials(&race, control);
        assert_eq!(trials.len(), 2);
        for trial in trials {
            let cause = cause(trial);
            assert!(cause.starts_with("it listens at 127.0.0.1:"), "{control}: {cause}");
            assert!(cause.contains(", where python/own-port does: "), "{control}: {cause}");
            assert!(cause.contains("port 0"), "what to do: {cause}");
        }
    }
    for contender in ["threads/per-task", server] {
        all_ok(&race, contender);
        for trial in trials(&race, contender) {
            assert!(trial.slices.iter().any(|slice| slice.done > 0), "{contender}");
        }
        lost_no_connection(&race, contender);
    }
}

#[test]
fn a_server_that_nobody_finds_fails_alone() {
    let external = [("python/silent", "silent"), ("python/lost", "lost")];
    let mut plan = plan("echo-server", &["threads/per-task"], "closed-4", &external);
    serve_in_python(&mut plan, "0");
    let race = run(&plan, &processes());
    for (id, said) in [
        ("python/silent", "it does not say where it listens"),
        ("python/lost", "the generator could not connect: connection refused"),
    ] {
        let failed = trials(&race, id);
        assert_eq!(failed.len(), 2, "{id}");
        for trial in failed {
            assert!(cause(trial).starts_with(said), "{id}: {:?}", trial.outcome);
        }
    }
    for contender in ["threads/per-task", "threads/per-task+twin"] {
        all_ok(&race, contender);
        lost_no_connection(&race, contender);
    }
}

#[test]
fn who_fails_at_a_whole_batch_has_failed_and_is_not_too_slow() {
    let external = [("python/hangs-up", "hang-up")];
    let mut plan = plan("echo-server", &["threads/per-task"], "batch-1000", &external);
    serve_in_python(&mut plan, "0");
    let race = run(&plan, &processes());
    assert_eq!(race.contender("python/hangs-up").unwrap().fits, Fits::Yes);
    let failed = trials(&race, "python/hangs-up");
    assert_eq!(failed.len(), 2);
    for trial in failed {
        let said = "no operation of a turn ended well: unexpected end of file";
        assert_eq!(cause(trial), said, "{:?}", trial.outcome);
    }
    all_ok(&race, "threads/per-task");
}

#[test]
fn a_server_that_answers_nobody_has_failed() {
    for load in ["open-1000", "closed-4"] {
        let mut plan =
            plan("echo-server", &["threads/per-task"], load, &[("python/stops", "stop")]);
        serve_in_python(&mut plan, "0");
        let race = run(&plan, &processes());
        for trial in trials(&race, "python/stops") {
            let said = cause(trial);
            assert!(said.starts_with("none of the ") && said.ends_with(" for 2 s"), "{said}");
        }
        all_ok(&race, "threads/per-task");
    }
}

#[test]
fn what_goes_wrong_with_a_contender_is_its_own() {
    let faults = ["crash", "rubbish", "refuse", "wrong", "skip"];
    let ids: Vec<_> = faults.map(|fault| (format!("python/{fault}"), fault)).into();
    let external: Vec<_> = ids.iter().map(|(id, fault)| (id.as_str(), *fault)).collect();
    let plan = plan("tcp-echo", &["threads/per-task"], "closed-2", &external);
    let race = run(&plan, &processes());
    assert_eq!(race.status, Status::Complete);
    for contender in ["threads/per-task", "threads/per-task+twin"] {
        all_ok(&race, contender);
    }
    for (fault, said) in [
        ("crash", "signal: 6"),
        ("rubbish", "not a frame of the protocol: it starts with \"debu\""),
        ("refuse", "not in the mood"),
        ("wrong", "check values are wrong"),
        ("skip", "check values are wrong"),
    ] {
        let id = format!("python/{fault}");
        for trial in trials(&race, &id) {
            assert!(cause(trial).contains(said), "{fault}: {:?}", trial.outcome);
            assert!(trial.slices.is_empty(), "a failed trial has no number");
        }
    }
    let Outcome::Failed { stderr, .. } = &trials(&race, "python/crash")[0].outcome else {
        panic!()
    };
    assert!(stderr.contains("about to crash"), "{stderr}");
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let folder = tempfile::tempdir().unwrap();
    // It can be found, and only whoever tries to run it sees that it cannot be.
    let hollow = folder.path().join("hollow");
    fs::write(&hollow, "#!/nowhere/interpreter\n").unwrap();
    fs::set_permissions(&hollow, fs::Permissions::from_mode(0o755)).unwrap();
    let hollow = hollow.to_str().unwrap();
    for (program, why) in [("/nowhere/program", "there is no program"), (hollow, "No such file")] {
        let mut plan = plan("tcp-echo", &["threads/per-task"], "closed-2", &[("no/program", "")]);
        for external in plan.entrants.iter_mut().filter_map(|e| e.external.as_mut()) {
            external.command = vec![program.into()];
        }
        let race = run(&plan, &processes());
        let said = format!("failed to start {program}: {why}");
        let cause = cause(trials(&race, "no/program")[0]);
        assert!(cause.starts_with(&said), "{cause}");
        all_ok(&race, "threads/per-task");
    }
}

#[test]
fn another_build_of_the_program_does_not_join_its_race() {
    // Near the program, so that it can have another name there. A copy could not be started while
    // another test starts a process, which has the copy open for writing until it is one.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [program, other] = ["program", "other"].map(|name| folder.path().join(name));
    fs::hard_link(env!("CARGO_BIN_EXE_deadheat"), &program).unwrap();
    symlink("/bin/sh", &other).unwrap();
    let plan = plan("sleep", &["threads/per-task"], "closed-2", &[]);
    let mut race = race::begin(&plan);
    let mut rebuild = |race: &mut Race, progress: Progress| {
        if progress == Progress::Block && race.blocks.len() == 1 {
            fs::rename(&other, &program).unwrap();
        }
        ControlFlow::Continue(())
    };
    race::run(&plan, &Processes::of(&program), &mut race, &mut rebuild).unwrap();
    for contender in ["threads/per-task", "threads/per-task+twin"] {
        let [first, second] = trials(&race, contender)[..] else { panic!("{:?}", race.blocks) };
        assert_eq!(first.outcome, Outcome::Ok, "{contender}");
        let said = "failed to start its process: this program was rebuilt while it ran: ";
        assert!(cause(second).starts_with(said), "{contender}: {:?}", second.outcome);
    }
}

/// The warnings with this code.
fn warnings<'a>(all: &'a [Warning], code: &str) -> Vec<&'a str> {
    all.iter().filter(|warning| warning.code == code).map(|warning| warning.text.as_str()).collect()
}

#[test]
fn contenders_that_would_pause_for_too_long_race_one_at_a_time() {
    let models = ["threads/per-task", "threads/pool-64", "tokio/current-thread"];
    // With two controls there are four others, and each takes 22 ms by the clock.
    let refitted = |rest_ns| {
        let mut plan = plan("tcp-echo", &models, "open-100", &[]);
        let pace = Pace { service_ns: 1_000_000, rest_ns, ..Pace::default() };
        plan.refit(pace);
        // However often it is fitted, it is said once.
        plan.refit(pace);
        plan
    };
    let short = refitted(600_000_000);
    assert_eq!((short.kind, short.shape.rounds), (Kind::Sliced, EFFORT.rounds));
    assert!(warnings(&short.warnings, "solo").is_empty());
    let long = refitted(610_000_000);
    assert_eq!(long.kind, Kind::Solo);
    assert_eq!((long.shape.rounds, long.shape.warmup), (EFFORT.long_rounds, 0));
    let [text] = warnings(&long.warnings, "solo")[..] else { panic!("{:?}", long.warnings) };
    assert!(text.starts_with("one process at a time: "), "{text}");
    assert!(text.contains("pause for up to 5.1 s"), "{text}");
}

#[test]
fn warm_up_slices_are_as_short_as_the_estimate_says() {
    let mut plan = plan("echo-server", &["threads/per-task"], "open-2000", &[]);
    plan.effort.window = None;
    let pace = Pace { service_ns: 20_000, rest_ns: 3_000_000, ..Pace::default() };
    plan.refit(pace);
    let shape = plan.shape.clone();
    assert!(shape.warmup_lead_ns < shape.lead_ns, "{shape:?}");
    let slices = (shape.blocks * shape.warmup * plan.entrants.len()) as u64;
    let warm_ns = shape.warmup_lead_ns + shape.warmup_window_ns + shape.out_ns;
    let mut cold = plan.clone();
    cold.shape.warmup = 0;
    let estimated = plan.estimate().checked_sub(cold.estimate()).unwrap().as_nanos();
    assert_eq!(estimated, u128::from(slices * (warm_ns + pace.rest_ns)));
    let kept = Arc::new(Mutex::new(Vec::new()));
    let lengths = Arc::clone(&kept);
    let tap = move |_: &str, _: &Done, numbers: &Numbers| {
        lengths.lock().unwrap().extend(numbers.samples.iter().map(|s| s.intended).max());
    };
    let mut race = race::begin(&plan);
    let launcher = processes().tapped(Arc::new(tap));
    race::run(&plan, &launcher, &mut race, &mut |_, _| ControlFlow::Continue(())).unwrap();
    let short = kept.lock().unwrap().iter().filter(|&&last| last <= warm_ns).count();
    assert_eq!(short as u64, slices);
}

#[test]
fn what_goes_solo_need_not_share_a_round() {
    let models = ["threads/per-task", "threads/pool-64", "tokio/current-thread"];
    let mut plan = plan("tcp-echo", &models, "open-20", &[]);
    plan.effort.window = None;
    let pace = Pace { service_ns: 1_000_000, rest_ns: 700_000_000, ..Pace::default() };
    for _ in 0..2 {
        plan.refit(pace);
        assert_eq!((plan.kind, plan.shape.window_ns), (Kind::Solo, 500_000_000), "ten arrivals");
    }
}

#[test]
fn contenders_that_take_turns_say_how_long_they_are_idle() {
    let with = |time: &str, load: &str| {
        let mut plan = plan("sleep", &["threads/pool-64"], load, &[]);
        let params = (plan.scenario.describe)().params;
        plan.params = Params::parse(&format!("for={time}"), params).unwrap();
        plan.settle();
        plan
    };
    // By what the scenario says of itself: two others, of which each is one wave.
    assert!(warnings(&with("2s", "batch-64").warnings, "idle-pause").is_empty());
    let mut slow = with("3s", "batch-64");
    slow.settle();
    let [text] = warnings(&slow.warnings, "idle-pause")[..] else { panic!("{:?}", slow.warnings) };
    assert!(text.contains("idle for about 6 s"), "{text}");

    // By what was seen: fifty operations took a fifth of a second, and a batch has a thousand.
    let plan = with("200ms", "batch-1000");
    assert!(warnings(&plan.warnings, "idle-pause").is_empty());
    let mut race = race::begin(&plan);
    let mut stop = |_: &mut Race, _: Progress| ControlFlow::Break(());
    race::run(&plan, &Threads(&CELLS), &mut race, &mut stop).unwrap();
    assert_eq!((race.blocks.len(), race.warnings.len()), (0, plan.warnings.len() + 1));
    assert_eq!(warnings(&race.warnings, "idle-pause").len(), 1, "{:?}", race.warnings);
}

/// Says that a test could not be done here, and why: in its output, so that it is seen.
#[cfg(target_os = "linux")]
#[expect(clippy::print_stdout, reason = "that a test was skipped must be seen")]
fn skipped(why: &str) {
    println!("skipped: {why}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_stolen_is_told_of_the_rounds_in_which_it_was() {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let is_cpu = |line: &str| line.starts_with("cpu") && line.split_ascii_whitespace().count() > 8;
    if stat.lines().filter(|line| is_cpu(line)).count() < 2 {
        return skipped("the kernel does not count it");
    }
    let mut plan = plan("tcp-echo", &["threads/per-task"], "closed-2", &[]);
    // Twenty rounds of three slices are more than a second, over which it can be judged.
    (plan.shape.blocks, plan.shape.rounds) = (1, 20);
    plan.shape.window_ns = 25_000_000;
    let race = run(&plan, &processes());
    for contender in ["threads/per-task", "threads/per-task+twin"] {
        all_ok(&race, contender);
        for slice in &trials(&race, contender)[0].slices {
            let steal = slice.weather.steal.expect("every round is in such a second");
            assert!((0.0..=1.0).contains(&steal), "round {}: {steal}", slice.round);
        }
    }
}

#[test]
fn a_race_that_is_stopped_keeps_its_blocks_and_goes_on() {
    let plan = plan("sleep", &["threads/per-task"], "closed-2", &[]);
    let launcher = Threads(&CELLS);
    let mut race = race::begin(&plan);
    let mut stop = |race: &mut Race, progress: Progress| match progress {
        Progress::Block if race.blocks.len() == 1 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    race::run(&plan, &launcher, &mut race, &mut stop).unwrap();
    assert_eq!((race.blocks.len(), &race.status), (1, &Status::Cut));
    let first = race.blocks[0].clone();
    race::run(&plan, &launcher, &mut race, &mut |_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!((race.blocks.len(), &race.status), (2, &Status::Complete));
    assert_eq!(race.blocks[0], first);
}

#[test]
fn a_block_that_is_cut_is_kept_where_everyone_has_a_whole_round() {
    // A warm-up round and two measured ones, of a model and its controls: nine slices.
    let plan = plan("sleep", &["threads/per-task"], "closed-2", &[]);
    for (stop_at, kept) in
        [(5, None), (6, Some([1, 1, 1])), (8, Some([1, 2, 2])), (9, Some([2, 2, 2]))]
    {
        let mut race = race::begin(&plan);
        let mut stop = |_: &mut Race, progress: Progress| match progress {
            Progress::Slice { done, .. } if done >= stop_at => ControlFlow::Break(()),
            Progress::Block => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        race::run(&plan, &Threads(&CELLS), &mut race, &mut stop).unwrap();
        assert_eq!(race.status, Status::Cut, "{stop_at}");
        let rounds = |block: &Block| {
            let mut rounds: Vec<_> = block.trials.iter().map(|t| t.slices.len()).collect();
            rounds.sort_unstable();
            (rounds, block.cut)
        };
        let wanted = kept.map(|rounds| (rounds.to_vec(), stop_at < 9));
        assert_eq!(race.blocks.first().map(rounds), wanted, "{stop_at}");
    }
}

#[test]
fn a_reference_that_is_too_slow_gives_its_place_to_the_first_that_is_not() {
    let models = ["blocking/sequential", "threads/pool-64", "tokio/current-thread"];
    let mut plan = plan("sleep", &models, "batch-1000", &[]);
    let params = (plan.scenario.describe)().params;
    plan.params = Params::parse("for=22ms", params).unwrap();
    plan.reference = "blocking/sequential".into();
    plan.shape.blocks = 2;
    let mut race = race::begin(&plan);
    let mut after_a_block = |_: &mut Race, progress: Progress| match progress {
        Progress::Block => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    race::run(&plan, &Threads(&CELLS), &mut race, &mut after_a_block).unwrap();
    assert_eq!((race.blocks.len(), race.warnings.len()), (1, 1));
    // Whoever goes on has the plan as it was asked for, and what the race knows.
    race::run(&plan, &Threads(&CELLS), &mut race, &mut |_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!((race.blocks.len(), race.warnings.len()), (2, 1), "it is said once");
    let fits = |id: &str| race.contenders.iter().find(|c| c.id == id).map(|c| c.fits.clone());
    match fits("blocking/sequential") {
        Some(Fits::NotApplicable(reason)) => assert!(reason.contains("too slow"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(race.reference, "threads/pool-64");
    for id in ["threads/pool-64+twin", "threads/pool-64+handicap", "tokio/current-thread"] {
        assert_eq!(fits(id), Some(Fits::Yes), "{id}");
        assert_eq!(trials(&race, id).len(), 2, "{id}");
    }
    assert!(race.blocks.iter().all(|block| block.trials.len() == 4));
}

#[test]
fn what_cannot_run_says_so_before_the_race() {
    let plan = plan("sleep", &["threads/per-task", "threads/pool-64"], "batch-10000000", &[]);
    let fits = |id: &str| {
        plan.entrants.iter().find(|e| e.contender.id == id).unwrap().contender.fits.clone()
    };
    match fits("threads/per-task") {
        Fits::Infeasible(reason) => assert!(reason.contains("infeasible at 10000000"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fits("threads/pool-64"), Fits::Yes);
}
