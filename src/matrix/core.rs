//! The nine core courses under every model.

use deadheat_core::cell::Cell;
use deadheat_scenarios as scenario;

pub(super) fn cells() -> Vec<Cell> {
    crate::standard_cells! {
        scenarios: [
            scenario::sleep::Sleep,
            scenario::tcp_echo::TcpEcho,
        ],
        services: [],
    }
}
