//! Campaigns: hundreds of comparisons whose answers are known beforehand, so that what a verdict is
//! worth can be counted (METHODOLOGY.md, "Campaigns").
//!
//! A campaign is a list of comparisons, each with a key. They are made one by one, in an order that
//! takes all conditions in turn, and each is kept at once; so a campaign may be cut short anywhere,
//! goes on where it was, and its table says how much of it there is.
//!
//! Not in here: how a race is run or judged. A campaign changes plans and reads records, as anybody
//! could.

use std::time::Duration;

use deadheat_core::{
    clock, machine,
    record::Call,
    stats::{Decision, Estimate, Measures, decide},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    cli::LabArgs,
    cmd::interrupted,
    failure::{Failure, exit},
    output, plan, program,
};

pub(crate) mod aa;
pub(crate) mod bursts;
pub(crate) mod course;
pub(crate) mod criterion;
pub(crate) mod order;
pub(crate) mod slicing;
pub(crate) mod slowdown;
mod store;
mod table;

use self::{
    course::Lab,
    store::{Head, Line, Outcome, Store},
};

/// Comparisons whose answers are known, all of one kind.
pub(crate) trait Campaign {
    /// What one comparison is made of.
    type Task;
    /// What it found, with the conditions under which: all that the table needs.
    type Found: Serialize + DeserializeOwned;
    /// As on the command line, and in the name of its file.
    const ID: &'static str;
    /// How many times the time of a race one comparison takes.
    const RACES: u32;

    /// All comparisons, each with its key, in an order that takes the conditions in turn.
    fn tasks(&self, lab: &Lab<'_>) -> Vec<(String, Self::Task)>;

    /// Makes one of them; `key` is what its seeds are made from.
    fn perform(&self, lab: &Lab<'_>, key: &str, task: &Self::Task) -> Result<Self::Found, Stop>;

    /// What was found, as lines. Pure.
    fn table(found: &[&Self::Found]) -> Vec<String>;
}

/// Why a comparison was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The user wants it to end.
    Interrupted,
    /// It could not be made.
    Failed(String),
}

impl Stop {
    /// It could not be made.
    pub(crate) fn failed(why: impl std::fmt::Display) -> Self {
        Self::Failed(why.to_string())
    }
}

/// A comparison over blocks, on the log scale.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// Median of the log ratios; above 0: the first is slower.
    pub(crate) d: f64,
    /// Lower end of its 95% interval.
    pub(crate) lo: Option<f64>,
    /// Upper end.
    pub(crate) hi: Option<f64>,
    /// Rank of the interval's ends.
    pub(crate) k: usize,
    /// Blocks.
    pub(crate) n: usize,
    /// What its interval says by itself.
    pub(crate) call: Call,
}

impl Comparison {
    /// Of two contenders of a race, in its primary metric. There is no floor: what would be said
    /// without a control.
    pub(crate) fn of(measures: &Measures<'_>, a: &str, b: &str) -> Self {
        let race = measures.race();
        let pairs = measures.pairs(race.primary, a, b);
        let d: Vec<f64> = pairs.iter().map(|pair| pair.d).collect();
        let estimate = Estimate::of(&d, 0.05);
        let Decision { call, .. } = decide(&estimate, race.margin(race.primary), None);
        let (lo, hi) = estimate.interval.unzip();
        Self { d: estimate.point, lo, hi, k: estimate.k, n: estimate.n, call }
    }

    /// As statistics take it.
    pub(crate) fn estimate(&self) -> Estimate {
        Estimate { point: self.d, interval: self.lo.zip(self.hi), k: self.k, n: self.n }
    }
}

/// Runs a campaign, or what is missing of it, and prints its table.
pub(crate) fn conduct<C: Campaign>(
    campaign: &C,
    mut lab: Lab<'_>,
    args: &LabArgs,
) -> Result<u8, Failure> {
    let path = Store::<C::Found>::path_in(&args.out, C::ID);
    if args.report {
        let store = Store::read(&path, C::ID)?;
        show(campaign, &lab, &store);
        return Ok(exit::OK);
    }
    let mut store = Store::open(&path, head::<C>(args))?;
    (lab.seed, lab.race_time) = (store.head.seed, Duration::from_millis(store.head.race_ms));
    announce(&store.head, args);
    let mut left = args.count.unwrap_or(usize::MAX);
    let mut clock = Clock::new(args.time, C::RACES * lab.race_time);
    let tasks = campaign.tasks(&lab);
    for (index, (key, task)) in tasks.iter().enumerate() {
        if store.keys().contains(key.as_str()) {
            continue;
        }
        if left == 0 || !clock.has_room() || interrupted() {
            break;
        }
        left -= 1;
        output::note(format_args!("{:4} of {}  {key}", index + 1, tasks.len()));
        let outcome = match clock.around(|| campaign.perform(&lab, key, task)) {
            Ok(found) => Outcome::Found(found),
            Err(Stop::Interrupted) => break,
            Err(Stop::Failed(why)) => {
                output::warn(&format!("{key}: {why}"), "");
                Outcome::Failed(why)
            }
        };
        store.add(Line { key: key.clone(), outcome })?;
    }
    show(campaign, &lab, &store);
    Ok(if interrupted() { exit::INTERRUPTED } else { exit::OK })
}

/// Says when there is no time for one more.
struct Clock {
    end: Option<u64>,
    longest: u64,
}

impl Clock {
    fn new(time: Option<Duration>, usual: Duration) -> Self {
        let end = time.map(|time| clock::now() + clock::nanos(time));
        Self { end, longest: clock::nanos(usual) }
    }

    fn has_room(&self) -> bool {
        self.end.is_none_or(|end| clock::now() + self.longest <= end)
    }

    fn around<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = clock::now();
        let result = work();
        self.longest = self.longest.max(clock::now() - start);
        result
    }
}

fn head<C: Campaign>(args: &LabArgs) -> Head {
    Head {
        campaign: C::ID.into(),
        started: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        seed: args.seed,
        race_ms: clock::nanos(args.race_time) / 1_000_000,
        program: program::program(),
        machine: machine::here(),
        ..Head::default()
    }
}

/// What a file was begun with holds for all of it.
fn announce(head: &Head, args: &LabArgs) {
    let now = program::program();
    if (&head.program.version, &head.program.git) != (&now.version, &now.git) {
        output::warn(
            &format!("the campaign was begun by {}, and this is {}", head.program.git, now.git),
            "--out DIR begins another",
        );
    }
    if head.seed != args.seed || head.race_ms != clock::nanos(args.race_time) / 1_000_000 {
        let races = Duration::from_millis(head.race_ms);
        let (seed, races) = (head.seed, plan::words(races));
        output::note(format_args!("it goes on as it was begun: seed {seed}, races of {races}"));
    }
}

/// Prints what there is, and how much of the whole it is.
fn show<C: Campaign>(campaign: &C, lab: &Lab<'_>, store: &Store<C::Found>) {
    let of = campaign.tasks(lab).len();
    let found = store.found();
    let failed = store.lines.len() - found.len();
    let Head { started, seed, race_ms, program, machine, .. } = &store.head;
    let cut = if store.lines.len() < of { ", cut short" } else { "" };
    output::line(format_args!(
        "{}: {} of {of} comparisons{cut}, begun {started}",
        C::ID,
        found.len()
    ));
    if failed > 0 {
        output::line(format_args!("{failed} could not be made, and are counted nowhere"));
    }
    let races = plan::words(Duration::from_millis(*race_ms));
    output::line(format_args!(
        "{} CPUs of {}, Linux {}; deadheat {} ({}, {}); races of {races}, seed {seed}",
        machine.cpus, machine.cpu, machine.kernel, program.version, program.git, program.profile,
    ));
    output::line("");
    C::table(&found).iter().for_each(output::line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_begun_that_would_not_end_in_time() {
        let hour = Duration::from_hours(1);
        assert!(Clock::new(None, hour).has_room());
        assert!(!Clock::new(Some(Duration::from_secs(5)), hour).has_room());
        let mut clock = Clock::new(Some(hour), Duration::from_secs(1));
        assert!(clock.has_room());
        clock.longest = clock::nanos(2 * hour);
        assert_eq!(clock.around(|| 7), 7);
        assert!(!clock.has_room(), "the longest so far is what the next may take");
    }
}
