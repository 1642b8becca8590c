//! What a model offers a running scenario: time, tasks, sockets, files, channels, locks.
//!
//! Scenarios are written once, against [`Env`]. A blocking model implements it with `std` calls
//! whose futures are ready at their first poll; an async model with its runtime's own types.
//! Buffers travel by value, so that a completion-based runtime (io_uring) needs no extra copy.
//!
//! Not in here: anything a scenario could use to see which model it runs under.

// Whether a future is `Send` is checked where scenario and model are both concrete: see `Dispatch`.
#![expect(async_fn_in_trait, reason = "the bound on the future is the model's, not the trait's")]

use std::{io, net::SocketAddr, path::Path, time::Duration};

use crate::clock;

mod buf;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod counting;

pub use self::buf::Buf;

/// Where work that would hold up a task is run. A parameter of a scenario, never of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handoff {
    /// In the task itself.
    Inline,
    /// On the runtime's own pool for blocking work.
    Pool,
    /// On a rayon pool beside the runtime.
    Rayon,
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// For writing too.
    pub write: bool,
    /// Past the page cache (`O_DIRECT`), where the system has that.
    pub direct: bool,
}

/// Why a task has no result.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It panicked.
    #[error("the task panicked: {0}")]
    Panicked(String),
    /// It was dropped before it ended, or could not be started.
    #[error("the task was cancelled")]
    Cancelled,
}

impl From<Failed> for io::Error {
    fn from(failed: Failed) -> Self {
        Self::other(failed)
    }
}

/// What a model offers. Cheap to clone: every session has one.
pub trait Env: Clone + 'static {
    /// A TCP connection.
    type Stream: Stream;
    /// An open file.
    type File: File;
    /// A started child.
    type Task<T: Send + 'static>: Task<T>;
    /// The sending end of the model's own bounded channel.
    type Tx<T: Send + 'static>: Tx<T>;
    /// Its receiving end.
    type Rx<T: Send + 'static>: Rx<T>;
    /// The model's own mutex.
    type Lock<T: Send + 'static>: Lock<T>;

    /// Waits at least this long.
    async fn sleep(&self, duration: Duration);

    /// Lets others run.
    async fn yield_now(&self);

    /// Between two operations of a session, off the clock. A pool puts the session at the end of
    /// its queue, so that its unit of work is an operation, as it is for the pool's users.
    async fn turn(&self) {}

    /// Connects, with the same socket options under every model ([`crate::net`]).
    async fn connect(&self, addr: SocketAddr) -> io::Result<Self::Stream>;

    /// Takes over a connected socket whose options are already set.
    fn adopt(&self, socket: std::net::TcpStream) -> io::Result<Self::Stream>;

    /// Opens a file; creates it where it is opened for writing.
    async fn open(&self, path: &Path, access: Access) -> io::Result<Self::File>;

    /// A bounded channel of at least one place.
    fn channel<T: Send + 'static>(&self, capacity: usize) -> (Self::Tx<T>, Self::Rx<T>);

    /// A mutex.
    fn lock<T: Send + 'static>(&self, value: T) -> Self::Lock<T>;

    /// Runs `work` at `at` and waits for it. `Unsupported`: this model has no such place.
    async fn run<T: Send + 'static>(
        &self,
        at: Handoff,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T>;

    /// Holds the *thread* on purpose, in a task: the mistake that some scenarios measure.
    #[expect(clippy::disallowed_methods, reason = "blocking the thread is what is asked for")]
    fn stall(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    /// Nanoseconds on this model's clock. For the harness: a scenario never reads a clock.
    #[doc(hidden)]
    fn now(&self) -> u64 {
        clock::now()
    }

    /// Waits until the clock shows `due`. For the virtual-time model, which paces itself;
    /// everyone else is told of an arrival when it is due.
    #[doc(hidden)]
    async fn until(&self, _due: u64) {}
}

/// A connection, before its halves go their ways.
pub trait Stream: 'static {
    /// The receiving half.
    type Read: Read;
    /// The sending half.
    type Write: Write;

    /// Separates the halves.
    fn split(self) -> io::Result<(Self::Read, Self::Write)>;

    /// Whether small messages leave at once. For the conformance suite.
    #[doc(hidden)]
    fn nodelay(&self) -> io::Result<bool>;
}

/// The receiving half of a connection.
pub trait Read: 'static {
    /// Appends what has come: at least one byte, or none at the end of the stream. Where nothing
    /// comes `within` that time the error is `TimedOut`, and the buffer is gone.
    async fn recv(&mut self, buf: Buf, within: Option<Duration>) -> io::Result<Buf>;
}

/// The sending half of a connection.
pub trait Write: 'static {
    /// Sends all bytes of the buffer and gives it back as it was.
    async fn send_all(&mut self, buf: Buf) -> io::Result<Buf>;

    /// Tells the other side that nothing more will come.
    async fn finish(&mut self) -> io::Result<()>;
}

/// An open file. Positional, so that clones share no offset.
pub trait File: Clone + 'static {
    /// Appends what is read at `offset`, as far as the buffer has room; none at the end.
    async fn read_at(&self, buf: Buf, offset: u64) -> io::Result<Buf>;

    /// Writes all bytes of the buffer at `offset`.
    async fn write_at(&self, buf: Buf, offset: u64) -> io::Result<Buf>;

    /// Makes what was written durable (`fdatasync`).
    async fn sync(&self) -> io::Result<()>;
}

/// A started child. Dropping it lets the child run on.
pub trait Task<T>: 'static {
    /// Waits for its result. A panic is a value.
    async fn join(self) -> Result<T, Failed>;
}

/// The sending end of a channel.
pub trait Tx<T>: Clone + 'static {
    /// Waits for room. Gives the value back where nobody receives any more.
    async fn send(&self, value: T) -> Result<(), T>;
}

/// The receiving end of a channel.
pub trait Rx<T>: 'static {
    /// Waits for a value; none when all senders are gone.
    async fn recv(&mut self) -> Option<T>;
}

/// A mutex around a value.
pub trait Lock<T>: Clone + 'static {
    /// Runs `work` while nobody else has the value.
    async fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R;
}

/// Starts a child in the way of the model.
///
/// The future is a parameter of the trait, not of the method, so that each model states its own
/// bound in its `impl` header: work-stealing runtimes ask for `Send`, thread-per-core ones do not.
pub trait Spawn<Fut: Future<Output: Send + 'static>>: Env {
    /// Starts `child`.
    fn spawn(&self, child: Fut) -> Self::Task<Fut::Output>;
}
