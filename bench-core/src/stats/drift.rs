//! Whether a comparison still moves within a block: Spearman's correlation of d with the round.
//!
//! A block's warm-up should be over when its rounds begin. Where the ratio of two contenders goes
//! on rising or falling with the round, the median of the rounds depends on how many there are.
//!
//! A correlation says that something moves, not how much; the size is a Theil–Sen slope. Nothing
//! here corrects a result: it is said, and more warm-up is the remedy.

use std::collections::BTreeMap;

use super::{binomial::mixed_upper_tail, estimate::median, regression::theil_sen};

/// A block drifts where its correlation would be this rare without any drift.
const RARE: f64 = 0.01;
/// METHODOLOGY.md: "still drifting" where more than this share of blocks drifts …
const SHARE: f64 = 0.05;
/// … and where luck would bring as many only this often.
const LUCK: f64 = 0.01;
/// Up to so many rounds p is exact; beyond, Student's t is close enough.
const EXACT: usize = 8;

/// How a comparison moved with the round, over all blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drift {
    /// Blocks with enough rounds to show a drift: six; five in a row are no rarity.
    pub blocks: usize,
    /// Those in which p < 0.01.
    pub drifting: usize,
    /// The probability of at least so many where nothing drifts.
    pub luck: f64,
    /// From a block's first round to its last, as a ratio: 1.02 means that the contender became
    /// 2% slower against the reference. The median over all blocks.
    pub size: f64,
}

impl Drift {
    /// Whether more than 5% of blocks drift, and more than luck explains: of 16 blocks one is
    /// more than 5%, and is not rare among 16.
    pub fn is_still_drifting(&self) -> bool {
        self.blocks > 0 && self.drifting as f64 > SHARE * self.blocks as f64 && self.luck < LUCK
    }
}

/// Looks for drift in `blocks`, each of which has (round, d of that round). `None` where no block
/// has enough rounds to show any.
pub fn drift(blocks: &[Vec<(usize, f64)>]) -> Option<Drift> {
    let mut seen = Drift::default();
    let mut levels = Vec::new();
    let mut sizes = Vec::new();
    // Blocks have as many rounds as each other, mostly.
    let mut nulls = Nulls::default();
    for block in blocks {
        let points: Vec<(f64, f64)> = block
            .iter()
            .filter(|(_, d)| d.is_finite())
            .map(|(round, d)| (*round as f64, *d))
            .collect();
        let Some(level) = attainable(points.len(), &mut nulls) else { continue };
        let Some(spearman) = correlation(&points, &mut nulls) else { continue };
        levels.push(level);
        seen.blocks += 1;
        seen.drifting += usize::from(spearman.p < RARE);
        sizes.extend(theil_sen(&points).map(|line| line.slope * span(&points)));
    }
    seen.luck = mixed_upper_tail(&levels, seen.drifting);
    seen.size = median(&sizes).unwrap_or(0.0).exp();
    (seen.blocks > 0).then_some(seen)
}

fn span(points: &[(f64, f64)]) -> f64 {
    let rounds = || points.iter().map(|(round, _)| *round);
    rounds().fold(f64::MIN, f64::max) - rounds().fold(f64::MAX, f64::min)
}

/// How often `n` rounds without drift and without ties come out below [`RARE`]; `None`: never.
fn attainable(n: usize, nulls: &mut Nulls) -> Option<f64> {
    if n > EXACT {
        return Some(RARE);
    }
    let ranks: Vec<u32> = (1..=n).map(|rank| 2 * u32::try_from(rank).unwrap_or(0)).collect();
    let null = nulls.of(&ranks);
    let mut level = 0.0;
    for distance in null.distances() {
        let p = null.p(distance);
        if p < RARE {
            level = f64::max(level, p);
        }
    }
    (level > 0.0).then_some(level)
}

/// A rank correlation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spearman {
    /// From −1 to 1.
    pub rho: f64,
    /// Two-sided: how often independent values are correlated as strongly.
    pub p: f64,
}

/// Spearman's ρ of the pairs, ties at their mean rank. Up to eight pairs p is exact: all orders
/// of the ranks that were seen, ties included. Beyond, t = ρ·√((n−2)/(1−ρ²)) is taken as
/// Student's with n − 2 degrees of freedom. `None` with fewer than three pairs, or where one side
/// has only one value.
///
/// Source: Kendall and Gibbons, *Rank Correlation Methods*, 5th ed., §4.
///
/// ```
/// use deadheat_core::stats::spearman;
/// let rising = [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 5.0), (4.0, 8.0), (5.0, 13.0)];
/// let rising = spearman(&rising).unwrap();
/// assert_eq!((rising.rho, rising.p), (1.0, 2.0 / 720.0));
/// ```
pub fn spearman(pairs: &[(f64, f64)]) -> Option<Spearman> {
    correlation(pairs, &mut Nulls::default())
}

fn correlation(pairs: &[(f64, f64)], nulls: &mut Nulls) -> Option<Spearman> {
    let finite: Vec<_> = pairs.iter().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let n = finite.len();
    let x = ranks(&finite.iter().map(|pair| pair.0).collect::<Vec<_>>());
    let y = ranks(&finite.iter().map(|pair| pair.1).collect::<Vec<_>>());
    // Twice the mean rank, whichever side it is.
    let centre = n as f64 + 1.0;
    let product = |a: &[u32], b: &[u32]| -> f64 {
        let off = |rank: &u32| f64::from(*rank) - centre;
        a.iter().zip(b).map(|(a, b)| off(a) * off(b)).sum()
    };
    let rho = product(&x, &y) / (product(&x, &x) * product(&y, &y)).sqrt();
    if n < 3 || !rho.is_finite() {
        return None;
    }
    let rho = rho.clamp(-1.0, 1.0);
    // Rounds are all different: the exact test permutes the other side.
    let is_plain = x.iter().collect::<std::collections::BTreeSet<_>>().len() == n;
    let p = if n <= EXACT && is_plain {
        let null = nulls.of(&y);
        let seen: u32 = x.iter().zip(&y).map(|(x, y)| x / 2 * y).sum();
        null.p(null.distance(seen))
    } else {
        let freedom = n - 2;
        two_sided_t(rho * (freedom as f64 / (1.0 - rho * rho)).sqrt(), freedom)
    };
    Some(Spearman { rho, p })
}

/// Twice the ranks from 1, so that a mean rank of ties is a whole number.
fn ranks(values: &[f64]) -> Vec<u32> {
    let count = |is: &dyn Fn(&f64) -> bool| {
        u32::try_from(values.iter().filter(|other| is(other)).count()).unwrap_or(u32::MAX)
    };
    values
        .iter()
        .map(|value| {
            let below = count(&|other| other < value);
            let same = count(&|other| other <= value) - below;
            2 * below + same + 1
        })
        .collect()
}

/// Those that were worked out already.
#[derive(Default)]
struct Nulls(BTreeMap<Vec<u32>, Null>);

impl Nulls {
    /// Of these ranks, in whatever order.
    fn of(&mut self, ranks: &[u32]) -> &Null {
        let ranks = sorted(ranks);
        self.0.entry(ranks).or_insert_with_key(|ranks| Null::of(ranks))
    }
}

/// The sum Σ i·rank over all orders of the ranks: how many orders give which sum.
struct Null {
    orders: Vec<u64>,
    n: u32,
    total: u32,
}

impl Null {
    /// Of doubled ranks, by dynamic programming over the subsets that are already placed: 2ⁿ of
    /// them instead of n! orders.
    fn of(ranks: &[u32]) -> Self {
        let n = ranks.len();
        let most: u32 = (1_u32..).zip(sorted(ranks)).map(|(i, rank)| i * rank).sum();
        let width = most as usize + 1;
        let mut by_subset = vec![vec![0_u64; width]; 1 << n];
        by_subset[0][0] = 1;
        for subset in 0..by_subset.len() {
            let place = subset.count_ones() + 1;
            let here = std::mem::take(&mut by_subset[subset]);
            if subset + 1 == by_subset.len() {
                return Self { orders: here, n: place - 1, total: ranks.iter().sum() };
            }
            for (i, rank) in ranks.iter().enumerate().filter(|(i, _)| subset & (1 << i) == 0) {
                let next = &mut by_subset[subset | (1 << i)];
                let step = (place * rank) as usize;
                for (sum, orders) in here.iter().enumerate().filter(|(_, orders)| **orders > 0) {
                    next[sum + step] += orders;
                }
            }
        }
        Self { orders: vec![1], n: 0, total: 0 }
    }

    /// How far a sum is from its mean over all orders, in units that are whole numbers.
    fn distance(&self, sum: u32) -> u64 {
        let places = self.n * (self.n + 1) / 2;
        u64::from((self.n * sum).abs_diff(places * self.total))
    }

    fn distances(&self) -> impl Iterator<Item = u64> {
        let sums = (0_u32..).zip(&self.orders).filter(|(_, orders)| **orders > 0);
        sums.map(|(sum, _)| self.distance(sum))
    }

    /// The share of orders at least so far away, on either side.
    fn p(&self, distance: u64) -> f64 {
        let sums = || (0_u32..).zip(&self.orders);
        let far = sums().filter(|(sum, _)| self.distance(*sum) >= distance);
        let (far, all): (u64, u64) =
            (far.map(|(_, orders)| orders).sum(), self.orders.iter().sum());
        far as f64 / all as f64
    }
}

fn sorted(ranks: &[u32]) -> Vec<u32> {
    let mut sorted = ranks.to_vec();
    sorted.sort_unstable();
    sorted
}

/// P(|T| ≥ |t|) of Student's distribution with a whole number of degrees of freedom: the finite
/// series of Abramowitz and Stegun, 26.7.3 and 26.7.4.
fn two_sided_t(t: f64, freedom: usize) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    let theta = (t.abs() / (freedom as f64).sqrt()).atan();
    let (sin, cos) = theta.sin_cos();
    let is_odd = freedom % 2 == 1;
    // The terms' factors are 2/3, 4/5, … for odd and 1/2, 3/4, … for even degrees.
    let (mut term, mut i) = if is_odd { (cos, 2) } else { (1.0, 1) };
    let mut sum = if freedom > 1 { term } else { 0.0 };
    while i + 3 <= freedom {
        term *= cos * cos * i as f64 / (i + 1) as f64;
        sum += term;
        i += 2;
    }
    let inside = if is_odd { std::f64::consts::FRAC_2_PI * (theta + sin * sum) } else { sin * sum };
    (1.0 - inside).clamp(0.0, 1.0)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact by construction")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> Spearman {
        let pairs: Vec<_> = values.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
        spearman(&pairs).unwrap()
    }

    #[test]
    fn p_is_that_of_the_tables() {
        // Kendall and Gibbons, Appendix table 2: one-sided tails of Σd², n = 4 to 8.
        assert!((of(&[1.0, 2.0, 3.0, 4.0]).p - 2.0 / 24.0).abs() < 1e-12);
        assert!((of(&[1.0, 2.0, 3.0, 5.0, 4.0]).p - 2.0 * 5.0 / 120.0).abs() < 1e-12);
        assert!((of(&[1.0, 2.0, 3.0, 4.0, 6.0, 5.0]).p - 2.0 * 6.0 / 720.0).abs() < 1e-12);
        // ρ = 0.833 is the two-sided 2% point at n = 8.
        let eight = of(&[3.0, 1.0, 2.0, 6.0, 4.0, 5.0, 8.0, 7.0]);
        assert!((eight.rho - 5.0 / 6.0).abs() < 1e-12, "{eight:?}");
        assert!((eight.p - 0.0154).abs() < 5e-5, "{eight:?}");
    }

    #[test]
    fn students_t_is_that_of_the_tables() {
        // The two-sided 5% points.
        for (freedom, t) in [(1, 12.706), (2, 4.303), (5, 2.571), (8, 2.306), (18, 2.101)] {
            assert!((two_sided_t(t, freedom) - 0.05).abs() < 1e-4, "{freedom}");
            assert!((two_sided_t(-t, freedom) - 0.05).abs() < 1e-4, "{freedom}");
        }
        assert_eq!(two_sided_t(0.0, 7), 1.0);
        assert_eq!(two_sided_t(f64::INFINITY, 7), 0.0);
    }

    #[test]
    fn few_rounds_need_a_perfect_order() {
        let attained = |n| attainable(n, &mut Nulls::default());
        assert_eq!([3, 4, 5].map(attained), [None; 3]);
        assert_eq!(attained(6), Some(2.0 / 720.0));
        assert!(attained(8).is_some_and(|level| level > 0.005 && level < 0.01));
        assert!(of(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).p < RARE);
        assert!(of(&[2.0, 1.0, 3.0, 4.0, 5.0, 6.0]).p > RARE);
    }

    #[test]
    fn ties_share_their_rank_and_one_value_has_none() {
        assert_eq!(ranks(&[5.0, 1.0, 5.0]), [5, 2, 5]);
        let constant = [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0)];
        assert_eq!(spearman(&constant), None);
        assert_eq!(spearman(&[(0.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(spearman(&[(0.0, f64::NAN); 9]), None);
        // Four of six are equal: of 30 arrangements one has 5 and 6 last, in this order, and one
        // has them first and reversed.
        let tied = of(&[1.0, 1.0, 1.0, 1.0, 5.0, 6.0]);
        assert!((tied.p - 2.0 / 30.0).abs() < 1e-12, "{tied:?}");
    }

    fn block(step: f64, phase: usize) -> Vec<(usize, f64)> {
        // The noise has no order of its own, and is smaller than a step of 1.
        let noise = [0.3, -0.2, 0.1, -0.3, 0.2, -0.1];
        (0..6).map(|i| (i, step * i as f64 + noise[(i + phase) % 6])).collect()
    }

    #[test]
    fn what_drifts_is_found_and_measured() {
        let drifting: Vec<_> = (0..16).map(|i| block(0.02, i)).collect();
        let still = drift(&drifting).unwrap();
        assert!(!still.is_still_drifting(), "noise of 0.3 hides steps of 0.02: {still:?}");
        let moving: Vec<_> = (0..16).map(|i| block(1.0, i)).collect();
        let moving = drift(&moving).unwrap();
        assert_eq!((moving.blocks, moving.drifting), (16, 16));
        assert!(moving.is_still_drifting());
        assert!((moving.size.ln() - 5.0).abs() < 0.5, "five steps of 1: {moving:?}");
    }

    #[test]
    fn one_block_of_sixteen_does_not_shout_and_two_do() {
        let with = |count| {
            let blocks: Vec<_> =
                (0..16).map(|i| block(if i < count { 1.0 } else { 0.0 }, i)).collect();
            drift(&blocks).unwrap()
        };
        let one = with(1);
        assert_eq!(one.drifting, 1);
        assert!(one.luck > 0.04 && !one.is_still_drifting(), "{one:?}");
        assert!(with(2).is_still_drifting(), "{:?}", with(2));
        assert_eq!(with(0).luck, 1.0);
    }

    #[test]
    fn too_few_rounds_say_nothing() {
        assert_eq!(drift(&[]), None);
        assert_eq!(drift(&vec![vec![(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0), (4, 5.0)]; 30]), None);
        assert_eq!(drift(&[vec![(0, f64::NAN); 8]]), None);
    }

    proptest! {
        #[test]
        fn the_exact_p_counts_orders(values in prop::collection::vec(0_i32..4, 3..7)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let pairs: Vec<_> = values.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
            let Some(seen) = spearman(&pairs) else { return Ok(()) };
            let mut orders = vec![Vec::new()];
            for value in &values {
                orders = orders.into_iter().flat_map(|order: Vec<f64>| {
                    (0..=order.len()).map(move |at| {
                        let mut longer = order.clone();
                        longer.insert(at, *value);
                        longer
                    })
                }).collect();
            }
            let strong = orders.iter().filter(|order| {
                let pairs: Vec<_> = order.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
                spearman_rho(&pairs).abs() >= seen.rho.abs() - 1e-9
            }).count();
            prop_assert!((seen.p - strong as f64 / orders.len() as f64).abs() < 1e-9);
        }

        #[test]
        fn only_order_matters(values in prop::collection::vec(-5.0..5.0_f64, 3..20)) {
            let pairs: Vec<_> = values.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
            let Some(plain) = spearman(&pairs) else { return Ok(()) };
            let bent: Vec<_> = pairs.iter().map(|(x, y)| (x * 3.0 + 1.0, y.exp())).collect();
            let turned: Vec<_> = pairs.iter().map(|(x, y)| (*x, -y)).collect();
            prop_assert_eq!(Some(plain), spearman(&bent));
            let turned = spearman(&turned).unwrap();
            prop_assert!((turned.rho + plain.rho).abs() < 1e-9 && (turned.p - plain.p).abs() < 1e-9);
        }
    }

    /// Pearson's correlation of mean ranks, by the book.
    fn spearman_rho(pairs: &[(f64, f64)]) -> f64 {
        let rank = |values: Vec<f64>| -> Vec<f64> {
            let below = |v: f64| values.iter().filter(|o| **o < v).count() as f64;
            let same = |v: f64| values.iter().filter(|o| **o == v).count() as f64;
            values.iter().map(|v| below(*v) + f64::midpoint(same(*v), 1.0)).collect()
        };
        let x = rank(pairs.iter().map(|p| p.0).collect());
        let y = rank(pairs.iter().map(|p| p.1).collect());
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let (mx, my) = (mean(&x), mean(&y));
        let cov: f64 = x.iter().zip(&y).map(|(x, y)| (x - mx) * (y - my)).sum();
        let var = |v: &[f64], m: f64| v.iter().map(|v| (v - m).powi(2)).sum::<f64>();
        cov / (var(&x, mx) * var(&y, my)).sqrt()
    }
}
