//! K1 to K4: what the statistics say of races that are made up, whose truth is exact.

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{Known, Limit, Unit};
use crate::{
    record::Call,
    stats::{Estimate, binomial, decide, median},
};

/// The level of a single comparison.
const ALPHA: f64 = 0.05;

/// A kind of noise, its median 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// Normal.
    Normal,
    /// Log-normal, its median moved to 0.
    Skewed,
    /// One block in ten is hit by something fifty times as large.
    Spiky,
    /// Two modes, and a little in between, so that the median is 0.
    TwoHumped,
}

impl Noise {
    /// What machines make.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Skewed, Self::Spiky, Self::TwoHumped];

    fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Skewed => "skewed",
            Self::Spiky => "spiky",
            Self::TwoHumped => "two-humped",
        }
    }

    fn draw(self, rng: &mut ChaCha8Rng) -> f64 {
        match self {
            Self::Normal => normal(rng),
            Self::Skewed => normal(rng).exp() - 1.0,
            Self::Spiky => {
                let noise = normal(rng);
                if rng.random::<f64>() < 0.1 { 50.0 * noise } else { noise }
            }
            Self::TwoHumped => {
                let side = if rng.random::<f64>() < 0.5 { -1.0 } else { 1.0 };
                side * 3.0 + normal(rng)
            }
        }
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    // Box and Muller; 1 − u, so that the logarithm never sees 0.
    let (u, v) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

fn blocks(n: usize, mut draw: impl FnMut() -> f64) -> Vec<f64> {
    (0..n).map(|_| draw()).collect()
}

/// How blocks become an interval: [`Estimate::of`], or an instrument that is to be found out.
pub type Interval = fn(&[f64], f64) -> Estimate;

/// K1: coverage of the interval, on every kind of noise.
pub fn k1(interval: Interval, runs: usize) -> Vec<Known> {
    let least = 1.0 - ALPHA - 3.0 * (ALPHA * (1.0 - ALPHA) / runs as f64).sqrt();
    let coverage = |noise: Noise, n: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(20_260_101 + n as u64);
        let covers = |_: &usize| {
            let estimate = interval(&blocks(n, || noise.draw(&mut rng)), ALPHA);
            estimate.interval.is_some_and(|(lo, hi)| lo <= 0.0 && 0.0 <= hi)
        };
        (0..runs).filter(covers).count() as f64 / runs as f64
    };
    let worst = |noise: Noise| {
        let of = [10_usize, 12, 20, 30].map(|n| coverage(noise, n)).into_iter();
        let what = format!("{} noise, coverage at 95%, worst of 10 to 30 blocks", noise.name());
        Known::new(what, Unit::Share, least, of.fold(1.0, f64::min), Limit::AtLeast)
    };
    Noise::ALL.map(worst).to_vec()
}

/// Comparisons of K2.
const COMPARISONS: usize = 400;

/// K2: twins without any difference. How many of 400 intervals exclude 1, and on which side the
/// points lie.
pub fn k2(interval: Interval) -> Vec<Known> {
    let mut rng = ChaCha8Rng::seed_from_u64(20_260_102);
    let n = 12;
    let (mut flagged, mut above) = (0_usize, 0_usize);
    for comparison in 0..COMPARISONS {
        let noise = Noise::ALL[comparison % Noise::ALL.len()];
        let estimate = interval(&blocks(n, || noise.draw(&mut rng)), ALPHA);
        flagged += usize::from(estimate.interval.is_some_and(|(lo, hi)| lo > 0.0 || hi < 0.0));
        above += usize::from(estimate.point > 0.0);
    }
    let level = binomial::level(n, super::super::rank(n, ALPHA));
    let most = (0..=COMPARISONS)
        .find(|count| binomial::upper_tail(COMPARISONS, level, count + 1) < 0.01)
        .unwrap_or(COMPARISONS);
    let rarer = above.max(COMPARISONS - above);
    let p = (2.0 * binomial::upper_tail(COMPARISONS, 0.5, rarer)).min(1.0);
    vec![
        Known::new(
            format!("false alarms among {COMPARISONS} twins (99% bound)"),
            Unit::Count,
            most as f64,
            flagged as f64,
            Limit::AtMost,
        ),
        Known::new("balance of their signs, p", Unit::Number, 0.01, p, Limit::AtLeast),
    ]
}

/// K3: slowdowns that are put in come out as large as they are, and are called.
pub fn k3() -> Vec<Known> {
    const SIGMA: f64 = 0.02;
    const MARGIN: f64 = 0.05;
    let mut rng = ChaCha8Rng::seed_from_u64(20_260_103);
    let mut estimate = |slowdown: f64, n: usize| {
        Estimate::of(&blocks(n, || slowdown.ln_1p() + SIGMA * normal(&mut rng)), ALPHA)
    };
    let mut points = Vec::new();
    for slowdown in [0.02, 0.05, 0.10, 0.20_f64] {
        points.extend((0..25).map(|_| (slowdown.ln_1p(), estimate(slowdown, 30).point)));
    }
    let (slope, half) = slope(&points);
    let called = (0..1_000)
        .filter(|_| {
            let twin = estimate(0.0, 12);
            decide(&estimate(2.0 * MARGIN, 12), MARGIN, Some(&twin)).call == Call::Slower
        })
        .count();
    vec![
        Known::new(
            "slope of measured on true slowdown",
            Unit::Number,
            1.0,
            slope,
            Limit::Absolute(half),
        ),
        Known::new("half-width of its 99% interval", Unit::Number, 0.1, half, Limit::AtMost),
        Known::new(
            "power at twice the margin, 12 blocks, σ = 2%",
            Unit::Share,
            0.8,
            called as f64 / 1_000.0,
            Limit::AtLeast,
        ),
    ]
}

/// Least squares with an intercept: the slope, and half of its 99% interval.
pub fn slope(points: &[(f64, f64)]) -> (f64, f64) {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let sum =
        |of: &dyn Fn(f64, f64) -> f64| points.iter().map(|p| of(p.0 - x, p.1 - y)).sum::<f64>();
    let slope = sum(&|dx, dy| dx * dy) / sum(&|dx, _| dx * dx);
    let rest = sum(&|dx, dy| (dy - slope * dx).powi(2)) / (n - 2.0);
    // Student's t at 99.5% is 2.63 with a hundred degrees of freedom, and less with more.
    (slope, 2.63 * (rest / sum(&|dx, _| dx * dx)).sqrt())
}

/// How a machine may drift, by 20% over a race, or over so many rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// From the first slice to the last.
    Linear,
    /// At once, in the middle.
    Stepped,
    /// To and fro, once in so many rounds.
    Periodic(usize),
}

impl Drift {
    /// All that K4 asks for.
    pub const ALL: [Self; 5] =
        [Self::Linear, Self::Stepped, Self::Periodic(1), Self::Periodic(2), Self::Periodic(5)];

    /// The factor at slice `at` of `all`, with so many slices in a round.
    fn factor(self, at: usize, all: usize, round: usize) -> f64 {
        let phase = |period: usize| (at % period) as f64 / period as f64;
        match self {
            Self::Linear => 1.0 + 0.2 * at as f64 / all as f64,
            Self::Stepped => 1.0 + if 2 * at < all { 0.0 } else { 0.2 },
            Self::Periodic(rounds) => {
                1.0 + 0.1 * (1.0 + (std::f64::consts::TAU * phase(rounds * round)).sin())
            }
        }
    }

    fn name(self) -> String {
        match self {
            Self::Linear => "linear".into(),
            Self::Stepped => "stepped".into(),
            Self::Periodic(rounds) => format!("periodic in {rounds} rounds"),
        }
    }
}

/// The order of a round's slices, from the number of contenders and a seed.
pub type Order<'a> = &'a dyn Fn(usize, u64) -> Vec<usize>;

/// Contenders, blocks and rounds of the races of K4.
const CAST: (usize, usize, usize) = (5, 16, 6);

/// K4: how far drift moves what is said of two contenders without any difference, against half of
/// the interval's half-width. Both are means over `runs` races: a single one is moved by luck, too.
pub fn k4(order: Order<'_>, runs: u64) -> Vec<Known> {
    let of = |drift: Drift| {
        let (mut moved, mut half) = (0.0, 0.0);
        for run in 0..runs {
            let still = drifting(None, order, run);
            let drifting = drifting(Some(drift), order, run);
            moved += drifting.point - still.point;
            half += drifting.half_width().unwrap_or(f64::NAN);
        }
        let what = format!("{} drift of 20%, movement of the estimate", drift.name());
        let (limit, moved) = (half / runs as f64 / 2.0, moved.abs() / runs as f64);
        Known::new(what, Unit::Number, limit, moved, Limit::AtMost)
    };
    Drift::ALL.into_iter().map(of).collect()
}

fn drifting(drift: Option<Drift>, order: Order<'_>, run: u64) -> Estimate {
    let (contenders, blocks, rounds) = CAST;
    let mut rng = ChaCha8Rng::seed_from_u64(20_260_104 + run);
    let all = blocks * rounds * contenders;
    let mut at = 0;
    let mut ratios = Vec::with_capacity(blocks);
    for _ in 0..blocks {
        let mut of_block = Vec::with_capacity(rounds);
        for _ in 0..rounds {
            let mut costs = vec![0.0; contenders];
            for who in order(contenders, rng.random()) {
                let weather = drift.map_or(1.0, |drift| drift.factor(at, all, contenders));
                costs[who] = weather.ln() + 0.02 * normal(&mut rng);
                at += 1;
            }
            of_block.push(costs[1] - costs[0]);
        }
        ratios.extend(median(&of_block));
    }
    Estimate::of(&ratios, ALPHA)
}
