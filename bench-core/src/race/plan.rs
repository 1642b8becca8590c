//! What a race is to be: who, where, how long, how often. Made before anything runs, and printed.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    cell::{Cell, ScenarioInfo},
    clock,
    load::{Arrivals, Load},
    protocol::Prepare,
    race::{
        External,
        child::contender_id,
        controls::{controls_of, handicap_of, judged, slowed},
        fit,
        placement::{disjoint, warn_of_cpus, warn_of_weather},
        shape::{
            Around, FEW_OPERATIONS, IDLE_PAUSE, kind, need_solo, pause_ns, shape, warn_of_pause,
            warn_of_window,
        },
    },
    record::{Contender, Fits, Handicap, Kind, Metric, Placement, Role, Shape, Warning},
    resource,
    scenario::{Params, Sessions, Setup, connections},
};

pub use super::{
    placement::place,
    shape::{Effort, Pace},
};

/// Operations of a window beyond which it is the weather that limits what a window tells: rounds of
/// 300 operations and of 3,000 differ by as much in a loud minute, by 6% or so.
const ENOUGH: u64 = 400;

/// A contender, and how it is started.
#[derive(Clone, Debug)]
pub struct Entrant {
    /// As in the record.
    pub contender: Contender,
    /// The external program that it is; `None`: this program.
    pub external: Option<External>,
    /// Parameters that only this contender gets, instead of the race's: a known difference in the
    /// work. Its answers are held against the race's own, so they must not depend on these.
    pub params: BTreeMap<String, String>,
}

/// A race to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is run.
    pub scenario: ScenarioInfo,
    /// Its parameters.
    pub params: Params,
    /// How operations arrive.
    pub load: Load,
    /// Sliced, turns or solo.
    pub kind: Kind,
    /// On which CPUs.
    pub placement: Placement,
    /// Whether the placement stands in the id.
    pub name_placement: bool,
    /// How long and how often.
    pub shape: Shape,
    /// Who takes part, and who cannot.
    pub entrants: Vec<Entrant>,
    /// The metric that decides.
    pub primary: Metric,
    /// The contender that the others are compared with.
    pub reference: String,
    /// Equivalence margins that are not the default.
    pub margin: BTreeMap<Metric, f64>,
    /// The run's seed.
    pub seed: u64,
    /// Whether each slice's histograms are kept.
    pub keep_slices: bool,
    /// What the reader must know.
    pub warnings: Vec<Warning>,
    /// How much of everything.
    pub effort: Effort,
    /// What was seen of its cells before it was made; `None`: only what scenarios say of themselves.
    pub pace: Option<Pace>,
}

/// What a plan is made from, besides the scenario.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// Parameters.
    pub params: Params,
    /// How operations arrive.
    pub load: Load,
    /// `same`, `split` or `free`.
    pub placement: &'a str,
    /// Whether the placement stands in the id.
    pub name_placement: bool,
    /// How much.
    pub effort: Effort,
    /// The run's seed.
    pub seed: u64,
    /// Another reference than the scenario's.
    pub reference: Option<&'a str>,
    /// Whether the reference also runs as its own twin, and as its handicapped twin.
    pub controls: bool,
    /// External programs that take part.
    pub external: Vec<External>,
    /// Equivalence margins that are not the default.
    pub margin: BTreeMap<Metric, f64>,
    /// Whether each slice's histograms are kept.
    pub keep_slices: bool,
}

impl Plan {
    /// Plans a race of `cells`, which are all of this scenario, and of the external programs.
    pub fn new(scenario: &ScenarioInfo, cells: &[Cell], wish: Wish<'_>) -> Self {
        let scenario = scenario.clone();
        let about = (scenario.describe)();
        let setup = Setup { params: &wish.params, load: wish.load, peers: &[] };
        let sessions = connections(about.sessions, &setup);
        let typical = (about.typical)(&wish.params);
        let available = resource::cpus();
        let placement = place(wish.placement, &available);
        let mut warnings = warn_of_cpus(&placement, &available);
        let has_peers = !(scenario.peers)(&setup).is_empty();
        let needs = fit::Needs {
            demand: (scenario.demand)(&setup),
            sessions,
            connections: if has_peers { sessions as u64 } else { 0 },
            same_address: has_peers && !scenario.server,
        };
        let limits = fit::Limits::read();
        let mut entrants: Vec<Entrant> = cells
            .iter()
            .map(|cell| {
                let fits = fit::fits(cell, &setup, &needs, placement.sut.len(), &limits);
                Entrant::own(cell.model.id, cell.model.note, Role::Model, fits)
            })
            .collect();
        entrants.extend(wish.external.into_iter().map(|external| {
            let fits = fit::fits_external(&external, &needs, &limits);
            let note = if external.note.is_empty() { "external program" } else { &external.note };
            let own = Entrant::own(&external.id, note, Role::Model, fits);
            Entrant { external: Some(external), ..own }
        }));
        let reference = pick_reference(&entrants, wish.reference.unwrap_or(about.reference));
        // Both controls run if any do.
        let controls = if wish.controls && !reference.is_empty() { 2 } else { 0 };
        let alive = entrants.iter().filter(|e| e.contender.fits == Fits::Yes).count() + controls;
        let kind = match (kind(about.solo_steps, typical, wish.load), alive) {
            (Kind::Solo, _) => Kind::Solo,
            (kind, alive) => limits.need_solo(&needs, alive).map_or(kind, |warning| {
                warnings.push(warning);
                Kind::Solo
            }),
        };
        let around = Around::of(kind, has_peers, sessions, alive);
        let mut shape = shape(kind, &Pace::typical(typical), wish.load, &wish.effort, around);
        shape.sessions = sessions;
        shape.ops_per_sample = wish.params.number("ops").unwrap_or(1);
        if about.solo_steps > 0 {
            (shape.rounds, shape.warmup) = (about.solo_steps, 0);
        }
        warnings.extend(warn_of_window(kind, &shape, typical, wish.load));
        let primary = about.primary.unwrap_or_else(|| primary(wish.load));
        if controls > 0 {
            entrants.extend(controls_of(&entrants, &reference));
        }
        let mut plan = Self {
            scenario,
            params: wish.params,
            load: wish.load,
            kind,
            placement,
            name_placement: wish.name_placement,
            shape,
            entrants,
            primary,
            reference,
            margin: wish.margin,
            seed: wish.seed,
            keep_slices: wish.keep_slices,
            warnings,
            effort: wish.effort,
            pace: None,
        };
        plan.warnings.extend(warn_of_weather(&plan.exclusive_cpus()));
        plan.settle();
        plan
    }

    /// Chooses the handicap that these slices can show, and says where turns make long pauses. To
    /// be called again when they have changed.
    pub fn settle(&mut self) {
        let judged = judged(self.primary, self.load, &self.shape);
        let margin = self.margin.get(&judged).copied().unwrap_or_else(|| judged.default_margin());
        let handicap = handicap_of(judged, margin, (self.kind, &self.shape), self.cycle_ns());
        let slower = self.entrants.iter_mut().map(|entrant| &mut entrant.contender);
        for contender in slower.filter(|contender| contender.role == Role::Handicapped) {
            contender.handicap = Some(handicap);
            contender.note = slowed(handicap);
        }
        self.warnings.retain(|warning| warning.code != IDLE_PAUSE);
        if self.kind == Kind::Turns {
            self.warnings.extend(warn_of_pause(self.pause_ns()));
        }
    }

    /// What is left of it where `contenders` tell that its reference cannot run after all: the first
    /// model that can is the reference, and is what the controls are made of. `None` where its own
    /// can run, or nobody.
    pub(super) fn with_able_reference(&self, contenders: &[Contender]) -> Option<Self> {
        let mut plan = self.clone();
        for entrant in &mut plan.entrants {
            let own = &mut entrant.contender;
            if let Some(seen) = contenders.iter().find(|seen| seen.id == own.id) {
                own.fits = seen.fits.clone();
            }
        }
        plan.entrants.retain(|entrant| entrant.contender.role == Role::Model);
        plan.reference = pick_reference(&plan.entrants, &self.reference);
        if plan.reference.is_empty() || plan.reference == self.reference {
            return None;
        }
        if plan.entrants.len() < self.entrants.len() {
            let controls = controls_of(&plan.entrants, &plan.reference);
            plan.entrants.extend(controls);
        }
        plan.settle();
        Some(plan)
    }

    /// Fits the lengths of slices to what was seen. A closed window holds fifty operations where
    /// that is short enough; an open one outlasts its queue's memory.
    pub fn refit(&mut self, pace: Pace) {
        self.fit(pace);
        self.pace = Some(pace);
        self.warnings.retain(|warning| warning.code != FEW_OPERATIONS);
        let typical = Duration::from_nanos(pace.service_ns);
        self.warnings.extend(warn_of_window(self.kind, &self.shape, typical, self.load));
        if self.kind == Kind::Sliced
            && let Some(warning) = need_solo(&self.shape, self.pause_ns())
        {
            self.kind = Kind::Solo;
            (self.shape.rounds, self.shape.warmup) = (self.effort.long_rounds, 0);
            self.warnings.push(warning);
            // It need not share a round any more.
            self.fit(pace);
        }
        self.settle();
    }

    /// The lengths of slices, for its kind.
    fn fit(&mut self, pace: Pace) {
        let setup = Setup { params: &self.params, load: self.load, peers: &[] };
        let has_peers = !(self.scenario.peers)(&setup).is_empty();
        let around = Around::of(self.kind, has_peers, self.shape.sessions, self.alive());
        let Shape { lead_ns, window_ns, warmup_lead_ns, warmup_window_ns, out_ns, .. } =
            shape(self.kind, &pace, self.load, &self.effort, around);
        self.shape =
            Shape { lead_ns, window_ns, warmup_lead_ns, warmup_window_ns, out_ns, ..self.shape };
    }

    /// `SCENARIO/LOAD[/k=v,..][@placement]`.
    pub fn id(&self) -> String {
        race_id(
            self.scenario.id,
            self.load,
            &self.params,
            self.name_placement.then_some(self.placement.name.as_str()),
        )
    }

    /// How long it will take, by what is known before it runs.
    pub fn estimate(&self) -> Duration {
        let alive = self.alive() as u64;
        if alive == 0 {
            return Duration::ZERO;
        }
        let Shape { lead_ns, window_ns, warmup_lead_ns, warmup_window_ns, .. } = self.shape;
        let startup = match self.pace {
            Some(pace) => 20_000_000 + alive * pace.ready_ns,
            None => 40_000_000 + 8_000_000 * alive + 200_000 * self.shape.sessions as u64,
        };
        let slice = self.slice_ns();
        let less =
            lead_ns.saturating_sub(warmup_lead_ns) + window_ns.saturating_sub(warmup_window_ns);
        let warm = slice.saturating_sub(less);
        let round = self.shape.rounds as u64 * slice + self.shape.warmup as u64 * warm;
        let block = startup + alive * round;
        Duration::from_nanos(block * self.shape.blocks as u64)
    }

    /// Contenders that can run, controls included.
    fn alive(&self) -> usize {
        self.entrants.iter().filter(|e| e.contender.fits == Fits::Yes).count()
    }

    /// How long a slice takes, with all that begins and ends it, by what is known so far, ns.
    fn slice_ns(&self) -> u64 {
        if let Some(pace) = self.pace {
            return self.timed_ns() + pace.rest_ns;
        }
        let typical = clock::nanos(((self.scenario.describe)().typical)(&self.params));
        let Shape { lead_ns, window_ns, out_ns, .. } = self.shape;
        let slice = match self.kind {
            Kind::Turns | Kind::Solo if self.batch() > 0 => {
                let waves = self.batch().div_ceil(self.shape.sessions.max(1) as u64);
                (waves * typical).max(5_000_000)
            }
            _ => lead_ns + window_ns + out_ns + typical,
        };
        slice + 1_500_000
    }

    /// How long a contender pauses while all others have their slices, ns.
    fn pause_ns(&self) -> u64 {
        pause_ns(self.alive(), self.slice_ns())
    }

    /// How long a slice lasts by the clock, ns; 0 where it ends with its operations.
    pub(super) fn timed_ns(&self) -> u64 {
        let Shape { lead_ns, window_ns, out_ns, .. } = self.shape;
        if self.batch() > 0 { 0 } else { lead_ns + window_ns + out_ns }
    }

    /// How long a client's operation and its thought take, by what is known so far, ns.
    fn cycle_ns(&self) -> u64 {
        let typical = (self.scenario.describe)().typical;
        let service =
            self.pace.map_or_else(|| clock::nanos(typical(&self.params)), |p| p.service_ns);
        match self.load.arrivals {
            Arrivals::Closed { think, .. } => service + clock::nanos(think),
            _ => service,
        }
    }

    /// How much the measured rounds of a block tell, roughly: rounds × √operations of a window.
    /// Beyond 400 operations it is the weather that limits what a window tells.
    pub fn tells(&self) -> u64 {
        const SCALE: u64 = 1_000;
        let window = self.shape.window_ns;
        let operations = match self.load.arrivals {
            Arrivals::Closed { .. } => self.shape.sessions as u64 * window / self.cycle_ns().max(1),
            Arrivals::Open { rate, .. } => rate.saturating_mul(window) / 1_000_000_000,
            Arrivals::Batch(_) => ENOUGH,
        };
        let operations = operations.clamp(1, ENOUGH);
        self.shape.rounds as u64 * (operations * SCALE * SCALE).isqrt()
    }

    /// Operations of one turn of a batch, or of a closed load that takes turns.
    pub fn batch(&self) -> u64 {
        let one = (self.scenario.describe)().sessions == Sessions::One;
        match self.load.arrivals {
            Arrivals::Batch(_) if one => 1,
            Arrivals::Batch(n) => n,
            Arrivals::Closed { .. } if self.kind == Kind::Turns => self.shape.sessions as u64,
            _ => 0,
        }
    }

    /// What a child is told, but for who it is and where it runs.
    pub fn prepare(&self) -> Prepare {
        let declared = (self.scenario.describe)().params;
        let value = |name| Some((String::from(name), self.params.text(name)?.to_owned()));
        Prepare {
            scenario: self.scenario.id.into(),
            params: declared.iter().filter_map(|param| value(param.name)).collect(),
            load: self.load.to_string(),
            sessions: self.shape.sessions,
            ops_per_sample: self.shape.ops_per_sample,
            ..Prepare::default()
        }
    }

    /// CPUs on which nobody else should run while a slice lasts: those of the contender and its
    /// peers, and of the pacer where there is something to pace.
    pub fn exclusive_cpus(&self) -> Vec<usize> {
        let Placement { sut, peer, harness, .. } = &self.placement;
        let pacer: &[usize] =
            if self.load.is_open() && !self.scenario.server { harness } else { &[] };
        let all: std::collections::BTreeSet<usize> =
            sut.iter().chain(peer).chain(pacer).copied().collect();
        all.into_iter().collect()
    }

    /// Whether a peer that generates the load has its CPUs for itself.
    pub fn spin_peer(&self) -> bool {
        self.scenario.server && disjoint(&self.placement.peer, &self.placement.sut)
    }

    /// Whether the thread that paces has a CPU for itself.
    pub fn spin_pacer(&self) -> bool {
        let setup = Setup { params: &self.params, load: self.load, peers: &[] };
        let Placement { sut, peer, harness, .. } = &self.placement;
        let has_peers = !(self.scenario.peers)(&setup).is_empty();
        disjoint(harness, sut) && (!has_peers || disjoint(harness, peer))
    }
}

impl Entrant {
    fn own(model: &str, note: &str, role: Role, fits: Fits) -> Self {
        let contender = Contender {
            id: contender_id(model, role),
            model: model.into(),
            role,
            fits,
            note: note.into(),
            ..Contender::default()
        };
        Self { contender, external: None, params: BTreeMap::new() }
    }

    /// The work handicap: after every so many operations one more; 0: none.
    pub fn extra_every(&self) -> u64 {
        match self.contender.handicap {
            Some(Handicap::Work { every }) => every,
            _ => 0,
        }
    }
}

/// `SCENARIO/LOAD[/k=v,..][@placement]`.
pub fn race_id(scenario: &str, load: Load, params: &Params, placement: Option<&str>) -> String {
    let changed = params.to_string();
    let params = if changed.is_empty() { changed } else { format!("/{changed}") };
    let placement = placement.map(|name| format!("@{name}")).unwrap_or_default();
    format!("{scenario}/{load}{params}{placement}")
}

/// The reference that was asked for, or the first that can run.
fn pick_reference(entrants: &[Entrant], wanted: &str) -> String {
    let mut able = entrants.iter().filter(|e| e.contender.fits == Fits::Yes);
    let exact = able.clone().find(|e| e.contender.id == wanted);
    exact.or_else(|| able.next()).map(|e| e.contender.id.clone()).unwrap_or_default()
}

fn primary(load: Load) -> Metric {
    match load.arrivals {
        Arrivals::Closed { .. } => Metric::Throughput,
        Arrivals::Open { .. } => Metric::P99,
        Arrivals::Batch(_) => Metric::Makespan,
    }
}
