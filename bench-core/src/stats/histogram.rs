//! Histograms as the record keeps them: HDR V2, compressed, base64.
//!
//! Merging is the only arithmetic on them: percentiles are read from merged histograms and are
//! never averaged.

use base64::{Engine, engine::general_purpose::STANDARD};
pub use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use thiserror::Error;

/// The longest time that is kept apart, ns (60 s); longer ones are clipped, and counted.
pub const HIGHEST_NS: u64 = 60_000_000_000;

/// Significant decimal digits that are kept.
pub const DIGITS: u8 = 3;

/// Why a text is not a histogram.
#[derive(Debug, Error)]
pub enum HistogramError {
    /// Not base64.
    #[error("the histogram is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// Not HDR V2.
    #[error("the histogram is not HDR V2: {0:?}")]
    Hdr(hdrhistogram::serialization::DeserializeError),
    /// Could not be packed.
    #[error("the histogram could not be packed: {0:?}")]
    Pack(hdrhistogram::serialization::V2DeflateSerializeError),
}

/// An empty histogram with the record's bounds: 1 ns to 60 s, three digits.
pub fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, HIGHEST_NS, DIGITS).expect("constant bounds are valid")
}

/// Packs a histogram; an empty one is the empty text.
pub fn encode(histogram: &Histogram<u64>) -> Result<String, HistogramError> {
    if histogram.is_empty() {
        return Ok(String::new());
    }
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(histogram, &mut bytes).map_err(HistogramError::Pack)?;
    Ok(STANDARD.encode(bytes))
}

/// Unpacks a histogram; `None` for the empty text.
pub fn decode(text: &str) -> Result<Option<Histogram<u64>>, HistogramError> {
    if text.is_empty() {
        return Ok(None);
    }
    let bytes = STANDARD.decode(text)?;
    let histogram =
        Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(HistogramError::Hdr)?;
    Ok(Some(histogram))
}

/// All of them as one. What does not decode is left out, as if it had not been recorded.
pub fn merge<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Histogram<u64>> {
    let mut whole: Option<Histogram<u64>> = None;
    for text in texts {
        add(&mut whole, decode(text).ok().flatten());
    }
    whole
}

/// Adds a part to what there is so far.
pub(super) fn add(whole: &mut Option<Histogram<u64>>, part: Option<Histogram<u64>>) {
    let Some(part) = part else { return };
    // One with the record's bounds is as good a start as an empty one, and there is one already.
    if whole.is_none() && (part.low(), part.high(), part.sigfig()) == (1, HIGHEST_NS, DIGITS) {
        *whole = Some(part);
        return;
    }
    let whole = whole.get_or_insert_with(empty);
    // Another program's histogram may have wider bounds; it is widened, never refused.
    whole.auto(true);
    let _ = whole.add(part);
}

/// Samples that can be asked for the value at a rank.
pub trait Ranked {
    /// How many there are.
    fn count(&self) -> u64;
    /// The value at rank ⌈qN⌉, ns.
    fn value_at(&self, q: f64) -> u64;
}

impl Ranked for Histogram<u64> {
    fn count(&self) -> u64 {
        self.len()
    }

    fn value_at(&self, q: f64) -> u64 {
        self.value_at_quantile(q)
    }
}

/// The value at rank ⌈qN⌉, ns, if at least `beyond` samples lie above it: N(1−q) ≥ `beyond`.
pub fn quantile(samples: &impl Ranked, q: f64, beyond: f64) -> Option<f64> {
    // A hair of slack: 10,000 · (1 − 0.99) is 100.00000000000009, its like below is 99.99….
    let above = samples.count() as f64 * (1.0 - q) + 1e-6;
    (samples.count() > 0 && above >= beyond).then(|| samples.value_at(q) as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::testing::recorded;

    #[test]
    fn quantiles_need_samples_beyond_them() {
        let thousand = recorded(&(1..=1000).collect::<Vec<_>>());
        assert_eq!(quantile(&thousand, 0.99, 10.0), Some(990.0));
        assert_eq!(quantile(&thousand, 0.999, 10.0), None);
        assert_eq!(quantile(&thousand, 0.5, 100.0), Some(500.0));
        assert_eq!(quantile(&empty(), 0.5, 0.0), None);
    }

    #[test]
    fn rubbish_is_an_error_and_merges_as_nothing() {
        assert!(matches!(decode("***"), Err(HistogramError::Base64(_))));
        assert!(matches!(decode("AAAA"), Err(HistogramError::Hdr(_))));
        let good = encode(&recorded(&[5])).unwrap();
        let merged = merge(["***", "", "AAAA", good.as_str()]).unwrap();
        assert_eq!(merged.len(), 1);
        assert!(merge(["", "***"]).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn parts_merged_are_the_whole(
            parts in prop::collection::vec(prop::collection::vec(1u64..HIGHEST_NS, 0..200), 1..6)
        ) {
            let packed = parts.iter().map(|part| encode(&recorded(part)).unwrap());
            let texts: Vec<String> = packed.collect();
            let whole = recorded(&parts.concat());
            match merge(texts.iter().map(String::as_str)) {
                None => prop_assert!(whole.is_empty()),
                Some(merged) => prop_assert_eq!(merged, whole),
            }
        }

        #[test]
        fn any_bytes_decode_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&STANDARD.encode(bytes));
        }

        #[test]
        fn damage_decodes_or_fails(at in 0usize..60, to: u8) {
            let packed = encode(&recorded(&[1, 1_000, 50_000_000])).unwrap();
            let mut bytes = STANDARD.decode(packed).unwrap();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = to;
            }
            let _ = decode(&STANDARD.encode(bytes));
        }

        #[test]
        fn quantiles_are_the_samples_to_three_digits(
            mut values in prop::collection::vec(1u64..HIGHEST_NS, 1..400), q in 0.0f64..1.0
        ) {
            let histogram = recorded(&values);
            values.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "≤ 400")]
            let rank = ((q * values.len() as f64).ceil() as usize).max(1);
            let exact = values[rank - 1] as f64;
            let shown = quantile(&histogram, q, 0.0).unwrap();
            prop_assert!((shown - exact).abs() <= exact * 1e-3 + 1.0, "{shown} against {exact}");
        }
    }
}
