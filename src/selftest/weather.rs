//! Foreign load over a check: what everybody used, less this process and the children that it has
//! seen end.

use std::fs;

use deadheat_core::{
    clock,
    race::weather::{Barometer, Reading, between},
    resource,
};

/// Share of the machine's CPU time above which a check that failed is run once more.
const FOUL: f64 = 0.05;

pub(crate) fn is_foul(foreign: f64) -> bool {
    foreign > FOUL
}

/// Ticks of 10 ms tell nothing of less time, ns.
const SHORTEST: u64 = 500_000_000;

/// Counters when a check began.
pub(super) struct Watch {
    cpus: usize,
    barometer: Barometer,
    begin: Reading,
    children: Option<u64>,
    at: u64,
}

impl Watch {
    pub(super) fn start() -> Self {
        let cpus = resource::cpus();
        let barometer = Barometer::new(&cpus);
        let begin = barometer.read(std::iter::empty());
        let children = children_ns();
        Self { cpus: cpus.len(), barometer, begin, children, at: clock::now() }
    }

    /// The share of the machine's CPU time that was others'; `None` where no counter tells, or it
    /// was over too soon for one. All children must have ended.
    pub(super) fn foreign(&self) -> Option<f64> {
        let took = clock::now().saturating_sub(self.at);
        if took < SHORTEST {
            return None;
        }
        let now = self.barometer.read(std::iter::empty());
        let ours = children_ns()?.checked_sub(self.children?)?;
        let time = took as f64 * self.cpus.max(1) as f64;
        let others = between(&self.begin, &now, self.cpus).foreign? - ours as f64 / time;
        Some(others.max(0.0))
    }
}

/// CPU time of the children that have ended and were waited for, ns, in ticks of 10 ms.
fn children_ns() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name may hold anything, parentheses included.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(13);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * 10_000_000)
}
