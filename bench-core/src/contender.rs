//! The child: one model, alive for a block, running a slice whenever the parent says so.
//!
//! The model's work runs on a thread of its own; this thread keeps the gates, paces open loads,
//! reads the counters, and speaks to the parent. Its own CPU time and switches are subtracted.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use async_channel::{Receiver, Sender, unbounded};

use crate::{
    clock,
    env::Env,
    line::Line,
    load::{Arrivals, Load},
    model::{Dispatch, Given, Model, Serve},
    net,
    protocol::{Done, Levels, Message, Numbers, Prepare, Ready, Turn, Usage},
    resource,
    sample::{Log, Sample},
    scenario::{Cx, Observed, Params, Scenario, Service, Setup},
    session::{Answer, Gate, Go, Rules},
};

/// Samples that a client has room for in its first slice.
const FIRST_ROOM: usize = 1 << 10;

/// How long a session may take to come back after the drain, before the trial is given up.
const GRACE: Duration = Duration::from_secs(20);

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
/// `start` makes the future of a gate: [`session`](crate::session::session) or
/// [`acceptor`](crate::session::acceptor), chosen in the matrix.
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
    client_with::<M, S, Fut>(assignment, line, &Given::here(), &scenario, cx, start)
}

/// As [`client`], with a scenario that is already prepared.
pub fn client_with<M, S, Fut>(
    assignment: &Assignment,
    line: &mut Line,
    given: &Given,
    scenario: &Arc<S>,
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
    let cx = cx(Arc::clone(scenario), env.clone());
    let rules = assignment.rules();
    let gates = if assignment.load.spawn { model.lanes() } else { rules.clients };
    let (answers, answered) = mpsc::channel();
    let (doors, rooms) = doors(gates, rules.clients, &answers);
    let rooms = std::sync::Mutex::new(rooms);
    thread::scope(|scope| {
        let (model, start, cx) = (&model, &start, &cx);
        thread::Builder::new().name("sessions".into()).spawn_scoped(scope, move || {
            model.dispatch(gates, |i| {
                let gate = rooms.lock().expect("nobody panics here")[i].take();
                start(cx.clone(), rules, gate.expect("one session per gate"))
            });
        })?;
        resource::name_thread("deadheat-keeper");
        let now = || env.now();
        let mut keeper = Keeper {
            doors,
            answered,
            logs: Vec::new(),
            now: &now,
            hold: &|held| model.hold(held),
            observe: &|| scenario.observed(),
            pacing: Pacing { virtual_time: M::VIRTUAL, spin: assignment.prepare.spin },
        };
        let result = (|| {
            keeper.collect(GRACE * 3)?;
            let ready = Ready { workers: Some(model.workers()), addr: None, rss_base };
            line.send(&Message::Ready(ready), &Numbers::default())?;
            // After the model's threads exist: they keep the set and slack that they inherited.
            resource::confine(&assignment.prepare.harness_cpus)?;
            resource::sharpen_timers()?;
            keeper.keep(line)
        })();
        told(line, result)
    })
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

type Doors = (Vec<Sender<Go>>, Vec<Option<Gate>>);

/// A gate per session, or per lane with its share of the clients.
fn doors(gates: usize, clients: usize, answers: &mpsc::Sender<Answer>) -> Doors {
    (0..gates)
        .map(|i| {
            let (door, go) = unbounded();
            let clients = (i..clients).step_by(gates).collect();
            (door, Some(Gate { go, answers: answers.clone(), clients }))
        })
        .unzip()
}

/// Opens the gates for a slice and waits until the last session is back.
struct Keeper<'a> {
    doors: Vec<Sender<Go>>,
    answered: mpsc::Receiver<Answer>,
    /// One list per door, in any order: what was handed back last.
    logs: Vec<Vec<Log>>,
    now: &'a dyn Fn() -> u64,
    /// See [`Model::hold`](crate::model::Model::hold).
    hold: &'a dyn Fn(bool),
    observe: &'a dyn Fn() -> Observed,
    pacing: Pacing,
}

/// How arrivals are announced.
#[derive(Clone, Copy)]
struct Pacing {
    /// The model paces itself, on its own clock.
    virtual_time: bool,
    /// The pacer has a CPU of its own and waits on it.
    spin: bool,
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
        self.make_room(arrivals.len());
        let begin = usage()?;
        if turn.for_ns == 0 && arrivals.is_empty() {
            let levels = Some(resource::levels(None, 1));
            let done = Done { begin: Some(begin), end: Some(begin), levels, ..self.done(&[]) };
            return Ok((done, Numbers::default()));
        }
        (self.hold)(true);
        let epoch = (self.now)();
        let (announce, queue) = unbounded();
        for door in &self.doors {
            let arrivals = (turn.for_ns == 0).then(|| queue.clone());
            let logs = self.logs.pop().unwrap_or_default();
            let _ = door.try_send(Go { stop: epoch + turn.for_ns, arrivals, logs });
        }
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

    /// Room for twice the last slice, or for a whole batch.
    fn make_room(&mut self, arrivals: usize) {
        self.logs.sort_by_key(|logs| logs.first().map(|log| log.client));
        let clients = self.logs.iter().map(Vec::len).sum::<usize>().max(1);
        let share = (2 * arrivals).div_ceil(clients);
        for log in self.logs.iter_mut().flatten() {
            let room = FIRST_ROOM.max(2 * log.samples.len()).max(share);
            log.reset(room);
        }
    }

    /// Reads the levels from this thread, early in the slice, for every model alike.
    fn levels_under_load(&self, epoch: u64, for_ns: u64) -> Levels {
        if !self.pacing.virtual_time {
            // Within the lead-in, where nothing is measured.
            clock::wait_until(epoch + for_ns / 20, false);
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
        let ended = server.join().map_err(|_| io::Error::other("the server panicked"))?;
        // Where it ended too early, this is why; once it was told to end, its last words don't
        // matter.
        end.map_err(|error| ended.err().unwrap_or(error))
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
