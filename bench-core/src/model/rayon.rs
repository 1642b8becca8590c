//! A rayon pool whose jobs are operations: `rayon/pool`.
//!
//! Rayon is made for CPU work. Whatever waits in it holds its worker, as in any pool; what is
//! measured here is its way of handing out jobs.
//!
//! Jobs stand in one line, and what rayon is given is the word that there is one more. Were it given
//! the jobs themselves, whoever is queued by a worker would be its next, before all that were queued
//! from outside (`spawn_fifo` too orders only what one thread has queued): a session would do
//! operation after operation, and the others would wait until the slice is over.

use std::{io, net::TcpListener, net::TcpStream, sync::Arc};

use async_channel::{Receiver, Sender, unbounded};
use async_task::Runnable;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::model::{
    Dispatch, Given, Model, ModelInfo, Places, Serve,
    pool::{Job, Pooled, Queue, run_all, serve_all},
};

/// A pool of its own, a worker per CPU.
#[derive(Clone, Debug)]
pub struct Rayon {
    pool: Arc<ThreadPool>,
    line: Sender<Runnable>,
    front: Receiver<Runnable>,
}

impl Queue for Rayon {
    type Child<T: Send + 'static> = Job<T>;

    fn push(&self, job: Runnable) {
        // A bounded line could refuse it; this one has no bound.
        let _ = self.line.try_send(job);
        let front = self.front.clone();
        self.pool.spawn_fifo(move || {
            if let Ok(job) = front.try_recv() {
                job.run();
            }
        });
    }

    fn start<Fut>(&self, child: Fut) -> Job<Fut::Output>
    where
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        Job::new(self, child)
    }
}

impl Model for Rayon {
    const INFO: ModelInfo = ModelInfo::new(
        "rayon/pool",
        Places::PerCpu,
        "a work-stealing pool for CPU work, a worker per CPU; waiting blocks a worker",
    );
    type Env = Pooled<Rayon>;

    fn start(given: &Given) -> io::Result<Self> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(given.workers)
            .thread_name(|i| format!("rayon-{i}"))
            .build();
        let pool = Arc::new(pool.map_err(io::Error::other)?);
        let (line, front) = unbounded();
        Ok(Self { pool, line, front })
    }

    fn env(&self) -> Pooled<Rayon> {
        Pooled(self.clone())
    }

    fn workers(&self) -> usize {
        self.pool.current_num_threads()
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Dispatch<Fut> for Rayon {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        run_all(self, count, make);
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Serve<Fut> for Rayon {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(TcpStream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        serve_all(self, &listener, handle)
    }
}
