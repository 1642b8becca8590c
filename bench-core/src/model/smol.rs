//! The smol executor, driven by one thread or by one per CPU: `smol/single`, `smol/multi`.
//!
//! Sessions are spawned on it and the thread that waits for them only parks: were it inside
//! `smol::block_on`, it would take turns at the reactor and be a worker that nobody counted.
//!
//! The pool for blocking work is the process's own, 500 threads by default or as the environment
//! variable `BLOCKING_MAX_THREADS` says; here it is what every other runtime is given.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener},
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use smol::{
    Async, Executor, Timer,
    channel::{Receiver, Sender, bounded},
    future,
    io::{AsyncReadExt, AsyncWriteExt},
    lock::Mutex,
    net::TcpStream,
};

use crate::{
    env::{Access, Buf, Env, Handoff, Lock, Read, Rx, Spawn, Stream, Tx, Write},
    model::{
        Dispatch, Given, Model, ModelInfo, Places, Serve,
        blocking::{block_on, guarded},
        handoff,
        pool::{Job, catching},
        pooled_file::{PooledFile, Unblock},
    },
    net,
};

/// What smol offers: an executor of our own, and the process's one reactor.
#[derive(Clone, Debug)]
pub struct Smol(Arc<Executor<'static>>);

impl Env for Smol {
    type Stream = TcpStream;
    type File = PooledFile<Self>;
    type Task<T: Send + 'static> = Job<T>;
    type Tx<T: Send + 'static> = Sending<T>;
    type Rx<T: Send + 'static> = Receiving<T>;
    type Lock<T: Send + 'static> = Shared<T>;

    #[expect(clippy::manual_async_fn, reason = "`self` would be part of every task that waits")]
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        async move {
            Timer::after(duration).await;
        }
    }

    async fn yield_now(&self) {
        future::yield_now().await;
    }

    async fn connect(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        let socket = TcpStream::connect(addr).await?;
        net::set_options(&socket)?;
        Ok(socket)
    }

    fn adopt(&self, socket: std::net::TcpStream) -> io::Result<TcpStream> {
        socket.try_into()
    }

    async fn open(&self, path: &Path, access: Access) -> io::Result<PooledFile<Self>> {
        PooledFile::open(path, access).await
    }

    fn channel<T: Send + 'static>(&self, capacity: usize) -> (Sending<T>, Receiving<T>) {
        let (tx, rx) = bounded(capacity);
        (Sending(tx), Receiving(rx))
    }

    fn lock<T: Send + 'static>(&self, value: T) -> Shared<T> {
        Shared(Arc::new(Mutex::new(value)))
    }

    async fn run<T: Send + 'static>(
        &self,
        at: Handoff,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        match at {
            Handoff::Inline => Ok(work()),
            Handoff::Pool => Self::unblock(work).await,
            Handoff::Rayon => handoff::rayon(work).await,
        }
    }
}

impl Unblock for Smol {
    async fn unblock<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        Ok(smol::unblock(move || guarded(work)).await?)
    }
}

impl Stream for TcpStream {
    type Read = TcpStream;
    type Write = TcpStream;

    fn split(self) -> io::Result<(TcpStream, TcpStream)> {
        Ok((self.clone(), self))
    }

    fn nodelay(&self) -> io::Result<bool> {
        TcpStream::nodelay(self)
    }
}

impl Read for TcpStream {
    async fn recv(&mut self, mut buf: Buf, within: Option<Duration>) -> io::Result<Buf> {
        let reading = AsyncReadExt::read(self, buf.spare());
        let n = match within {
            None => reading.await?,
            Some(within) => future::or(reading, timed_out(within)).await?,
        };
        buf.advance(n);
        Ok(buf)
    }
}

async fn timed_out(within: Duration) -> io::Result<usize> {
    Timer::after(within).await;
    Err(io::ErrorKind::TimedOut.into())
}

impl Write for TcpStream {
    async fn send_all(&mut self, buf: Buf) -> io::Result<Buf> {
        self.write_all(buf.filled()).await?;
        Ok(buf)
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// The sending end of a smol channel.
#[derive(Debug)]
pub struct Sending<T>(Sender<T>);

impl<T> Clone for Sending<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + 'static> Tx<T> for Sending<T> {
    async fn send(&self, value: T) -> Result<(), T> {
        self.0.send(value).await.map_err(|error| error.0)
    }
}

/// The receiving end of a smol channel.
#[derive(Debug)]
pub struct Receiving<T>(Receiver<T>);

impl<T: Send + 'static> Rx<T> for Receiving<T> {
    async fn recv(&mut self) -> Option<T> {
        self.0.recv().await.ok()
    }
}

/// A smol mutex. A type of its own: async-std's is the same one inside.
#[derive(Debug)]
pub struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Lock<T> for Shared<T> {
    async fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut *self.0.lock().await)
    }
}

impl<Fut: Future<Output: Send + 'static> + Send + 'static> Spawn<Fut> for Smol {
    fn spawn(&self, child: Fut) -> Job<Fut::Output> {
        self.0.spawn(catching(child)).into()
    }
}

/// Threads that drive one executor until this is dropped.
#[derive(Debug)]
struct Driven {
    executor: Arc<Executor<'static>>,
    workers: usize,
    _stop: Sender<()>,
}

impl Driven {
    fn start(workers: usize, blocking: usize) -> io::Result<Self> {
        ::blocking::set_max_blocking_threads(
            NonZeroUsize::new(blocking).unwrap_or(NonZeroUsize::MIN),
        );
        let executor = Arc::new(Executor::new());
        let (stop, stopped) = bounded::<()>(1);
        for i in 0..workers {
            let (executor, stopped) = (Arc::clone(&executor), stopped.clone());
            thread::Builder::new()
                .name(format!("smol-{i}"))
                .spawn(move || smol::block_on(executor.run(stopped.recv())).is_err())?;
        }
        Ok(Self { executor, workers, _stop: stop })
    }

    fn run_all<Fut>(&self, count: usize, make: impl Fn(usize) -> Fut)
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        let tasks: Vec<_> = (0..count).map(|i| self.executor.spawn(catching(make(i)))).collect();
        // A session that panicked has said so at its gate.
        for task in tasks {
            drop(block_on(task));
        }
    }

    fn serve_all<Fut>(
        &self,
        listener: TcpListener,
        handle: impl Fn(TcpStream) -> Fut + Send + 'static,
    ) -> io::Result<()>
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        let executor = Arc::clone(&self.executor);
        block_on(self.executor.spawn(async move {
            let listener = smol::net::TcpListener::from(Async::new(listener)?);
            let (token, over) = bounded::<()>(1);
            while let Some(socket) = net::accepted(listener.accept().await)? {
                let (connection, token) = (catching(handle(socket)), token.clone());
                let connection = async move { (connection.await.ok(), drop(token)) };
                executor.spawn(connection).detach();
            }
            drop(token);
            // Nobody sends: it ends with the last connection.
            let _ = over.recv().await;
            Ok(())
        }))
    }
}

/// One thread that runs every task.
#[derive(Debug)]
pub struct Single(Driven);

/// A thread per CPU, all driving one executor.
#[derive(Debug)]
pub struct Multi(Driven);

impl Model for Single {
    const INFO: ModelInfo = ModelInfo::new(
        "smol/single",
        Places::Tasks,
        "one thread drives an executor; waiting lets the next task run",
    );
    type Env = Smol;

    fn start(given: &Given) -> io::Result<Self> {
        Driven::start(1, given.blocking).map(Self)
    }

    fn env(&self) -> Smol {
        Smol(Arc::clone(&self.0.executor))
    }

    fn workers(&self) -> usize {
        self.0.workers
    }
}

impl Model for Multi {
    const INFO: ModelInfo = ModelInfo::new(
        "smol/multi",
        Places::Tasks,
        "a thread per CPU drives one executor; tasks move between them",
    );
    type Env = Smol;

    fn start(given: &Given) -> io::Result<Self> {
        Driven::start(given.workers, given.blocking).map(Self)
    }

    fn env(&self) -> Smol {
        Smol(Arc::clone(&self.0.executor))
    }

    fn workers(&self) -> usize {
        self.0.workers
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Dispatch<Fut> for Single {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        self.0.run_all(count, make);
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Dispatch<Fut> for Multi {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        self.0.run_all(count, make);
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Serve<Fut> for Single {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(TcpStream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        self.0.serve_all(listener, handle)
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Serve<Fut> for Multi {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(TcpStream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        self.0.serve_all(listener, handle)
    }
}
