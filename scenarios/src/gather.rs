//! `gather`: start several waits at once and wait for all of them.
//!
//! - **Operation**: a child for each of `delays`, which waits that many `unit`s; then all are
//!   joined, in the order in which they were started.
//! - **Session**: nothing is kept.
//! - **Not measured**: work in the children. The time is that of the longest wait where waits
//!   overlap, and their sum where they do not.
//! - **Stands for**: asking several slow places at once: the first example of every tutorial.
//! - **Claims**: C1 (waits overlap), C2 (what waits less ends first): the fact `completion_order` is
//!   the order of the last operation, by index of the delay, and `out_of_order` counts the
//!   operations in which a longer wait ended before a shorter one.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use deadheat_core::{
    env::Env,
    sample::fold,
    scenario::{
        Course, Cx, Demand, Description, Observed, Param, ParamKind, Scenario, Sessions, Setup,
        Tier, connections,
    },
};

/// The scenario.
#[derive(Debug)]
pub struct Gather {
    delays: Vec<Duration>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    operations: u64,
    out_of_order: u64,
    last: Vec<usize>,
}

/// What a child is given: which delay is its own, and where children that end count themselves.
#[derive(Debug)]
pub struct Wait {
    index: usize,
    ended: Arc<AtomicU64>,
}

const PARAMS: &[Param] = &[
    Param {
        name: "delays",
        default: "3+2",
        kind: ParamKind::List(64),
        about: "how long each child waits, in units",
    },
    Param {
        name: "unit",
        default: "20ms",
        kind: ParamKind::Duration(Duration::from_secs(10)),
        about: "one unit of waiting",
    },
];

fn delays(setup: &Setup<'_>) -> Vec<Duration> {
    let unit = setup.params.duration("unit").unwrap_or_default();
    let delays = setup.params.list("delays").unwrap_or_default();
    let times = |delay: u64| unit.saturating_mul(u32::try_from(delay).unwrap_or(u32::MAX));
    delays.into_iter().map(times).collect()
}

impl Scenario for Gather {
    const ID: &'static str = "gather";
    type Session<E: Env> = ();
    type Arg<E: Env> = Wait;

    fn describe() -> Description {
        Description {
            operation: "waits of 60 and 40 ms, started together",
            stands_for: "asking several slow places at once",
            params: PARAMS,
            courses: &[Course {
                load: "batch-1",
                params: "",
                placement: "same",
                tier: Tier::Default,
            }],
            primary: None,
            reference: "blocking/sequential",
            typical: |params| {
                let longest = params.list("delays").and_then(|delays| delays.into_iter().max());
                let longest = u32::try_from(longest.unwrap_or(0)).unwrap_or(u32::MAX);
                params.duration("unit").unwrap_or_default().saturating_mul(longest)
            },
            sessions: Sessions::PerOperation,
            solo_steps: 0,
            claims: &["C1", "C2"],
        }
    }

    fn demand(setup: &Setup<'_>) -> Demand {
        let sessions = connections(Sessions::PerOperation, setup) as u64;
        Demand { tasks: sessions * (1 + delays(setup).len() as u64), ..Demand::default() }
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        Ok(Self { delays: delays(setup), seen: Mutex::default() })
    }

    async fn open<E: Env>(_cx: &Cx<Self, E>, _index: usize) -> io::Result<()> {
        Ok(())
    }

    async fn op<E: Env>(cx: &Cx<Self, E>, _session: &mut (), seq: u64) -> io::Result<u64> {
        let ended = Arc::new(AtomicU64::new(0));
        let count = cx.scenario.delays.len();
        let start = |index| cx.spawn(Wait { index, ended: Arc::clone(&ended) });
        let children: Vec<_> = (0..count).map(start).collect();
        let mut order = vec![0; count];
        let mut check = seq;
        for child in children {
            let (place, index) = unpack(cx.join(child).await?);
            order[place] = index;
            check = fold(check, index as u64);
        }
        cx.scenario.saw(order);
        Ok(check)
    }

    async fn child<E: Env>(cx: Cx<Self, E>, wait: Wait) -> io::Result<u64> {
        cx.env.sleep(cx.scenario.delays[wait.index]).await;
        Ok(wait.ended.fetch_add(1, Relaxed) << 32 | wait.index as u64)
    }

    fn expected(&self, seq: u64) -> u64 {
        (0..self.delays.len() as u64).fold(seq, fold)
    }

    fn observed(&self) -> Observed {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let facts = [
            ("completion_order", seen.last.clone().into()),
            ("out_of_order", seen.out_of_order.into()),
            ("operations", seen.operations.into()),
        ];
        let facts = BTreeMap::from(facts.map(|(name, value)| (name.to_owned(), value)));
        Observed { units: seen.operations * self.delays.len() as u64, facts }
    }
}

/// At which place a child ended, and its index. Both are smaller than `delays` is long.
fn unpack(result: u64) -> (usize, usize) {
    let part = |n: u64| usize::try_from(n & 0xffff_ffff).unwrap_or(usize::MAX);
    (part(result >> 32), part(result))
}

impl Gather {
    fn saw(&self, order: Vec<usize>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let sorted = order.is_sorted_by_key(|&index| self.delays[index]);
        seen.operations += 1;
        seen.out_of_order += u64::from(!sorted);
        seen.last = order;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_wait_that_ends_first_is_seen() {
        let delays = [3, 2, 3].map(Duration::from_millis).to_vec();
        let gather = Gather { delays, seen: Mutex::default() };
        gather.saw(vec![1, 0, 2]);
        gather.saw(vec![1, 2, 0]);
        gather.saw(vec![0, 1, 2]);
        let Observed { units, facts } = gather.observed();
        assert_eq!((units, &facts["out_of_order"]), (9, &1.into()));
        assert_eq!(facts["completion_order"], serde_json::json!([0, 1, 2]));
    }
}
