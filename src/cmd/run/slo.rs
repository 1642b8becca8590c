//! `--slo p99<20ms`: the most load that each model carries.
//!
//! For each scenario: how much the generator can send (`ceiling`), a rough search by doubling, and
//! then a fixed grid of rates, all of which every block measures, in random order. Each rate is a
//! race of its own, run a block at a time, by the same machinery as any other.
//!
//! Not in here: what the numbers say (`stats::capacity`).

mod ceiling;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    time::Duration,
};

use deadheat_core::{
    clock,
    load::{Arrivals, Load, Spacing},
    race::{self, Plan, order},
    record::{Capacity, Fits, Kind, Metric, Record, Role, Shape, Status, Verdict, Warning},
    stats::{
        capacity::{Objective, Search, judge_capacity, meets, rate_of},
        human, mark, min_blocks,
    },
};

use super::{Run, interrupted, warnings};
use crate::{
    cli::{OutputFormat, RunArgs},
    cmd::report,
    course::Course,
    failure::Failure,
    output,
    plan::words,
};

/// The loads are the search's own; this one stands for them where courses are chosen.
const STANDS_FOR: &str = "open-1000-poisson";

/// The most that is tried where nothing else limits it, per second.
const MOST: f64 = 200_000.0;

/// No capacity above this share of the generator's own limit is a server's.
const OF_CEILING: f64 = 0.80;

/// Samples beyond the quantile that each rate should have in a block, and what is done for it.
const BEYOND: f64 = 20.0;
const MOST_ROUNDS: usize = 10;

/// The code of the warning that `--max-time` ended a search.
const CUT: &str = "cut";

/// Whether what is to be printed has a place for capacities: asked before time goes into them.
pub(super) fn check_format(format: OutputFormat) -> Result<(), Failure> {
    if format == OutputFormat::Table {
        return Ok(());
    }
    let found = Record { capacities: vec![Capacity::default()], ..Record::default() };
    report::shown(format.id(), &found, &[]).map(drop)
}

/// What the arguments ask for, as they are needed to choose courses.
pub(super) fn arguments(mut args: RunArgs) -> Result<RunArgs, Failure> {
    if !args.choice.loads().is_empty() {
        return Err(Failure::usage("--slo chooses the loads itself: no --load, no --sweep"));
    }
    if args.effort.until.is_some() {
        return Err(Failure::usage("--slo runs a fixed number of blocks: no --until"));
    }
    args.choice.load = vec![STANDS_FOR.into()];
    Ok(args)
}

/// Servers have their CPUs for themselves where the scenario has an open course that says so, and
/// where it has none.
pub(super) fn place(courses: &mut [Course], args: &RunArgs) {
    for course in courses.iter_mut().filter(|_| args.choice.placement.is_none()) {
        let own = (course.scenario.describe)().courses;
        match own.iter().find(|own| own.load.starts_with("open-")) {
            Some(own) => own.placement.clone_into(&mut course.placement),
            None if course.scenario.server => "split".clone_into(&mut course.placement),
            None => {}
        }
    }
}

impl Run {
    /// Searches and measures every scenario that is not complete.
    pub(super) fn carry(&mut self, objective: Objective) -> Result<(), Failure> {
        for index in 0..self.plans.len() {
            if interrupted() {
                break;
            }
            let plan = template(&self.plans[index], objective, self.args.effort.slice);
            let place = self.capacity(&plan, objective)?;
            if let Some(place) = place {
                self.measure(&plan, place, objective)?;
            }
        }
        self.screen.clear();
        self.record.run.interrupted = interrupted();
        self.record.run.ended = super::now().to_string();
        self.folder.save(&self.record)
    }

    /// Where the scenario's capacity stands in the record, once its grid is known; `None` where
    /// the search was interrupted.
    fn capacity(&mut self, plan: &Plan, objective: Objective) -> Result<Option<usize>, Failure> {
        let known = |capacity: &Capacity| capacity.scenario == plan.scenario.id;
        if let Some(place) = self.record.capacities.iter().position(known) {
            return Ok(Some(place));
        }
        let mut capacity = Capacity {
            scenario: plan.scenario.id.into(),
            objective: objective.to_string(),
            reference: plan.reference.clone(),
            margin: self.terms.margin_of(Metric::Throughput),
            blocks: plan.shape.blocks,
            ..Capacity::default()
        };
        match ceiling::measure(plan, &self.launcher) {
            Ok(ceiling) => capacity.ceiling = ceiling,
            Err(error) => capacity.warnings.push(Warning {
                code: "no-ceiling".into(),
                text: format!("how much the generator can send is not known: {error}"),
                advice: "a capacity may be the generator's".into(),
            }),
        }
        let said = capacity.ceiling.map_or("not known".into(), human::rate);
        output::note(format_args!("{}: the generator's own limit: {said}", plan.scenario.id));
        let Some(grids) = self.search(plan, objective, capacity.ceiling) else { return Ok(None) };
        let rates: BTreeSet<u64> = grids.values().flatten().copied().collect();
        let rounds = rounds(plan, &rates, objective);
        capacity.races = rates
            .iter()
            .map(|rate| race::begin(&at(plan, *rate, &measured_at(&grids, *rate), rounds)))
            .collect();
        capacity.grid = grids;
        self.record.capacities.push(capacity);
        self.folder.save(&self.record)?;
        Ok(Some(self.record.capacities.len() - 1))
    }

    /// Doubles and halves the rate for each model until its grid is known.
    fn search(
        &self,
        plan: &Plan,
        objective: Objective,
        ceiling: Option<f64>,
    ) -> Option<BTreeMap<String, Vec<u64>>> {
        let most = ceiling.map_or(MOST, |ceiling| OF_CEILING * ceiling);
        let mut searches: BTreeMap<String, Search> =
            models(plan).map(|id| (id, Search::up_to(most))).collect();
        // Whoever is to try the same rate tries it in the same race.
        while let Some(rung) = searches.values().filter_map(Search::next).min() {
            let trying = searches.iter().filter(|(_, search)| search.next() == Some(rung));
            let trying: Vec<String> = trying.map(|(id, _)| id.clone()).collect();
            let mut probe = at(plan, rate_of(rung), &trying, 1);
            probe.entrants.retain(|entrant| entrant.contender.role == Role::Model);
            probe.shape.blocks = 1;
            let mut race = race::begin(&probe);
            let outcome = race::run(&probe, &self.launcher, &mut race, &mut |_, _| go_on());
            if interrupted() {
                return None;
            }
            if let Err(error) = outcome {
                output::warn(&format!("{}: {error}", race.id), "");
            }
            for id in trying {
                let met = meets(&race, &id, &objective);
                searches.entry(id).and_modify(|search| search.tried(rung, met));
            }
        }
        Some(searches.into_iter().map(|(id, search)| (id, search.grid().rates())).collect())
    }

    /// All rates in each block, in random order.
    fn measure(&mut self, plan: &Plan, place: usize, objective: Objective) -> Result<(), Failure> {
        let capacity = &mut self.record.capacities[place];
        // What ended it when it was last at work is not what ends it now.
        warnings::renew(&mut capacity.warnings, CUT, None);
        let blocks = capacity.blocks;
        let rounds = capacity.races.first().map_or(1, |race| race.shape.rounds);
        let grids = capacity.grid.clone();
        let rates: Vec<u64> =
            grids.values().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
        output::note(format_args!(
            "{} with {objective}: {} rates from {} to {}, {blocks} blocks of {rounds}",
            plan.scenario.id,
            rates.len(),
            human::rate(rates.first().map_or(0.0, |rate| *rate as f64)),
            human::rate(rates.last().map_or(0.0, |rate| *rate as f64)),
        ));
        let each: Duration = rates
            .iter()
            .map(|rate| at(plan, *rate, &measured_at(&grids, *rate), rounds))
            .map(|plan| {
                Plan { shape: Shape { blocks: 1, ..plan.shape.clone() }, ..plan }.estimate()
            })
            .sum();
        let all = each.mul_f64(blocks as f64);
        output::note(format_args!(
            "  about {}, and up to twice as long in foul weather",
            words(all)
        ));
        let begun = clock::now();
        let done = self.record.capacities[place].races.iter().map(|race| race.blocks.len()).min();
        let before = done.unwrap_or(0);
        for block in before..blocks {
            let seed = order::seed(self.record.run.seed, plan.scenario.id, block, usize::MAX);
            for which in order::shuffled(rates.len(), seed) {
                let rate = rates[which];
                let mut plan = at(plan, rate, &measured_at(&grids, rate), rounds);
                plan.shape.blocks = block + 1;
                self.one_rate(&plan, place, which)?;
                if interrupted() {
                    return Ok(());
                }
            }
            let each =
                Duration::from_nanos(clock::now() - begun).div_f64((block + 1 - before) as f64);
            let left = each.mul_f64((blocks - block - 1) as f64);
            output::note(format_args!(
                "  block {}/{blocks}, about {} left",
                block + 1,
                words(left)
            ));
            let over = self.terms.most.is_some_and(|most| self.elapsed() + each > most);
            if over && block + 1 < blocks {
                let least = min_blocks(grids.len().saturating_sub(1), 1);
                self.record.capacities[place].warnings.push(cut(block + 1, blocks, least));
                break;
            }
        }
        for race in &mut self.record.capacities[place].races {
            race.shape.blocks = blocks;
        }
        self.judge(place);
        self.folder.save(&self.record)
    }

    fn one_rate(&mut self, plan: &Plan, place: usize, which: usize) -> Result<(), Failure> {
        let race = &mut self.record.capacities[place].races[which];
        if race.blocks.len() >= plan.shape.blocks {
            return Ok(());
        }
        if let Err(error) = race::run(plan, &self.launcher, race, &mut |_, _| go_on()) {
            race.status = Status::Failed(error.to_string());
        }
        self.folder.save(&self.record)
    }

    fn judge(&mut self, place: usize) {
        let capacity = &mut self.record.capacities[place];
        let carrying = judge_capacity(capacity);
        capacity.carried = carrying.rows;
    }
}

fn go_on() -> ControlFlow<()> {
    if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

fn models(plan: &Plan) -> impl Iterator<Item = String> {
    plan.entrants
        .iter()
        .map(|entrant| &entrant.contender)
        .filter(|contender| contender.fits == Fits::Yes && contender.role == Role::Model)
        .map(|contender| contender.id.clone())
}

fn measured_at(grids: &BTreeMap<String, Vec<u64>>, rate: u64) -> Vec<String> {
    let at = grids.iter().filter(|(_, rates)| rates.contains(&rate));
    at.map(|(id, _)| id.clone()).collect()
}

/// What all rates have in common. A window of fifteen times the objective: an overload fills a
/// queue as long as the objective within it, or is seen as saturation. Shorter ones would call an
/// overload carried, and longer ones would be raced one process at a time.
fn template(plan: &Plan, objective: Objective, slice: Option<Duration>) -> Plan {
    const MS: u64 = 1_000_000;
    let window =
        slice.map_or((15 * clock::nanos(objective.limit)).clamp(200 * MS, 600 * MS), clock::nanos);
    let mut plan = plan.clone();
    plan.kind = Kind::Sliced;
    plan.primary = Metric::P99;
    plan.shape.warmup = 0;
    plan.shape.window_ns = window;
    // It also warms the process up: each rate has processes of its own.
    plan.shape.lead_ns = window / 2;
    plan.warnings.clear();
    plan
}

/// The plan of one rate, for the models that are measured at it.
fn at(plan: &Plan, rate: u64, models: &[String], rounds: usize) -> Plan {
    let mut plan = plan.clone();
    let arrivals = Arrivals::Open { rate, spacing: Spacing::Poisson };
    plan.load = Load { arrivals, spawn: false };
    plan.shape.rounds = rounds;
    let has_reference = models.contains(&plan.reference);
    plan.entrants.retain(|entrant| match entrant.contender.role {
        Role::Model => models.contains(&entrant.contender.id),
        Role::Twin => has_reference,
        // The clock handicap moves quantiles, and a capacity by an amount that nobody knows.
        Role::Handicapped => false,
    });
    if !has_reference {
        plan.reference = models.first().cloned().unwrap_or_default();
    }
    plan
}

/// As many rounds as leave enough samples beyond the quantile at the lowest rate.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 10")]
fn rounds(plan: &Plan, rates: &BTreeSet<u64>, objective: Objective) -> usize {
    let lowest = rates.first().map_or(1.0, |rate| *rate as f64);
    let a_window = lowest * plan.shape.window_ns as f64 / 1e9 * (1.0 - objective.quantile);
    ((BEYOND / a_window).ceil() as usize).clamp(1, MOST_ROUNDS)
}

fn cut(blocks: usize, planned: usize, least: usize) -> Warning {
    let judged =
        if blocks < least { format!(": an interval needs {least}") } else { String::new() };
    Warning {
        code: CUT.into(),
        text: format!("ended by --max-time after {blocks} of {planned} blocks{judged}"),
        advice: "a longer --max-time, or fewer models".into(),
    }
}

/// Whether a contender failed in any race of a search, or a race did.
pub(super) fn failed(capacity: &Capacity) -> bool {
    capacity.races.iter().any(super::failed)
}

/// Whether a search could not be judged.
pub(super) fn unjudged(capacity: &Capacity) -> bool {
    let models = capacity.carried.iter().filter(|row| row.role == Role::Model);
    let mut verdicts = models.filter_map(|row| row.verdict.as_ref()).peekable();
    let is_thin = |verdict: &Verdict| verdict.marks.iter().any(|m| m == mark::NOT_DECIDABLE);
    let thin = verdicts.peek().is_some() && verdicts.all(is_thin);
    let none = capacity.carried.iter().all(|row| row.lo.is_none());
    judge_capacity(capacity).is_invalid || none || thin
}
