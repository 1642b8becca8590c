//! Many metrics at once: which of the secondary comparisons are discoveries.
//!
//! The primary metric is judged by intervals that hold together (α = 0.05/m). Everything else is
//! exploratory, and there are many: with a hundred comparisons five would "differ" by luck. So
//! their p-values go through Benjamini and Hochberg's procedure, which bounds the share of false
//! ones among those that are called.
//!
//! Not in here: sizes. A discovery is a difference from 1, however small; whether it matters is
//! the margin's business.

use super::binomial::upper_tail;

/// The exact two-sided sign test over blocks against "the median ratio is 1", from log ratios.
/// `None` without any finite value.
///
/// A tie (d = 0) counts for both sides, so it speaks against a difference. Dropping ties, as in
/// Dixon and Mood (JASA 41, 1946), would find a difference among blocks most of which are equal.
/// It also keeps the test the exact dual of [`Estimate`](super::Estimate): p ≤ α where, and only
/// where, the interval at level α excludes 1.
///
/// ```
/// use deadheat_core::stats::p_value;
/// assert!((p_value(&[0.1; 12]).unwrap() - 2.0 / 4096.0).abs() < 1e-12);
/// assert_eq!(p_value(&[0.0; 12]), Some(1.0));
/// assert_eq!(p_value(&[]), None);
/// ```
pub fn p_value(log_ratios: &[f64]) -> Option<f64> {
    let finite = || log_ratios.iter().filter(|d| d.is_finite());
    let n = finite().count();
    let not_below = finite().filter(|d| **d >= 0.0).count();
    let not_above = finite().filter(|d| **d <= 0.0).count();
    let fewer = not_below.min(not_above);
    (n > 0).then(|| (2.0 * upper_tail(n, 0.5, n - fewer)).min(1.0))
}

/// Which of these comparisons are discoveries, so that of those called at most the share `level`
/// is false in expectation. One without a p-value is none, and does not count as a comparison.
///
/// Source: Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995); it holds for metrics that go up
/// and down together too (Benjamini and Yekutieli, Ann. Stat. 29, 2001).
///
/// ```
/// use deadheat_core::stats::discoveries;
/// let p = [Some(0.04), Some(0.01), None, Some(0.6)];
/// // 0.01 ≤ 1/3 · 0.05, but 0.04 > 2/3 · 0.05.
/// assert_eq!(discoveries(&p, 0.05), [false, true, false, false]);
/// ```
pub fn discoveries(p: &[Option<f64>], level: f64) -> Vec<bool> {
    let mut sorted: Vec<f64> = p.iter().copied().flatten().filter(|p| !p.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let m = sorted.len() as f64;
    let steps = sorted.iter().enumerate();
    let largest = steps.rev().find(|(i, p)| **p <= (i + 1) as f64 / m * level).map(|(_, p)| *p);
    let called = |p: f64| largest.is_some_and(|largest| p <= largest);
    p.iter().map(|p| p.is_some_and(called)).collect()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use proptest::prelude::*;

    use super::{super::Estimate, *};

    #[test]
    fn signs_are_counted_and_sizes_are_not() {
        let p = |d: &[f64]| p_value(d).unwrap();
        // 2·(1 + 8)/256.
        assert_eq!(p(&[1.0, 2.0, 0.1, 0.2, 3.0, 1e9, 1e-9, -5.0]), 18.0 / 256.0);
        assert_eq!(p(&[1.0, -1.0]), 1.0);
        assert_eq!(p_value(&[f64::NAN, f64::INFINITY]), None);
        assert_eq!(p(&[f64::NAN, 1.0, 1.0]), 0.5);
        // Ten equal blocks and two that differ are no difference.
        let mut mostly_equal = [0.0; 12];
        mostly_equal[..2].fill(1.0);
        assert_eq!(p(&mostly_equal), 1.0);
    }

    #[test]
    fn the_example_of_benjamini_and_hochberg() {
        // Their 15 p-values (1995, §3.2); at 0.05 the first four are called, where Bonferroni
        // calls three.
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
            0.5719, 0.6528, 0.7590, 1.0,
        ];
        let called = discoveries(&p.map(Some), 0.05);
        assert_eq!(called.iter().filter(|called| **called).count(), 4);
        assert!(called[..4].iter().all(|called| *called));
    }

    #[test]
    fn a_later_step_carries_the_earlier_ones() {
        // 0.03 > 1/2 · 0.05, but 0.04 ≤ 0.05 lets both through.
        assert_eq!(discoveries(&[Some(0.03), Some(0.04)], 0.05), [true, true]);
        assert!(discoveries(&[], 0.05).is_empty());
        assert_eq!(discoveries(&[None, Some(f64::NAN)], 0.05), [false, false]);
    }

    proptest! {
        #[test]
        fn the_test_is_the_dual_of_the_interval(
            d in prop::collection::vec(-3_i32..=3, 0..40),
            alpha in 0.001..0.5_f64,
        ) {
            let d: Vec<f64> = d.into_iter().map(f64::from).collect();
            let interval = Estimate::of(&d, alpha).interval;
            let excludes = interval.is_some_and(|(lo, hi)| lo > 0.0 || hi < 0.0);
            // Equality of α and a sum of binomial terms is a matter of the last bit.
            let p = p_value(&d).unwrap_or(1.0);
            prop_assume!((p - alpha).abs() > 1e-9);
            prop_assert_eq!(p < alpha, excludes);
        }

        #[test]
        fn order_scale_and_side_do_not_matter(
            d in prop::collection::vec(-1.0..1.0_f64, 1..30),
            scale in 0.01..100.0_f64,
        ) {
            let p = p_value(&d);
            let other: Vec<f64> = d.iter().rev().map(|d| -d * scale).collect();
            prop_assert_eq!(p, p_value(&other));
        }

        #[test]
        fn whoever_is_called_is_no_worse_than_who_is_not(
            p in prop::collection::vec(prop::option::of(0.0..1.0_f64), 0..30),
            level in 0.01..0.5_f64,
        ) {
            let called = discoveries(&p, level);
            for (a, a_called) in p.iter().zip(&called) {
                for (b, b_called) in p.iter().zip(&called) {
                    if let (Some(a), Some(b)) = (a, b) {
                        prop_assert!(!(a <= b && *b_called && !*a_called));
                    }
                }
            }
            // Bonferroni calls nobody whom this does not.
            let m = p.iter().flatten().count() as f64;
            for (p, called) in p.iter().zip(called) {
                prop_assert!(called || p.is_none_or(|p| p > level / m));
            }
        }
    }
}
