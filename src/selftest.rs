//! The self-test: races whose results are known, run on this machine by the same planner, race,
//! generator and record as every other race (METHODOLOGY.md, "Known answers").
//!
//! A check gives figures with their truths ([`Known`]); one function decides whether they hold. What
//! does not hold in foul weather is measured once more, and that is said; limits are never widened.
//!
//! Not in here: campaigns, which take hours, and statistics, which `stats::known` has.

use deadheat_core::{
    cell::Cell,
    race::child::Processes,
    stats::known::{Finding, Known},
};
use serde::Serialize;

mod batch;
mod courses;
mod lead_in;
mod little;
mod order;
mod queues;
mod recording;
mod refused;
mod resources;
mod simulated;
mod slicing;
mod stall;
mod track;
mod weather;

pub(crate) use self::weather::is_foul;

/// What a check is given.
pub(crate) struct Context {
    /// Starts children, of this program.
    pub(crate) launcher: Processes,
    /// The cells that this program's children know: [`cells`].
    pub(crate) cells: Vec<Cell>,
    /// Whether it has to be short.
    pub(crate) quick: bool,
    /// Whether the user has had enough.
    pub(crate) stop: fn() -> bool,
}

/// A known answer: a check of the instrument.
pub(crate) struct Check {
    /// As in METHODOLOGY.md, "Known answers".
    pub(crate) id: &'static str,
    /// One line: what must come out.
    pub(crate) about: &'static str,
    /// Whether it is robust on a busy machine, and so belongs to `--quick`.
    pub(crate) quick: bool,
    /// What it means for the user's results where it fails.
    pub(crate) failure: &'static str,
    run: fn(&Context) -> Result<Vec<Known>, String>,
}

/// All of them, in the order in which they are run.
pub(crate) const CHECKS: &[Check] = &[
    check("K1", "intervals cover the truth as often as they say", true, BROKEN, simulated::k1),
    check("K2", "twins raise no more false alarms than they may", true, BROKEN, simulated::k2),
    check("K3", "slowdowns come out as large as they are", true, BROKEN, simulated::k3),
    check("K4", "drift of the machine moves nothing", true, BROKEN, simulated::k4),
    check("K5", "Little's law by two witnesses, and X = N/(R+Z)", false, LATE, little::k5),
    check("K6", "queues wait as long as theory says", false, LATE, queues::k6),
    check("K7", "a stall is seen by everyone who arrives meanwhile", false, LATE, stall::k7),
    check(
        "K8",
        "a batch of waits takes its waves",
        true,
        "timers are late here, and so is what ends a batch",
        batch::k8,
    ),
    check(
        "K9",
        "CPU time, memory, threads and blocks are what was used",
        true,
        "the price (CPU time, memory, switches) is not to be believed here",
        resources::k9,
    ),
    check(
        "K10",
        "histograms keep their samples, and merge into the whole",
        true,
        BROKEN,
        recording::k10,
    ),
    check("K11", "models that cheat are refused", true, BROKEN, refused::k11),
    check(
        "K12",
        "slices bias nothing beyond the margins",
        false,
        "absolute figures of that load are those of code that is used in bursts; ratios hold as far as \
         all models are biased alike",
        slicing::k12,
    ),
    check(
        "K13",
        "a longer lead-in changes nothing",
        false,
        "lead-ins are too short here: what is measured has not settled",
        lead_in::k13,
    ),
    check(
        "order",
        "in slices twins agree better under load, and no worse without",
        false,
        "slices do not pay here: read intervals, and run fewer models at a time",
        order::check,
    ),
];

/// Where the machine has no part in it.
const BROKEN: &str = "this program is broken: believe none of its verdicts, and report it";

/// Where operations waited for a CPU.
const LATE: &str = "latencies that are measured here hold waits that are the machine's";

const fn check(
    id: &'static str,
    about: &'static str,
    quick: bool,
    failure: &'static str,
    run: fn(&Context) -> Result<Vec<Known>, String>,
) -> Check {
    Check { id, about, quick, failure, run }
}

/// How a check came out.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) id: &'static str,
    pub(crate) about: &'static str,
    pub(crate) finding: Finding,
    pub(crate) known: Vec<Known>,
    /// Why there is no figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// Where it fails: what that means for results of this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) meaning: Option<&'static str>,
    /// Share of the machine's CPU time that others used meanwhile; `None`: no counter tells.
    pub(crate) foreign: Option<f64>,
    /// Whether it was measured twice, because the first time was in foul weather.
    pub(crate) again: bool,
}

impl Answer {
    /// The worst of its figures.
    fn of(check: &Check, result: Result<Vec<Known>, String>) -> Self {
        let (known, error) = match result {
            Ok(known) => (known, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let worst = |finding| known.iter().any(|known: &Known| known.finding() == finding);
        let finding = match () {
            () if known.is_empty() || worst(Finding::Fails) => Finding::Fails,
            () if worst(Finding::Undecided) => Finding::Undecided,
            () => Finding::Holds,
        };
        let Check { id, about, failure, .. } = *check;
        let meaning = (finding == Finding::Fails).then_some(failure);
        Self { id, about, finding, known, error, meaning, foreign: None, again: false }
    }
}

impl Check {
    /// Runs it; once more where it does not hold and the weather was foul.
    pub(crate) fn answer(&self, context: &Context) -> Answer {
        let first = self.once(context);
        let foul = first.foreign.is_some_and(weather::is_foul);
        if first.finding == Finding::Holds || !foul || (context.stop)() {
            return first;
        }
        crate::output::note(format_args!("{}: in foul weather; once more …", self.id));
        Answer { again: true, ..self.once(context) }
    }

    fn once(&self, context: &Context) -> Answer {
        let weather = weather::Watch::start();
        let answer = Answer::of(self, (self.run)(context));
        Answer { foreign: weather.foreign(), ..answer }
    }
}

/// The cells of the self-test: never listed, never raced by anybody else.
#[doc(hidden)]
pub fn cells() -> Vec<Cell> {
    courses::cells()
}
