//! Contenders that crash, hang, keep silent, stop reading, print rubbish or never rest: rows with a
//! cause, and exit code 1. And what becomes of processes that contenders start in their turn.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use deadheat::core::record::{Outcome, Race, Status};
use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};

use crate::support::{self, Running, deadheat, record, stderr, stdout};

/// A race of the tests' own contender, with a fault each, against a model.
fn command(folder: &Path, faults: &[&str], load: &str, blocks: usize) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contender.py");
    let entry = |fault: &&str| {
        format!(
            "[[contender]]\nid = \"py/{fault}\"\ncommand = [\"python3\", \"{script}\", \"{fault}\"]\n"
        )
    };
    let config = folder.join("deadheat.toml");
    fs::write(&config, faults.iter().map(entry).collect::<String>()).unwrap();
    let mut run = deadheat();
    run.args(["run", "tcp-echo", "--load", load, "--models", "py,threads/per-task"]);
    run.args(["--rounds", "2", "--slice", "20ms", "--blocks", &blocks.to_string(), "--noplot"]);
    run.arg("--config").arg(config).arg("--out").arg(folder.join("run"));
    // Enough for a program that starts on a busy machine, and no more than a test wants to wait.
    run.env("DEADHEAT_PATIENCE", "4s");
    run
}

/// Runs it under a load that shows most faults.
fn race(folder: &Path, faults: &[&str], blocks: usize) -> Output {
    command(folder, faults, "closed-2", blocks).output().unwrap()
}

fn causes(race: &Race, contender: &str) -> Vec<String> {
    let cause = |outcome: &Outcome| match outcome {
        Outcome::Failed { cause, stderr } => format!("{cause} | {stderr}"),
        Outcome::Ok => String::new(),
    };
    race.trials(contender).map(|(_, trial)| cause(&trial.outcome)).collect()
}

#[test]
fn faults_of_contenders_are_rows_and_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let output = race(folder.path(), &["crash", "rubbish", "mute"], 1);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let record = record(&folder.path().join("run"));
    let race = &record.races[0];
    assert_eq!(race.status, Status::Complete);
    for (fault, said) in [
        ("crash", "signal: 6"),
        ("rubbish", "not a frame of the protocol"),
        ("mute", "no answer in "),
    ] {
        let causes = causes(race, &format!("py/{fault}"));
        assert!(causes.len() == 1 && causes[0].contains(said), "{fault}: {causes:?}");
        assert!(stdout(&output).contains(&format!("py/{fault}: failed: ")), "{}", stdout(&output));
    }
    for contender in ["threads/per-task", "threads/per-task+twin"] {
        assert_eq!(causes(race, contender), [""], "{contender}");
    }
}

#[test]
fn a_contender_that_hangs_is_given_up_after_two_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let output = race(folder.path(), &["hang"], 3);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let record = record(&folder.path().join("run"));
    let race = &record.races[0];
    assert_eq!((&race.status, race.blocks.len()), (&Status::Complete, 3));
    let causes = causes(race, "py/hang");
    for cause in &causes[..2] {
        assert!(cause.starts_with("no answer in ") && cause.ends_with("about to hang"), "{cause}");
    }
    assert!(causes[2].starts_with("not started again after two failures"), "{causes:?}");
    for contender in ["threads/per-task", "threads/per-task+twin"] {
        for (_, trial) in race.trials(contender) {
            assert!(trial.outcome.is_ok() && trial.slices.len() >= 2, "{:?}", trial.outcome);
        }
    }
}

#[test]
fn a_contender_that_stops_reading_is_given_up_too() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    // 10,000 arrivals are more than a pipe holds.
    let run = command(temporary.path(), &["deaf"], "batch-10000", 1);
    let mut running = Running::start(run, &folder);
    // The batch is tried before, and its drain may last for 20 s.
    support::until(|| running.child.try_wait().unwrap().is_some());
    assert_eq!(running.child.wait().unwrap().code(), Some(1), "{}", running.said());
    let record = record(&folder);
    let race = &record.races[0];
    assert_eq!(race.status, Status::Complete);
    let causes_of_deaf = causes(race, "py/deaf");
    let [cause] = causes_of_deaf.as_slice() else { panic!("{causes_of_deaf:?}") };
    assert!(cause.starts_with("no answer in "), "{cause}");
    assert!(cause.ends_with(": it does not read what it is sent | "), "{cause}");
    for contender in ["threads/per-task", "threads/per-task+twin"] {
        assert_eq!(causes(race, contender), [""], "{contender}");
    }
}

/// A foreign program that must not outlive its test, whatever comes of that.
struct Foreign(u32);

impl Foreign {
    /// The child of `parent` that is a program in Python by now, with this argument.
    fn find(parent: u32, argument: &str) -> Option<Self> {
        let is_it = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = line.split(|byte| *byte == 0);
            words.next().is_some_and(|program| program.ends_with(b"python3"))
                && words.any(|word| word == argument.as_bytes())
        };
        support::children(parent).into_iter().find(is_it).map(Self)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        if support::is_alive(self.0) {
            let _ = signal::kill(Pid::from_raw(i32::try_from(self.0).unwrap()), Signal::SIGKILL);
        }
    }
}

#[test]
fn a_foreign_program_dies_with_its_parent_even_if_it_never_rests() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let run = command(temporary.path(), &["spin"], "closed-2", 1);
    let mut running = Running::start(run, &folder);
    let mut found = None;
    support::until(|| {
        found = Foreign::find(running.pid(), "spin");
        found.is_some()
    });
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let foreign = found.unwrap();
    support::until(|| !support::is_alive(foreign.0));
}

/// What contenders note: processes that they have started, and that they come to their own end.
struct Notes(PathBuf);

impl Notes {
    /// The processes behind this word.
    fn pids(&self, word: &str) -> Vec<u32> {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        let pid = |line: &str| -> Option<u32> { line.strip_prefix(word)?.trim().parse().ok() };
        text.lines().filter_map(pid).collect()
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        // Whatever comes of their test.
        let left = ["brood", "orphans", "daemon"].map(|word| self.pids(word)).concat();
        left.into_iter().map(Foreign).for_each(drop);
    }
}

/// Races contenders that start a process each, which lasts for an hour; what they have noted.
fn race_that_ends(folder: &Path, faults: &[&str], code: i32) -> Notes {
    let notes = Notes(folder.join("notes"));
    let mut run = command(folder, faults, "closed-2", 1);
    run.env("CONTENDER_NOTES", &notes.0);
    let mut running = Running::start(run, &folder.join("run"));
    support::until(|| running.child.try_wait().unwrap().is_some());
    assert_eq!(running.child.wait().unwrap().code(), Some(code), "{}", running.said());
    notes
}

#[test]
fn what_a_contender_has_started_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let notes = race_that_ends(folder.path(), &["brood", "orphans"], 1);
    let record = record(&folder.path().join("run"));
    let race = &record.races[0];
    assert_eq!(race.status, Status::Complete);
    assert_eq!(causes(race, "py/brood"), [""]);
    let crashed = causes(race, "py/orphans");
    let is_told = |cause: &String| cause.contains("signal: 6") && cause.ends_with("about to crash");
    assert!(crashed.len() == 1 && crashed.iter().all(is_told), "{crashed:?}");
    for word in ["brood", "orphans"] {
        let started = notes.pids(word);
        let is_over = started.iter().all(|pid| !support::is_alive(*pid));
        assert!(!started.is_empty() && is_over, "{word}: {started:?}");
    }
    let (ended, started) = (notes.pids("ended"), notes.pids("brood"));
    assert_eq!(ended.len(), started.len(), "who has said the last word may end by itself");
}

#[test]
fn who_has_left_its_group_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let notes = race_that_ends(folder.path(), &["daemon"], 0);
    assert_eq!(causes(&record(&folder.path().join("run")).races[0], "py/daemon"), [""]);
    let left = notes.pids("daemon");
    assert!(!left.is_empty() && left.iter().all(|pid| support::is_alive(*pid)), "{left:?}");
}
