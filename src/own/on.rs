//! What a contender of your own runs on: the models of the standard races, by name.

use std::marker::PhantomData;

use deadheat_core::model;

/// A model to run on.
#[derive(Debug)]
pub struct On<M> {
    pool: usize,
    model: PhantomData<fn() -> M>,
}

impl<M> Clone for On<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for On<M> {}

impl<M> On<M> {
    const fn new(pool: usize) -> Self {
        Self { pool, model: PhantomData }
    }

    /// Threads of the pool, where the model is one.
    pub(super) fn pool(self) -> usize {
        self.pool
    }
}

/// Operating-system threads.
#[derive(Clone, Copy, Debug)]
pub struct Threads;

impl Threads {
    /// A thread for each session.
    pub fn per_task() -> On<model::blocking::ThreadPerTask> {
        On::new(0)
    }

    /// This many threads behind one queue; a job is an operation.
    pub fn pool(threads: usize) -> On<model::pool::AnyPool> {
        On::new(threads)
    }

    /// One thread, one thing after the other.
    pub fn sequential() -> On<model::pool::Sequential> {
        On::new(0)
    }
}

/// Tokio.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug)]
pub struct Tokio;

#[cfg(feature = "tokio")]
impl Tokio {
    /// A worker per CPU.
    pub fn multi_thread() -> On<model::tokio::MultiThread> {
        On::new(0)
    }

    /// One thread.
    pub fn current_thread() -> On<model::tokio::CurrentThread> {
        On::new(0)
    }

    /// One thread, with tasks that stay on it ([`Own::local`](super::Own::local)).
    pub fn local() -> On<model::tokio::Local> {
        On::new(0)
    }
}

/// Smol.
#[cfg(feature = "smol")]
#[derive(Clone, Copy, Debug)]
pub struct Smol;

#[cfg(feature = "smol")]
impl Smol {
    /// A worker per CPU.
    pub fn multi() -> On<model::smol::Multi> {
        On::new(0)
    }

    /// One thread.
    pub fn single() -> On<model::smol::Single> {
        On::new(0)
    }
}
