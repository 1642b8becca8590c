//! The program, in a surrounding that no flag of the developer's leaks into.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use deadheat::core::{
    clock,
    record::{self, Record},
};
use nix::{sys::signal, unistd::Pid};

/// The program.
pub(crate) fn deadheat() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("deadheat"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DEADHEAT_") {
            command.env_remove(name);
        }
    }
    command
}

/// A small race: two models and the twin, slices of 5 ms.
pub(crate) fn small(folder: &Path, blocks: usize) -> Command {
    let mut command = deadheat();
    let (blocks, models) = (blocks.to_string(), "threads/per-task,blocking/sequential");
    command.args(["run", "--exact", "sleep/closed-64", "--models", models]);
    command.args(["--blocks", &blocks, "--rounds", "1", "--slice", "5ms", "--seed", "7", "--out"]);
    command.arg(folder);
    command
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The record of a run's folder.
pub(crate) fn record(folder: &Path) -> Record {
    record::read(&folder.join("results.json")).unwrap()
}

/// A program that is running, and is killed when the test ends.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) folder: PathBuf,
}

impl Running {
    pub(crate) fn start(mut command: Command, folder: &Path) -> Self {
        let stderr = File::create(folder.with_extension("stderr")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
        Self { child, folder: folder.into() }
    }

    /// What it has written to standard error.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.folder.with_extension("stderr")).unwrap()
    }

    /// Asks it to end, as Ctrl-C does, and waits for that.
    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap());
        signal::kill(pid, signal::Signal::SIGINT).unwrap();
        self.child.wait().unwrap().code()
    }

    /// Waits until this many blocks are on disk.
    pub(crate) fn has_blocks(&mut self, blocks: usize) {
        until(|| {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended before it had {blocks} blocks: {ended:?}");
            let path = self.folder.join("results.json");
            let stored = record::read(&path).ok();
            stored.is_some_and(|r| r.races.first().is_some_and(|race| race.blocks.len() >= blocks))
        });
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for something that is bound to happen; a minute is more than any machine needs.
pub(crate) fn until(mut happened: impl FnMut() -> bool) {
    let deadline = clock::now() + 60_000_000_000;
    while !happened() {
        assert!(clock::now() < deadline, "it did not happen in a minute");
        clock::sleep(Duration::from_millis(5));
    }
}

/// Processes that this one started and that are alive.
#[cfg(target_os = "linux")]
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|(_, ppid)| ppid == parent)).collect()
}

/// Whether a process is alive: there, and no zombie.
#[cfg(target_os = "linux")]
pub(crate) fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// State and parent of a process.
#[cfg(target_os = "linux")]
fn stat(pid: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, parentheses included.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
