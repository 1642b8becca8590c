//! `spin`: a counted number of steps of arithmetic. Hidden: it measures the instrument, not models.
//!
//! - **Operation**: `steps` steps, each of which needs the one before, so that a processor has
//!   nothing to overlap; a count twice as high takes twice as long on any machine.
//! - **Session**: nothing is kept.
//! - **Not measured**: nothing besides; there is no memory traffic and no system call. The two
//!   clock readings around an operation are part of it, as everywhere.
//! - **Stands for**: a slowdown of known size. A contender that is given 5% more steps is 5% slower,
//!   and a campaign looks whether that is what comes out.
//! - **Claims**: none.

use std::{convert::Infallible, hint, io, time::Duration};

use deadheat_core::{
    env::Env,
    scenario::{
        Course, Cx, Description, Param, ParamKind, Params, Scenario, Sessions, Setup, Tier,
    },
};

/// Steps of an operation unless it is told otherwise: some 30 µs, so that what surrounds them is
/// about 0.2% of it.
pub const STEPS: u64 = 20_000;

/// The scenario.
#[derive(Debug)]
pub struct Spin {
    steps: u64,
}

const PARAMS: &[Param] = &[Param {
    name: "steps",
    default: "20000",
    kind: ParamKind::Number(1, 100_000_000),
    about: "steps of arithmetic, each of which needs the one before",
}];

fn steps(params: &Params) -> u64 {
    params.number("steps").unwrap_or(STEPS)
}

/// Takes so many steps: a shift, a difference and a product, which no compiler knows how to sum up.
pub fn spin(steps: u64) {
    let mut state = hint::black_box(0x9e37_79b9_7f4a_7c15_u64);
    for _ in 0..hint::black_box(steps) {
        state = (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    hint::black_box(state);
}

impl Scenario for Spin {
    const ID: &'static str = "spin";
    type Session<E: Env> = ();
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        Description {
            operation: "20,000 steps of arithmetic, each of which needs the one before",
            stands_for: "a slowdown of known size",
            params: PARAMS,
            courses: &[Course {
                load: "closed-1",
                params: "",
                placement: "same",
                tier: Tier::Publish,
            }],
            primary: None,
            reference: "threads/per-task",
            // About five cycles each.
            typical: |params| Duration::from_nanos(2 * steps(params)),
            sessions: Sessions::One,
            solo_steps: 0,
            claims: &[],
        }
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        Ok(Self { steps: steps(setup.params) })
    }

    async fn open<E: Env>(_cx: &Cx<Self, E>, _index: usize) -> io::Result<()> {
        Ok(())
    }

    async fn op<E: Env>(cx: &Cx<Self, E>, _session: &mut (), seq: u64) -> io::Result<u64> {
        spin(cx.scenario.steps);
        Ok(seq)
    }

    /// Whatever the count: contenders of a race may have different ones.
    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_count_that_is_documented() {
        let params = Params::parse("", PARAMS).unwrap();
        assert_eq!(steps(&params), STEPS);
        assert_eq!(steps(&Params::parse("steps=21000", PARAMS).unwrap()), 21_000);
    }
}
