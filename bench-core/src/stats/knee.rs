//! Where a curve of throughput over load bends: the knee of a sweep.
//!
//! Up to the knee more load brings more work done; beyond it, mostly more waiting. It is a place
//! to look at, not a verdict: it has no interval, and nothing is ranked by it.

/// A curve that rises less than this above its chord, on axes from 0 to 1, has no knee.
const LEAST: f64 = 0.1;

/// The knee of a rising curve: the point farthest above the straight line between its ends, on
/// axes that are normalised to 0 to 1. `None` with fewer than three different loads, where the
/// curve does not rise, or where it is nearly straight.
///
/// Not the last unsaturated point: that depends on a limit for "saturated", and a closed load has
/// none. Source: Satopää, Albrecht, Irwin and Raghavan, *Finding a "Kneedle" in a Haystack*,
/// ICDCSW 2011, without its smoothing: the points are medians of blocks, and few.
///
/// ```
/// use deadheat_core::stats::knee;
/// let throughput = [(1.0, 10.0), (2.0, 20.0), (4.0, 40.0), (8.0, 42.0), (16.0, 43.0)];
/// assert_eq!(knee(&throughput), Some(2));
/// assert_eq!(knee(&[(1.0, 10.0), (2.0, 20.0), (3.0, 30.0)]), None);
/// ```
pub fn knee(points: &[(f64, f64)]) -> Option<usize> {
    let mut sound: Vec<(usize, f64, f64)> = points
        .iter()
        .enumerate()
        .filter(|(_, (x, y))| x.is_finite() && y.is_finite())
        .map(|(i, (x, y))| (i, *x, *y))
        .collect();
    sound.sort_by(|a, b| a.1.total_cmp(&b.1));
    sound.dedup_by(|a, b| a.1.total_cmp(&b.1).is_eq());
    // Beyond its peak a curve counts as level: that it falls is another effect than the bend.
    let peak = (0..sound.len()).max_by(|a, b| sound[*a].2.total_cmp(&sound[*b].2))?;
    let (first, last) = (sound[0], *sound.last()?);
    let low = sound[..=peak].iter().map(|point| point.2).fold(f64::INFINITY, f64::min);
    let (width, height) = (last.1 - first.1, sound[peak].2 - low);
    if sound.len() < 3 || peak == 0 || height <= 0.0 {
        return None;
    }
    let above = |point: &(usize, f64, f64)| (point.2 - low) / height - (point.1 - first.1) / width;
    let farthest = sound[..=peak].iter().max_by(|a, b| above(a).total_cmp(&above(b)))?;
    (above(farthest) >= LEAST).then_some(farthest.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn closed(clients: &[f64]) -> Vec<(f64, f64)> {
        // The asymptotic bounds of a closed system: N/(R + Z) up to the bottleneck's 1/s.
        clients.iter().map(|n| (*n, (n / 0.010_f64).min(1_600.0))).collect()
    }

    #[test]
    fn the_knee_of_a_bounded_queue_is_where_its_bounds_meet() {
        let clients = [1.0, 2.0, 4.0, 8.0, 12.0, 16.0, 24.0, 32.0, 64.0];
        let knee = knee(&closed(&clients)).unwrap();
        assert_eq!(knee, 5, "N* = 1,600 · 0.010 = 16 = {}", clients[knee]);
    }

    #[test]
    fn the_knee_of_a_michaelis_menten_curve_is_its_formula() {
        // y = x/(1 + x) on [0, 9]: farthest above the chord where its slope is the chord's 1/10:
        // (1 + x)² = 10.
        let points: Vec<_> =
            (0..=900).map(|i| f64::from(i) / 100.0).map(|x| (x, x / (1.0 + x))).collect();
        let knee = points[knee(&points).unwrap()].0;
        assert!((knee - (10_f64.sqrt() - 1.0)).abs() <= 0.01, "{knee}");
    }

    #[test]
    fn what_collapses_has_its_knee_before_the_fall() {
        let points =
            [(1.0, 10.0), (2.0, 19.0), (4.0, 36.0), (8.0, 37.0), (16.0, 20.0), (32.0, 5.0)];
        assert_eq!(knee(&points), Some(2));
    }

    #[test]
    fn straight_flat_falling_and_poor_curves_have_none() {
        assert_eq!(knee(&[]), None);
        assert_eq!(knee(&[(1.0, 1.0), (2.0, 1.9)]), None);
        assert_eq!(knee(&[(1.0, 5.0); 8]), None);
        assert_eq!(knee(&[(1.0, 5.0), (2.0, 5.0), (3.0, 5.0)]), None);
        assert_eq!(knee(&[(1.0, 5.0), (2.0, 4.0), (3.0, 3.0)]), None);
        assert_eq!(knee(&[(1.0, f64::NAN), (2.0, 1.0), (f64::INFINITY, 2.0), (3.0, 1.0)]), None);
    }

    proptest! {
        #[test]
        fn order_and_scale_do_not_matter(
            ys in prop::collection::vec(0.0..100.0_f64, 3..12),
            scale in 0.01..100.0_f64,
        ) {
            let points: Vec<_> = ys.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
            let found = knee(&points).map(|i| points[i]);
            let mut other: Vec<_> = points.iter().map(|(x, y)| (x * scale, y * scale)).collect();
            other.reverse();
            let turned = knee(&other).map(|i| other[i]);
            prop_assert_eq!(found.is_some(), turned.is_some());
            if let (Some(a), Some(b)) = (found, turned) {
                // Two points may be equally far.
                prop_assert!((a.0 * scale - b.0).abs() < 1e-6 || (a.1 * scale - b.1).abs() > 0.0);
            }
        }
    }
}
