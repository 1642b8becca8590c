//! Races execution models over the same courses, and says who is faster, by how much, or that it
//! is a dead heat.
//!
//! A crate that races its own models or scenarios has a bench target with `harness = false` and
//! one call of [`main!`]; its `cargo bench` then is the whole command line of this one.

pub mod matrix;

mod board;
mod choice;
mod cli;
mod closing;
mod cmd;
mod config;
mod course;
mod events;
mod failure;
mod files;
mod folder;
mod lab;
mod output;
mod own;
mod plan;
mod profile;
mod program;
#[cfg(feature = "core")]
#[doc(hidden)]
pub mod selftest;
mod sweep;

use std::process::ExitCode;

use deadheat_core::{cell::Cell, race::child};

pub use deadheat_core as core;
pub use deadheat_core::model;
pub use deadheat_reports as reports;

#[cfg(feature = "smol")]
pub use self::own::Smol;
#[cfg(feature = "tokio")]
pub use self::own::Tokio;
pub use self::own::{Boxed, Fault, LocalBoxed, On, Own, Threads, peer, race};

/// What is run: the traits to write one's own, and the courses of this crate.
pub mod scenario {
    pub use deadheat_core::scenario::*;
    pub use deadheat_scenarios::*;
}

/// The `main` of a bench target: every model over every scenario and service.
///
/// ```ignore
/// deadheat::main! {
///     models: [MyRuntime, deadheat::model::tokio::MultiThread],
///     scenarios: [deadheat::scenario::tcp_echo::TcpEcho, MyScenario],
/// }
/// ```
#[macro_export]
macro_rules! main {
    (models: $models:tt, scenarios: $scenarios:tt $(,)?) => {
        $crate::main! { models: $models, scenarios: $scenarios, services: [] }
    };
    (models: $models:tt, services: $services:tt $(,)?) => {
        $crate::main! { models: $models, scenarios: [], services: $services }
    };
    (models: $models:tt, scenarios: $scenarios:tt, services: $services:tt $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::run_main($crate::core::cells! {
                models: $models,
                scenarios: $scenarios,
                services: $services,
            })
        }
    };
}

/// Runs a bench target: what `cargo bench` and `cargo test --benches` ask for.
///
/// It is also what this program starts again as its contenders and peers, so nothing may run
/// before it in `main`, and standard output belongs to it.
#[expect(clippy::needless_pass_by_value, reason = "main has nothing else to do with them")]
pub fn run_main(cells: Vec<Cell>) -> ExitCode {
    entry(&cells, cli::Face::Bench)
}

/// Runs the program `deadheat`: like [`run_main`], but a subcommand is needed.
#[doc(hidden)]
#[expect(clippy::needless_pass_by_value, reason = "main has nothing else to do with them")]
pub fn program_main(cells: Vec<Cell>) -> ExitCode {
    entry(&cells, cli::Face::Program)
}

fn entry(cells: &[Cell], face: cli::Face) -> ExitCode {
    if child::is_child(std::env::args_os()) {
        // The self-test races the core scenarios.
        #[cfg(feature = "core")]
        let own = selftest::cells();
        #[cfg(not(feature = "core"))]
        let own = Vec::new();
        let all = [cells, &matrix::hidden(), &own].concat();
        // The parent has been told already, over the line.
        return child::be_child(&all).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    ExitCode::from(cmd::run(cells, face))
}

/// The code of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// The skeletons for contributors compile and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/CONTRIBUTING.md")]
pub struct Contributing;
