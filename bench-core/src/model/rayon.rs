//! A rayon pool whose jobs are operations: `rayon/pool`.
//!
//! Rayon is made for CPU work. Whatever waits in it holds its worker, as in any pool; what is
//! measured here is its way of handing out jobs. Sessions are queued with `spawn_fifo`: plain
//! `spawn` takes the newest job first, and one session would starve the others.

use std::{io, net::TcpListener, net::TcpStream, sync::Arc};

use async_task::Runnable;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::model::{
    Dispatch, Given, Model, ModelInfo, Places, Serve,
    pool::{Job, Pooled, Queue, run_all, serve_all},
};

/// A pool of its own, a worker per CPU.
#[derive(Clone, Debug)]
pub struct Rayon(Arc<ThreadPool>);

impl Queue for Rayon {
    type Child<T: Send + 'static> = Job<T>;

    fn push(&self, job: Runnable) {
        self.0.spawn_fifo(|| {
            job.run();
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
        pool.map(|pool| Self(Arc::new(pool))).map_err(io::Error::other)
    }

    fn env(&self) -> Pooled<Rayon> {
        Pooled(self.clone())
    }

    fn workers(&self) -> usize {
        self.0.current_num_threads()
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
