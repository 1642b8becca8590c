//! The controls of a race: the reference once more, and once more with a known slowdown.
//!
//! What they show is judged in `stats`.

use crate::{
    load::{Arrivals, Load},
    race::{child::contender_id, plan::Entrant},
    record::{Handicap, Kind, Metric, Role, Shape},
    stats::human,
};

/// The reference once more, and once more to be slowed.
pub(super) fn controls_of(entrants: &[Entrant], id: &str) -> Vec<Entrant> {
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
    vec![like(Role::Twin, "same code, twice"), like(Role::Handicapped, "")]
}

/// What stands beside its name.
pub(super) fn slowed(handicap: Handicap) -> String {
    let all = Metric::ALL.into_iter().filter_map(|metric| handicap.truth(metric));
    let truth = all.fold(1.0, f64::max);
    format!("same code, {} slower on purpose", human::percent(truth - 1.0))
}

/// Operations of a slice for each one that the work handicap adds: with fewer, a slice holds none of
/// them or several, and the median over rounds sees none.
const SPREAD: f64 = 5.0;

/// A slowdown of 2δ, of the kind that the metric can show in slices of this shape; `service_ns` is how
/// long a client's cycle is.
pub(super) fn handicap_of(
    judged: Metric,
    margin: f64,
    (kind, shape): (Kind, &Shape),
    service_ns: u64,
) -> Handicap {
    let work = handicap(judged, margin);
    let Handicap::Work { every } = work else { return work };
    let operations = shape.sessions as f64 * shape.window_ns as f64 / service_ns.max(1) as f64;
    // A turn is one operation a session: the handicap's would come after its end.
    let too_few = kind == Kind::Turns || operations < SPREAD * every as f64;
    let too_few = judged == Metric::Throughput && too_few;
    if too_few { Handicap::Clock { factor: 1.0 + 2.0 * margin } } else { work }
}

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
        assert_eq!(Handicap::Clock { factor: 1.1 }.truth(Metric::Throughput), Some(1.1));
    }

    #[test]
    fn a_slice_that_is_too_short_for_more_work_has_a_slower_clock() {
        let of = |sessions, service_ms: u64| {
            let shape = Shape { sessions, window_ns: 50_000_000, ..Shape::default() };
            handicap_of(Metric::Throughput, 0.05, (Kind::Sliced, &shape), service_ms * 1_000_000)
        };
        assert_eq!(of(64, 5), Handicap::Work { every: 10 });
        assert_eq!(of(1, 20), Handicap::Clock { factor: 1.1 });
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
