//! What campaigns race: courses whose answers are known, in known weather, fitted to a time.

use std::{collections::BTreeMap, ops::ControlFlow, time::Duration};

use deadheat_core::{
    cell::Cell,
    race::{
        self, Plan,
        child::Processes,
        order,
        plan::{Effort, Wish},
    },
    record::{Metric, Race, Role, Status},
    scenario::Params,
};
use serde::{Deserialize, Serialize};

use super::{Stop, bursts::Bursts};
use crate::cmd::interrupted;

/// The fewest blocks that have an interval at 95%.
const LEAST_BLOCKS: usize = 6;

/// The shortest window there is. In a race of ten seconds more rounds tell more than longer
/// windows do, and under bursts of load they are what the median over rounds rests on.
pub(crate) const WINDOW: Duration = Duration::from_millis(15);

/// Blocks of a race that is to tell a small slowdown in ten seconds. Every block starts its
/// processes and warms them up, so fewer blocks leave more rounds for each: one or two, of which a
/// burst spoils every second one, leave the median nothing to choose from.
pub(crate) const BLOCKS: usize = 12;

/// More rounds than this in a block change little.
const MOST_ROUNDS: usize = 20;

/// What all comparisons of a campaign share.
#[derive(Debug)]
pub(crate) struct Lab<'a> {
    /// Every cell, the hidden ones included.
    pub(crate) cells: &'a [Cell],
    /// Starts processes.
    pub(crate) launcher: Processes,
    /// The seed of the campaign.
    pub(crate) seed: u64,
    /// What a race must fit in.
    pub(crate) race_time: Duration,
}

/// What the machine is made to do meanwhile.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Weather {
    /// Nothing of ours.
    #[default]
    Quiet,
    /// Foreign load, 0.2 s in every 0.5 s on every CPU.
    Bursts,
}

impl Weather {
    /// Both, the quiet one first.
    pub(crate) const BOTH: [Self; 2] = [Self::Quiet, Self::Bursts];

    /// As in tables.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Bursts => "bursts",
        }
    }

    /// Makes it, until the guard is dropped.
    pub(crate) fn make(self) -> Result<Option<Bursts>, Stop> {
        let bursts = (self == Self::Bursts).then(Bursts::start).transpose();
        bursts.map_err(|error| Stop::Failed(format!("failed to start bursts: {error}")))
    }
}

/// A scenario under a load, in a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Course {
    /// The scenario.
    pub(crate) scenario: &'static str,
    /// As in ids.
    pub(crate) load: &'static str,
    /// `k=v,k=v`.
    pub(crate) params: &'static str,
    /// `same`, `split` or `free`.
    pub(crate) placement: &'static str,
}

/// Courses with peers and without, bound by calls, by the CPU, by timers.
pub(crate) const COURSES: [Course; 5] = [
    Course::new("tcp-echo", "closed-16", "same"),
    Course::new("http-server", "closed-64", "same"),
    Course::new("sha256", "closed-4", "free"),
    Course::new("ping-pong", "closed-1", "same"),
    Course::new("sleep", "closed-64", "same"),
];

/// How a course is planned.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// Blocks, unless they do not fit.
    pub(crate) blocks: usize,
    /// Whether the reference also runs as its own twin, and as its handicapped twin.
    pub(crate) controls: bool,
    /// The margin of all metrics, instead of their own.
    pub(crate) margin: Option<f64>,
    /// The measured window of a slice, instead of what fits the scenario.
    pub(crate) window: Option<Duration>,
}

impl Course {
    pub(crate) const fn new(
        scenario: &'static str,
        load: &'static str,
        placement: &'static str,
    ) -> Self {
        Self { scenario, load, params: "", placement }
    }

    /// As in tables: `tcp-echo/closed-16@same`.
    pub(crate) fn id(&self) -> String {
        let slash = if self.params.is_empty() { "" } else { "/" };
        let Self { scenario, load, params, placement } = self;
        format!("{scenario}/{load}{slash}{params}@{placement}")
    }
}

impl Lab<'_> {
    /// A race of the course's reference alone, with its controls if they are wanted.
    pub(crate) fn plan(&self, course: &Course, terms: &Terms, key: &str) -> Result<Plan, Stop> {
        let mut cells = self.cells.iter().filter(|cell| cell.scenario.id == course.scenario);
        let missing = || Stop::Failed(format!("this build has no scenario {}", course.scenario));
        let first = cells.clone().next().ok_or_else(missing)?;
        let about = (first.scenario.describe)();
        let cell = cells.find(|cell| cell.model.id == about.reference).unwrap_or(first);
        let effort = Effort {
            blocks: terms.blocks,
            rounds: 1,
            warmup: 2,
            long_rounds: 1,
            window: terms.window,
        };
        let margin = terms.margin.into_iter();
        let wish = Wish {
            params: Params::parse(course.params, about.params).map_err(Stop::failed)?,
            load: course.load.parse().map_err(Stop::failed)?,
            placement: course.placement,
            name_placement: false,
            effort,
            seed: self.seed_of(key),
            reference: None,
            controls: terms.controls,
            external: Vec::new(),
            margin: margin
                .flat_map(|delta| Metric::ALL.map(|metric| (metric, delta)))
                .collect::<BTreeMap<_, _>>(),
            keep_slices: false,
        };
        Ok(Plan::new(&cell.scenario, std::slice::from_ref(cell), wish))
    }

    /// The seed of a comparison.
    pub(crate) fn seed_of(&self, key: &str) -> u64 {
        order::seed(self.seed, key, 0, 0)
    }

    /// As many rounds as fit, at least one; then no more blocks than fit, and never fewer than an
    /// interval needs. Under bursts rounds are run again, up to twice as many in all.
    pub(crate) fn fit(&self, plan: &mut Plan, weather: Weather) {
        let worst = |blocks: usize, rounds: usize| {
            let mut plan = plan.clone();
            plan.shape.blocks = blocks;
            plan.shape.rounds = if weather == Weather::Bursts { 2 * rounds } else { rounds };
            plan.estimate()
        };
        let fits = |blocks, rounds| worst(blocks, rounds) <= self.race_time;
        let (mut blocks, mut rounds) = (plan.shape.blocks, 1);
        while rounds < MOST_ROUNDS && fits(blocks, rounds + 1) {
            rounds += 1;
        }
        while blocks > LEAST_BLOCKS && !fits(blocks, rounds) {
            blocks -= 1;
        }
        (plan.shape.blocks, plan.shape.rounds) = (blocks, rounds);
    }

    /// Runs a race to its end.
    pub(crate) fn race(&self, plan: &Plan) -> Result<Race, Stop> {
        let mut race = race::begin(plan);
        let run = race::run(plan, &self.launcher, &mut race, &mut |_, _| {
            if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        run.map_err(Stop::failed)?;
        if race.status == Status::Complete { Ok(race) } else { Err(Stop::Interrupted) }
    }
}

/// Makes a race of the reference alone one of `count` of it, with ids of their own; the first is
/// the reference.
pub(crate) fn twins(plan: &mut Plan, count: usize) -> Vec<String> {
    let reference = plan.entrants.iter().find(|e| e.contender.role == Role::Model).cloned();
    let twin = |number: usize| {
        let mut twin = reference.clone()?;
        twin.contender.id = format!("{}+{number}", twin.contender.model);
        twin.contender.note = "same code".into();
        Some(twin)
    };
    plan.entrants = (1..=count).filter_map(twin).collect();
    let ids: Vec<String> = plan.entrants.iter().map(|e| e.contender.id.clone()).collect();
    plan.reference = ids.first().cloned().unwrap_or_default();
    ids
}

/// `repeats` of every condition, taking all conditions in turn, so that a part of them is a fair
/// part.
pub(crate) fn in_turn<T: Clone>(conditions: &[(String, T)], repeats: usize) -> Vec<(String, T)> {
    let keyed = |repeat: usize| {
        let of = move |(name, task): &(String, T)| (format!("{name}/{repeat}"), task.clone());
        conditions.iter().map(of)
    };
    (0..repeats).flat_map(keyed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(cells: &[Cell], seconds: u64) -> Lab<'_> {
        Lab {
            cells,
            launcher: Processes::of("none"),
            seed: 7,
            race_time: Duration::from_secs(seconds),
        }
    }

    const TERMS: Terms = Terms { blocks: 12, controls: false, margin: Some(0.02), window: None };

    #[test]
    fn a_race_is_fitted_to_its_time_and_to_its_weather() {
        let cells = crate::matrix::cells();
        let fitted = |seconds, weather| {
            let lab = lab(&cells, seconds);
            let mut plan = lab.plan(&COURSES[0], &TERMS, "x").unwrap();
            assert_eq!(twins(&mut plan, 8).len(), 8);
            lab.fit(&mut plan, weather);
            (plan.shape.blocks, plan.shape.rounds)
        };
        let (blocks, rounds) = fitted(30, Weather::Quiet);
        assert!(blocks == 12 && (2..MOST_ROUNDS).contains(&rounds), "{blocks} × {rounds}");
        assert_eq!(fitted(30, Weather::Bursts), (12, rounds / 2), "they may all be run again");
        assert_eq!(fitted(1, Weather::Quiet), (LEAST_BLOCKS, 1));
        assert_eq!(fitted(6_000, Weather::Quiet), (12, MOST_ROUNDS));
    }

    #[test]
    fn twins_are_the_reference_under_names_of_their_own() {
        let cells = crate::matrix::cells();
        let lab = lab(&cells, 10);
        let terms = Terms { controls: true, ..TERMS };
        let mut plan = lab.plan(&COURSES[0], &terms, "x").unwrap();
        assert_eq!(plan.margin.get(&Metric::Throughput), Some(&0.02));
        assert_eq!(plan.entrants.len(), 3, "the reference and its controls");
        let ids = twins(&mut plan, 2);
        assert_eq!(ids, ["threads/per-task+1", "threads/per-task+2"]);
        assert_eq!(plan.reference, ids[0]);
        assert!(plan.entrants.iter().all(|e| e.contender.model == "threads/per-task"));
    }

    #[test]
    fn every_course_is_there_and_conditions_are_taken_in_turn() {
        let cells = [crate::matrix::cells(), crate::matrix::hidden()].concat();
        let lab = lab(&cells, 10);
        for course in COURSES {
            lab.plan(&course, &TERMS, "x").unwrap();
        }
        assert!(lab.plan(&Course::new("none", "closed-1", "same"), &TERMS, "x").is_err());
        assert_ne!(lab.seed_of("a"), lab.seed_of("b"));
        let keys: Vec<_> = in_turn(&[("a".into(), 1), ("b".into(), 2)], 2)
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        assert_eq!(keys, ["a/0", "b/0", "a/1", "b/1"]);
    }
}
