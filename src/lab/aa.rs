//! The same code against itself. Eight twins in one race make four pairs that share nobody; each is
//! judged by its interval alone, without the floor that a race's own twin would put under it. So
//! this counts what the intervals are worth; a race says less than they would.

use deadheat_core::{
    record::Call,
    stats::{Estimate, Measures, sign_test, twins_over_run},
};
use serde::{Deserialize, Serialize};

use super::{
    Campaign, Comparison, Stop,
    course::{COURSES, Course, Lab, Terms, WINDOW, Weather, in_turn, twins},
    table::{Table, at_most, share},
};

/// Races of each course in each weather.
const REPEATS: usize = 8;

/// Twins in a race.
const TWINS: usize = 8;

/// The campaign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aa;

/// A race, and what its pairs said.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    course: String,
    weather: Weather,
    rounds: usize,
    /// Rounds in foul weather.
    foul: usize,
    pairs: Vec<Comparison>,
}

impl Campaign for Aa {
    type Task = (Course, Weather);
    type Found = Found;
    const ID: &'static str = "aa";
    const RACES: u32 = 1;

    fn tasks(&self, _lab: &Lab<'_>) -> Vec<(String, Self::Task)> {
        let conditions = COURSES.iter().flat_map(|course| {
            let key = move |weather: Weather| format!("{}/{}", course.id(), weather.id());
            Weather::BOTH.map(|weather| (key(weather), (*course, weather)))
        });
        in_turn(&conditions.collect::<Vec<_>>(), REPEATS)
    }

    fn perform(&self, lab: &Lab<'_>, key: &str, task: &Self::Task) -> Result<Found, Stop> {
        let (course, weather) = *task;
        let terms = Terms { blocks: 12, controls: false, margin: None, window: Some(WINDOW) };
        let mut plan = lab.plan(&course, &terms, key)?;
        let ids = twins(&mut plan, TWINS);
        lab.fit(&mut plan, weather);
        let _made = weather.make()?;
        let race = lab.race(&plan)?;
        let measures = Measures::of(&race);
        let pairs = ids.chunks_exact(2).map(|pair| Comparison::of(&measures, &pair[1], &pair[0]));
        Ok(Found {
            course: course.id(),
            weather,
            rounds: plan.shape.rounds,
            foul: race.foul.len(),
            pairs: pairs.collect(),
        })
    }

    fn table(found: &[&Found]) -> Vec<String> {
        let mut table = Table::new(&[
            "course",
            "weather",
            "pairs",
            "false verdicts",
            "dead heats",
            "differ, without a margin",
            "expected",
            "p",
        ]);
        let pairs = |keep: &dyn Fn(&Found) -> bool| -> Vec<&Comparison> {
            let kept = found.iter().filter(|found| keep(found));
            kept.flat_map(|found| &found.pairs).filter(|pair| pair.k > 0).collect()
        };
        for course in COURSES.map(|course| course.id()) {
            for weather in Weather::BOTH {
                let some = pairs(&|found| found.course == course && found.weather == weather);
                if !some.is_empty() {
                    table.row(row(&course, weather.id(), &some));
                }
            }
        }
        for weather in Weather::BOTH {
            table.row(row("all", weather.id(), &pairs(&|found| found.weather == weather)));
        }
        let all = pairs(&|_| true);
        table.row(row("all", "both", &all));
        let mut lines = table.lines();
        lines.extend(conclusions(&all));
        let without =
            found.iter().flat_map(|found| &found.pairs).filter(|pair| pair.k == 0).count();
        if without > 0 {
            let text = format!("{without} pairs have too few blocks for an interval: not counted.");
            lines.push(text);
        }
        lines
    }
}

/// A verdict where there is none to be had.
fn is_false(pair: &Comparison) -> bool {
    matches!(pair.call, Call::Faster | Call::Slower)
}

fn row(course: &str, weather: &str, pairs: &[&Comparison]) -> [String; 8] {
    let count = |of: &dyn Fn(&Comparison) -> bool| pairs.iter().filter(|pair| of(pair)).count();
    let estimates: Vec<Estimate> = pairs.iter().map(|pair| pair.estimate()).collect();
    let alarms = twins_over_run(&estimates);
    [
        course.into(),
        weather.into(),
        pairs.len().to_string(),
        share(count(&is_false), pairs.len()),
        share(count(&|pair| pair.call == Call::DeadHeat), pairs.len()),
        share(alarms.excluding, alarms.counted),
        format!("{:.1}", alarms.expected),
        format!("{:.3}", alarms.p),
    ]
}

fn conclusions(pairs: &[&Comparison]) -> Vec<String> {
    let wrong = pairs.iter().filter(|pair| is_false(pair)).count();
    let above = pairs.iter().filter(|pair| pair.d > 0.0).count();
    let below = pairs.iter().filter(|pair| pair.d < 0.0).count();
    vec![
        String::new(),
        format!(
            "False verdicts: {}; at most {} (95%, one-sided).",
            share(wrong, pairs.len()),
            at_most(wrong, pairs.len())
        ),
        format!(
            "Signs: {above} above 1, {below} below; sign test p = {:.3}.",
            sign_test(above, below)
        ),
        "p: how often luck alone makes as many intervals miss 1, by the exact level of each."
            .into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(d: f64, half: f64) -> Comparison {
        let call = match () {
            () if d - half > 0.05 => Call::Slower,
            () if d + half < 0.05 && d - half > -0.05 => Call::DeadHeat,
            () => Call::Undecided,
        };
        Comparison { d, lo: Some(d - half), hi: Some(d + half), k: 3, n: 12, call }
    }

    #[test]
    fn false_verdicts_alarms_and_signs_are_counted() {
        let found =
            |weather, pairs| Found { course: COURSES[0].id(), weather, pairs, ..Found::default() };
        let quiet =
            found(Weather::Quiet, vec![pair(0.0, 0.01), pair(0.02, 0.01), pair(-0.01, 0.02)]);
        let few = Comparison { d: 0.5, k: 0, n: 3, ..Comparison::default() };
        let bursts = found(Weather::Bursts, vec![pair(0.10, 0.02), few]);
        let text = Aa::table(&[&quiet, &bursts]).join("\n");
        let row = text.lines().find(|line| line.contains("| both ")).unwrap();
        assert!(row.contains("| 4 "), "{row}");
        assert!(row.contains("1 of 4 = 25.0% [0.6%, 80.6%]"), "false verdicts: {row}");
        assert!(row.contains("3 of 4 = 75.0%"), "dead heats: {row}");
        assert!(row.contains("2 of 4 = 50.0%"), "intervals that miss 1: {row}");
        assert!(text.contains("Signs: 2 above 1, 1 below; sign test p = 1.000."), "{text}");
        assert!(text.ends_with("1 pairs have too few blocks for an interval: not counted."));
    }

    #[test]
    fn there_are_enough_pairs_in_both_kinds_of_weather() {
        let lab = Lab {
            cells: &[],
            launcher: deadheat_core::race::child::Processes::of("none"),
            seed: 1,
            race_time: std::time::Duration::from_secs(10),
        };
        let tasks = Aa.tasks(&lab);
        assert!(tasks.len() * TWINS / 2 >= 300);
        let bursts = tasks.iter().filter(|(_, (_, weather))| *weather == Weather::Bursts).count();
        assert_eq!(2 * bursts, tasks.len());
        let keys: std::collections::BTreeSet<_> = tasks.iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), tasks.len(), "each has a key of its own");
    }
}
