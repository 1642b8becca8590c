//! The known answers that need no machine, and instruments that are broken on purpose: each must be
//! found out by the very check that the sound one passes.

use hdrhistogram::Histogram;
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{
    Estimate, histogram,
    known::{Finding, Known, recording, simulated},
    median,
};
use crate::race::order;

fn fails(known: &[Known]) -> Vec<&Known> {
    known.iter().filter(|known| known.finding() != Finding::Holds).collect()
}

#[test]
fn k1_coverage_on_every_kind_of_noise() {
    let known = simulated::k1(Estimate::of, 4_000);
    assert!(fails(&known).is_empty(), "{:#?}", fails(&known));
}

/// Mean ± 2 standard errors: what is commonly printed.
fn of_means(blocks: &[f64], _alpha: f64) -> Estimate {
    let n = blocks.len() as f64;
    let mean = blocks.iter().sum::<f64>() / n;
    let error = (blocks.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
    let interval = Some((mean - 2.0 * error, mean + 2.0 * error));
    Estimate { point: mean, interval, k: 1, n: blocks.len() }
}

#[test]
fn k1_an_interval_of_means_is_found_out() {
    let known = simulated::k1(of_means, 4_000);
    assert!(fails(&known).iter().any(|known| known.what.contains("skewed")), "{known:#?}");
}

#[test]
fn k2_twins_raise_no_more_false_alarms_than_they_may() {
    fn narrow(blocks: &[f64], alpha: f64) -> Estimate {
        Estimate::of(blocks, 4.0 * alpha)
    }
    fn leaning(blocks: &[f64], alpha: f64) -> Estimate {
        let up: Vec<f64> = blocks.iter().map(|d| d + 0.3).collect();
        Estimate::of(&up, alpha)
    }
    let known = simulated::k2(Estimate::of);
    assert!(fails(&known).is_empty(), "{known:#?}");
    assert!(!fails(&simulated::k2(narrow)).is_empty(), "a narrower interval cries wolf");
    assert!(!fails(&simulated::k2(leaning)).is_empty(), "a biased instrument leans");
}

#[test]
fn k3_slowdowns_come_out_as_large_as_they_are() {
    let known = simulated::k3();
    assert!(fails(&known).is_empty(), "{known:#?}");
    // An instrument that sees half of a slowdown.
    let halved: Vec<(f64, f64)> = (1..=40_u32)
        .map(|i| (f64::from(i) * 0.005, f64::from(i) * 0.0025 + f64::from(i % 3) * 0.001))
        .collect();
    let (slope, half) = simulated::slope(&halved);
    assert!((slope - 1.0).abs() > half && (slope - 0.5).abs() < 0.05, "{slope} ± {half}");
}

#[test]
fn k4_drift_moves_nothing_in_random_order() {
    let known = simulated::k4(&order::shuffled, 100);
    assert!(fails(&known).is_empty(), "{known:#?}");
}

#[test]
fn k4_an_order_that_is_not_random_is_found_out() {
    let known = simulated::k4(&|contenders, _| (0..contenders).collect(), 100);
    assert!(
        fails(&known).iter().any(|known| known.what.contains("periodic in 1")),
        "the first is always measured in the same phase: {known:#?}"
    );
}

/// Latencies from 100 ns to 30 s, in parts of which one is slower than the others.
fn latencies() -> Vec<Vec<u64>> {
    let mut rng = ChaCha8Rng::seed_from_u64(20_260_110);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some seconds")]
    let mut part = |scale: f64| {
        let draw = |_| (scale * 100.0 * (rng.random::<f64>() * 12.0).exp()) as u64;
        (0..20_000).map(draw).collect::<Vec<u64>>()
    };
    vec![part(1.0), part(1.5), part(1_500.0)]
}

fn kept_in(mut empty: Histogram<u64>, samples: &[u64]) -> Histogram<u64> {
    for sample in samples {
        empty.saturating_record(*sample);
    }
    empty
}

fn kept(samples: &[u64]) -> Histogram<u64> {
    kept_in(histogram::empty(), samples)
}

/// As the record does it: packed, unpacked, added.
fn merged(parts: &[Histogram<u64>]) -> Histogram<u64> {
    let texts: Vec<String> = parts.iter().map(|part| histogram::encode(part).unwrap()).collect();
    histogram::merge(texts.iter().map(String::as_str)).unwrap()
}

#[test]
fn k10_histograms_keep_what_they_are_given() {
    let known = recording::k10_merged(&latencies(), kept, merged);
    assert!(fails(&known).is_empty(), "{known:#?}");
}

#[test]
fn k10_a_histogram_that_clips_is_found_out() {
    let clips = |samples: &[u64]| {
        kept_in(Histogram::new_with_bounds(1, 1_000_000_000, 3).unwrap(), samples)
    };
    // The one that was met: without bounds, saturating to the two values that there are.
    let unbounded = |samples: &[u64]| kept_in(Histogram::new(3).unwrap(), samples);
    let drops = |samples: &[u64]| kept(&samples[samples.len() / 100..]);
    for broken in [
        recording::k10_merged(&latencies(), clips, merged),
        recording::k10_merged(&latencies(), unbounded, merged),
        recording::k10_merged(&latencies(), drops, merged),
    ] {
        assert!(!fails(&broken).is_empty(), "{broken:#?}");
    }
}

#[test]
fn k10_percentiles_that_are_averaged_are_found_out() {
    let averaged = |parts: &Vec<Histogram<u64>>, whole: &[u64]| {
        let mut sorted = whole.to_vec();
        sorted.sort_unstable();
        let p99s: Vec<f64> = parts.iter().map(|part| part.value_at_quantile(0.99) as f64).collect();
        let exact = recording::exact_quantile(&sorted, 0.99).unwrap() as f64;
        let middle = p99s.iter().sum::<f64>() / p99s.len() as f64;
        let typical = median(&p99s).unwrap();
        assert!((typical / exact - 1.0).abs() > 0.1, "nor is their median the p99 of the whole");
        (middle / exact - 1.0).abs()
    };
    let known = recording::k10(&latencies(), kept, <[_]>::to_vec, averaged);
    assert_eq!(fails(&known).len(), 1, "{known:#?}");
}
