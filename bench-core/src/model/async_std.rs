//! async-std's global executor: `async-std/default`. Discontinued; people still ask.
//!
//! It starts as many workers as the environment variable `ASYNC_STD_THREAD_COUNT` says, or one per
//! CPU of its set, and cannot be told otherwise; so its real number stands beside its name. The
//! pool for blocking work is the same crate as smol's.

use std::{
    env, io,
    net::{Shutdown, SocketAddr, TcpListener},
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
    time::Duration,
};

use async_std::{
    channel::{Receiver, Sender, bounded},
    io::{ReadExt, WriteExt},
    net::TcpStream,
    sync::Mutex,
    task::{self, JoinHandle},
};

use crate::{
    env::{Access, Buf, Env, Failed, Handoff, Lock, Read, Rx, Spawn, Stream, Task, Tx, Write},
    model::{
        Dispatch, Given, Model, ModelInfo, Places, Serve,
        blocking::{block_on, guarded},
        handoff,
        pool::catching,
        pooled_file::{PooledFile, Unblock},
    },
    net, resource,
};

/// What async-std offers.
#[derive(Clone, Copy, Debug)]
pub struct AsyncStdEnv;

impl Env for AsyncStdEnv {
    type Stream = TcpStream;
    type File = PooledFile<Self>;
    type Task<T: Send + 'static> = Child<T>;
    type Tx<T: Send + 'static> = Sending<T>;
    type Rx<T: Send + 'static> = Receiving<T>;
    type Lock<T: Send + 'static> = Shared<T>;

    // The timer itself: a future around it would be part of every task that waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        task::sleep(duration)
    }

    async fn yield_now(&self) {
        task::yield_now().await;
    }

    async fn connect(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        let socket = TcpStream::connect(addr).await?;
        net::set_options(&socket)?;
        Ok(socket)
    }

    fn adopt(&self, socket: std::net::TcpStream) -> io::Result<TcpStream> {
        Ok(socket.into())
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

impl Unblock for AsyncStdEnv {
    async fn unblock<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        Ok(task::spawn_blocking(move || guarded(work)).await?)
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
        let reading = ReadExt::read(self, buf.spare());
        let n = match within {
            None => reading.await?,
            Some(within) => async_std::io::timeout(within, reading).await?,
        };
        buf.advance(n);
        Ok(buf)
    }
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

/// The sending end of an async-std channel.
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

/// The receiving end of an async-std channel.
#[derive(Debug)]
pub struct Receiving<T>(Receiver<T>);

impl<T: Send + 'static> Rx<T> for Receiving<T> {
    async fn recv(&mut self) -> Option<T> {
        self.0.recv().await.ok()
    }
}

/// An async-std mutex. A type of its own: smol's is the same one inside.
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

/// A child on the global executor. Dropped, its handle lets it run on.
#[derive(Debug)]
pub struct Child<T>(JoinHandle<Result<T, Failed>>);

impl<T: Send + 'static> Task<T> for Child<T> {
    async fn join(self) -> Result<T, Failed> {
        self.0.await
    }
}

impl<Fut: Future<Output: Send + 'static> + Send + 'static> Spawn<Fut> for AsyncStdEnv {
    fn spawn(&self, child: Fut) -> Child<Fut::Output> {
        Child(task::spawn(catching(child)))
    }
}

/// The global executor, with the workers that it has.
#[derive(Debug)]
pub struct AsyncStd {
    workers: usize,
}

impl Model for AsyncStd {
    const INFO: ModelInfo = ModelInfo {
        note: "legacy, discontinued (RUSTSEC-2025-0052)",
        ..ModelInfo::new(
            "async-std/default",
            Places::Tasks,
            "a global executor with a thread per CPU; waiting lets the next task run",
        )
    };
    type Env = AsyncStdEnv;

    fn start(given: &Given) -> io::Result<Self> {
        ::blocking::set_max_blocking_threads(
            NonZeroUsize::new(given.blocking).unwrap_or(NonZeroUsize::MIN),
        );
        // The runtime's own rule, read when it starts its threads: now.
        let told = env::var("ASYNC_STD_THREAD_COUNT").ok().and_then(|count| count.parse().ok());
        let workers = told.unwrap_or_else(resource::workers).max(1);
        block_on(task::spawn(async {}));
        Ok(Self { workers })
    }

    fn env(&self) -> AsyncStdEnv {
        AsyncStdEnv
    }

    fn workers(&self) -> usize {
        self.workers
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Dispatch<Fut> for AsyncStd {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        let tasks: Vec<_> = (0..count).map(|i| task::spawn(catching(make(i)))).collect();
        // A session that panicked has said so at its gate.
        for task in tasks {
            drop(block_on(task));
        }
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Serve<Fut> for AsyncStd {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(TcpStream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        block_on(task::spawn(async move {
            let listener = async_std::net::TcpListener::from(listener);
            let (token, over) = bounded::<()>(1);
            while let Some(socket) = net::accepted(listener.accept().await)? {
                let (connection, token) = (catching(handle(socket)), token.clone());
                drop(task::spawn(async move { (connection.await.ok(), drop(token)) }));
            }
            drop(token);
            // Nobody sends: it ends with the last connection.
            let _ = over.recv().await;
            Ok(())
        }))
    }
}
