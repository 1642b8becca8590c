//! How many requests per second the generator can make at most: a measurement, not a test.
//!
//! ```text
//! cargo test --release --test ceiling -- --ignored --nocapture
//! ```

use std::{sync::LazyLock, thread};

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
    let mut rates = Vec::new();
    for _ in 0..11 {
        let turn = Turn { for_ns: 200_000_000, target, ..Turn::default() };
        let (done, _) = generator.slice(&turn, Vec::new()).unwrap();
        assert!(done.errors.is_empty(), "{:?}", done.errors);
        rates.push(done.samples * 1_000_000_000 / done.span_ns);
    }
    rates.sort_unstable();
    let [slowest, median, fastest] = [0, 5, 10].map(|i| rates[i]);
    format!("{scenario} closed-{sessions}: {median} per second ({slowest} to {fastest})")
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
