//! What slicing itself does to the numbers: the reference in slices among idle twins, against the
//! same code alone, without pauses, for as long.
//!
//! A comparison is one block of each, right after one another, the first drawn by lot: a block of a
//! race of six twins, and a block of a race of one whose only window is as long as all of the
//! other's windows together. Where operations are batches there is no window to be drawn out; then
//! alone means that nobody else is alive. Scenarios that always run alone are never sliced, and are
//! not here.

use std::collections::BTreeMap;

use deadheat_core::{
    cell::ScenarioInfo,
    race::{Plan, order},
    record::{Call, Kind, Metric, Race},
    stats::{Estimate, Measures, applicable, decide},
};
use serde::{Deserialize, Serialize};

use crate::profile::Profile;

use super::{
    Campaign, Stop,
    course::{Course, Lab, Terms, Weather, in_turn, twins},
    table::{Table, ratio},
};

/// Pairs of blocks of each course.
const REPEATS: usize = 16;

/// Twins alive in the sliced block.
const TWINS: usize = 6;

/// Most rounds of a block: so many windows in a row are the one window of the other.
const ROUNDS: usize = 8;

/// The campaign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slicing;

/// A pair of blocks, and the log ratio of each cost: in slices over alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    course: String,
    rounds: usize,
    ratios: BTreeMap<Metric, f64>,
}

impl Campaign for Slicing {
    type Task = Course;
    type Found = Found;
    const ID: &'static str = "slicing";
    const RACES: u32 = 1;

    /// Every course that is raced by default, but for those that always run alone.
    fn tasks(&self, lab: &Lab<'_>) -> Vec<(String, Course)> {
        let mut scenarios: Vec<&ScenarioInfo> = Vec::new();
        for cell in lab.cells {
            if scenarios.iter().all(|known| known.id != cell.scenario.id) {
                scenarios.push(&cell.scenario);
            }
        }
        let conditions = scenarios.into_iter().flat_map(|scenario| {
            let about = (scenario.describe)();
            let sliced = about.courses.iter().filter(move |course| {
                about.solo_steps == 0 && Profile::Default.has_course(course.tier)
            });
            sliced.map(|course| Course {
                scenario: scenario.id,
                load: course.load,
                params: course.params,
                placement: course.placement,
            })
        });
        in_turn(&conditions.map(|course| (course.id(), course)).collect::<Vec<_>>(), REPEATS)
    }

    fn perform(&self, lab: &Lab<'_>, key: &str, course: &Course) -> Result<Found, Stop> {
        let terms = Terms { blocks: 1, controls: false, margin: None, window: None };
        let mut sliced = lab.plan(course, &terms, key)?;
        let ids = twins(&mut sliced, TWINS);
        // Both blocks must fit.
        let half = Lab { race_time: lab.race_time * 2 / 3, launcher: lab.launcher.clone(), ..*lab };
        half.fit(&mut sliced, Weather::Quiet);
        sliced.shape.rounds = sliced.shape.rounds.min(ROUNDS);
        let alone = alone(&sliced);
        let first = order::shuffled(2, lab.seed_of(key))[0];
        let (sliced, alone) = if first == 0 {
            let sliced = lab.race(&sliced)?;
            (sliced, lab.race(&alone)?)
        } else {
            let alone = lab.race(&alone)?;
            (lab.race(&sliced)?, alone)
        };
        let rounds = sliced.shape.rounds;
        Ok(Found { course: course.id(), rounds, ratios: ratios(&sliced, &alone, &ids[0]) })
    }

    fn table(found: &[&Found]) -> Vec<String> {
        let metrics =
            [Metric::Throughput, Metric::Makespan, Metric::P50, Metric::P99, Metric::CpuTime];
        let mut head = vec!["course", "n"];
        head.extend(metrics.map(Metric::id));
        let mut table = Table::new(&head);
        let mut courses: Vec<&str> = Vec::new();
        for found in found {
            if !courses.contains(&found.course.as_str()) {
                courses.push(&found.course);
            }
        }
        for course in courses {
            let of: Vec<&Found> =
                found.iter().filter(|found| found.course == course).copied().collect();
            let cells = metrics.map(|metric| {
                let d: Vec<f64> =
                    of.iter().filter_map(|f| f.ratios.get(&metric)).copied().collect();
                cell(&Estimate::of(&d, 0.05), metric)
            });
            table.row([course.to_owned(), of.len().to_string()].into_iter().chain(cells));
        }
        let mut lines = table.lines();
        lines.extend([
            String::new(),
            "Cost in slices ÷ cost alone without pauses: median and exact 95% interval over pairs \
             of blocks; = proven within the metric's margin, ! proven beyond it, ? neither."
                .into(),
        ]);
        lines
    }
}

/// The same slices' time as one, with nobody else alive. One slice of it is warm-up, which also
/// gives the samples their space.
fn alone(sliced: &Plan) -> Plan {
    let mut alone = sliced.clone();
    alone.entrants.truncate(1);
    if alone.kind == Kind::Sliced {
        alone.shape.window_ns *= sliced.shape.rounds as u64;
        (alone.shape.rounds, alone.shape.warmup) = (1, 1);
        alone.shape.warmup_window_ns = alone.shape.window_ns;
    }
    alone
}

fn ratios(sliced: &Race, alone: &Race, id: &str) -> BTreeMap<Metric, f64> {
    let (a, b) = (Measures::of(sliced), Measures::of(alone));
    let ratio = |metric: Metric| {
        let cost = |measures: &Measures<'_>| measures.costs(metric, id).first().copied();
        let d = (cost(&a)? / cost(&b)?).ln();
        d.is_finite().then_some((metric, d))
    };
    applicable(sliced).into_iter().filter_map(ratio).collect()
}

/// The ratio, and whether it is within the margin.
fn cell(estimate: &Estimate, metric: Metric) -> String {
    if estimate.n == 0 {
        return "—".into();
    }
    let sign = match decide(estimate, metric.default_margin(), None).call {
        Call::DeadHeat => "=",
        Call::Faster | Call::Slower => "!",
        _ => "?",
    };
    format!("{} {sign}", ratio(estimate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use deadheat_core::race::child::Processes;

    #[test]
    fn every_core_scenario_that_is_sliced_is_asked_and_alone_means_without_pauses() {
        let cells = [crate::matrix::cells(), crate::matrix::hidden()].concat();
        let lab = Lab {
            cells: &cells,
            launcher: Processes::of("none"),
            seed: 1,
            race_time: std::time::Duration::from_secs(10),
        };
        let tasks = Slicing.tasks(&lab);
        let asked: std::collections::BTreeSet<&str> =
            tasks.iter().map(|(_, course)| course.scenario).collect();
        let never = ["idle-tasks", "spin"];
        let all = cells.iter().map(|cell| cell.scenario.id).filter(|id| !never.contains(id));
        assert_eq!(asked, all.collect());
        for (key, course) in &tasks[..tasks.len() / REPEATS] {
            let terms = Terms { blocks: 1, controls: false, margin: None, window: None };
            let mut sliced = lab.plan(course, &terms, key).unwrap();
            twins(&mut sliced, TWINS);
            sliced.shape.rounds = 4;
            let alone = alone(&sliced);
            assert_eq!(alone.entrants.len(), 1);
            let measured = |plan: &Plan| plan.shape.rounds as u64 * plan.shape.window_ns;
            assert_eq!(measured(&alone), measured(&sliced), "{key}");
            assert_eq!(alone.shape.rounds == 1, alone.kind == Kind::Sliced, "{key}");
        }
    }

    #[test]
    fn an_effect_is_told_from_none() {
        let found = |d: f64| Found {
            course: "c".into(),
            ratios: BTreeMap::from([
                (Metric::Throughput, 0.001 * d),
                (Metric::P50, 0.2 + 0.001 * d),
            ]),
            ..Found::default()
        };
        let all: Vec<Found> = (0..8).map(|i| found(f64::from(i) - 3.5)).collect();
        let text = Slicing::table(&all.iter().collect::<Vec<_>>()).join("\n");
        let row = text.lines().nth(2).unwrap();
        assert!(row.starts_with("| c      | 8 | 1.000 [0.997, 1.004] = "), "{row}");
        assert!(row.contains("1.22 [1.22, 1.23] !") && row.contains("—"), "{row}");
    }
}
