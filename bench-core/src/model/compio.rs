//! compio, a completion-based runtime on io_uring: `compio/per-core`.
//!
//! One runtime and one ring per thread; tasks never move, so new work comes in by lanes. Buffers
//! are handed to the kernel by value and come back with the result. It has no channel and no mutex
//! of its own: those are the ones that work anywhere.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use compio::{
    BufResult,
    buf::{IntoInner, IoBuf, Slice},
    driver::ProactorBuilder,
    fs::{File as RingFile, OpenOptions},
    io::{AsyncRead, AsyncReadAt, AsyncWrite, AsyncWriteAtExt, AsyncWriteExt},
    net::TcpStream,
    runtime::{JoinHandle, Runtime, RuntimeBuilder, spawn, spawn_blocking},
    time,
};

use crate::{
    env::{Access, Buf, Env, Failed, File, Handoff, Read, Spawn, Stream, Task, Write},
    model::{
        Dispatch, Given, Model, ModelInfo, Places, Serve,
        blocking::{direct_flag, guarded, requeue},
        handoff,
        pool::catching,
    },
    net,
};

/// What compio offers, on whichever of its threads.
#[derive(Clone, Copy, Debug)]
pub struct Ring;

impl Env for Ring {
    type Stream = TcpStream;
    type File = RingFile;
    type Task<T: Send + 'static> = Child<T>;
    type Tx<T: Send + 'static> = async_channel::Sender<T>;
    type Rx<T: Send + 'static> = async_channel::Receiver<T>;
    type Lock<T: Send + 'static> = Arc<Mutex<T>>;

    async fn sleep(&self, duration: Duration) {
        time::sleep(duration).await;
    }

    async fn yield_now(&self) {
        requeue().await;
    }

    async fn connect(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        let socket = TcpStream::connect(addr).await?;
        net::set_options(&socket)?;
        Ok(socket)
    }

    fn adopt(&self, socket: std::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::from_std(socket)
    }

    async fn open(&self, path: &Path, access: Access) -> io::Result<RingFile> {
        OpenOptions::new()
            .read(true)
            .write(access.write)
            .create(access.write)
            .custom_flags(if access.direct { direct_flag() } else { 0 })
            .open(path)
            .await
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
            Handoff::Pool => Ok(spawn_blocking(move || guarded(work)).await??),
            Handoff::Rayon => handoff::rayon(work).await,
        }
    }
}

/// The room that is left in a buffer, and how to get the buffer back.
fn room(buf: Buf) -> (Slice<Vec<u8>>, usize) {
    let capacity = buf.capacity();
    let (bytes, start, end) = buf.into_parts();
    (bytes.slice(end..start + capacity), start)
}

/// The buffer with what was read into its room.
fn refill(result: BufResult<usize, Slice<Vec<u8>>>, start: usize) -> io::Result<Buf> {
    let BufResult(n, room) = result;
    let end = room.begin() + n?;
    Ok(Buf::from_parts(room.into_inner(), start, end))
}

/// What a buffer holds, to be written.
fn held(buf: Buf) -> Slice<Vec<u8>> {
    let (bytes, start, end) = buf.into_parts();
    bytes.slice(start..end)
}

/// The buffer as it was before it was written.
fn give_back(result: BufResult<(), Slice<Vec<u8>>>, len: usize) -> io::Result<Buf> {
    let BufResult(written, held) = result;
    let start = held.begin();
    written.map(|()| Buf::from_parts(held.into_inner(), start, start + len))
}

impl Stream for TcpStream {
    type Read = TcpStream;
    type Write = TcpStream;

    fn split(self) -> io::Result<(TcpStream, TcpStream)> {
        Ok(self.into_split())
    }

    fn nodelay(&self) -> io::Result<bool> {
        TcpStream::nodelay(self)
    }
}

impl Read for TcpStream {
    async fn recv(&mut self, buf: Buf, within: Option<Duration>) -> io::Result<Buf> {
        let (room, start) = room(buf);
        let reading = AsyncRead::read(self, room);
        let result = match within {
            None => reading.await,
            Some(within) => {
                let timed_out = |_| io::Error::from(io::ErrorKind::TimedOut);
                time::timeout(within, reading).await.map_err(timed_out)?
            }
        };
        refill(result, start)
    }
}

impl Write for TcpStream {
    async fn send_all(&mut self, buf: Buf) -> io::Result<Buf> {
        let len = buf.len();
        give_back(self.write_all(held(buf)).await, len)
    }

    async fn finish(&mut self) -> io::Result<()> {
        AsyncWrite::shutdown(self).await
    }
}

impl File for RingFile {
    async fn read_at(&self, buf: Buf, offset: u64) -> io::Result<Buf> {
        let (room, start) = room(buf);
        refill(AsyncReadAt::read_at(self, room, offset).await, start)
    }

    async fn write_at(&self, buf: Buf, offset: u64) -> io::Result<Buf> {
        let (len, mut file) = (buf.len(), self);
        give_back(file.write_all_at(held(buf), offset).await, len)
    }

    async fn sync(&self) -> io::Result<()> {
        self.sync_data().await
    }
}

/// A child on the thread of its parent.
#[derive(Debug)]
pub struct Child<T>(Option<JoinHandle<Result<T, Failed>>>);

impl<T: Send + 'static> Task<T> for Child<T> {
    async fn join(mut self) -> Result<T, Failed> {
        match self.0.take() {
            Some(child) => child.await.unwrap_or(Err(Failed::Cancelled)),
            None => Err(Failed::Cancelled),
        }
    }
}

impl<T> Drop for Child<T> {
    fn drop(&mut self) {
        // A dropped handle cancels; a child runs on.
        if let Some(child) = self.0.take() {
            child.detach();
        }
    }
}

impl<Fut: Future<Output: Send + 'static> + 'static> Spawn<Fut> for Ring {
    fn spawn(&self, child: Fut) -> Child<Fut::Output> {
        Child(Some(spawn(catching(child))))
    }
}

/// A runtime per CPU.
#[derive(Debug)]
pub struct PerCore {
    lanes: usize,
    /// Threads for blocking work beside each, at most.
    blocking: usize,
}

impl PerCore {
    fn runtime(&self) -> io::Result<Runtime> {
        let mut driver = ProactorBuilder::new();
        driver.thread_pool_limit(self.blocking);
        RuntimeBuilder::new().with_proactor(driver).build()
    }

    /// Runs `each` on a thread of its own for every lane.
    fn on_lanes<T: Send>(&self, each: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let each = &each;
        thread::scope(|scope| {
            let start = |lane| {
                let thread = thread::Builder::new().name(format!("compio-{lane}"));
                thread.spawn_scoped(scope, move || each(lane))
            };
            let threads: Vec<_> = (0..self.lanes).filter_map(|lane| start(lane).ok()).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        })
    }
}

impl Model for PerCore {
    const INFO: ModelInfo = ModelInfo {
        note: "completion-based, on io_uring",
        ..ModelInfo::new(
            "compio/per-core",
            Places::Tasks,
            "a thread per CPU with a ring and tasks of its own, which never move",
        )
    };
    type Env = Ring;

    fn start(given: &Given) -> io::Result<Self> {
        let model =
            Self { lanes: given.workers, blocking: (given.blocking / given.workers.max(1)).max(1) };
        // Here, where a kernel that forbids it is an error with a name.
        let probe = thread::scope(|scope| {
            let probe = scope.spawn(|| model.runtime().map(|runtime| runtime.driver_type()));
            probe.join().unwrap_or_else(|_| Err(io::Error::other("it panicked")))
        });
        match probe {
            Ok(driver) if driver.is_iouring() => Ok(model),
            Ok(driver) => Err(io::Error::other(format!("no io_uring here, but {driver:?}"))),
            Err(error) => {
                Err(io::Error::new(error.kind(), format!("failed to make an io_uring: {error}")))
            }
        }
    }

    fn env(&self) -> Ring {
        Ring
    }

    fn workers(&self) -> usize {
        self.lanes
    }

    fn lanes(&self) -> usize {
        self.lanes
    }
}

impl<Fut: Future<Output = ()> + 'static> Dispatch<Fut> for PerCore {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        self.on_lanes(|lane| {
            let mine = (lane..count).step_by(self.lanes);
            let Ok(runtime) = self.runtime() else {
                // Nobody runs them: their gates say so.
                return mine.for_each(|i| drop(make(i)));
            };
            runtime.block_on(async {
                let tasks: Vec<_> = mine.map(|i| spawn(catching(make(i)))).collect();
                for task in tasks {
                    // A session that panicked has said so at its gate.
                    drop(task.await);
                }
            });
        });
    }
}

impl<Fut: Future<Output = ()> + 'static> Serve<Fut> for PerCore {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(TcpStream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        let served = self.on_lanes(|_| {
            let listener = listener.try_clone()?;
            self.runtime()?.block_on(accept_all(listener, &handle))
        });
        served.into_iter().collect()
    }
}

async fn accept_all<Fut: Future<Output = ()> + 'static>(
    listener: TcpListener,
    handle: &impl Fn(TcpStream) -> Fut,
) -> io::Result<()> {
    let listener = compio::net::TcpListener::from_std(listener)?;
    let (token, over) = async_channel::bounded::<()>(1);
    while let Some(socket) = net::accepted(listener.accept().await)? {
        let (connection, token) = (catching(handle(socket)), token.clone());
        spawn(async move { (connection.await.ok(), drop(token)) }).detach();
    }
    drop(token);
    // Nobody sends: it ends with the last connection.
    let _ = over.recv().await;
    Ok(())
}
