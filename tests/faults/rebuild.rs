//! A program that is built again while it runs, or before its run goes on: two builds make no race.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use deadheat::core::record::{Status, write};

use crate::support::{Running, deadheat, record, small, stderr};

/// The same command of another program.
fn by(program: &Path, command: &Command) -> Command {
    let mut other = Command::new(program);
    other.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other
}

#[test]
fn a_run_ends_as_the_program_that_began_it() {
    // Near the program, so that it can have another name there. A copy could not be started while
    // another test starts a process, which has the copy open for writing until it is one.
    let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [program, other, folder] =
        ["program", "other", "run"].map(|name| temporary.path().join(name));
    fs::hard_link(deadheat().get_program(), &program).unwrap();
    // Whoever starts what lies there from now on has failed.
    symlink("/bin/false", &other).unwrap();
    let mut running = Running::start(by(&program, &small(&folder, 40)), &folder);
    running.has_blocks(1);
    fs::rename(&other, &program).unwrap();
    assert_eq!(running.child.wait().unwrap().code(), Some(0), "{}", running.said());
    let race = &record(&folder).races[0];
    assert_eq!((&race.status, race.blocks.len()), (&Status::Complete, 40));
    assert!(race.blocks.iter().flat_map(|block| &block.trials).all(|trial| trial.outcome.is_ok()));
}

#[test]
fn a_run_does_not_go_on_with_another_build() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let output = small(&folder, 1).arg("--noplot").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut other = record(&folder);
    let program = &mut other.run.program;
    assert!(program.file.take().is_some(), "without it, nothing says that it is the same");
    program.features.push("another".into());
    program.lock.insert("tokio".into(), "0.0.1".into());
    let path = folder.join("results.json");
    let resume = || deadheat().args(["run", "--resume"]).arg(&folder).output().unwrap();
    // Where all is there, nothing is mixed.
    write(&path, &other).unwrap();
    assert_eq!(resume().status.code(), Some(0));
    other.run.interrupted = true;
    write(&path, &other).unwrap();
    let resumed = resume();
    let said = stderr(&resumed);
    assert_eq!(resumed.status.code(), Some(1), "{said}");
    for named in ["results.json", "features: ", " another, here ", "tokio: 0.0.1, here "] {
        assert!(said.contains(named), "it should name {named}: {said}");
    }
    assert_eq!(record(&folder), other, "what was measured stands");
}
