//! Disks that fill, folders that go away, and output that cannot be written.

use std::{fs, path::Path, process::Stdio};

use deadheat::core::record::{Block, Record, Status};

use crate::{
    script::{Stage, can},
    support::{Running, deadheat, record, small, stderr},
};

/// Far more blocks than the disks of these tests hold.
const SMALL: &str = "--exact sleep/closed-64 --models threads/per-task,blocking/sequential \
                     --blocks 20 --rounds 1 --slice 5ms --seed 7 --noplot";

/// The blocks of the only race, which are from the first one on.
fn blocks(record: &Record) -> &[Block] {
    let [race] = record.races.as_slice() else { panic!("{} races", record.races.len()) };
    let indices: Vec<_> = race.blocks.iter().map(|block| block.index).collect();
    assert_eq!(indices, (0..race.blocks.len()).collect::<Vec<_>>());
    &race.blocks
}

/// What was measured before stands, and what was missing is there.
fn is_continued(before: &Record, after: &Record, planned: usize) {
    let (before, all) = (blocks(before), blocks(after));
    assert!((1..planned).contains(&before.len()), "{}", before.len());
    assert_eq!(&all[..before.len()], before);
    assert_eq!((all.len(), &after.races[0].status), (planned, &Status::Complete));
}

fn full(stage: &Stage, reason: &str) {
    let said = stage.said("full");
    assert_eq!(stage.code("full"), 1, "{said}");
    let line = said.lines().find(|line| line.starts_with("error")).unwrap();
    assert!(line.contains("failed to write to") && line.contains(reason), "{line}");
    // What could be measured is shown, even where it cannot be kept.
    assert!(said.contains("blocking/sequential  "), "{said}");
    assert_eq!(stage.code("again"), 0, "{}", stage.said("again"));
}

#[test]
fn a_disk_that_fills_keeps_what_was_written_and_the_run_goes_on_later() {
    if !can("unshare -rm mount -t tmpfs none /mnt") {
        return;
    }
    let stage = Stage::new();
    let script = format!(
        "mkdir disk; mount -t tmpfs -o size=64k none disk
         run full {SMALL} --out disk/out
         mkdir before after; cp disk/out/results.json before
         mount -o remount,size=64m disk
         run again --resume disk/out
         cp disk/out/results.json disk/out/report.md after"
    );
    stage.play("unshare -rm", &script);
    full(&stage, "No space left on device");
    is_continued(&record(&stage.path("before")), &record(&stage.path("after")), 20);
    assert!(stage.path("after/report.md").exists());
}

#[test]
fn a_limit_on_file_sizes_is_a_full_disk() {
    let stage = Stage::new();
    let script = format!(
        "(trap '' XFSZ; ulimit -f 20; run full {SMALL} --out out)
         mkdir before; cp out/results.json before
         run again --resume out"
    );
    stage.play("env", &script);
    full(&stage, "File too large");
    is_continued(&record(&stage.path("before")), &record(&stage.path("out")), 20);
    let names: Vec<_> = fs::read_dir(stage.path("out")).unwrap().flatten().collect();
    let left = |name: &str| names.iter().any(|entry| entry.file_name() == name);
    assert!(left("results.json") && !left("results.json.part"), "{names:?}");
}

#[test]
fn a_folder_that_goes_away_ends_the_run() {
    let temporary = tempfile::tempdir().unwrap();
    let (folder, moved) = (temporary.path().join("run"), temporary.path().join("moved"));
    let mut running = Running::start(small(&folder, 12), &folder);
    running.has_blocks(2);
    fs::rename(&folder, &moved).unwrap();
    let status = running.child.wait().unwrap();
    assert_eq!(status.code(), Some(1), "{}", running.said());
    let line = format!("failed to write to {}: No such file", folder.display());
    assert!(running.said().contains(&line), "{}", running.said());
    let before = record(&moved);
    let resumed = deadheat().args(["run", "--resume"]).arg(&moved).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    is_continued(&before, &record(&moved), 12);
}

#[test]
fn results_that_cannot_be_printed_are_an_error_and_on_disk() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let output = small(&folder, 1).stdout(full()).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("failed to write to standard output: No space left"));
    assert_eq!(record(&folder).races[0].status, Status::Complete);
    assert!(folder.join("report.md").exists());
    hung_up(&folder);
}

/// A reader that has seen enough is no error.
fn hung_up(folder: &Path) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut report = deadheat();
    let output = report.arg("report").arg(folder).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}
