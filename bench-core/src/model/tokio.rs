//! Tokio's two schedulers, and the thread that most benchmarks measure by accident.
//!
//! Sessions are *spawned*, as tasks are in real programs. `tokio/block-on` runs the same work
//! inside `block_on` instead: that thread is not a worker, and every wake-up crosses threads.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::{Builder, Runtime},
    sync::{Mutex, mpsc},
    task::{JoinHandle, JoinSet, LocalSet, spawn_blocking, spawn_local},
};

use crate::{
    env::{Access, Buf, Env, Failed, Handoff, Lock, Read, Rx, Spawn, Stream, Task, Tx, Write},
    model::{
        Dispatch, Given, Model, ModelInfo, Places, Serve, blocking, handoff,
        pooled_file::{PooledFile, Unblock},
    },
    net,
};

/// What tokio offers, under either scheduler.
#[derive(Clone, Copy, Debug)]
pub struct Tokio;

impl Env for Tokio {
    type Stream = TcpStream;
    type File = PooledFile<Self>;
    type Task<T: Send + 'static> = JoinHandle<T>;
    type Tx<T: Send + 'static> = mpsc::Sender<T>;
    type Rx<T: Send + 'static> = mpsc::Receiver<T>;
    type Lock<T: Send + 'static> = Arc<Mutex<T>>;

    // The timer itself: a future around it would be part of every task that waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        tokio::time::sleep(duration)
    }

    async fn yield_now(&self) {
        tokio::task::yield_now().await;
    }

    async fn connect(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        let socket = TcpStream::connect(addr).await?;
        net::set_options(&socket)?;
        Ok(socket)
    }

    fn adopt(&self, socket: std::net::TcpStream) -> io::Result<TcpStream> {
        socket.set_nonblocking(true)?;
        TcpStream::from_std(socket)
    }

    async fn open(&self, path: &Path, access: Access) -> io::Result<PooledFile<Self>> {
        PooledFile::open(path, access).await
    }

    fn channel<T: Send + 'static>(&self, capacity: usize) -> (Self::Tx<T>, Self::Rx<T>) {
        mpsc::channel(capacity)
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
            Handoff::Pool => Self::unblock(work).await,
            Handoff::Rayon => handoff::rayon(work).await,
        }
    }
}

impl Stream for TcpStream {
    type Read = OwnedReadHalf;
    type Write = OwnedWriteHalf;

    fn split(self) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
        Ok(self.into_split())
    }

    fn nodelay(&self) -> io::Result<bool> {
        TcpStream::nodelay(self)
    }
}

impl Read for OwnedReadHalf {
    async fn recv(&mut self, mut buf: Buf, within: Option<Duration>) -> io::Result<Buf> {
        let reading = AsyncReadExt::read(self, buf.spare());
        let n = match within {
            None => reading.await?,
            Some(within) => tokio::time::timeout(within, reading)
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??,
        };
        buf.advance(n);
        Ok(buf)
    }
}

impl Write for OwnedWriteHalf {
    async fn send_all(&mut self, buf: Buf) -> io::Result<Buf> {
        self.write_all(buf.filled()).await?;
        Ok(buf)
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.shutdown().await
    }
}

impl Unblock for Tokio {
    async fn unblock<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        Ok(spawn_blocking(work).await?)
    }
}

impl<T: Send + 'static> Task<T> for JoinHandle<T> {
    async fn join(self) -> Result<T, Failed> {
        self.await.map_err(|error| match error.try_into_panic() {
            Ok(panic) => Failed::Panicked(blocking::message(panic.as_ref())),
            Err(_) => Failed::Cancelled,
        })
    }
}

impl<T: Send + 'static> Tx<T> for mpsc::Sender<T> {
    async fn send(&self, value: T) -> Result<(), T> {
        mpsc::Sender::send(self, value).await.map_err(|error| error.0)
    }
}

impl<T: Send + 'static> Rx<T> for mpsc::Receiver<T> {
    async fn recv(&mut self) -> Option<T> {
        mpsc::Receiver::recv(self).await
    }
}

impl<T: Send + 'static> Lock<T> for Arc<Mutex<T>> {
    async fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut *self.lock().await)
    }
}

impl<Fut: Future<Output: Send + 'static> + Send + 'static> Spawn<Fut> for Tokio {
    fn spawn(&self, child: Fut) -> JoinHandle<Fut::Output> {
        tokio::spawn(child)
    }
}

/// One thread that runs every task.
#[derive(Debug)]
pub struct CurrentThread(Runtime);

/// One thread that runs every task in a `LocalSet`: for races of one's own.
#[derive(Debug)]
pub struct Local(Runtime);

/// Worker threads that steal from each other.
#[derive(Debug)]
pub struct MultiThread(Runtime, usize);

/// Sessions on the `block_on` thread of the multi-threaded runtime.
#[derive(Debug)]
pub struct BlockOn(Runtime, usize);

fn multi_thread(given: &Given) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(given.workers)
        .max_blocking_threads(given.blocking)
        .enable_all()
        .build()
}

impl Model for CurrentThread {
    const INFO: ModelInfo = ModelInfo::new(
        "tokio/current-thread",
        Places::Tasks,
        "one thread runs every task; waiting lets the next one run",
    );
    type Env = Tokio;

    fn start(given: &Given) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(given.blocking)
            .enable_all()
            .build()?;
        Ok(Self(runtime))
    }

    fn env(&self) -> Tokio {
        Tokio
    }

    fn workers(&self) -> usize {
        1
    }
}

impl Model for Local {
    const INFO: ModelInfo = ModelInfo::new(
        "tokio/local",
        Places::Tasks,
        "one thread runs every task, and none leaves it: no `Send` is asked for",
    );
    type Env = Tokio;

    fn start(given: &Given) -> io::Result<Self> {
        CurrentThread::start(given).map(|model| Self(model.0))
    }

    fn env(&self) -> Tokio {
        Tokio
    }

    fn workers(&self) -> usize {
        1
    }
}

impl Model for MultiThread {
    const INFO: ModelInfo = ModelInfo::new(
        "tokio/multi-thread",
        Places::Tasks,
        "a worker per CPU; tasks move between them",
    );
    type Env = Tokio;

    fn start(given: &Given) -> io::Result<Self> {
        Ok(Self(multi_thread(given)?, given.workers))
    }

    fn env(&self) -> Tokio {
        Tokio
    }

    fn workers(&self) -> usize {
        self.1
    }
}

impl Model for BlockOn {
    const INFO: ModelInfo = ModelInfo {
        serves: Err("a server accepts in block_on and spawns: that is tokio/multi-thread"),
        note: "what a benchmark measures that never spawns",
        ..ModelInfo::new(
            "tokio/block-on",
            Places::Tasks,
            "the multi-threaded runtime, with the sessions in block_on instead of spawned",
        )
    };
    type Env = Tokio;

    fn start(given: &Given) -> io::Result<Self> {
        Ok(Self(multi_thread(given)?, given.workers))
    }

    fn env(&self) -> Tokio {
        Tokio
    }

    fn workers(&self) -> usize {
        self.1
    }
}

impl<Fut: Future<Output = ()> + 'static> Dispatch<Fut> for Local {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        LocalSet::new().block_on(&self.0, async {
            let tasks: Vec<_> = (0..count).map(|i| spawn_local(make(i))).collect();
            for task in tasks {
                // A session that panicked has said so at its gate.
                let _ = task.await;
            }
        });
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Dispatch<Fut> for CurrentThread {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        run_all(&self.0, count, make);
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Dispatch<Fut> for MultiThread {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        run_all(&self.0, count, make);
    }
}

impl<Fut: Future<Output = ()>> Dispatch<Fut> for BlockOn {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        use futures_util::stream::{FuturesUnordered, StreamExt};
        let sessions: FuturesUnordered<_> = (0..count).map(make).collect();
        self.0.block_on(sessions.for_each(|()| async {}));
    }
}

fn run_all<Fut>(runtime: &Runtime, count: usize, make: impl Fn(usize) -> Fut)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    join_all(runtime, (0..count).map(|i| runtime.spawn(make(i))).collect());
}

/// Waits for all sessions. Apart from [`run_all`], so that it is compiled once.
fn join_all(runtime: &Runtime, tasks: Vec<JoinHandle<()>>) {
    runtime.block_on(async {
        for task in tasks {
            // A session that panicked has said so at its gate.
            let _ = task.await;
        }
    });
}

impl<Fut: Future<Output = ()> + Send + 'static> Serve<Fut> for CurrentThread {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(TcpStream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        serve_all(&self.0, listener, handle)
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Serve<Fut> for MultiThread {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(TcpStream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        serve_all(&self.0, listener, handle)
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Serve<Fut> for BlockOn {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(TcpStream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        serve_all(&self.0, listener, handle)
    }
}

fn serve_all<Fut>(
    runtime: &Runtime,
    listener: TcpListener,
    handle: impl Fn(TcpStream) -> Fut + Send + 'static,
) -> io::Result<()>
where
    Fut: Future<Output = ()> + Send + 'static,
{
    listener.set_nonblocking(true)?;
    let accepting = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut connections = JoinSet::new();
        while let Some(socket) = net::accepted(listener.accept().await)? {
            connections.spawn(handle(socket));
            while connections.try_join_next().is_some() {}
        }
        while connections.join_next().await.is_some() {}
        io::Result::Ok(())
    };
    runtime.block_on(async { tokio::spawn(accepting).await? })
}
