//! K7 on a server that is made up, with pacers and recorders that are broken on purpose.

use deadheat::core::{
    sample::Sample,
    stats::known::{
        Known,
        queue::{hidden, mean, stalled},
        recording::exact_quantile,
    },
};

use super::failing;

const STALL: u64 = 200_000_000;
const PERIOD: u64 = 1_000_000_000;
const SERVICE: u64 = 60_000;
const GAP: u64 = 1_000_000;

/// One server, first come, first served. It stands still when a request comes after a stall is due.
struct Server {
    free: u64,
    due: u64,
}

impl Server {
    fn new() -> Self {
        Self { free: 0, due: PERIOD }
    }

    fn serve(&mut self, intended: u64) -> Sample {
        let started = intended.max(self.free);
        let mut finished = started + SERVICE;
        if started >= self.due {
            self.due += PERIOD;
            finished += STALL;
        }
        self.free = finished;
        Sample { intended, started, finished, check: 0 }
    }
}

fn p99(latencies: impl Iterator<Item = u64>) -> f64 {
    let mut sorted: Vec<u64> = latencies.collect();
    sorted.sort_unstable();
    exact_quantile(&sorted, 0.99).unwrap() as f64
}

fn open(pace: impl Fn(u64, &Server) -> Option<u64>) -> Vec<Sample> {
    let mut server = Server::new();
    let arrivals = (1..10 * PERIOD / GAP).map(|k| k * GAP);
    arrivals.filter_map(|due| pace(due, &server).map(|due| server.serve(due))).collect()
}

fn seen(samples: &[Sample], latency: fn(&Sample) -> u64) -> Vec<Known> {
    let usual = samples.iter().map(|s| s.finished - s.started).filter(|s| *s < STALL / 2);
    let p99 = p99(samples.iter().map(latency));
    vec![stalled(STALL as f64, PERIOD as f64, mean(usual), 1e9 / GAP as f64, p99)]
}

fn response(sample: &Sample) -> u64 {
    sample.finished - sample.intended
}

fn service(sample: &Sample) -> u64 {
    sample.finished - sample.started
}

#[test]
fn an_open_load_sees_the_whole_stall() {
    let samples = open(|due, _| Some(due));
    let known = seen(&samples, response);
    assert!(failing(&known).is_empty(), "{known:#?}");
}

#[test]
fn a_recorder_that_subtracts_queueing_is_found_out() {
    let known = seen(&open(|due, _| Some(due)), service);
    assert!(!failing(&known).is_empty(), "{known:#?}");
}

#[test]
fn a_pacer_that_skips_or_delays_what_is_late_is_found_out() {
    let skips = open(|due, server| (server.free <= due + GAP).then_some(due));
    let waits = open(|due, server| Some(due.max(server.free)));
    for (name, samples) in [("skips", skips), ("waits", waits)] {
        let known = seen(&samples, response);
        assert!(!failing(&known).is_empty(), "it {name}: {known:#?}");
    }
}

#[test]
fn a_closed_loop_of_one_client_hides_it() {
    let mut server = Server::new();
    let mut samples = Vec::new();
    while server.free < 10 * PERIOD {
        samples.push(server.serve(server.free));
    }
    let known = [hidden(STALL as f64, p99(samples.iter().map(response)))];
    assert!(failing(&known).is_empty(), "{known:#?}");
    let honest = open(|due, _| Some(due));
    let known = [hidden(STALL as f64, p99(honest.iter().map(response)))];
    assert!(!failing(&known).is_empty(), "an open load does not");
}
