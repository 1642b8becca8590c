//! The thread that keeps the gates of a trial: it opens them slice by slice, paces open loads, reads
//! the counters, and answers the parent.
//!
//! The same for every cell, and so compiled once.

use std::{
    io,
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use async_channel::{Receiver, Sender, unbounded};

use crate::{
    clock,
    line::Line,
    protocol::{Done, Levels, Message, Numbers, Ready, Turn},
    resource,
    sample::{Log, Sample},
    scenario::Observed,
    session::{Answer, Gate, Go},
};

use super::{told, usage};

/// Samples that a client has room for at least.
const FIRST_ROOM: usize = 1 << 10;

/// Samples that a trial has room for in its first slice, at most: 32 bytes each.
const MOST_ROOM: usize = 1 << 16;

/// How long a session may take to come back after the drain, before the trial is given up.
const GRACE: Duration = Duration::from_secs(20);

/// What is the same for every cell, and so is compiled once.
pub(super) struct Trial<'a> {
    /// Runs the sessions, and returns when all have ended.
    pub(super) dispatch: &'a (dyn Fn() + Sync),
    pub(super) ready: Ready,
    pub(super) harness_cpus: &'a [usize],
}

impl Trial<'_> {
    pub(super) fn run(self, line: &mut Line, mut keeper: Keeper<'_>) -> io::Result<()> {
        thread::scope(|scope| {
            let dispatch = self.dispatch;
            thread::Builder::new().name("sessions".into()).spawn_scoped(scope, dispatch)?;
            resource::name_thread("deadheat-keeper");
            let result = self.keep(line, &mut keeper);
            // Without doors the sessions end.
            drop(keeper);
            told(line, result)
        })
    }

    fn keep(self, line: &mut Line, keeper: &mut Keeper<'_>) -> io::Result<()> {
        keeper.collect(GRACE * 3)?;
        line.send(&Message::Ready(self.ready), &Numbers::default())?;
        // After the model's threads exist: they keep the set and slack that they inherited.
        resource::confine(self.harness_cpus)?;
        resource::sharpen_timers()?;
        keeper.keep(line)
    }
}

/// The keeper's ends of the gates, before there is a keeper.
pub(super) struct Doors {
    doors: Vec<Sender<Go>>,
    answered: mpsc::Receiver<Answer>,
}

/// The sessions' ends, each to be taken once.
pub(super) struct Gates(Mutex<Vec<Option<Gate>>>);

impl Gates {
    /// The gate of session (or lane) `index`.
    pub(super) fn take(&self, index: usize) -> Gate {
        let gate = self.0.lock().expect("nobody panics here")[index].take();
        gate.expect("one session per gate")
    }
}

impl Doors {
    /// A gate per session, or per lane with its share of the clients: client `i` is behind gate
    /// `i % gates`.
    pub(super) fn new(gates: usize, clients: usize) -> (Self, Gates) {
        let (answers, answered) = mpsc::channel();
        let (doors, gates) = (0..gates)
            .map(|i| {
                let (door, go) = unbounded();
                let clients = (i..clients).step_by(gates).collect();
                (door, Some(Gate { go, answers: answers.clone(), clients }))
            })
            .unzip();
        (Self { doors, answered }, Gates(Mutex::new(gates)))
    }

    /// The keeper of a real model, without anything to observe.
    pub(super) fn keeper(self, spin: bool) -> Keeper<'static> {
        let pacing = Pacing { virtual_time: false, spin };
        let Self { doors, answered } = self;
        Keeper {
            doors,
            answered,
            logs: Vec::new(),
            now: &clock::now,
            hold: &|_| {},
            observe: &Observed::default,
            pacing,
        }
    }
}

/// Opens the gates for a slice and waits until the last session is back.
pub(super) struct Keeper<'a> {
    pub(super) doors: Vec<Sender<Go>>,
    pub(super) answered: mpsc::Receiver<Answer>,
    /// One list per door, in any order: what was handed back last.
    pub(super) logs: Vec<Vec<Log>>,
    pub(super) now: &'a dyn Fn() -> u64,
    /// See [`Model::hold`](crate::model::Model::hold).
    pub(super) hold: &'a dyn Fn(bool),
    pub(super) observe: &'a dyn Fn() -> Observed,
    pub(super) pacing: Pacing,
}

/// How arrivals are announced.
#[derive(Clone, Copy)]
pub(super) struct Pacing {
    /// The model paces itself, on its own clock.
    pub(super) virtual_time: bool,
    /// The pacer has a CPU of its own and waits on it.
    pub(super) spin: bool,
}

impl Keeper<'_> {
    fn keep(&mut self, line: &mut Line) -> io::Result<()> {
        loop {
            match line.receive()? {
                None => return Ok(()),
                Some((Message::Slice(turn), numbers)) => {
                    let (done, numbers) = self.slice(&turn, &numbers.arrivals)?;
                    line.send(&Message::Done(Box::new(done)), &numbers)?;
                }
                Some((Message::Quit, _)) => {
                    let end = usage()?;
                    let done = Done { begin: Some(end), end: Some(end), ..self.done(&[]) };
                    return line.send(&Message::Done(Box::new(done)), &Numbers::default());
                }
                Some((other, _)) => return Err(io::Error::other(format!("not now: {other:?}"))),
            }
        }
    }

    /// Waits until every session is back.
    fn collect(&mut self, patience: Duration) -> io::Result<()> {
        while self.logs.len() < self.doors.len() {
            let answer = self.answered.recv_timeout(patience).map_err(|_| {
                let (back, all) = (self.logs.len(), self.doors.len());
                io::Error::other(format!("{back} of {all} sessions came back in {patience:?}"))
            })?;
            self.logs.push(answer.map_err(io::Error::other)?);
        }
        Ok(())
    }

    fn slice(&mut self, turn: &Turn, arrivals: &[u64]) -> io::Result<(Done, Numbers)> {
        self.make_room(arrivals.len(), turn.for_ns);
        let begin = usage()?;
        if turn.for_ns == 0 && arrivals.is_empty() {
            let levels = Some(resource::levels(None, 1));
            let done = Done { begin: Some(begin), end: Some(begin), levels, ..self.done(&[]) };
            return Ok((done, Numbers::default()));
        }
        (self.hold)(true);
        let epoch = (self.now)();
        let (announce, queue) = unbounded();
        self.let_in(epoch + turn.for_ns, (turn.for_ns == 0).then_some(&queue));
        let levels = (turn.for_ns > 0).then(|| self.levels_under_load(epoch, turn.for_ns));
        let lags = self.pace(arrivals, epoch, announce);
        (self.hold)(false);
        let levels = levels.unwrap_or_else(|| resource::levels(None, 1));
        let censored = self.drain(turn, &queue)?;
        let span_ns = (self.now)() - epoch;
        let end = usage()?;
        let samples = self.samples(epoch);
        let done = Done {
            samples: samples.len() as u64,
            lags: lags.len() as u64,
            censored: censored.len() as u64,
            span_ns,
            begin: Some(begin),
            end: Some(end),
            levels: Some(levels),
            ..self.done(&samples)
        };
        let censored = censored.into_iter().map(|due| due - epoch).collect();
        Ok((done, Numbers { samples, lags, censored, ..Numbers::default() }))
    }

    /// Room for twice the last slice, or for a whole batch. The lists come into the order of their
    /// doors, whoever was back first.
    fn make_room(&mut self, arrivals: usize, for_ns: u64) {
        let doors = self.doors.len();
        self.logs.sort_by_key(|logs| logs.first().map(|log| log.client % doors));
        let clients = self.logs.iter().map(Vec::len).sum::<usize>().max(1);
        // Of a closed load: a sample each microsecond, between all clients.
        let closed = usize::try_from(for_ns / 1_000).unwrap_or(MOST_ROOM).min(MOST_ROOM);
        let share = (2 * arrivals).max(closed).div_ceil(clients);
        for log in self.logs.iter_mut().flatten() {
            let room = FIRST_ROOM.max(2 * log.samples.len()).max(share);
            log.reset(room);
        }
    }

    /// Opens every door, with the logs of the clients behind it.
    fn let_in(&mut self, stop: u64, arrivals: Option<&Receiver<u64>>) {
        for (door, logs) in self.doors.iter().zip(self.logs.drain(..)) {
            let _ = door.try_send(Go { stop, arrivals: arrivals.cloned(), logs });
        }
    }

    /// Reads the levels from this thread, early in the slice, for every model alike.
    fn levels_under_load(&self, epoch: u64, for_ns: u64) -> Levels {
        if !self.pacing.virtual_time {
            // Every lead-in is longer, so nothing is measured yet.
            clock::wait_until(epoch + for_ns.min(1_000_000), false);
        }
        resource::levels(None, 1)
    }

    /// Announces each arrival at its time, from a thread that no model owns: a model that paced
    /// itself would add its own timer's error to the load. Hanging up ends the slice.
    fn pace(&self, arrivals: &[u64], epoch: u64, announce: Sender<u64>) -> Vec<u64> {
        let mut lags = Vec::with_capacity(arrivals.len());
        for &due in arrivals {
            let due = epoch + due;
            if !self.pacing.virtual_time {
                clock::wait_until(due, self.pacing.spin);
                lags.push(clock::now().saturating_sub(due));
            }
            // Never full, and `queue` keeps the other end alive.
            let _ = announce.try_send(due);
        }
        drop(announce);
        lags
    }

    /// Waits for the sessions; takes what has not been started when the drain ends.
    fn drain(&mut self, turn: &Turn, queue: &Receiver<u64>) -> io::Result<Vec<u64>> {
        let mut censored = Vec::new();
        if turn.for_ns == 0 && !self.pacing.virtual_time {
            let deadline = clock::now() + turn.drain_ns;
            while self.logs.len() < self.doors.len() && clock::now() < deadline {
                let left = Duration::from_nanos(deadline.saturating_sub(clock::now()));
                if let Ok(answer) = self.answered.recv_timeout(left) {
                    self.logs.push(answer.map_err(io::Error::other)?);
                }
            }
            if self.logs.len() < self.doors.len() {
                censored.extend(std::iter::from_fn(|| queue.try_recv().ok()));
            }
        }
        self.collect(GRACE)?;
        Ok(censored)
    }

    /// The samples of the slice, client by client, with times since its epoch.
    fn samples(&mut self, epoch: u64) -> Vec<Sample> {
        let mut logs: Vec<_> = self.logs.iter().flatten().collect();
        logs.sort_by_key(|log| log.client);
        let all = logs.into_iter().flat_map(|log| &log.samples);
        all.map(|sample| Sample {
            intended: sample.intended - epoch,
            started: sample.started - epoch,
            finished: sample.finished - epoch,
            check: sample.check,
        })
        .collect()
    }

    fn done(&self, samples: &[Sample]) -> Done {
        let mut done = Done::default();
        if !samples.is_empty() {
            let mut logs: Vec<_> = self.logs.iter().flatten().collect();
            logs.sort_by_key(|log| log.client);
            done.sessions = logs.iter().map(|log| log.samples.len() as u64).collect();
        }
        for log in self.logs.iter().flatten() {
            done.extra += log.extra;
            for (kind, count) in &log.errors {
                *done.errors.entry(kind.clone()).or_default() += count;
            }
        }
        let Observed { units, facts } = (self.observe)();
        Done { units, facts, ..done }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a gate hands back: the logs of its clients, from one of them on.
    fn logs(gate: &Gate, first: usize) -> Vec<Log> {
        let mut clients = gate.clients.clone();
        clients.rotate_left(first % gate.clients.len());
        clients.into_iter().map(|client| Log { client, ..Log::default() }).collect()
    }

    #[test]
    fn every_gate_gets_the_logs_of_its_own_clients() {
        for (clients, lanes) in [(3, 2), (16, 3), (64, 6), (4, 2), (5, 5), (2, 1)] {
            let (doors, gates) = Doors::new(lanes, clients);
            let gates: Vec<_> = (0..lanes).map(|lane| gates.take(lane)).collect();
            let mut keeper = doors.keeper(false);
            for slice in 0..4 {
                // Each time another one is back first, and another client is its first.
                for gate in gates.iter().cycle().skip(slice).take(lanes) {
                    gate.answers.send(Ok(logs(gate, slice))).unwrap();
                }
                keeper.collect(GRACE).unwrap();
                keeper.make_room(0, 0);
                keeper.let_in(0, None);
                for gate in &gates {
                    let go = gate.go.try_recv().unwrap();
                    let mut dealt: Vec<_> = go.logs.iter().map(|log| log.client).collect();
                    dealt.sort_unstable();
                    assert_eq!(dealt, gate.clients, "{clients} clients on {lanes} lanes");
                }
            }
        }
    }
}
