//! The workloads of the self-test, whose costs are known: in no list, and in nobody's race.

use deadheat_core::{
    cell,
    cell::{Cell, ScenarioInfo},
    model::{
        Model, ModelInfo,
        blocking::ThreadPerTask,
        pool::{Pool, Sequential},
    },
    server_cell,
};
use deadheat_scenarios::{
    echo_server::EchoServer, http_fanout::HttpFanout, sleep::Sleep, tcp_echo::TcpEcho,
};

pub(super) mod bursts;
pub(super) mod faulty;
pub(super) mod queue;
pub(super) mod staller;
pub(super) mod usage;

use self::{
    bursts::Noise,
    faulty::{Fault, Faulty, Skips, Swallows, Wrong},
    queue::Queue,
    staller::Staller,
    usage::Use,
};

pub(super) fn cells() -> Vec<Cell> {
    let mut cells = vec![
        server_cell!(ThreadPerTask, Queue),
        server_cell!(ThreadPerTask, Staller),
        server_cell!(ThreadPerTask, EchoServer),
        cell!(ThreadPerTask, HttpFanout),
        cell!(ThreadPerTask, Sleep),
        cell!(ThreadPerTask, TcpEcho),
        cell!(ThreadPerTask, Noise),
        cell!(Pool<8>, Sleep),
        cell!(Sequential, Sleep),
        cell!(Sequential, Use),
        faulty::<Wrong>(),
        faulty::<Skips>(),
        faulty::<Swallows>(),
    ];
    #[cfg(feature = "tokio")]
    cells.push(cell!(deadheat_core::model::tokio::CurrentThread, Sleep));
    #[cfg(feature = "tokio")]
    cells.push(cell!(deadheat_core::model::tokio::MultiThread, Sleep));
    #[cfg(feature = "smol")]
    cells.push(cell!(deadheat_core::model::smol::Multi, Sleep));
    cells
}

/// A model that cheats in `tcp-echo`.
fn faulty<F: Fault>() -> Cell {
    let model = ModelInfo { id: F::ID, ..ThreadPerTask::INFO };
    Cell { scenario: ScenarioInfo::of::<TcpEcho>(), model, ..cell!(ThreadPerTask, Faulty<F>) }
}
