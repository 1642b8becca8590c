//! Blocking calls on a fixed number of threads behind one queue: `threads/pool-N`, and
//! `blocking/sequential`, which is a pool of one that runs children where they are started.
//!
//! A job is one operation: [`Env::turn`] puts the session at the end of the queue, so a pool with
//! fewer workers than sessions serves them in turn. Whoever joins a child leaves the worker
//! meanwhile, as in rayon: jobs that block a worker until another job has run deadlock a pool,
//! which is a known mistake and not what is measured here.

use std::{
    fs,
    future::{Ready, ready},
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    panic::AssertUnwindSafe,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use async_channel::{Sender, unbounded};
use async_task::Runnable;

use crate::{
    env::{Access, Env, Failed, Handoff, Spawn, Task},
    model::{
        Dispatch, Given, Model, ModelInfo, Places, Serve,
        blocking::{Blocking, Receiver, block_on, caught, requeue},
    },
    net,
};

/// Where a pool takes the jobs that are ready to run, and what a child of a job is to it.
pub trait Queue: Clone + Send + Sync + 'static {
    /// A started child.
    type Child<T: Send + 'static>: Task<T>;

    /// Puts a job at the end.
    fn push(&self, job: Runnable);

    /// Starts a child.
    fn start<Fut>(&self, child: Fut) -> Self::Child<Fut::Output>
    where
        Fut: Future<Output: Send + 'static> + Send + 'static;
}

/// A queue whose children are jobs like any other.
pub type Jobs = Sender<Runnable>;

impl Queue for Jobs {
    type Child<T: Send + 'static> = Job<T>;

    fn push(&self, job: Runnable) {
        // Without workers the trial is over, and the job with it.
        let _ = self.try_send(job);
    }

    fn start<Fut>(&self, child: Fut) -> Job<Fut::Output>
    where
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        Job::new(self, child)
    }
}

/// The queue of one worker, on which a child runs at once, before its parent goes on.
#[derive(Clone, Debug)]
pub struct InTurn(Jobs);

impl Queue for InTurn {
    type Child<T: Send + 'static> = Finished<T>;

    fn push(&self, job: Runnable) {
        self.0.push(job);
    }

    fn start<Fut>(&self, child: Fut) -> Finished<Fut::Output>
    where
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        Finished(ready(caught(child)))
    }
}

/// Blocking calls, made by whichever worker of the pool runs the session.
#[derive(Clone, Debug)]
pub struct Pooled<Q>(pub Q);

impl<Q: Queue> Env for Pooled<Q> {
    type Stream = TcpStream;
    type File = Arc<fs::File>;
    type Task<T: Send + 'static> = Q::Child<T>;
    type Tx<T: Send + 'static> = mpsc::SyncSender<T>;
    type Rx<T: Send + 'static> = Receiver<T>;
    type Lock<T: Send + 'static> = Arc<Mutex<T>>;

    async fn sleep(&self, duration: Duration) {
        Blocking.sleep(duration).await;
    }

    async fn yield_now(&self) {
        requeue().await;
    }

    async fn turn(&self) {
        requeue().await;
    }

    async fn connect(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        Blocking.connect(addr).await
    }

    fn adopt(&self, socket: TcpStream) -> io::Result<TcpStream> {
        Blocking.adopt(socket)
    }

    async fn open(&self, path: &Path, access: Access) -> io::Result<Self::File> {
        Blocking.open(path, access).await
    }

    fn channel<T: Send + 'static>(&self, capacity: usize) -> (Self::Tx<T>, Self::Rx<T>) {
        Blocking.channel(capacity)
    }

    fn lock<T: Send + 'static>(&self, value: T) -> Self::Lock<T> {
        Blocking.lock(value)
    }

    async fn run<T: Send + 'static>(
        &self,
        at: Handoff,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        Blocking.run(at, work).await
    }
}

/// A child in the queue.
#[derive(Debug)]
pub struct Job<T>(Option<async_task::Task<Result<T, Failed>>>);

impl<T: Send + 'static> Job<T> {
    /// Puts `child` at the end of `queue`.
    pub fn new<Q: Queue>(queue: &Q, child: impl Future<Output = T> + Send + 'static) -> Self {
        schedule(queue, child).into()
    }
}

impl<T> From<async_task::Task<Result<T, Failed>>> for Job<T> {
    fn from(task: async_task::Task<Result<T, Failed>>) -> Self {
        Self(Some(task))
    }
}

impl<T: Send + 'static> Task<T> for Job<T> {
    async fn join(mut self) -> Result<T, Failed> {
        match self.0.take() {
            Some(task) => task.await,
            None => Err(Failed::Cancelled),
        }
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        // A dropped `async_task::Task` is cancelled; a child runs on.
        if let Some(task) = self.0.take() {
            task.detach();
        }
    }
}

impl<Q: Queue, Fut> Spawn<Fut> for Pooled<Q>
where
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    fn spawn(&self, child: Fut) -> Q::Child<Fut::Output> {
        self.0.start(child)
    }
}

/// Makes a future's panic a value. The future is dropped then, so nobody sees it broken.
pub async fn catching<F: Future>(future: F) -> Result<F::Output, Failed> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(move |context| {
        let poll = AssertUnwindSafe(|| future.as_mut().poll(context));
        match std::panic::catch_unwind(poll) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => {
                let text = crate::model::blocking::message(panic.as_ref());
                std::task::Poll::Ready(Err(Failed::Panicked(text)))
            }
        }
    })
    .await
}

/// Puts a future in the queue. A panic in it is a value, and does not end its worker.
fn schedule<Q: Queue, Fut>(queue: &Q, future: Fut) -> async_task::Task<Result<Fut::Output, Failed>>
where
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    let queue = queue.clone();
    let (job, task) = async_task::spawn(catching(future), move |job| queue.push(job));
    job.schedule();
    task
}

/// A session or a connection without its type, so that a pool's job is compiled once and not for
/// every scenario. It is resumed between operations, off the clock; children keep their types.
fn boxed(
    future: impl Future<Output = ()> + Send + 'static,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(future)
}

/// Runs `count` sessions as jobs of a pool and waits for the last to end.
pub fn run_all<Q: Queue, Fut>(queue: &Q, count: usize, make: impl Fn(usize) -> Fut)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|i| schedule(queue, boxed(make(i)))).collect();
    // A session that panicked has said so at its gate.
    for task in tasks {
        drop(block_on(task));
    }
}

/// Accepts on the calling thread; a connection is a job, which holds its worker to its end.
pub fn serve_all<Q: Queue, Fut>(
    queue: &Q,
    listener: &TcpListener,
    handle: impl Fn(TcpStream) -> Fut,
) -> io::Result<()>
where
    Fut: Future<Output = ()> + Send + 'static,
{
    let (token, over) = unbounded::<()>();
    while let Some(socket) = net::accepted(listener.accept())? {
        let (connection, token) = (catching(handle(socket)), token.clone());
        schedule(queue, boxed(async move { _ = (connection.await.ok(), drop(token)) })).detach();
    }
    drop(token);
    // Nobody sends: it ends with the last connection.
    let _ = over.recv_blocking();
    Ok(())
}

fn workers(count: usize, name: &str) -> io::Result<Jobs> {
    let (queue, jobs) = unbounded::<Runnable>();
    for i in 0..count {
        let jobs = jobs.clone();
        thread::Builder::new().name(format!("{name}-{i}")).spawn(move || {
            while let Ok(job) = jobs.recv_blocking() {
                job.run();
            }
        })?;
    }
    Ok(queue)
}

const fn pool_id(workers: usize) -> &'static str {
    match workers {
        8 => "threads/pool-8",
        64 => "threads/pool-64",
        256 => "threads/pool-256",
        1000 => "threads/pool-1000",
        _ => panic!("give this pool size an id here"),
    }
}

/// `N` threads behind one queue.
#[derive(Debug)]
pub struct Pool<const N: usize>(Jobs);

impl<const N: usize> Model for Pool<N> {
    const INFO: ModelInfo = ModelInfo::new(
        pool_id(N),
        Places::Fixed(N),
        "a fixed number of threads behind one queue; waiting blocks a thread",
    );
    type Env = Pooled<Jobs>;

    fn start(_given: &Given) -> io::Result<Self> {
        workers(N, "pool").map(Self)
    }

    fn env(&self) -> Self::Env {
        Pooled(self.0.clone())
    }

    fn workers(&self) -> usize {
        N
    }
}

impl<const N: usize, Fut: Future<Output = ()> + Send + 'static> Dispatch<Fut> for Pool<N> {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        run_all(&self.0, count, make);
    }
}

impl<const N: usize, Fut: Future<Output = ()> + Send + 'static> Serve<Fut> for Pool<N> {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(TcpStream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        serve_all(&self.0, &listener, handle)
    }
}

/// As many threads as it is given, behind one queue: for races of one's own.
#[derive(Debug)]
pub struct AnyPool(Jobs, usize);

impl Model for AnyPool {
    const INFO: ModelInfo = ModelInfo::new(
        "threads/pool",
        Places::Fixed(usize::MAX),
        "a fixed number of threads behind one queue; waiting blocks a thread",
    );
    type Env = Pooled<Jobs>;

    fn start(given: &Given) -> io::Result<Self> {
        Ok(Self(workers(given.pool, "pool")?, given.pool))
    }

    fn env(&self) -> Self::Env {
        Pooled(self.0.clone())
    }

    fn workers(&self) -> usize {
        self.1
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Dispatch<Fut> for AnyPool {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        run_all(&self.0, count, make);
    }
}

/// One thread that does one thing after the other.
#[derive(Debug)]
pub struct Sequential(InTurn);

/// A child that has already run.
#[derive(Debug)]
pub struct Finished<T>(Ready<Result<T, Failed>>);

impl<T: Send + 'static> Task<T> for Finished<T> {
    async fn join(self) -> Result<T, Failed> {
        self.0.await
    }
}

impl Model for Sequential {
    const INFO: ModelInfo = ModelInfo::new(
        "blocking/sequential",
        Places::Fixed(1),
        "one thread, one thing after the other; waiting blocks everything",
    );
    type Env = Pooled<InTurn>;

    fn start(_given: &Given) -> io::Result<Self> {
        workers(1, "sequential").map(|jobs| Self(InTurn(jobs)))
    }

    fn env(&self) -> Self::Env {
        Pooled(self.0.clone())
    }

    fn workers(&self) -> usize {
        1
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Dispatch<Fut> for Sequential {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        run_all(&self.0, count, make);
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Serve<Fut> for Sequential {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(TcpStream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        serve_all(&self.0, &listener, handle)
    }
}

#[cfg(test)]
mod tests;
