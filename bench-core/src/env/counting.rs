//! Counts what a scenario asks of its model, to prove that every model was asked for the same.
//!
//! [`Counted`] wraps any model; [`take`] gives what was asked of it. How often something arrived
//! is counted in bytes: in how many pieces a stream delivers them is the system's affair.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    env::{
        Access, Buf, Env, Failed, File, Handoff, Lock, Read, Rx, Spawn, Stream, Task, Tx, Write,
    },
    model::{Dispatch, Given, Model, ModelInfo, Serve},
};

/// What was asked for, by name.
pub type Counts = BTreeMap<&'static str, u64>;

type Shared = Arc<Mutex<Counts>>;

/// By model: a model is started where nobody can hand it a counter.
static STARTED: Mutex<BTreeMap<&'static str, Shared>> = Mutex::new(BTreeMap::new());

/// What the last model of this id was asked for.
pub fn take(model: &str) -> Counts {
    let shared = STARTED.lock().unwrap_or_else(PoisonError::into_inner).remove(model);
    let shared = shared.unwrap_or_default();
    shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Something whose calls are counted: a model's environment, or what it gave.
#[derive(Debug)]
pub struct Counting<T> {
    inner: T,
    counts: Shared,
}

impl<T: Clone> Clone for Counting<T> {
    fn clone(&self) -> Self {
        self.with(self.inner.clone())
    }
}

impl<T> Counting<T> {
    fn with<U>(&self, inner: U) -> Counting<U> {
        Counting { inner, counts: Arc::clone(&self.counts) }
    }

    fn add(&self, what: &'static str, n: u64) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += n;
    }
}

impl<E: Env> Env for Counting<E> {
    type Stream = Counting<E::Stream>;
    type File = Counting<E::File>;
    type Task<T: Send + 'static> = Counting<E::Task<T>>;
    type Tx<T: Send + 'static> = Counting<E::Tx<T>>;
    type Rx<T: Send + 'static> = Counting<E::Rx<T>>;
    type Lock<T: Send + 'static> = Counting<E::Lock<T>>;

    async fn sleep(&self, duration: Duration) {
        self.add("sleeps", 1);
        self.inner.sleep(duration).await;
    }

    async fn yield_now(&self) {
        self.add("yields", 1);
        self.inner.yield_now().await;
    }

    async fn turn(&self) {
        self.add("turns", 1);
        self.inner.turn().await;
    }

    async fn connect(&self, addr: SocketAddr) -> io::Result<Self::Stream> {
        self.add("connections", 1);
        self.inner.connect(addr).await.map(|stream| self.with(stream))
    }

    fn adopt(&self, socket: std::net::TcpStream) -> io::Result<Self::Stream> {
        self.add("adoptions", 1);
        self.inner.adopt(socket).map(|stream| self.with(stream))
    }

    async fn open(&self, path: &Path, access: Access) -> io::Result<Self::File> {
        self.add("files opened", 1);
        self.inner.open(path, access).await.map(|file| self.with(file))
    }

    fn channel<T: Send + 'static>(&self, capacity: usize) -> (Self::Tx<T>, Self::Rx<T>) {
        self.add("channels", 1);
        let (tx, rx) = self.inner.channel(capacity);
        (self.with(tx), self.with(rx))
    }

    fn lock<T: Send + 'static>(&self, value: T) -> Self::Lock<T> {
        self.add("mutexes", 1);
        self.with(self.inner.lock(value))
    }

    async fn run<T: Send + 'static>(
        &self,
        at: Handoff,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        self.add("hand-offs", 1);
        self.inner.run(at, work).await
    }

    fn stall(&self, duration: Duration) {
        self.add("stalls", 1);
        self.inner.stall(duration);
    }

    fn now(&self) -> u64 {
        self.inner.now()
    }

    async fn until(&self, due: u64) {
        self.inner.until(due).await;
    }
}

impl<S: Stream> Stream for Counting<S> {
    type Read = Counting<S::Read>;
    type Write = Counting<S::Write>;

    fn split(self) -> io::Result<(Self::Read, Self::Write)> {
        let Self { inner, counts } = self;
        let (read, write) = inner.split()?;
        let read = Counting { inner: read, counts: Arc::clone(&counts) };
        Ok((read, Counting { inner: write, counts }))
    }

    fn nodelay(&self) -> io::Result<bool> {
        self.inner.nodelay()
    }
}

impl<R: Read> Read for Counting<R> {
    async fn recv(&mut self, buf: Buf, within: Option<Duration>) -> io::Result<Buf> {
        let before = buf.len();
        let buf = self.inner.recv(buf, within).await?;
        self.add("bytes received", (buf.len() - before) as u64);
        Ok(buf)
    }
}

impl<W: Write> Write for Counting<W> {
    async fn send_all(&mut self, buf: Buf) -> io::Result<Buf> {
        self.add("messages sent", 1);
        self.add("bytes sent", buf.len() as u64);
        self.inner.send_all(buf).await
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.add("streams finished", 1);
        self.inner.finish().await
    }
}

impl<F: File> File for Counting<F> {
    async fn read_at(&self, buf: Buf, offset: u64) -> io::Result<Buf> {
        let before = buf.len();
        let buf = self.inner.read_at(buf, offset).await?;
        self.add("file reads", 1);
        self.add("bytes read", (buf.len() - before) as u64);
        Ok(buf)
    }

    async fn write_at(&self, buf: Buf, offset: u64) -> io::Result<Buf> {
        self.add("file writes", 1);
        self.add("bytes written", buf.len() as u64);
        self.inner.write_at(buf, offset).await
    }

    async fn sync(&self) -> io::Result<()> {
        self.add("syncs", 1);
        self.inner.sync().await
    }
}

impl<T: Send + 'static, J: Task<T>> Task<T> for Counting<J> {
    async fn join(self) -> Result<T, Failed> {
        self.add("joins", 1);
        self.inner.join().await
    }
}

impl<T: Send + 'static, X: Tx<T>> Tx<T> for Counting<X> {
    async fn send(&self, value: T) -> Result<(), T> {
        self.add("values sent", 1);
        self.inner.send(value).await
    }
}

impl<T: Send + 'static, X: Rx<T>> Rx<T> for Counting<X> {
    async fn recv(&mut self) -> Option<T> {
        self.add("values awaited", 1);
        self.inner.recv().await
    }
}

impl<T: Send + 'static, L: Lock<T>> Lock<T> for Counting<L> {
    async fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.add("locks taken", 1);
        self.inner.with(work).await
    }
}

impl<E: Spawn<Fut>, Fut: Future<Output: Send + 'static>> Spawn<Fut> for Counting<E> {
    fn spawn(&self, child: Fut) -> Counting<E::Task<Fut::Output>> {
        self.add("children", 1);
        self.with(self.inner.spawn(child))
    }
}

/// A model whose environment counts.
#[derive(Debug)]
pub struct Counted<M> {
    model: M,
    counts: Shared,
}

impl<M: Model> Model for Counted<M> {
    const INFO: ModelInfo = M::INFO;
    type Env = Counting<M::Env>;
    const VIRTUAL: bool = M::VIRTUAL;

    fn hold(&self, held: bool) {
        self.model.hold(held);
    }

    fn start(given: &Given) -> io::Result<Self> {
        let counts = Shared::default();
        let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
        started.insert(M::INFO.id, Arc::clone(&counts));
        Ok(Self { model: M::start(given)?, counts })
    }

    fn env(&self) -> Self::Env {
        Counting { inner: self.model.env(), counts: Arc::clone(&self.counts) }
    }

    fn workers(&self) -> usize {
        self.model.workers()
    }

    fn lanes(&self) -> usize {
        self.model.lanes()
    }
}

impl<M: Dispatch<Fut>, Fut: Future<Output = ()>> Dispatch<Fut> for Counted<M> {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        self.model.dispatch(count, make);
    }
}

impl<M: Serve<Fut>, Fut: Future<Output = ()>> Serve<Fut> for Counted<M> {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(<Self::Env as Env>::Stream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        let counts = Arc::clone(&self.counts);
        self.model.serve(listener, move |inner| {
            let stream = Counting { inner, counts: Arc::clone(&counts) };
            stream.add("connections", 1);
            handle(stream)
        })
    }
}
