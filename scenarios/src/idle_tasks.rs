//! `idle-tasks`: what a task costs that only waits.
//!
//! - **Operation** `k` of five: a fifth of the tasks more are started, each of which counts itself
//!   and then waits for an hour; it ends when all have really been started. Memory is read after
//!   each, so five numbers of tasks give a slope: bytes per task.
//! - **Session**: one, which starts the tasks and lets go of them, as servers do: what a handle
//!   would cost beside its task is not counted.
//! - **Not measured**: time. What a task would hold of its own (buffers, a connection) comes on top.
//! - **Stands for**: connections that are open and silent.
//! - **Claims**: C7 (async needs less memory and fewer threads than a thread per task).

use std::{
    collections::BTreeMap,
    io,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use deadheat_core::{
    env::Env,
    load::Arrivals,
    model::ModelInfo,
    record::Metric,
    scenario::{
        Course, Cx, Demand, Description, Observed, Reason, Scenario, Sessions, Setup, Tier,
    },
};

/// The scenario.
#[derive(Debug)]
pub struct IdleTasks {
    tasks: u64,
    /// Tasks that were asked for.
    asked: AtomicU64,
    /// Tasks that have run.
    started: AtomicU64,
}

/// Operations of a trial.
const STEPS: usize = 5;

/// Longer than any race.
const WAIT: Duration = Duration::from_hours(1);

/// How often the session looks whether all have been started.
const LOOK: Duration = Duration::from_millis(1);

/// Looks without a single new task after which no more will come: a model that could not start one
/// has run into a limit.
const PATIENCE: u32 = 2_000;

/// Tasks of a trial; none where the load has no such number.
fn tasks(setup: &Setup<'_>) -> Option<u64> {
    match setup.load.arrivals {
        Arrivals::Batch(tasks) => Some(tasks),
        _ => None,
    }
}

impl Scenario for IdleTasks {
    const ID: &'static str = "idle-tasks";
    type Session<E: Env> = ();
    type Arg<E: Env> = ();

    fn describe() -> Description {
        Description {
            operation: "a fifth of the tasks, started and waiting",
            stands_for: "connections that are open and silent",
            params: &[],
            courses: &[
                Course { load: "batch-10000", params: "", placement: "same", tier: Tier::Default },
                Course { load: "batch-2000", params: "", placement: "same", tier: Tier::Brief },
                Course { load: "batch-100000", params: "", placement: "same", tier: Tier::Publish },
            ],
            primary: Some(Metric::Memory),
            reference: "threads/per-task",
            // Of ten thousand tasks, over all models: threads take 70 ms, tasks 3.
            typical: |_| Duration::from_millis(35),
            sessions: Sessions::One,
            solo_steps: STEPS,
            claims: &["C7"],
        }
    }

    /// All of them wait at once, and the session beside them.
    fn demand(setup: &Setup<'_>) -> Demand {
        let tasks = tasks(setup).unwrap_or(0) + 1;
        Demand { tasks, rendezvous: tasks, ..Demand::default() }
    }

    fn fits(_model: &ModelInfo, setup: &Setup<'_>) -> Result<(), Reason> {
        tasks(setup).map(drop).ok_or_else(|| "only a batch has a number of tasks".into())
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        let tasks = tasks(setup).ok_or_else(|| io::Error::other("batch-N is needed"))?;
        Ok(Self { tasks, asked: AtomicU64::new(0), started: AtomicU64::new(0) })
    }

    async fn open<E: Env>(_cx: &Cx<Self, E>, _index: usize) -> io::Result<()> {
        Ok(())
    }

    async fn op<E: Env>(cx: &Cx<Self, E>, _session: &mut (), seq: u64) -> io::Result<u64> {
        let goal = cx.scenario.expected(seq);
        for _ in cx.scenario.asked.swap(goal, Relaxed)..goal {
            drop(cx.spawn(()));
        }
        let mut watch = Watch::default();
        while !watch.all_started(cx.scenario.started.load(Relaxed), goal)? {
            cx.env.sleep(LOOK).await;
        }
        Ok(cx.scenario.started.load(Relaxed))
    }

    async fn child<E: Env>(cx: Cx<Self, E>, (): ()) -> io::Result<u64> {
        cx.scenario.started.fetch_add(1, Relaxed);
        cx.env.sleep(WAIT).await;
        Ok(0)
    }

    /// After the last step nothing is added.
    fn expected(&self, seq: u64) -> u64 {
        let steps = STEPS as u64;
        self.tasks * (seq + 1).min(steps) / steps
    }

    fn observed(&self) -> Observed {
        Observed { units: self.started.load(Relaxed), facts: BTreeMap::new() }
    }
}

/// Whether tasks are still being started.
#[derive(Debug, Default)]
struct Watch {
    last: u64,
    looks: u32,
}

impl Watch {
    fn all_started(&mut self, started: u64, goal: u64) -> io::Result<bool> {
        self.looks = if started == self.last { self.looks + 1 } else { 0 };
        self.last = started;
        if started < goal && self.looks > PATIENCE {
            let cause = format!("{started} of {goal} tasks could be started");
            return Err(io::Error::other(cause));
        }
        Ok(started >= goal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_that_cannot_be_started_are_an_error_and_no_hang() {
        let mut watch = Watch::default();
        for started in (0..8).flat_map(|started| [started; 1_000]) {
            assert!(!watch.all_started(started, 10).unwrap(), "slow is not stuck");
        }
        let stuck = (0..=PATIENCE).find_map(|_| watch.all_started(8, 10).err());
        assert!(stuck.is_none_or(|error| error.to_string().starts_with("8 of 10")));
        assert!(watch.all_started(8, 10).is_err());
        assert!(watch.all_started(10, 10).unwrap());
    }
}
