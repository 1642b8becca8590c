//! Audits of what was set aside, and of the twins of a whole run.
//!
//! Both ask the same: is what was seen more than luck explains? Foul rounds blame the weather; if
//! they gather at one contender, the contender makes that weather, and setting them aside would
//! flatter it. Twins are the same code twice; over a run of many races a few of their intervals
//! miss 1, as they are allowed to, and more than a few mean that the intervals are too narrow.

use super::{
    binomial::{level, mixed_upper_tail, upper_tail},
    estimate::Estimate,
};

/// What is rarer than this is not luck (METHODOLOGY.md).
const LUCK: f64 = 0.01;

/// How many slices of a contender there were, and how many had foul weather.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoulSlices<'a> {
    /// A contender's id.
    pub contender: &'a str,
    /// Foul ones.
    pub foul: usize,
    /// All.
    pub slices: usize,
}

/// A contender that has more than its share of foul slices.
#[derive(Clone, Debug, PartialEq)]
pub struct Culprit {
    /// Its id.
    pub contender: String,
    /// Its foul slices.
    pub foul: usize,
    /// How many of all foul slices would be its share.
    pub expected: f64,
    /// How often luck gives it as many.
    pub p: f64,
}

/// Who causes the weather: the contenders with more foul slices than luck gives them, the worst
/// first. Where there is any, foul rounds must not be set aside.
///
/// If the weather does not care who runs, each foul slice belongs to a contender with the
/// probability of its share of all slices. So of K foul slices its own are Bin(K, share), whatever
/// the rate of foul weather is. The test is one-sided, at 1% for all contenders together
/// (Bonferroni). Source: the conditional test of equal rates, Przyborowski and Wileński,
/// Biometrika 31 (1940).
///
/// ```
/// use deadheat_core::stats::{FoulSlices, culprits};
/// let of = |contender, foul| FoulSlices { contender, foul, slices: 96 };
/// assert!(culprits(&[of("a", 3), of("b", 5), of("c", 4)]).is_empty());
/// assert_eq!(culprits(&[of("a", 1), of("b", 14), of("c", 2)])[0].contender, "b");
/// ```
pub fn culprits(counts: &[FoulSlices<'_>]) -> Vec<Culprit> {
    let foul: usize = counts.iter().map(|count| count.foul).sum();
    let slices: usize = counts.iter().map(|count| count.slices).sum();
    let mut culprits: Vec<Culprit> = counts
        .iter()
        .filter(|count| count.slices > 0)
        .map(|count| {
            let share = count.slices as f64 / slices as f64;
            Culprit {
                contender: count.contender.to_owned(),
                foul: count.foul,
                expected: share * foul as f64,
                p: upper_tail(foul, share, count.foul),
            }
        })
        .filter(|culprit| culprit.p < LUCK / counts.len() as f64)
        .collect();
    culprits.sort_by(|a, b| a.p.total_cmp(&b.p).then_with(|| a.contender.cmp(&b.contender)));
    culprits
}

/// The twins of a run, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Twins {
    /// Twins that have an interval.
    pub counted: usize,
    /// Those whose interval excludes 1.
    pub excluding: usize,
    /// How many would, where all is well.
    pub expected: f64,
    /// How often luck gives as many or more.
    pub p: f64,
}

impl Twins {
    /// Whether luck does not explain them: the run's intervals are too narrow for its weather.
    pub fn are_too_many(&self) -> bool {
        self.p < LUCK
    }
}

/// Counts the twins whose interval excludes 1, against what their own n and k allow: an interval
/// of rank k over n blocks misses with the exact probability 2·P(Bin(n, ½) ≤ k−1), which for few
/// blocks is far below 5%. Their number is Poisson-binomial. Twins of one race (its metrics) are
/// not independent: count one metric, the primary, of each race.
///
/// ```
/// use deadheat_core::stats::{Estimate, twins_over_run};
/// let quiet = Estimate { point: 0.0, interval: Some((-0.01, 0.01)), k: 3, n: 12 };
/// let off = Estimate { point: 0.02, interval: Some((0.01, 0.03)), k: 3, n: 12 };
/// let run = [quiet, quiet, off, quiet, quiet];
/// let twins = twins_over_run(&run);
/// assert_eq!((twins.counted, twins.excluding), (5, 1));
/// assert!(!twins.are_too_many());
/// ```
pub fn twins_over_run(twins: &[Estimate]) -> Twins {
    let intervals = || twins.iter().filter_map(|twin| Some((twin, twin.interval?)));
    let levels: Vec<f64> = intervals().map(|(twin, _)| level(twin.n, twin.k)).collect();
    let excluding = intervals().filter(|(_, (lo, hi))| *lo > 0.0 || *hi < 0.0).count();
    Twins {
        counted: levels.len(),
        excluding,
        expected: levels.iter().sum(),
        p: mixed_upper_tail(&levels, excluding),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHO: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

    #[test]
    fn one_contender_alone_cannot_be_told_from_the_weather() {
        assert!(culprits(&[FoulSlices { contender: "a", foul: 96, slices: 96 }]).is_empty());
        assert!(culprits(&[]).is_empty());
        assert!(culprits(&[FoulSlices { contender: "a", foul: 0, slices: 0 }]).is_empty());
    }

    #[test]
    fn who_runs_more_slices_may_have_more_foul_ones() {
        let of = |contender, foul, slices| FoulSlices { contender, foul, slices };
        assert!(culprits(&[of("a", 30, 900), of("b", 3, 100)]).is_empty());
        let found = culprits(&[of("a", 3, 900), of("b", 30, 100)]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].contender.as_str(), found[0].foul), ("b", 30));
        assert!((found[0].expected - 3.3).abs() < 1e-9);
    }

    #[test]
    fn too_many_twins_that_differ_are_said() {
        let twin = |off: bool| Estimate {
            point: 0.02,
            interval: Some(if off { (0.01, 0.03) } else { (-0.01, 0.03) }),
            k: 3,
            n: 12,
        };
        let run = |count| -> Vec<_> { (0..20).map(|i| twin(i < count)).collect() };
        // α = 158/4096 = 3.9% each: 0.77 of 20 expected.
        assert!((twins_over_run(&run(0)).expected - 20.0 * 158.0 / 4096.0).abs() < 1e-9);
        assert!(!twins_over_run(&run(3)).are_too_many());
        assert!(twins_over_run(&run(5)).are_too_many());
        let without = Estimate { point: 9.0, interval: None, k: 0, n: 3 };
        assert_eq!(twins_over_run(&[without; 4]), Twins { p: 1.0, ..Twins::default() });
    }

    proptest! {
        #[test]
        fn the_order_of_contenders_is_nothing(
            counts in prop::collection::vec((0_usize..40, 0_usize..400), 0..8),
        ) {
            let mut counts: Vec<_> = counts.iter().zip(WHO).map(|((foul, more), contender)| {
                FoulSlices { contender, foul: *foul, slices: foul + more }
            }).collect();
            let found = culprits(&counts);
            counts.reverse();
            prop_assert_eq!(&found, &culprits(&counts));
            for culprit in found {
                prop_assert!(culprit.foul as f64 > culprit.expected && culprit.p < LUCK);
            }
        }
    }

    #[test]
    fn even_weather_accuses_nobody_more_often_than_it_may() {
        // 60 foul slices fall on six contenders by lot, 2,000 times.
        use rand::{RngExt, SeedableRng};
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        let accused = (0..2_000)
            .filter(|_| {
                let mut foul = [0_usize; 6];
                (0..60).for_each(|_| foul[random.random_range(0..6)] += 1);
                let counts: Vec<_> = foul
                    .iter()
                    .zip(WHO)
                    .map(|(foul, contender)| FoulSlices { contender, foul: *foul, slices: 500 })
                    .collect();
                !culprits(&counts).is_empty()
            })
            .count();
        // 1% of 2,000 is 20; three standard deviations above it are 33.
        assert!(accused <= 33, "{accused}");
    }
}
