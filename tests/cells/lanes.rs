//! Where tasks never move, new work comes in by lanes that share the clients: right answers also
//! where the lanes cannot share them evenly.

use std::{io, slice, sync::LazyLock};

use deadheat::{
    core::{
        cell::Cell,
        cells,
        model::{
            Dispatch, Given, Model, ModelInfo, blocking::ThreadPerTask, virtual_time::VirtualTime,
        },
        resource,
    },
    scenario::sleep::Sleep,
};

use super::{course::Course, rehearse_client};

/// A model that takes in new work by so many lanes, whatever the machine.
struct Lanes<M, const N: usize>(M);

impl<M: Model, const N: usize> Model for Lanes<M, N> {
    const INFO: ModelInfo = M::INFO;
    type Env = M::Env;
    const VIRTUAL: bool = M::VIRTUAL;

    fn hold(&self, held: bool) {
        self.0.hold(held);
    }

    fn start(given: &Given) -> io::Result<Self> {
        M::start(given).map(Self)
    }

    fn env(&self) -> M::Env {
        self.0.env()
    }

    fn workers(&self) -> usize {
        self.0.workers()
    }

    fn lanes(&self) -> usize {
        N
    }
}

impl<M: Dispatch<Fut>, Fut: Future<Output = ()>, const N: usize> Dispatch<Fut> for Lanes<M, N> {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        self.0.dispatch(count, make);
    }
}

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(|| {
    cells! {
        models: [
            Lanes<VirtualTime, 2>,
            Lanes<VirtualTime, 3>,
            Lanes<VirtualTime, 6>,
            Lanes<ThreadPerTask, 2>,
        ],
        scenarios: [Sleep],
        services: [],
    }
});

#[test]
fn clients_on_any_number_of_lanes_get_right_answers() {
    for cell in CELLS.iter() {
        for clients in [1, 3, 16, 64] {
            let [closed, spawned] = ["", "-spawn"].map(|tail| format!("closed-{clients}{tail}"));
            for load in [&*closed, &*spawned, "open-2000-poisson-spawn", "batch-20"] {
                // Alone: with other lanes it has the same name.
                let mut course = Course::new(slice::from_ref(cell), cell, load);
                course.prepare.sessions = clients;
                rehearse_client(course);
            }
        }
    }
}

#[test]
fn clients_that_the_cpus_do_not_share_evenly_get_right_answers() {
    let clients = 2 * resource::workers() - 1;
    let load = format!("closed-{clients}-spawn");
    for cell in super::CELLS.iter().filter(|cell| cell.scenario.id == "tcp-echo") {
        let mut course = Course::new(&super::CELLS, cell, &load);
        course.prepare.sessions = clients;
        rehearse_client(course);
    }
}
