//! Numbers for people: three significant digits and a unit, the same in every format.
//!
//! Not in here: layout. A number that does not exist is the caller's to say; what is not finite
//! reads "n/a".

const THOUSANDS: [&str; 4] = ["", "k", "M", "G"];
const BINARY: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// A time given in nanoseconds.
///
/// ```
/// use deadheat_core::stats::human::time;
/// assert_eq!([3.5, 812.0, 999.7, 15_830.0, 2e10].map(time),
///     ["3.50 ns", "812 ns", "1.00 µs", "15.8 µs", "20.0 s"]);
/// ```
pub fn time(ns: f64) -> String {
    scaled(ns, 1000.0, &["ns", "µs", "ms", "s"], " ")
}

/// A number of things.
///
/// ```
/// use deadheat_core::stats::human::count;
/// assert_eq!([0.0, 7.0, 12_345.0, 2e6].map(count), ["0", "7.00", "12.3k", "2.00M"]);
/// ```
pub fn count(value: f64) -> String {
    scaled(value, 1000.0, &THOUSANDS, "")
}

/// A whole number of things, exact below 10,000.
///
/// ```
/// use deadheat_core::stats::human::whole;
/// assert_eq!([7, 9_999, 12_345].map(whole), ["7", "9999", "12.3k"]);
/// ```
pub fn whole(value: u64) -> String {
    if value < 10_000 { value.to_string() } else { count(value as f64) }
}

/// Operations per second.
pub fn rate(per_second: f64) -> String {
    if per_second.is_finite() { format!("{}/s", count(per_second)) } else { "n/a".into() }
}

/// A size in bytes, in powers of 1024.
///
/// ```
/// use deadheat_core::stats::human::bytes;
/// assert_eq!([460.0, 30_310.4, 5e6].map(bytes), ["460 B", "29.6 KiB", "4.77 MiB"]);
/// ```
pub fn bytes(value: f64) -> String {
    scaled(value, 1024.0, &BINARY, " ")
}

/// A share or a change, given as a fraction, without a sign.
///
/// ```
/// use deadheat_core::stats::human::percent;
/// assert_eq!([0.0004, 0.013, 0.25, 3.0].map(percent), ["0.04%", "1.3%", "25%", "300%"]);
/// ```
pub fn percent(fraction: f64) -> String {
    let percent = fraction.abs() * 100.0;
    if !percent.is_finite() {
        return "n/a".into();
    }
    let decimals = match percent {
        0.0 => 0,
        p if p < 0.095 => 2,
        p if p < 9.95 => 1,
        _ => 0,
    };
    format!("{percent:.decimals$}%")
}

/// A ratio by itself.
pub fn ratio(ratio: f64) -> String {
    let decimals = ratio_decimals(ratio);
    if ratio.is_finite() { bounded(ratio, decimals) } else { "n/a".into() }
}

/// Beyond a million a ratio says that one of two did nothing, and no number says more.
fn bounded(ratio: f64, decimals: usize) -> String {
    match ratio {
        1e6.. => "> 10⁶".into(),
        ..1e-6 => "< 10⁻⁶".into(),
        ratio => format!("{ratio:.decimals$}"),
    }
}

/// A ratio and its interval, with as many decimals as the interval is worth.
///
/// ```
/// use deadheat_core::stats::human::ratio_interval;
/// assert_eq!(ratio_interval(1.0041, Some((0.9932, 1.0071))), "1.004 [0.993, 1.007]");
/// assert_eq!(ratio_interval(15.81, Some((15.2, 16.33))), "15.8 [15.2, 16.3]");
/// assert_eq!(ratio_interval(1.06, Some((1.003, 1.12))), "1.060 [1.003, 1.120]");
/// assert_eq!(ratio_interval(1.2, None), "1.20 [no interval]");
/// assert_eq!(ratio_interval(4e8, Some((1.2, 4e8))), "> 10⁶ [1.2, > 10⁶]");
/// ```
pub fn ratio_interval(point: f64, interval: Option<(f64, f64)>) -> String {
    let Some((lo, hi)) = interval else { return format!("{} [no interval]", ratio(point)) };
    let mut decimals = decimals_worth(hi - lo).min(ratio_decimals(point));
    // An end that is not 1 must not read as 1: it decides.
    let hides = |end: f64, decimals: usize| {
        (end - 1.0).abs() > 1e-12 && format!("{end:.decimals$}") == format!("{:.decimals$}", 1.0)
    };
    while decimals < 4 && (hides(lo, decimals) || hides(hi, decimals)) {
        decimals += 1;
    }
    let [point, lo, hi] = [point, lo, hi].map(|ratio| bounded(ratio, decimals));
    format!("{point} [{lo}, {hi}]")
}

/// Three significant digits; next to 1 three decimals, because there the distance from 1 counts.
fn ratio_decimals(ratio: f64) -> usize {
    if (ratio - 1.0).abs() < 0.0995 { 3 } else { significant(ratio) }
}

/// How many decimals leave two digits of a width.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=4")]
fn decimals_worth(width: f64) -> usize {
    if width > 0.0 && width.is_finite() {
        ((-width.log10()).ceil() + 1.0).clamp(0.0, 4.0) as usize
    } else {
        3
    }
}

/// "a", "a and b", "a, b and c".
///
/// ```
/// use deadheat_core::stats::human::list;
/// assert_eq!(list(&["a", "b", "c"]), "a, b and c");
/// ```
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// Scales to the first unit in which three significant digits stay below 1000.
fn scaled(value: f64, step: f64, units: &[&str], space: &str) -> String {
    if !value.is_finite() {
        return "n/a".into();
    }
    let (mut value, mut unit) = (value, 0);
    while unit + 1 < units.len() && value.abs() >= step.min(999.5) {
        value /= step;
        unit += 1;
    }
    let decimals = if value == 0.0 || (units[unit] == "B") { 0 } else { significant(value) };
    format!("{value:.decimals$}{space}{}", units[unit])
}

/// Decimals that make three significant digits.
fn significant(value: f64) -> usize {
    match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        v if v >= 0.09995 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_never_show_four_digits() {
        for ns in [999.4, 999.6, 99.96, 9.996, 999_499.0, 999_501.0, 1e12] {
            let text = time(ns);
            let digits = text.chars().filter(char::is_ascii_digit).count();
            assert!(digits <= 4, "{text}");
        }
        assert_eq!(time(999_501.0), "1.00 ms");
        assert_eq!(bytes(1023.0), "0.999 KiB");
        assert_eq!(time(1e12), "1000 s");
    }

    #[test]
    fn what_does_not_exist_is_not_a_number() {
        assert_eq!(time(f64::NAN), "n/a");
        assert_eq!(rate(f64::INFINITY), "n/a");
        assert_eq!(ratio(f64::NAN), "n/a");
        assert_eq!(percent(f64::NAN), "n/a");
    }
}
