//! Queues whose waits are known: K5, K6 and K7 on samples, wherever these come from.
//!
//! Formulas: Kleinrock, *Queueing Systems* I, chapters 3 and 5. The recursion is Lindley's, and with
//! more than one server that of Kiefer and Wolfowitz. All times are nanoseconds, rates per
//! nanosecond.

use std::{cmp::Reverse, collections::BinaryHeap};

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{Known, Limit, Unit};
use crate::{sample::Sample, stats::histogram::Histogram};

/// How far a replayed response time may be off, ns.
const OFF: u64 = 200_000;

/// How long services last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// Exponentially distributed: M/M/c.
    Exponential,
    /// All alike: M/D/c.
    Constant,
}

impl Law {
    /// The service time of operation `seq` in queue number `queue`, ns: the same whoever asks.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some seconds")]
    pub fn service_ns(self, mean_ns: u64, queue: u64, seq: u64) -> u64 {
        match self {
            Self::Constant => mean_ns,
            Self::Exponential => {
                let mut random = ChaCha8Rng::seed_from_u64(queue);
                random.set_stream(seq);
                // Inversion; 1 − u is in (0, 1], so the logarithm is finite.
                (-(mean_ns as f64) * (1.0 - random.random::<f64>()).ln()) as u64
            }
        }
    }
}

/// How far each recorded response time is from that of a queue with one line and so many servers
/// that had the recorded arrivals and the recorded service times, ns. There is no chance in this:
/// whatever is off is the instrument's.
pub fn replay(samples: &[Sample], servers: usize) -> Vec<u64> {
    let mut order: Vec<&Sample> = samples.iter().collect();
    order.sort_by_key(|sample| (sample.intended, sample.started));
    let mut free: BinaryHeap<_> = vec![Reverse(0); servers].into();
    let off = order.into_iter().map(|sample| {
        let Reverse(first) = free.pop().unwrap_or_default();
        let service = sample.finished.saturating_sub(sample.started);
        let ends = sample.intended.max(first) + service;
        free.push(Reverse(ends));
        ends.abs_diff(sample.finished)
    });
    off.collect()
}

/// The share of `off` that is at most `limit`; not a number where there is nothing.
pub fn share_within(off: &[u64], limit: u64) -> f64 {
    off.iter().filter(|off| **off <= limit).count() as f64 / off.len() as f64
}

/// How long each operation waited before a server was free for it, ns: the generator's own lag is
/// no wait. Lags are in the order of dispatch, one for each sample; `None` where they are not.
pub fn waits(samples: &[Sample], lags: &[u64]) -> Option<Vec<u64>> {
    if samples.len() != lags.len() {
        return None;
    }
    let mut order: Vec<&Sample> = samples.iter().collect();
    order.sort_by_key(|sample| (sample.started, sample.intended));
    let wait = |(sample, lag): (&&Sample, &u64)| {
        sample.started.saturating_sub(sample.intended).saturating_sub(*lag)
    };
    Some(order.iter().zip(lags).map(wait).collect())
}

/// A queue with Poisson arrivals.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// Arrivals per nanosecond.
    pub lambda: f64,
    /// Services per nanosecond, of one server.
    pub mu: f64,
    /// Servers.
    pub servers: usize,
}

impl Queue {
    /// Utilisation.
    pub fn rho(self) -> f64 {
        self.lambda / (self.mu * self.servers as f64)
    }

    /// M/M/1: a quantile of the response time, from P(W > t) = e^(−(μ−λ)t).
    pub fn response_quantile(self, q: f64) -> f64 {
        -(1.0 - q).ln() / (self.mu - self.lambda)
    }

    /// M/M/1: the mean response time, 1/(μ−λ).
    pub fn mean_response(self) -> f64 {
        1.0 / (self.mu - self.lambda)
    }

    /// M/D/1: the mean wait, ρ/(2μ(1−ρ)).
    pub fn mean_wait_constant(self) -> f64 {
        self.rho() / (2.0 * self.mu * (1.0 - self.rho()))
    }

    /// M/M/c: the probability that an arrival waits (Erlang C), by the recursion of Erlang B.
    ///
    /// ```
    /// use deadheat_core::stats::known::queue::Queue;
    /// let one = Queue { lambda: 0.5, mu: 1.0, servers: 1 };
    /// assert!((one.p_wait() - 0.5).abs() < 1e-12, "M/M/1: it is ρ");
    /// ```
    pub fn p_wait(self) -> f64 {
        let offered = self.lambda / self.mu;
        let blocked =
            (1..=self.servers).fold(1.0, |b: f64, c| offered * b / (c as f64 + offered * b));
        blocked / (1.0 - self.rho() * (1.0 - blocked))
    }
}

/// What an open load sees of a server that stalls for `stall` in every `period`, with a service
/// time of `service` and `lambda` arrivals per nanosecond: the 99th percentile of response times.
///
/// Whoever arrives t after a stall began is answered `stall − t(1 − λs)` later, so a response time
/// above x has the probability (stall − x)/((1 − λs)·period).
pub fn stalled_p99(stall: f64, period: f64, service: f64, lambda: f64) -> f64 {
    stall - 0.01 * period * (1.0 - lambda * service)
}

/// Little's law, L = λW: what the samples sum up to over what somebody else saw in flight.
pub fn little(samples: &[Sample], in_flight_ns: u64) -> f64 {
    let told: u64 = samples.iter().map(|sample| sample.finished - sample.started).sum();
    told as f64 / in_flight_ns as f64
}

/// K6, without chance: 99% of the response times are within 200 µs of [`replay`].
pub fn replays(name: &str, off: &[u64]) -> Known {
    let what = format!("{name}, responses within 200 µs of the recursion");
    Known::new(what, Unit::Share, 0.99, share_within(off, OFF), Limit::AtLeast)
}

/// K6, M/M/1: mean, median and 99th percentile of the response times that were kept.
pub fn mm1(queue: Queue, kept: Option<&Histogram<u64>>) -> Vec<Known> {
    let of = |read: &dyn Fn(&Histogram<u64>) -> f64| kept.map_or(f64::NAN, read);
    let quantile = |q: f64| of(&|kept| kept.value_at_quantile(q) as f64);
    let known = |what: &str, truth: f64, measured: f64, share: f64| {
        let what = format!("M/M/1, {what} of response times");
        Known::new(what, Unit::Ns, truth, measured, Limit::Relative(share))
    };
    vec![
        known("mean", queue.mean_response(), of(&Histogram::mean), 0.03),
        known("p50", queue.response_quantile(0.50), quantile(0.50), 0.03),
        known("p99", queue.response_quantile(0.99), quantile(0.99), 0.08),
    ]
}

/// K6, M/D/1: the mean wait.
pub fn md1(queue: Queue, mean_wait: f64) -> Known {
    let truth = queue.mean_wait_constant();
    Known::new("M/D/1, mean wait", Unit::Ns, truth, mean_wait, Limit::Relative(0.05))
}

/// K6, M/M/4: the share of arrivals that wait.
pub fn mm4(queue: Queue, waiting: f64) -> Known {
    let what = "M/M/4, share of arrivals that wait";
    Known::new(what, Unit::Share, queue.p_wait(), waiting, Limit::Absolute(0.03))
}

/// The share of `waits` that are any.
pub fn waiting(waits: &[u64]) -> f64 {
    waits.iter().filter(|wait| **wait > 0).count() as f64 / waits.len() as f64
}

/// K7: what an open load shows of a server that stalls. All times are ns; `p99` is what was kept.
pub fn stalled(stall: f64, period: f64, service: f64, rate: f64, p99: f64) -> Known {
    let truth = stalled_p99(stall, period, service, rate / 1e9);
    let what = format!("open load of {rate}/s, p99 of response times");
    Known::new(what, Unit::Ns, truth, p99, Limit::Relative(0.05))
}

/// K7: what a closed loop of one client shows of it, which is to be known too.
pub fn hidden(stall: f64, p99: f64) -> Known {
    let what = "closed loop of one client, whose p99 hides the stall";
    Known::new(what, Unit::Ns, 0.1 * stall, p99, Limit::AtMost)
}

/// The mean; not a number where there is nothing.
pub fn mean(values: impl Iterator<Item = u64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value as f64;
        count += 1.0;
    }
    sum / count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(intended: u64, started: u64, finished: u64) -> Sample {
        Sample { intended, started, finished, check: 0 }
    }

    #[test]
    fn erlang_c_is_that_of_the_tables() {
        // Four servers at ρ = 0.7 (a = 2.8 erlangs).
        let four = Queue { lambda: 2.8, mu: 1.0, servers: 4 };
        assert!((four.p_wait() - 0.428_66).abs() < 1e-4, "{}", four.p_wait());
    }

    #[test]
    fn a_queue_replays_itself_and_nothing_else() {
        // Two servers; the third waits for the first to be free.
        let queue = [sample(0, 0, 10), sample(1, 1, 21), sample(2, 10, 15), sample(40, 40, 41)];
        assert_eq!(replay(&queue, 2), [0; 4]);
        assert_eq!(replay(&queue, 1)[1], 9, "one server would have taken longer");
        assert_eq!(waits(&queue, &[0; 4]).unwrap(), [0, 0, 8, 0]);
        assert_eq!(waits(&queue, &[0; 3]), None);
        assert!(share_within(&[], 5).is_nan(), "nothing is no proof");
    }

    #[test]
    fn services_are_their_law() {
        let mean = (0..20_000).map(|seq| Law::Exponential.service_ns(1_000_000, 3, seq) as f64);
        let mean = mean.sum::<f64>() / 20_000.0;
        // The standard error is 0.7%.
        assert!((mean / 1e6 - 1.0).abs() < 0.03, "{mean}");
        assert_eq!(Law::Constant.service_ns(7, 3, 9), 7);
    }
}
