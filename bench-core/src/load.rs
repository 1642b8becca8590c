//! How operations arrive, and the schedule of those that arrive by the clock.
//!
//! A load has one spelling, in ids, flags and records: `batch-1000`, `closed-16`,
//! `closed-16-think-5ms`, `closed-16-spawn`, `open-5000`, `open-5000-poisson`,
//! `open-5000-burst-50`, `open-1000-ramp-9000`. Rates are operations per second.

use std::{fmt, str::FromStr, time::Duration};

use thiserror::Error;

use crate::duration;

mod schedule;

/// How operations arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// When.
    pub arrivals: Arrivals,
    /// Whether each operation gets a task of its own, instead of a session's.
    pub spawn: bool,
}

/// When operations arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// This many at once.
    Batch(u64),
    /// As soon as a client is done with its last one, and has thought.
    Closed {
        /// Clients that wait for an answer before they ask again.
        clients: usize,
        /// What they do in between, off the clock.
        think: Duration,
    },
    /// By the clock, however the last ones fared.
    Open {
        /// Per second.
        rate: u64,
        /// How they are spread.
        spacing: Spacing,
    },
}

/// How the arrivals of an open load are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// All gaps alike.
    Constant,
    /// Exponential gaps: independent users.
    Poisson,
    /// So many at the same instant, and then as long nothing as keeps the rate: timers that fire
    /// together, a queue that is flushed.
    Burst(u64),
    /// The rate goes evenly from the load's own to this one, over each slice: a rush that builds up
    /// or ebbs away.
    Ramp(u64),
}

/// Why a text is not a load.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{text}\" is not a load: {reason} (try closed-16, open-5000-poisson, batch-1000)")]
pub struct LoadError {
    text: String,
    reason: String,
}

/// The most clients, operations or arrivals per second that make sense on one machine.
const MOST: u64 = 100_000_000;

impl Load {
    /// Whether operations have an intended arrival.
    pub fn is_open(&self) -> bool {
        matches!(self.arrivals, Arrivals::Open { .. })
    }

    /// Whether it is a fixed number of operations at once.
    pub fn is_batch(&self) -> bool {
        matches!(self.arrivals, Arrivals::Batch(_))
    }

    /// Whether a client waits for its answer before it asks again.
    pub fn is_closed(&self) -> bool {
        matches!(self.arrivals, Arrivals::Closed { .. })
    }

    /// Intended arrivals from 0 (exclusive for open loads) to `end`, in nanoseconds, ascending.
    /// The same for the same seed, on every machine.
    pub fn schedule(&self, end: u64, seed: u64) -> Vec<u64> {
        match self.arrivals {
            Arrivals::Batch(n) => vec![0; usize::try_from(n).unwrap_or(usize::MAX)],
            Arrivals::Closed { .. } => Vec::new(),
            Arrivals::Open { rate, spacing } => schedule::open(rate, spacing, end, seed),
        }
    }

    /// Operations per second over a whole slice: of a ramp the mean of its ends. `None` where
    /// nothing is offered by the clock.
    pub fn mean_rate(&self) -> Option<f64> {
        match self.arrivals {
            Arrivals::Open { rate, spacing: Spacing::Ramp(last) } => {
                Some(f64::midpoint(rate as f64, last as f64))
            }
            Arrivals::Open { rate, .. } => Some(rate as f64),
            Arrivals::Batch(_) | Arrivals::Closed { .. } => None,
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.arrivals {
            Arrivals::Batch(n) => write!(f, "batch-{n}")?,
            Arrivals::Closed { clients, think } => {
                write!(f, "closed-{clients}")?;
                if !think.is_zero() {
                    write!(f, "-think-{}", duration::format(think))?;
                }
            }
            Arrivals::Open { rate, spacing } => {
                write!(f, "open-{rate}")?;
                match spacing {
                    Spacing::Constant => {}
                    Spacing::Poisson => f.write_str("-poisson")?,
                    Spacing::Burst(size) => write!(f, "-burst-{size}")?,
                    Spacing::Ramp(last) => write!(f, "-ramp-{last}")?,
                }
            }
        }
        if self.spawn { f.write_str("-spawn") } else { Ok(()) }
    }
}

impl FromStr for Load {
    type Err = LoadError;

    fn from_str(text: &str) -> Result<Self, LoadError> {
        parse(text).map_err(|reason| LoadError { text: text.into(), reason })
    }
}

fn parse(text: &str) -> Result<Load, String> {
    let (text, spawn) = match text.strip_suffix("-spawn") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let (kind, rest) = text.split_once('-').ok_or("a kind and a number are needed")?;
    let arrivals = match kind {
        "batch" if spawn => return Err("a batch has a task for each operation anyway".into()),
        "batch" => Arrivals::Batch(count(rest, "operations")?),
        "closed" => {
            let (clients, think) = match rest.split_once("-think-") {
                Some((clients, think)) => (clients, duration::parse(think)?),
                None => (rest, Duration::ZERO),
            };
            let clients = usize::try_from(count(clients, "clients")?).map_err(|e| e.to_string())?;
            Arrivals::Closed { clients, think }
        }
        "open" => {
            let (rate, spacing) = rest.split_once('-').unwrap_or((rest, ""));
            let rate = count(rate, "operations per second")?;
            Arrivals::Open { rate, spacing: self::spacing(spacing)? }
        }
        other => return Err(format!("no kind is called \"{other}\"")),
    };
    Ok(Load { arrivals, spawn })
}

fn spacing(text: &str) -> Result<Spacing, String> {
    Ok(match text.split_once('-').unwrap_or((text, "")) {
        ("", "") => Spacing::Constant,
        ("poisson", "") => Spacing::Poisson,
        ("burst", size) => Spacing::Burst(count(size, "operations in a burst")?),
        ("ramp", last) => Spacing::Ramp(count(last, "operations per second")?),
        _ => return Err(format!("no spacing is called \"{text}\"")),
    })
}

fn count(text: &str, of: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(0) => Err(format!("0 {of} are no load")),
        Ok(n) if n > MOST => Err(format!("{n} {of} are more than {MOST}")),
        Ok(n) => Ok(n),
        Err(_) => Err(format!("\"{text}\" is not a number of {of}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_went() {
        for text in [
            "batch-10000",
            "closed-16",
            "closed-1-think-5ms",
            "closed-8-think-1.5ms-spawn",
            "open-5000",
            "open-5000-poisson",
            "open-200-poisson-spawn",
            "open-5000-burst-50",
            "open-1000-ramp-9000",
            "open-1000-ramp-500-spawn",
        ] {
            assert_eq!(text.parse::<Load>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_load_says_why() {
        for (text, reason) in [
            ("closed", "a number"),
            ("closed-0", "0 clients"),
            ("closed-x", "\"x\" is not a number of clients"),
            ("open-5000-gauss", "no spacing is called \"gauss\""),
            ("open-5000-poisson-9", "no spacing is called \"poisson-9\""),
            ("open-5000-burst", "\"\" is not a number of operations in a burst"),
            ("open-5000-burst-0", "0 operations in a burst"),
            ("open-5000-ramp-x", "\"x\" is not a number of operations per second"),
            ("open--5", "not a number"),
            ("closed-4-think-5", "5"),
            ("batch-99999999999", "more than"),
            ("batch-5-spawn", "anyway"),
            ("half-open-3", "no kind is called \"half\""),
        ] {
            let error = text.parse::<Load>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_schedule_is_its_seed_and_keeps_its_rate() {
        let load: Load = "open-10000-poisson".parse().unwrap();
        let second = load.schedule(1_000_000_000, 7);
        assert_eq!(second, load.schedule(1_000_000_000, 7));
        assert_ne!(second, load.schedule(1_000_000_000, 8));
        assert!(second.is_sorted());
        // A Poisson count of mean 10,000 has a standard deviation of 100.
        assert!((9_500..10_500).contains(&second.len()), "{}", second.len());
        let constant: Load = "open-1000".parse().unwrap();
        assert_eq!(constant.schedule(3_500_000, 1), [1_000_000, 2_000_000, 3_000_000]);
        assert_eq!("batch-3".parse::<Load>().unwrap().schedule(0, 1), [0, 0, 0]);
    }
}
