//! What the harness itself costs: the same operations written by hand for each runtime, with its
//! own sockets and no scenario, environment or shared code in between, raced against the cells of
//! the standard matrix.
//!
//! ```text
//! cargo build --release --example by_hand
//! by_hand run tcp-echo --models hand/std,threads/per-task --reference hand/std --margin 2%
//! ```
//!
//! Only the gate between slices is shared, off the clock: so that both are measured by one keeper.

use std::{
    io,
    net::SocketAddr,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use deadheat::{
    core::{
        cell::{Cell, ScenarioInfo},
        cells, clock,
        contender::{Assignment, by_hand},
        line::Line,
        model::{self, ModelInfo, Places},
        sample::{Log, Sample},
        session::Gate,
    },
    scenario::{
        idle_tasks::IdleTasks,
        sha256::{Sha256, digest},
        tcp_echo::TcpEcho,
    },
};

const BYTES: usize = 64;

fn main() -> ExitCode {
    let mut cells = cells! {
        models: [
            model::blocking::ThreadPerTask,
            model::tokio::MultiThread,
            model::smol::Multi,
        ],
        scenarios: [TcpEcho, Sha256, IdleTasks],
        services: [],
    };
    for (id, echo, hash) in [
        ("hand/std", on_std::echo as Sessions, on_std::hash as Sessions),
        ("hand/tokio", on_tokio::echo, on_tokio::hash),
        ("hand/smol", on_smol::echo, on_smol::hash),
    ] {
        cells.push(cell(id, ScenarioInfo::of::<TcpEcho>(), echo));
        cells.push(cell(id, ScenarioInfo::of::<Sha256>(), hash));
    }
    cells.push(cell("hand/tokio", ScenarioInfo::of::<IdleTasks>(), on_tokio::idle));
    deadheat::run_main(cells)
}

/// Runs the sessions behind these gates until their trial ends.
type Sessions = fn(&Job, Vec<Gate>);

/// What a session has to know.
#[derive(Clone, Copy)]
struct Job {
    /// Of `idle-tasks`: how many tasks one operation adds.
    tasks: u64,
    peer: Option<SocketAddr>,
    clients: u64,
    /// Operations that one sample covers.
    ops: u64,
}

fn cell(id: &'static str, scenario: ScenarioInfo, sessions: Sessions) -> Cell {
    let model = ModelInfo::new(id, Places::Tasks, "written by hand");
    Cell { scenario, model, run: Arc::new(move |a, line| run(a, line, sessions)) }
}

fn run(assignment: &Assignment, line: &mut Line, sessions: Sessions) -> io::Result<()> {
    let prepare = &assignment.prepare;
    let tasks = prepare.load.strip_prefix("batch-").and_then(|n| n.parse().ok()).unwrap_or(0);
    let job = Job {
        tasks: tasks / 5,
        peer: prepare.peers.first().copied(),
        clients: prepare.sessions as u64,
        ops: prepare.ops_per_sample,
    };
    by_hand(assignment, line, &|| WAITING.load(Relaxed), |gates| sessions(&job, gates))
}

/// Tasks that wait, of `idle-tasks`.
static WAITING: AtomicU64 = AtomicU64::new(0);

/// A loop by hand: until the slice is over, one operation after the other between two readings of
/// the clock. `$op` may await.
macro_rules! session {
    ($job:expr, $gate:expr, $recv:ident $(. $await:ident)?, |$seq:ident| $op:expr) => {{
        let (gate, job): (&Gate, &Job) = (&$gate, $job);
        let client = gate.clients[0];
        let mut ended = 0;
        let _ = gate.answers.send(Ok(vec![Log { client, ..Log::default() }]));
        while let Ok(mut go) = gate.go.$recv() $(. $await)? {
            let mut log = Log { client, ..go.logs.pop().unwrap_or_default() };
            loop {
                let started = clock::now();
                if started >= go.stop {
                    break;
                }
                let $seq = ended * job.clients + client as u64;
                let mut check: u64 = $op;
                ended += 1;
                for _ in 1..job.ops {
                    let $seq = ended * job.clients + client as u64;
                    check = check.rotate_left(5) ^ $op;
                    ended += 1;
                }
                let finished = clock::now();
                log.samples.push(Sample { intended: started, started, finished, check });
            }
            let _ = gate.answers.send(Ok(vec![log]));
        }
    }};
}

fn input() -> Vec<u8> {
    b"deadheat".iter().copied().cycle().take(BYTES).collect()
}

fn number(message: &[u8; BYTES]) -> u64 {
    message.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

mod on_std {
    use std::{
        io::{Read, Write},
        net::TcpStream,
        thread,
    };

    use super::{BYTES, Gate, Job, Log, Sample, clock, digest, input, number};

    pub(super) fn echo(job: &Job, gates: Vec<Gate>) {
        thread::scope(|scope| {
            for gate in gates {
                scope.spawn(move || {
                    let mut stream = TcpStream::connect(job.peer.unwrap()).unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut message = [0; BYTES];
                    session!(job, gate, recv_blocking, |seq| {
                        message[..8].copy_from_slice(&seq.to_le_bytes());
                        stream.write_all(&message).unwrap();
                        stream.read_exact(&mut message).unwrap();
                        number(&message)
                    });
                });
            }
        });
    }

    pub(super) fn hash(job: &Job, gates: Vec<Gate>) {
        thread::scope(|scope| {
            for gate in gates {
                scope.spawn(move || {
                    let input = input();
                    session!(job, gate, recv_blocking, |seq| digest(&input) ^ seq);
                });
            }
        });
    }
}

mod on_tokio {
    use std::time::Duration;

    use deadheat::core::resource;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        runtime::Builder,
        task::JoinSet,
    };

    use super::{BYTES, Gate, Job, Log, Relaxed, Sample, WAITING, clock, digest, input, number};

    fn each<F: Future<Output = ()> + Send + 'static>(
        job: &Job,
        gates: Vec<Gate>,
        session: fn(Job, Gate) -> F,
    ) {
        let runtime = Builder::new_multi_thread()
            .worker_threads(resource::workers())
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let job = *job;
            let tasks: JoinSet<()> = gates.into_iter().map(|gate| session(job, gate)).collect();
            tasks.join_all().await;
        });
    }

    pub(super) fn echo(job: &Job, gates: Vec<Gate>) {
        each(job, gates, |job, gate| async move {
            let mut stream = TcpStream::connect(job.peer.unwrap()).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut message = [0; BYTES];
            session!(&job, gate, recv.await, |seq| {
                message[..8].copy_from_slice(&seq.to_le_bytes());
                stream.write_all(&message).await.unwrap();
                stream.read_exact(&mut message).await.unwrap();
                number(&message)
            });
        });
    }

    pub(super) fn hash(job: &Job, gates: Vec<Gate>) {
        each(job, gates, |job, gate| async move {
            let input = input();
            session!(&job, gate, recv.await, |seq| digest(&input) ^ seq);
        });
    }

    /// `tokio::spawn` of a sleep, as often as the scenario does it.
    pub(super) fn idle(job: &Job, gates: Vec<Gate>) {
        each(job, gates, |job, gate| async move {
            let _ = gate.answers.send(Ok(vec![Log::default()]));
            let mut goal = 0;
            while let Ok(mut go) = gate.go.recv().await {
                let mut log = go.logs.pop().unwrap_or_default();
                let arrivals = go.arrivals.unwrap();
                while let Ok(intended) = arrivals.recv().await {
                    let started = clock::now();
                    goal += job.tasks;
                    for _ in 0..job.tasks {
                        tokio::spawn(async {
                            WAITING.fetch_add(1, Relaxed);
                            tokio::time::sleep(Duration::from_hours(1)).await;
                        });
                    }
                    while WAITING.load(Relaxed) < goal {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    let finished = clock::now();
                    log.samples.push(Sample { intended, started, finished, check: goal });
                }
                let _ = gate.answers.send(Ok(vec![log]));
            }
        });
    }
}

mod on_smol {
    use std::{sync::Arc, thread};

    use deadheat::core::resource;
    use smol::{
        Executor,
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::{BYTES, Gate, Job, Log, Sample, clock, digest, input, number};

    fn each<F: Future<Output = ()> + Send + 'static>(
        job: &Job,
        gates: Vec<Gate>,
        session: fn(Job, Gate) -> F,
    ) {
        let executor = Arc::new(Executor::new());
        let (stop, stopped) = smol::channel::bounded::<()>(1);
        let job = *job;
        let tasks: Vec<_> =
            gates.into_iter().map(|gate| executor.spawn(session(job, gate))).collect();
        for _ in 0..resource::workers() {
            let (executor, stopped) = (Arc::clone(&executor), stopped.clone());
            thread::spawn(move || smol::block_on(executor.run(stopped.recv())));
        }
        // That of `smol::future` only parks. The other `block_on` takes turns at the reactor: a
        // worker more, which nobody counted.
        tasks.into_iter().for_each(smol::future::block_on);
        drop(stop);
    }

    pub(super) fn echo(job: &Job, gates: Vec<Gate>) {
        each(job, gates, |job, gate| async move {
            let mut stream = TcpStream::connect(job.peer.unwrap()).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut message = [0; BYTES];
            session!(&job, gate, recv.await, |seq| {
                message[..8].copy_from_slice(&seq.to_le_bytes());
                stream.write_all(&message).await.unwrap();
                stream.read_exact(&mut message).await.unwrap();
                number(&message)
            });
        });
    }

    pub(super) fn hash(job: &Job, gates: Vec<Gate>) {
        each(job, gates, |job, gate| async move {
            let input = input();
            session!(&job, gate, recv.await, |seq| digest(&input) ^ seq);
        });
    }
}
