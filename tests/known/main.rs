//! Known answers in simulated time, and instruments that are broken on purpose: each must be found
//! out by the check that the sound one passes. What needs no contender is in
//! `bench-core/src/stats/simulation.rs`.

mod stalls;
mod waits;

use deadheat::core::stats::known::{Finding, Known};

/// Those that do not hold.
fn failing(known: &[Known]) -> Vec<&Known> {
    known.iter().filter(|known| known.finding() != Finding::Holds).collect()
}
