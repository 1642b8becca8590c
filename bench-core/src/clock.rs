//! The one clock: nanoseconds of the monotonic clock since the process first asked.
//!
//! Only the measured loop (`session`), the pacer and the generator read it between operations.

use std::{
    hint,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use crate::record::ClockFigures;

static ORIGIN: OnceLock<Instant> = OnceLock::new();

/// Nanoseconds since the first call in this process.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
#[inline]
pub fn now() -> u64 {
    let origin = ORIGIN.get_or_init(Instant::now);
    nanos(origin.elapsed())
}

/// A duration in nanoseconds, which a `u64` holds for 584 years.
#[inline]
pub fn nanos(duration: Duration) -> u64 {
    duration.as_secs() * 1_000_000_000 + u64::from(duration.subsec_nanos())
}

/// Sleeps on the calling thread.
#[expect(clippy::disallowed_methods, reason = "the harness waits here and nowhere else")]
pub fn sleep(duration: Duration) {
    thread::sleep(duration);
}

/// Waits until [`now`] is `due`: asleep, or on the CPU all the time where `spin` says so.
pub fn wait_until(due: u64, spin: bool) {
    loop {
        let early = due.saturating_sub(now());
        match (early, spin) {
            (0, _) => return,
            (_, true) => hint::spin_loop(),
            (_, false) => sleep(Duration::from_nanos(early)),
        }
    }
}

/// Measures the clock: what one reading costs, and its smallest step.
pub fn figures() -> ClockFigures {
    const READINGS: u32 = 1_000;
    let mut costs: Vec<f64> = (0..31)
        .map(|_| {
            let start = now();
            (1..READINGS).for_each(|_| _ = hint::black_box(now()));
            (now() - start) as f64 / f64::from(READINGS)
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    let steps = (0..READINGS).filter_map(|_| {
        let (first, second) = (now(), now());
        (second > first).then_some(second - first)
    });
    ClockFigures { cost_ns: costs[costs.len() / 2], granularity_ns: steps.min().unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_goes_back_and_waiting_reaches_its_end() {
        let start = now();
        for spin in [true, false] {
            let due = now() + 200_000;
            wait_until(due, spin);
            assert!(now() >= due);
        }
        assert!(now() >= start + 400_000);
    }

    #[test]
    fn its_figures_are_measured() {
        let figures = figures();
        assert!(figures.cost_ns > 0.0 && figures.granularity_ns > 0, "{figures:?}");
    }
}
