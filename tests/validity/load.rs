//! Loads that are not what they should be, and contenders that are not up to theirs.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use deadheat::core::{
    clock,
    race::External,
    record::{Fits, Metric, Outcome, Status},
    resource,
    stats::{Measures, judge, mark},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use socket2::{Domain, Socket, Type};

use crate::{plan, run, skipped};

/// Children of this process whose command line has this in it.
fn children(what: &str) -> Vec<Pid> {
    let parent = format!("PPid:\t{}", std::process::id());
    let folders = fs::read_dir("/proc").unwrap().flatten();
    folders
        .filter_map(|folder| {
            let pid: i32 = folder.file_name().to_str()?.parse().ok()?;
            let status = fs::read_to_string(folder.path().join("status")).ok()?;
            let line = fs::read_to_string(folder.path().join("cmdline")).ok()?;
            (status.lines().any(|line| line == parent) && line.contains(what))
                .then_some(Pid::from_raw(pid))
        })
        .collect()
}

/// Stops processes for 8 of every 10 ms until told to end.
fn starve(what: &'static str, ended: Arc<AtomicBool>) -> thread::JoinHandle<usize> {
    thread::spawn(move || {
        let mut stops = 0;
        while !ended.load(Relaxed) {
            for pid in children(what) {
                stops += usize::from(kill(pid, Signal::SIGSTOP).is_ok());
                clock::sleep(Duration::from_millis(8));
                let _ = kill(pid, Signal::SIGCONT);
            }
            clock::sleep(Duration::from_millis(2));
        }
        stops
    })
}

#[test]
fn a_generator_that_is_starved_ranks_nobody() {
    let plan =
        plan("echo-server", &["threads/per-task", "tokio/current-thread"], "open-1000", "split");
    let ended = Arc::new(AtomicBool::new(false));
    let starving = starve("echo-generator", Arc::clone(&ended));
    let race = run(&plan);
    ended.store(true, Relaxed);
    assert!(starving.join().unwrap() > 0, "the generator was found");
    assert_eq!(race.status, Status::Complete);
    let measures = Measures::of(&race);
    assert!(measures.conditions("tokio/current-thread").generator_limited);
    let judged = judge(&race);
    let verdict = judged.verdicts.iter().find(|v| v.metric == Metric::CpuTime).unwrap();
    assert!(verdict.marks.contains(&mark::GENERATOR_LIMITED.to_owned()), "{verdict:?}");
}

#[test]
fn a_server_that_falls_behind_is_saturated_and_that_is_a_result() {
    let load = "open-300000";
    let plan = plan("http-server", &["threads/per-task", "tokio/current-thread"], load, "split");
    let race = run(&plan);
    assert_eq!(race.status, Status::Complete);
    for contender in race.contenders.iter().filter(|c| c.fits == Fits::Yes) {
        for (_, trial) in race.trials(&contender.id) {
            assert_eq!(trial.outcome, Outcome::Ok, "{}", contender.id);
            let behind = trial.slices.iter().filter(|slice| slice.saturated).count();
            assert!(2 * behind > trial.slices.len(), "{}: {behind}", contender.id);
            assert!(trial.slices.iter().all(|slice| slice.offered > 0));
        }
    }
    let judged = judge(&race);
    let verdict = judged.verdicts.iter().find(|v| v.metric == Metric::P99).unwrap();
    assert!(verdict.marks.contains(&mark::SATURATED.to_owned()), "{verdict:?}");
}

#[test]
fn a_contender_that_shortens_its_times_breaks_littles_law() {
    let mut plan = plan("tcp-echo", &["threads/per-task"], "closed-2", "free");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contender.py");
    let command = ["python3", script, "hurry"].map(str::to_owned).to_vec();
    let mut liar = plan.entrants[0].clone();
    liar.contender.id = "python/hurry".into();
    liar.external = Some(External { id: "python/hurry".into(), command, ..External::default() });
    plan.entrants.push(liar);
    let race = run(&plan);
    for (_, trial) in race.trials("threads/per-task") {
        assert_eq!(trial.outcome, Outcome::Ok);
    }
    for (_, trial) in race.trials("python/hurry") {
        match &trial.outcome {
            Outcome::Failed { cause, .. } => {
                assert!(cause.starts_with("Little's law is broken"), "{cause}");
            }
            Outcome::Ok => panic!("its operations took a nanosecond each, and nobody minded"),
        }
    }
}

fn tcp_socket() -> Socket {
    Socket::new(Domain::IPV4, Type::STREAM, None).unwrap()
}

/// A listener with a queue of one, and nobody who accepts.
fn full_queue() -> TcpListener {
    let socket = tcp_socket();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.listen(1).unwrap();
    TcpListener::from(socket)
}

/// A client that asks to be connected, and does not wait for that.
fn knock(addr: SocketAddr) -> Socket {
    let client = tcp_socket();
    client.set_nonblocking(true).unwrap();
    let _ = client.connect(&addr.into());
    client
}

#[test]
fn connections_that_a_full_queue_drops_are_counted() {
    let Some(before) = resource::listen_overflows() else {
        return skipped("the kernel does not count them");
    };
    let listener = full_queue();
    let addr = listener.local_addr().unwrap();
    let clients: Vec<_> = (0..8).map(|_| knock(addr)).collect();
    let deadline = clock::now() + 10_000_000_000;
    while resource::listen_overflows() == Some(before) && clock::now() < deadline {
        clock::sleep(Duration::from_millis(10));
    }
    assert!(resource::listen_overflows().unwrap() > before);
    drop(clients);
}

/// Has a listener drop connections until told to end.
fn overflow(ended: Arc<AtomicBool>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let listener = full_queue();
        let addr = listener.local_addr().unwrap();
        // These fill the queue; whoever comes later is dropped.
        let queue: Vec<_> = (0..8).map(|_| knock(addr)).collect();
        while !ended.load(Relaxed) {
            drop(knock(addr));
            clock::sleep(Duration::from_millis(2));
        }
        drop(queue);
    })
}

#[test]
fn connections_that_are_dropped_are_counted_where_somebody_listens() {
    if resource::listen_overflows().is_none() {
        return skipped("the kernel does not count them");
    }
    // A client alone, a client and its server, a server.
    for (scenario, listens) in [("sleep", false), ("tcp-echo", true), ("echo-server", true)] {
        let race = run(&plan(scenario, &["threads/per-task"], "closed-2", "free"));
        let slices: Vec<_> =
            race.trials("threads/per-task").flat_map(|(_, trial)| &trial.slices).collect();
        let counted = slices.iter().all(|slice| slice.listen_overflows.is_some() == listens);
        assert!(!slices.is_empty() && counted, "{scenario}: {slices:?}");
    }
}

#[test]
fn connections_that_are_dropped_during_a_race_stand_in_its_record_and_beside_its_verdicts() {
    if resource::listen_overflows().is_none() {
        return skipped("the kernel does not count them");
    }
    let ended = Arc::new(AtomicBool::new(false));
    // On no listener of the race, whose queues are hard to fill: the kernel counts all together.
    let overflowing = overflow(Arc::clone(&ended));
    let models = ["threads/per-task", "tokio/current-thread"];
    let race = run(&plan("echo-server", &models, "closed-2", "free"));
    ended.store(true, Relaxed);
    overflowing.join().unwrap();
    assert_eq!(race.status, Status::Complete);
    let measures = Measures::of(&race);
    for id in models {
        let slices: Vec<_> = race.trials(id).flat_map(|(_, trial)| &trial.slices).collect();
        assert!(slices.iter().any(|slice| slice.listen_overflows > Some(0)), "{id}: {slices:?}");
        assert!(measures.conditions(id).overflowed, "{id}");
    }
    let judged = judge(&race);
    let verdict = judged.verdicts.iter().find(|v| v.metric == Metric::Throughput).unwrap();
    assert!(verdict.marks.contains(&mark::LISTEN_OVERFLOW.to_owned()), "{verdict:?}");
}
