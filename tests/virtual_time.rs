//! The session loop, the gates and the loads in simulated time, against formulas that hold to the
//! nanosecond.

use std::{collections::BinaryHeap, sync::LazyLock};

use deadheat::core::{
    cell::Cell,
    cells,
    load::Load,
    model::virtual_time::VirtualTime,
    protocol::{Prepare, Turn},
    rehearsal::Rehearsal,
    sample::Sample,
};
use deadheat::scenario::sleep::Sleep;

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(|| {
    cells! { models: [VirtualTime], scenarios: [Sleep], services: [] }
});

const MS: u64 = 1_000_000;

/// Three slices of sleeps of 1 ms on so many sessions: what `verify` is given of each, in the
/// order of the intended starts.
fn simulate(load: &str, sessions: usize, for_ns: u64, verify: impl Fn(&[u64], &[Sample])) {
    let parsed: Load = load.parse().unwrap();
    let prepare = Prepare {
        scenario: CELLS[0].scenario.id.into(),
        model: CELLS[0].model.id.into(),
        load: load.into(),
        sessions,
        ops_per_sample: 1,
        ..Prepare::default()
    };
    let mut contender = Rehearsal::start(&CELLS, prepare).unwrap();
    for round in 0..3 {
        let arrivals = parsed.schedule(for_ns, round);
        let window = if parsed.is_closed() { for_ns } else { 0 };
        let turn = Turn { for_ns: window, ..Turn::default() };
        let (done, mut numbers) = contender.slice(&turn, arrivals.clone()).unwrap();
        assert!(done.errors.is_empty() && done.lags == 0 && done.censored == 0, "{done:?}");
        let ends = numbers.samples.iter().map(|sample| sample.finished).max();
        let think = if load.contains("think") { 2 * MS } else { 0 };
        assert_eq!(done.span_ns, ends.unwrap() + think, "{load}: when the slice ends");
        numbers.samples.sort_by_key(|sample| (sample.intended, sample.started));
        verify(&arrivals, &numbers.samples);
    }
    contender.quit().unwrap();
}

fn service(sample: &Sample) -> u64 {
    sample.finished - sample.started
}

/// Starts in a queue with `servers` servers, one FIFO, and a service of 1 ms (Kiefer and
/// Wolfowitz; Lindley for one server): who arrives is served by the server that is free first.
fn starts(arrivals: &[u64], servers: usize) -> Vec<u64> {
    let mut free: BinaryHeap<_> = vec![std::cmp::Reverse(0); servers].into();
    arrivals
        .iter()
        .map(|&arrival| {
            let start = arrival.max(free.pop().map_or(0, |first| first.0));
            free.push(std::cmp::Reverse(start + MS));
            start
        })
        .collect()
}

fn is_queue(servers: usize, load: &str) -> impl Fn(&[u64], &[Sample]) {
    move |arrivals, samples| {
        assert_eq!(samples.len(), arrivals.len());
        let expected = starts(arrivals, servers);
        for ((&arrival, start), sample) in arrivals.iter().zip(expected).zip(samples) {
            let found = [sample.intended, sample.started, sample.finished];
            assert_eq!(found, [arrival, start, start + MS], "{load} on {servers}");
        }
    }
}

#[test]
fn a_closed_loop_performs_clients_times_window_over_service() {
    for load in ["closed-4", "closed-4-spawn"] {
        simulate(load, 4, 10 * MS, |_, samples| {
            assert_eq!(samples.len(), 40, "{load}");
            assert!(samples.iter().all(|sample| service(sample) == MS), "{load}: {samples:?}");
            for (i, sample) in samples.iter().enumerate() {
                assert_eq!(sample.started, i as u64 / 4 * MS, "{load}: all start together");
            }
        });
    }
}

#[test]
fn thinking_slows_a_closed_loop_and_is_not_service() {
    // X = N / (R + Z), the interactive response time law.
    for load in ["closed-2-think-2ms", "closed-2-think-2ms-spawn"] {
        simulate(load, 2, 9 * MS, |_, samples| {
            assert_eq!(samples.len(), 2 * 9 / (1 + 2), "{load}");
            assert!(samples.iter().all(|sample| service(sample) == MS), "{load}");
        });
    }
}

#[test]
fn a_batch_takes_its_share_of_each_session() {
    simulate("batch-20", 4, 0, |_, samples| {
        assert_eq!(samples.len(), 20);
        assert_eq!(samples.iter().map(|sample| sample.finished).max(), Some(5 * MS));
        assert!(samples.iter().all(|sample| sample.intended == 0));
    });
}

#[test]
fn below_capacity_constant_arrivals_never_wait() {
    for load in ["open-890", "open-890-spawn"] {
        simulate(load, 1, 50 * MS, |arrivals, samples| {
            assert_eq!((arrivals.len(), samples.len()), (44, 44), "{load}");
            assert!(samples.iter().all(|s| s.finished - s.intended == MS), "{load}");
        });
    }
}

#[test]
fn above_capacity_the_wait_grows_with_each_arrival() {
    // Gaps of 0.8 ms, service of 1 ms: the k-th waits 0.2 ms longer than the one before it.
    for load in ["open-1250", "open-1250-spawn"] {
        simulate(load, 1, 40 * MS, |_, samples| {
            for (k, sample) in samples.iter().enumerate() {
                assert_eq!(sample.started - sample.intended, k as u64 * MS / 5, "{load}");
            }
        });
        simulate(load, 1, 40 * MS, is_queue(1, load));
    }
}

#[test]
fn poisson_arrivals_wait_as_the_recursion_says() {
    for (servers, load) in [
        (1, "open-500-poisson"),
        (1, "open-950-poisson"),
        (3, "open-2700-poisson"),
        (3, "open-2700-poisson-spawn"),
        (8, "open-9000-poisson"),
    ] {
        simulate(load, servers, 400 * MS, is_queue(servers, load));
    }
}

#[test]
fn an_empty_slice_takes_no_time() {
    let prepare = Prepare {
        scenario: CELLS[0].scenario.id.into(),
        model: CELLS[0].model.id.into(),
        load: "open-10".into(),
        sessions: 2,
        ops_per_sample: 1,
        ..Prepare::default()
    };
    let mut contender = Rehearsal::start(&CELLS, prepare).unwrap();
    let (done, numbers) = contender.slice(&Turn::default(), Vec::new()).unwrap();
    assert_eq!((done.samples, done.span_ns, numbers.samples.len()), (0, 0, 0));
    contender.quit().unwrap();
}
