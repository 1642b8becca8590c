//! The nine core courses under every model.

use deadheat_core::{cell::Cell, cells, model};
use deadheat_scenarios as scenario;

pub(super) fn cells() -> Vec<Cell> {
    cells! {
        models: [
            model::pool::Sequential,
            model::blocking::ThreadPerTask,
            model::pool::Pool<64>,
            #[cfg(feature = "rayon")]
            model::rayon::Rayon,
            #[cfg(feature = "tokio")]
            model::tokio::CurrentThread,
            #[cfg(feature = "tokio")]
            model::tokio::MultiThread,
            #[cfg(feature = "tokio")]
            model::tokio::BlockOn,
            #[cfg(feature = "smol")]
            model::smol::Single,
            #[cfg(feature = "smol")]
            model::smol::Multi,
            #[cfg(feature = "async-std")]
            model::async_std::AsyncStd,
        ],
        scenarios: [
            scenario::sleep::Sleep,
            scenario::tcp_echo::TcpEcho,
        ],
        services: [],
    }
}
