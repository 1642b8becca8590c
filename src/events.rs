//! `run --message-format json`: an event a line on standard output while it runs (docs/formats.md).
//!
//! What a line says is the `ndjson` format's; here is when it is said. Lines are written between
//! slices, when nothing is measured.

use std::time::Duration;

use deadheat_core::{
    clock,
    race::{Plan, Progress},
    record::{Race, Record},
};
use deadheat_reports::{Error, ndjson};
use serde_json::json;

use crate::output;

/// Between two lines about slices.
const PAUSE: Duration = Duration::from_millis(250);

/// Where events go, if anybody wants them.
#[derive(Debug)]
pub(crate) struct Events {
    wanted: bool,
    next: u64,
}

impl Events {
    pub(crate) fn new(wanted: bool) -> Self {
        Self { wanted, next: 0 }
    }

    /// Whether standard output belongs to events.
    pub(crate) fn are_wanted(&self) -> bool {
        self.wanted
    }

    /// The run, its warnings, and what is going to be raced.
    pub(crate) fn begin(&self, record: &Record, plans: &[Plan]) {
        self.say(|| {
            let race = |plan: &Plan| {
                let entrants = plan.entrants.iter().map(|entrant| &entrant.contender.id);
                json!({
                    "race": plan.id(),
                    "blocks": plan.shape.blocks,
                    "rounds": plan.shape.rounds,
                    "contenders": entrants.collect::<Vec<_>>(),
                    "estimate_ns": clock::nanos(plan.estimate()),
                })
            };
            let races: Vec<_> = plans.iter().map(race).collect();
            let plan = ndjson::line(&json!({ "event": "plan", "races": races }))?;
            Ok(ndjson::begin(record)? + &plan)
        });
    }

    /// How far a race is.
    pub(crate) fn show(&mut self, race: &Race, progress: Progress, left: Duration) {
        match progress {
            Progress::Started => self.say(|| ndjson::race_begins(race)),
            Progress::Block => {
                self.say(|| {
                    race.blocks.last().map_or(Ok(String::new()), |b| ndjson::block(race, b))
                });
            }
            Progress::Slice { done, of } => {
                let now = clock::now();
                if now >= self.next {
                    self.next = now + clock::nanos(PAUSE);
                    self.say(|| {
                        ndjson::line(&json!({
                            "event": "slice",
                            "race": race.id,
                            "block": race.blocks.len(),
                            "done": done,
                            "of": of,
                            "left_ns": clock::nanos(left),
                        }))
                    });
                }
            }
        }
    }

    /// What may be said of a race.
    pub(crate) fn race_ends(&self, race: &Race) {
        self.say(|| ndjson::race_ends(race));
    }

    /// The last line.
    pub(crate) fn end(&self, record: &Record) {
        self.say(|| ndjson::end(record));
    }

    fn say(&self, text: impl FnOnce() -> Result<String, Error>) {
        if self.wanted {
            match text() {
                Ok(lines) => output::result(&lines),
                Err(error) => output::warn(&error.to_string(), ""),
            }
        }
    }
}
