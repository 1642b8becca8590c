//! From an interval to a verdict: the table of METHODOLOGY.md, "Decision".
//!
//! The control that a race carries (the twin's interval) is part of the decision, so that no
//! caller can forget it. Multiple comparisons are the caller's: it chooses the level.

use super::estimate::Estimate;
use crate::record::Call;

/// No plan beyond this many blocks is worth proposing: what needs more is "never" settled.
pub const LARGEST_PLAN: u64 = 1_000;

/// What can be said of one comparison, all of it on the log scale except `resolution`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Decision {
    /// The verdict.
    pub call: Call,
    /// "Can tell ±h": half the interval's width as a ratio minus 1.
    pub resolution: Option<f64>,
    /// Blocks that would settle it; `None`: settled, or never.
    pub settle: Option<u64>,
    /// The interval alone would have said more than the twin allows.
    pub within_noise_floor: bool,
}

/// Decides by an equivalence margin (0.05: ±5% counts as equal), with the twin's estimate as the
/// floor. `floor` is `None` only for the controls themselves, which have no floor beneath them.
///
/// ```
/// use deadheat_core::{record::Call, stats::{Estimate, decide}};
/// let model = Estimate { point: 0.2, interval: Some((0.19, 0.21)), k: 3, n: 12 };
/// let twin = Estimate { point: 0.0, interval: Some((-0.01, 0.01)), k: 3, n: 12 };
/// assert_eq!(decide(&model, 0.05, Some(&twin)).call, Call::Slower);
/// ```
pub fn decide(estimate: &Estimate, margin: f64, floor: Option<&Estimate>) -> Decision {
    let limit = margin.ln_1p();
    let Some(interval) = estimate.interval else {
        return Decision { settle: blocks_for_an_interval(estimate.n), ..Decision::default() };
    };
    let alone = by_interval(interval, limit);
    let allowed = floor.is_none_or(|floor| floor_allows(alone, interval, floor, limit));
    let call = if allowed { alone } else { Call::Undecided };
    let settle = if allowed {
        settled_by(estimate, alone, limit)
    } else {
        floor.and_then(|floor| freed_by(estimate, floor, alone, limit))
    };
    Decision {
        call,
        resolution: estimate.half_width().map(f64::exp_m1),
        settle,
        within_noise_floor: !allowed,
    }
}

/// The verdict table, without the control.
fn by_interval((lo, hi): (f64, f64), limit: f64) -> Call {
    if lo > limit {
        Call::Slower
    } else if hi < -limit {
        Call::Faster
    } else if lo >= -limit && hi <= limit {
        Call::DeadHeat
    } else if lo > 0.0 {
        Call::SlowerSizeUndecided
    } else if hi < 0.0 {
        Call::FasterSizeUndecided
    } else {
        Call::Undecided
    }
}

/// A difference must lie outside what the same code shows against itself; an equality may be
/// said only where the same code is seen to be equal. A twin without an interval allows nothing.
fn floor_allows(call: Call, (lo, hi): (f64, f64), floor: &Estimate, limit: f64) -> bool {
    let Some(twin) = floor.interval else { return call == Call::Undecided };
    match call {
        Call::Slower | Call::SlowerSizeUndecided => lo > twin.1,
        Call::Faster | Call::FasterSizeUndecided => hi < twin.0,
        Call::DeadHeat => by_interval(twin, limit) == Call::DeadHeat,
        Call::Undecided => true,
    }
}

/// n·(half-width ÷ distance to the nearest boundary)², where the half-width of a median shrinks
/// like 1/√n.
fn settled_by(estimate: &Estimate, call: Call, limit: f64) -> Option<u64> {
    match call {
        Call::Faster | Call::Slower | Call::DeadHeat => None,
        _ => plan(estimate.n, estimate.half_width()?, (estimate.point.abs() - limit).abs()),
    }
}

/// When the model's interval and the twin's would part, by the same rule.
fn freed_by(estimate: &Estimate, floor: &Estimate, call: Call, limit: f64) -> Option<u64> {
    let Some(twin) = floor.half_width() else { return blocks_for_an_interval(floor.n) };
    match call {
        Call::DeadHeat => plan(floor.n, twin, limit - floor.point.abs()),
        _ => plan(estimate.n, estimate.half_width()? + twin, (estimate.point - floor.point).abs()),
    }
}

fn plan(n: usize, half_width: f64, distance: f64) -> Option<u64> {
    let blocks = (n as f64 * (half_width / distance).powi(2)).ceil();
    let useful = distance > 0.0 && blocks.is_finite() && blocks <= LARGEST_PLAN as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=1000")]
    useful.then(|| (blocks as u64).max(n as u64 + 1))
}

/// With data but no interval, the first thing missing is blocks.
fn blocks_for_an_interval(n: usize) -> Option<u64> {
    (n > 0).then(|| super::min_blocks(1, 2).max(n + 1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: f64 = 0.05;
    const QUIET: Estimate = Estimate { point: 0.0, interval: Some((-0.01, 0.01)), k: 3, n: 12 };

    fn of(lo: f64, hi: f64) -> Estimate {
        let interval = Some((f64::ln(lo), f64::ln(hi)));
        Estimate { point: f64::midpoint(lo.ln(), hi.ln()), interval, k: 3, n: 12 }
    }

    #[test]
    fn the_table() {
        for (lo, hi, call) in [
            (1.06, 1.20, Call::Slower),
            (0.80, 0.95, Call::Faster),
            (0.96, 1.04, Call::DeadHeat),
            (1.02, 1.04, Call::DeadHeat),
            (1.02, 1.09, Call::SlowerSizeUndecided),
            (0.90, 0.98, Call::FasterSizeUndecided),
            (0.97, 1.09, Call::Undecided),
            (0.50, 2.00, Call::Undecided),
        ] {
            assert_eq!(decide(&of(lo, hi), LIMIT, Some(&QUIET)).call, call, "[{lo}, {hi}]");
        }
    }

    #[test]
    fn the_twin_is_the_floor() {
        let loud = of(0.90, 1.12);
        for (lo, hi) in [(1.06, 1.20), (0.80, 0.92), (0.96, 1.04)] {
            let decision = decide(&of(lo, hi), LIMIT, Some(&loud));
            assert_eq!(decision.call, Call::Undecided);
            assert!(decision.within_noise_floor);
        }
        assert_eq!(decide(&of(1.2, 1.3), LIMIT, Some(&loud)).call, Call::Slower);
        let absent = Estimate::default();
        assert_eq!(decide(&of(1.2, 1.3), LIMIT, Some(&absent)).call, Call::Undecided);
    }

    #[test]
    fn resolution_and_settling() {
        // Centre 1, half-width 0.0953 = ln 1.1: four times the blocks halve it.
        let decision = decide(&of(1.0 / 1.1, 1.1), LIMIT, Some(&QUIET));
        assert!((decision.resolution.unwrap() - 0.1).abs() < 1e-12);
        // 12 · (ln 1.1 ÷ ln 1.05)² = 45.8
        assert_eq!(decision.settle, Some(46));
        // On the boundary itself nothing ever settles it.
        assert_eq!(decide(&of(1.0, 1.05 * 1.05), LIMIT, Some(&QUIET)).settle, None);
        assert_eq!(decide(&of(1.06, 1.2), LIMIT, Some(&QUIET)).settle, None);
    }

    #[test]
    fn one_block_or_none_decides_nothing() {
        let one = Estimate { point: 1.0, interval: None, k: 0, n: 1 };
        let decision = decide(&one, LIMIT, Some(&QUIET));
        assert_eq!((decision.call, decision.resolution), (Call::Undecided, None));
        assert_eq!(decision.settle, Some(9));
        assert_eq!(decide(&Estimate::default(), LIMIT, Some(&QUIET)), Decision::default());
        let unknown = Estimate { point: 0.2, interval: Some((0.1, 0.3)), k: 3, n: 12 };
        assert_eq!(decide(&unknown, f64::NAN, Some(&QUIET)).settle, None);
    }
}
