//! Which cells exist: one module per group of scenarios. The only files that name both models and
//! scenarios.

use deadheat_core::cell::Cell;

#[cfg(feature = "core")]
mod core;

/// The given scenarios and services under every model of this build: the one list of models, for
/// every group and for the tests that hold for all of them.
#[doc(hidden)]
#[macro_export]
macro_rules! standard_cells {
    (scenarios: $scenarios:tt, services: $services:tt $(,)?) => {
        $crate::core::cells! {
            models: [
                $crate::core::model::pool::Sequential,
                $crate::core::model::blocking::ThreadPerTask,
                $crate::core::model::pool::Pool<64>,
                #[cfg(feature = "rayon")]
                $crate::core::model::rayon::Rayon,
                #[cfg(feature = "tokio")]
                $crate::core::model::tokio::CurrentThread,
                #[cfg(feature = "tokio")]
                $crate::core::model::tokio::MultiThread,
                #[cfg(feature = "tokio")]
                $crate::core::model::tokio::BlockOn,
                #[cfg(feature = "smol")]
                $crate::core::model::smol::Single,
                #[cfg(feature = "smol")]
                $crate::core::model::smol::Multi,
                #[cfg(feature = "async-std")]
                $crate::core::model::async_std::AsyncStd,
            ],
            scenarios: $scenarios,
            services: $services,
        }
    };
}

/// Every cell of this build.
pub fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    #[cfg(feature = "core")]
    cells.extend(core::cells());
    cells
}
