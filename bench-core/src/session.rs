//! The one measured loop in the project, and the gate that opens it slice by slice.
//!
//! Sessions live as long as the trial: they open their connection once, and between slices they
//! wait at the gate, a channel that wakes any executor. So nothing is handed in and out of a
//! runtime, a session that is not `Send` stays where it is, and no thread is started anew.
//!
//! Between the two clock readings of an operation there is nothing of ours: no dyn call, lock,
//! allocation, formatting or logging.

use std::{hint, io, sync::mpsc, time::Duration};

use async_channel::Receiver;

use crate::{
    env::Env,
    sample::{Log, Sample, fold},
    scenario::{Cx, Scenario},
};

mod jobs;

pub use self::jobs::{Idle, Job, acceptor, one, room};

/// What all clients of a trial keep to.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Clients of the trial.
    pub clients: usize,
    /// Operations that one sample covers.
    pub ops_per_sample: u64,
    /// After every so many samples one more operation is done and not reported; 0: none.
    pub extra_every: u64,
    /// What a client of a closed load does between operations, off the clock.
    pub think: Duration,
}

/// Lets sessions run one slice.
#[derive(Debug)]
pub struct Go {
    /// When a closed load ends, on the contender's clock.
    pub stop: u64,
    /// The intended starts of an open load or a batch; the slice ends when they do.
    pub arrivals: Option<Receiver<u64>>,
    /// One for each client.
    pub logs: Vec<Log>,
}

/// What a session hands back: at once when it is open, then for each slice.
pub type Answer = Result<Vec<Log>, String>;

/// A session's end of the gate.
#[derive(Debug)]
pub struct Gate {
    /// One per slice; closed at the end of the trial.
    pub go: Receiver<Go>,
    /// Where the answers go.
    pub answers: mpsc::Sender<Answer>,
    /// Clients behind this gate: their indices.
    pub clients: Vec<usize>,
}

impl Gate {
    fn answer(&self, answer: Answer) {
        // Where nobody listens any more the trial is over.
        let _ = self.answers.send(answer);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.answer(Err("a session panicked".into()));
        } else if !self.go.is_closed() {
            // Of an error that was told already, nobody hears a second time.
            self.answer(Err("a session could not be started".into()));
        }
    }
}

/// One client of the scenario: what it keeps between operations, and where its samples go.
pub struct Client<S: Scenario, E: Env> {
    index: usize,
    state: S::Session<E>,
    /// Operations that ended well, of the whole trial.
    ended: u64,
    /// Whether the last operation failed: its connection may be in any state.
    broken: bool,
    log: Log,
}

impl<S: Scenario, E: Env> Client<S, E> {
    async fn open(cx: &Cx<S, E>, index: usize) -> Result<Self, String> {
        let state = S::open(cx, index)
            .await
            .map_err(|error| format!("failed to open session {index}: {error}"))?;
        let log = Log { client: index, ..Log::default() };
        Ok(Self { index, state, ended: 0, broken: false, log })
    }

    /// Takes a log to write a slice into.
    fn begin(&mut self, log: Log) {
        self.log = Log { client: self.index, ..log };
    }

    /// Gives the slice's log back.
    fn finish(&mut self) -> Log {
        std::mem::take(&mut self.log)
    }

    /// The number of its next operation, unlike any other client's.
    #[inline]
    fn seq(&self, rules: &Rules) -> u64 {
        self.ended * rules.clients as u64 + self.index as u64
    }

    /// Performs one operation, or one counted batch. Every sample is taken here.
    #[inline]
    async fn op(&mut self, cx: &Cx<S, E>, rules: &Rules, intended: Option<u64>, started: u64) {
        let first = self.ended;
        let result = self.perform(cx, rules).await;
        let finished = cx.env.now();
        match result {
            Ok(check) => {
                let intended = intended.unwrap_or(started);
                self.log.samples.push(Sample { intended, started, finished, check });
            }
            Err(error) => {
                self.ended = first;
                self.broken = true;
                self.log.fail(&error);
            }
        }
    }

    #[inline]
    async fn perform(&mut self, cx: &Cx<S, E>, rules: &Rules) -> io::Result<u64> {
        // Of nothing and a check value it is that value. One place calls the operation, so that it
        // is compiled into this loop.
        let mut check = 0;
        for _ in 0..rules.ops_per_sample {
            let seq = self.seq(rules);
            let next = S::op(cx, &mut self.state, seq).await?;
            self.ended += 1;
            check = fold(check, next);
        }
        Ok(hint::black_box(check))
    }

    /// The handicap's operation: in full, through the queue and the wire, and not reported.
    ///
    /// Counted over the whole trial, and each client in its own phase: else all of them would do
    /// it at once, and a short slice might hold none or two rounds of it.
    async fn extra(&mut self, cx: &Cx<S, E>, rules: &Rules) {
        let samples = self.ended / rules.ops_per_sample + self.index as u64;
        if self.broken || !samples.is_multiple_of(rules.extra_every) {
            return;
        }
        if !rules.think.is_zero() {
            cx.env.sleep(rules.think).await;
        }
        cx.env.turn().await;
        let before = self.ended;
        match self.perform(cx, rules).await {
            Ok(_) => self.log.extra += rules.ops_per_sample,
            // An error, and nothing that was done: the other end need not have seen it.
            Err(error) => {
                self.broken = true;
                self.log.fail(&error);
            }
        }
        self.ended = before;
    }

    /// After an error, opens the session again, off the clock.
    async fn mend(&mut self, cx: &Cx<S, E>) -> Result<(), String> {
        let index = self.index;
        let again = S::open(cx, index).await;
        self.state = again.map_err(|e| format!("failed to open session {index} again: {e}"))?;
        self.broken = false;
        Ok(())
    }
}

/// A client with a task of its own for the whole trial.
pub async fn session<S: Scenario, E: Env>(cx: Cx<S, E>, rules: Rules, gate: Gate) {
    if let Err(cause) = slices(&cx, &rules, &gate).await {
        gate.answer(Err(cause));
    }
}

async fn slices<S: Scenario, E: Env>(
    cx: &Cx<S, E>,
    rules: &Rules,
    gate: &Gate,
) -> Result<(), String> {
    let mut client = Client::open(cx, gate.clients[0]).await?;
    gate.answer(Ok(vec![client.finish()]));
    while let Ok(mut go) = gate.go.recv().await {
        client.begin(go.logs.pop().unwrap_or_default());
        match &go.arrivals {
            None => closed(cx, rules, &mut client, go.stop).await?,
            Some(arrivals) => open(cx, rules, &mut client, arrivals).await?,
        }
        gate.answer(Ok(vec![client.finish()]));
    }
    Ok(())
}

async fn closed<S: Scenario, E: Env>(
    cx: &Cx<S, E>,
    rules: &Rules,
    client: &mut Client<S, E>,
    stop: u64,
) -> Result<(), String> {
    loop {
        let started = cx.env.now();
        if started >= stop {
            return Ok(());
        }
        client.op(cx, rules, None, started).await;
        // Asked here, and not inside: a future that does nothing costs some nanoseconds too.
        if rules.extra_every > 0 {
            client.extra(cx, rules).await;
        }
        if client.broken {
            client.mend(cx).await?;
        }
        if !rules.think.is_zero() {
            cx.env.sleep(rules.think).await;
        }
        cx.env.turn().await;
    }
}

async fn open<S: Scenario, E: Env>(
    cx: &Cx<S, E>,
    rules: &Rules,
    client: &mut Client<S, E>,
    arrivals: &Receiver<u64>,
) -> Result<(), String> {
    while let Ok(intended) = arrivals.recv().await {
        cx.env.until(intended).await;
        client.op(cx, rules, Some(intended), cx.env.now()).await;
        if rules.extra_every > 0 {
            client.extra(cx, rules).await;
        }
        if client.broken {
            client.mend(cx).await?;
        }
        cx.env.turn().await;
    }
    Ok(())
}
