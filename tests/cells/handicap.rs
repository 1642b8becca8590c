//! The handicap's operations: counted where they ended well, so that the other end counts as many.

use std::{
    convert::Infallible,
    io,
    sync::{
        LazyLock,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use deadheat::core::{
    cell::Cell,
    cells,
    env::Env,
    model::virtual_time::VirtualTime,
    protocol::{Prepare, Turn},
    rehearsal::Rehearsal,
    scenario::{Cx, Description, Observed, Scenario, Sessions, Setup},
};

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(|| {
    cells! { models: [VirtualTime], scenarios: [Stumbles], services: [] }
});

/// The number that fails when it is asked for the first time: below, by the handicap.
const STUMBLE: u64 = 7;

/// Waits, but for one operation, and counts as the other end would.
#[derive(Default)]
struct Stumbles {
    stumbled: AtomicBool,
    served: AtomicU64,
}

impl Scenario for Stumbles {
    const ID: &'static str = "stumbles";
    type Session<E: Env> = ();
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        Description {
            operation: "wait",
            stands_for: "a service that refuses once",
            params: &[],
            courses: &[],
            primary: None,
            reference: "simulated/single",
            typical: |_| Duration::from_millis(1),
            sessions: Sessions::One,
            solo_steps: 0,
            claims: &[],
        }
    }

    fn prepare(_setup: &Setup<'_>) -> io::Result<Self> {
        Ok(Self::default())
    }

    async fn open<E: Env>(_cx: &Cx<Self, E>, _index: usize) -> io::Result<()> {
        Ok(())
    }

    async fn op<E: Env>(cx: &Cx<Self, E>, _session: &mut (), seq: u64) -> io::Result<u64> {
        if seq == STUMBLE && !cx.scenario.stumbled.swap(true, SeqCst) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        cx.env.sleep(Duration::from_millis(1)).await;
        cx.scenario.served.fetch_add(1, SeqCst);
        Ok(seq)
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }

    fn observed(&self) -> Observed {
        Observed { units: self.served.load(SeqCst), ..Observed::default() }
    }
}

#[test]
fn an_operation_of_the_handicap_that_failed_is_an_error_and_no_more() {
    for load in ["closed-1", "closed-1-spawn", "batch-20"] {
        // The handicap is the first to ask for number 7: alone, or behind number 6.
        for (ops, extra_every) in [(1, 7), (2, 3)] {
            let prepare = Prepare {
                scenario: Stumbles::ID.into(),
                model: CELLS[0].model.id.into(),
                load: load.into(),
                sessions: 1,
                ops_per_sample: ops,
                extra_every,
                ..Prepare::default()
            };
            let mut contender = Rehearsal::start(&CELLS, prepare).unwrap();
            let arrivals = if load.starts_with("batch") { vec![0; 20] } else { Vec::new() };
            let for_ns = if arrivals.is_empty() { 40_000_000 } else { 0 };
            let turn = Turn { for_ns, ..Turn::default() };
            let (done, _) = contender.slice(&turn, arrivals).unwrap();
            contender.quit().unwrap();
            assert_eq!(done.errors.values().sum::<u64>(), 1, "{load}: {done:?}");
            assert!(done.samples > 0 && done.extra > 0, "{load}: {done:?}");
            // What came before the failure in its sample was served, and belongs to the error.
            let before = ops - 1;
            assert_eq!(done.units, done.samples * ops + done.extra + before, "{load}: {done:?}");
        }
    }
}
