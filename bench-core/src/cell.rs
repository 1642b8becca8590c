//! A scenario under a model: monomorphic, and erased once, outside of every loop.
//!
//! The registries of the root package are lists of these; a contender finds its cell by the two
//! ids in `prepare`. Only a matrix names both models and scenarios, through
//! [`cell!`](macro@crate::cell) and [`server_cell!`](macro@crate::server_cell).

use std::{fmt, io, sync::Arc};

use crate::{
    contender::Assignment,
    line::Line,
    load::Load,
    model::{Model, ModelInfo},
    peer::{PeerSpec, Seat},
    protocol::{Message, Numbers, VERSION},
    resource,
    scenario::{Demand, Description, Params, Reason, Scenario, Service, Setup},
};

/// Works out check values.
pub type Verifier = Box<dyn Fn(u64) -> u64 + Send>;

/// A function of a scenario that takes what it is prepared with.
pub type OfSetup<T> = Arc<dyn Fn(&Setup<'_>) -> T + Send + Sync>;

/// Whether a model makes sense.
pub type FitsFn = Arc<dyn Fn(&ModelInfo, &Setup<'_>) -> Result<(), Reason> + Send + Sync>;

/// A scenario or a service, without its type.
#[derive(Clone)]
pub struct ScenarioInfo {
    /// Stable id.
    pub id: &'static str,
    /// Whether the model is the server, and the load a generator's.
    pub server: bool,
    /// What it is about.
    pub describe: Arc<dyn Fn() -> Description + Send + Sync>,
    /// The processes on the other end.
    pub peers: OfSetup<Vec<PeerSpec>>,
    /// What it asks for.
    pub demand: OfSetup<Demand>,
    /// Whether a model makes sense in it.
    pub fits: FitsFn,
    /// Prepares it in the parent, which verifies.
    pub verifier: OfSetup<io::Result<Verifier>>,
}

impl fmt::Debug for ScenarioInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScenarioInfo").field("id", &self.id).finish_non_exhaustive()
    }
}

impl ScenarioInfo {
    /// A client workload's.
    pub fn of<S: Scenario>() -> Self {
        Self {
            id: S::ID,
            server: false,
            describe: Arc::new(S::describe),
            peers: Arc::new(S::peers),
            demand: Arc::new(S::demand),
            fits: Arc::new(S::fits),
            verifier: Arc::new(|setup| {
                let scenario = S::prepare(setup)?;
                Ok(Box::new(move |seq| scenario.expected(seq)))
            }),
        }
    }

    /// A server workload's.
    pub fn of_service<S: Service>() -> Self {
        Self {
            id: S::ID,
            server: true,
            describe: Arc::new(S::describe),
            peers: Arc::new(|setup| vec![S::generator(setup)]),
            demand: Arc::new(S::demand),
            fits: Arc::new(|model, setup| {
                model.serves.map_err(str::to_owned)?;
                S::fits(model, setup)
            }),
            verifier: Arc::new(|setup| {
                let service = S::prepare(setup)?;
                Ok(Box::new(move |seq| service.expected(seq)))
            }),
        }
    }
}

/// Runs a cell inside a contender process, from `ready` to `quit`.
pub type Run = Arc<dyn Fn(&Assignment, &mut Line) -> io::Result<()> + Send + Sync>;

/// A scenario under a model.
#[derive(Clone)]
pub struct Cell {
    /// The scenario.
    pub scenario: ScenarioInfo,
    /// The model.
    pub model: ModelInfo,
    /// The two together.
    pub run: Run,
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cell({}/{})", self.scenario.id, self.model.id)
    }
}

impl Cell {
    /// For the macros.
    pub fn new<M: Model>(
        scenario: ScenarioInfo,
        run: fn(&Assignment, &mut Line) -> io::Result<()>,
    ) -> Self {
        Self { scenario, model: M::INFO, run: Arc::new(run) }
    }
}

/// The cell of a client scenario under a model.
#[macro_export]
macro_rules! cell {
    ($M:ty, $S:ty) => {
        $crate::cell::Cell::new::<$M>($crate::cell::ScenarioInfo::of::<$S>(), |assignment, line| {
            type E = <$M as $crate::model::Model>::Env;
            let cx = |scenario, env| {
                $crate::scenario::Cx::<$S, E>::new(scenario, env, |cx, arg| {
                    let child = <$S as $crate::scenario::Scenario>::child::<E>(cx.clone(), arg);
                    <E as $crate::env::Spawn<_>>::spawn(&cx.env, child)
                })
            };
            let task = $crate::session::one::<$S, E>;
            let spawn = assignment.load.spawn;
            $crate::contender::client::<$M, $S, _>(assignment, line, cx, move |cx, rules, gate| {
                $crate::session::room(cx, rules, gate, spawn, task)
            })
        })
    };
}

/// The cell of a service under a model.
#[macro_export]
macro_rules! server_cell {
    ($M:ty, $S:ty) => {
        $crate::cell::Cell::new::<$M>(
            $crate::cell::ScenarioInfo::of_service::<$S>(),
            |assignment, line| {
                $crate::contender::server::<$M, $S, _>(
                    assignment,
                    line,
                    |service, env, stream| async move {
                        // A connection that breaks is the generator's to report.
                        let _ =
                            <$S as $crate::scenario::Service>::serve(service, env, stream).await;
                    },
                )
            },
        )
    };
}

/// Every model over every scenario and every service, with attributes (`#[cfg(…)]`) on any.
#[macro_export]
macro_rules! cells {
    (
        models: $models:tt,
        scenarios: [$($(#[$sa:meta])* $S:ty),* $(,)?],
        services: [$($(#[$va:meta])* $V:ty),* $(,)?] $(,)?
    ) => {{
        let mut cells: Vec<$crate::cell::Cell> = Vec::new();
        $($(#[$sa])* $crate::cells!(@column cells, cell, $models, $S);)*
        $($(#[$va])* $crate::cells!(@column cells, server_cell, $models, $V);)*
        cells
    }};
    (@column $cells:ident, $kind:ident, [$($(#[$ma:meta])* $M:ty),* $(,)?], $S:ty) => {{
        $($(#[$ma])* $cells.push($crate::$kind!($M, $S));)*
    }};
}

/// The life of a child process: says hello, is told what to be, and is that until it quits.
pub fn child(cells: &[Cell], mut line: Line) -> io::Result<()> {
    let program = concat!("deadheat ", env!("CARGO_PKG_VERSION")).to_owned();
    line.send(&Message::Hello { protocol: VERSION, program }, &Numbers::default())?;
    let prepare = match line.receive()? {
        None | Some((Message::Quit, _)) => return Ok(()),
        Some((Message::Prepare(prepare), _)) => *prepare,
        Some((other, _)) => return Err(io::Error::other(format!("not now: {other:?}"))),
    };
    let result = assigned(cells, prepare, &mut line);
    if let Err(error) = &result {
        // The parent may be gone; then nobody is left to tell.
        let failed = Message::Failed { cause: error.to_string() };
        let _ = line.send(&failed, &Numbers::default());
    }
    result
}

fn assigned(cells: &[Cell], prepare: crate::protocol::Prepare, line: &mut Line) -> io::Result<()> {
    resource::confine(&prepare.cpus)?;
    let mut of_scenario = cells.iter().filter(|cell| cell.scenario.id == prepare.scenario);
    let unknown = || io::Error::other(format!("no cell {}/{}", prepare.scenario, prepare.model));
    let scenario = &of_scenario.clone().next().ok_or_else(unknown)?.scenario;
    let declared = (scenario.describe)().params;
    let params = Params::resolve(&prepare.params, declared).map_err(io::Error::other)?;
    let load: Load = prepare.load.parse().map_err(io::Error::other)?;
    if let Some(index) = prepare.peer {
        let setup = Setup { params: &params, load, peers: &prepare.peers };
        let spec = (scenario.peers)(&setup).into_iter().nth(index).ok_or_else(unknown)?;
        let mut seat = Seat {
            line: std::mem::replace(line, Line::new(io::empty(), io::sink())),
            params,
            load,
            sessions: prepare.sessions,
            ops_per_sample: prepare.ops_per_sample.max(1),
            spin: prepare.spin,
        };
        let result = (spec.run)(&mut seat);
        *line = seat.line;
        return result;
    }
    let cell = of_scenario.find(|cell| cell.model.id == prepare.model).ok_or_else(unknown)?;
    (cell.run)(&Assignment { prepare, params, load }, line)
}
