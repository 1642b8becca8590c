//! Processes on the other end: servers, and the generator that loads servers under test.
//!
//! A peer is started from this same program, one set per race, the same for every model. What it
//! does is a function named by its scenario; this file gives it its line to the parent.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::{
    clock,
    line::Line,
    load::Load,
    protocol::{Counts, Done, Message, Numbers, Ready},
    resource,
    scenario::Params,
};

/// A peer of a scenario.
#[derive(Clone)]
pub struct PeerSpec {
    /// What it is, for messages: `echo-server`.
    pub name: &'static str,
    /// Its life: from [`Seat::ready`] to `quit`.
    pub run: Life,
    /// Threads that do its work; `None`: as many as there is work for.
    pub threads: Option<usize>,
}

/// What a peer does, from its start to its end.
pub type Life = Arc<dyn Fn(&mut Seat) -> io::Result<()> + Send + Sync>;

impl fmt::Debug for PeerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerSpec({})", self.name)
    }
}

impl PeerSpec {
    /// A peer that lives as `run` says.
    pub fn new(
        name: &'static str,
        run: impl Fn(&mut Seat) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { name, run: Arc::new(run), threads: None }
    }

    /// One that works on so many threads: beyond these it cannot be faster, however many CPUs it has.
    #[must_use]
    pub fn on_threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }
}

/// What a peer is given.
#[derive(Debug)]
pub struct Seat {
    /// Its line to the parent.
    pub line: Line,
    /// The scenario's parameters.
    pub params: Params,
    /// How operations arrive.
    pub load: Load,
    /// Connections that each contender opens, or that a generator opens to each.
    pub sessions: usize,
    /// Operations that one sample covers.
    pub ops_per_sample: u64,
    /// Whether a generator may wait on the CPU: it has one of its own.
    pub spin: bool,
}

/// What a peer counts; shared by its threads.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<[AtomicU64; 2]>);

impl Counters {
    /// Counts an operation that was being served for that long.
    pub fn served(&self, in_flight_ns: u64) {
        self.0[0].fetch_add(1, Relaxed);
        self.0[1].fetch_add(in_flight_ns, Relaxed);
    }

    /// Runs `serve`, which answers, and counts it: the operation first. Whoever has the answer may be
    /// asked for its count before this thread runs again.
    pub fn serving<T>(&self, serve: impl FnOnce() -> T) -> T {
        let start = clock::now();
        self.0[0].fetch_add(1, Relaxed);
        let result = serve();
        self.0[1].fetch_add(clock::now() - start, Relaxed);
        result
    }

    /// The totals.
    pub fn counts(&self) -> Counts {
        let [done, in_flight_ns] = [0, 1].map(|i| self.0[i].load(Relaxed));
        Counts { done, in_flight_ns }
    }
}

impl Seat {
    /// Tells the parent where this peer listens; a generator listens nowhere.
    pub fn ready(&mut self, addr: Option<SocketAddr>) -> io::Result<()> {
        let ready = Ready { workers: None, addr, rss_base: None };
        self.line.send(&Message::Ready(ready), &Numbers::default())
    }

    /// A server's life after [`ready`](Self::ready): answers the parent's marks until it says quit.
    pub fn answer_marks(&mut self, counters: &Counters) -> io::Result<()> {
        self.answer(|| Some(counters.counts()))
    }

    /// As [`answer_marks`](Self::answer_marks), for a server that does not count what it serves:
    /// then nobody but the contenders does.
    pub fn answer_silent_marks(&mut self) -> io::Result<()> {
        self.answer(|| None)
    }

    fn answer(&mut self, counts: impl Fn() -> Option<Counts>) -> io::Result<()> {
        loop {
            let last = match self.line.receive()? {
                None => return Ok(()),
                Some((Message::Quit, _)) => true,
                Some((Message::Slice(_), _)) => false,
                Some((other, _)) => return Err(io::Error::other(format!("not now: {other:?}"))),
            };
            let now = resource::usage(&[])?;
            let done =
                Done { begin: Some(now), end: Some(now), counts: counts(), ..Done::default() };
            self.line.send(&Message::Done(Box::new(done)), &Numbers::default())?;
            if last {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_counted_before_anyone_can_have_its_answer() {
        let counters = Counters::default();
        counters.served(5);
        counters.serving(|| assert_eq!(counters.counts().done, 2));
        let Counts { done, in_flight_ns } = counters.counts();
        assert!(done == 2 && in_flight_ns >= 5);
    }
}
