//! How long a slice of a light open load takes to settle: latency by the time since the slice
//! began, in slices among others and alone without a pause. A measurement, not a test.
//!
//! ```text
//! cargo test --release --test settling -- --ignored --nocapture
//! ```

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use deadheat::core::{
    cell::Cell,
    protocol::{Done, Numbers},
    race::{
        self, Plan,
        child::Processes,
        plan::{Effort, Wish},
    },
    record::Kind,
    scenario::Params,
};

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(deadheat::matrix::cells);

const MS: u64 = 1_000_000;

/// Of a slice among others, ns: lead-in and window as they are in a race.
const WINDOW: u64 = 95 * MS;

/// Of a slice alone, ns.
const ALONE: u64 = 400 * MS;

/// What is told together, ns.
const STEP: u64 = 5 * MS;

/// Service times by the step of the slice in which they began, ns.
type Curve = BTreeMap<u64, Vec<u64>>;

/// The reference and its twins on a server under a light load, nothing of which is cut off.
fn plan() -> Plan {
    let chosen =
        |cell: &&Cell| cell.scenario.id == "echo-server" && cell.model.id == "threads/per-task";
    let cells: Vec<Cell> = CELLS.iter().filter(chosen).cloned().collect();
    let effort = Effort { blocks: 1, rounds: 8, warmup: 2, long_rounds: 1, window: None };
    let wish = Wish {
        params: Params::parse("", (cells[0].scenario.describe)().params).unwrap(),
        load: "open-2000-poisson".parse().unwrap(),
        placement: "split",
        name_placement: true,
        effort,
        seed: 7,
        reference: None,
        controls: true,
        external: Vec::new(),
        margin: BTreeMap::new(),
        keep_slices: false,
    };
    let mut plan = Plan::new(&cells[0].scenario, &cells, wish);
    (plan.shape.lead_ns, plan.shape.window_ns) = (0, WINDOW);
    plan
}

fn alone(mut plan: Plan) -> Plan {
    plan.entrants.truncate(1);
    plan.kind = Kind::Solo;
    (plan.shape.rounds, plan.shape.warmup, plan.shape.window_ns) = (1, 0, ALONE);
    plan
}

/// Races it once more. Warm-up slices, which are shorter, do not count.
fn add_to(curve: &Arc<Mutex<Curve>>, plan: &Plan) {
    let (kept, least) = (Arc::clone(curve), plan.shape.window_ns / 2);
    let tap = move |_: &str, done: &Done, numbers: &Numbers| {
        if done.span_ns > least {
            let mut curve = kept.lock().unwrap();
            for sample in &numbers.samples {
                let steps = curve.entry(sample.intended / STEP).or_default();
                steps.push(sample.finished - sample.started);
            }
        }
    };
    let launcher = Processes::of(env!("CARGO_BIN_EXE_deadheat")).tapped(Arc::new(tap));
    let mut race = race::begin(plan);
    race::run(plan, &launcher, &mut race, &mut |_, _| ControlFlow::Continue(())).unwrap();
}

fn shown(of: Option<&mut Vec<u64>>) -> String {
    let Some(of) = of else { return String::new() };
    of.sort_unstable();
    let at = |percent: usize| Duration::from_nanos(of[of.len() * percent / 100]);
    format!("{:?}, {:?} ({})", at(10), at(50), of.len())
}

#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "its result is what it prints")]
fn latency_by_the_time_since_a_slice_began() {
    let (sliced, whole) = (Arc::default(), Arc::default());
    let plan = plan();
    for _ in 0..24 {
        add_to(&sliced, &plan);
        add_to(&whole, &alone(plan.clone()));
    }
    let [mut sliced, mut whole] = [sliced, whole].map(|curve| curve.lock().unwrap().clone());
    eprintln!("from    p10, p50 (operations) in slices    alone without a pause");
    for step in 0..WINDOW / STEP {
        let [sliced, whole] = [&mut sliced, &mut whole].map(|curve| shown(curve.get_mut(&step)));
        eprintln!("{:>3} ms  {sliced:<34}  {whole}", step * STEP / MS);
    }
    let mut later: Vec<u64> = whole.split_off(&(WINDOW / STEP)).into_values().flatten().collect();
    eprintln!("later   {:<34}  {}", "", shown(Some(&mut later)));
}
