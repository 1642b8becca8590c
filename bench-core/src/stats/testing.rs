//! Races made up for tests: every cost is given, nothing is measured.

use hdrhistogram::Histogram;
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::histogram;
use crate::record::{Block, Contender, Metric, Race, Role, Slice, Status, Trial};

/// A model and its cost relative to the reference.
pub(super) type Runner = (&'static str, f64);

/// A histogram of these values.
pub(super) fn recorded(values: &[u64]) -> Histogram<u64> {
    let mut histogram = histogram::empty();
    for value in values {
        histogram.saturating_record(*value);
    }
    histogram
}

/// A closed race of `blocks` × 4 with 1% noise; the reference is `ref`, the twin `ref+twin`.
pub(super) fn race(blocks: usize, runners: &[Runner]) -> Race {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let all: Vec<(String, f64)> = [("ref", 1.0), ("ref+twin", 1.0)]
        .iter()
        .chain(runners)
        .map(|(id, cost)| ((*id).to_owned(), *cost))
        .collect();
    Race {
        id: "made-up/closed-4".into(),
        scenario: "made-up".into(),
        load: "closed-4".into(),
        primary: Metric::Throughput,
        reference: "ref".into(),
        status: Status::Complete,
        contenders: all.iter().map(|(id, _)| contender(id)).collect(),
        blocks: (0..blocks)
            .map(|index| Block {
                index,
                trials: all.iter().map(|(id, cost)| trial(id, *cost, &mut rng)).collect(),
                ..Block::default()
            })
            .collect(),
        ..Race::default()
    }
}

fn contender(id: &str) -> Contender {
    let role = if id.ends_with("+twin") { Role::Twin } else { Role::Model };
    Contender {
        id: id.to_owned(),
        model: id.trim_end_matches("+twin").to_owned(),
        role,
        ..Contender::default()
    }
}

fn trial(id: &str, cost: f64, rng: &mut ChaCha8Rng) -> Trial {
    let mut service = histogram::empty();
    let mut slices = Vec::new();
    for round in 0..4 {
        let cost = cost * (1.0 + 0.01 * (rng.random::<f64>() - 0.5));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let per_op = (10_000.0 * cost) as u64;
        service.saturating_record_n(per_op, 3_000);
        slices.push(Slice {
            round,
            window_ns: per_op * 3_000,
            offered: 3_000,
            done: 3_000,
            executed: 3_100,
            cpu_turn_ns: per_op * 3_100 / 2,
            voluntary: Some(6_200),
            involuntary: Some(0),
            ..Slice::default()
        });
    }
    let mut trial = Trial { contender: id.to_owned(), slices, ..Trial::default() };
    trial.hist.service = histogram::encode(&service).expect("a histogram packs");
    trial
}
