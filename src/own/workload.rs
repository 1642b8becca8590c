//! The user's closures as a scenario.

use std::{convert::Infallible, io, marker::PhantomData, sync::Arc};

use deadheat_core::{
    env::Env,
    scenario::{Cx, Description, Scenario, Setup},
};

use super::Fault;

/// How clients are made and used, of either kind.
pub(super) trait Workload: Send + Sync + 'static {
    /// What a session keeps.
    type Client: 'static;

    /// Makes one, off the clock.
    fn open(&self) -> impl Future<Output = Result<Self::Client, Fault>>;

    /// One operation.
    fn op(&self, client: &mut Self::Client, seq: u64) -> impl Future<Output = Result<u64, Fault>>;
}

/// Clients that block.
pub(super) struct Blocking<C, O, P>(O, P, PhantomData<fn() -> C>);

impl<C, O, P> Blocking<C, O, P> {
    pub(super) fn new(open: O, op: P) -> Self {
        Self(open, op, PhantomData)
    }
}

impl<C, O, P> Workload for Blocking<C, O, P>
where
    C: 'static,
    O: Fn() -> Result<C, Fault> + Send + Sync + 'static,
    P: Fn(&mut C, u64) -> Result<u64, Fault> + Send + Sync + 'static,
{
    type Client = C;

    async fn open(&self) -> Result<C, Fault> {
        (self.0)()
    }

    async fn op(&self, client: &mut C, seq: u64) -> Result<u64, Fault> {
        (self.1)(client, seq)
    }
}

/// Clients that are awaited.
pub(super) struct Asynchronous<C, O, P>(O, P, PhantomData<fn() -> C>);

impl<C, O, P> Asynchronous<C, O, P> {
    pub(super) fn new(open: O, op: P) -> Self {
        Self(open, op, PhantomData)
    }
}

impl<C, O, OF, P, PF> Workload for Asynchronous<C, O, P>
where
    C: Clone + 'static,
    O: Fn() -> OF + Send + Sync + 'static,
    OF: Future<Output = Result<C, Fault>>,
    P: Fn(C, u64) -> PF + Send + Sync + 'static,
    PF: Future<Output = Result<u64, Fault>>,
{
    type Client = C;

    async fn open(&self) -> Result<C, Fault> {
        (self.0)().await
    }

    async fn op(&self, client: &mut C, seq: u64) -> Result<u64, Fault> {
        (self.1)(client.clone(), seq).await
    }
}

/// A workload of the user's as a scenario. What it is called and what is expected of it is said in
/// its cells, where both are known.
pub(super) struct Own<W>(pub(super) Arc<W>);

impl<W: Workload> Scenario for Own<W> {
    const ID: &'static str = "own";
    type Session<E: Env> = W::Client;
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        unreachable!("the cell of a workload of one's own describes it")
    }

    fn prepare(_setup: &Setup<'_>) -> io::Result<Self> {
        Err(io::Error::other("a workload of one's own is prepared where it is declared"))
    }

    async fn open<E: Env>(cx: &Cx<Self, E>, _index: usize) -> io::Result<W::Client> {
        cx.scenario.0.open().await.map_err(io::Error::other)
    }

    async fn op<E: Env>(cx: &Cx<Self, E>, session: &mut W::Client, seq: u64) -> io::Result<u64> {
        cx.scenario.0.op(session, seq).await.map_err(io::Error::other)
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}
