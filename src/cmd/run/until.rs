//! `--until ±h`: more blocks until every comparison of the primary metric is that precise.
//!
//! Not in here: when that is (`stats::race_precision`), which looks at widths alone.

use std::{ops::ControlFlow, time::Duration};

use deadheat_core::{
    clock,
    race::Plan,
    record::{Race, Status, Warning},
    stats::{LARGEST_PLAN, race_precision},
};
use serde_json::json;

use crate::plan::words;

/// Where a race keeps what was wanted and what became of it.
const UNTIL: &str = "until";

/// What a race is to reach, and by when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Until {
    half_width: f64,
    /// Blocks that are run in any case.
    planned: usize,
    started: u64,
    /// Blocks that were there when it started.
    before: usize,
    /// When `--max-time` ends it, of the program's clock.
    deadline: Option<u64>,
    /// Whether it has ended, one way or the other.
    is_over: bool,
}

impl Until {
    /// Makes a plan of as many blocks as may be needed. What was planned is the least, on a
    /// resumed race too, whose record says how much that was.
    pub(super) fn begin(
        half_width: f64,
        plan: &mut Plan,
        race: &mut Race,
        time: Option<Duration>,
    ) -> Self {
        let stored = race.more.get(UNTIL).and_then(|until| until.get("planned")?.as_u64());
        let stored = stored.and_then(|planned| usize::try_from(planned).ok());
        let planned = stored.unwrap_or(plan.shape.blocks);
        race.more.insert(UNTIL.into(), json!({ "half_width": half_width, "planned": planned }));
        plan.shape.blocks = usize::try_from(LARGEST_PLAN).unwrap_or(usize::MAX).max(planned);
        let started = clock::now();
        let deadline = time.map(|time| started + clock::nanos(time));
        Self { half_width, planned, started, before: race.blocks.len(), deadline, is_over: false }
    }

    /// After a block: whether it was the last one. Plans the race anew as far as can be told.
    pub(super) fn see(&mut self, race: &mut Race) -> ControlFlow<()> {
        let blocks = race.blocks.len();
        let precision = race_precision(race, self.half_width);
        let expected = precision.blocks.map_or(self.planned, |n| usize::try_from(n).unwrap_or(0));
        race.shape.blocks = expected.max(self.planned).max(blocks);
        // Without any number, more blocks bring none.
        let is_hopeless = !precision.is_reached && precision.comparisons == 0;
        let ended = precision.is_reached || is_hopeless || self.is_late(blocks);
        self.is_over = blocks >= self.planned && ended;
        if self.is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Whether the next block would end beyond the deadline.
    fn is_late(&self, blocks: usize) -> bool {
        let now = clock::now();
        let block = (now - self.started) / blocks.saturating_sub(self.before).max(1) as u64;
        self.deadline.is_some_and(|deadline| now + block > deadline)
    }

    /// At the race's end: it is complete where it ended by its own rule, and the record says
    /// how precise it became.
    pub(super) fn end(self, race: &mut Race) {
        let blocks = race.blocks.len();
        if race.status == Status::Cut && self.is_over {
            race.status = Status::Complete;
        }
        if race.status != Status::Complete {
            return;
        }
        race.shape.blocks = blocks;
        let precision = race_precision(race, self.half_width);
        race.more.insert(
            UNTIL.into(),
            json!({
                "half_width": self.half_width,
                "planned": self.planned,
                "reached": precision.is_reached,
                "widest": precision.widest,
            }),
        );
        if !precision.is_reached {
            race.warnings.push(self.missed(blocks, precision.widest, precision.blocks));
        }
    }

    fn missed(&self, blocks: usize, widest: Option<f64>, needed: Option<u64>) -> Warning {
        let percent = |share: f64| format!("±{:.1}%", 100.0 * share);
        let wanted = percent(self.half_width);
        let seen = match widest {
            Some(widest) if widest >= self.half_width => {
                format!("the widest interval is {}", percent(widest))
            }
            Some(_) => "it was narrow enough only once, which may be luck".into(),
            None => "some comparison has no interval".into(),
        };
        let each = (clock::now() - self.started) / blocks.saturating_sub(self.before).max(1) as u64;
        Warning {
            code: "until-not-reached".into(),
            text: format!("{wanted} was wanted; after {blocks} blocks {seen}"),
            advice: match needed {
                Some(needed) => {
                    let left = Duration::from_nanos(each * needed.saturating_sub(blocks as u64));
                    format!("about {needed} blocks would do: --max-time {} longer", words(left))
                }
                None => "more rounds, longer slices, or a quieter machine".into(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(deadline: Option<u64>) -> Until {
        let now = clock::now();
        let started = now.saturating_sub(1_000_000);
        Until { half_width: 0.02, planned: 0, started, before: 0, deadline, is_over: false }
    }

    #[test]
    fn time_ends_it_before_a_block_that_would_not_fit() {
        assert!(!until(None).is_late(1));
        assert!(until(Some(0)).is_late(1));
        assert!(!until(Some(clock::now() + 3_600_000_000_000)).is_late(1));
    }

    #[test]
    fn a_race_without_numbers_ends_as_planned_and_says_so() {
        let mut race = Race { status: Status::Cut, ..Race::default() };
        race.contenders =
            vec![deadheat_core::record::Contender { id: "a".into(), ..Default::default() }];
        let mut until = until(None);
        assert!(until.see(&mut race).is_break());
        until.end(&mut race);
        assert_eq!(race.status, Status::Complete);
        assert_eq!(race.more[UNTIL]["reached"], json!(false));
        assert_eq!(race.warnings[0].code, "until-not-reached");
        assert!(race.warnings[0].text.contains("±2.0% was wanted"), "{:?}", race.warnings);
    }

    #[test]
    fn an_interrupted_race_stays_open() {
        let mut race = Race { status: Status::Cut, ..Race::default() };
        until(None).end(&mut race);
        assert_eq!((race.status, race.warnings.len()), (Status::Cut, 0));
    }
}
