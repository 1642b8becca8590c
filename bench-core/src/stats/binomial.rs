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
    fn levels_are_those_of_the_sign_test() {
        // 2·(1 + 12 + 66)/4096.
        assert!(close(level(12, 3), 158.0 / 4096.0));
        assert!(close(level(6, 1), 2.0 / 64.0));
        assert_eq!((level(6, 0), level(2, 3)), (0.0, 1.0));
    }

    proptest! {
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
