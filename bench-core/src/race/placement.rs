//! Which CPUs the processes of a race run on, and what that means for its results.

use crate::{
    race::weather::Barometer,
    record::{Placement, Warning},
};

/// CPU sets for a placement. With one CPU they are all the same, whatever is asked for.
pub fn place(name: &str, available: &[usize]) -> Placement {
    let (sut, peer, harness) = match (name, available) {
        ("same", [first, rest @ ..]) if !rest.is_empty() => {
            (vec![*first], vec![*first], vec![rest[rest.len() - 1]])
        }
        ("split", [first, last]) => (vec![*first], vec![*last], vec![*last]),
        ("split", [all @ .., last]) if all.len() >= 2 => {
            let (sut, peer) = all.split_at(all.len() / 2);
            (sut.to_vec(), peer.to_vec(), vec![*last])
        }
        _ => (available.to_vec(), available.to_vec(), available.to_vec()),
    };
    Placement { name: name.into(), sut, peer, harness, ..Placement::default() }
}

pub(super) fn disjoint(a: &[usize], b: &[usize]) -> bool {
    !a.is_empty() && a.iter().all(|cpu| !b.contains(cpu))
}

pub(super) fn warn_of_cpus(placement: &Placement, available: &[usize]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if available.len() < 2 && placement.name != "free" {
        warnings.push(Warning {
            code: "one-cpu".into(),
            text: format!("placement {} needs two CPUs, and there is one", placement.name),
            advice: "give the process more CPUs".into(),
        });
    }
    if placement.sut.len() == 1 {
        warnings.push(Warning {
            code: "one-worker".into(),
            text: format!(
                "with placement {} every runtime has one worker: work stealing is not tested",
                placement.name
            ),
            advice: "--placement free".into(),
        });
    }
    warnings
}

pub(super) fn warn_of_weather(cpus: &[usize]) -> Option<Warning> {
    (!Barometer::new(cpus).resolves_a_slice()).then(|| Warning {
        code: "no-weather".into(),
        text: "no counter here tells what others use of these CPUs within a slice: foul weather \
               shows only in the controls"
            .into(),
        advice: "run outside of a container, or with the root control group in sight".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placements_share_or_part_the_cpus() {
        let sets = |name, cpus: &[usize]| {
            let Placement { sut, peer, harness, .. } = place(name, cpus);
            (sut, peer, harness)
        };
        assert_eq!(sets("same", &[0, 1]), (vec![0], vec![0], vec![1]));
        assert_eq!(sets("split", &[0, 1]), (vec![0], vec![1], vec![1]));
        assert_eq!(sets("split", &[0, 1, 2, 3, 4]), (vec![0, 1], vec![2, 3], vec![4]));
        assert_eq!(sets("free", &[2, 3]), (vec![2, 3], vec![2, 3], vec![2, 3]));
        assert_eq!(sets("same", &[5]), (vec![5], vec![5], vec![5]));
    }
}
