//! What of a slice counts: its window.

use crate::{
    clock,
    load::Arrivals,
    protocol::Numbers,
    race::{Plan, measure::Seen},
    sample::Sample,
};

/// How soon after the window an open load's operations must have ended, at least, ns.
const SOON: u64 = 5_000_000;

/// Whether it fell behind: of the operations intended in the window, less than 99% ended before the
/// window's end + max(10 s, 5 ms), where s is their mean service time.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ten service times")]
pub(super) fn is_saturated(window: &Window, numbers: &Numbers) -> bool {
    let samples = || numbers.samples.iter().filter(|sample| window.intends(sample.intended));
    let service: u64 = samples().map(|sample| sample.finished - sample.started).sum();
    let mean = service as f64 / samples().count().max(1) as f64;
    let soon = window.to + SOON.max((10.0 * mean) as u64);
    let in_time = samples().filter(|sample| sample.finished <= soon).count() as u64;
    let never = numbers.censored.iter().filter(|due| window.intends(**due)).count() as u64;
    let intended = samples().count() as u64 + never;
    (in_time as f64) < 0.99 * intended as f64
}

/// What counts of a slice, ns since its epoch.
pub(super) struct Window {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) cut: Cut,
}

/// By what an operation counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// All of them do.
    Nothing,
    /// When it was meant to start.
    ByArrival,
    /// When it ended.
    ByEnd,
}

/// What clients of a closed load did within a window.
pub(super) struct Inside {
    pub(super) operations: f64,
    pub(super) busy_ns: u64,
}

impl Window {
    /// Counts operations by the part of their cycle, from the end of the client's last one to their
    /// own, that lies within the window. Clients that started together stay in step for a while, so
    /// counting ends would count whole waves of them.
    pub(super) fn inside(&self, seen: &Seen<'_>) -> Inside {
        let within = |from: u64, to: u64| to.min(self.to).saturating_sub(from.max(self.from));
        let mut inside = Inside { operations: 0.0, busy_ns: 0 };
        let mut samples = seen.numbers.samples.iter();
        for &count in &seen.done.sessions {
            let mut last = None;
            for s in samples.by_ref().take(usize::try_from(count).unwrap_or(usize::MAX)) {
                let from = last.unwrap_or(s.started).min(s.started);
                let cycle = s.finished.saturating_sub(from).max(1);
                inside.operations += within(from, s.finished) as f64 / cycle as f64;
                inside.busy_ns += within(s.started, s.finished);
                last = Some(s.finished);
            }
        }
        inside
    }

    /// Time of all clients that was neither an operation's nor a thought's.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within a window")]
    pub(super) fn waiting(&self, plan: &Plan, busy_ns: u64, operations: f64) -> u64 {
        let thought = match plan.load.arrivals {
            Arrivals::Closed { think, .. } => clock::nanos(think) as f64 * operations,
            _ => 0.0,
        };
        let all = (self.to - self.from) * plan.shape.sessions as u64;
        all.saturating_sub(busy_ns).saturating_sub(thought as u64)
    }

    pub(super) fn of(plan: &Plan, samples: &[Sample]) -> Self {
        if plan.batch() > 0 {
            let from = samples.iter().map(|sample| sample.started).min().unwrap_or(0);
            let to = samples.iter().map(|sample| sample.finished).max().unwrap_or(0);
            // A batch's window is its makespan, and all of it counts.
            return Self { from, to, cut: Cut::Nothing };
        }
        let from = plan.shape.lead_ns;
        let cut = if plan.load.is_open() { Cut::ByArrival } else { Cut::ByEnd };
        Self { from, to: from + plan.shape.window_ns, cut }
    }

    pub(super) fn intends(&self, due: u64) -> bool {
        self.cut != Cut::ByArrival || (self.from..self.to).contains(&due)
    }

    pub(super) fn holds(&self, sample: &Sample) -> bool {
        match self.cut {
            Cut::Nothing => true,
            Cut::ByArrival => self.intends(sample.intended),
            Cut::ByEnd => (self.from..self.to).contains(&sample.finished),
        }
    }

    /// Arrivals that were due in it.
    pub(super) fn offered(&self, seen: &Seen<'_>) -> u64 {
        seen.arrivals.iter().filter(|due| self.intends(**due)).count() as u64
    }

    /// Operations that failed in it: those that were due and neither ended nor were still awaited.
    /// Under a closed load nothing tells when one failed, and they are taken as evenly spread.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count"
    )]
    pub(super) fn failed(&self, seen: &Seen<'_>) -> u64 {
        let failed: u64 = seen.done.errors.values().sum();
        match self.cut {
            Cut::Nothing => failed,
            Cut::ByArrival => {
                let ended = seen.numbers.samples.iter().map(|sample| sample.intended);
                let known = ended.chain(seen.numbers.censored.iter().copied());
                let known = known.filter(|due| self.intends(*due)).count() as u64;
                self.offered(seen).saturating_sub(known).min(failed)
            }
            Cut::ByEnd => {
                let whole = seen.done.span_ns.max(self.to - self.from).max(1);
                let share = (self.to - self.from) as f64 / whole as f64;
                (failed as f64 * share).ceil() as u64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{protocol::Done, record::Weather};

    /// Clients that start together, and whose operations all last as long.
    fn in_step(clients: u64, service: u64, pause: u64, until: u64) -> (Done, Numbers) {
        let (mut done, mut numbers) = (Done::default(), Numbers::default());
        for _ in 0..clients {
            let (mut started, mut count) = (0, 0);
            while started < until {
                let finished = started + service;
                let intended = started;
                numbers.samples.push(Sample { intended, started, finished, check: 0 });
                (started, count) = (finished + pause, count + 1);
            }
            done.sessions.push(count);
        }
        (done, numbers)
    }

    fn seen<'a>(done: &'a Done, numbers: &'a Numbers, arrivals: &'a [u64]) -> Seen<'a> {
        Seen {
            done,
            numbers,
            arrivals,
            round: Some(0),
            position: 0,
            seed: 0,
            memory: None,
            peer: None,
            weather: Weather::default(),
            overflowed: None,
            stretched: false,
            factor: 1.0,
        }
    }

    fn inside(window: &Window, (done, numbers): &(Done, Numbers)) -> Inside {
        window.inside(&seen(done, numbers, &[]))
    }

    #[test]
    fn clients_in_step_are_counted_by_their_cycles_and_not_by_waves() {
        const US: u64 = 1_000;
        let window = Window { from: 14_840 * US, to: 64_840 * US, cut: Cut::ByEnd };
        // 3% slower; counted by ends, the first would have six waves and the second seven.
        for service in [7_200 * US, 7_420 * US] {
            let clients = in_step(64, service, 0, window.to);
            let Inside { operations, busy_ns } = inside(&window, &clients);
            let truth = 64.0 * (50_000 * US) as f64 / service as f64;
            assert!((operations / truth - 1.0).abs() < 1e-9, "{operations} {truth}");
            assert_eq!(busy_ns, 64 * 50_000 * US, "nobody waited");
        }
        // An operation that outlasts the window is a part of one, and no gap.
        let stalled = in_step(1, 500_000 * US, 0, window.to);
        assert!((inside(&window, &stalled).operations - 0.1).abs() < 1e-9);
        // A pause is part of the cycle and of nobody's latency.
        let paused = in_step(1, 3_000 * US, 1_000 * US, window.to);
        let Inside { operations, busy_ns } = inside(&window, &paused);
        assert!((operations - 12.5).abs() < 0.2, "{operations}");
        assert!((37_000 * US..=38_500 * US).contains(&busy_ns), "{busy_ns}");
    }

    #[test]
    fn failures_outside_the_window_are_not_counted_against_it() {
        let due = |range: std::ops::Range<u64>| range.map(|k| 10 * k).collect::<Vec<u64>>();
        let window = Window { from: 100, to: 200, cut: Cut::ByArrival };
        // Due every 10 ns for 300 ns: the first three fail, and one in the window.
        let arrivals = due(0..30);
        let ended = due(3..30).into_iter().filter(|due| *due != 150);
        let sample = |due| Sample { intended: due, started: due, finished: due + 5, check: 0 };
        let numbers = Numbers { samples: ended.map(sample).collect(), ..Numbers::default() };
        let errors = [("refused".to_owned(), 4)].into();
        let done = Done { errors, span_ns: 400, ..Done::default() };
        let failed = |cut| Window { cut, ..window }.failed(&seen(&done, &numbers, &arrivals));
        assert_eq!(failed(Cut::ByArrival), 1);
        assert_eq!(failed(Cut::Nothing), 4, "all of a batch");
        assert_eq!(failed(Cut::ByEnd), 1, "a quarter of the slice");
        assert_eq!(window.offered(&seen(&done, &numbers, &arrivals)), 10);
    }
}
