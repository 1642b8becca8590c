//! Weather: others on the race's CPUs, and limits of control groups.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use deadheat::core::{
    clock,
    race::weather::Barometer,
    record::{self, Status},
    resource,
};

use crate::{plan, run, skipped};

/// A process that never sleeps, ended when it is dropped.
struct Hog(Child);

impl Hog {
    fn new() -> Self {
        Self(Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap())
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_neighbour_makes_rounds_foul_and_they_are_run_again() {
    let plan = plan("tcp-echo", &["threads/per-task"], "closed-2", "same");
    if !Barometer::new(&plan.exclusive_cpus()).resolves_a_slice() {
        return skipped("no counter of foreign CPU time here resolves a slice");
    }
    let hogs: Vec<_> = resource::cpus().iter().map(|_| Hog::new()).collect();
    let race = run(&plan);
    drop(hogs);
    assert_eq!(race.status, Status::Complete, "weather ends no race");
    assert!(!race.foul.is_empty());
    for foul in &race.foul {
        assert!(foul.reason.contains("foreign load"), "{foul:?}");
        assert!(!foul.contenders.is_empty(), "{foul:?}");
    }
    for block in &race.blocks {
        let foul = race.foul.iter().filter(|foul| foul.block == block.index).count();
        for trial in &block.trials {
            let rounds = trial.slices.len();
            // As many again as were foul, up to twice the two that were planned.
            assert_eq!(rounds, (2 + foul).min(4), "{foul} foul");
            assert!(trial.slices.iter().enumerate().all(|(i, slice)| slice.round == i));
        }
        let seen = block.trials.iter().flat_map(|trial| &trial.slices);
        assert!(seen.filter_map(|slice| slice.weather.foreign).any(|share| share > 0.05));
        // The tails of foul rounds are kept apart.
        let apart = block.trials.iter().all(|trial| trial.foul_hist.is_empty() == (foul == 0));
        assert!(apart, "{foul} of a block's rounds were foul");
    }
}

/// A control group that may use a fifth of one CPU; removed when it is dropped.
struct Group(PathBuf);

impl Group {
    fn new() -> Option<Self> {
        let root = Path::new("/sys/fs/cgroup");
        let name = format!("deadheat-test-{}", std::process::id());
        let limits: [(&str, &[(&str, &str)]); 2] = [
            ("", &[("cpu.max", "20000 100000")]),
            ("cpu", &[("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "20000")]),
        ];
        limits.iter().find_map(|(controller, files)| {
            // Where this is no mount of control groups, a folder would be just a folder.
            let mount = root.join(controller);
            if !mount.join("cgroup.procs").exists() {
                return None;
            }
            let folder = mount.join(&name);
            fs::create_dir(&folder).ok()?;
            let group = Self(folder);
            let set = |(file, text): &(&str, &str)| fs::write(group.0.join(file), text).is_ok();
            files.iter().all(set).then_some(group)
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Children may take a moment to be gone.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            clock::sleep(std::time::Duration::from_millis(20));
        }
    }
}

#[test]
fn a_control_group_that_is_throttled_is_foul_weather() {
    let Some(group) = Group::new() else {
        return skipped("no control group with a CPU limit may be made here");
    };
    let out = tempfile::tempdir().unwrap();
    let script = "echo $$ > \"$1/cgroup.procs\" && shift && exec \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(&group.0)
        .arg(env!("CARGO_BIN_EXE_deadheat"))
        .args(["run", "sha256/closed-4", "--models", "threads/per-task,blocking/sequential"])
        .args(["--blocks", "1", "--rounds", "3", "--noplot", "--out"])
        .arg(out.path().join("run"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let record = record::read(&out.path().join("run/results.json")).unwrap();
    let race = &record.races[0];
    let reasons: Vec<_> = race.foul.iter().map(|foul| foul.reason.as_str()).collect();
    assert!(!reasons.is_empty(), "a fifth of a CPU is not enough, and that is seen");
    let slices = race.blocks.iter().flat_map(|block| &block.trials).flat_map(|trial| &trial.slices);
    let throttled: Vec<_> = slices.filter_map(|slice| slice.weather.throttled).collect();
    assert!(throttled.iter().any(|share| *share > 0.05), "{throttled:?}");
}
