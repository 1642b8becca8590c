//! How many requests per second the generator can make at most: a measurement, not a test.
//!
//! ```text
//! cargo test --release --test ceiling -- --ignored --nocapture
//! ```

use std::{fs, path::PathBuf, sync::LazyLock, thread};

use deadheat::core::{
    cell::Cell,
    net,
    protocol::{Prepare, Turn},
    rehearsal::Rehearsal,
    resource,
};
use deadheat_scenarios::{http, peer::null};

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(deadheat::matrix::cells);

fn measure(scenario: &str, answer: Vec<u8>, sessions: usize) -> String {
    let listener = net::listen().unwrap();
    let target = listener.local_addr().ok();
    let cpus = resource::cpus();
    let last = cpus[cpus.len() - 1..].to_vec();
    thread::spawn(move || {
        resource::name_thread("null");
        resource::confine(&last).unwrap();
        null::serve(listener, &answer)
    });
    let prepare = Prepare {
        scenario: scenario.into(),
        peer: Some(0),
        load: format!("closed-{sessions}"),
        sessions,
        cpus: cpus[..1].to_vec(),
        ..Prepare::default()
    };
    let mut generator = Rehearsal::start(&CELLS, prepare).unwrap();
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for _ in 0..11 {
        let turn = Turn { for_ns: 200_000_000, target, ..Turn::default() };
        let null = null_cpu_ns();
        let (done, _) = generator.slice(&turn, Vec::new()).unwrap();
        assert!(done.errors.is_empty(), "{:?}", done.errors);
        rates.push(done.samples * 1_000_000_000 / done.span_ns);
        let cpu_ns = done.end.unwrap().cpu_ns - done.begin.unwrap().cpu_ns;
        costs.push(cpu_ns.saturating_sub(null_cpu_ns() - null) / done.samples);
    }
    generator.quit().unwrap();
    rates.sort_unstable();
    costs.sort_unstable();
    let [slowest, median, fastest] = [0, 5, 10].map(|i| rates[i]);
    let cost = costs[5];
    format!(
        "{scenario} closed-{sessions}: {median} per second ({slowest} to {fastest}), \
         {cost} ns of CPU each"
    )
}

/// CPU time of the servers' threads: all else in this process is the generator.
fn null_cpu_ns() -> u64 {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of = |path: PathBuf| {
        let read = |name| fs::read_to_string(path.join(name)).unwrap_or_default();
        let ns = read("schedstat").split(' ').next().and_then(|ns| ns.parse::<u64>().ok());
        (read("comm").trim() == "null").then_some(ns).flatten()
    };
    threads.filter_map(|thread| of(thread.path())).sum()
}

#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "its result is what it prints")]
fn ceiling_against_a_server_that_does_nothing() {
    for sessions in [1, 16, 64] {
        eprintln!("{}", measure("http-server", http::answer_bytes(0), sessions));
        eprintln!("{}", measure("echo-server", echo(), sessions));
    }
}

/// The echo of the first message, again and again.
fn echo() -> Vec<u8> {
    let rest = b"deadheat".iter().copied().cycle().take(56);
    0_u64.to_le_bytes().into_iter().chain(rest).collect()
}
