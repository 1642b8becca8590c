//! What is to be known of a contender before its numbers are compared: whether it fell behind its
//! load, whether the load was what it should have been, whether the other end was the limit.
//!
//! None of these drops anything: they are a model's own result, or the instrument's limit, and the
//! numbers stand. They only limit what may be said.

use super::{estimate::median, histogram::Ranked, latencies::Latencies};
use crate::record::{Race, Slice, Trial};

/// Share of what an open load asks for that has to end well.
const GOODPUT: f64 = 0.99;

/// Share of failed operations above which latencies say nothing: those that fail have none.
const ERRORS: f64 = 0.001;

/// Median schedule lag that a median response time bears, as a share of it.
const LAG_P50: f64 = 0.10;

/// 99th percentile of schedule lag that a median response time bears.
const LAG_P99: f64 = 0.50;

/// Share of time that a peer may be busy.
const BUSY: f64 = 0.90;

/// Share of its clients' time that may be in nobody's latency.
const WAITING: f64 = 0.02;

/// Share of its CPU time that a contender may use while others have their turn.
const OUTSIDE: f64 = 0.01;

/// What limits the comparison of a contender.
#[expect(clippy::struct_excessive_bools, reason = "each is a finding by itself")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// It fell behind its open load in most of its slices: its latencies grow with the window.
    pub saturated: bool,
    /// The load was late: what was measured is also the generator.
    pub generator_limited: bool,
    /// The other end was busy nearly all the time: what was measured is also the peer.
    pub peer_bound: bool,
    /// More than one in a thousand operations failed.
    pub errors: bool,
    /// A listener's queue was full, so that connections were dropped and tried again later.
    pub overflowed: bool,
    /// Of a closed load: its clients spent more than 2% of their time neither in an operation nor
    /// thinking (N = X·(R + Z) does not hold), so its latencies leave out a wait.
    pub waits_off_the_clock: bool,
    /// More than 1% of its CPU time was used while others had their turn.
    pub outside_its_turn: bool,
}

impl Conditions {
    /// `latencies`: of its fair rounds, or of the foul ones where there is nothing else.
    pub(super) fn of(race: &Race, id: &str, latencies: &Latencies) -> Self {
        let trials: Vec<&Trial> =
            race.trials(id).map(|(_, trial)| trial).filter(|trial| trial.outcome.is_ok()).collect();
        let slices = || trials.iter().flat_map(|trial| &trial.slices);
        let count = slices().count();
        let sum = |of: fn(&Slice) -> u64| slices().map(|slice| of(slice) as f64).sum::<f64>();
        let failed = sum(failures);
        Self {
            saturated: 2 * slices().filter(|slice| slice.saturated).count() > count,
            generator_limited: race.load.starts_with("open-") && is_late(latencies),
            peer_bound: race.load.starts_with("closed-") && is_bound(race, slices()),
            errors: failed > ERRORS * sum(|slice| slice.executed),
            overflowed: slices().any(|slice| slice.listen_overflows.unwrap_or(0) > 0),
            waits_off_the_clock: {
                let sessions = race.shape.sessions as f64;
                sum(|slice| slice.waiting_ns.unwrap_or(0))
                    > WAITING * sessions * sum(|slice| slice.window_ns)
            },
            outside_its_turn: sum(|slice| slice.cpu_turn_ns.saturating_sub(slice.cpu_ns))
                > OUTSIDE * sum(|slice| slice.cpu_turn_ns),
        }
    }
}

/// Whether an open load was carried in most of these slices: they did not fall behind, and 99% of
/// what was offered in the window ended well. Who fails at once keeps up, and carries nothing.
pub(super) fn is_carried<'a>(slices: impl Iterator<Item = &'a Slice>) -> bool {
    let (mut all, mut missed) = (0_usize, 0_usize);
    for slice in slices {
        // Those that failed are not among the operations that were done.
        let ended_well = slice.done as f64 >= GOODPUT * slice.offered as f64;
        all += 1;
        missed += usize::from(slice.saturated || !ended_well);
    }
    2 * missed <= all
}

/// Failed operations of a slice.
pub(super) fn failures(slice: &Slice) -> u64 {
    slice.errors.values().fold(0, |sum, count| sum.saturating_add(*count))
}

/// Whether arrivals were dispatched later than the response time bears.
fn is_late(latencies: &Latencies) -> bool {
    let (Some(response), Some(lag)) = (&latencies.response, &latencies.lag) else { return false };
    let typical = response.value_at(0.50) as f64;
    lag.value_at(0.50) as f64 > LAG_P50 * typical || lag.value_at(0.99) as f64 > LAG_P99 * typical
}

/// Whether the other end was busy on all the CPUs that it can use at once.
fn is_bound<'a>(race: &Race, slices: impl Iterator<Item = &'a Slice>) -> bool {
    let cpus = race.peer_threads.unwrap_or(race.placement.peer.len() as u64).max(1) as f64;
    let busy = slices.filter_map(|slice| {
        let peer = slice.peer.filter(|_| slice.span_ns > 0)?;
        Some(peer.busy as f64 / (slice.span_ns as f64 * cpus))
    });
    median(&busy.collect::<Vec<_>>()).is_some_and(|busy| busy > BUSY)
}
