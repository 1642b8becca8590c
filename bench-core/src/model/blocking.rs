//! Plain OS threads and `std` calls: `threads/per-task`.
//!
//! A blocking model is an executor like any other. Its operations never return `Pending`; what
//! does is the harness around them: the gate between slices, the wait for an arrival.
//!
//! A thread cannot be cancelled: a timeout is the socket's own deadline.

use std::{
    fs,
    future::poll_fn,
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::{FileExt, OpenOptionsExt},
    panic::{self, AssertUnwindSafe},
    path::Path,
    pin::pin,
    sync::{Arc, Mutex, PoisonError, mpsc},
    task::{Context, Poll, Wake},
    thread::{self, JoinHandle, Thread},
    time::Duration,
};

use nix::fcntl::OFlag;

use crate::{
    clock,
    env::{
        Access, Buf, Env, Failed, File, Handoff, Lock, Read, Rx, Spawn, Stream, Task, Tx, Write,
    },
    model::{Dispatch, Given, Model, ModelInfo, Places, Serve},
    net,
};

/// The calls shared by every blocking model: each future is ready at its first poll.
#[derive(Clone, Copy, Debug)]
pub struct Blocking;

impl Env for Blocking {
    type Stream = TcpStream;
    type File = Arc<fs::File>;
    type Task<T: Send + 'static> = Child<T>;
    type Tx<T: Send + 'static> = mpsc::SyncSender<T>;
    type Rx<T: Send + 'static> = Receiver<T>;
    type Lock<T: Send + 'static> = Arc<Mutex<T>>;

    async fn sleep(&self, duration: Duration) {
        clock::sleep(duration);
    }

    async fn yield_now(&self) {
        thread::yield_now();
    }

    async fn connect(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        net::connect(addr)
    }

    fn adopt(&self, socket: TcpStream) -> io::Result<TcpStream> {
        socket.set_nonblocking(false)?;
        Ok(socket)
    }

    async fn open(&self, path: &Path, access: Access) -> io::Result<Self::File> {
        open(path, access).map(Arc::new)
    }

    fn channel<T: Send + 'static>(&self, capacity: usize) -> (Self::Tx<T>, Self::Rx<T>) {
        let (tx, rx) = mpsc::sync_channel(capacity);
        (tx, Receiver(rx))
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
}

/// Opens a file as every model does, whichever thread it does it on.
pub fn open(path: &Path, access: Access) -> io::Result<fs::File> {
    let direct = if access.direct { direct_flag() } else { 0 };
    fs::OpenOptions::new()
        .read(true)
        .write(access.write)
        .create(access.write)
        .custom_flags(direct)
        .open(path)
}

#[cfg(target_os = "linux")]
pub(super) fn direct_flag() -> i32 {
    OFlag::O_DIRECT.bits()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn direct_flag() -> i32 {
    OFlag::empty().bits()
}

impl Stream for TcpStream {
    type Read = Receiving;
    type Write = TcpStream;

    fn split(self) -> io::Result<(Receiving, TcpStream)> {
        Ok((Receiving { socket: self.try_clone()?, deadline: None }, self))
    }

    fn nodelay(&self) -> io::Result<bool> {
        TcpStream::nodelay(self)
    }
}

/// The receiving half, and the deadline that is set on it: setting one is a system call.
#[derive(Debug)]
pub struct Receiving {
    socket: TcpStream,
    deadline: Option<Duration>,
}

impl Read for Receiving {
    async fn recv(&mut self, mut buf: Buf, within: Option<Duration>) -> io::Result<Buf> {
        if self.deadline != within {
            self.socket.set_read_timeout(within)?;
            self.deadline = within;
        }
        loop {
            match self.socket.read(buf.spare()) {
                Ok(n) => {
                    buf.advance(n);
                    return Ok(buf);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What Unix says when the socket's deadline has passed.
                Err(error) if within.is_some() && error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Write for TcpStream {
    async fn send_all(&mut self, buf: Buf) -> io::Result<Buf> {
        self.write_all(buf.filled())?;
        Ok(buf)
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl File for Arc<fs::File> {
    async fn read_at(&self, mut buf: Buf, offset: u64) -> io::Result<Buf> {
        let n = FileExt::read_at(&**self, buf.spare(), offset)?;
        buf.advance(n);
        Ok(buf)
    }

    async fn write_at(&self, buf: Buf, offset: u64) -> io::Result<Buf> {
        self.write_all_at(buf.filled(), offset)?;
        Ok(buf)
    }

    async fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// The receiving end of a standard channel.
#[derive(Debug)]
pub struct Receiver<T>(mpsc::Receiver<T>);

impl<T: Send + 'static> Tx<T> for mpsc::SyncSender<T> {
    async fn send(&self, value: T) -> Result<(), T> {
        mpsc::SyncSender::send(self, value).map_err(|error| error.0)
    }
}

impl<T: Send + 'static> Rx<T> for Receiver<T> {
    async fn recv(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T: Send + 'static> Lock<T> for Arc<Mutex<T>> {
    async fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A child on a thread of its own, or why there is none.
#[derive(Debug)]
pub struct Child<T>(io::Result<JoinHandle<T>>);

impl<T: Send + 'static> Task<T> for Child<T> {
    async fn join(self) -> Result<T, Failed> {
        let handle = self.0.map_err(|_| Failed::Cancelled)?;
        handle.join().map_err(|panic| Failed::Panicked(message(panic.as_ref())))
    }
}

/// What a panic said.
pub fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives a future on the calling thread, which parks while there is nothing to do.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Goes to the end of whatever queue the future is in.
pub async fn requeue() {
    let mut queued = false;
    poll_fn(|context| {
        if queued {
            return Poll::Ready(());
        }
        queued = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What `work` returns, or what it panicked with.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Failed> {
    panic::catch_unwind(AssertUnwindSafe(work))
        .map_err(|panic| Failed::Panicked(message(panic.as_ref())))
}

/// A future's output, or what it panicked with.
pub fn caught<F: Future>(future: F) -> Result<F::Output, Failed> {
    guarded(|| block_on(future))
}

impl<Fut: Future<Output: Send + 'static> + Send + 'static> Spawn<Fut> for Blocking {
    fn spawn(&self, child: Fut) -> Child<Fut::Output> {
        Child(thread::Builder::new().spawn(move || block_on(child)))
    }
}

/// A thread per session, per connection, per child.
#[derive(Debug)]
pub struct ThreadPerTask;

impl Model for ThreadPerTask {
    const INFO: ModelInfo = ModelInfo::new(
        "threads/per-task",
        Places::Threads,
        "an OS thread per task; waiting blocks the thread",
    );
    type Env = Blocking;

    fn start(_given: &Given) -> io::Result<Self> {
        Ok(Self)
    }

    fn env(&self) -> Blocking {
        Blocking
    }

    fn workers(&self) -> usize {
        0
    }
}

impl<Fut: Future<Output = ()>> Dispatch<Fut> for ThreadPerTask {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        let make = &make;
        thread::scope(|scope| {
            for i in 0..count {
                // A session that panicked has said so at its gate.
                let session = move || drop(caught(make(i)));
                if thread::Builder::new().spawn_scoped(scope, session).is_err() {
                    // Nobody runs it: its gate says so.
                    drop(make(i));
                }
            }
        });
    }
}

impl<Fut: Future<Output = ()>> Serve<Fut> for ThreadPerTask {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(TcpStream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        let handle = &handle;
        thread::scope(|scope| {
            while let Some(socket) = net::accepted(listener.accept())? {
                let connection = move || drop(caught(handle(socket)));
                thread::Builder::new().spawn_scoped(scope, connection)?;
            }
            Ok(())
        })
    }
}
