//! The order experiment: twins in slices, and the same twins one after the other. The whole design
//! rests on the difference.
//!
//! Both arrangements have the same processes, blocks, rounds, windows and warm-up, and so take the
//! same time; and both are read by the same two estimators: the median of pairs, and the ratio of
//! totals. What differs is only when the slices are run: in turn, or all of one twin's and then all
//! of the other's. Each of two that run one after the other has peers of its own, as it would where
//! one is measured after the other; courses without peers show that this is not what matters.

use deadheat_core::{
    record::Race,
    stats::{Measures, median},
};
use serde::{Deserialize, Serialize};

use super::{
    Campaign, Stop,
    course::{COURSES, Course, Lab, Terms, Weather, in_turn, twins},
    table::{Table, percent, share},
};

/// Experiments with each course in each arrangement and weather.
const REPEATS: usize = 15;

/// Blocks of each twin.
const BLOCKS: usize = 6;

/// A ratio of twins further from 1 than this would be called a difference by its point.
const FAR: f64 = 0.05;

/// When the slices of two twins are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Arrangement {
    /// In turn, in an order that is drawn for every round.
    #[default]
    Slices,
    /// All of one, then all of the other.
    Sequence,
}

impl Arrangement {
    const BOTH: [Self; 2] = [Self::Slices, Self::Sequence];

    fn id(self) -> &'static str {
        match self {
            Self::Slices => "in slices",
            Self::Sequence => "one after the other",
        }
    }
}

/// The log ratio of two twins, by two estimators. The truth is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// Median over blocks of the median over rounds of the paired log ratios.
    pub(crate) pairs: f64,
    /// Logarithm of the ratio of the totals: time ÷ operations of all windows.
    pub(crate) totals: f64,
}

/// The campaign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order;

/// An experiment, and what came out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    course: String,
    weather: Weather,
    arrangement: Arrangement,
    rounds: usize,
    ratio: Spread,
}

impl Campaign for Order {
    type Task = (Course, Weather, Arrangement);
    type Found = Found;
    const ID: &'static str = "order";
    const RACES: u32 = 1;

    fn tasks(&self, _lab: &Lab<'_>) -> Vec<(String, Self::Task)> {
        let mut conditions = Vec::new();
        for course in COURSES {
            for weather in Weather::BOTH {
                for arrangement in Arrangement::BOTH {
                    let how =
                        if arrangement == Arrangement::Slices { "slices" } else { "sequence" };
                    let key = format!("{}/{}/{how}", course.id(), weather.id());
                    conditions.push((key, (course, weather, arrangement)));
                }
            }
        }
        in_turn(&conditions, REPEATS)
    }

    fn perform(&self, lab: &Lab<'_>, key: &str, task: &Self::Task) -> Result<Found, Stop> {
        let (course, weather, arrangement) = *task;
        // Half of the time that a race may take: the spread is of many experiments.
        let lab = Lab { race_time: lab.race_time / 2, launcher: lab.launcher.clone(), ..*lab };
        let (ratio, rounds) = experiment(&lab, &course, weather, arrangement, BLOCKS, key)?;
        Ok(Found { course: course.id(), weather, arrangement, rounds, ratio })
    }

    fn table(found: &[&Found]) -> Vec<String> {
        let mut table = Table::new(&[
            "course",
            "weather",
            "twins",
            "n",
            "pairs: SD",
            "MAD",
            "beyond 5%",
            "totals: SD",
            "MAD",
            "beyond 5%",
        ]);
        let courses = COURSES.map(|course| course.id());
        for course in courses.iter().map(Some).chain([None]) {
            for weather in Weather::BOTH {
                for arrangement in Arrangement::BOTH {
                    let ratios: Vec<Spread> = found
                        .iter()
                        .filter(|f| course.is_none_or(|course| f.course == *course))
                        .filter(|f| f.weather == weather && f.arrangement == arrangement)
                        .map(|f| f.ratio)
                        .collect();
                    if ratios.is_empty() {
                        continue;
                    }
                    let name = course.map_or("all", String::as_str);
                    table.row(row(name, weather, arrangement, &ratios));
                }
            }
        }
        table.lines()
    }
}

fn row(course: &str, weather: Weather, arrangement: Arrangement, ratios: &[Spread]) -> Vec<String> {
    let mut cells =
        vec![course.into(), weather.id().into(), arrangement.id().into(), ratios.len().to_string()];
    for of in [|ratio: &Spread| ratio.pairs, |ratio: &Spread| ratio.totals] {
        let all: Vec<f64> = ratios.iter().map(of).collect();
        let far = all.iter().filter(|d| d.abs() > FAR.ln_1p()).count();
        cells.extend([
            percent(deviation(&all)),
            percent(absolute_deviation(&all)),
            share(far, all.len()),
        ]);
    }
    cells
}

/// The standard deviation around the truth, which for twins is 0.
fn deviation(d: &[f64]) -> f64 {
    (d.iter().map(|d| d * d).sum::<f64>() / d.len().max(1) as f64).sqrt()
}

/// The median distance from the truth.
fn absolute_deviation(d: &[f64]) -> f64 {
    median(&d.iter().map(|d| d.abs()).collect::<Vec<_>>()).unwrap_or(0.0)
}

/// Measures two twins once, in slices or one after the other, and says how far apart they come
/// out, and in how many rounds of each block. `key` is what the seeds are made from.
pub(crate) fn experiment(
    lab: &Lab<'_>,
    course: &Course,
    weather: Weather,
    arrangement: Arrangement,
    blocks: usize,
    key: &str,
) -> Result<(Spread, usize), Stop> {
    let terms = Terms { blocks, controls: false, margin: None, window: None };
    let mut plan = lab.plan(course, &terms, key)?;
    let ids = twins(&mut plan, 2);
    lab.fit(&mut plan, weather);
    let _made = weather.make()?;
    let race = match arrangement {
        Arrangement::Slices => lab.race(&plan)?,
        Arrangement::Sequence => {
            let mut alone = plan.clone();
            let second = alone.entrants.pop();
            let first = lab.race(&alone)?;
            alone.entrants = second.into_iter().collect();
            together(first, lab.race(&alone)?)
        }
    };
    let ratio = spread(&race, &ids).ok_or_else(|| Stop::failed("a twin has no number"))?;
    Ok((ratio, plan.shape.rounds))
}

/// Two races of one contender each as if they had been one of two: so both arrangements are read
/// alike.
fn together(mut first: Race, second: Race) -> Race {
    first.contenders.extend(second.contenders);
    for (block, other) in first.blocks.iter_mut().zip(second.blocks) {
        block.trials.extend(other.trials);
    }
    first
}

/// The second twin's cost over the first one's.
fn spread(race: &Race, ids: &[String]) -> Option<Spread> {
    let [first, second] = ids else { return None };
    let measures = Measures::of(race);
    let pairs = measures.pairs(race.primary, second, first);
    let d: Vec<f64> = pairs.iter().map(|pair| pair.d).collect();
    let total = |id: &str| {
        let slices = || race.trials(id).flat_map(|(_, trial)| &trial.slices);
        let time: u64 = slices().map(|slice| slice.window_ns).sum();
        let done: u64 = slices().map(|slice| slice.done).sum();
        (done > 0).then(|| time as f64 / done as f64)
    };
    Some(Spread { pairs: median(&d)?, totals: (total(second)? / total(first)?).ln() })
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use super::*;
    use deadheat_core::record::{Block, Contender, Slice, Trial};

    /// A race of one contender: for each block, the operations of each of its windows of 1 ms.
    fn alone(id: &str, blocks: &[&[u64]]) -> Race {
        let slice = |(round, done): (usize, &u64)| Slice {
            round,
            window_ns: 1_000_000,
            done: *done,
            ..Slice::default()
        };
        let block = |(index, slices): (usize, &&[u64])| {
            let slices = slices.iter().enumerate().map(slice).collect();
            let trial = Trial { contender: id.into(), slices, ..Trial::default() };
            Block { index, trials: vec![trial], ..Block::default() }
        };
        Race {
            load: "closed-1".into(),
            contenders: vec![Contender { id: id.into(), ..Contender::default() }],
            blocks: blocks.iter().enumerate().map(block).collect(),
            ..Race::default()
        }
    }

    #[test]
    fn twins_that_ran_one_after_the_other_are_read_as_those_that_ran_in_turn() {
        let race = together(
            alone("a", &[&[100, 100, 100], &[100, 100, 50]]),
            alone("b", &[&[50, 50, 400], &[50, 100, 25]]),
        );
        assert_eq!((race.contenders.len(), race.blocks[1].trials.len()), (2, 2));
        let ratio = spread(&race, &["a".into(), "b".into()]).unwrap();
        // Medians over rounds: ln 2 in each block. Totals: 550 operations against 675.
        assert_eq!(ratio.pairs, 2.0_f64.ln());
        assert!((ratio.totals - (550.0_f64 / 675.0).ln()).abs() < 1e-12);
        assert_eq!(spread(&race, &["a".into(), "none".into()]), None);
    }

    #[test]
    fn spreads_are_around_the_truth() {
        let found = |arrangement, d: f64| Found {
            course: COURSES[0].id(),
            arrangement,
            ratio: Spread { pairs: d, totals: 2.0 * d },
            ..Found::default()
        };
        let all: Vec<Found> = [0.01, -0.01, 0.04]
            .iter()
            .flat_map(|d| [found(Arrangement::Slices, *d), found(Arrangement::Sequence, 3.0 * d)])
            .collect();
        let text = Order::table(&all.iter().collect::<Vec<_>>()).join("\n");
        let row = |how: &str| {
            let mut rows = text.lines().filter(|line| line.contains(how));
            rows.next().unwrap().split('|').map(str::trim).map(str::to_owned).collect::<Vec<_>>()
        };
        let slices = row("in slices");
        assert_eq!(slices[4..6], ["3", "2.4%"]);
        assert_eq!(slices[6], "1.0%");
        assert!(slices[7].starts_with("0 of 3"), "{slices:?}");
        assert!(slices[10].starts_with("1 of 3"), "{slices:?}");
        assert!(row("one after")[7].starts_with("1 of 3"));
    }
}
