//! Workloads, written once against [`Env`] and run by every model.
//!
//! A [`Scenario`] is a client: its operations are started and timed by the session loop. A
//! [`Service`] is a server: its operations are started and timed by a generator process.

#![expect(async_fn_in_trait, reason = "the bound on the future is the model's, not the trait's")]

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    env::{Env, Task},
    load::Load,
    model::ModelInfo,
    peer::PeerSpec,
    record::Metric,
};

mod params;

pub use self::params::{Param, ParamKind, Params, ParamsError};

/// What a scenario is about, for lists, plans and reports.
#[derive(Clone, Debug)]
pub struct Description {
    /// One line: what one operation is.
    pub operation: &'static str,
    /// One line: which real situation it stands for.
    pub stands_for: &'static str,
    /// What may be set, with ranges and defaults.
    pub params: &'static [Param],
    /// The races that it is run in by default, and those that exist by name.
    pub courses: &'static [Course],
    /// What decides, where the load does not say otherwise.
    pub primary: Option<Metric>,
    /// The model that the others are compared with.
    pub reference: &'static str,
    /// About how long one operation takes, waiting included: sizes lead-in and window.
    pub typical: fn(&Params) -> Duration,
    /// Sessions of a trial where the load does not say.
    pub sessions: Sessions,
    /// Slices of a trial that runs alone (one process at a time); 0: it need not run alone.
    pub solo_steps: usize,
    /// Ids of the claims that rest on it.
    pub claims: &'static [&'static str],
}

/// How many sessions an open load or a batch runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// One for each operation of a batch; 64 for open loads.
    PerOperation,
    /// As the parameter `conns` says.
    Conns,
    /// One.
    One,
}

/// A race that is run by default, or exists by name.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// As in ids.
    pub load: &'static str,
    /// `k=v,k=v`; empty for the defaults.
    pub params: &'static str,
    /// `same`, `split` or `free`.
    pub placement: &'static str,
    /// When it is run.
    pub tier: Tier,
}

/// When a course is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// In every profile.
    Quick,
    /// In `--quick`, in the place of a longer one, and with `--profile publish`, `--all`, or by
    /// name.
    Brief,
    /// In all but `--quick`.
    Default,
    /// With `--profile publish`, `--all`, or by name.
    Publish,
}

/// What a scenario is prepared with.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// Resolved: defaults filled in.
    pub params: &'a Params,
    /// How operations arrive.
    pub load: Load,
    /// Where its peers listen, in the order of [`Scenario::peers`]; empty before they run.
    pub peers: &'a [SocketAddr],
}

/// What a trial asks of the machine and of a model, besides one task per session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Tasks that exist at once, children included; 0: the sessions.
    pub tasks: u64,
    /// Tasks that must be in progress at once for any of them to finish.
    pub rendezvous: u64,
    /// Sockets and files that are open at once.
    pub descriptors: u64,
}

/// What a scenario saw, read off the clock after each slice.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Tasks, threads or connections that really exist or were created so far.
    pub units: u64,
    /// Anything else, by name.
    pub facts: BTreeMap<String, Value>,
}

/// Why a model makes no sense in a scenario: "a waiting task holds a worker".
pub type Reason = String;

/// What an operation is given: its scenario, its model's [`Env`], and a way to start children.
pub struct Cx<S: Scenario, E: Env> {
    /// What all sessions of the trial share.
    pub scenario: Arc<S>,
    /// What the model offers.
    pub env: E,
    /// Made in the matrix, where both types are concrete: so the child's `Send` is checked there,
    /// and children may start children.
    start: Start<S, E>,
}

/// How a child is started.
type Start<S, E> = fn(&Cx<S, E>, <S as Scenario>::Arg<E>) -> <E as Env>::Task<io::Result<u64>>;

impl<S: Scenario, E: Env> Clone for Cx<S, E> {
    fn clone(&self) -> Self {
        Self { scenario: Arc::clone(&self.scenario), env: self.env.clone(), start: self.start }
    }
}

impl<S: Scenario, E: Env> Cx<S, E> {
    /// For the matrix: see [`crate::cell`](macro@crate::cell).
    #[expect(clippy::type_complexity, reason = "it is spelled once, and has a name above")]
    pub fn new(
        scenario: Arc<S>,
        env: E,
        start: fn(&Self, S::Arg<E>) -> E::Task<io::Result<u64>>,
    ) -> Self {
        Self { scenario, env, start }
    }

    /// Starts a [`Scenario::child`] in the way of the model.
    pub fn spawn(&self, arg: S::Arg<E>) -> E::Task<io::Result<u64>> {
        (self.start)(self, arg)
    }

    /// Waits for a child; its panic is an error like any other.
    pub async fn join(&self, child: E::Task<io::Result<u64>>) -> io::Result<u64> {
        child.join().await?
    }
}

/// A client workload.
pub trait Scenario: Send + Sync + Sized + 'static {
    /// Stable, kebab-case.
    const ID: &'static str;
    /// What outlives an operation, such as an open connection.
    type Session<E: Env>: 'static;
    /// What a child is given; [`Infallible`](std::convert::Infallible) where there are none.
    type Arg<E: Env>: 'static;

    /// What it is about.
    fn describe() -> Description;

    /// The processes on the other end, one set per race.
    fn peers(_setup: &Setup<'_>) -> Vec<PeerSpec> {
        Vec::new()
    }

    /// What it asks of the machine and of a model.
    fn demand(_setup: &Setup<'_>) -> Demand {
        Demand::default()
    }

    /// Whether a model makes sense here, beyond what [`demand`](Self::demand) says.
    fn fits(_model: &ModelInfo, _setup: &Setup<'_>) -> Result<(), Reason> {
        Ok(())
    }

    /// Builds what the sessions share: in each contender, and once in the parent, which verifies
    /// check values with [`expected`](Self::expected). Off the clock.
    fn prepare(setup: &Setup<'_>) -> io::Result<Self>;

    /// Opens session `index`, off the clock.
    async fn open<E: Env>(cx: &Cx<Self, E>, index: usize) -> io::Result<Self::Session<E>>;

    /// Performs one operation, which is one sample, and returns its check value.
    async fn op<E: Env>(
        cx: &Cx<Self, E>,
        session: &mut Self::Session<E>,
        seq: u64,
    ) -> io::Result<u64>;

    /// The body of a child started with [`Cx::spawn`].
    async fn child<E: Env>(_cx: Cx<Self, E>, _arg: Self::Arg<E>) -> io::Result<u64> {
        Err(io::Error::other("this scenario has no children"))
    }

    /// The check value of operation `seq`, the same under every model. Cheap: it is worked out
    /// for every sample, off the clock.
    fn expected(&self, seq: u64) -> u64;

    /// What was seen so far, off the clock.
    fn observed(&self) -> Observed {
        Observed::default()
    }
}

/// A server workload. The load comes from its generator, the first of its peers.
pub trait Service: Send + Sync + Sized + 'static {
    /// Stable, kebab-case.
    const ID: &'static str;

    /// What it is about.
    fn describe() -> Description;

    /// The generator: a peer that answers each `slice` with samples.
    fn generator(setup: &Setup<'_>) -> PeerSpec;

    /// What it asks of the machine and of a model; by default a task per connection, all at once.
    fn demand(setup: &Setup<'_>) -> Demand {
        let conns = connections(Sessions::Conns, setup) as u64;
        Demand { tasks: conns, rendezvous: conns, descriptors: conns }
    }

    /// Whether a model makes sense here, beyond what [`demand`](Self::demand) says.
    fn fits(_model: &ModelInfo, _setup: &Setup<'_>) -> Result<(), Reason> {
        Ok(())
    }

    /// Builds what the connections share, in each contender, and once in the parent.
    fn prepare(setup: &Setup<'_>) -> io::Result<Self>;

    /// Serves one connection to its end.
    async fn serve<E: Env>(service: Arc<Self>, env: E, stream: E::Stream) -> io::Result<()>;

    /// The check value of operation `seq`, as the generator must have read it from the answer.
    fn expected(&self, seq: u64) -> u64;
}

/// How many sessions (or connections) a trial has.
pub fn connections(sessions: Sessions, setup: &Setup<'_>) -> usize {
    use crate::load::Arrivals;
    match (setup.load.arrivals, sessions) {
        (Arrivals::Closed { clients, .. }, _) => clients,
        (_, Sessions::One) => 1,
        (_, Sessions::Conns) => setup.params.size("conns").unwrap_or(64),
        (Arrivals::Batch(n), Sessions::PerOperation) => usize::try_from(n).unwrap_or(usize::MAX),
        (Arrivals::Open { .. }, Sessions::PerOperation) => 64,
    }
}
