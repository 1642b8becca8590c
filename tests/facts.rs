//! What scenarios report besides samples: what they really saw, and really created.

use std::sync::LazyLock;

use deadheat::core::{
    cell::Cell,
    protocol::{Done, Prepare, Turn},
    rehearsal::Rehearsal,
};

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(deadheat::matrix::cells);

fn contender(scenario: &str, model: &str, load: &str, params: &[(&str, &str)]) -> Rehearsal {
    let params = params.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let prepare = Prepare {
        scenario: scenario.into(),
        model: model.into(),
        params: params.collect(),
        load: load.into(),
        sessions: 1,
        ops_per_sample: 1,
        ..Prepare::default()
    };
    Rehearsal::start(&CELLS, prepare).unwrap()
}

/// Runs `count` operations, one slice each.
fn operations(contender: &mut Rehearsal, count: usize) -> Vec<Done> {
    let turn = Turn { drain_ns: 10_000_000_000, ..Turn::default() };
    (0..count).map(|_| contender.slice(&turn, vec![0]).unwrap().0).collect()
}

#[test]
fn one_thing_after_the_other_ends_in_the_order_of_its_start() {
    let params = [("delays", "20+1"), ("unit", "10ms")];
    for (model, order, out_of_order) in
        [("blocking/sequential", [0, 1], 2), ("threads/per-task", [1, 0], 0)]
    {
        let mut contender = contender("gather", model, "batch-1", &params);
        let last = operations(&mut contender, 2).pop().unwrap();
        assert_eq!(last.facts["completion_order"], serde_json::json!(order), "{model}");
        assert_eq!(last.facts["out_of_order"], out_of_order, "{model}");
        assert_eq!(last.facts["operations"], 2, "{model}");
        assert_eq!(last.units, 4, "{model}");
        contender.quit().unwrap();
    }
}

#[test]
fn idle_tasks_are_counted_when_they_have_run() {
    let mut contender = contender("idle-tasks", "threads/per-task", "batch-12", &[]);
    let units: Vec<_> = operations(&mut contender, 6).iter().map(|done| done.units).collect();
    assert_eq!(units, [2, 4, 7, 9, 12, 12]);
    contender.quit().unwrap();
}

#[test]
fn each_round_trip_is_two_hand_overs() {
    let mut contender = contender("ping-pong", "threads/per-task", "batch-5", &[]);
    let turn = Turn { drain_ns: 10_000_000_000, ..Turn::default() };
    for round in 1..=3 {
        let (done, _) = contender.slice(&turn, vec![0; 5]).unwrap();
        assert_eq!((done.samples, done.units), (5, 1));
        assert_eq!(done.facts["hand_overs"], round * 10);
    }
    contender.quit().unwrap();
}
