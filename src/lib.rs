//! Races execution models over the same courses, and says who is faster, by how much, or that it
//! is a dead heat.

pub mod matrix;

pub use deadheat_core as core;
pub use deadheat_scenarios as scenario;

mod own;

#[cfg(feature = "smol")]
pub use self::own::Smol;
#[cfg(feature = "tokio")]
pub use self::own::Tokio;
pub use self::own::{Boxed, Fault, LocalBoxed, On, Own, Threads, peer, race};

/// placeholder
pub fn run_main(_cells: Vec<deadheat_core::cell::Cell>) -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}

/// The code of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// The skeletons for contributors compile and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/CONTRIBUTING.md")]
pub struct Contributing;
