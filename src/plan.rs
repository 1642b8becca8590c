//! What is going to be run: a plan for each course, cut to the time that there is.

use std::{collections::BTreeMap, time::Duration};

use deadheat_core::{
    race::plan::{Effort, Plan, Wish},
    record::{Fits, Kind, Metric, Role, Warning},
    stats::min_blocks,
};

use crate::{
    cli::{EffortArgs, Margin},
    course::Course,
    profile::Profile,
};

/// How a run is raced, once all flags have been merged.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// The profile.
    pub(crate) profile: Profile,
    effort: Effort,
    /// Blocks as they were asked for; else they are raised to what the models need.
    fixed: bool,
    /// The run's seed.
    pub(crate) seed: u64,
    reference: Option<String>,
    margin: BTreeMap<Metric, f64>,
    keep_slices: bool,
    /// The half-width that every comparison is to reach (0.02: ±2%).
    pub(crate) until: Option<f64>,
    /// What the run must fit in.
    pub(crate) most: Option<Duration>,
    /// The same, before calibration took its part.
    asked: Option<Duration>,
}

impl Terms {
    /// Merges the flags with their profile.
    pub(crate) fn new(args: &EffortArgs, keep_slices: bool, seed: u64) -> Self {
        let profile = if args.quick { Profile::Quick } else { args.profile };
        let mut effort = profile.effort();
        effort.blocks = args.blocks.unwrap_or(effort.blocks);
        effort.rounds = args.rounds.unwrap_or(effort.rounds);
        effort.long_rounds = args.rounds.unwrap_or(effort.long_rounds);
        effort.window = args.slice;
        // What was asked for in so many words is not cut by a profile's own limit.
        let asked = args.blocks.is_some()
            || args.rounds.is_some()
            || args.slice.is_some()
            || args.until.is_some()
            || args.slo.is_some();
        let most = args.max_time.or_else(|| profile.max_time().filter(|_| !asked));
        Self {
            profile,
            effort,
            fixed: args.blocks.is_some(),
            seed,
            reference: args.reference.clone(),
            margin: margins(&args.margin),
            keep_slices,
            until: args.until,
            most,
            asked: most,
        }
    }

    /// The equivalence margin of a metric.
    pub(crate) fn margin_of(&self, metric: Metric) -> f64 {
        self.margin.get(&metric).copied().unwrap_or_else(|| metric.default_margin())
    }

    /// Plans every course.
    pub(crate) fn plans(&self, courses: &[Course]) -> Vec<Plan> {
        courses.iter().map(|course| self.plan(course)).collect()
    }

    fn plan(&self, course: &Course) -> Plan {
        let wish = Wish {
            params: course.params.clone(),
            load: course.load,
            placement: &course.placement,
            name_placement: course.name_placement,
            effort: self.effort,
            seed: self.seed,
            reference: self.reference.as_deref(),
            controls: self.profile != Profile::Smoke,
            external: course.externals(),
            margin: self.margin.clone(),
            keep_slices: self.keep_slices,
        };
        let mut plan = Plan::new(&course.scenario, &course.cells(), wish);
        let least = self.least(&plan);
        if plan.shape.blocks < least && self.fixed && self.until.is_none() {
            plan.warnings.push(few_blocks(plan.shape.blocks, least));
        }
        if !self.fixed {
            plan.shape.blocks = plan.shape.blocks.max(least);
        }
        plan
    }

    /// The fewest blocks that its intervals need.
    fn least(&self, plan: &Plan) -> usize {
        let rank = if self.fixed { 1 } else { self.profile.least_rank() };
        if self.profile.least_rank() == 0 {
            return 1;
        }
        min_blocks(compared(plan), rank)
    }

    /// Cuts the plans to `most`: rounds first, from the plans that tell most for what they take; then
    /// blocks, down to what the intervals need. Says so where even that is not enough. What is left
    /// over goes to the plans that tell least.
    pub(crate) fn cut(&self, plans: &mut [Plan], most: Duration) -> Option<Warning> {
        while total(plans) > most {
            let richest = plans
                .iter_mut()
                .filter(|plan| can_lose_rounds(plan))
                .max_by_key(|plan| (weight(plan), plan.estimate()));
            let Some(plan) = richest else { break };
            plan.shape.rounds -= 1;
        }
        while self.give_a_round(plans, most) {}
        while total(plans) > most && !self.fixed {
            let spare = |plan: &Plan| plan.shape.blocks.saturating_sub(self.least(plan));
            let Some(plan) = plans.iter_mut().max_by_key(|plan| spare(plan)) else { break };
            if spare(plan) == 0 {
                break;
            }
            plan.shape.blocks -= 1;
        }
        plans.iter_mut().for_each(Plan::settle);
        (total(plans) > most).then(|| Warning {
            code: "over-time".into(),
            text: format!(
                "the fewest blocks and rounds that can be judged need about {}, more than {}",
                words(total(plans)),
                words(self.asked.unwrap_or(most))
            ),
            advice: "fewer models or courses, or a longer --max-time".into(),
        })
    }

    /// Gives the poorest plan a round more, of those where it fits and is wanted.
    fn give_a_round(&self, plans: &mut [Plan], most: Duration) -> bool {
        let spare = most.saturating_sub(total(plans));
        let fits = |plan: &Plan| a_round(plan) <= spare;
        let wants =
            |plan: &Plan| plan.kind == Kind::Sliced && plan.shape.rounds < self.effort.rounds;
        let poor = plans.iter_mut().filter(|plan| wants(plan) && !spare.is_zero() && fits(plan));
        let Some(plan) = poor.min_by_key(|plan| weight(plan)) else { return false };
        plan.shape.rounds += 1;
        true
    }
}

fn margins(given: &[Margin]) -> BTreeMap<Metric, f64> {
    let all = given.iter().filter(|margin| margin.metric.is_none());
    let mut margins: BTreeMap<Metric, f64> =
        all.flat_map(|margin| Metric::ALL.map(|metric| (metric, margin.delta))).collect();
    margins.extend(given.iter().filter_map(|margin| Some((margin.metric?, margin.delta))));
    margins
}

fn few_blocks(blocks: usize, least: usize) -> Warning {
    Warning {
        code: "few-blocks".into(),
        text: format!("with {blocks} blocks nothing can be judged: an interval needs {least}"),
        advice: format!("--blocks {least}, or fewer models"),
    }
}

/// How long a round more would take, in all blocks.
fn a_round(plan: &Plan) -> Duration {
    let mut more = plan.clone();
    more.shape.rounds += 1;
    more.estimate().saturating_sub(plan.estimate())
}

/// What its rounds tell and take, squared: tells² × the time of a round. Where these are equal no
/// round would tell more elsewhere: the variances, each ∝ 1/(rounds × operations), have their least
/// sum (Neyman's allocation, J. R. Stat. Soc. 97, 1934).
fn weight(plan: &Plan) -> u128 {
    u128::from(plan.tells()).pow(2) * a_round(plan).as_micros()
}

fn can_lose_rounds(plan: &Plan) -> bool {
    // The steps of a scenario that climbs are one measurement.
    plan.shape.rounds > 1 && (plan.scenario.describe)().solo_steps == 0
}

/// How many models are compared with the reference.
fn compared(plan: &Plan) -> usize {
    let models = plan.entrants.iter().map(|entrant| &entrant.contender);
    models
        .filter(|c| c.fits == Fits::Yes && c.role == Role::Model && c.id != plan.reference)
        .count()
}

/// The estimated time of all plans.
pub(crate) fn total(plans: &[Plan]) -> Duration {
    plans.iter().map(Plan::estimate).sum()
}

/// "1 min 20 s", "12 s".
pub(crate) fn words(time: Duration) -> String {
    // Half a second more is a second more.
    let seconds = (time + Duration::from_millis(500)).as_secs();
    match seconds {
        0 => "1 s".into(),
        s @ 1..60 => format!("{s} s"),
        s @ 60..3_600 => format!("{} min {:02} s", s / 60, s % 60),
        s => format!("{} h {:02} min", s / 3_600, s % 3_600 / 60),
    }
}

/// The plan as it is printed before anything runs: a line for each race.
pub(crate) fn lines(plans: &[Plan]) -> Vec<String> {
    let width = plans.iter().map(|plan| plan.id().len()).max().unwrap_or(0);
    let mut lines: Vec<String> = plans
        .iter()
        .map(|plan| {
            let racing = plan.entrants.iter().filter(|e| e.contender.fits == Fits::Yes);
            let models = racing.filter(|e| e.contender.role == Role::Model).count();
            let kind = match plan.kind {
                Kind::Sliced => "slices",
                Kind::Turns => "turns",
                Kind::Solo => "solo",
            };
            format!(
                "  {:width$}  {models:2} models  {:2} × {:2} {kind:6}  {:5}  {}",
                plan.id(),
                plan.shape.blocks,
                plan.shape.rounds,
                plan.placement.name,
                words(plan.estimate()),
            )
        })
        .collect();
    let races = if plans.len() == 1 { "1 race".into() } else { format!("{} races", plans.len()) };
    lines.insert(0, format!("plan: {races}, about {}", words(total(plans))));
    lines
}

#[cfg(all(test, feature = "core"))]
mod again;

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use deadheat_core::race::plan::Pace;

    use super::*;
    use crate::{choice::choose, cli::ChoiceArgs, matrix};

    /// The plans of `--quick`, with operations of 1 ms in one race and of 20 ms in the others.
    fn quick() -> (Terms, Vec<Plan>) {
        let args = EffortArgs { quick: true, ..EffortArgs::default() };
        let terms = Terms::new(&args, false, 1);
        let choice = ChoiceArgs::default();
        let courses = choose(&matrix::cells(), &[], &choice, terms.profile, None).unwrap();
        let mut plans = terms.plans(&courses);
        plans.retain(|plan| plan.kind == Kind::Sliced);
        for plan in &mut plans {
            let service_ns = if plan.scenario.id == "tcp-echo" { 1_000_000 } else { 20_000_000 };
            plan.refit(Pace { service_ns, ready_ns: 1_000_000, ..Pace::default() });
        }
        (terms, plans)
    }

    #[test]
    fn a_cut_leaves_rounds_where_they_tell_most() {
        let (terms, mut plans) = quick();
        let whole = total(&plans);
        assert!(plans.len() > 1 && terms.cut(&mut plans, whole).is_none());
        assert!(plans.iter().all(|plan| plan.shape.rounds == 4), "all fits");
        let warning = terms.cut(&mut plans, whole.mul_f64(0.6));
        assert!(warning.is_none() && total(&plans) <= whole.mul_f64(0.6));
        let rounds: BTreeMap<&str, usize> =
            plans.iter().map(|plan| (plan.scenario.id, plan.shape.rounds)).collect();
        assert!(rounds.values().any(|n| *n < 4), "{rounds:?}");
        // Nobody has a round that would tell more elsewhere.
        let rounds_of = |plan: &Plan, rounds| {
            let mut plan = plan.clone();
            plan.shape.rounds = rounds;
            weight(&plan)
        };
        for (rich, poor) in plans.iter().flat_map(|a| plans.iter().map(move |b| (a, b))) {
            let (less, more) = (rich.shape.rounds - 1, poor.shape.rounds + 1);
            let even = less == 0 || more > 4 || rounds_of(rich, less) <= rounds_of(poor, more);
            assert!(even, "{} and {} of {rounds:?}", rich.scenario.id, poor.scenario.id);
        }
        // What turns out to be left is used.
        terms.cut(&mut plans, whole);
        assert!(plans.iter().all(|plan| plan.shape.rounds == 4));
    }

    #[test]
    fn a_cut_leaves_the_blocks_that_an_interval_needs() {
        let (terms, mut plans) = quick();
        assert!(terms.cut(&mut plans, Duration::from_secs(1)).is_some(), "over time, and said");
        assert!(plans.iter().all(|p| p.shape.rounds == 1 && p.shape.blocks == terms.least(p)));
    }
}
