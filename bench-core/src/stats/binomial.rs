//! Exact tails of sums of independent trials that have two outcomes.
//!
//! Small tails are summed from their own terms, never as 1 minus the rest, so they keep their
//! digits. Nothing here is approximated by a normal distribution.

/// P(Bin(`n`, `p`) ≥ `k`). A probability that is not a number proves nothing: 1.
pub(super) fn upper_tail(n: usize, p: f64, k: usize) -> f64 {
    if k == 0 || p.is_nan() {
        return 1.0;
    }
    if k > n || p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    let ln_odds = p.ln() - (-p).ln_1p();
    // Over logarithms, so that (1 − p)ⁿ may underflow without harm.
    let mut ln_term = n as f64 * (-p).ln_1p();
    let mut sum = 0.0;
    for i in 0..=n {
        if i >= k {
            sum += ln_term.exp();
        }
        ln_term += ((n - i) as f64 / (i + 1) as f64).ln() + ln_odds;
    }
    sum.min(1.0)
}

/// P(at least `k` of independent trials succeed), each with a probability of its own: the
/// Poisson-binomial distribution, by convolution (Hodges and Le Cam, Ann. Math. Stat. 31, 1960).
pub(super) fn mixed_upper_tail(probabilities: &[f64], k: usize) -> f64 {
    // Nothing beyond k has to be told apart from k.
    let mut exactly = vec![0.0; k + 1];
    exactly[0] = 1.0;
    for p in probabilities.iter().map(|p| if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) }) {
        for i in (0..=k).rev() {
            let stays = if i == k { exactly[i] } else { exactly[i] * (1.0 - p) };
            exactly[i] = stays + if i > 0 { exactly[i - 1] * p } else { 0.0 };
        }
    }
    exactly[k].min(1.0)
}

/// How often an interval of rank `k` over `n` blocks really misses the median:
/// 2·P(Bin(n, ½) ≤ k−1). At most the level that `k` was made from, and for few blocks far less.
pub(super) fn level(n: usize, k: usize) -> f64 {
    match k {
        0 => 0.0,
        k if k > n => 1.0,
        k => (2.0 * upper_tail(n, 0.5, n + 1 - k)).min(1.0),
    }
}

/// The interval of a proportion of which `hits` of `trials` were seen, at `confidence`: exact, so
/// it covers at least that much for every true proportion, however small. Source: Clopper and
/// Pearson, Biometrika 26 (1934).
///
/// For a bound on one side only at 95%, take that end of the interval at 90%.
///
/// ```
/// use deadheat_core::stats::proportion;
/// let (lo, hi) = proportion(0, 300, 0.90);
/// assert!(lo == 0.0 && hi < 0.01, "none of 300 proves at most 1%");
/// ```
pub fn proportion(hits: usize, trials: usize, confidence: f64) -> (f64, f64) {
    if trials == 0 || hits > trials || !(0.0..1.0).contains(&confidence) {
        return (0.0, 1.0);
    }
    let each = (1.0 - confidence) / 2.0;
    let at_least = |p: f64| upper_tail(trials, p, hits);
    let at_most = |p: f64| upper_tail(trials, 1.0 - p, trials - hits);
    let lo = if hits == 0 { 0.0 } else { crossing(|p| at_least(p) > each) };
    let hi = if hits == trials { 1.0 } else { crossing(|p| at_most(p) < each) };
    (lo, hi)
}

/// Where a condition that holds from some probability on begins to hold.
fn crossing(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut below, mut above) = (0.0_f64, 1.0_f64);
    // Beyond this a double has no more digits.
    for _ in 0..60 {
        let middle = f64::midpoint(below, above);
        if holds(middle) { above = middle } else { below = middle }
    }
    f64::midpoint(below, above)
}

/// How often a fair coin gives as uneven a split or a worse one: the two-sided sign test.
///
/// ```
/// use deadheat_core::stats::sign_test;
/// assert_eq!(sign_test(5, 5), 1.0);
/// assert!((sign_test(6, 0) - 2.0 / 64.0).abs() < 1e-12);
/// ```
pub fn sign_test(plus: usize, minus: usize) -> f64 {
    (2.0 * upper_tail(plus + minus, 0.5, plus.max(minus))).min(1.0)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 + 1e-9 * b.abs()
    }

    #[test]
    fn tails_that_can_be_counted() {
        assert!(close(upper_tail(3, 0.5, 2), 0.5));
        assert!(close(upper_tail(10, 0.5, 10), 1.0 / 1024.0));
        assert!(close(upper_tail(20, 0.01, 1), 1.0 - 0.99_f64.powi(20)));
        assert_eq!((upper_tail(5, 0.3, 0), upper_tail(5, 0.3, 6)), (1.0, 0.0));
        assert_eq!((upper_tail(5, 0.0, 1), upper_tail(5, 1.0, 5)), (0.0, 1.0));
        assert_eq!(upper_tail(5, f64::NAN, 3), 1.0);
        // 0.5^2000 is no double, and the tail from the middle is still a half and a bit.
        assert!((upper_tail(2_000, 0.5, 1_000) - 0.5).abs() < 0.01);
    }

    #[test]
    fn proportions_are_those_of_the_tables() {
        // None of n: 1 − (α/2)^(1/n); all of them mirror it.
        let (lo, hi) = proportion(0, 20, 0.95);
        assert!(lo == 0.0 && (hi - (1.0 - 0.025_f64.powf(1.0 / 20.0))).abs() < 1e-9, "{hi}");
        let (lo, hi) = proportion(20, 20, 0.95);
        assert!(hi == 1.0 && (lo - 0.025_f64.powf(1.0 / 20.0)).abs() < 1e-9, "{lo}");
        // Clopper and Pearson's own example is read off a chart; this one is tabulated to 4 digits.
        let (lo, hi) = proportion(3, 10, 0.95);
        assert!((lo - 0.0667).abs() < 5e-5 && (hi - 0.6525).abs() < 5e-5, "[{lo}, {hi}]");
        assert_eq!(proportion(0, 0, 0.95), (0.0, 1.0), "nothing seen says nothing");
    }

    #[test]
    fn signs_that_can_be_counted() {
        assert!(close(sign_test(1, 9), 2.0 * 11.0 / 1024.0));
        assert_eq!((sign_test(0, 0), sign_test(7, 7)), (1.0, 1.0));
    }

    #[test]
    fn levels_are_those_of_the_sign_test() {
        // 2·(1 + 12 + 66)/4096.
        assert!(close(level(12, 3), 158.0 / 4096.0));
        assert!(close(level(6, 1), 2.0 / 64.0));
        assert_eq!((level(6, 0), level(2, 3)), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn a_proportion_covers_what_it_must(n in 1_usize..40, p in 0.0..1.0_f64) {
            // Over all that could be seen, the interval holds the truth at least as often as it says.
            let seen = |k: usize| upper_tail(n, p, k) - upper_tail(n, p, k + 1);
            let covers = |k: &usize| {
                let (lo, hi) = proportion(*k, n, 0.95);
                (lo - 1e-12..=hi + 1e-12).contains(&p)
            };
            let covered: f64 = (0..=n).filter(covers).map(seen).sum();
            prop_assert!(covered >= 0.95 - 1e-9, "{}", covered);
        }

        #[test]
        fn equal_probabilities_make_a_binomial(n in 0_usize..40, p in 0.0..1.0_f64, k in 0_usize..45) {
            let mixed = mixed_upper_tail(&vec![p; n], k);
            prop_assert!((mixed - upper_tail(n, p, k)).abs() < 1e-9);
        }

        #[test]
        fn the_order_of_trials_is_nothing(mut p in prop::collection::vec(0.0..1.0_f64, 0..20), k in 0_usize..20) {
            let one_way = mixed_upper_tail(&p, k);
            p.reverse();
            prop_assert!((one_way - mixed_upper_tail(&p, k)).abs() < 1e-9);
        }
    }
}
