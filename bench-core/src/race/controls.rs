//! The controls of a race: the reference once more, and once more with a known slowdown.
//!
//! What they show is judged in `stats`.

use crate::{
    load::{Arrivals, Load},
    race::{child::contender_id, plan::Entrant},
    record::{Handicap, Metric, Role, Shape},
    stats::human,
};

/// The reference once more, and once more with a known slowdown of twice the margin.
pub(super) fn controls_of(
    entrants: &[Entrant],
    id: &str,
    judged: Metric,
    margin: f64,
) -> Vec<Entrant> {
    let Some(reference) = entrants.iter().find(|entrant| entrant.contender.id == id) else {
        return Vec::new();
    };
    let like = |role, note: &str| {
        let mut entrant = reference.clone();
        entrant.contender.id = contender_id(&reference.contender.model, role);
        entrant.contender.role = role;
        entrant.contender.note = note.into();
        entrant
    };
    let twin = like(Role::Twin, "same code, twice");
    let handicap = handicap(judged, margin);
    let mut slower = like(
        Role::Handicapped,
        &format!(
            "same code, {} slower on purpose",
            human::percent(handicap.truth(judged).unwrap_or(1.0) - 1.0)
        ),
    );
    slower.contender.handicap = Some(handicap);
    vec![twin, slower]
}

/// A slowdown of 2δ, of the kind that the metric can show.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "δ is 0.1% or more")]
fn handicap(judged: Metric, margin: f64) -> Handicap {
    match judged {
        Metric::Throughput | Metric::CpuTime => {
            Handicap::Work { every: (1.0 / (2.0 * margin)).round().max(1.0) as u64 }
        }
        _ => Handicap::Clock { factor: 1.0 + 2.0 * margin },
    }
}

/// The metric that this plan can judge: CPU time per operation where an open load leaves too few
/// operations for its tail.
pub(super) fn judged(primary: Metric, load: Load, shape: &Shape) -> Metric {
    match (primary, load.arrivals) {
        (Metric::P99, Arrivals::Open { rate, .. }) => {
            let a_block = rate as f64 * shape.window_ns as f64 / 1e9 * shape.rounds as f64;
            // A hundred beyond the 99th percentile.
            if a_block < 10_000.0 { Metric::CpuTime } else { Metric::P99 }
        }
        (primary, _) => primary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handicap_is_twice_the_margin() {
        for (metric, margin, wanted) in [
            (Metric::Throughput, 0.05, Handicap::Work { every: 10 }),
            (Metric::CpuTime, 0.02, Handicap::Work { every: 25 }),
            (Metric::Throughput, 1.0, Handicap::Work { every: 1 }),
            (Metric::P99, 0.10, Handicap::Clock { factor: 1.2 }),
        ] {
            assert_eq!(handicap(metric, margin), wanted);
        }
        assert_eq!(Handicap::Work { every: 10 }.truth(Metric::CpuTime), Some(1.1));
        assert_eq!(Handicap::Work { every: 10 }.truth(Metric::P99), None);
        assert_eq!(Handicap::Clock { factor: 1.2 }.truth(Metric::Makespan), Some(1.2));
        assert_eq!(Handicap::Clock { factor: 1.2 }.truth(Metric::CpuTime), None);
    }

    #[test]
    fn an_open_load_with_few_operations_is_judged_by_its_cpu_time() {
        let shape = Shape { window_ns: 60_000_000, rounds: 6, ..Shape::default() };
        let of = |load: &str| judged(Metric::P99, load.parse().unwrap(), &shape);
        // 10,000 in a block leave a hundred beyond the 99th percentile.
        assert_eq!((of("open-20000"), of("open-30000")), (Metric::CpuTime, Metric::P99));
        assert_eq!(judged(Metric::Memory, "batch-9".parse().unwrap(), &shape), Metric::Memory);
    }
}
