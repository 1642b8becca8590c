//! One slice: the generator's measured loop.
//!
//! Nothing here allocates for a request that goes well: requests are written from one buffer and
//! answers read into another, and the samples have their room.

use std::{collections::VecDeque, io};

use deadheat_core::{clock, sample::Sample};
use mio::{Registry, event::Event};

use super::{
    Exchange,
    connection::Job,
    target::{Errors, Target, count},
    wait::Waiter,
};

/// What is read at once, at most.
const SCRATCH: usize = 64 << 10;

/// Samples of the first closed slice that there is room for.
const FIRST_ROOM: usize = 1 << 14;

/// What is to be done. Times are in ns since the slice's epoch.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// Of an open load; empty for a closed one.
    pub(super) arrivals: &'a [u64],
    /// Of a closed load: how long requests are started.
    pub(super) for_ns: u64,
    pub(super) drain_ns: u64,
    /// Between an answer and the next request of a closed load.
    pub(super) think_ns: u64,
    /// Whether to wait on the CPU.
    pub(super) spin: bool,
    /// After every so many answers of a connection it asks once more, unreported; 0: never.
    pub(super) extra_every: u64,
}

/// What came of it, besides samples and lags.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) epoch: u64,
    pub(super) censored: Vec<u64>,
    pub(super) errors: Errors,
    pub(super) span_ns: u64,
    /// Where it waited on the CPU: how long.
    pub(super) idle_ns: Option<u64>,
    /// Operations that are not reported.
    pub(super) extra: u64,
    /// The integral of the operations in flight over time, as a counter saw them: ns.
    pub(super) in_flight_ns: u64,
}

/// Memory that is kept from slice to slice, so that it has been touched.
#[derive(Debug, Default)]
pub(super) struct Space {
    log: Vec<(usize, Sample)>,
    pub(super) lags: Vec<u64>,
    request: Vec<u8>,
    scratch: Vec<u8>,
    free: VecDeque<Free>,
}

impl Space {
    /// Forgets the last slice and makes room for the next: twice the last, or all arrivals.
    pub(super) fn make(&mut self, plan: &Plan<'_>) {
        let room = FIRST_ROOM.max(2 * self.log.len()).max(plan.arrivals.len());
        self.log.resize(room.max(self.log.capacity()), (0, Sample::default()));
        self.log.clear();
        self.lags.resize(plan.arrivals.len().max(self.lags.capacity()), 0);
        self.lags.clear();
        self.scratch.resize(SCRATCH, 0);
    }

    /// The samples, connection by connection, with times since the epoch.
    pub(super) fn samples(&mut self, epoch: u64) -> Vec<Sample> {
        self.log.sort_by_key(|(connection, _)| *connection);
        let since = |(_, sample): &(usize, Sample)| Sample {
            intended: sample.intended - epoch,
            started: sample.started - epoch,
            finished: sample.finished - epoch,
            check: sample.check,
        };
        self.log.iter().map(since).collect()
    }

    /// How many of them are each connection's.
    pub(super) fn shares(&self, connections: usize) -> Vec<u64> {
        let mut shares = vec![0; connections];
        for (connection, _) in &self.log {
            shares[*connection] += 1;
        }
        shares
    }
}

/// A connection that waits for something to do.
#[derive(Clone, Copy, Debug)]
struct Free {
    /// When it came to be free; for a closed load, when its next request is due.
    since: u64,
    index: usize,
}

/// Runs a slice on the connections of a target.
pub(super) fn run<X: Exchange>(
    exchange: &X,
    plan: &Plan<'_>,
    target: &mut Target,
    waiter: &mut Waiter,
    registry: &Registry,
    space: &mut Space,
    errors: Errors,
) -> io::Result<Outcome> {
    let epoch = clock::now();
    space.free.clear();
    for (index, connection) in target.connections.iter().enumerate() {
        if connection.open {
            space.free.push_back(Free { since: epoch, index });
        }
    }
    let last = plan.arrivals.last().copied().unwrap_or(plan.for_ns);
    let deadline = epoch + last + plan.drain_ns;
    let mut run = Run {
        exchange,
        plan,
        target,
        registry,
        space,
        epoch,
        stop: epoch + plan.for_ns,
        sent: 0,
        busy: 0,
        opening: 0,
        errors,
        extra: 0,
        reported: 0,
        watch: Watch { since: epoch, total: 0 },
    };
    let idle_ns = run.until(deadline, waiter)?;
    let span_ns = clock::now() - epoch;
    let censored = run.censored();
    let idle_ns = plan.spin.then_some(idle_ns);
    let (extra, in_flight_ns) = (run.extra, run.watch.total);
    Ok(Outcome { epoch, censored, errors: run.errors, span_ns, idle_ns, extra, in_flight_ns })
}

/// Sums up operations in flight over time. It knows nothing of the samples, so the two can be held
/// against each other (Little's law).
#[derive(Debug)]
struct Watch {
    since: u64,
    total: u64,
}

impl Watch {
    /// So many were in flight until now.
    fn until(&mut self, now: u64, in_flight: usize) {
        self.total += now.saturating_sub(self.since) * in_flight as u64;
        self.since = self.since.max(now);
    }
}

struct Run<'a, X> {
    exchange: &'a X,
    plan: &'a Plan<'a>,
    target: &'a mut Target,
    registry: &'a Registry,
    space: &'a mut Space,
    epoch: u64,
    /// When a closed load ends.
    stop: u64,
    /// Arrivals that have been dispatched.
    sent: usize,
    /// Connections that wait for an answer.
    busy: usize,
    /// Connections that are being opened.
    opening: usize,
    errors: Errors,
    extra: u64,
    /// Operations in flight that will be reported.
    reported: usize,
    watch: Watch,
}

impl<X: Exchange> Run<'_, X> {
    /// Runs until all is done, or until the deadline; returns for how long nothing happened.
    fn until(&mut self, deadline: u64, waiter: &mut Waiter) -> io::Result<u64> {
        let mut idle_ns = 0;
        loop {
            let now = self.start_due();
            let due = self.due(now);
            if now >= deadline || self.busy == 0 && self.opening == 0 && due.is_none() {
                return Ok(idle_ns);
            }
            waiter.wait(due.unwrap_or(deadline).min(deadline), now, self.plan.spin)?;
            if waiter.events().is_empty() {
                idle_ns += clock::now() - now;
            }
            for event in waiter.events() {
                self.event(event);
            }
        }
    }

    /// When the next request is due for which there is a connection.
    fn due(&self, now: u64) -> Option<u64> {
        let free = self.space.free.front()?;
        if self.plan.for_ns > 0 {
            return Some(free.since).filter(|since| now.max(*since) < self.stop);
        }
        self.plan.arrivals.get(self.sent).map(|arrival| self.epoch + arrival)
    }

    /// Starts whatever is due, and returns what the clock shows.
    fn start_due(&mut self) -> u64 {
        let mut now = clock::now();
        while let Some(due) = self.due(now) {
            if due > now {
                break;
            }
            let Some(free) = self.space.free.pop_front() else { break };
            now = self.start(free, due);
        }
        now
    }

    fn start(&mut self, free: Free, due: u64) -> u64 {
        let Free { index, since } = free;
        let open = self.plan.for_ns == 0;
        let extra = std::mem::take(&mut self.target.connections[index].owes);
        let (started, sent) = self.ask(index, open.then_some(due), extra);
        if !extra {
            self.watch.until(started, self.reported);
            self.reported += 1;
        }
        if open {
            self.sent += 1;
            self.space.lags.push(started - due.max(since));
        }
        if let Err(error) = sent {
            self.broken(index, &error);
        }
        started
    }

    /// Sends a connection's next request; says when, and how that went.
    fn ask(&mut self, index: usize, due: Option<u64>, extra: bool) -> (u64, io::Result<()>) {
        let connections = self.target.connections.len() as u64;
        let connection = &mut self.target.connections[index];
        let seq = connection.ended * connections + index as u64;
        self.space.request.clear();
        self.exchange.ask(seq, &mut self.space.request);
        let started = clock::now();
        connection.job = Some(Job { intended: due.unwrap_or(started), started, extra });
        self.busy += 1;
        (started, connection.send(&self.space.request))
    }

    fn event(&mut self, event: &Event) {
        let Some(index) = self.target.index(event.token()) else { return };
        let connection = &mut self.target.connections[index];
        if !connection.open {
            return self.opening(index);
        }
        let ended = event.is_read_closed() || event.is_error();
        let flushed = if event.is_writable() { connection.flush() } else { Ok(()) };
        let received = flushed.and_then(|()| {
            if !event.is_readable() && !ended {
                return Ok(None);
            }
            connection.receive(self.exchange, &mut self.space.scratch, ended)
        });
        match received {
            Ok(None) => {}
            Ok(Some(check)) => self.complete(index, check, ended),
            Err(error) => self.broken(index, &error),
        }
    }

    /// Whether a connection is there again; where it cannot be, the next slice tries.
    fn opening(&mut self, index: usize) {
        let connection = &mut self.target.connections[index];
        if !connection.is_alive() {
            return;
        }
        match connection.opened() {
            Ok(false) => {}
            Ok(true) => {
                self.opening -= 1;
                self.freed(index, clock::now());
            }
            Err(error) => {
                self.opening -= 1;
                connection.close();
                count(&mut self.errors, &error);
            }
        }
    }

    fn complete(&mut self, index: usize, check: u64, ended: bool) {
        let finished = clock::now();
        let connection = &mut self.target.connections[index];
        let Some(Job { intended, started, extra }) = connection.job.take() else { return };
        self.busy -= 1;
        if extra {
            self.extra += 1;
        } else {
            connection.ended += 1;
            self.watch.until(finished, self.reported);
            self.reported -= 1;
            self.space.log.push((index, Sample { intended, started, finished, check }));
        }
        if ended {
            self.broken(index, &io::ErrorKind::UnexpectedEof.into());
        } else if self.plan.for_ns > 0 {
            // When the client asks next, after it has thought.
            self.target.connections[index].owes = !extra && self.owes(index);
            self.again(index, finished);
        } else if extra || !self.owes(index) {
            self.freed(index, finished);
        } else if let (_, Err(error)) = self.ask(index, None, true) {
            self.broken(index, &error);
        }
    }

    /// A client of a closed load asks again: at once if it does not think, for else it would wait for
    /// the answers of others to be handled, and that wait would be in nobody's latency.
    fn again(&mut self, index: usize, finished: u64) {
        if self.plan.think_ns == 0 && finished < self.stop {
            self.start(Free { since: finished, index }, finished);
        } else {
            self.freed(index, finished);
        }
    }

    /// Whether the handicap's operation is due; each connection is in a phase of its own.
    fn owes(&self, index: usize) -> bool {
        let every = self.plan.extra_every;
        every > 0 && (self.target.connections[index].ended + index as u64).is_multiple_of(every)
    }

    fn freed(&mut self, index: usize, now: u64) {
        let since = now + self.plan.think_ns;
        self.space.free.push_back(Free { since, index });
    }

    /// Counts an error, and opens the connection again.
    fn broken(&mut self, index: usize, error: &io::Error) {
        count(&mut self.errors, error);
        if let Some(job) = self.target.connections[index].job {
            self.busy -= 1;
            if !job.extra {
                self.watch.until(clock::now(), self.reported);
                self.reported -= 1;
            }
        } else {
            self.space.free.retain(|free| free.index != index);
        }
        self.target.connections[index].close();
        match self.target.reopen(index, self.registry) {
            Ok(()) => self.opening += 1,
            Err(error) => count(&mut self.errors, &error),
        }
    }

    /// What had not ended when the deadline came: still on its way, or never sent. Where an answer
    /// is missing the connection is of no more use.
    fn censored(&mut self) -> Vec<u64> {
        let mut censored = Vec::new();
        for connection in &mut self.target.connections {
            if let Some(job) = connection.job {
                // The handicap's own was not asked for.
                if !job.extra {
                    censored.push(job.intended - self.epoch);
                }
                connection.close();
            }
        }
        censored.extend_from_slice(&self.plan.arrivals[self.sent..]);
        censored.sort_unstable();
        censored
    }
}
