//! `selftest-bursts`: foreign load, as a process of ours.
//!
//! - **Operation**: none.
//! - **Session**: none.
//! - **Not measured**: anything: it is there to be in the way.
//! - **Stands for**: a neighbour.
//! - **Claims**: none.

use std::{
    convert::Infallible,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use deadheat_core::{
    clock,
    env::Env,
    peer::{PeerSpec, Seat},
    scenario::{Cx, Description, Param, ParamKind, Scenario, Sessions, Setup},
};

/// The scenario: all there is to it is its peer.
#[derive(Debug)]
pub(in crate::selftest) struct Noise;

const PARAMS: &[Param] = &[
    Param {
        name: "on",
        default: "200ms",
        kind: ParamKind::Duration(Duration::from_mins(1)),
        about: "how long it burns CPU time",
    },
    Param {
        name: "off",
        default: "300ms",
        kind: ParamKind::Duration(Duration::from_mins(1)),
        about: "how long it sleeps",
    },
];

impl Scenario for Noise {
    const ID: &'static str = "selftest-bursts";
    type Session<E: Env> = ();
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        Description {
            operation: "none",
            stands_for: "a neighbour",
            params: PARAMS,
            courses: &[],
            primary: None,
            reference: "threads/per-task",
            typical: |_| Duration::from_millis(1),
            sessions: Sessions::One,
            solo_steps: 0,
            claims: &[],
        }
    }

    fn peers(_setup: &Setup<'_>) -> Vec<PeerSpec> {
        vec![PeerSpec::new("bursts", run)]
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

fn run(seat: &mut Seat) -> io::Result<()> {
    let duration = |name| seat.params.duration(name).unwrap_or_default();
    let (on, off) = (duration("on"), duration("off"));
    let enough = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&enough);
    let neighbour = thread::Builder::new().name("bursts".into()).spawn(move || {
        while !over.load(Relaxed) {
            clock::wait_until(clock::now() + clock::nanos(on), true);
            clock::sleep(off);
        }
    })?;
    seat.ready(None)?;
    let result = seat.answer_silent_marks();
    enough.store(true, Relaxed);
    neighbour.join().map_err(|_| io::Error::other("the neighbour panicked"))?;
    result
}
