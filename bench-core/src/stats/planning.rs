//! When to stop: a fixed number of blocks, or as many as a precision takes.
//!
//! More blocks may be run until every interval is narrow enough, because how *wide* an interval is
//! says nothing of which side of 1 it lies on. They are never run until something is significant:
//! whoever looks after every block and stops at the first difference finds one among equals in 11
//! to 18% of races, instead of 5%. So nothing here looks at a point or a verdict.
//!
//! Even a width is a matter of luck, and an interval that is narrow by luck misses more often: who
//! stops at the first narrow one is wrong in 7% instead of 5% (a simulation below). So it has to
//! be narrow after two blocks in a row, which costs about four blocks and keeps the 5%.
//!
//! Not in here: how few blocks allow an interval at all ([`min_blocks`]), and how many would
//! settle one comparison ([`Decision::settle`](super::Decision)).

use super::{
    decide::LARGEST_PLAN,
    estimate::Estimate,
    measures::Measures,
    rank::{alpha, min_blocks},
};
use crate::record::{Contender, Fits, Outcome, Race, Role};

/// Failures of a contender after which it is not started again, so it will never have more blocks.
const GIVEN_UP: usize = 2;

/// How precise a set of comparisons is, against a half-width that is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Precision {
    /// Comparisons that were looked at.
    pub comparisons: usize,
    /// The widest half-width, as a ratio minus 1; `None` where some comparison has no interval.
    pub widest: Option<f64>,
    /// Whether every half-width is below what is wanted.
    pub is_reached: bool,
    /// Blocks in all that it would take; `None`: it is reached, or takes more than
    /// [`LARGEST_PLAN`], or there is nothing to tell it from.
    pub blocks: Option<u64>,
}

/// Whether all of these comparisons have a half-width below `half_width` (0.02: ±2%), and how
/// many blocks that would take: n·(half-width ÷ wanted)², because the interval of a median
/// shrinks like 1/√n. `fewest` is how many blocks allow an interval. No comparison: reached.
///
/// ```
/// use deadheat_core::stats::{Estimate, precision};
/// let wide = Estimate { point: 0.3, interval: Some((0.26, 0.34)), k: 3, n: 12 };
/// let seen = precision(&[wide], 0.02, 6);
/// // Four hundredths on the log scale are 4.08%: a little over four times the blocks.
/// assert_eq!((seen.is_reached, seen.blocks), (false, Some(49)));
/// ```
pub fn precision(estimates: &[Estimate], half_width: f64, fewest: usize) -> Precision {
    let wanted = half_width.ln_1p();
    let mut seen = Precision {
        comparisons: estimates.len(),
        widest: Some(0.0),
        is_reached: true,
        blocks: Some(0),
    };
    for estimate in estimates {
        let own = estimate.half_width();
        seen.widest = seen.widest.zip(own).map(|(most, own)| most.max(own.exp_m1()));
        seen.is_reached &= own.is_some_and(|own| own < wanted);
        let blocks = match own {
            None => Some(fewest.max(estimate.n + 1) as u64),
            Some(own) if own < wanted => Some(estimate.n as u64),
            Some(own) => blocks_for(estimate.n, own, wanted),
        };
        seen.blocks = seen.blocks.zip(blocks).map(|(most, blocks)| most.max(blocks));
    }
    if seen.is_reached {
        seen.blocks = None;
    }
    seen
}

fn blocks_for(n: usize, half_width: f64, wanted: f64) -> Option<u64> {
    let blocks = (n as f64 * (half_width / wanted).powi(2)).ceil();
    let is_useful = wanted > 0.0 && blocks <= LARGEST_PLAN as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=1000")]
    is_useful.then(|| (blocks as u64).max(n as u64 + 1))
}

/// How precise a race's primary metric is by now: every model against the reference at 0.05/m, as
/// it will be judged, and the twin at 0.05.
///
/// Whoever has failed too often to be started again is left out, and so is who has no number in
/// any block: no number of blocks would make its interval. If nobody has a number, there are no
/// comparisons, nothing is reached, and no number of blocks is named.
pub fn race_precision(race: &Race, half_width: f64) -> Precision {
    let measures = Measures::of(race);
    let is = |role: Role| {
        move |contender: &&Contender| {
            contender.role == role && contender.fits == Fits::Yes && contender.id != race.reference
        }
    };
    let m = race.contenders.iter().filter(is(Role::Model)).count();
    let ratios = |role: Role, alpha: f64| -> Vec<(Vec<f64>, f64)> {
        let raced = race.contenders.iter().filter(is(role)).filter(|c| !is_given_up(race, &c.id));
        raced
            .map(|contender| {
                let pairs = measures.pairs(race.primary, &contender.id, &race.reference);
                (pairs.iter().map(|pair| pair.d).collect(), alpha)
            })
            .collect()
    };
    let mut all = ratios(Role::Model, alpha(m));
    all.extend(ratios(Role::Twin, alpha(1)));
    let has_any = !all.is_empty();
    all.retain(|(d, _)| !d.is_empty());
    if all.is_empty() && has_any {
        return Precision::default();
    }
    twice(&all, half_width, min_blocks(m, 1))
}

/// The precision of these log ratios (in the order of their blocks, each set with its α), which
/// is reached only where it also was one block ago.
fn twice(all: &[(Vec<f64>, f64)], half_width: f64, fewest: usize) -> Precision {
    let look = |back: usize| {
        let estimates: Vec<Estimate> =
            all.iter().map(|(d, alpha)| Estimate::of(&d[..d.len() - back], *alpha)).collect();
        precision(&estimates, half_width, fewest)
    };
    let mut seen = look(0);
    if seen.is_reached && !all.is_empty() && !look(1).is_reached {
        seen.is_reached = false;
        seen.blocks = all.iter().map(|(d, _)| d.len() as u64 + 1).max();
    }
    seen
}

fn is_given_up(race: &Race, id: &str) -> bool {
    let failed = race.trials(id).filter(|(_, t)| matches!(t.outcome, Outcome::Failed { .. }));
    failed.count() >= GIVEN_UP
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::stats::testing::race;

    fn of(half_width: f64, n: usize) -> Estimate {
        Estimate { point: 0.5, interval: Some((0.5 - half_width, 0.5 + half_width)), k: 3, n }
    }

    #[test]
    fn the_widest_interval_decides() {
        let seen = precision(&[of(0.01, 16), of(0.03, 16)], 0.02, 6);
        assert!(!seen.is_reached);
        assert!((seen.widest.unwrap() - 0.03_f64.exp_m1()).abs() < 1e-12);
        // 16 · (0.03 ÷ ln 1.02)² = 36.7
        assert_eq!(seen.blocks, Some(37));
        let seen = precision(&[of(0.01, 16), of(0.015, 16)], 0.02, 6);
        assert_eq!((seen.is_reached, seen.blocks), (true, None));
    }

    #[test]
    fn what_has_no_interval_is_not_precise() {
        let none = Estimate { point: 0.0, interval: None, k: 0, n: 3 };
        let seen = precision(&[of(0.01, 16), none], 0.02, 9);
        assert_eq!((seen.widest, seen.is_reached, seen.blocks), (None, false, Some(16)));
        assert_eq!(precision(&[none], 0.02, 9).blocks, Some(9));
    }

    #[test]
    fn what_is_out_of_reach_is_not_planned() {
        assert_eq!(precision(&[of(0.5, 16)], 0.01, 6).blocks, None);
        for nonsense in [0.0, -1.0, f64::NAN] {
            let seen = precision(&[of(0.01, 16)], nonsense, 6);
            assert_eq!((seen.is_reached, seen.blocks), (false, None), "{nonsense}");
        }
        assert!(precision(&[], 0.02, 6).is_reached);
    }

    #[test]
    fn a_race_is_as_precise_as_its_primary_metric() {
        // The noise is ±0.5% a round.
        let race = race(16, &[("slow", 1.5), ("fast", 0.5)]);
        assert!(race_precision(&race, 0.02).is_reached);
        let tight = race_precision(&race, 0.0001);
        assert!(!tight.is_reached && tight.widest.unwrap() < 0.02, "{tight:?}");
    }

    #[test]
    fn nobody_waits_for_who_cannot_come() {
        let mut race = race(16, &[("slow", 1.5), ("broken", 1.0)]);
        for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
            if trial.contender == "broken" {
                let cause = "exited with signal 11".to_owned();
                trial.outcome = Outcome::Failed { cause, stderr: String::new() };
            }
        }
        assert!(race_precision(&race, 0.02).is_reached);
        for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
            trial.slices.clear();
        }
        assert_eq!(race_precision(&race, 0.02), Precision::default());
        // With nobody to be compared, there is nothing to wait for.
        assert!(race_precision(&Race::default(), 0.02).is_reached);
    }

    /// Blocks of equals are added until a rule stops; how often the interval then excludes 0. One
    /// block in ten has ten times the noise.
    fn false_alarms(stop: impl Fn(&[f64], &Estimate) -> bool) -> f64 {
        const RUNS: usize = 2_000;
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let mut noise = || {
            let (u, v) = (1.0 - random.random::<f64>(), random.random::<f64>());
            let spike = if random.random::<f64>() < 0.1 { 10.0 } else { 1.0 };
            0.02 * spike * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
        };
        let mut alarms = 0;
        for _ in 0..RUNS {
            let mut blocks: Vec<f64> = (0..12).map(|_| noise()).collect();
            loop {
                let seen = Estimate::of(&blocks, 0.05);
                if stop(&blocks, &seen) || blocks.len() >= 60 {
                    alarms += usize::from(excludes(&seen));
                    break;
                }
                blocks.push(noise());
            }
        }
        alarms as f64 / RUNS as f64
    }

    fn excludes(estimate: &Estimate) -> bool {
        estimate.interval.is_some_and(|(lo, hi)| lo > 0.0 || hi < 0.0)
    }

    #[test]
    fn stopping_by_width_keeps_the_level_and_stopping_by_significance_does_not() {
        // Three standard deviations above 5% in 2,000 runs.
        let most = 0.05 + 3.0 * (0.05 * 0.95 / 2_000.0_f64).sqrt();
        for half_width in [0.008, 0.010, 0.012] {
            let rate = false_alarms(|blocks, _| {
                twice(&[(blocks.to_vec(), 0.05)], half_width, 6).is_reached
            });
            assert!(rate <= most, "±{half_width}: {rate}");
        }
        let by_significance = false_alarms(|_, seen| excludes(seen));
        assert!(by_significance > 0.10, "{by_significance}");
    }

    #[test]
    fn narrow_by_luck_is_not_enough() {
        let mut blocks: Vec<f64> = (0..16).map(|i| 0.05 * f64::from(i % 2)).collect();
        blocks.extend([0.05; 20]);
        let at = |n: usize| twice(&[(blocks[..n].to_vec(), 0.05)], 0.02, 6);
        let first = (16..36).find(|n| at(*n).widest.unwrap() < 0.02).unwrap();
        assert_eq!((at(first).is_reached, at(first).blocks), (false, Some(first as u64 + 1)));
        assert!(at(first + 1).is_reached);
    }
}
