//! The `Env` of workloads that bring their own clients: it only takes turns and tells the time.
//!
//! It is one concrete type, whatever the model, so that a session's future is `Send` where the
//! user's is. Sockets, files and the like are the user's own; those of a blocking model stand in.

use std::{
    fs, io,
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use deadheat_core::{
    env::{Access, Env, Handoff},
    model::blocking::{Blocking, Child, Receiver, requeue},
};

/// What a model does for a session of the user's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Host {
    /// Whether a session goes to the end of the queue between two operations, as in a pool.
    pub(super) requeues: bool,
}

impl Env for Host {
    type Stream = TcpStream;
    type File = Arc<fs::File>;
    type Task<T: Send + 'static> = Child<T>;
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
        if self.requeues {
            requeue().await;
        }
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
