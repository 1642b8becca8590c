//! A contender in a block, as the parent keeps it: its process, its turns, its levels, its record.

use std::io;

use crate::{
    protocol::{Done, Levels, Numbers, Turn},
    race::{Plan, child::Child, measure::Tally},
    record::{Contender, Handicap, Outcome, Resources, Trial},
    resource,
    sample::Sample,
};

/// A contender in a block: its process while it lives, and what it has done.
pub(super) struct Player {
    pub(super) id: String,
    pub(super) handicap: Option<Handicap>,
    pub(super) child: Option<Child>,
    pub(super) target: Option<std::net::SocketAddr>,
    pub(super) workers: Option<usize>,
    pub(super) base: Option<u64>,
    pub(super) ready_ns: u64,
    pub(super) levels: Levels,
    pub(super) outcome: Outcome,
    pub(super) tally: Tally,
}
impl Player {
    pub(super) fn new(contender: &Contender, plan: &Plan) -> Self {
        Self {
            id: contender.id.clone(),
            handicap: contender.handicap,
            child: None,
            target: None,
            workers: None,
            base: None,
            ready_ns: 0,
            levels: Levels::default(),
            outcome: Outcome::Ok,
            tally: Tally::new(plan.shape.sessions),
        }
    }

    /// A turn; where the program does not tell its CPU time, the system does.
    pub(super) fn run(&mut self, turn: &Turn, arrivals: &[u64]) -> io::Result<(Done, Numbers)> {
        let child = self.child.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let cpu = |child: &Child| child.pid().and_then(resource::cpu_of);
        let begin = cpu(child);
        let (mut done, numbers) = child.turn(turn, arrivals)?;
        let usage = |cpu_ns: Option<u64>| {
            Some(crate::protocol::Usage { cpu_ns: cpu_ns?, ..Default::default() })
        };
        done.begin = done.begin.or_else(|| usage(begin));
        done.end = done.end.or_else(|| usage(cpu(child)));
        Ok((done, numbers))
    }

    pub(super) fn fail(&mut self, cause: String) {
        let stderr = self.child.take().map(|mut child| child.said()).unwrap_or_default();
        self.outcome = Outcome::Failed { cause, stderr };
    }

    /// Closes its last turn, before it is made to let go of its connections: that is not its work.
    pub(super) fn end_turn(&mut self) {
        if let Ok((done, _)) = self.run(&Turn::default(), &[]) {
            self.tally.last_usage(done.begin);
        }
    }

    pub(super) fn quit(&mut self) {
        // Its last word says nothing that has not been counted.
        let _ = self.child.take().and_then(Child::quit);
    }

    /// Peaks, from what the child tells or else from what the system tells of it.
    pub(super) fn see_levels(&mut self, told: Option<Levels>, plan: &Plan) {
        let pid = self.child.as_ref().and_then(Child::pid);
        let steps = (plan.scenario.describe)().solo_steps > 0;
        let seen = match told {
            Some(levels) if !steps => levels,
            told => {
                // An external program, which tells nothing, has no thread of the harness.
                let harness = u64::from(told.is_some());
                let seen = pid.map(|pid| resource::levels(Some(pid), harness));
                seen.or(told).unwrap_or_default()
            }
        };
        let peak = |a: Option<u64>, b: Option<u64>| a.max(b);
        self.levels = Levels {
            threads: peak(self.levels.threads, seen.threads),
            rss: seen.rss,
            rss_peak: peak(self.levels.rss_peak, seen.rss_peak),
            page_tables: peak(self.levels.page_tables, seen.page_tables),
            kernel_stack: peak(self.levels.kernel_stack, seen.kernel_stack),
        };
    }

    /// The whole price in memory: resident set, kernel stacks, page tables.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a known factor")]
    pub(super) fn memory(&self) -> Option<u64> {
        let Levels { rss, page_tables, kernel_stack, .. } = self.levels;
        let whole = rss? + page_tables? + kernel_stack?;
        Some(match self.handicap {
            Some(Handicap::Clock { factor }) => (whole as f64 * factor).round() as u64,
            _ => whole,
        })
    }

    pub(super) fn finish(self, plan: &Plan) -> Trial {
        let resources = Resources {
            threads_peak: self.levels.threads,
            rss_peak: self.levels.rss_peak,
            rss_base: self.base,
            kernel_stack: self.levels.kernel_stack,
            page_tables: self.levels.page_tables,
            ready_ns: (self.ready_ns > 0).then_some(self.ready_ns),
        };
        let outcome = match (self.outcome, self.tally.broken_law(plan)) {
            (Outcome::Ok, Some(cause)) => Outcome::Failed { cause, stderr: String::new() },
            (outcome, _) => outcome,
        };
        let trial = Trial { contender: self.id, resources, ..self.tally.finish(plan) };
        match outcome {
            Outcome::Ok => trial,
            // A failed trial has no number.
            failed @ Outcome::Failed { .. } => Trial {
                contender: trial.contender,
                resources: trial.resources,
                outcome: failed,
                ..Trial::default()
            },
        }
    }
}

/// The clock handicap: whatever is counted from an operation's intended start lasts `factor` as
/// long. Done before anything else is done with the samples, so that a known slowdown goes the whole
/// way from here to the verdict; and here rather than in the child, so that an external program
/// need not know of it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times within a slice")]
pub(super) fn stretch(samples: &mut [Sample], factor: f64) {
    for sample in samples {
        let since = |at: u64| (at.saturating_sub(sample.intended) as f64 * factor).round() as u64;
        let (started, finished) = (since(sample.started), since(sample.finished));
        sample.started = sample.intended + started;
        sample.finished = sample.intended + finished;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretched_clock_keeps_arrivals_and_slows_all_that_follows() {
        let mut samples = [
            Sample { intended: 1_000, started: 1_500, finished: 3_000, check: 7 },
            Sample { intended: 0, started: 0, finished: 0, check: 0 },
        ];
        stretch(&mut samples, 1.1);
        let slowed = Sample { intended: 1_000, started: 1_550, finished: 3_200, check: 7 };
        assert_eq!(samples, [slowed, Sample::default()]);
    }
}
