//! Which cells exist: one module per group of scenarios. The only files that name both models and
//! scenarios.

use deadheat_core::cell::Cell;

#[cfg(feature = "core")]
mod core;

/// Every cell of this build.
pub fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    #[cfg(feature = "core")]
    cells.extend(core::cells());
    cells
}
