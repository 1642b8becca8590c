//! A scenario that does nothing, and a contender in this process that runs it.

// Each bench target is a crate of its own and uses its part of this file.
#![expect(dead_code, reason = "one of the bench targets races a single model")]

use std::{convert::Infallible, io, sync::LazyLock, time::Duration};

use deadheat::core::{
    cell::Cell,
    env::Env,
    protocol::{Prepare, Turn},
    rehearsal::Rehearsal,
    scenario::{Cx, Description, Scenario, Sessions, Setup},
};

/// The operation is its number.
#[derive(Debug)]
pub struct Nothing;

impl Scenario for Nothing {
    const ID: &'static str = "nothing";
    type Session<E: Env> = ();
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        Description {
            operation: "nothing",
            stands_for: "the harness itself",
            params: &[],
            courses: &[],
            primary: None,
            reference: "blocking/sequential",
            typical: |_| Duration::ZERO,
            sessions: Sessions::One,
            solo_steps: 0,
            claims: &[],
        }
    }

    fn prepare(_setup: &Setup<'_>) -> io::Result<Self> {
        Ok(Self)
    }

    async fn open<E: Env>(_cx: &Cx<Self, E>, _index: usize) -> io::Result<()> {
        Ok(())
    }

    async fn op<E: Env>(_cx: &Cx<Self, E>, _session: &mut (), seq: u64) -> io::Result<u64> {
        Ok(seq)
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}

static CELLS: LazyLock<Vec<Cell>> =
    LazyLock::new(|| deadheat::standard_cells! { scenarios: [Nothing], services: [] });

/// Every model's id.
pub fn models() -> Vec<&'static str> {
    CELLS.iter().map(|cell| cell.model.id).collect()
}

/// A contender on threads of this process.
#[derive(Debug)]
pub struct Course(Rehearsal);

impl Course {
    /// Starts it, and runs it until its space for samples has its final size.
    pub fn new(model: &str, load: &str) -> Self {
        let prepare = Prepare {
            scenario: Nothing::ID.into(),
            model: model.into(),
            load: load.into(),
            sessions: 1,
            ops_per_sample: 1,
            ..Prepare::default()
        };
        let mut course = Self(Rehearsal::start(&CELLS, prepare).expect("the contender starts"));
        for _ in 0..4 {
            course.slice();
        }
        course
    }

    /// How long `n` operations take, from slices of two milliseconds.
    pub fn time(&mut self, n: u64) -> Duration {
        let (mut operations, mut took) = (0, 0);
        // All of them: criterion chooses `n` by how long the last one took on its own clock.
        while operations < n {
            let (more, ns) = self.slice();
            operations += more;
            took += ns;
        }
        Duration::from_nanos((u128::from(took) * u128::from(n) / u128::from(operations)) as u64)
    }

    /// Operations of a slice, and the time from the first one's start to the last one's end.
    fn slice(&mut self) -> (u64, u64) {
        let turn = Turn { for_ns: 2_000_000, drain_ns: 1_000_000_000, ..Turn::default() };
        loop {
            let (_, numbers) = self.0.slice(&turn, Vec::new()).expect("a slice runs");
            // On a busy machine a slice may be over before its session is awake.
            if let (Some(first), Some(last)) = (numbers.samples.first(), numbers.samples.last()) {
                return (numbers.samples.len() as u64, last.finished - first.started);
            }
        }
    }
}
