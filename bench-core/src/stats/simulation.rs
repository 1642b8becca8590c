//! Known answer K1: coverage of the interval on the four kinds of noise that machines make.

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::Estimate;

const RUNS: usize = 4_000;
const ALPHA: f64 = 0.05;

type Noise = fn(&mut ChaCha8Rng) -> f64;

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    // Box and Muller; 1 − u, so that the logarithm never sees 0.
    let (u, v) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Log-normal, its median moved to 0.
fn skewed(rng: &mut ChaCha8Rng) -> f64 {
    normal(rng).exp() - 1.0
}

/// One block in ten is hit by something fifty times as large.
fn spiky(rng: &mut ChaCha8Rng) -> f64 {
    let noise = normal(rng);
    if rng.random::<f64>() < 0.1 { 50.0 * noise } else { noise }
}

/// Two modes, and a little in between, so that the median is 0.
fn two_humped(rng: &mut ChaCha8Rng) -> f64 {
    let side = if rng.random::<f64>() < 0.5 { -1.0 } else { 1.0 };
    side * 3.0 + normal(rng)
}

#[test]
fn k1_coverage_on_every_kind_of_noise() {
    let kinds: [(&str, Noise); 4] =
        [("normal", normal), ("skewed", skewed), ("spiky", spiky), ("two-humped", two_humped)];
    let least = 1.0 - ALPHA - 3.0 * (ALPHA * (1.0 - ALPHA) / RUNS as f64).sqrt();
    for (name, noise) in kinds {
        for n in [10_u64, 12, 20, 30] {
            let mut rng = ChaCha8Rng::seed_from_u64(20_260_101 + n);
            let covered = (0..RUNS)
                .filter(|_| {
                    let blocks: Vec<f64> = (0..n).map(|_| noise(&mut rng)).collect();
                    let (lo, hi) = Estimate::of(&blocks, ALPHA).interval.expect("n ≥ 6");
                    lo <= 0.0 && 0.0 <= hi
                })
                .count();
            let coverage = covered as f64 / RUNS as f64;
            assert!(coverage >= least, "{name}, n = {n}: {coverage} < {least}");
        }
    }
}
