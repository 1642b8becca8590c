//! `sleep`: wait for a timer.
//!
//! - **Operation**: one wait of `for` (1 ms by default).
//! - **Session**: nothing is kept.
//! - **Not measured**: the accuracy of the wait as such; a runtime whose timers have a coarse tick
//!   shows here as slower, and that is a finding.
//! - **Stands for**: waiting on anything slow, without the cost of talking to it.
//! - **Claims**: C1 (waits overlap).

use std::{convert::Infallible, io, time::Duration};

use deadheat_core::{
    env::Env,
    scenario::{Course, Cx, Description, Param, ParamKind, Scenario, Sessions, Setup, Tier},
};

/// The scenario.
#[derive(Debug)]
pub struct Sleep {
    duration: Duration,
}

const PARAMS: &[Param] = &[
    Param {
        name: "for",
        default: "1ms",
        kind: ParamKind::Duration(Duration::from_mins(1)),
        about: "how long each operation waits",
    },
    Param {
        name: "conns",
        default: "64",
        kind: ParamKind::Number(1, 100_000),
        about: "sessions of an open load",
    },
];

impl Scenario for Sleep {
    const ID: &'static str = "sleep";
    type Session<E: Env> = ();
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        Description {
            operation: "wait for a timer",
            stands_for: "waiting on anything slow",
            params: PARAMS,
            courses: &[Course {
                load: "closed-64",
                params: "",
                placement: "same",
                tier: Tier::Default,
            }],
            primary: None,
            reference: "threads/per-task",
            typical: |params| params.duration("for").unwrap_or_default(),
            sessions: Sessions::PerOperation,
            solo_steps: 0,
            claims: &["C1"],
        }
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        Ok(Self { duration: setup.params.duration("for").unwrap_or_default() })
    }

    async fn open<E: Env>(_cx: &Cx<Self, E>, _index: usize) -> io::Result<()> {
        Ok(())
    }

    async fn op<E: Env>(cx: &Cx<Self, E>, _session: &mut (), seq: u64) -> io::Result<u64> {
        cx.env.sleep(cx.scenario.duration).await;
        Ok(seq)
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}
