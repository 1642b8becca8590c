//! A workload of one's own, raced by every model: `cargo bench --bench race -- --quick`.

use std::{convert::Infallible, io, time::Duration};

use deadheat::{
    core::env::Env,
    model,
    scenario::{Course, Cx, Description, Scenario, Sessions, Setup, Tier},
};

/// What all sessions of a trial share: addresses, payloads, tables.
struct Mine {
    wait: Duration,
}

impl Scenario for Mine {
    const ID: &'static str = "mine";
    /// What outlives an operation: an open connection, a buffer.
    type Session<E: Env> = ();
    /// What a child task is given; nothing here starts any.
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        Description {
            operation: "wait, then work",
            stands_for: "a request of mine",
            params: &[],
            courses: &[Course {
                load: "closed-16",
                params: "",
                placement: "same",
                tier: Tier::Quick,
            }],
            primary: None,
            reference: "threads/per-task",
            typical: |_| Duration::from_millis(1),
            sessions: Sessions::PerOperation,
            solo_steps: 0,
            claims: &[],
        }
    }

    /// Off the clock, once in each process.
    fn prepare(_setup: &Setup<'_>) -> io::Result<Self> {
        Ok(Self { wait: Duration::from_millis(1) })
    }

    /// Off the clock, once for each session.
    async fn open<E: Env>(_cx: &Cx<Self, E>, _index: usize) -> io::Result<()> {
        Ok(())
    }

    /// One operation: this is what is timed. Waiting goes through `cx.env`, so that every model
    /// waits in its own way.
    async fn op<E: Env>(cx: &Cx<Self, E>, _session: &mut (), seq: u64) -> io::Result<u64> {
        cx.env.sleep(cx.scenario.wait).await;
        Ok(work(seq))
    }

    /// What every model must have answered: a race of wrong answers is no race.
    fn expected(&self, seq: u64) -> u64 {
        work(seq)
    }
}

fn work(seq: u64) -> u64 {
    seq.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

deadheat::main! {
    models: [
        model::blocking::ThreadPerTask,
        model::pool::Pool<64>,
        model::tokio::CurrentThread,
        model::tokio::MultiThread,
    ],
    scenarios: [Mine],
}
