//! `ping-pong`: two tasks that wake each other.
//!
//! - **Operation**: the session sends a number to its partner and waits until it comes back: two
//!   hand-overs, over the model's own bounded channels of one place each.
//! - **Session**: two channels, and a partner that lives as long as they do.
//! - **Not measured**: the kernel's pipes and sockets; what a switch costs whose caches are cold.
//! - **Stands for**: stages of a pipeline, actors, anything that passes work on.
//! - **Claims**: C8 (switching threads costs more than switching tasks): CPU time ÷ the fact
//!   `hand_overs`, which the partners count.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use deadheat_core::{
    env::{Env, Rx, Tx},
    scenario::{
        Course, Cx, Demand, Description, Observed, Param, ParamKind, Scenario, Sessions, Setup,
        Tier, connections,
    },
};

/// The scenario.
#[derive(Debug, Default)]
pub struct PingPong {
    /// What each partner has passed back.
    passed: Mutex<Vec<Arc<AtomicU64>>>,
}

/// The session's ends of the channels.
pub struct Table<E: Env> {
    to: E::Tx<u64>,
    from: E::Rx<u64>,
}

/// The partner's ends of the channels.
pub struct Partner<E: Env> {
    from: E::Rx<u64>,
    to: E::Tx<u64>,
    passed: Arc<AtomicU64>,
}

const PARAMS: &[Param] = &[Param {
    name: "conns",
    default: "1",
    kind: ParamKind::Number(1, 100_000),
    about: "pairs of an open load or a batch",
}];

impl Scenario for PingPong {
    const ID: &'static str = "ping-pong";
    type Session<E: Env> = Table<E>;
    type Arg<E: Env> = Partner<E>;

    fn describe() -> Description {
        Description {
            operation: "a number to another task and back",
            stands_for: "stages of a pipeline that pass work on",
            params: PARAMS,
            courses: &[Course {
                load: "closed-1",
                params: "",
                placement: "same",
                tier: Tier::Default,
            }],
            primary: None,
            reference: "threads/per-task",
            typical: |_| Duration::from_micros(5),
            sessions: Sessions::Conns,
            solo_steps: 0,
            claims: &["C8"],
        }
    }

    /// Both of a pair must be in progress for either to get on.
    fn demand(setup: &Setup<'_>) -> Demand {
        let tasks = 2 * connections(Sessions::Conns, setup) as u64;
        Demand { tasks, rendezvous: tasks, ..Demand::default() }
    }

    fn prepare(_setup: &Setup<'_>) -> io::Result<Self> {
        Ok(Self::default())
    }

    async fn open<E: Env>(cx: &Cx<Self, E>, _index: usize) -> io::Result<Table<E>> {
        let passed = Arc::<AtomicU64>::default();
        cx.scenario.all().push(Arc::clone(&passed));
        let (to, its_from) = cx.env.channel(1);
        let (its_to, from) = cx.env.channel(1);
        // It ends with the channels, and nobody waits for it.
        drop(cx.spawn(Partner { from: its_from, to: its_to, passed }));
        Ok(Table { to, from })
    }

    async fn op<E: Env>(_cx: &Cx<Self, E>, table: &mut Table<E>, seq: u64) -> io::Result<u64> {
        table.to.send(seq).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
        table.from.recv().await.ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }

    async fn child<E: Env>(_cx: Cx<Self, E>, mut partner: Partner<E>) -> io::Result<u64> {
        let mut passed = 0;
        while let Some(number) = partner.from.recv().await {
            passed += 1;
            // Nobody else writes it, so nobody has to wait for it.
            partner.passed.store(passed, Relaxed);
            if partner.to.send(number).await.is_err() {
                break;
            }
        }
        Ok(passed)
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }

    fn observed(&self) -> Observed {
        let all = self.all();
        let hand_overs = 2 * all.iter().map(|passed| passed.load(Relaxed)).sum::<u64>();
        let facts = BTreeMap::from([("hand_overs".to_owned(), hand_overs.into())]);
        Observed { units: all.len() as u64, facts }
    }
}

impl PingPong {
    fn all(&self) -> MutexGuard<'_, Vec<Arc<AtomicU64>>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
