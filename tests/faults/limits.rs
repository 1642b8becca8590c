//! Ports, descriptors, threads: what cannot fit is said beforehand and is a result; what runs out
//! halfway is the row of whoever it happens to.

use deadheat::core::record::{Fits, Kind, Outcome, Race, Status};

use crate::{
    script::{Stage, can, nobody},
    support::record,
};

/// Two models, two short blocks.
const SMALL: &str = "--models threads/per-task,smol/single --blocks 2 --rounds 1 --slice 5ms \
                     --seed 7 --noplot";

/// A network of its own, whose local ports are these.
fn network(ports: &str) -> String {
    format!("ip link set lo up; echo '{ports}' >/proc/sys/net/ipv4/ip_local_port_range; ")
}

fn infeasible(race: &Race, contender: &str) -> String {
    match &race.contender(contender).unwrap().fits {
        Fits::Infeasible(why) => why.clone(),
        other => panic!("{contender}: {other:?}"),
    }
}

fn all_ok(race: &Race, contender: &str) -> bool {
    let mut outcomes = race.trials(contender).map(|(_, trial)| trial.outcome.is_ok());
    race.status == Status::Complete && race.trials(contender).count() == 2 && outcomes.all(|ok| ok)
}

#[test]
fn more_connections_than_ports_are_infeasible() {
    if !can("unshare -rn ip link set lo up") {
        return;
    }
    let stage = Stage::new();
    let script = network("50000 50011") + "run ports 'tcp-echo/.*closed-16$' sleep --out out ";
    stage.play("unshare -rn", &(script + SMALL));
    assert_eq!(stage.code("ports"), 0, "{}", stage.said("ports"));
    let record = record(&stage.path("out"));
    let why = "infeasible at 16: net.ipv4.ip_local_port_range allows 12 ports";
    let [echo, sleep] = record.races.as_slice() else { panic!("{}", record.races.len()) };
    assert_eq!(infeasible(echo, "smol/single"), why);
    assert!(stage.said("ports").contains(why), "{}", stage.said("ports"));
    assert!(all_ok(sleep, "threads/per-task") && all_ok(sleep, "smol/single"));
}

#[test]
fn ports_that_run_out_fail_who_asks_for_them() {
    if !can("unshare -rn ip link set lo up") {
        return;
    }
    let stage = Stage::new();
    // Sixteen of forty are enough for one contender at a time, but ports stay taken for a minute.
    let script = network("50000 50039")
        + "echo 0 >/proc/sys/net/ipv4/tcp_tw_reuse; run ports --exact tcp-echo/closed-16 --out out ";
    stage.play("unshare -rn", &(script + SMALL));
    assert_eq!(stage.code("ports"), 1, "{}", stage.said("ports"));
    let record = record(&stage.path("out"));
    let race = &record.races[0];
    assert_eq!((&race.status, race.kind), (&Status::Complete, Kind::Solo));
    let solo = race.warnings.iter().find(|warning| warning.code == "solo").unwrap();
    assert!(solo.text.contains("64 ports"), "{}", solo.text);
    let (ok, failed): (Vec<_>, Vec<_>) =
        race.blocks.iter().flat_map(|b| &b.trials).partition(|trial| trial.outcome.is_ok());
    assert_eq!(ok.len(), 2, "the first two had ports");
    assert!(ok.iter().all(|trial| trial.slices.len() == 1));
    for trial in failed {
        let Outcome::Failed { cause, .. } = &trial.outcome else { panic!() };
        assert!(cause.starts_with("failed to open session "), "{cause}");
        assert!(cause.contains("Cannot assign requested address"), "{cause}");
    }
    assert!(stage.said("ports").contains("Cannot assign requested"), "{}", stage.said("ports"));
}

#[test]
fn more_sockets_than_descriptors_are_infeasible() {
    let stage = Stage::new();
    let script = "ulimit -n 100; run files '^(tcp-echo/.*closed-16|sleep/.*)$' --out out ";
    stage.play("env", &(script.to_owned() + SMALL));
    assert_eq!(stage.code("files"), 0, "{}", stage.said("files"));
    let record = record(&stage.path("out"));
    let [echo, sleep] = record.races.as_slice() else { panic!("{}", record.races.len()) };
    let why = "infeasible at 16: the limit on open files (ulimit -n) is 100";
    assert_eq!(infeasible(echo, "threads/per-task"), why);
    assert!(all_ok(sleep, "threads/per-task"));
}

#[test]
fn descriptors_that_run_out_fail_who_asks_for_them() {
    let stage = Stage::new();
    // Each child takes some of the parent's.
    let script = "ulimit -n 14; run files --exact sleep/closed-64 --out out ";
    stage.play("env", &(script.to_owned() + SMALL));
    assert_eq!(stage.code("files"), 1, "{}", stage.said("files"));
    let record = record(&stage.path("out"));
    let trials: Vec<_> = record.races[0].blocks.iter().flat_map(|block| &block.trials).collect();
    let failed =
        |cause: &str| cause.starts_with("failed to start its process: Too many open files");
    let causes = trials.iter().filter_map(|trial| match &trial.outcome {
        Outcome::Failed { cause, .. } => Some(cause.as_str()),
        Outcome::Ok => None,
    });
    assert!(causes.clone().count() > 0 && causes.clone().all(failed));
    assert!(trials.iter().any(|trial| trial.outcome.is_ok()), "others race on");
}

#[test]
fn more_threads_than_a_user_may_have_are_infeasible() {
    let Some(before) = nobody() else { return };
    let stage = Stage::new();
    let script = "ulimit -u 1500; run threads sleep --load closed-2000 --out out ";
    stage.play(&before, &(script.to_owned() + SMALL));
    assert_eq!(stage.code("threads"), 0, "{}", stage.said("threads"));
    let record = record(&stage.path("out"));
    let race = &record.races[0];
    let why = "infeasible at 2000: the limit on processes (ulimit -u) allows 1500 threads";
    assert_eq!(infeasible(race, "threads/per-task"), why);
    assert!(all_ok(race, "smol/single"), "a task needs no thread");
}
