//! `--resume` after Ctrl-C. After a kill it is in `tests/cli/runs.rs`, after a full disk in `disk.rs`.

use deadheat::core::record::Status;

use crate::support::{Running, deadheat, record, stderr, stdout};

#[test]
fn a_run_that_was_interrupted_goes_on_where_it_was() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let mut run = deadheat();
    run.args(["run", "--exact", "sleep/closed-64", "--models", "threads/per-task,smol/single"]);
    run.args(["--blocks", "12", "--rounds", "4", "--slice", "5ms", "--noplot", "--out"]);
    run.arg(&folder);
    let mut running = Running::start(run, &folder);
    running.has_blocks(1);
    assert_eq!(running.interrupt(), Some(130), "{}", running.said());
    let before = record(&folder);
    let race = &before.races[0];
    assert!(before.run.interrupted && race.status == Status::Cut, "{:?}", race.status);
    let (last, whole) = race.blocks.split_last().unwrap();
    assert!(race.blocks.len() < 12 && whole.iter().all(|block| !block.cut));
    let rounds = |id| {
        let trial = last.trials.iter().find(|trial| trial.contender == id).unwrap();
        trial.slices.len()
    };
    let fewest = ["threads/per-task", "smol/single"].map(rounds).into_iter().min().unwrap();
    assert!(fewest >= 1 && (last.cut || fewest >= 4), "{fewest} {}", last.cut);

    let resumed = deadheat().args(["run", "--resume"]).arg(&folder).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    assert!(stdout(&resumed).contains("report.md"), "{}", stdout(&resumed));
    let after = record(&folder);
    assert!(!after.run.interrupted);
    assert_eq!((&after.races[0].status, after.races[0].blocks.len()), (&Status::Complete, 12));
    assert_eq!(after.races[0].blocks[..race.blocks.len()], race.blocks);
}
