//! Execution models: how tasks are started, how they wait, and what that takes.
//!
//! One file per family; none knows any scenario. A new model is a file here and a line in the
//! matrix of the root package.

use std::{io, net::TcpListener};

use crate::{env::Env, resource};

#[cfg(feature = "async-std")]
pub mod async_std;
pub mod blocking;
#[cfg(any(feature = "compio", feature = "testing"))]
mod channel;
#[cfg(feature = "compio")]
pub mod compio;
pub mod handoff;
pub mod pool;
pub mod pooled_file;
#[cfg(feature = "rayon")]
pub mod rayon;
#[cfg(feature = "smol")]
pub mod smol;
#[cfg(feature = "tokio")]
pub mod tokio;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod virtual_time;

/// How many tasks a model can have in progress, where each may block what runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// As many as memory holds: a waiting task holds no thread.
    Tasks,
    /// A thread each, as many as the machine's limits allow.
    Threads,
    /// A fixed number of threads.
    Fixed(usize),
    /// A thread per CPU of its set.
    PerCpu,
}

/// What is known of a model before it runs.
#[derive(Clone, Copy, Debug)]
pub struct ModelInfo {
    /// `family/variant`, stable.
    pub id: &'static str,
    /// One line: who runs a task, and how it waits.
    pub about: &'static str,
    /// How many tasks can be in progress.
    pub places: Places,
    /// Whether it can be a server under test, else why not.
    pub serves: Result<(), &'static str>,
    /// A remark that stands beside its name: "legacy, discontinued".
    pub note: &'static str,
}

impl ModelInfo {
    /// A model that can serve and of which nothing special is to be said.
    pub const fn new(id: &'static str, places: Places, about: &'static str) -> Self {
        Self { id, about, places, serves: Ok(()), note: "" }
    }

    /// How many tasks can be in progress on `workers` CPUs; `None`: no limit of its own.
    pub fn places(&self, workers: usize) -> Option<usize> {
        match self.places {
            Places::Tasks | Places::Threads => None,
            Places::Fixed(n) => Some(n),
            Places::PerCpu => Some(workers),
        }
    }
}

/// What a model is given to run with. Explicit, so that no default of a runtime decides a race.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// Threads that run tasks, where the model has a say in that: one per CPU of its set.
    pub workers: usize,
    /// Threads for blocking work beside them, at most.
    pub blocking: usize,
    /// Threads of a pool whose size is not part of its name.
    pub pool: usize,
}

impl Given {
    /// What this process's CPU set gives.
    pub fn here() -> Self {
        Self { workers: resource::workers(), blocking: BLOCKING_THREADS, pool: 64 }
    }
}

/// Threads for blocking work beside a runtime's workers, at most: alike for all.
pub const BLOCKING_THREADS: usize = 64;

/// An execution model.
pub trait Model: Sized + Sync {
    /// What it is.
    const INFO: ModelInfo;
    /// What it offers a scenario.
    type Env: Env + Send + Sync;
    /// Whether its clock is simulated: then it paces itself (see [`Env::until`]).
    #[doc(hidden)]
    const VIRTUAL: bool = false;

    /// Stops a simulated clock while the harness opens a slice, whose sessions would else not
    /// start at the same time. A real clock stops for nobody.
    #[doc(hidden)]
    fn hold(&self, _held: bool) {}

    /// Starts its threads.
    fn start(given: &Given) -> io::Result<Self>;

    /// What its sessions work with.
    fn env(&self) -> Self::Env;

    /// Threads that it really runs tasks on; 0 for "as many as there are tasks".
    fn workers(&self) -> usize;

    /// Places that take in new work: one, or one per CPU where tasks never move.
    fn lanes(&self) -> usize {
        1
    }
}

/// Runs the sessions of a trial. Called once: between slices they wait at their gates.
///
/// See [`Spawn`](crate::env::Spawn) for why the future is a parameter of the trait.
pub trait Dispatch<Fut: Future<Output = ()>>: Model {
    /// Runs `make(0)`, …, `make(count - 1)` concurrently and returns when all have ended. Session
    /// `i` runs on lane `i % lanes`.
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync);
}

/// Serves connections: the mirror image of [`Dispatch`].
pub trait Serve<Fut: Future<Output = ()>>: Model {
    /// Accepts on `listener` and runs `handle` for each connection, until the listener is closed
    /// ([`crate::net::close`]) and the connections have ended. Options are set on each socket.
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(<Self::Env as Env>::Stream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()>;
}
