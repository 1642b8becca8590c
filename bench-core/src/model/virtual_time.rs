//! A model in simulated time: one thread, and a clock that stands still while any task can run.
//!
//! Its waits take exactly what they say, so what the session loop writes down can be compared with
//! formulas, to the nanosecond. It has no sockets and no files.
//!
//! The clock jumps to the next timer when no task can run, and only then. Tasks are woken from
//! outside too, by the harness as it opens a slice: were the clock not held meanwhile
//! ([`Model::hold`]), the first session would be gone before the second is let in. Between slices
//! no timer pends, and the thread sleeps for real.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    future::poll_fn,
    io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use async_task::Runnable;

use crate::{
    clock,
    env::{Access, Buf, Env, File, Handoff, Read, Spawn, Stream, Write},
    model::{
        Dispatch, Given, Model, ModelInfo, Places,
        blocking::requeue,
        pool::{Job, Queue, catching},
    },
};

/// A clock and the tasks that live by it.
#[derive(Clone, Debug, Default)]
pub struct Simulation(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    now: u64,
    held: bool,
    ready: VecDeque<Runnable>,
    /// When, in which order among equals, and whom to wake.
    timers: BinaryHeap<Reverse<Timer>>,
    set: u64,
    /// Sessions that have not ended.
    sessions: usize,
}

#[derive(Debug)]
struct Timer {
    due: u64,
    order: u64,
    waker: Waker,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.order).cmp(&(other.due, other.order))
    }
}

impl Simulation {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something that the executor may be waiting for.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.0.1.notify_one();
        result
    }

    async fn wait_until(&self, due: u64) {
        poll_fn(|context| {
            let mut state = self.state();
            if state.now >= due {
                return Poll::Ready(());
            }
            state.set += 1;
            let timer = Timer { due, order: state.set, waker: context.waker().clone() };
            state.timers.push(Reverse(timer));
            Poll::Pending
        })
        .await;
    }

    /// The next task that can run, if need be after the clock has jumped; none when the last
    /// session has ended.
    fn next(&self) -> Option<Runnable> {
        let mut state = self.state();
        loop {
            if let Some(task) = state.ready.pop_front() {
                return Some(task);
            }
            if state.sessions == 0 {
                return None;
            }
            let timer = if state.held { None } else { state.timers.pop() };
            let Some(Reverse(timer)) = timer else {
                state = self.0.1.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.now = state.now.max(timer.due);
            // Waking takes the lock, to queue the task.
            drop(state);
            timer.waker.wake();
            state = self.state();
        }
    }
}

impl Queue for Simulation {
    type Child<T: Send + 'static> = Job<T>;

    fn push(&self, job: Runnable) {
        self.change(|state| state.ready.push_back(job));
    }

    fn start<Fut>(&self, child: Fut) -> Job<Fut::Output>
    where
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        Job::new(self, child)
    }
}

/// What is never there: no simulated socket, no simulated file.
#[derive(Clone, Copy, Debug)]
pub enum Nothing {}

impl Env for Simulation {
    type Stream = Nothing;
    type File = Nothing;
    type Task<T: Send + 'static> = Job<T>;
    type Tx<T: Send + 'static> = async_channel::Sender<T>;
    type Rx<T: Send + 'static> = async_channel::Receiver<T>;
    type Lock<T: Send + 'static> = Arc<Mutex<T>>;

    async fn sleep(&self, duration: Duration) {
        let due = self.now() + clock::nanos(duration);
        self.wait_until(due).await;
    }

    async fn yield_now(&self) {
        requeue().await;
    }

    async fn connect(&self, _addr: SocketAddr) -> io::Result<Nothing> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn adopt(&self, _socket: std::net::TcpStream) -> io::Result<Nothing> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn open(&self, _path: &Path, _access: Access) -> io::Result<Nothing> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn channel<T: Send + 'static>(&self, capacity: usize) -> (Self::Tx<T>, Self::Rx<T>) {
        async_channel::bounded(capacity)
    }

    fn lock<T: Send + 'static>(&self, value: T) -> Self::Lock<T> {
        Arc::new(Mutex::new(value))
    }

    async fn run<T: Send + 'static>(
        &self,
        at: Handoff,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        match at {
            Handoff::Inline => Ok(work()),
            Handoff::Pool | Handoff::Rayon => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Takes the one thread: the clock moves on, and nobody runs meanwhile.
    fn stall(&self, duration: Duration) {
        self.state().now += clock::nanos(duration);
    }

    fn now(&self) -> u64 {
        self.state().now
    }

    async fn until(&self, due: u64) {
        self.wait_until(due).await;
    }
}

impl Stream for Nothing {
    type Read = Nothing;
    type Write = Nothing;

    fn split(self) -> io::Result<(Nothing, Nothing)> {
        match self {}
    }

    fn nodelay(&self) -> io::Result<bool> {
        match *self {}
    }
}

impl Read for Nothing {
    async fn recv(&mut self, _buf: Buf, _within: Option<Duration>) -> io::Result<Buf> {
        match *self {}
    }
}

impl Write for Nothing {
    async fn send_all(&mut self, _buf: Buf) -> io::Result<Buf> {
        match *self {}
    }

    async fn finish(&mut self) -> io::Result<()> {
        match *self {}
    }
}

impl File for Nothing {
    async fn read_at(&self, _buf: Buf, _offset: u64) -> io::Result<Buf> {
        match *self {}
    }

    async fn write_at(&self, _buf: Buf, _offset: u64) -> io::Result<Buf> {
        match *self {}
    }

    async fn sync(&self) -> io::Result<()> {
        match *self {}
    }
}

impl<Fut: Future<Output: Send + 'static> + Send + 'static> Spawn<Fut> for Simulation {
    fn spawn(&self, child: Fut) -> Job<Fut::Output> {
        self.start(child)
    }
}

/// The model.
#[derive(Debug)]
pub struct VirtualTime(Simulation);

impl Model for VirtualTime {
    const INFO: ModelInfo = ModelInfo {
        serves: Err("it has no sockets"),
        ..ModelInfo::new("simulated/single", Places::Tasks, "one thread in simulated time")
    };
    type Env = Simulation;
    const VIRTUAL: bool = true;

    fn hold(&self, held: bool) {
        self.0.change(|state| state.held = held);
    }

    fn start(_given: &Given) -> io::Result<Self> {
        Ok(Self(Simulation::default()))
    }

    fn env(&self) -> Simulation {
        self.0.clone()
    }

    fn workers(&self) -> usize {
        1
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Dispatch<Fut> for VirtualTime {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        self.0.change(|state| state.sessions = count);
        for i in 0..count {
            let (session, simulation) = (catching(make(i)), self.0.clone());
            drop(self.0.start(async move {
                // A session that panicked has said so at its gate.
                let _ = session.await;
                simulation.change(|state| state.sessions -= 1);
            }));
        }
        while let Some(task) = self.0.next() {
            task.run();
        }
    }
}
