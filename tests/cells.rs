//! Every cell, in every style of load: right answers, slice after slice.

use std::sync::LazyLock;

use deadheat::core::{
    cell::Cell,
    load::Load,
    protocol::{Prepare, Turn},
    rehearsal::Rehearsal,
    scenario::{Params, Setup},
};

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(deadheat::matrix::cells);

fn prepare(cell: &Cell, load: &str, sessions: usize) -> Prepare {
    Prepare {
        scenario: cell.scenario.id.into(),
        model: cell.model.id.into(),
        load: load.into(),
        sessions,
        ops_per_sample: 1,
        ..Prepare::default()
    }
}

fn rehearse(cell: &Cell, load: &str) {
    let params = Params::parse("", (cell.scenario.describe)().params).unwrap();
    let parsed: Load = load.parse().unwrap();
    let setup = Setup { params: &params, load: parsed, peers: &[] };
    let mut given = prepare(cell, load, 4);
    let mut peers = Vec::new();
    for index in 0..(cell.scenario.peers)(&setup).len() {
        let peer = Prepare { peer: Some(index), ..given.clone() };
        let peer = Rehearsal::start(&CELLS, peer).unwrap();
        given.peers.extend(peer.ready.addr);
        peers.push(peer);
    }
    let setup = Setup { peers: &given.peers, ..setup };
    let expected = (cell.scenario.verifier)(&setup).unwrap();
    let mut contender = Rehearsal::start(&CELLS, given.clone()).unwrap();
    let mut bases = [0u64; 4];
    let mut executed = 0;
    for round in 0..3 {
        let arrivals = parsed.schedule(20_000_000, round);
        let for_ns = if arrivals.is_empty() { 10_000_000 } else { 0 };
        let turn = Turn { for_ns, drain_ns: 1_000_000_000, ..Turn::default() };
        let offered = arrivals.len();
        let (done, numbers) = contender.slice(&turn, arrivals).unwrap();
        assert!(done.samples > 0 && done.errors.is_empty(), "{cell:?} {load}: {done:?}");
        if for_ns == 0 {
            assert_eq!(numbers.samples.len() + numbers.censored.len(), offered, "{cell:?} {load}");
        }
        let mut samples = numbers.samples.iter();
        for (client, &count) in done.sessions.iter().enumerate() {
            for _ in 0..count {
                let sample = samples.next().unwrap();
                let seq = bases[client] * 4 + client as u64;
                assert_eq!(sample.check, expected(seq), "{cell:?} {load} client {client}");
                assert!(sample.intended <= sample.started && sample.started <= sample.finished);
                bases[client] += 1;
            }
        }
        executed += done.samples;
        assert!(done.end.unwrap().cpu_ns >= done.begin.unwrap().cpu_ns);
    }
    contender.quit().unwrap();
    for peer in peers {
        let counts = peer.quit().unwrap().counts;
        assert_eq!(counts.map(|counts| counts.done), Some(executed), "{cell:?} {load}");
    }
}

#[test]
fn clients_get_right_answers_slice_after_slice() {
    for cell in CELLS.iter().filter(|cell| !cell.scenario.server) {
        for load in
            ["closed-4", "closed-4-spawn", "open-2000-poisson", "open-2000-spawn", "batch-20"]
        {
            rehearse(cell, load);
        }
    }
}
