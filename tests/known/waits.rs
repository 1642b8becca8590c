//! K6 through the keeper, the pacer's schedule and the measured loop, in simulated time.

use std::{convert::Infallible, io, sync::LazyLock, time::Duration};

use deadheat::core::{
    cell::Cell,
    cells,
    env::Env,
    load::Load,
    model::virtual_time::VirtualTime,
    protocol::{Prepare, Turn},
    race::order,
    rehearsal::Rehearsal,
    sample::Sample,
    scenario::{Cx, Description, Param, ParamKind, Scenario, Sessions, Setup},
    stats::{
        histogram,
        known::{
            Known,
            queue::{self, Law, Queue},
        },
    },
};

use super::failing;

const MEAN: u64 = 20_000_000;
const QUEUES: u64 = 64;
/// Lead-in and window, ns.
const LEAD: u64 = 1_200_000_000;
const WINDOW: u64 = 60_000_000_000;

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(|| {
    cells! { models: [VirtualTime], scenarios: [Wait], services: [] }
});

/// Waits as long as the operation's number says.
struct Wait {
    law: Law,
    queue: u64,
}

const PARAMS: &[Param] = &[
    Param {
        name: "law",
        default: "exponential",
        kind: ParamKind::Choice(&["exponential", "constant"]),
        about: "distribution",
    },
    Param { name: "queue", default: "0", kind: ParamKind::Number(0, 1_000), about: "which" },
];

impl Scenario for Wait {
    const ID: &'static str = "wait";
    type Session<E: Env> = ();
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        Description {
            operation: "wait",
            stands_for: "a queue",
            params: PARAMS,
            courses: &[],
            primary: None,
            reference: "virtual/time",
            typical: |_| Duration::from_nanos(MEAN),
            sessions: Sessions::PerOperation,
            solo_steps: 0,
            claims: &[],
        }
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        let constant = setup.params.text("law") == Some("constant");
        let law = if constant { Law::Constant } else { Law::Exponential };
        Ok(Self { law, queue: setup.params.number("queue").unwrap_or(0) })
    }

    async fn open<E: Env>(_cx: &Cx<Self, E>, _index: usize) -> io::Result<()> {
        Ok(())
    }

    async fn op<E: Env>(cx: &Cx<Self, E>, _session: &mut (), seq: u64) -> io::Result<u64> {
        let Self { law, queue } = *cx.scenario;
        cx.env.sleep(Duration::from_nanos(law.service_ns(MEAN, queue, seq))).await;
        Ok(seq)
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}

/// The samples of every queue.
fn samples(law: &str, servers: usize, rate: u64) -> Vec<Vec<Sample>> {
    let load: Load = format!("open-{rate}-poisson").parse().unwrap();
    let one = |number: u64| {
        let params = [("law", law.to_owned()), ("queue", number.to_string())];
        let prepare = Prepare {
            scenario: Wait::ID.into(),
            model: CELLS[0].model.id.into(),
            params: params.map(|(name, value)| (name.to_owned(), value)).into(),
            load: load.to_string(),
            sessions: servers,
            ops_per_sample: 1,
            ..Prepare::default()
        };
        let mut contender = Rehearsal::start(&CELLS, prepare).unwrap();
        let seed = order::seed(1, law, usize::try_from(number).unwrap(), servers);
        let arrivals = load.schedule(LEAD + WINDOW, seed);
        let (_, numbers) = contender.slice(&Turn::default(), arrivals).unwrap();
        contender.quit().unwrap();
        numbers.samples
    };
    (0..QUEUES).map(one).collect()
}

fn inside(queues: &[Vec<Sample>]) -> impl Iterator<Item = &Sample> {
    queues.iter().flatten().filter(|sample| (LEAD..LEAD + WINDOW).contains(&sample.intended))
}

/// What is said of the samples of M/M/1.
fn mm1(queues: &[Vec<Sample>]) -> Vec<Known> {
    let service = queue::mean(inside(queues).map(|sample| sample.finished - sample.started));
    let theory = Queue { lambda: 25e-9, mu: 1.0 / service, servers: 1 };
    let mut kept = histogram::empty();
    for sample in inside(queues) {
        kept.saturating_record(sample.finished - sample.intended);
    }
    let mut known = queue::mm1(theory, Some(&kept));
    let off: Vec<u64> = queues.iter().flat_map(|samples| queue::replay(samples, 1)).collect();
    known.push(queue::replays("M/M/1", &off));
    known
}

#[test]
fn one_server_waits_as_theory_says_and_broken_recorders_do_not() {
    let sound = samples("exponential", 1, 25);
    assert!(failing(&mm1(&sound)).is_empty(), "{:#?}", mm1(&sound));
    let broken = |change: &dyn Fn(&mut Vec<Sample>)| {
        let mut queues = sound.clone();
        queues.iter_mut().for_each(change);
        mm1(&queues)
    };
    // The clock starts when an operation is dispatched.
    let from_dispatch = broken(&|samples| {
        for sample in samples {
            sample.intended = sample.started;
        }
    });
    // What was waited for is taken off the result.
    let without_wait = broken(&|samples| {
        for sample in samples {
            let wait = sample.started - sample.intended;
            (sample.started, sample.finished) = (sample.intended, sample.finished - wait);
        }
    });
    // Arrivals that could not be dispatched in time are not.
    let skips = broken(&|samples| {
        samples.retain(|sample| sample.started - sample.intended < 5_000_000);
    });
    // They are moved to when they could be: a schedule that waits for its server.
    let moved = broken(&|samples| {
        for sample in samples {
            sample.intended = sample.started.min(sample.intended + 10_000_000);
        }
    });
    for (name, known) in [
        ("from the dispatch", from_dispatch),
        ("without the wait", without_wait),
        ("skips what is late", skips),
        ("moves what is late", moved),
    ] {
        assert!(!failing(&known).is_empty(), "{name} is not found out: {known:#?}");
    }
}

#[test]
fn constant_services_wait_half_as_long() {
    let queues = samples("constant", 1, 25);
    let theory = Queue { lambda: 25e-9, mu: 1.0 / MEAN as f64, servers: 1 };
    let wait = queue::mean(inside(&queues).map(|sample| sample.started - sample.intended));
    let known = [queue::md1(theory, wait)];
    assert!(failing(&known).is_empty(), "{known:#?}");
    let exponential = [queue::md1(theory, 2.0 * wait)];
    assert!(!failing(&exponential).is_empty(), "as long as M/M/1 would be too long");
}

#[test]
fn four_servers_share_one_line() {
    let queues = samples("exponential", 4, 140);
    let service = queue::mean(inside(&queues).map(|sample| sample.finished - sample.started));
    let theory = Queue { lambda: 140e-9, mu: 1.0 / service, servers: 4 };
    let waits: Vec<u64> = queues
        .iter()
        .flat_map(|samples| queue::waits(samples, &vec![0; samples.len()]).unwrap())
        .collect();
    let off: Vec<u64> = queues.iter().flat_map(|samples| queue::replay(samples, 4)).collect();
    let known = [queue::mm4(theory, queue::waiting(&waits)), queue::replays("M/M/4", &off)];
    assert!(failing(&known).is_empty(), "{known:#?}");
    // Taken for one fast server, or for three, it is another queue.
    let three: Vec<u64> = queues.iter().flat_map(|samples| queue::replay(samples, 3)).collect();
    assert!(!failing(&[queue::replays("M/M/4", &three)]).is_empty());
}
