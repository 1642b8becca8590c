//! Every model does the same work for a scenario: the same calls, the same bytes.

use std::{collections::BTreeMap, sync::LazyLock};

use deadheat::core::{
    cell::Cell,
    env::counting::{Counted, Counts, take},
    protocol::Turn,
    rehearsal::Rehearsal,
};

use super::course::Course;

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(|| deadheat::core_cells!(Counted));

/// Runs one slice and says what the model was asked for.
fn work(mut course: Course) -> Counts {
    let name = course.name();
    let peers = course.peers();
    let mut contender = Rehearsal::start(&CELLS, course.prepare.clone()).unwrap();
    let turn = Turn { drain_ns: 10_000_000_000, target: contender.ready.addr, ..Turn::default() };
    let solo = (course.cell.scenario.describe)().solo_steps > 0;
    let arrivals = vec![0; if solo { 1 } else { 20 }];
    if course.cell.scenario.server {
        let mut generator = peers.into_iter().next().unwrap();
        generator.slice(&turn, Vec::new()).unwrap();
        let (done, _) = generator.slice(&turn, arrivals).unwrap();
        assert_eq!((done.samples, done.errors.len()), (20, 0), "{name}: {done:?}");
        generator.slice(&Turn { let_go: true, ..Turn::default() }, Vec::new()).unwrap();
        contender.quit().unwrap();
        generator.quit().unwrap();
    } else {
        let (done, numbers) = contender.slice(&turn, arrivals).unwrap();
        assert_eq!((done.errors.len(), numbers.censored.len()), (0, 0), "{name}: {done:?}");
        contender.quit().unwrap();
        for peer in peers {
            peer.quit().unwrap();
        }
    }
    let mut work = take(course.cell.model.id);
    if course.cell.scenario.id == "idle-tasks" {
        // It looks again and again until all are there, as long as that takes.
        work.remove("sleeps");
    }
    if course.cell.scenario.id == "ping-pong" {
        // The partner, whom nobody waits for, may not have asked for one more yet.
        work.remove("values awaited");
    }
    work
}

// Clients and services in one test: the counts are kept by model.
#[test]
fn every_model_is_asked_for_the_same() {
    let mut first: BTreeMap<_, (&str, Counts)> = BTreeMap::new();
    for cell in CELLS.iter() {
        let mut course = Course::new(&CELLS, cell, "batch-20");
        // Which session takes which operation is chance, and a number's digits are bytes.
        course.prepare.sessions = 1;
        if !course.fits() {
            continue;
        }
        let work = work(course);
        assert!(work.values().sum::<u64>() > 0, "{cell:?} was asked for nothing");
        let (model, same) =
            first.entry(cell.scenario.id).or_insert_with(|| (cell.model.id, work.clone()));
        assert_eq!(work, *same, "{cell:?} against {model}");
    }
}
