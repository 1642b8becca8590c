//! What every model promises a scenario and a service, one test per promise, each under every
//! model that has room for it.
//!
//! No test asserts how fast anything is: only that it happens, and that a wait lasts.

mod checks;
mod counterpart;
mod served;

use std::sync::LazyLock;

use deadheat::core::{
    cell::Cell,
    protocol::{Prepare, Turn},
    rehearsal::Rehearsal,
    resource,
};

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(|| {
    deadheat::standard_cells! {
        scenarios: [checks::Checks],
        services: [served::Served],
    }
});

/// Nobody waits that long for anyone.
const PATIENCE_NS: u64 = 10_000_000_000;

fn models(server: bool, places: usize) -> impl Iterator<Item = &'static Cell> {
    CELLS.iter().filter(move |cell| {
        let room = cell.model.places(resource::workers()).is_none_or(|room| room >= places);
        cell.scenario.server == server && room
    })
}

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

/// Runs one check in each of `sessions` sessions at once, under every model on which `places`
/// tasks can be in progress at once.
fn check(name: &str, sessions: usize, places: usize) {
    for cell in models(false, places) {
        let mut prepare = prepare(cell, &format!("batch-{sessions}"), sessions);
        prepare.params.insert("check".into(), name.into());
        prepare.peers.push(counterpart::start().unwrap());
        let mut contender = Rehearsal::start(&CELLS, prepare).unwrap();
        for _ in 0..2 {
            let turn = Turn { drain_ns: PATIENCE_NS, ..Turn::default() };
            let slice = contender.slice(&turn, vec![0; sessions]);
            let (done, numbers) = slice.unwrap_or_else(|error| panic!("{cell:?} {name}: {error}"));
            assert!(done.errors.is_empty(), "{cell:?} {name}: {:?}", done.errors);
            assert_eq!(numbers.samples.len(), sessions, "{cell:?} {name}");
        }
        contender.quit().unwrap();
    }
}

#[test]
fn a_wait_lasts_as_long_as_asked() {
    check("sleep", 1, 1);
}

#[test]
fn a_yield_and_a_turn_come_back() {
    check("yield", 1, 1);
}

#[test]
fn connections_do_not_hold_back_small_messages() {
    check("nodelay", 1, 1);
}

#[test]
fn messages_come_back_whole_through_one_connection() {
    check("echo", 1, 1);
}

#[test]
fn the_end_of_a_stream_is_seen_from_both_sides() {
    check("end-of-file", 1, 1);
}

#[test]
fn nobody_listening_is_an_error() {
    check("refused", 1, 1);
}

#[test]
fn a_deadline_fires_and_leaves_the_connection_usable() {
    check("deadline", 1, 1);
}

#[test]
fn sessions_meet() {
    check("meeting", 4, 4);
}

#[test]
fn children_meet() {
    check("rendezvous", 1, 5);
}

#[test]
fn children_give_their_results_in_order() {
    check("order", 1, 1);
}

#[test]
fn children_may_have_children() {
    check("tree", 1, 1);
}

#[test]
fn a_panic_is_a_value_and_harms_nobody_else() {
    check("panic", 1, 1);
}

#[test]
fn a_child_runs_on_without_its_handle() {
    check("detached", 1, 1);
}

#[test]
fn a_channel_closes_from_both_ends() {
    check("closing", 1, 1);
}

#[test]
fn a_channel_holds_no_more_than_its_capacity() {
    check("bounded", 1, 2);
}

#[test]
fn a_lock_excludes() {
    check("lock", 1, 1);
}

#[test]
fn files_are_read_and_written_at_offsets() {
    check("file", 1, 1);
}

#[test]
fn work_is_handed_off_or_refused() {
    check("handoff", 1, 1);
}

#[test]
fn workers_are_as_many_as_given() {
    let given = resource::workers();
    for cell in models(false, 1) {
        let prepare = prepare(cell, "batch-1", 1);
        let contender = Rehearsal::start(&CELLS, prepare).unwrap();
        let expected = match cell.model.id {
            "threads/per-task" => 0,
            "threads/pool-64" => 64,
            "blocking/sequential" | "tokio/current-thread" | "smol/single" => 1,
            _ => given,
        };
        assert_eq!(contender.ready.workers, Some(expected), "{cell:?}");
        contender.quit().unwrap();
    }
}

/// Connections to a server under every model: one after the other, or all at once.
fn serve(connections: usize, at_once: bool) {
    let places = if at_once { connections } else { 1 };
    for cell in models(true, places).filter(|cell| cell.model.serves.is_ok()) {
        let contender = Rehearsal::start(&CELLS, prepare(cell, "closed-1", 1)).unwrap();
        let addr = contender.ready.addr.unwrap();
        let visit = if at_once { served::visit_at_once } else { served::visit_in_turn };
        visit(addr, connections).unwrap_or_else(|error| panic!("{cell:?}: {error}"));
        contender.quit().unwrap_or_else(|error| panic!("{cell:?}: {error}"));
    }
}

#[test]
fn a_server_that_nobody_called_ends() {
    serve(0, false);
}

#[test]
fn a_server_answers_one_connection_after_the_other_and_ends() {
    serve(8, false);
}

#[test]
fn a_server_answers_connections_that_wait_for_each_other_and_ends() {
    serve(8, true);
}
