//! Which of two ways of measuring comes nearer to a known truth: a ratio of distances, with an
//! interval that assumes no distribution, but that the values are independent, and that one way's
//! distances are the other's but for a factor.

use super::Estimate;

/// Nearer than this, on the log scale, is as near as can be.
const NEAREST: f64 = 1e-9;

/// How far from 0 the values of `ours` are, relative to those of `theirs`, on the log scale: the
/// median of all ratios of one to the other (Hodges and Lehmann, Ann. Math. Stat. 34, 1963), with
/// the ratios that the rank-sum test does not refuse at `alpha` (Mann and Whitney, Ann. Math.
/// Stat. 18, 1947) as its interval; `None` where there are too few values for one.
///
/// ```
/// use deadheat_core::stats::relative_distance;
/// let theirs = [0.08, -0.10, 0.12, -0.09, 0.11];
/// let ours = theirs.map(|d| d / 10.0);
/// let estimate = relative_distance(&ours, &theirs, 0.05);
/// assert!((estimate.point.exp() - 0.1).abs() < 1e-9);
/// assert!(estimate.interval.unwrap().1 < 0.0, "ours are nearer");
/// ```
pub fn relative_distance(ours: &[f64], theirs: &[f64], alpha: f64) -> Estimate {
    let ln = |all: &[f64]| -> Vec<f64> {
        let finite = all.iter().filter(|value| value.is_finite());
        finite.map(|value| value.abs().max(NEAREST).ln()).collect()
    };
    let (ours, theirs) = (ln(ours), ln(theirs));
    let mut ratios: Vec<f64> =
        ours.iter().flat_map(|a| theirs.iter().map(move |b| a - b)).collect();
    ratios.sort_by(f64::total_cmp);
    let Some(point) = super::median(&ratios) else { return Estimate::default() };
    let k = rank(ours.len(), theirs.len(), alpha);
    let interval = (k > 0).then(|| (ratios[k - 1], ratios[ratios.len() - k]));
    Estimate { point, interval, k, n: ours.len() }
}

/// The largest k with P(U ≤ k − 1) ≤ `alpha`/2, where U is the rank-sum statistic of `m` against `n`
/// values of the same distribution; 0 where there is none.
fn rank(m: usize, n: usize, alpha: f64) -> usize {
    let mut sum = 0.0;
    let mut unlikely = |p: &f64| {
        sum += p;
        // Equality counts, as far as sums can tell.
        sum <= alpha / 2.0 * (1.0 + 1e-12)
    };
    statistic(m, n).iter().take(m * n / 2).take_while(|p| unlikely(p)).count()
}

/// The distribution of the rank-sum statistic: P(U = u) for u = 0 to m·n. The largest of all values
/// is one of the m with probability m/(m + n), and is then larger than all n.
fn statistic(m: usize, n: usize) -> Vec<f64> {
    // Of i values against j, for all j.
    let mut rows = vec![vec![1.0]; n + 1];
    for i in 1..=m {
        rows[0] = vec![1.0];
        for j in 1..=n {
            let (of_ours, of_theirs) = (i as f64 / (i + j) as f64, j as f64 / (i + j) as f64);
            let mut row = vec![0.0; i * j + 1];
            // Still of i − 1 values; the one before is of i already.
            for (u, p) in rows[j].iter().enumerate() {
                row[u + j] += of_ours * p;
            }
            for (u, p) in rows[j - 1].iter().enumerate() {
                row[u] += of_theirs * p;
            }
            rows[j] = row;
        }
    }
    rows.swap_remove(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_tables() {
        // Critical values of U at 5% on two sides, one less than the rank.
        for (m, n, critical) in [(4, 4, 0), (5, 5, 2), (8, 8, 13), (10, 10, 23), (15, 15, 64)] {
            assert_eq!(rank(m, n, 0.05), critical + 1, "{m} against {n}");
        }
        assert_eq!((rank(5, 10, 0.05), rank(10, 5, 0.05)), (9, 9));
        for (m, n) in [(3, 3), (0, 9), (9, 0), (1, 19)] {
            assert_eq!(rank(m, n, 0.05), 0, "{m} against {n}");
        }
    }

    #[test]
    fn the_distribution_is_one() {
        let p = statistic(7, 4);
        assert_eq!(p.len(), 29);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        // 330 arrangements: one has U = 0, one U = 1, two U = 2.
        for (u, count) in [(0, 1.0), (1, 1.0), (2, 2.0), (28, 1.0)] {
            assert!((p[u] * 330.0 - count).abs() < 1e-9, "{u}");
        }
    }

    #[test]
    fn it_is_a_ratio_and_has_no_sign() {
        let a = [0.01, -0.02, 0.04, 0.03, -0.06];
        let b = [0.05, 0.02, -0.01, 0.09, 0.04];
        let estimate = relative_distance(&a, &b, 0.05);
        let swapped = relative_distance(&b, &a, 0.05);
        let (lo, hi) = estimate.interval.unwrap();
        assert!((estimate.point + swapped.point).abs() < 1e-12);
        let (low, high) = swapped.interval.unwrap();
        assert!((lo + high).abs() < 1e-12 && (hi + low).abs() < 1e-12);
        let tenfold = relative_distance(&a.map(|d| -10.0 * d), &b, 0.05);
        assert!((tenfold.point - estimate.point - 10.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn what_is_exact_or_no_number_is_no_trouble() {
        let exact = relative_distance(&[0.0; 5], &[0.1; 5], 0.05);
        assert!(exact.interval.is_some_and(|(lo, hi)| lo.is_finite() && hi < -10.0));
        let few = relative_distance(&[f64::NAN, 0.1, 0.2, 0.1], &[0.1; 3], 0.05);
        assert_eq!((few.n, few.interval), (3, None));
        assert_eq!(relative_distance(&[f64::NAN], &[0.1], 0.05), Estimate::default());
    }
}
