//! The child: one model, alive for a block, running a slice whenever the parent says so.
//!
//! The model's work runs on a thread of its own; this thread keeps the gates, paces open loads,
//! reads the counters, and speaks to the parent. Its own CPU time and switches are subtracted.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};

use crate::{
    env::Env,
    line::Line,
    load::{Arrivals, Load},
    model::{Dispatch, Given, Model, Serve},
    net,
    protocol::{Done, Message, Numbers, Prepare, Ready, Usage},
    resource,
    scenario::{Cx, Observed, Params, Scenario, Service, Setup},
    session::{Gate, Rules},
};

mod keeper;

use self::keeper::{Doors, Keeper, Pacing, Trial};

/// What a cell is run with: read from the parent's `prepare`.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// As received.
    pub prepare: Prepare,
    /// Every parameter.
    pub params: Params,
    /// How operations arrive.
    pub load: Load,
}

impl Assignment {
    /// What a scenario is prepared with.
    pub fn setup(&self) -> Setup<'_> {
        Setup { params: &self.params, load: self.load, peers: &self.prepare.peers }
    }

    fn rules(&self) -> Rules {
        let think = match self.load.arrivals {
            Arrivals::Closed { think, .. } => think,
            _ => Duration::ZERO,
        };
        Rules {
            clients: self.prepare.sessions,
            ops_per_sample: self.prepare.ops_per_sample.max(1),
            extra_every: self.prepare.extra_every,
            think,
        }
    }
}

/// Runs a client cell, from `ready` to `quit`.
///
/// `start` makes the future of a gate: [`session`](crate::session::session),
/// [`acceptor`](crate::session::acceptor), or [`room`](crate::session::room), which is either.
pub fn client<M, S, Fut>(
    assignment: &Assignment,
    line: &mut Line,
    cx: impl Fn(Arc<S>, M::Env) -> Cx<S, M::Env>,
    start: impl Fn(Cx<S, M::Env>, Rules, Gate) -> Fut + Sync,
) -> io::Result<()>
where
    M: Dispatch<Fut>,
    S: Scenario,
    Fut: Future<Output = ()>,
{
    let scenario = Arc::new(S::prepare(&assignment.setup())?);
    client_with::<M, S, Fut>(assignment, line, &Given::here(), scenario, cx, start)
}

/// As [`client`], with a scenario that is already prepared.
pub fn client_with<M, S, Fut>(
    assignment: &Assignment,
    line: &mut Line,
    given: &Given,
    scenario: Arc<S>,
    cx: impl Fn(Arc<S>, M::Env) -> Cx<S, M::Env>,
    start: impl Fn(Cx<S, M::Env>, Rules, Gate) -> Fut + Sync,
) -> io::Result<()>
where
    M: Dispatch<Fut>,
    S: Scenario,
    Fut: Future<Output = ()>,
{
    let rss_base = resource::levels(None, 0).rss;
    let model = M::start(given)?;
    let env = model.env();
    let cx = cx(scenario, env.clone());
    let rules = assignment.rules();
    // A lane without a client would take arrivals and never serve them.
    let lanes = model.lanes().min(rules.clients);
    let gates = if assignment.load.spawn { lanes } else { rules.clients };
    let (doors, rooms) = Doors::new(gates, rules.clients);
    let trial = Trial {
        dispatch: &|| model.dispatch(gates, |i| start(cx.clone(), rules, rooms.take(i))),
        ready: Ready { workers: Some(model.workers()), addr: None, rss_base },
        harness_cpus: &assignment.prepare.harness_cpus,
    };
    trial.run(
        line,
        Keeper {
            now: &|| env.now(),
            hold: &|held| model.hold(held),
            observe: &|| cx.scenario.observed(),
            pacing: Pacing { virtual_time: M::VIRTUAL, spin: assignment.prepare.spin },
            ..doors.keeper(false)
        },
    )
}

/// Runs sessions that are written by hand for one runtime, with neither scenario nor environment:
/// what the harness itself is compared with. `run` returns when all of them have ended; `units` is
/// how many units exist.
#[doc(hidden)]
pub fn by_hand(
    assignment: &Assignment,
    line: &mut Line,
    units: &dyn Fn() -> u64,
    run: impl Fn(Vec<Gate>) + Sync,
) -> io::Result<()> {
    let clients = assignment.prepare.sessions;
    let (doors, gates) = Doors::new(clients, clients);
    let trial = Trial {
        dispatch: &|| run((0..clients).map(|i| gates.take(i)).collect()),
        ready: Ready { workers: Some(resource::workers()), addr: None, rss_base: None },
        harness_cpus: &assignment.prepare.harness_cpus,
    };
    let observe = || Observed { units: units(), ..Observed::default() };
    let keeper = doors.keeper(assignment.prepare.spin);
    trial.run(line, Keeper { observe: &observe, ..keeper })
}

/// Tells the parent of an error at once: whoever still waits in the model may keep this process
/// from ever getting any further.
fn told(line: &mut Line, result: io::Result<()>) -> io::Result<()> {
    if let Err(error) = &result {
        // The parent may be gone; then nobody is left to tell.
        let _ = line.send(&Message::Failed { cause: error.to_string() }, &Numbers::default());
    }
    result
}

fn usage() -> io::Result<Usage> {
    resource::usage(&[resource::own()?])
}

/// Runs a server cell, from `ready` to `quit`. Its slices are marks: the load is the generator's.
pub fn server<M, S, Fut>(
    assignment: &Assignment,
    line: &mut Line,
    handle: impl Fn(Arc<S>, M::Env, <M::Env as Env>::Stream) -> Fut + Clone + Send + Sync + 'static,
) -> io::Result<()>
where
    M: Serve<Fut>,
    S: Service,
    Fut: Future<Output = ()>,
{
    let service = Arc::new(S::prepare(&assignment.setup())?);
    serving::<M>(assignment, line, &Given::here(), |model, listener| {
        let env = model.env();
        model.serve(listener, move |stream| handle(Arc::clone(&service), env.clone(), stream))
    })
}

/// Runs whatever serves a listener under a model, from `ready` to `quit`.
pub fn serving<M: Model>(
    assignment: &Assignment,
    line: &mut Line,
    given: &Given,
    serve: impl FnOnce(&M, TcpListener) -> io::Result<()> + Send,
) -> io::Result<()> {
    let rss_base = resource::levels(None, 0).rss;
    let model = M::start(given)?;
    let listener = net::listen()?;
    let addr: SocketAddr = listener.local_addr()?;
    let closing = listener.try_clone()?;
    thread::scope(|scope| {
        let model = &model;
        let server = thread::Builder::new()
            .name("serving".into())
            .spawn_scoped(scope, move || serve(model, listener))?;
        resource::name_thread("deadheat-keeper");
        let ready = Ready { workers: Some(model.workers()), addr: Some(addr), rss_base };
        line.send(&Message::Ready(ready), &Numbers::default())?;
        resource::confine(&assignment.prepare.harness_cpus)?;
        let end = marks(line, || server.is_finished());
        net::close(&closing)?;
        let last = server.join().map_err(|_| io::Error::other("the server panicked"))?;
        // Where it ended too early, this is why; once it was told to end, its last words don't
        // matter.
        end.map_err(|error| last.err().unwrap_or(error))
    })
}

fn marks(line: &mut Line, ended: impl Fn() -> bool) -> io::Result<()> {
    loop {
        let last = match line.receive()? {
            None => return Ok(()),
            Some((Message::Quit, _)) => true,
            Some((Message::Slice(_), _)) => false,
            Some((other, _)) => return Err(io::Error::other(format!("not now: {other:?}"))),
        };
        if ended() {
            return Err(io::Error::other("the server ended by itself"));
        }
        let now = usage()?;
        let levels = Some(resource::levels(None, 1));
        let done = Done { begin: Some(now), end: Some(now), levels, ..Done::default() };
        line.send(&Message::Done(Box::new(done)), &Numbers::default())?;
        if last {
            return Ok(());
        }
    }
}
