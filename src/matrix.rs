//! Which cells exist: one module per group of scenarios. The only files that name both models and
//! scenarios.

use deadheat_core::cell::Cell;

#[cfg(feature = "core")]
mod core;
mod lab;

/// A model as it is. The tests put others in its place: see `standard_cells`.
#[doc(hidden)]
pub type Plain<M> = M;

/// The given scenarios and services under every model of this build: the one list of models, for
/// every group and for the tests that hold for all of them. `under` wraps each model.
#[doc(hidden)]
#[macro_export]
macro_rules! standard_cells {
    (scenarios: $scenarios:tt, services: $services:tt $(,)?) => {{
        use $crate::matrix::Plain;
        $crate::standard_cells! { under: Plain, scenarios: $scenarios, services: $services }
    }};
    (under: $W:ident, scenarios: $scenarios:tt, services: $services:tt $(,)?) => {
        $crate::core::cells! {
            models: [
                $W<$crate::core::model::pool::Sequential>,
                $W<$crate::core::model::blocking::ThreadPerTask>,
                $W<$crate::core::model::pool::Pool<64>>,
                #[cfg(feature = "rayon")]
                $W<$crate::core::model::rayon::Rayon>,
                #[cfg(feature = "tokio")]
                $W<$crate::core::model::tokio::CurrentThread>,
                #[cfg(feature = "tokio")]
                $W<$crate::core::model::tokio::MultiThread>,
                #[cfg(feature = "tokio")]
                $W<$crate::core::model::tokio::BlockOn>,
                #[cfg(feature = "smol")]
                $W<$crate::core::model::smol::Single>,
                #[cfg(feature = "smol")]
                $W<$crate::core::model::smol::Multi>,
                #[cfg(feature = "async-std")]
                $W<$crate::core::model::async_std::AsyncStd>,
                #[cfg(feature = "compio")]
                $W<$crate::core::model::compio::PerCore>,
            ],
            scenarios: $scenarios,
            services: $services,
        }
    };
}

/// Every cell of this build.
pub fn cells() -> Vec<Cell> {
    let groups: &[fn() -> Vec<Cell>] = &[
        #[cfg(feature = "core")]
        core::cells,
    ];
    groups.iter().flat_map(|group| group()).collect()
}

/// Cells that no run races unasked: what campaigns measure the instrument with.
#[doc(hidden)]
pub fn hidden() -> Vec<Cell> {
    lab::cells()
}
