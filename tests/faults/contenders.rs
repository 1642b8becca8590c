//! Contenders that crash, hang, keep silent or print rubbish: rows with a cause, and exit code 1.

use std::{fs, path::Path, process::Output};

use deadheat::core::record::{Outcome, Race, Status};

use crate::support::{deadheat, record, stderr, stdout};

/// Races the tests' own contender with a fault each against a model.
fn race(folder: &Path, faults: &[&str], blocks: usize) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contender.py");
    let entry = |fault: &&str| {
        format!(
            "[[contender]]\nid = \"py/{fault}\"\ncommand = [\"python3\", \"{script}\", \"{fault}\"]\n"
        )
    };
    let config = folder.join("deadheat.toml");
    fs::write(&config, faults.iter().map(entry).collect::<String>()).unwrap();
    let mut run = deadheat();
    run.args(["run", "tcp-echo", "--load", "closed-2", "--models", "py,threads/per-task"]);
    run.args(["--rounds", "2", "--slice", "20ms", "--blocks", &blocks.to_string(), "--noplot"]);
    run.arg("--config").arg(config).arg("--out").arg(folder.join("run"));
    // Enough for a program that starts on a busy machine, and no more than a test wants to wait.
    run.env("DEADHEAT_PATIENCE", "4s").output().unwrap()
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
        ("mute", "no answer in 4 s"),
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
