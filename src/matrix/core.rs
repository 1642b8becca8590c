//! The nine core scenarios under every model.

use deadheat_core::cell::Cell;

use super::Plain;

/// The group's scenarios and services, under each model as `$W` wraps it.
#[doc(hidden)]
#[macro_export]
macro_rules! core_cells {
    ($W:ident) => {
        $crate::standard_cells! {
            under: $W,
            scenarios: [
                $crate::scenario::sleep::Sleep,
                $crate::scenario::gather::Gather,
                $crate::scenario::idle_tasks::IdleTasks,
                $crate::scenario::tcp_echo::TcpEcho,
                $crate::scenario::http_fanout::HttpFanout,
                $crate::scenario::sha256::Sha256,
                $crate::scenario::ping_pong::PingPong,
            ],
            services: [
                $crate::scenario::http_server::HttpServer,
                $crate::scenario::echo_server::EchoServer,
            ],
        }
    };
}

pub(super) fn cells() -> Vec<Cell> {
    crate::core_cells!(Plain)
}
