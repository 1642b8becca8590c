//! Race your own code: clients that no [`Env`](crate::core::env::Env) can express, written with
//! whatever library you use.
//!
//! ```no_run
//! use std::{process::ExitCode, time::Duration};
//! use deadheat::{Threads, Tokio};
//!
//! fn main() -> ExitCode {
//!     deadheat::race("load-user")
//!         .load("closed-16")
//!         .expect(|seq| seq % 1000)
//!         .blocking("thread-sleep", Threads::per_task(), || Ok(()), |(), seq| {
//!             std::thread::sleep(Duration::from_millis(1));
//!             Ok(seq % 1000)
//!         })
//!         .asynchronous("tokio-sleep", Tokio::multi_thread(), || async { Ok(()) }, |(), seq| async move {
//!             tokio::time::sleep(Duration::from_millis(1)).await;
//!             Ok(seq % 1000)
//!         })
//!         .main()
//! }
//! ```
//!
//! Check values make it a fair race: an operation that returns another value than
//! [`expect`](Own::expect) says has no number. The session loop, the pacing, the processes and the
//! statistics are those of every other race. A session's future is boxed once for the whole trial;
//! between the two clock readings of an operation there is nothing of ours.

use std::{
    error::Error,
    io,
    net::{SocketAddr, TcpListener},
    process::ExitCode,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use deadheat_core::{
    cell::{Cell, Run, ScenarioInfo},
    contender::Assignment,
    duration,
    line::Line,
    load::{Arrivals, Load},
    model::{Dispatch, Model, ModelInfo},
    net,
    peer::PeerSpec,
    scenario::{Course, Demand, Description, Param, ParamKind, Sessions, Tier},
    session::session,
};

use deadheat_scenarios::peer::generator;

mod env;
mod host;
mod on;
mod workload;

#[cfg(feature = "smol")]
pub use self::on::Smol;
#[cfg(feature = "tokio")]
pub use self::on::Tokio;
pub use self::{
    host::{Boxed, LocalBoxed},
    on::{On, Threads},
};

use self::{
    host::host,
    workload::{Asynchronous, Blocking},
};

/// Why an operation, or the opening of a client, failed.
pub type Fault = Box<dyn Error + Send + Sync>;

/// Where the race's first peer listens, as a contender sees it; an error anywhere else.
pub fn peer() -> Result<SocketAddr, Fault> {
    PEER.get().copied().ok_or_else(|| "this race has no peer".into())
}

static PEER: OnceLock<SocketAddr> = OnceLock::new();

type Expect = Arc<dyn Fn(u64) -> u64 + Send + Sync>;

/// A race of your own.
pub struct Own {
    id: &'static str,
    operation: &'static str,
    loads: Vec<&'static str>,
    placement: &'static str,
    reference: Option<&'static str>,
    typical: Duration,
    expect: Expect,
    peers: Vec<PeerSpec>,
    /// Where the contenders are servers.
    generator: Option<PeerSpec>,
    entrants: Vec<(ModelInfo, Run)>,
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<_> = self.entrants.iter().map(|(model, _)| model.id).collect();
        f.debug_struct("Own").field("id", &self.id).field("entrants", &ids).finish_non_exhaustive()
    }
}

/// Begins a race of your own under an id: lower case, digits and hyphens.
pub fn race(id: &str) -> Own {
    Own {
        id: keep(id),
        operation: "one operation of your own",
        loads: Vec::new(),
        placement: "free",
        reference: None,
        typical: Duration::from_millis(1),
        expect: Arc::new(|_| 0),
        peers: Vec::new(),
        generator: None,
        entrants: Vec::new(),
    }
}

/// Ids live as long as the program, as those of built-in scenarios do.
fn keep(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// A session of the user's has one task, and its waits are in the user's code.
fn fits(load: Load) -> Result<(), String> {
    match load.arrivals {
        _ if load.spawn => Err("your own sessions have a task each, operations have none".into()),
        Arrivals::Closed { think, .. } if !think.is_zero() => {
            Err("think time is not for races of your own: wait in the operation".into())
        }
        _ => Ok(()),
    }
}

const PARAMS: [Param; 2] = [
    Param {
        name: "conns",
        default: "64",
        kind: ParamKind::Number(1, 100_000),
        about: "sessions of an open load or a batch",
    },
    Param {
        name: "ops",
        default: "1",
        kind: ParamKind::Number(1, 1_000_000),
        about: "operations that are timed together, for those below a microsecond",
    },
];

impl Own {
    /// One line for reports: what one operation is.
    #[must_use]
    pub fn operation(mut self, text: &str) -> Self {
        self.operation = keep(text);
        self
    }

    /// How operations arrive: `closed-64`, `open-5000-poisson`, `batch-1000`. More than one is more
    /// than one race; without any it is `closed-16`.
    #[must_use]
    pub fn load(mut self, load: &str) -> Self {
        self.loads.push(keep(load));
        self
    }

    /// On which CPUs: `same`, `split` or `free` (the default).
    #[must_use]
    pub fn placement(mut self, placement: &str) -> Self {
        self.placement = keep(placement);
        self
    }

    /// The contender that the others are compared with; the first one, unless you say so.
    #[must_use]
    pub fn reference(mut self, id: &str) -> Self {
        self.reference = Some(keep(id));
        self
    }

    /// About how long an operation takes (1 ms, unless you say so): sizes lead-in and window.
    #[must_use]
    pub fn typical(mut self, typical: Duration) -> Self {
        self.typical = typical;
        self
    }

    /// What operation `seq` must return. Each operation of a trial has a `seq` of its own.
    #[must_use]
    pub fn expect(mut self, expect: impl Fn(u64) -> u64 + Send + Sync + 'static) -> Self {
        self.expect = Arc::new(expect);
        self
    }

    /// A server that the clients talk to, in a process of its own, the same for everyone: `serve`
    /// accepts on a listener of the loopback address for as long as the race lasts. Clients find it
    /// at [`peer`].
    #[must_use]
    pub fn peer(
        mut self,
        name: &str,
        serve: impl Fn(TcpListener) -> Result<(), Fault> + Clone + Send + Sync + 'static,
    ) -> Self {
        self.peers.push(PeerSpec::new(keep(name), move |seat| {
            let (listener, serve) = (net::listen()?, serve.clone());
            let addr = listener.local_addr()?;
            thread::Builder::new().spawn(move || serve(listener))?;
            seat.ready(Some(addr))?;
            seat.answer_silent_marks()
        }));
        self
    }

    /// A contender that blocks: `open` makes a client for each session, off the clock; `op` is one
    /// operation, and returns its check value.
    #[must_use]
    pub fn blocking<M, C>(
        self,
        id: &str,
        on: On<M>,
        open: impl Fn() -> Result<C, Fault> + Send + Sync + 'static,
        op: impl Fn(&mut C, u64) -> Result<u64, Fault> + Send + Sync + 'static,
    ) -> Self
    where
        M: Dispatch<Boxed> + 'static,
        C: Send + 'static,
    {
        let workload = Arc::new(Blocking::new(open, op));
        self.entrant(id, on, move |assignment, line, pool| {
            host::<M, _, _>(assignment, line, pool, &workload, |cx, rules, gate| {
                Box::pin(session(cx, rules, gate))
            })
        })
    }

    /// An asynchronous contender whose futures may move between threads.
    #[must_use]
    pub fn asynchronous<M, C, OF, PF>(
        self,
        id: &str,
        on: On<M>,
        open: impl Fn() -> OF + Send + Sync + 'static,
        op: impl Fn(C, u64) -> PF + Send + Sync + 'static,
    ) -> Self
    where
        M: Dispatch<Boxed> + 'static,
        C: Clone + Send + Sync + 'static,
        OF: Future<Output = Result<C, Fault>> + Send + 'static,
        PF: Future<Output = Result<u64, Fault>> + Send + 'static,
    {
        let workload = Arc::new(Asynchronous::new(open, op));
        self.entrant(id, on, move |assignment, line, pool| {
            host::<M, _, _>(assignment, line, pool, &workload, |cx, rules, gate| {
                Box::pin(session(cx, rules, gate))
            })
        })
    }

    /// An asynchronous contender whose futures stay on their thread (`Rc` inside, say).
    #[must_use]
    pub fn local<M, C, OF, PF>(
        self,
        id: &str,
        on: On<M>,
        open: impl Fn() -> OF + Send + Sync + 'static,
        op: impl Fn(C, u64) -> PF + Send + Sync + 'static,
    ) -> Self
    where
        M: Dispatch<LocalBoxed> + 'static,
        C: Clone + 'static,
        OF: Future<Output = Result<C, Fault>> + 'static,
        PF: Future<Output = Result<u64, Fault>> + 'static,
    {
        let workload = Arc::new(Asynchronous::new(open, op));
        self.entrant(id, on, move |assignment, line, pool| {
            host::<M, _, _>(assignment, line, pool, &workload, |cx, rules, gate| -> LocalBoxed {
                Box::pin(session(cx, rules, gate))
            })
        })
    }

    /// A server: `serve` runs on the model and answers what comes to its listener. All of a race's
    /// contenders are servers, or none is; what is asked of them is said with [`get`](Own::get).
    #[must_use]
    pub fn server<M, F>(
        self,
        id: &str,
        on: On<M>,
        serve: impl Fn(TcpListener) -> F + Send + Sync + 'static,
    ) -> Self
    where
        M: Dispatch<Boxed> + 'static,
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        self.entrant(id, on, move |assignment, line, pool| {
            host::serve::<M, F>(assignment, line, pool, &serve)
        })
    }

    /// What the generator asks of servers: `GET` of `path`, in which `{seq}` stands for the number
    /// of the operation. `check` reads the check value from the body; none: it is the wrong body.
    #[must_use]
    pub fn get(
        mut self,
        path: &str,
        check: impl Fn(&[u8]) -> Option<u64> + Send + Sync + 'static,
    ) -> Self {
        self.generator = Some(generator::get(path, check));
        self
    }

    fn entrant<M: Model>(
        mut self,
        id: &str,
        on: On<M>,
        run: impl Fn(&Assignment, &mut Line, usize) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let info = ModelInfo { id: keep(id), note: M::INFO.id, ..M::INFO };
        let pool = on.pool();
        self.entrants.push((info, Arc::new(move |assignment, line| run(assignment, line, pool))));
        self
    }

    /// The cells of this race: one per contender.
    pub fn cells(&self) -> Vec<Cell> {
        let scenario = self.scenario();
        let cell = |(model, run): &(ModelInfo, Run)| Cell {
            scenario: scenario.clone(),
            model: *model,
            run: Arc::clone(run),
        };
        self.entrants.iter().map(cell).collect()
    }

    fn scenario(&self) -> ScenarioInfo {
        let (operation, placement) = (self.operation, self.placement);
        let first = self.entrants.first().map_or("", |(model, _)| model.id);
        let reference = self.reference.unwrap_or(first);
        let loads = if self.loads.is_empty() { vec!["closed-16"] } else { self.loads.clone() };
        let course = |load| Course { load, params: "", placement, tier: Tier::Quick };
        let courses: &'static [Course] =
            Box::leak(loads.into_iter().map(course).collect::<Vec<_>>().into_boxed_slice());
        let typical = Param {
            name: "typical",
            default: keep(&duration::format(self.typical)),
            kind: ParamKind::Duration(Duration::from_mins(1)),
            about: "about how long an operation takes: sizes lead-in and window",
        };
        let params: &'static [Param] = Box::leak(Box::new([PARAMS[0], PARAMS[1], typical]));
        let expect = Arc::clone(&self.expect);
        let peers: Vec<_> = self.generator.iter().chain(&self.peers).cloned().collect();
        ScenarioInfo {
            id: self.id,
            server: self.generator.is_some(),
            describe: Arc::new(move || Description {
                operation,
                stands_for: "your own code",
                params,
                courses,
                primary: None,
                reference,
                typical: |params| params.duration("typical").unwrap_or_default(),
                sessions: Sessions::Conns,
                solo_steps: 0,
                claims: &[],
            }),
            peers: Arc::new(move |_| peers.clone()),
            demand: Arc::new(|_| Demand::default()),
            fits: Arc::new(|_, setup| fits(setup.load)),
            verifier: Arc::new(move |_| {
                let expect = Arc::clone(&expect);
                Ok(Box::new(move |seq| expect(seq)))
            }),
        }
    }

    /// The whole command line over this race: flags, lists, test mode, reports.
    pub fn main(self) -> ExitCode {
        crate::run_main(self.cells())
    }
}
