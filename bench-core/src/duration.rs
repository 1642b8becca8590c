//! Durations as people write them: a number and one unit, `15ms`, `1.5s`, `200us`.

use std::time::Duration;

const UNITS: [(&str, f64); 6] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9)];

/// The longest duration that is taken for meant: a day.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads a duration.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of at most a day's nanoseconds, written without a sign"
)]
pub fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let value: f64 =
        number.parse().map_err(|_| format!("\"{text}\" is not a duration, such as 15ms or 2s"))?;
    if unit.is_empty() {
        return Err(format!("\"{text}\" needs a unit: ns, us, ms, s or m"));
    }
    let (_, scale) = UNITS
        .into_iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(|| format!("\"{text}\": \"{unit}\" is not one of ns, us, ms, s, m"))?;
    let nanos = value * scale;
    if nanos > LONGEST.as_secs_f64() * 1e9 {
        return Err(format!("\"{text}\" is more than a day"));
    }
    Ok(Duration::from_nanos(nanos.round() as u64))
}

/// Writes a duration in the largest unit that keeps it short; [`parse`] reads it back.
pub fn format(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let (unit, scale) = match nanos {
        0 => return "0ms".into(),
        n if n >= 1_000_000_000 => ("s", 1_000_000_000),
        n if n >= 1_000_000 => ("ms", 1_000_000),
        n if n >= 1_000 => ("us", 1_000),
        _ => ("ns", 1),
    };
    let (whole, rest) = (nanos / scale, nanos % scale);
    if rest == 0 {
        return format!("{whole}{unit}");
    }
    let digits = format!("{rest:0width$}", width = scale.ilog10() as usize);
    format!("{whole}.{}{unit}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_mean_what_they_say() {
        for (text, nanos) in [("15ms", 15_000_000), ("1.5s", 1_500_000_000), ("200us", 200_000)] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)));
            assert_eq!(format(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn what_is_none_says_why() {
        for (text, reason) in
            [("15", "needs a unit"), ("ms", "not a duration"), ("3h", "\"h\""), ("9999m", "a day")]
        {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn they_come_back(nanos in 0u64..3_600_000_000_000) {
            let duration = Duration::from_nanos(nanos);
            let back = parse(&format(duration)).unwrap();
            prop_assert!(back.abs_diff(duration) <= Duration::from_nanos(1));
        }
    }
}
