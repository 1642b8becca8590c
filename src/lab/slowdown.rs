//! Slowdowns of known size: a contender that is the reference, made slower by a factor that is
//! known. It stands in a race as any model does, and the race is judged as any race is, with its
//! controls; the margin is 2%.
//!
//! Two ways to be slower, which share nothing: more operations (every so many one more, in full,
//! that is not reported, as the handicapped control does it), and longer ones (more steps in the
//! operation).

use deadheat_core::{
    race::plan::Entrant,
    record::{Call, Control, Handicap, Race, Role, Verdict},
    stats::{Estimate, judge, theil_sen},
};
use deadheat_scenarios::spin::STEPS;
use serde::{Deserialize, Serialize};

use super::{
    Campaign, Comparison, Stop,
    course::{BLOCKS, Course, Lab, Terms, WINDOW, Weather, in_turn},
    table::{Table, ratio, share},
};

/// What counts as equal.
pub(crate) const MARGIN: f64 = 0.02;

/// Slowdowns in percent, and races of each in each way and weather.
const SLOWDOWNS: [(u64, usize); 4] = [(5, 10), (2, 5), (10, 5), (20, 5)];

/// The campaign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slowdown;

/// How it is made slower.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum By {
    /// More operations than it reports.
    #[default]
    Work,
    /// More steps in each.
    Loop,
}

impl By {
    const BOTH: [Self; 2] = [Self::Work, Self::Loop];

    fn id(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Loop => "loop",
        }
    }

    fn course(self) -> Course {
        match self {
            Self::Work => Course::new("tcp-echo", "closed-16", "same"),
            Self::Loop => Course::new("spin", "closed-1", "same"),
        }
    }
}

/// One race.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    percent: u64,
    by: By,
    weather: Weather,
}

/// A race, and what it said of the slower one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    /// The slowdown in percent.
    percent: u64,
    by: By,
    weather: Weather,
    /// The true ratio.
    truth: f64,
    rounds: usize,
    /// Rounds in foul weather.
    foul: usize,
    /// What was measured, and what was said of it.
    measured: Comparison,
    /// Why less was said than the interval would.
    marks: Vec<String>,
    /// The twin's state, and the handicapped twin's.
    controls: Vec<String>,
}

impl Campaign for Slowdown {
    type Task = Task;
    type Found = Found;
    const ID: &'static str = "slowdown";
    const RACES: u32 = 1;

    fn tasks(&self, _lab: &Lab<'_>) -> Vec<(String, Task)> {
        let mut tasks: Vec<(usize, (String, Task))> = Vec::new();
        for (percent, races) in SLOWDOWNS {
            let mut conditions = Vec::new();
            for by in By::BOTH {
                for weather in Weather::BOTH {
                    let key = format!("{percent}%/{}/{}", by.id(), weather.id());
                    conditions.push((key, Task { percent, by, weather }));
                }
            }
            let all = in_turn(&conditions, races);
            let count = all.len();
            // Spread over the campaign, so that a part of it has all sizes.
            tasks.extend(all.into_iter().enumerate().map(|(i, task)| (i * 1_000 / count, task)));
        }
        tasks.sort_by_key(|(place, _)| *place);
        tasks.into_iter().map(|(_, task)| task).collect()
    }

    fn perform(&self, lab: &Lab<'_>, key: &str, task: &Task) -> Result<Found, Stop> {
        let terms =
            Terms { blocks: BLOCKS, controls: true, margin: Some(MARGIN), window: Some(WINDOW) };
        let mut plan = lab.plan(&task.by.course(), &terms, key)?;
        let (slower, truth) = slower(&plan.entrants, task.by, task.percent)
            .ok_or_else(|| Stop::failed("the race has no reference"))?;
        let id = slower.contender.id.clone();
        plan.entrants.push(slower);
        lab.fit(&mut plan, task.weather);
        let _made = task.weather.make()?;
        let race = lab.race(&plan)?;
        let (measured, marks, controls) =
            said(&race, &id).ok_or_else(|| Stop::failed("nothing was measured"))?;
        Ok(Found {
            percent: task.percent,
            by: task.by,
            weather: task.weather,
            truth,
            rounds: plan.shape.rounds,
            foul: race.foul.len(),
            measured,
            marks,
            controls,
        })
    }

    fn table(found: &[&Found]) -> Vec<String> {
        let mut lines = slopes(found);
        lines.push(String::new());
        lines.extend(calls(found));
        lines
    }
}

/// The reference once more, slower by so many percent (0: the same code), and the true ratio.
pub(crate) fn slower(entrants: &[Entrant], by: By, percent: u64) -> Option<(Entrant, f64)> {
    let mut slower = entrants.iter().find(|e| e.contender.role == Role::Model)?.clone();
    slower.contender.id = format!("{}+{percent}%", slower.contender.model);
    slower.contender.note = format!("same code, {percent}% slower on purpose");
    let truth = match by {
        _ if percent == 0 => 1.0,
        By::Work => {
            let every = 100 / percent;
            slower.contender.handicap = Some(Handicap::Work { every });
            1.0 + 1.0 / every as f64
        }
        By::Loop => {
            let steps = STEPS * (100 + percent) / 100;
            slower.params.insert("steps".into(), steps.to_string());
            steps as f64 / STEPS as f64
        }
    };
    Some((slower, truth))
}

/// What a race says of a contender in its primary metric, and of its controls.
pub(crate) fn said(race: &Race, id: &str) -> Option<(Comparison, Vec<String>, Vec<String>)> {
    let judged = judge(race);
    let primary = |verdict: &&Verdict| verdict.metric == race.primary && verdict.a == id;
    let verdict = judged.verdicts.iter().find(primary).filter(|verdict| verdict.n > 0)?;
    let comparison = Comparison {
        d: verdict.ratio.ln(),
        lo: verdict.lo.map(f64::ln),
        hi: verdict.hi.map(f64::ln),
        k: verdict.k,
        n: verdict.n,
        call: verdict.verdict,
    };
    let state = |control: &Control| control.state.clone();
    let controls = judged.controls.iter().filter(|control| control.metric == race.primary);
    Some((comparison, verdict.marks.clone(), controls.map(state).collect()))
}

/// Measured over true log ratio: the median of the races' own quotients, with its exact interval;
/// and, as a check that an offset would not pass, the Theil–Sen line through all of them.
fn slopes(found: &[&Found]) -> Vec<String> {
    let mut table = Table::new(&[
        "slower by",
        "weather",
        "races",
        "slope: median of quotients, 95%",
        "99%",
        "Theil–Sen slope",
        "its intercept",
    ]);
    let all = [(None, None)].into_iter();
    let by = By::BOTH.map(|by| (Some(by), None)).into_iter();
    let weather = Weather::BOTH.map(|weather| (None, Some(weather))).into_iter();
    for (by, weather) in all.chain(by).chain(weather) {
        let kept = found.iter().filter(|found| {
            by.is_none_or(|by| found.by == by) && weather.is_none_or(|w| found.weather == w)
        });
        let points: Vec<(f64, f64)> =
            kept.map(|found| (found.truth.ln(), found.measured.d)).collect();
        let quotients: Vec<f64> = points.iter().map(|(truth, measured)| measured / truth).collect();
        let line = theil_sen(&points);
        table.row([
            by.map_or("either", By::id).into(),
            weather.map_or("either", Weather::id).into(),
            points.len().to_string(),
            slope(&Estimate::of(&quotients, 0.05)),
            slope(&Estimate::of(&quotients, 0.01)),
            line.map_or("—".into(), |line| format!("{:.3}", line.slope)),
            line.map_or("—".into(), |line| format!("{:+.4}", line.intercept)),
        ]);
    }
    table.lines()
}

fn slope(estimate: &Estimate) -> String {
    match estimate.interval {
        Some((lo, hi)) => format!("{:.3} [{lo:.3}, {hi:.3}]", estimate.point),
        None if estimate.n > 0 => format!("{:.3} [no interval]", estimate.point),
        None => "—".into(),
    }
}

/// For each size: what came out, and what was said.
fn calls(found: &[&Found]) -> Vec<String> {
    let mut table = Table::new(&[
        "true",
        "weather",
        "measured, median of races",
        "interval holds the truth",
        "called slower",
        "size undecided",
        "undecided",
        "dead heat or faster",
        "invalid",
        "blunt",
    ]);
    let mut sizes: Vec<u64> = SLOWDOWNS.iter().map(|(percent, _)| *percent).collect();
    sizes.sort_unstable();
    let kinds = [Some(Weather::Quiet), Some(Weather::Bursts), None];
    for (percent, weather) in sizes.iter().flat_map(|size| kinds.map(|kind| (size, kind))) {
        let some: Vec<&Found> = found
            .iter()
            .filter(|f| f.percent == *percent && weather.is_none_or(|w| f.weather == w))
            .copied()
            .collect();
        if some.is_empty() {
            continue;
        }
        let n = some.len();
        let count = |of: &dyn Fn(&Found) -> bool| some.iter().filter(|found| of(found)).count();
        let calls = |calls: &[Call]| count(&|found| calls.contains(&found.measured.call));
        let state = |state: &str| count(&|found| found.controls.iter().any(|own| own == state));
        let d: Vec<f64> = some.iter().map(|found| found.measured.d).collect();
        table.row([
            format!("{percent}%"),
            weather.map_or("both", Weather::id).into(),
            ratio(&Estimate::of(&d, 0.05)),
            share(count(&holds), count(&|found| found.measured.k > 0)),
            share(calls(&[Call::Slower]), n),
            calls(&[Call::SlowerSizeUndecided]).to_string(),
            calls(&[Call::Undecided]).to_string(),
            calls(&[Call::DeadHeat, Call::Faster, Call::FasterSizeUndecided]).to_string(),
            state("invalid").to_string(),
            state("blunt").to_string(),
        ]);
    }
    table.lines()
}

fn holds(found: &Found) -> bool {
    let truth = found.truth.ln();
    found.measured.lo.zip(found.measured.hi).is_some_and(|(lo, hi)| lo <= truth && truth <= hi)
}

#[cfg(test)]
mod tests {
    use super::*;
    use deadheat_core::{race::child::Processes, scenario::Params};

    fn found(percent: u64, by: By, weather: Weather, slope: f64) -> Found {
        let truth = 1.0 + percent as f64 / 100.0;
        let d = slope * truth.ln();
        let call = if d > 1.03_f64.ln() { Call::Slower } else { Call::Undecided };
        let measured = Comparison { d, lo: Some(d - 0.01), hi: Some(d + 0.01), k: 6, n: 20, call };
        let controls = vec!["ok".into(), "blunt".into()];
        Found { percent, by, weather, truth, measured, controls, ..Found::default() }
    }

    #[test]
    fn a_known_slope_comes_out() {
        let mut all = Vec::new();
        for (i, percent) in [2, 5, 10, 20].into_iter().cycle().take(16).enumerate() {
            let weather = Weather::BOTH[i % 2];
            all.push(found(percent, By::BOTH[i / 8], weather, if i == 3 { 9.0 } else { 0.97 }));
        }
        let all: Vec<&Found> = all.iter().collect();
        let text = Slowdown::table(&all).join("\n");
        let row = text.lines().nth(2).unwrap();
        assert!(row.starts_with("| either    | either  | 16 "), "{row}");
        assert!(
            row.contains("0.970 [0.970, 0.970]"),
            "one race that is far off moves nothing: {row}"
        );
        let five = text.lines().find(|line| line.starts_with("| 5%   | both")).unwrap();
        assert!(five.contains("4 of 4 = 100.0% [39.8%, 100.0%]"), "{five}");
        assert!(five.ends_with("| 0                   | 0       | 4     |"), "{five}");
        let two = text.lines().find(|line| line.starts_with("| 2%   | both")).unwrap();
        assert!(two.contains("0 of 4 = 0.0%"), "{two}");
    }

    #[test]
    fn a_slower_contender_is_the_reference_with_a_known_truth() {
        let cells = [crate::matrix::cells(), crate::matrix::hidden()].concat();
        let lab = Lab {
            cells: &cells,
            launcher: Processes::of("none"),
            seed: 1,
            race_time: std::time::Duration::from_secs(10),
        };
        let tasks = Slowdown.tasks(&lab);
        let of = |percent| tasks.iter().filter(|(_, task)| task.percent == percent).count();
        assert_eq!([2, 5, 10, 20].map(of), [20, 40, 20, 20]);
        let half: Vec<u64> = tasks[..50].iter().map(|(_, task)| task.percent).collect();
        assert!((18..=22).contains(&half.iter().filter(|p| **p == 5).count()), "{half:?}");
        let terms =
            Terms { blocks: BLOCKS, controls: true, margin: Some(MARGIN), window: Some(WINDOW) };
        for (by, percent, truth) in [
            (By::Work, 0, 1.0),
            (By::Work, 5, 1.05),
            (By::Work, 20, 1.2),
            (By::Loop, 2, 1.02),
            (By::Loop, 10, 1.1),
        ] {
            let plan = lab.plan(&by.course(), &terms, "x").unwrap();
            let (slower, known) = slower(&plan.entrants, by, percent).unwrap();
            assert!((known - truth).abs() < 1e-12, "{by:?} {percent}: {known}");
            assert_eq!(slower.contender.role, Role::Model);
            let given = Params::resolve(&slower.params, (plan.scenario.describe)().params);
            assert!(given.is_ok(), "{given:?}");
        }
    }
}
