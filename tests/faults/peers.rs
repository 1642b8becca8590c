//! Peers that die or do not start: their race is over, what it had stands, and others go on.

use std::fs;

use deadheat::core::record::{Record, Status};
use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};

use crate::{
    script::{Stage, can},
    support::{self, Running, deadheat, record, stderr},
};

/// The child of `parent` whose command line has this label.
fn child(parent: u32, label: &str) -> Option<Pid> {
    let is_it = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|arg| arg == label.as_bytes())
    };
    let pid = support::children(parent).into_iter().find(is_it)?;
    Some(Pid::from_raw(i32::try_from(pid).unwrap()))
}

fn failed(record: &Record) -> &str {
    match &record.races[0].status {
        Status::Failed(cause) => cause,
        other => panic!("{other:?}"),
    }
}

/// Kills a peer while its race has two blocks, and goes on with the run afterwards.
fn killed(race: &str, peer: &str) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let mut run = deadheat();
    run.args([
        "run",
        "--exact",
        race,
        "sleep/closed-64",
        "--models",
        "threads/per-task,smol/single",
    ]);
    run.args(["--blocks", "8", "--rounds", "2", "--slice", "5ms", "--noplot", "--out"])
        .arg(&folder);
    let mut running = Running::start(run, &folder);
    running.has_blocks(2);
    let pid = child(running.pid(), peer).expect("the peer is alive as long as its race");
    let children = support::children(running.pid());
    signal::kill(pid, Signal::SIGKILL).unwrap();
    let status = running.child.wait().unwrap();
    assert_eq!(status.code(), Some(1), "{}", running.said());
    support::until(|| children.iter().all(|pid| !support::is_alive(*pid)));
    let before = record(&folder);
    let said = format!("peer {peer} failed: ");
    assert!(failed(&before).starts_with(&said), "{}", failed(&before));
    assert!(failed(&before).contains("signal: 9"), "{}", failed(&before));
    let [lost, other] = before.races.as_slice() else { panic!("{}", before.races.len()) };
    assert!((2..8).contains(&lost.blocks.len()), "{}", lost.blocks.len());
    assert_eq!((&other.status, other.blocks.len()), (&Status::Complete, 8));

    let resumed = deadheat().args(["run", "--resume"]).arg(&folder).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    let after = record(&folder);
    assert_eq!((&after.races[0].status, after.races[0].blocks.len()), (&Status::Complete, 8));
    assert_eq!(after.races[0].blocks[..lost.blocks.len()], lost.blocks);
    assert_eq!(after.races[1], *other);
}

#[test]
fn a_server_that_dies_ends_its_race_alone() {
    killed("tcp-echo/closed-16", "echo-server");
}

#[test]
fn a_generator_that_dies_ends_its_race_alone() {
    killed("http-server/closed-64", "http-generator");
}

#[test]
fn a_peer_that_does_not_start_is_named() {
    if !can("unshare -rn ip link set lo up") {
        return;
    }
    let stage = Stage::new();
    // Ports are there, and none of them is to be had.
    stage.play(
        "unshare -rn",
        "ip link set lo up
         echo '50000 50099' >/proc/sys/net/ipv4/ip_local_port_range
         echo '50000-50099' >/proc/sys/net/ipv4/ip_local_reserved_ports
         run peer --exact tcp-echo/closed-16 sleep/closed-64 --models threads/per-task \
             --blocks 2 --rounds 1 --slice 5ms --noplot --out out",
    );
    assert_eq!(stage.code("peer"), 1, "{}", stage.said("peer"));
    let record = record(&stage.path("out"));
    let cause = failed(&record);
    assert!(cause.starts_with("peer echo-server failed: failed to "), "{cause}");
    assert!(cause.contains("Address already in use"), "{cause}");
    assert!(stage.said("peer").contains("echo-server failed"), "{}", stage.said("peer"));
    assert_eq!(record.races[1].status, Status::Complete);
}
