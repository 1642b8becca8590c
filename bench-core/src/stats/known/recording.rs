//! What is kept of samples, held against the samples themselves: K10.

use hdrhistogram::Histogram;

use super::{Known, Limit, Unit};

/// Quantiles that are looked at.
const QUANTILES: [f64; 8] = [0.01, 0.10, 0.25, 0.50, 0.75, 0.90, 0.99, 0.999];

/// The value at rank ⌈qN⌉ of the samples themselves, which must be sorted.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
pub fn exact_quantile(sorted: &[u64], q: f64) -> Option<u64> {
    let rank = (q * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

/// The largest relative error of what `kept` says of the samples' quantiles, extremes included;
/// not a number where there are none, and infinite where samples were lost.
pub fn worst_error(samples: &[u64], kept: &Histogram<u64>) -> f64 {
    if samples.is_empty() {
        return f64::NAN;
    }
    if samples.len() as u64 != kept.len() {
        return f64::INFINITY;
    }
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let off = |exact: u64, shown: u64| exact.abs_diff(shown) as f64 / exact.max(1) as f64;
    let quantiles = QUANTILES
        .iter()
        .filter_map(|q| Some(off(exact_quantile(&sorted, *q)?, kept.value_at_quantile(*q))));
    let ends = [(sorted[0], kept.min()), (sorted[sorted.len() - 1], kept.max())];
    quantiles.chain(ends.map(|(exact, shown)| off(exact, shown))).fold(0.0, f64::max)
}

/// K10: what `keep` makes of each part, merged with `merge`, against the samples of all parts.
pub fn k10<H>(
    parts: &[Vec<u64>],
    keep: impl Fn(&[u64]) -> Histogram<u64>,
    merge: impl Fn(&[Histogram<u64>]) -> H,
    read: impl Fn(&H, &[u64]) -> f64,
) -> Vec<Known> {
    let whole = parts.concat();
    let kept = keep(&whole);
    let merged = merge(&parts.iter().map(|part| keep(part)).collect::<Vec<_>>());
    let limit = Limit::AtMost;
    vec![
        Known::new(
            "histogram against its samples, worst relative error",
            Unit::Number,
            1e-3,
            worst_error(&whole, &kept),
            limit,
        ),
        Known::new(
            "parts merged against all samples, worst relative error",
            Unit::Number,
            1e-3,
            read(&merged, &whole),
            limit,
        ),
    ]
}

/// The same of a merge that is a histogram again, which must also be identical to the whole.
pub fn k10_merged(
    parts: &[Vec<u64>],
    keep: impl Fn(&[u64]) -> Histogram<u64>,
    merge: impl Fn(&[Histogram<u64>]) -> Histogram<u64>,
) -> Vec<Known> {
    let mut known = k10(parts, &keep, &merge, |merged, whole| worst_error(whole, merged));
    let whole = keep(&parts.concat());
    let merged = merge(&parts.iter().map(|part| keep(part)).collect::<Vec<_>>());
    let same = f64::from(u8::from(merged == whole));
    known.push(Known::new(
        "parts merged are the whole",
        Unit::Count,
        1.0,
        same,
        Limit::Absolute(0.0),
    ));
    known
}
