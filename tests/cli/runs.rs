//! Real races, as small as they get: files, exit codes, kills and interrupts. Nothing here asserts
//! how fast the machine is.

use std::fs;

use deadheat::core::record::{Record, Role, Status, write};

use crate::support::{self, Running, deadheat, record, small, stderr, stdout};

#[test]
fn a_race_leaves_its_record_and_its_reports() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let output = small(&folder, 2).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let record = record(&folder);
    assert_eq!((record.run.seed, record.run.profile.as_str()), (7, "default"));
    assert!(!record.run.ended.is_empty() && !record.run.interrupted);
    assert!(!record.run.program.rustc.is_empty() && record.run.program.lock.contains_key("tokio"));
    assert!(!record.machine.fingerprint.is_empty() && record.machine.clock.cost_ns > 0.0);
    let [race] = record.races.as_slice() else { panic!("one race: {:?}", record.races) };
    assert_eq!((race.id.as_str(), &race.status), ("sleep/closed-64", &Status::Complete));
    assert_eq!((race.blocks.len(), race.shape.rounds), (2, 1));
    let roles: Vec<_> = race.contenders.iter().map(|contender| contender.role).collect();
    assert_eq!(roles, [Role::Model, Role::Model, Role::Twin, Role::Handicapped]);
    assert!(race.blocks.iter().flat_map(|b| &b.trials).all(|t| t.outcome.is_ok()));
    assert!(!race.verdicts.is_empty() && !race.controls.is_empty());
    assert!(race.warnings.iter().any(|warning| warning.code == "few-blocks"));
    for name in ["report.md", "report.html"] {
        assert!(fs::metadata(folder.join(name)).unwrap().len() > 100, "{name}");
    }
    let text = stdout(&output);
    let lines: Vec<_> = text.lines().collect();
    let last = &lines[lines.len() - 5..];
    assert!(last[4].contains("report.html") && last[3].starts_with("Not told"), "{last:?}");
    assert!(stderr(&output).contains("plan: 1 race, about"), "{}", stderr(&output));

    let again = small(&folder, 2).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "nothing that was measured is written over");
    assert!(stderr(&again).contains("--resume"), "{}", stderr(&again));
    reported(&folder);
}

fn reported(folder: &std::path::Path) {
    let markdown = deadheat().args(["report", "--format", "md"]).arg(folder).output().unwrap();
    assert_eq!(stdout(&markdown), fs::read_to_string(folder.join("report.md")).unwrap());
    let out = folder.join("elsewhere");
    let write = |force: &[&str]| {
        let mut report = deadheat();
        report.args(["report", "--format", "html", "--out"]).arg(&out).args(force);
        report.arg(folder.join("results.json")).output().unwrap().status.code()
    };
    assert_eq!([write(&[]), write(&[]), write(&["--force"])], [Some(0), Some(1), Some(0)]);
}

#[test]
fn runs_lie_under_target_and_latest_is_the_last() {
    let target = tempfile::tempdir().unwrap();
    let mut run = deadheat();
    run.args(["run", "sleep/blocking", "--blocks", "1", "--rounds", "1", "--slice", "5ms"]);
    run.args(["--noplot", "--output-format", "bencher", "--save-baseline", "before", "--strict"]);
    let output = run.env("CARGO_TARGET_DIR", target.path()).output().unwrap();
    // One model alone is no comparison, and one block would not judge it.
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("test sleep/"), "{}", stdout(&output));
    let latest = target.path().join("deadheat/latest");
    assert!(latest.join("report.md").exists() && !latest.join("report.html").exists());
    let kept = target.path().join("deadheat/baselines/before");
    assert_eq!(record(&kept), record(&latest));
}

#[test]
fn events_are_lines_of_json_and_people_read_elsewhere() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let mut run = small(&folder, 2);
    let output = run.args(["--noplot", "--message-format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let events: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], *kinds.last().unwrap()), ("run", "end"));
    let at = |kind: &str| kinds.iter().position(|k| *k == kind).expect(kind);
    let order = ["plan", "race", "slice", "block", "control", "verdict", "race-end"];
    assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "block").count(), 2);
    assert!(stderr(&output).contains("The whole report"), "{}", stderr(&output));

    // A stored record has the same lines, but for those that only a running one has.
    let stored = deadheat().args(["report", "--format", "ndjson"]).arg(&folder).output().unwrap();
    let live =
        |line: &&str| !line.contains("\"event\":\"plan\"") && !line.contains("\"event\":\"slice\"");
    let blocks = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(live).filter(|line| line.contains("\"event\":\"block\""));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(blocks(&text), blocks(&stdout(&stored)));
}

#[test]
fn a_baseline_is_compared_with_and_called_indicative() {
    let target = tempfile::tempdir().unwrap();
    let run = |flag: &str| {
        let mut run = deadheat();
        run.args(["run", "sleep/(blocking|threads/per)", "--blocks", "2", "--rounds", "1"]);
        run.args(["--slice", "5ms", "--noplot", flag, "before"]);
        run.env("CARGO_TARGET_DIR", target.path()).output().unwrap()
    };
    let kept = run("--save-baseline");
    assert_eq!(kept.status.code(), Some(0), "{}", stderr(&kept));
    let output = run("--baseline");
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(text.contains("not interleaved, so every change is indicative only"), "{text}");
    assert!(text.contains("new ÷ old"), "{text}");
}

#[test]
fn test_mode_runs_each_cell_once_and_leaves_nothing() {
    let target = tempfile::tempdir().unwrap();
    let mut command = deadheat();
    command.args(["run", "--test", "sleep/(threads|blocking)|http-server/blocking.*64$"]);
    let output = command.env("CARGO_TARGET_DIR", target.path()).output().unwrap();
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text} {}", stderr(&output));
    assert!(text.contains("test sleep/threads/per-task/closed-64 ... ok"), "{text}");
    assert!(text.contains("blocking/sequential/closed-64 ... ignored, "), "{text}");
    assert!(text.contains("test result: ok. 3 passed; 0 failed; 1 ignored"), "{text}");
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0);
}

#[test]
fn a_run_that_was_killed_goes_on_where_it_was() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let mut running = Running::start(small(&folder, 12), &folder);
    running.has_blocks(2);
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let before = record(&folder);
    let done = before.races[0].blocks.len();
    assert!((2..12).contains(&done) && before.races[0].status == Status::Running);
    let output = deadheat().args(["run", "--resume"]).arg(&folder).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let after = record(&folder);
    let race = &after.races[0];
    assert_eq!((after.races.len(), &race.status), (1, &Status::Complete));
    let indices: Vec<_> = race.blocks.iter().map(|block| block.index).collect();
    assert_eq!(indices, (0..12).collect::<Vec<_>>());
    assert_eq!(race.blocks[..done], before.races[0].blocks, "what was measured stands");
    assert_eq!((&after.run.id, after.run.seed), (&before.run.id, 7));
    assert!(folder.join("report.html").exists());
    assert!(!stderr(&output).contains("is complete already"), "{}", stderr(&output));
    is_told_again(&folder);
}

/// A run that is complete stays as it is.
fn is_told_again(folder: &std::path::Path) {
    let before = record(folder);
    let again = deadheat().args(["run", "--resume"]).arg(folder).output().unwrap();
    let said = stderr(&again);
    assert_eq!(again.status.code(), Some(0), "{said}");
    assert!(said.contains(&format!("{} is complete already", folder.display())), "{said}");
    assert!(!said.contains("plan:"), "{said}");
    assert!(stdout(&again).contains("report.html"), "{}", stdout(&again));
    assert_eq!(record(folder), before);
}

/// Its operations take longer than their scenario says, so that calibration changes its window on
/// any machine: what is left to be run has to be calibrated as it was at first.
#[test]
fn what_had_not_begun_is_planned_as_it_would_have_been() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let mut command = deadheat();
    command.args(["run", "--scenarios", "tcp-echo,echo-server", "--models", "threads/per-task"]);
    command.args(["--load", "closed-8", "--param", "bytes=1048576", "--placement", "same"]);
    command.args(["--blocks", "1", "--rounds", "1", "--noplot", "--out"]).arg(&folder);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let whole = record(&folder);
    let scenarios = |record: &Record| -> Vec<String> {
        record.races.iter().map(|race| race.scenario.clone()).collect()
    };
    assert_eq!(scenarios(&whole), ["tcp-echo", "echo-server"]);
    let window = |record: &Record| record.races[1].shape.window_ns;
    assert!(window(&whole) > 20_000_000, "{}", window(&whole));

    // As a kill between the two leaves it.
    let mut killed = whole.clone();
    killed.races.truncate(1);
    write(&folder.join("results.json"), &killed).unwrap();
    let resumed = deadheat().args(["run", "--resume"]).arg(&folder).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    let after = record(&folder);
    assert_eq!(scenarios(&after), scenarios(&whole));
    assert_eq!(after.races[0], whole.races[0], "what was measured stands");
    assert!(window(&after) > 20_000_000, "{}", window(&after));
    assert_eq!(after.warnings, whole.warnings, "nothing is said twice");
}

#[test]
fn blocks_are_added_until_it_is_precise_or_time_is_over() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("precise");
    // Six blocks are the fewest with an interval, and two intervals in a row must be narrow.
    let output = small(&folder, 3).args(["--until", "100%"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let race = &record(&folder).races[0];
    let blocks = race.blocks.len();
    assert!(blocks >= 7, "{blocks}");
    assert_eq!((race.shape.blocks, &race.status), (blocks, &Status::Complete));
    assert_eq!(race.more["until"]["reached"], true);
    assert!(race.warnings.iter().all(|warning| warning.code != "until-not-reached"), "{race:?}");

    // Nothing is as precise as ±0.1% within a second, whatever the machine.
    let folder = temporary.path().join("late");
    let mut command = small(&folder, 3);
    let output = command.args(["--until", "0.1%", "--max-time", "1s"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let race = &record(&folder).races[0];
    assert!(race.blocks.len() >= 3 && race.status == Status::Complete, "{race:?}");
    assert_eq!(race.more["until"]["reached"], false);
    let missed = race.warnings.iter().find(|warning| warning.code == "until-not-reached");
    assert!(missed.is_some_and(|warning| warning.text.contains("±0.1% was wanted")), "{race:?}");
    assert!(stdout(&output).contains("±0.1% was wanted"), "{}", stdout(&output));
}

#[test]
fn a_run_until_it_is_precise_can_be_resumed() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let mut command = small(&folder, 3);
    command.args(["--until", "100%"]);
    let mut running = Running::start(command, &folder);
    running.has_blocks(2);
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let output = deadheat().args(["run", "--resume"]).arg(&folder).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let race = &record(&folder).races[0];
    let until = &race.more["until"];
    assert_eq!((until["planned"].as_u64(), until["reached"].as_bool()), (Some(3), Some(true)));
    assert!(race.blocks.len() >= 7 && race.status == Status::Complete, "{race:?}");
}

#[test]
fn a_capacity_is_searched_measured_and_told() {
    let temporary = tempfile::tempdir().unwrap();
    for scenario in ["http-server", "echo-server"] {
        carried(scenario, &temporary.path().join(scenario));
    }
}

fn carried(scenario: &str, folder: &std::path::Path) {
    let mut command = deadheat();
    // An objective that any load meets, so that the machine's speed decides nothing but the rates.
    command.args(["run", scenario, "--slo", "p50<1s", "--models", "tokio/current-thread"]);
    command.args(["--blocks", "2", "--slice", "10ms", "--noplot", "--out"]).arg(folder);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let record = record(folder);
    let [capacity] = record.capacities.as_slice() else { panic!("one: {:?}", record.capacities) };
    assert_eq!((capacity.scenario.as_str(), capacity.objective.as_str()), (scenario, "p50<1s"));
    assert!(record.races.is_empty() && capacity.ceiling.is_some_and(|ceiling| ceiling > 0.0));
    assert!(capacity.warnings.iter().all(|warning| warning.code != "no-ceiling"), "{capacity:?}");
    let grid = &capacity.grid["tokio/current-thread"];
    let step = |pair: &[u64]| pair[1] as f64 / pair[0] as f64;
    assert!(grid.len() >= 8 && grid.windows(2).all(|pair| step(pair) <= 1.08), "{grid:?}");
    assert_eq!(capacity.races.len(), grid.len());
    for race in &capacity.races {
        assert_eq!((race.blocks.len(), &race.status), (2, &Status::Complete), "{}", race.id);
        let roles: Vec<_> = race.contenders.iter().map(|contender| contender.role).collect();
        assert_eq!(roles, [Role::Model, Role::Twin]);
    }
    assert_eq!(capacity.carried.len(), 2);
    // Sentences are wrapped.
    let text = stdout(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&format!("{scenario} with p50<1s")), "{text}");
    assert!(text.contains("tokio/current-thread carries") && text.contains("(the reference)"));
    assert!(!text.contains("Nobody leads"), "{text}");
    // A finished search is not searched again.
    let again = deadheat().args(["run", "--resume"]).arg(folder).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(stderr(&again).contains("is complete already"), "{}", stderr(&again));
    assert_eq!(support::record(folder).capacities, record.capacities);
}

#[test]
fn a_sweep_is_raced_load_by_load_and_summed_up() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let mut command = deadheat();
    command.args(["run", "sleep", "--sweep", "closed=1..4", "--models", "threads/per-task"]);
    command.args(["--blocks", "2", "--rounds", "1", "--slice", "5ms", "--noplot", "--out"]);
    let output = command.arg(&folder).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let loads: Vec<_> = record(&folder).races.into_iter().map(|race| race.load).collect();
    assert_eq!(loads, ["closed-1", "closed-2", "closed-4"]);
    let text = stdout(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("sleep/closed-N"), "{text}");
    assert!(text.contains("threads/per-task: throughput"), "{text}");
    assert!(text.contains("Universal Scalability Law: too few"), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn children_die_with_their_parent() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let mut running = Running::start(small(&folder, 200), &folder);
    running.has_blocks(1);
    let mut children = Vec::new();
    support::until(|| {
        children = support::children(running.pid());
        children.len() > 1
    });
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    support::until(|| children.iter().all(|pid| !support::is_alive(*pid)));
}

#[test]
fn an_interrupt_keeps_and_reports_what_was_measured() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let mut running = Running::start(small(&folder, 200), &folder);
    running.has_blocks(2);
    assert_eq!(running.interrupt(), Some(130), "{}", running.said());
    let record = record(&folder);
    assert!(record.run.interrupted && record.races[0].blocks.len() >= 2);
    assert_eq!(record.races[0].status, Status::Cut);
    assert!(folder.join("report.md").exists() && folder.join("report.html").exists());
}
