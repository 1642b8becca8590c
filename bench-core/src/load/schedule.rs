//! When the operations of an open load arrive: fixed before the slice, and never moved.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Spacing;

/// Arrivals of an open load from 0 (exclusive) to `end` (exclusive), ns, ascending.
pub(super) fn open(rate: u64, spacing: Spacing, end: u64, seed: u64) -> Vec<u64> {
    let gap = 1e9 / rate as f64;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // 1 − u is in (0, 1]: its logarithm is finite, and no phase is 0.
    let mut draw = || 1.0 - random.random::<f64>();
    match spacing {
        Spacing::Constant => until(end, (1_u64..).map(|i| i as f64 * gap)),
        Spacing::Poisson => {
            let mut due = 0.0;
            let next = || {
                // Inversion.
                due -= gap * draw().ln();
                Some(due)
            };
            until(end, std::iter::from_fn(next))
        }
        Spacing::Burst(size) => {
            // A slice begins anywhere between two bursts; else a window would always, or never,
            // contain the first one.
            let period = size as f64 * gap;
            let first = draw() * period;
            let bursts = (0_u64..).map(|i| first + i as f64 * period);
            until(end, bursts.flat_map(|due| (0..size).map(move |_| due)))
        }
        Spacing::Ramp(last) => until(end, (1_u64..).map(|i| ramp(rate, last, end, i))),
    }
}

/// When a rate that goes evenly from `first` to `last` has brought `count` operations:
/// Λ(t) = R·t + (R₂ − R)·t²/(2·end), solved for t in the form that does not cancel.
fn ramp(first: u64, last: u64, end: u64, count: u64) -> f64 {
    let [first, last] = [first, last].map(|rate| rate as f64 / 1e9);
    let rise = (last - first) / end.max(1) as f64;
    let count = count as f64;
    let root = first.powi(2) + 2.0 * rise * count;
    if root < 0.0 { f64::INFINITY } else { 2.0 * count / (first + root.sqrt()) }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "arrivals lie between 0 and `end`"
)]
fn until(end: u64, arrivals: impl Iterator<Item = f64>) -> Vec<u64> {
    arrivals.take_while(|due| *due < end as f64).map(|due| due as u64).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_is_at_one_instant_and_the_next_one_a_period_later() {
        let arrivals = open(1_000, Spacing::Burst(100), SECOND, 3);
        let bursts: Vec<&[u64]> = arrivals.chunk_by(|a, b| a == b).collect();
        assert_eq!(bursts.len(), 10);
        assert!(bursts.iter().all(|burst| burst.len() == 100));
        let gaps: Vec<u64> = bursts.windows(2).map(|pair| pair[1][0] - pair[0][0]).collect();
        assert!(gaps.iter().all(|gap| gap.abs_diff(100_000_000) <= 1), "{gaps:?}");
    }

    #[test]
    fn every_phase_of_a_burst_is_as_likely() {
        // A window of half a period has its half of the operations, over many seeds: of 1,000
        // draws 500 are expected, with a standard deviation of 16.
        let with =
            (0..1_000).filter(|seed| !open(100, Spacing::Burst(10), 50_000_000, *seed).is_empty());
        assert!((435..565).contains(&with.count()));
    }

    #[test]
    fn a_ramp_goes_evenly_from_one_rate_to_the_other() {
        let arrivals = open(1_000, Spacing::Ramp(3_000), SECOND, 1);
        // The mean of both rates; the last one may fall on the end itself.
        assert!((1_999..=2_000).contains(&arrivals.len()), "{}", arrivals.len());
        let before = |share: f64| arrivals.iter().filter(|due| **due as f64 <= share * 1e9).count();
        // Λ(1/4) = 250 + 62.5, Λ(1/2) = 500 + 250.
        assert_eq!((before(0.25), before(0.5)), (312, 750));
        let down = open(3_000, Spacing::Ramp(1_000), SECOND, 1);
        assert!((1_999..=2_000).contains(&down.len()), "{}", down.len());
        let before = down.iter().filter(|due| **due <= SECOND / 2).count();
        assert_eq!(before, 1_250);
    }

    #[test]
    fn a_ramp_between_equal_rates_is_constant() {
        let ramp = open(1_000, Spacing::Ramp(1_000), SECOND, 1);
        assert_eq!(ramp, open(1_000, Spacing::Constant, SECOND, 1));
    }

    fn spacings() -> impl Strategy<Value = Spacing> {
        prop_oneof![
            Just(Spacing::Constant),
            Just(Spacing::Poisson),
            (1_u64..5_000).prop_map(Spacing::Burst),
            (1_u64..100_000).prop_map(Spacing::Ramp),
        ]
    }

    proptest! {
        #[test]
        fn a_schedule_is_ascending_within_its_slice_and_its_seed(
            rate in 1_u64..100_000,
            spacing in spacings(),
            end in 0_u64..200_000_000,
            seed: u64,
        ) {
            let arrivals = open(rate, spacing, end, seed);
            prop_assert!(arrivals.is_sorted());
            prop_assert!(arrivals.iter().all(|due| *due < end));
            prop_assert_eq!(&arrivals, &open(rate, spacing, end, seed));
        }

        #[test]
        fn what_is_fixed_has_its_mean_rate(
            rate in 1_u64..100_000,
            last in 1_u64..100_000,
            size in 1_u64..1_000,
            end in 1_u64..1_000_000_000,
            seed: u64,
        ) {
            let seconds = end as f64 / 1e9;
            let ramp = open(rate, Spacing::Ramp(last), end, seed).len() as f64;
            prop_assert!((ramp - seconds * (rate + last) as f64 / 2.0).abs() <= 1.5);
            let burst = open(rate, Spacing::Burst(size), end, seed).len() as f64;
            prop_assert!((burst - seconds * rate as f64).abs() <= size as f64 + 1.0);
        }

        #[test]
        fn a_longer_slice_moves_no_arrival(
            rate in 1_u64..100_000,
            spacing in spacings(),
            end in 0_u64..100_000_000,
            seed: u64,
        ) {
            // A ramp is stretched over its slice, so it is another load in a longer one.
            prop_assume!(!matches!(spacing, Spacing::Ramp(_)));
            let short = open(rate, spacing, end, seed);
            let long = open(rate, spacing, 2 * end, seed);
            prop_assert_eq!(&short[..], &long[..short.len()]);
        }
    }
}
