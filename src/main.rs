//! The command line.

use std::{ops::ControlFlow, process::ExitCode};

use deadheat::core::{
    duration,
    race::{
        self, Plan, Progress, child,
        plan::{Effort, Wish},
    },
    scenario::Params,
};

fn main() -> ExitCode {
    let cells = deadheat::matrix::cells();
    if child::is_child(std::env::args_os()) {
        return match child::be_child(&cells) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let args: Vec<String> = std::env::args().collect();
    let cells: Vec<_> = cells.into_iter().filter(|c| c.scenario.id == args[1]).collect();
    let effort = Effort {
        blocks: 12,
        rounds: 6,
        warmup: 2,
        long_rounds: 1,
        window: args.get(4).map(|w| duration::parse(w).unwrap()),
    };
    let about = (cells[0].scenario.describe)();
    let plan = Plan::new(
        &cells,
        Wish {
            params: Params::parse("", about.params).unwrap(),
            load: args[2].parse().unwrap(),
            placement: &args[3],
            name_placement: false,
            effort,
            seed: 7,
            reference: None,
            twin: true,
            external: vec![],
            margin: Default::default(),
            keep_slices: false,
        },
    );
    println!("{} {:?} {:?}", plan.id(), plan.estimate(), plan.shape);
    let launcher = child::Processes::of_this_program().unwrap();
    let mut race = race::begin(&plan);
    let t = std::time::Instant::now();
    let r = race::run(&plan, &launcher, &mut race, &mut |_, p| {
        if p == Progress::Block {
            eprint!(".");
        }
        ControlFlow::Continue(())
    });
    println!("{r:?} {:?}", t.elapsed());
    for c in &race.contenders {
        let mut rows = vec![];
        for (_, t) in race.trials(&c.id) {
            rows.push((
                t.slices.iter().map(|s| s.done as f64 / s.window_ns as f64 * 1e9).sum::<f64>()
                    / t.slices.len() as f64,
                t.slices.iter().map(|s| s.p99_ns).max(),
                t.slices.iter().map(|s| s.cpu_turn_ns).sum::<u64>() as f64
                    / t.slices.iter().map(|s| s.executed).sum::<u64>() as f64,
                t.outcome.clone(),
                t.resources,
            ));
        }
        println!("{} {:?}", c.id, c.fits);
        let mut x: Vec<f64> = rows.iter().map(|r| r.0).collect();
        x.sort_by(f64::total_cmp);
        println!(
            "   {:?} .. {:?} .. {:?}; {:?}",
            x.first(),
            x.get(x.len() / 2),
            x.last(),
            rows.first()
        );
    }
    std::fs::write("/tmp/race.json", serde_json::to_vec(&race).unwrap()).unwrap();
    ExitCode::SUCCESS
}
