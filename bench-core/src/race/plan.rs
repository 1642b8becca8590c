//! What a race is to be: who, where, how long, how often. Made before anything runs, and printed.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    cell::{Cell, ScenarioInfo},
    clock,
    load::{Arrivals, Load},
    protocol::Prepare,
    race::{External, child::contender_id, fit, weather::Barometer},
    record::{Contender, Fits, Handicap, Kind, Metric, Placement, Role, Shape, Warning},
    resource,
    scenario::{Params, Sessions, Setup, connections},
};

/// A contender, and how it is started.
#[derive(Clone, Debug)]
pub struct Entrant {
    /// As in the record.
    pub contender: Contender,
    /// The external program that it is; `None`: this program.
    pub external: Option<External>,
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

/// How fast the cells of a race are here, from a calibration slice of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// The longest mean service time of those that kept up, ns.
    pub service_ns: u64,
    /// Their longest relaxation time under an open load, ns: s/(1 − √ρ)².
    pub relaxation_ns: u64,
    /// From start to readiness, ns, the mean over contenders.
    pub ready_ns: u64,
    /// A slice beyond its lead-in, window and lead-out, ns, the mean over contenders.
    pub rest_ns: u64,
}

/// How much of everything: a profile, or what the command line says instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Generations of processes.
    pub blocks: usize,
    /// Slices of each contender in each.
    pub rounds: usize,
    /// Rounds before them that do not count.
    pub warmup: usize,
    /// Rounds of turns and solo races.
    pub long_rounds: usize,
    /// The window, instead of what fits the scenario.
    pub window: Option<Duration>,
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
        let mut shape = shape(kind, &Pace::typical(typical), wish.load, &wish.effort);
        shape.sessions = sessions;
        shape.ops_per_sample = wish.params.number("ops").unwrap_or(1);
        if about.solo_steps > 0 {
            (shape.rounds, shape.warmup) = (about.solo_steps, 0);
        }
        warnings.extend(warn_of_window(kind, &shape, typical, wish.load));
        let primary = about.primary.unwrap_or_else(|| primary(wish.load));
        if controls > 0 {
            let margin = |metric: Metric| {
                wish.margin.get(&metric).copied().unwrap_or_else(|| metric.default_margin())
            };
            let judged = judged(primary, wish.load, &shape);
            entrants.extend(controls_of(&entrants, &reference, judged, margin(judged)));
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
        plan
    }

    /// Fits the lengths of slices to what was seen. A closed window holds fifty operations where
    /// that is short enough; an open one outlasts its queue's memory.
    pub fn refit(&mut self, pace: Pace) {
        let Shape { lead_ns, window_ns, out_ns, .. } =
            shape(self.kind, &pace, self.load, &self.effort);
        (self.shape.lead_ns, self.shape.window_ns, self.shape.out_ns) =
            (lead_ns, window_ns, out_ns);
        self.pace = Some(pace);
        self.warnings.retain(|warning| warning.code != FEW_OPERATIONS);
        let typical = Duration::from_nanos(pace.service_ns);
        self.warnings.extend(warn_of_window(self.kind, &self.shape, typical, self.load));
        if self.kind == Kind::Sliced && self.shape.lead_ns + self.shape.window_ns > LONGEST_SLICE {
            self.kind = Kind::Solo;
            (self.shape.rounds, self.shape.warmup) = (self.effort.long_rounds, 0);
            self.warnings.push(Warning {
                code: "solo".into(),
                text: format!(
                    "one process at a time: a slice must last {:.1} s to outlast its queue's memory",
                    (self.shape.lead_ns + self.shape.window_ns) as f64 / 1e9
                ),
                advice: "a lower rate".into(),
            });
        }
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
        let alive = self.entrants.iter().filter(|e| e.contender.fits == Fits::Yes).count() as u64;
        let about = (self.scenario.describe)();
        let typical = clock::nanos((about.typical)(&self.params));
        let Shape { lead_ns, window_ns, out_ns, .. } = self.shape;
        let slice = match self.kind {
            Kind::Turns | Kind::Solo if self.batch() > 0 => {
                let waves = self.batch().div_ceil(self.shape.sessions.max(1) as u64);
                (waves * typical).max(5_000_000)
            }
            _ => lead_ns + window_ns + out_ns + typical,
        };
        let startup = match self.pace {
            Some(pace) => 20_000_000 + alive * pace.ready_ns,
            None => 40_000_000 + 8_000_000 * alive + 200_000 * self.shape.sessions as u64,
        };
        let slices = (self.shape.rounds + self.shape.warmup) as u64 * alive;
        let slice = match self.pace {
            Some(pace) => lead_ns + window_ns + out_ns + pace.rest_ns,
            None => slice + 1_500_000,
        };
        let block = startup + slices * slice;
        Duration::from_nanos(block * self.shape.blocks as u64)
    }

    /// Cuts rounds, and only rounds, until it fits into `most`; says so where that is not enough.
    pub fn cut_to(&mut self, most: Duration) {
        let steps = (self.scenario.describe)().solo_steps;
        while self.estimate() > most && self.shape.rounds > 1 && steps == 0 {
            self.shape.rounds -= 1;
        }
        if self.estimate() > most {
            self.warnings.push(Warning {
                code: "over-time".into(),
                text: format!(
                    "{} needs about {:.0} s even with one round a block",
                    self.id(),
                    self.estimate().as_secs_f64()
                ),
                advice: "fewer models, or a longer --max-time".into(),
            });
        }
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
        Self { contender, external: None }
    }

    /// The work handicap: after every so many operations one more; 0: none.
    pub fn extra_every(&self) -> u64 {
        match self.contender.handicap {
            Some(Handicap::Work { every }) => every,
            _ => 0,
        }
    }
}

/// The reference once more, and once more with a known slowdown of twice the margin.
fn controls_of(entrants: &[Entrant], id: &str, judged: Metric, margin: f64) -> Vec<Entrant> {
    let Some(reference) = entrants.iter().find(|entrant| entrant.contender.id == id) else {
        return Vec::new();
    };
    let like = |role, note: &str| {
        let mut entrant = reference.clone();
        entrant.contender.id = contender_id(&reference.contender.model, role);
        entrant.contender.role = role;
        entrant.contender.note = note.into();
        entrant
    };
    let twin = like(Role::Twin, "same code, twice");
    let handicap = handicap(judged, margin);
    let mut slower = like(
        Role::Handicapped,
        &format!(
            "same code, {} slower on purpose",
            crate::stats::human::percent(handicap.truth(judged).unwrap_or(1.0) - 1.0)
        ),
    );
    slower.contender.handicap = Some(handicap);
    vec![twin, slower]
}

/// A slowdown of 2δ, of the kind that the metric can show.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "δ is 0.1% or more")]
fn handicap(judged: Metric, margin: f64) -> Handicap {
    match judged {
        Metric::Throughput | Metric::CpuTime => {
            Handicap::Work { every: (1.0 / (2.0 * margin)).round().max(1.0) as u64 }
        }
        _ => Handicap::Clock { factor: 1.0 + 2.0 * margin },
    }
}

/// The metric that this plan can judge: CPU time per operation where an open load leaves too few
/// operations for its tail.
fn judged(primary: Metric, load: Load, shape: &Shape) -> Metric {
    match (primary, load.arrivals) {
        (Metric::P99, Arrivals::Open { rate, .. }) => {
            let a_block = rate as f64 * shape.window_ns as f64 / 1e9 * shape.rounds as f64;
            // A hundred beyond the 99th percentile.
            if a_block < 10_000.0 { Metric::CpuTime } else { Metric::P99 }
        }
        (primary, _) => primary,
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

fn kind(solo_steps: usize, typical: Duration, load: Load) -> Kind {
    match () {
        () if solo_steps > 0 => Kind::Solo,
        () if load.is_batch() || typical > Duration::from_millis(50) => Kind::Turns,
        () => Kind::Sliced,
    }
}

fn primary(load: Load) -> Metric {
    match load.arrivals {
        Arrivals::Closed { .. } => Metric::Throughput,
        Arrivals::Open { .. } => Metric::P99,
        Arrivals::Batch(_) => Metric::Makespan,
    }
}

impl Pace {
    /// From what a scenario says of its operations, before any was run.
    fn typical(typical: Duration) -> Self {
        let service_ns = clock::nanos(typical);
        // At half load the relaxation time is about 12 service times.
        Self { service_ns, relaxation_ns: 12 * service_ns, ..Self::default() }
    }
}

/// Lead-in and window beyond which a contender's pauses would be too long, ns.
const LONGEST_SLICE: u64 = 1_000_000_000;

/// The lengths of a slice, from how long an operation takes.
fn shape(kind: Kind, pace: &Pace, arrivals: Load, effort: &Effort) -> Shape {
    const MS: u64 = 1_000_000;
    let think = match arrivals.arrivals {
        Arrivals::Closed { think, .. } => think,
        _ => Duration::ZERO,
    };
    let cycle = pace.service_ns + clock::nanos(think);
    let (lead, window, out) = if arrivals.is_open() {
        let relaxation = pace.relaxation_ns;
        let lead = (3 * relaxation).clamp(5 * MS, 3_000 * MS);
        (lead, (5 * relaxation).clamp(60 * MS, 5_000 * MS), (2 * cycle).clamp(2 * MS, 100 * MS))
    } else {
        // Two operations per session before the window, fifty in it where that is short enough.
        ((2 * cycle).max(2 * MS), (50 * cycle).clamp(20 * MS, 50 * MS), 0)
    };
    let window = effort.window.map_or(window, clock::nanos);
    let (rounds, warmup) = match kind {
        Kind::Sliced => (effort.rounds, effort.warmup),
        Kind::Turns | Kind::Solo => (effort.long_rounds, 0),
    };
    Shape {
        blocks: effort.blocks,
        rounds,
        warmup,
        lead_ns: lead,
        window_ns: window,
        out_ns: out,
        drain_ns: 2_000 * MS,
        sessions: 0,
        ops_per_sample: 1,
    }
}

/// CPU sets for a placement. With one CPU they are all the same, whatever is asked for.
pub fn place(name: &str, available: &[usize]) -> Placement {
    let (sut, peer, harness) = match (name, available) {
        ("same", [first, rest @ ..]) if !rest.is_empty() => {
            (vec![*first], vec![*first], vec![rest[rest.len() - 1]])
        }
        ("split", [first, last]) => (vec![*first], vec![*last], vec![*last]),
        ("split", [all @ .., last]) if all.len() >= 2 => {
            let (sut, peer) = all.split_at(all.len() / 2);
            (sut.to_vec(), peer.to_vec(), vec![*last])
        }
        _ => (available.to_vec(), available.to_vec(), available.to_vec()),
    };
    Placement { name: name.into(), sut, peer, harness, ..Placement::default() }
}

fn warn_of_weather(cpus: &[usize]) -> Option<Warning> {
    (!Barometer::new(cpus).resolves_a_slice()).then(|| Warning {
        code: "no-weather".into(),
        text: "no counter here tells what others use of these CPUs within a slice: foul weather \
               shows only in the controls"
            .into(),
        advice: "run outside of a container, or with the root control group in sight".into(),
    })
}

/// The code of the warning that a window holds fewer.
const FEW_OPERATIONS: &str = "few-operations";

/// Operations of a session that a window should hold.
const PER_WINDOW: u64 = 50;

fn warn_of_window(kind: Kind, shape: &Shape, typical: Duration, load: Load) -> Option<Warning> {
    let holds = shape.window_ns / clock::nanos(typical).max(1);
    let few = kind == Kind::Sliced && load.is_closed() && holds < PER_WINDOW;
    few.then(|| Warning {
        code: FEW_OPERATIONS.into(),
        text: format!(
            "a window of {:.0} ms holds about {holds} operations of a session, and {PER_WINDOW} \
             are wanted",
            shape.window_ns as f64 / 1e6
        ),
        advice: "longer windows pair worse: more rounds".into(),
    })
}

fn disjoint(a: &[usize], b: &[usize]) -> bool {
    !a.is_empty() && a.iter().all(|cpu| !b.contains(cpu))
}

fn warn_of_cpus(placement: &Placement, available: &[usize]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if available.len() < 2 && placement.name != "free" {
        warnings.push(Warning {
            code: "one-cpu".into(),
            text: format!("placement {} needs two CPUs, and there is one", placement.name),
            advice: "give the process more CPUs".into(),
        });
    }
    if placement.sut.len() == 1 {
        warnings.push(Warning {
            code: "one-worker".into(),
            text: format!(
                "with placement {} every runtime has one worker: work stealing is not tested",
                placement.name
            ),
            advice: "--placement free".into(),
        });
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placements_share_or_part_the_cpus() {
        let sets = |name, cpus: &[usize]| {
            let Placement { sut, peer, harness, .. } = place(name, cpus);
            (sut, peer, harness)
        };
        assert_eq!(sets("same", &[0, 1]), (vec![0], vec![0], vec![1]));
        assert_eq!(sets("split", &[0, 1]), (vec![0], vec![1], vec![1]));
        assert_eq!(sets("split", &[0, 1, 2, 3, 4]), (vec![0, 1], vec![2, 3], vec![4]));
        assert_eq!(sets("free", &[2, 3]), (vec![2, 3], vec![2, 3], vec![2, 3]));
        assert_eq!(sets("same", &[5]), (vec![5], vec![5], vec![5]));
    }

    #[test]
    fn long_operations_take_turns() {
        let closed: Load = "closed-4".parse().unwrap();
        assert_eq!(kind(0, Duration::from_millis(5), closed), Kind::Sliced);
        assert_eq!(kind(0, Duration::from_millis(60), closed), Kind::Turns);
        assert_eq!(kind(5, Duration::from_millis(60), closed), Kind::Solo);
    }
}
