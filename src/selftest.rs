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
    run: fn(&Context) -> Result<Vec<Known>, String>,
}

/// All of them, in the order in which they are run.
pub(crate) const CHECKS: &[Check] = &[
    check("K1", "intervals cover the truth as often as they say", true, simulated::k1),
    check("K2", "twins raise no more false alarms than they may", true, simulated::k2),
    check("K3", "slowdowns come out as large as they are", true, simulated::k3),
    check("K4", "drift of the machine moves nothing", true, simulated::k4),
    check("K5", "Little's law by two witnesses, and X = N/(R+Z)", false, little::k5),
    check("K6", "queues wait as long as theory says", false, queues::k6),
    check("K7", "a stall is seen by everyone who arrives meanwhile", false, stall::k7),
    check("K8", "a batch of waits takes its waves", true, batch::k8),
    check("K9", "CPU time, memory, threads and blocks are what was used", true, resources::k9),
    check("K10", "histograms keep their samples, and merge into the whole", true, recording::k10),
    check("K11", "models that cheat are refused", true, refused::k11),
    check("K12", "slices bias nothing", false, slicing::k12),
    check("K13", "a longer lead-in changes nothing", false, lead_in::k13),
    check("order", "twins in slices agree better than one after the other", false, order::check),
];

const fn check(
    id: &'static str,
    about: &'static str,
    quick: bool,
    run: fn(&Context) -> Result<Vec<Known>, String>,
) -> Check {
    Check { id, about, quick, run }
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
        let Check { id, about, .. } = *check;
        Self { id, about, finding, known, error, foreign: None, again: false }
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
