//! What values of flags make sense, and why the others don't.

use std::time::Duration;

use deadheat_core::{duration, load::Load, record::Metric, stats::Objective};
use serde::{Deserialize, Serialize};

use crate::sweep;

/// An equivalence margin, of one metric or of all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Margin {
    pub(crate) metric: Option<Metric>,
    pub(crate) delta: f64,
}

pub(super) fn load(text: &str) -> Result<String, String> {
    let load: Load = text.parse().map_err(|error| format!("{error}"))?;
    Ok(load.to_string())
}

pub(super) fn sweep(text: &str) -> Result<String, String> {
    for load in sweep::loads(text)? {
        self::load(&load)?;
    }
    Ok(text.into())
}

pub(super) fn pair(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(text.into()),
        _ => Err("it is not of the form name=value".into()),
    }
}

/// A count from 1 to `MOST`.
pub(super) fn at_most<const MOST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=MOST).contains(&n) => Ok(n),
        _ => Err(format!("it is not a whole number from 1 to {MOST}")),
    }
}

fn within(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let value = duration::parse(text)?;
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    let [least, most] = [least, most].map(duration::format);
    Err(format!("it is not between {least} and {most}"))
}

pub(super) fn slice(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_millis(1), Duration::from_mins(1))
}

pub(super) fn race_time(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_secs(1), Duration::from_mins(10))
}

pub(super) fn max_time(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_secs(1), Duration::from_hours(24))
}

pub(super) fn baseline(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.is_empty() || text.starts_with('.') || !text.chars().all(plain) {
        return Err(
            "a name has letters, digits, '-', '_' and '.', and does not begin with '.'".into()
        );
    }
    Ok(text.into())
}

pub(super) fn margin(text: &str) -> Result<Margin, String> {
    let (metric, value) = match text.split_once('=') {
        None => (None, text),
        Some((name, value)) => {
            let known = Metric::ALL.map(Metric::id).join(", ");
            let metric = Metric::ALL.into_iter().find(|metric| metric.id() == name);
            (
                Some(metric.ok_or(format!("no metric is called \"{name}\"; there are: {known}"))?),
                value,
            )
        }
    };
    share(value).map(|delta| Margin { metric, delta })
}

pub(super) fn slo(text: &str) -> Result<String, String> {
    text.parse::<Objective>().map(|objective| objective.to_string())
}

/// A half-width: 2%, ±2% or 0.02.
pub(super) fn half_width(text: &str) -> Result<f64, String> {
    share(text.strip_prefix('±').unwrap_or(text))
}

/// A share that makes sense for a margin or a half-width.
fn share(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.parse().map(|percent: f64| percent / 100.0),
        None => text.parse(),
    };
    match share {
        Ok(share) if (0.001..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("\"{text}\" is not between 0.1% and 100%")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_widths_are_shares() {
        for text in ["2%", "±2%", "0.02"] {
            assert_eq!(half_width(text), Ok(0.02), "{text}");
        }
        for text in ["", "±", "2", "0", "-2%", "NaN", "inf", "two", "2%%"] {
            assert!(half_width(text).is_err(), "{text}");
        }
    }

    #[test]
    fn margins_are_shares_of_one_metric_or_of_all() {
        assert_eq!(margin("5%"), Ok(Margin { metric: None, delta: 0.05 }));
        assert_eq!(margin("p99=0.2"), Ok(Margin { metric: Some(Metric::P99), delta: 0.2 }));
        for (text, why) in [("x", "\"x\""), ("0", "\"0\""), ("p98=5%", "\"p98\""), ("900%", "900%")]
        {
            assert!(margin(text).unwrap_err().contains(why), "{text}");
        }
    }
}
