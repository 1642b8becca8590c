//! The nine core courses under every model.

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
                $crate::scenario::tcp_echo::TcpEcho,
            ],
            services: [],
        }
    };
}

pub(super) fn cells() -> Vec<Cell> {
    crate::core_cells!(Plain)
}
