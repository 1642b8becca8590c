//! A made-up search for capacities: queues whose capacity is a formula. Nothing is measured.

use deadheat_core::{
    record::{
        Block, Capacity, Contender, Machine, Placement, Race, Record, Role, SCHEMA, Shape, Slice,
        Status, Trial,
    },
    stats::{histogram, judge_capacity},
};

/// What all of them have to hold: met below the mean service rate less 460.5/s (M/M/1).
pub(crate) const OBJECTIVE: &str = "p99<10ms";

const BLOCKS: u32 = 8;
const OPERATIONS: u32 = 2_000;
const SECOND: u64 = 1_000_000_000;

/// A reference, its twin, and a model that carries 28% more.
pub(crate) fn searched() -> Record {
    with_twin(1_000.0)
}

/// The same with a twin of that mean service rate, per second; the reference has 1,000.
pub(crate) fn with_twin(rate: f64) -> Record {
    let queues = [
        ("threads/per-task", Role::Model, 1_000.0),
        ("tokio/multi-thread", Role::Model, 1_150.0),
        ("threads/per-task+twin", Role::Twin, rate),
    ];
    let mut capacity = Capacity {
        scenario: "http-server".into(),
        objective: OBJECTIVE.into(),
        reference: "threads/per-task".into(),
        margin: 0.05,
        blocks: 8,
        ceiling: Some(5_000.0),
        races: (0..9).map(|step| race(430.0 * 1.07_f64.powi(step), &queues)).collect(),
        ..Capacity::default()
    };
    capacity.carried = judge_capacity(&capacity).rows;
    Record {
        schema: SCHEMA.into(),
        machine: Machine { fingerprint: "0123456789abcdef".into(), ..Machine::default() },
        capacities: vec![capacity],
        ..Record::default()
    }
}

fn race(rate: f64, queues: &[(&str, Role, f64)]) -> Race {
    let load = format!("open-{rate:.0}-poisson");
    let contender = |(id, role, _): &(&str, Role, f64)| Contender {
        id: (*id).into(),
        role: *role,
        ..Contender::default()
    };
    // The offered rate is the whole one that the load says.
    let block = |index: u32| Block {
        index: index as usize,
        trials: queues.iter().map(|(id, _, mu)| trial(id, rate.round(), *mu, index)).collect(),
        ..Block::default()
    };
    Race {
        id: format!("http-server/{load}"),
        scenario: "http-server".into(),
        load,
        placement: Placement { name: "split".into(), ..Placement::default() },
        shape: Shape { blocks: 8, rounds: 1, window_ns: SECOND, ..Shape::default() },
        reference: "threads/per-task".into(),
        contenders: queues.iter().map(contender).collect(),
        blocks: (0..BLOCKS).map(block).collect(),
        status: Status::Complete,
        ..Race::default()
    }
}

/// Response times of M/M/1 are exponential with the rate μ − λ; μ differs a little by block.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds")]
fn trial(id: &str, rate: f64, mu: f64, block: u32) -> Trial {
    let free = mu * (1.0 + 0.002 * (f64::from(block) - 3.5)) - rate;
    let mut response = histogram::empty();
    for place in 0..OPERATIONS {
        let q = (f64::from(place) + 0.5) / f64::from(OPERATIONS);
        response.saturating_record((-(1.0 - q).ln() / free * 1e9) as u64);
    }
    let operations = u64::from(OPERATIONS);
    let slice = Slice {
        window_ns: SECOND,
        span_ns: SECOND,
        offered: operations,
        done: operations,
        executed: operations,
        ..Slice::default()
    };
    let mut trial = Trial { contender: id.into(), slices: vec![slice], ..Trial::default() };
    trial.hist.response = histogram::encode(&response).expect("a histogram packs");
    trial
}
