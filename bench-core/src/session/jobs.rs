//! A task for each operation, instead of one for each session.
//!
//! An acceptor starts a task for every arrival (or, closed, for every client that asks again); the
//! task takes an idle client, performs one operation in the measured loop's way, and gives the
//! client back.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_channel::{Receiver, Sender};

use super::{Client, Gate, Rules, session};
use crate::{
    env::{Env, Spawn},
    sample::Log,
    scenario::{Cx, Scenario},
};

/// Clients that wait for an operation to do: each task takes one and gives it back.
///
/// Whoever has waited longest is served first, and is handed the client: in a channel, a task that
/// has just arrived can snatch it from under one that was woken for it and has not run yet.
pub struct Idle<S: Scenario, E: Env>(Arc<Mutex<Bench<Client<S, E>>>>);

struct Bench<C> {
    clients: VecDeque<C>,
    /// Empty while a client is idle.
    waiting: VecDeque<Sender<C>>,
}

impl<S: Scenario, E: Env> Clone for Idle<S, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Scenario, E: Env> Default for Idle<S, E> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Bench { clients: VecDeque::new(), waiting: VecDeque::new() })))
    }
}

impl<S: Scenario, E: Env> Idle<S, E> {
    fn bench(&self) -> MutexGuard<'_, Bench<Client<S, E>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, mut client: Client<S, E>) {
        let mut bench = self.bench();
        while let Some(first) = bench.waiting.pop_front() {
            match first.try_send(client) {
                Ok(()) => return,
                // It was cancelled.
                Err(back) => client = back.into_inner(),
            }
        }
        bench.clients.push_back(client);
    }

    fn take(&self) -> Result<Client<S, E>, Receiver<Client<S, E>>> {
        let mut bench = self.bench();
        bench.clients.pop_front().ok_or_else(|| {
            let (place, turn) = async_channel::bounded(1);
            bench.waiting.push_back(place);
            turn
        })
    }

    async fn next(&self) -> Client<S, E> {
        match self.take() {
            Ok(client) => client,
            Err(turn) => turn.recv().await.expect("this end keeps the other alive"),
        }
    }
}

/// One operation for a task of its own.
pub struct Job<S: Scenario, E: Env> {
    cx: Cx<S, E>,
    rules: Rules,
    idle: Idle<S, E>,
    /// When it arrived; for closed loads, the client that performs it.
    kind: JobKind<S, E>,
    /// Never sent on: the slice is over when the last job has dropped its end.
    token: Sender<String>,
}

enum JobKind<S: Scenario, E: Env> {
    Arrival(u64),
    Client(Client<S, E>),
}

/// Performs one operation in the task that it is spawned as.
pub async fn one<S: Scenario, E: Env>(job: Job<S, E>) {
    let Job { cx, rules, idle, kind, token } = job;
    let (mut client, intended) = match kind {
        JobKind::Client(client) => (client, None),
        JobKind::Arrival(intended) => (idle.next().await, Some(intended)),
    };
    client.op(&cx, &rules, intended, cx.env.now()).await;
    if rules.extra_every > 0 {
        client.extra(&cx, &rules).await;
    }
    if client.broken
        && let Err(cause) = client.mend(&cx).await
    {
        let _ = token.try_send(cause);
    }
    if intended.is_none() && !rules.think.is_zero() {
        cx.env.sleep(rules.think).await;
    }
    idle.put(client);
}

/// Starts a task for each operation; the tasks of a lane share its clients.
///
/// `task` is [`one`], passed in so that its future's type has a name to put a bound on.
pub async fn acceptor<S, E, Fut>(
    cx: Cx<S, E>,
    rules: Rules,
    gate: Gate,
    task: impl Fn(Job<S, E>) -> Fut,
) where
    S: Scenario,
    E: Spawn<Fut>,
    Fut: Future<Output = ()>,
{
    if let Err(cause) = tasks(&cx, rules, &gate, task).await {
        gate.answer(Err(cause));
    }
}

/// What is behind a gate: an [`acceptor`] where each operation has a task of its own (`spawn`), else
/// a [`session`]. One future for both, so that a cell is compiled into one dispatch and not two.
pub async fn room<S, E, Fut>(
    cx: Cx<S, E>,
    rules: Rules,
    gate: Gate,
    spawn: bool,
    task: impl Fn(Job<S, E>) -> Fut,
) where
    S: Scenario,
    E: Spawn<Fut>,
    Fut: Future<Output = ()>,
{
    if spawn { acceptor(cx, rules, gate, task).await } else { session(cx, rules, gate).await }
}

async fn tasks<S, E, Fut>(
    cx: &Cx<S, E>,
    rules: Rules,
    gate: &Gate,
    task: impl Fn(Job<S, E>) -> Fut,
) -> Result<(), String>
where
    S: Scenario,
    E: Spawn<Fut>,
    Fut: Future<Output = ()>,
{
    let idle = Idle::default();
    let mut logs = Vec::new();
    for &index in &gate.clients {
        let mut client = Client::open(cx, index).await?;
        logs.push(client.finish());
        idle.put(client);
    }
    gate.answer(Ok(logs));
    while let Ok(go) = gate.go.recv().await {
        let (dealt, clients) = (go.logs.len(), gate.clients.len());
        if dealt != clients {
            // Somebody's samples would be taken for another's.
            return Err(format!("{dealt} logs for {clients} clients"));
        }
        for log in go.logs {
            let mut client = idle.next().await;
            client.begin(log);
            idle.put(client);
        }
        let (token, over) = async_channel::unbounded();
        let job =
            |kind| Job { cx: cx.clone(), rules, idle: idle.clone(), kind, token: token.clone() };
        match go.arrivals {
            Some(arrivals) => {
                while let Ok(intended) = arrivals.recv().await {
                    cx.env.until(intended).await;
                    drop(cx.env.spawn(task(job(JobKind::Arrival(intended)))));
                    cx.env.turn().await;
                }
            }
            None => loop {
                let client = idle.next().await;
                if cx.env.now() >= go.stop {
                    idle.put(client);
                    break;
                }
                drop(cx.env.spawn(task(job(JobKind::Client(client)))));
                cx.env.turn().await;
            },
        }
        drop(token);
        if let Ok(cause) = over.recv().await {
            return Err(cause);
        }
        gate.answer(Ok(collect(&idle, clients).await));
    }
    Ok(())
}

/// Takes the logs of the clients, which are all idle.
async fn collect<S: Scenario, E: Env>(idle: &Idle<S, E>, clients: usize) -> Vec<Log> {
    let mut all = Vec::with_capacity(clients);
    for _ in 0..clients {
        all.push(idle.next().await);
    }
    let logs = all.iter_mut().map(Client::finish).collect();
    for client in all {
        idle.put(client);
    }
    logs
}
