//! `selftest-use`: one operation that uses a known amount of one thing.
//!
//! - **Operation**: as much CPU time, memory, threads or forced blocks as it is told.
//! - **Session**: what was taken is kept until the process ends.
//! - **Not measured**: how long that takes.
//! - **Stands for**: what the counters must say.
//! - **Claims**: none.

use std::{
    convert::Infallible,
    io,
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use deadheat_core::{
    clock,
    env::Env,
    resource,
    scenario::{Cx, Description, Param, ParamKind, Scenario, Sessions, Setup},
};

/// A gap between two readings of the clock that is longer than this is looked into, ns: another
/// thread had the CPU, or an interrupt.
const GAP: u64 = 20_000;

/// A page, bytes.
const PAGE: usize = 4 << 10;

/// The scenario.
#[derive(Debug, Default)]
pub(in crate::selftest) struct Use {
    what: String,
    amount: u64,
    kept: Mutex<Kept>,
}

/// What is not given back before the process ends.
#[derive(Debug, Default)]
struct Kept {
    memory: Vec<u8>,
    threads: Vec<mpsc::Sender<()>>,
}

const PARAMS: &[Param] = &[
    Param {
        name: "what",
        default: "nothing",
        kind: ParamKind::Choice(&["nothing", "cpu-ms", "mib", "threads", "blocks"]),
        about: "what is used",
    },
    Param {
        name: "amount",
        default: "0",
        kind: ParamKind::Number(0, 1_000_000),
        about: "how much of it",
    },
];

impl Scenario for Use {
    const ID: &'static str = "selftest-use";
    type Session<E: Env> = ();
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        Description {
            operation: "use what was asked for",
            stands_for: "what the counters must say",
            params: PARAMS,
            courses: &[],
            primary: None,
            reference: "blocking/sequential",
            typical: |_| Duration::from_secs(1),
            sessions: Sessions::One,
            solo_steps: 1,
            claims: &[],
        }
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        let what = setup.params.text("what").unwrap_or_default().to_owned();
        Ok(Self { what, amount: setup.params.number("amount").unwrap_or(0), ..Self::default() })
    }

    async fn open<E: Env>(_cx: &Cx<Self, E>, _index: usize) -> io::Result<()> {
        Ok(())
    }

    async fn op<E: Env>(cx: &Cx<Self, E>, _session: &mut (), seq: u64) -> io::Result<u64> {
        let Self { what, amount, kept } = &*cx.scenario;
        let locked = || kept.lock().map_err(|_| io::Error::other("the last operation panicked"));
        match what.as_str() {
            "cpu-ms" => burn(amount * 1_000_000),
            "mib" => locked()?.memory = touched(usize::try_from(*amount).unwrap_or(0) << 20),
            "threads" => locked()?.threads = parked(*amount)?,
            "blocks" => {
                for _ in 0..*amount {
                    cx.env.sleep(Duration::from_micros(50)).await;
                }
            }
            _ => {}
        }
        Ok(seq)
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}

/// Spends so much time on the CPU, by the wall clock: whenever this thread has not run, the clock
/// jumps, and it was switched out. So it knows nothing of the kernel's accounting of time, which it
/// is held against. A jump without a switch is an interrupt, whose time the kernel charges to whom it
/// interrupted (1.1 to 1.4% on a virtual machine, in 350 jumps of 30 µs a second).
fn burn(ns: u64) {
    let switches = || resource::usage(&[]).map_or(0, |usage| usage.involuntary + usage.voluntary);
    let (mut spent, mut last, mut before) = (0, clock::now(), switches());
    while spent < ns {
        let mut now = clock::now();
        let gap = now - last;
        if gap < GAP {
            spent += gap;
        } else {
            let after = switches();
            spent += if after == before { gap } else { 0 };
            before = after;
            let looked = clock::now();
            (spent, now) = (spent + (looked - now), looked);
        }
        last = now;
    }
}

/// So many bytes, each page written to.
fn touched(bytes: usize) -> Vec<u8> {
    let mut memory = vec![0; bytes];
    memory.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
    std::hint::black_box(memory)
}

/// So many threads that wait until they are let go.
fn parked(count: u64) -> io::Result<Vec<mpsc::Sender<()>>> {
    let start = |i| {
        let (let_go, wait) = mpsc::channel();
        let parked = move || _ = wait.recv();
        thread::Builder::new().name(format!("parked-{i}")).spawn(parked).map(|_| let_go)
    };
    (0..count).map(start).collect()
}
