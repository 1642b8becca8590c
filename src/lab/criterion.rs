//! The same questions to criterion and to a race, side by side: the same operation, the same time,
//! the same weather, the first of the two drawn by lot.
//!
//! criterion is asked as its users ask it: a run is saved as a baseline, and a second run says
//! whether performance has "regressed" or "improved": p < 0.05, and the interval of the change is
//! beyond a noise threshold. It prints its verdict for its default threshold of 1%; from the interval
//! that it prints follows what it would say with 2%, which is the margin that a race is asked with.
//! Either the code is the same, or it is 5% slower.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use deadheat_core::{race::order, record::Call, stats::twins_over_run};
use serde::{Deserialize, Serialize};

use super::{
    Campaign, Comparison, Stop,
    course::{BLOCKS, Course, Lab, Terms, WINDOW, Weather, in_turn},
    slowdown::{By, MARGIN, said, slower},
    table::{Table, share},
};
use crate::{cmd::interrupted, failure::Failure};

/// Comparisons of each operation in each weather: of the same code, and of slower code.
const REPEATS: [(u64, usize); 2] = [(0, 13), (5, 10)];

/// The example program.
const PROGRAM: &str = "versus_criterion";

/// The campaign.
#[derive(Clone, Debug, Default)]
pub(crate) struct Criterion {
    program: PathBuf,
}

/// An operation that both can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Echo,
    Spin,
}

impl Operation {
    const BOTH: [Self; 2] = [Self::Echo, Self::Spin];

    fn id(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Spin => "spin",
        }
    }

    fn course(self) -> (Course, By) {
        match self {
            Self::Echo => (Course::new("tcp-echo", "closed-1", "same"), By::Work),
            Self::Spin => (Course::new("spin", "closed-1", "same"), By::Loop),
        }
    }
}

/// A question to both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    operation: Operation,
    percent: u64,
    weather: Weather,
}

/// What both answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    operation: String,
    /// The slowdown in percent.
    percent: u64,
    weather: Weather,
    criterion: Said,
    race: Comparison,
    /// Why the race said less than its interval would.
    marks: Vec<String>,
}

/// What criterion printed of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Said {
    /// As printed, two digits.
    p: f64,
    /// Whether it was below the level.
    significant: bool,
    words: Words,
    /// The interval of the relative change of the mean, in percent, as printed.
    #[serde(default)]
    change: Option<[f64; 2]>,
}

impl Said {
    /// What it would say with another noise threshold, in percent: its own rule. Without an
    /// interval: what it said.
    fn with_threshold(&self, percent: f64) -> Words {
        match self.change {
            None => self.words,
            Some(_) if !self.significant => Words::NoChange,
            Some([lo, hi]) if lo < -percent && hi < -percent => Words::Improved,
            Some([lo, hi]) if lo > percent && hi > percent => Words::Regressed,
            Some(_) => Words::WithinNoise,
        }
    }
}

/// Its last words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Words {
    #[default]
    NoChange,
    WithinNoise,
    Improved,
    Regressed,
}

impl Criterion {
    /// With the example that was built beside this program.
    pub(crate) fn beside_this_program() -> Result<Self, Failure> {
        let own = std::env::current_exe().unwrap_or_default();
        let program = own.with_file_name("examples").join(PROGRAM);
        if program.exists() {
            return Ok(Self { program });
        }
        Err(Failure::error(format!(
            "{} is not there: build it with cargo build --release --example {PROGRAM}",
            program.display()
        )))
    }

    /// Saves a baseline, runs again, and reads what it says.
    fn ask(&self, lab: &Lab<'_>, task: &Task) -> Result<Said, Stop> {
        let folder = std::env::temp_dir().join(format!("deadheat-lab-{}", std::process::id()));
        let answer = self.run(lab, task.operation, &folder, "--save-baseline", 0);
        let answer =
            answer.and_then(|_| self.run(lab, task.operation, &folder, "--baseline", task.percent));
        // What criterion keeps is needed no more, and the next comparison has a baseline of its own.
        let _ = fs::remove_dir_all(&folder);
        let text = answer?;
        parse(&text).ok_or_else(|| Stop::Failed(format!("criterion said nothing: {text}")))
    }

    fn run(
        &self,
        lab: &Lab<'_>,
        operation: Operation,
        folder: &Path,
        baseline: &str,
        percent: u64,
    ) -> Result<String, Stop> {
        // Two runs take as long as a race: a fifth of each to warm up.
        let each = lab.race_time.as_secs_f64() / 2.0;
        let output = Command::new(&self.program)
            .args(["--bench", operation.id(), "--exact", "--noplot", baseline, "before"])
            .args(["--warm-up-time", &(0.2 * each).to_string()])
            .args(["--measurement-time", &(0.8 * each).to_string()])
            .env("CRITERION_HOME", folder)
            .env("SLOWER", percent.to_string())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Stop::Failed(format!("failed to start {PROGRAM}: {error}")))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false if interrupted() => Err(Stop::Interrupted),
            false => {
                let text = String::from_utf8_lossy(&output.stderr);
                Err(Stop::Failed(format!("{PROGRAM}: {}: {}", output.status, text.trim_end())))
            }
        }
    }
}

fn race(lab: &Lab<'_>, key: &str, task: &Task) -> Result<(Comparison, Vec<String>), Stop> {
    let (course, by) = task.operation.course();
    let terms =
        Terms { blocks: BLOCKS, controls: true, margin: Some(MARGIN), window: Some(WINDOW) };
    let mut plan = lab.plan(&course, &terms, key)?;
    let (other, _) = slower(&plan.entrants, by, task.percent)
        .ok_or_else(|| Stop::failed("the race has no reference"))?;
    let id = other.contender.id.clone();
    plan.entrants.push(other);
    lab.fit(&mut plan, task.weather);
    let race = lab.race(&plan)?;
    let (comparison, marks, _) =
        said(&race, &id).ok_or_else(|| Stop::failed("nothing was measured"))?;
    Ok((comparison, marks))
}

impl Campaign for Criterion {
    type Task = Task;
    type Found = Found;
    const ID: &'static str = "criterion";
    // criterion's time, and what it computes after it.
    const RACES: u32 = 3;

    fn tasks(&self, _lab: &Lab<'_>) -> Vec<(String, Task)> {
        let mut tasks: Vec<(usize, (String, Task))> = Vec::new();
        for (percent, repeats) in REPEATS {
            let mut conditions = Vec::new();
            for operation in Operation::BOTH {
                for weather in Weather::BOTH {
                    let key = format!("{}/{percent}%/{}", operation.id(), weather.id());
                    conditions.push((key, Task { operation, percent, weather }));
                }
            }
            let all = in_turn(&conditions, repeats);
            let count = all.len();
            // Spread over the campaign, so that a part of it asks both questions.
            tasks.extend(all.into_iter().enumerate().map(|(i, task)| (i * 1_000 / count, task)));
        }
        tasks.sort_by_key(|(place, _)| *place);
        tasks.into_iter().map(|(_, task)| task).collect()
    }

    fn perform(&self, lab: &Lab<'_>, key: &str, task: &Task) -> Result<Found, Stop> {
        let _made = task.weather.make()?;
        let (criterion, (race, marks)) = if order::shuffled(2, lab.seed_of(key))[0] == 0 {
            let criterion = self.ask(lab, task)?;
            (criterion, race(lab, key, task)?)
        } else {
            let race = race(lab, key, task)?;
            (self.ask(lab, task)?, race)
        };
        let Task { operation, percent, weather } = *task;
        Ok(Found { operation: operation.id().into(), percent, weather, criterion, race, marks })
    }

    fn table(found: &[&Found]) -> Vec<String> {
        let mut table = Table::new(&[
            "truth",
            "weather",
            "operation",
            "n",
            "criterion at 1%: regressed or improved",
            "at 2%",
            "p < 0.05",
            "race at 2%: slower or faster",
            "interval misses 1",
            "wrong way: criterion at 1%",
            "at 2%",
            "race",
        ]);
        for (percent, _) in REPEATS {
            for weather in Weather::BOTH {
                for operation in Operation::BOTH.map(|o| Some(o.id())).into_iter().chain([None]) {
                    let some: Vec<&Found> = found
                        .iter()
                        .filter(|found| found.percent == percent && found.weather == weather)
                        .filter(|found| operation.is_none_or(|id| found.operation == id))
                        .copied()
                        .collect();
                    if !some.is_empty() {
                        table.row(row(percent, weather, operation.unwrap_or("both"), &some));
                    }
                }
            }
        }
        let mut lines = table.lines();
        lines.extend([
            String::new(),
            "Of the same code every verdict is false; of slower code \"regressed\" and \"slower\" \
             are right, and the wrong way is \"improved\", and \"faster\" or \"dead heat\"."
                .into(),
        ]);
        lines
    }
}

fn row(percent: u64, weather: Weather, operation: &str, found: &[&Found]) -> Vec<String> {
    let n = found.len();
    let count = |of: &dyn Fn(&Found) -> bool| found.iter().filter(|found| of(found)).count();
    // Where it is slower, only that counts as seen.
    let right = |words: Words| match percent {
        0 => matches!(words, Words::Regressed | Words::Improved),
        _ => words == Words::Regressed,
    };
    let at_two = |found: &Found| found.criterion.with_threshold(100.0 * MARGIN);
    let called = |found: &Found| match percent {
        0 => matches!(found.race.call, Call::Slower | Call::Faster),
        _ => found.race.call == Call::Slower,
    };
    let estimates: Vec<_> = found.iter().map(|found| found.race.estimate()).collect();
    let intervals = twins_over_run(&estimates);
    let wrong = |of: &dyn Fn(&Found) -> bool| match percent {
        0 => "—".to_owned(),
        _ => count(of).to_string(),
    };
    vec![
        if percent == 0 { "the same code".into() } else { format!("{percent}% slower") },
        weather.id().into(),
        operation.into(),
        n.to_string(),
        share(count(&|found| right(found.criterion.words)), n),
        share(count(&|found| right(at_two(found))), n),
        share(count(&|found| found.criterion.significant), n),
        share(count(&called), n),
        share(intervals.excluding, intervals.counted),
        wrong(&|found| found.criterion.words == Words::Improved),
        wrong(&|found| at_two(found) == Words::Improved),
        wrong(&|found| matches!(found.race.call, Call::Faster | Call::DeadHeat)),
    ]
}

/// Reads what criterion prints of a comparison: the line with p, and the sentence after it.
fn parse(text: &str) -> Option<Said> {
    let (_, rest) = text.split_once("(p = ")?;
    let mut parts = rest.split_ascii_whitespace();
    let p = parts.next()?.parse().ok()?;
    let significant = parts.next()? == "<";
    let words = [
        ("No change in performance detected.", Words::NoChange),
        ("Change within noise threshold.", Words::WithinNoise),
        ("Performance has improved.", Words::Improved),
        ("Performance has regressed.", Words::Regressed),
    ];
    let (_, words) = words.into_iter().find(|(sentence, _)| rest.contains(sentence))?;
    Some(Said { p, significant, words, change: change(text) })
}

/// The ends of `change: [+3.0% +3.5% +4.1%]`, in percent.
fn change(text: &str) -> Option<[f64; 2]> {
    let (_, rest) = text.split_once("change: [")?;
    let (inside, _) = rest.split_once(']')?;
    let ends = inside.split_ascii_whitespace().map(|end| {
        // A minus is printed as a sign of its own.
        end.trim_end_matches('%').replace('−', "-").parse().ok()
    });
    match ends.collect::<Option<Vec<f64>>>()?[..] {
        [lo, _, hi] => Some([lo, hi]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deadheat_core::race::child::Processes;

    #[test]
    fn what_criterion_prints_is_read() {
        let text = "echo                    time:   [12.1 µs 12.2 µs 12.3 µs]\n                        \
                    change: [+1.4170% +3.5011% +4.1000%] (p = 0.00 < 0.05)\n                        \
                    Performance has regressed.\nFound 3 outliers among 100 measurements (3.00%)";
        let change = Some([1.417, 4.1]);
        let regressed = Said { p: 0.0, significant: true, words: Words::Regressed, change };
        assert_eq!(parse(text), Some(regressed.clone()));
        assert_eq!(regressed.with_threshold(1.0), Words::Regressed);
        assert_eq!(regressed.with_threshold(2.0), Words::WithinNoise);
        let faster = Said { change: Some([-6.0, -2.5]), ..regressed.clone() };
        assert_eq!(faster.with_threshold(2.0), Words::Improved);
        let luck = Said { significant: false, ..regressed };
        assert_eq!(luck.with_threshold(1.0), Words::NoChange);
        let text =
            "change: [-1.0% +0.1% +1.1%] (p = 0.81 > 0.05)\n No change in performance detected.";
        let change = Some([-1.0, 1.1]);
        let none = Said { p: 0.81, significant: false, words: Words::NoChange, change };
        assert_eq!(parse(text), Some(none));
        assert_eq!(parse("time: [1 ns 1 ns 1 ns]"), None);
    }

    #[test]
    fn right_and_wrong_are_counted_on_both_sides() {
        let found = |percent, words, call, d: f64| Found {
            operation: "echo".into(),
            percent,
            criterion: Said { significant: words != Words::NoChange, words, ..Said::default() },
            race: Comparison { d, lo: Some(d - 0.01), hi: Some(d + 0.01), k: 3, n: 12, call },
            ..Found::default()
        };
        let all = [
            found(0, Words::Improved, Call::DeadHeat, 0.0),
            found(0, Words::WithinNoise, Call::Slower, 0.04),
            found(5, Words::Regressed, Call::Slower, 0.05),
            found(5, Words::Improved, Call::DeadHeat, 0.0),
        ];
        let text = Criterion::table(&all.iter().collect::<Vec<_>>()).join("\n");
        let row = |truth: &str| {
            let row = text.lines().find(|line| line.contains(truth)).unwrap();
            row.split('|').skip(1).map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
        };
        let same = row("the same code");
        assert!(same[4].starts_with("1 of 2") && same[5].starts_with("1 of 2"), "{same:?}");
        assert!(same[6].starts_with("2 of 2"), "{same:?}");
        assert!(same[7].starts_with("1 of 2") && same[8].starts_with("1 of 2"), "{same:?}");
        let slower = row("5% slower");
        assert!(slower[4].starts_with("1 of 2") && slower[7].starts_with("1 of 2"), "{slower:?}");
        assert_eq!(slower[9..12], ["1", "1", "1"]);
    }

    #[test]
    fn both_questions_are_asked_of_both_operations() {
        let lab = Lab {
            cells: &[],
            launcher: Processes::of("none"),
            seed: 1,
            race_time: std::time::Duration::from_secs(10),
        };
        let tasks = Criterion::default().tasks(&lab);
        let same = tasks.iter().filter(|(_, task)| task.percent == 0).count();
        assert_eq!((same, tasks.len()), (52, 92));
        let early = tasks[..46].iter().filter(|(_, task)| task.percent == 0).count();
        assert!((24..=28).contains(&early), "a part asks both: {early}");
    }
}
