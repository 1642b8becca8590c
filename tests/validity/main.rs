//! Every rule of validity, provoked for real: neighbours, limits, starved generators, full queues,
//! contenders that shorten their times, servers that fall behind.
//!
//! What is made of the readings is proven on races that are made up, in the statistics' own tests.

use std::{collections::BTreeMap, ops::ControlFlow, sync::LazyLock, time::Duration};

use deadheat::core::{
    cell::Cell,
    race::{
        self, Plan,
        child::Processes,
        plan::{Effort, Wish},
    },
    record::Race,
    scenario::Params,
};

mod load;
mod neighbours;

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(deadheat::matrix::cells);

/// A small race: 2 blocks of 2 rounds.
fn plan(scenario: &str, models: &[&str], load: &str, placement: &str) -> Plan {
    let chosen = |cell: &&Cell| cell.scenario.id == scenario && models.contains(&cell.model.id);
    let cells: Vec<Cell> = CELLS.iter().filter(chosen).cloned().collect();
    let effort = Effort {
        blocks: 2,
        rounds: 2,
        warmup: 1,
        long_rounds: 1,
        window: Some(Duration::from_millis(40)),
    };
    let wish = Wish {
        params: Params::parse("", (cells[0].scenario.describe)().params).unwrap(),
        load: load.parse().unwrap(),
        placement,
        name_placement: false,
        effort,
        seed: 7,
        reference: None,
        controls: true,
        external: Vec::new(),
        margin: BTreeMap::new(),
        keep_slices: false,
    };
    Plan::new(&cells[0].scenario.clone(), &cells, wish)
}

fn run(plan: &Plan) -> Race {
    let processes = Processes::of(env!("CARGO_BIN_EXE_deadheat"));
    let mut race = race::begin(plan);
    race::run(plan, &processes, &mut race, &mut |_, _| ControlFlow::Continue(())).unwrap();
    race
}

/// Says that a test could not be done here, and why: in its output, so that it is seen.
#[expect(clippy::print_stdout, reason = "that a test was skipped must be seen")]
fn skipped(why: &str) {
    println!("skipped: {why}");
}
