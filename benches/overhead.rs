//! What measuring costs: an operation that does nothing, timed through the session loop, against
//! the least that timing can be, two readings of the clock and one push, written by hand.
//!
//! Both take the same clock and the same sample. The hand's loop has no gate, no error path and
//! no scenario, so the difference is everything that the harness adds to an operation. The model
//! is the one that does nothing between operations; what others do there is in `dispatch`.
//! `cargo bench --bench overhead`.

mod support;

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use deadheat::core::{clock, resource, sample::Sample};

/// Operations of one run by hand: as many as a slice of the harness has, so that both write to
/// memory that is as warm.
const OPS: u64 = 1 << 15;

fn by_hand(c: &mut Criterion) {
    resource::confine(&resource::cpus()[..1]).expect("a CPU that we may use");
    let mut samples: Vec<Sample> = vec![Sample::default(); OPS as usize];
    c.bench_function("overhead/by-hand", |b| {
        b.iter_custom(|iterations| {
            let mut took = Duration::ZERO;
            let mut left = iterations;
            while left > 0 {
                samples.clear();
                let first = clock::now();
                for seq in 0..left.min(OPS) {
                    let started = clock::now();
                    let check = black_box(black_box(seq));
                    let finished = clock::now();
                    samples.push(Sample { intended: started, started, finished, check });
                }
                took += Duration::from_nanos(clock::now() - first);
                left -= left.min(OPS);
            }
            black_box(&samples);
            took
        });
    });
}

fn through_the_harness(c: &mut Criterion) {
    let mut course = support::Course::new("threads/per-task", "closed-1");
    c.bench_function("overhead/session", |b| b.iter_custom(|n| course.time(n)));
}

criterion_group!(benches, by_hand, through_the_harness);
criterion_main!(benches);
