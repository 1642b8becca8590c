//! The load generator: the other end of every server under test.
//!
//! One thread, one `epoll`, a set of kept-alive connections to each server of the race. A `slice`
//! with a `target` loads that server: closed, each connection asks again when its answer is
//! complete; open, the arrivals of the slice form one queue, and each takes whichever connection is
//! idle. An arrival is never skipped, coalesced or moved; where no connection is idle it waits, and
//! that wait is response time.
//!
//! - A slice with a target and no load introduces a server: its connections are opened, off the
//!   clock, and its numbers begin at 0, also where another had that address before.
//! - A slice that says `let_go` closes all connections, so that servers can end; they are opened
//!   anew for the next load. A mark closes none.
//! - Operation `k` of connection `i` asks for number `k × connections + i`, where `k` counts what
//!   that connection has had answered since the server was introduced.
//! - `started` is read just before the request is written, `finished` when its answer is complete
//!   and has been read as one.
//! - A *lag* is the generator's own lateness: from the moment when an arrival was due and a
//!   connection idle to its dispatch; one for each arrival that was sent.
//! - The handicap of a server (`extra_every`) is one more request on a connection, right after an
//!   answer, that is not reported.
//! - A connection that breaks is an error by its kind, and is opened anew.
//! - The fact `busy_ns` is the time that it was at work, waiting on the CPU not counted;
//!   `in_flight_ns` is what a counter of operations in flight sums up to over the slice's time.
//!
//! A new protocol is one implementation of [`Exchange`].

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};

use deadheat_core::{
    clock,
    load::Arrivals,
    peer::{PeerSpec, Seat},
    protocol::{Counts, Done, Message, Numbers, Turn, Usage},
    resource,
};
use mio::Registry;

mod connection;
mod exchange;
mod slice;
mod target;
mod wait;

pub use self::exchange::{Check, Echo, Exchange, Get, Http};
use self::{
    slice::{Outcome, Plan, Space},
    target::Target,
    wait::Waiter,
};

/// Sends messages and expects them back.
pub fn echo() -> PeerSpec {
    PeerSpec::new("echo-generator", run::<Echo>).on_threads(1)
}

/// Asks for documents.
pub fn http() -> PeerSpec {
    PeerSpec::new("http-generator", run::<Http>).on_threads(1)
}

/// Asks a server of the user's for `path`, in which `{seq}` is the operation's number; `check`
/// reads the check value from the body of an answer, or says that it is not one.
pub fn get(path: &str, check: impl Fn(&[u8]) -> Option<u64> + Send + Sync + 'static) -> PeerSpec {
    let exchange = Get::new(path, Arc::new(check));
    PeerSpec::new("http-generator", move |seat| run_with(exchange.clone(), seat)).on_threads(1)
}

/// How long the answers of a closed load are waited for where the turn does not say.
const PATIENCE: Duration = Duration::from_secs(20);

/// A generator's life, for the protocol `X`.
pub fn run<X: Exchange>(seat: &mut Seat) -> io::Result<()> {
    run_with(X::new(&seat.params), seat)
}

/// As [`run`], with a protocol that no parameters describe.
pub fn run_with(exchange: impl Exchange, seat: &mut Seat) -> io::Result<()> {
    let mut generator = Generator::new(exchange, seat)?;
    resource::sharpen_timers()?;
    seat.ready(None)?;
    loop {
        match seat.line.receive()? {
            None => return Ok(()),
            Some((Message::Slice(turn), numbers)) => {
                let (done, numbers) = generator.turn(&turn, &numbers.arrivals)?;
                seat.line.send(&Message::Done(Box::new(done)), &numbers)?;
            }
            Some((Message::Quit, _)) => {
                let done = generator.mark()?;
                return seat.line.send(&Message::Done(Box::new(done)), &Numbers::default());
            }
            Some((other, _)) => return Err(io::Error::other(format!("not now: {other:?}"))),
        }
    }
}

/// What lasts from slice to slice.
struct Generator<X> {
    exchange: X,
    connections: usize,
    think_ns: u64,
    spin: bool,
    waiter: Waiter,
    registry: Registry,
    targets: Vec<Target>,
    /// The next target's.
    key: usize,
    space: Space,
    counts: Counts,
}

impl<X: Exchange> Generator<X> {
    fn new(exchange: X, seat: &Seat) -> io::Result<Self> {
        let think = match seat.load.arrivals {
            Arrivals::Closed { think, .. } => think,
            _ => Duration::ZERO,
        };
        let waiter = Waiter::new()?;
        Ok(Self {
            exchange,
            connections: seat.sessions,
            think_ns: clock::nanos(think),
            spin: seat.spin,
            registry: waiter.registry().try_clone()?,
            waiter,
            targets: Vec::new(),
            key: 0,
            space: Space::default(),
            counts: Counts::default(),
        })
    }

    /// The counters as they stand.
    fn mark(&self) -> io::Result<Done> {
        let now = resource::usage(&[])?;
        let counts = Some(self.counts);
        Ok(Done { begin: Some(now), end: Some(now), counts, ..Done::default() })
    }

    fn turn(&mut self, turn: &Turn, arrivals: &[u64]) -> io::Result<(Done, Numbers)> {
        if turn.let_go {
            self.targets.iter_mut().for_each(Target::close);
        }
        let Some(addr) = turn.target else { return Ok((self.mark()?, Numbers::default())) };
        let introduced = turn.for_ns == 0 && arrivals.is_empty();
        if introduced {
            // An address tells servers apart only while they live: the next block's may get it again.
            self.targets.retain(|target| target.addr != addr && target.is_connected());
        }
        let index = self.target(addr);
        let mut errors = BTreeMap::new();
        self.targets[index].mend(&self.registry, &mut errors);
        if introduced {
            return Ok((Done { errors, ..self.mark()? }, Numbers::default()));
        }
        let plan = self.plan(turn, arrivals);
        self.space.make(&plan);
        let begin = resource::usage(&[])?;
        let outcome = slice::run(
            &self.exchange,
            &plan,
            &mut self.targets[index],
            &mut self.waiter,
            &self.registry,
            &mut self.space,
            errors,
        )?;
        let end = resource::usage(&[])?;
        Ok(self.report(outcome, begin, end))
    }

    /// The target with that address, new or old.
    fn target(&mut self, addr: SocketAddr) -> usize {
        if let Some(index) = self.targets.iter().position(|target| target.addr == addr) {
            return index;
        }
        self.targets.push(Target::new(addr, self.key, self.connections));
        self.key += 1;
        self.targets.len() - 1
    }

    fn plan<'a>(&self, turn: &Turn, arrivals: &'a [u64]) -> Plan<'a> {
        let drain_ns = match (turn.for_ns, turn.drain_ns) {
            (1.., 0) => clock::nanos(PATIENCE),
            (_, drain_ns) => drain_ns,
        };
        Plan {
            arrivals,
            for_ns: turn.for_ns,
            drain_ns,
            think_ns: self.think_ns,
            spin: self.spin,
            extra_every: turn.extra_every,
        }
    }

    fn report(&mut self, outcome: Outcome, begin: Usage, end: Usage) -> (Done, Numbers) {
        let samples = self.space.samples(outcome.epoch);
        self.counts.done += samples.len() as u64;
        self.counts.in_flight_ns += outcome.in_flight_ns;
        let busy_ns = match outcome.idle_ns {
            Some(idle_ns) => outcome.span_ns.saturating_sub(idle_ns),
            None => end.cpu_ns - begin.cpu_ns,
        };
        let lags = self.space.lags.clone();
        let done = Done {
            samples: samples.len() as u64,
            lags: lags.len() as u64,
            censored: outcome.censored.len() as u64,
            sessions: self.space.shares(self.connections),
            errors: outcome.errors,
            extra: outcome.extra,
            span_ns: outcome.span_ns,
            facts: BTreeMap::from([
                ("busy_ns".into(), busy_ns.into()),
                ("in_flight_ns".into(), outcome.in_flight_ns.into()),
            ]),
            begin: Some(begin),
            end: Some(end),
            counts: Some(self.counts),
            ..Done::default()
        };
        (done, Numbers { samples, lags, censored: outcome.censored, ..Numbers::default() })
    }
}
