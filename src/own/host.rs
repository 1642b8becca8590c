//! A model of the standard races under sessions of the user's: the same threads and queues, with
//! the session's future boxed once for the whole trial.

use std::{
    io,
    net::TcpListener,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use deadheat_core::{
    contender::{self, Assignment},
    line::Line,
    model::{Dispatch, Given, Model, ModelInfo, Places},
    scenario::Cx,
    session::{Gate, Rules},
};

use super::{
    Fault, PEER,
    env::Host,
    workload::{Own, Workload},
};

/// A session's future that may move between threads.
pub type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A session's future that stays on its thread.
pub type LocalBoxed = Pin<Box<dyn Future<Output = ()>>>;

/// A model whose `Env` is [`Host`].
#[derive(Debug)]
pub(super) struct Hosted<M>(M);

impl<M: Model> Model for Hosted<M> {
    const INFO: ModelInfo = M::INFO;
    type Env = Host;

    fn start(given: &Given) -> io::Result<Self> {
        M::start(given).map(Self)
    }

    fn env(&self) -> Host {
        Host { requeues: matches!(M::INFO.places, Places::Fixed(_) | Places::PerCpu) }
    }

    fn workers(&self) -> usize {
        self.0.workers()
    }

    fn lanes(&self) -> usize {
        self.0.lanes()
    }
}

impl<M: Dispatch<Fut>, Fut: Future<Output = ()>> Dispatch<Fut> for Hosted<M> {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        self.0.dispatch(count, make);
    }
}

/// Runs a server of the user's, from `ready` to `quit`.
pub(super) fn serve<M, F>(
    assignment: &Assignment,
    line: &mut Line,
    pool: usize,
    serve: &(impl Fn(TcpListener) -> F + Sync),
) -> io::Result<()>
where
    M: Dispatch<Boxed>,
    F: Future<Output = Result<(), Fault>> + Send + 'static,
{
    let given = Given { pool, ..Given::here() };
    contender::serving::<M>(assignment, line, &given, |model, listener| {
        let listener = Mutex::new(Some(listener));
        let (ended, end) = mpsc::channel();
        model.dispatch(1, |_| {
            let taken = listener.lock().unwrap_or_else(PoisonError::into_inner).take();
            let (future, ended) = (taken.map(serve), ended.clone());
            Box::pin(async move {
                if let Some(future) = future {
                    let _ = ended.send(future.await);
                }
            })
        });
        let result = end.try_recv().map_err(|_| io::Error::other("the server panicked"))?;
        result.map_err(io::Error::other)
    })
}

/// Runs a contender of the user's, from `ready` to `quit`.
pub(super) fn host<M, W, Fut>(
    assignment: &Assignment,
    line: &mut Line,
    pool: usize,
    workload: &Arc<W>,
    start: impl Fn(Cx<Own<W>, Host>, Rules, Gate) -> Fut + Sync,
) -> io::Result<()>
where
    M: Dispatch<Fut>,
    W: Workload,
    Fut: Future<Output = ()>,
{
    if let Some(&addr) = assignment.prepare.peers.first() {
        let _ = PEER.set(addr);
    }
    let given = Given { pool, ..Given::here() };
    let own = Arc::new(Own(Arc::clone(workload)));
    let cx = |scenario, env| Cx::new(scenario, env, |_, nothing| match nothing {});
    contender::client_with::<Hosted<M>, Own<W>, Fut>(assignment, line, &given, own, cx, start)
}
