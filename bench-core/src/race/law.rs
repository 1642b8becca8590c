//! Little's law as a check on a contender: does what it reports agree with what the other end saw?

use crate::race::{Plan, measure::Seen};

/// Little's law, L = λW, by two witnesses: the other end summed up the operations in flight as it
/// saw them; the one under test says how many there were and how long each took. Over whole
/// slices, in which every operation begins and ends, both are totals, and no window cuts any.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Law {
    /// Operations.
    count: u64,
    /// Σ of what they are said to have taken, ns.
    told: u64,
    /// Σ of what the other end saw, ns.
    seen: u64,
}

impl Law {
    pub(super) fn add(&mut self, plan: &Plan, seen: &Seen<'_>) {
        let Seen { done, numbers, peer, .. } = seen;
        let whole = done.errors.is_empty() && numbers.censored.is_empty() && done.extra == 0;
        let (Some(peer), true) = (peer, whole && !numbers.samples.is_empty()) else { return };
        if peer.in_flight == 0 || seen.stretched {
            return;
        }
        self.count += numbers.samples.len() as u64 * plan.shape.ops_per_sample;
        self.told += numbers.samples.iter().map(|s| s.finished - s.started).sum::<u64>();
        self.seen += peer.in_flight;
    }

    /// A peer sees an operation from its arrival there to its answer, which is part of what a client
    /// measures: more than that it cannot see. A generator sees exactly what its samples say.
    pub(super) fn broken(self, plan: &Plan) -> Option<String> {
        let (least, slack) = if plan.load.is_open() {
            (5_000, 0.05)
        } else {
            (100 * plan.shape.sessions as u64, 0.02)
        };
        let (told, seen) = (self.told as f64, self.seen as f64);
        let more = seen > told * (1.0 + slack);
        let less = plan.scenario.server && seen < told * (1.0 - slack);
        (self.count >= least && (more || less)).then(|| {
            format!(
                "Little's law is broken: it says that {} operations took {:.3} s together, and the \
                 other end saw {:.3} s of them in flight",
                self.count,
                told / 1e9,
                seen / 1e9
            )
        })
    }
}
