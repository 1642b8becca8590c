//! Which order statistics make an exact interval of a median.

/// The largest k for which `[d₍k₎, d₍n+1−k₎]` covers the median with at least 1 − `alpha`:
/// k = max{k : P(Bin(n, ½) ≤ k−1) ≤ α/2}; 0 where `n` is too small for any interval.
///
/// The sum runs over logarithms, so that 2⁻ⁿ may underflow without harm. Source: the sign test's
/// interval, e.g. David and Nagaraja, *Order Statistics*, §7.1.
///
/// ```
/// use deadheat_core::stats::rank;
/// assert_eq!([10, 12, 20, 30].map(|n| rank(n, 0.05)), [2, 3, 6, 10]);
/// assert_eq!(rank(5, 0.05), 0, "five blocks say nothing at 95%");
/// ```
pub fn rank(n: usize, alpha: f64) -> usize {
    if n == 0 || alpha.is_nan() || alpha <= 0.0 {
        return 0;
    }
    let mut ln_term = -(n as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    // Beyond the middle the two ends would cross.
    for k in 0..=n / 2 {
        sum += ln_term.exp();
        // Sums of binomial terms are exact to far better than this; equality must count.
        if sum > alpha / 2.0 * (1.0 + 1e-12) {
            return k;
        }
        ln_term += ((n - k) as f64 / (k + 1) as f64).ln();
    }
    n.div_ceil(2)
}

/// The fewest blocks with which `m` comparisons at a joint 5% have rank `k` each.
///
/// ```
/// use deadheat_core::stats::min_blocks;
/// assert_eq!(min_blocks(1, 1), 6); // 1 + log2(1/0.05) = 5.3
/// assert_eq!(min_blocks(1, 3), 12);
/// ```
pub fn min_blocks(m: usize, k: usize) -> usize {
    let alpha = alpha(m);
    let mut n = 1;
    while rank(n, alpha) < k {
        n += 1;
    }
    n
}

/// The level of each of `m` comparisons, so that together they err in at most 5%.
pub(super) fn alpha(m: usize) -> f64 {
    0.05 / m.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ranks() {
        for (n, k) in [(1, 0), (5, 0), (6, 1), (8, 1), (9, 2), (10, 2), (12, 3), (20, 6), (30, 10)]
        {
            assert_eq!(rank(n, 0.05), k, "n = {n}");
        }
        assert_eq!(rank(16, 0.05 / 9.0), 3);
    }

    #[test]
    fn large_n_does_not_underflow() {
        // The normal approximation: k ≈ n/2 − 1.96·√n/2.
        for n in [1_000_usize, 1_100, 5_000, 10_000] {
            let expected = n as f64 / 2.0 - 0.98 * (n as f64).sqrt();
            assert!((rank(n, 0.05) as f64 - expected).abs() <= 2.0, "n = {n}: {}", rank(n, 0.05));
        }
    }

    #[test]
    fn nonsense_has_no_interval() {
        assert_eq!(rank(0, 0.05), 0);
        assert_eq!(rank(100, 0.0), 0);
        assert_eq!(rank(100, f64::NAN), 0);
        assert!(rank(7, 2.0) <= 4);
    }

    #[test]
    fn more_comparisons_need_more_blocks() {
        assert_eq!(min_blocks(1, 1), 6);
        assert_eq!(min_blocks(9, 1), 9);
        assert_eq!(min_blocks(1, 2), 9);
        assert!(min_blocks(9, 3) > min_blocks(9, 2));
    }
}
