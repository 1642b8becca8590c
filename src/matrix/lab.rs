//! What only campaigns race: scenarios that measure the instrument, under the one model that they
//! need. They are in no list, and no run races them unasked.

use deadheat_core::{cell::Cell, cells, model::blocking::ThreadPerTask};
use deadheat_scenarios::spin::Spin;

pub(super) fn cells() -> Vec<Cell> {
    cells! { models: [ThreadPerTask], scenarios: [Spin], services: [] }
}
