//! Known answers: queues whose capacity is a formula, and searches that find nothing.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::record::{Block, Contender, Foul, Outcome, Slice};

/// A queue: mean service rate per second, as a multiple of noise per block.
type Queue = (&'static str, Role, f64);

const LIMIT: &str = "p99<10ms";
/// 400 relaxation times of the reference at its capacity (14 ms each): in shorter windows the
/// tail of a queue is too rarely seen, and comes out short.
const WINDOW: u64 = 6_000_000_000;

/// Exponential gaps and services by Lindley's recursion: response times, ns, and how many ended
/// within ten service times after the window.
fn mm1(rate: f64, mu: f64, random: &mut ChaCha8Rng) -> (Vec<f64>, usize) {
    let (mut due, mut free, mut responses, mut soon) = (0.0, 0.0_f64, Vec::new(), 0);
    let mut draw = |rate: f64| -(1.0 - random.random::<f64>()).ln() / rate * 1e9;
    loop {
        due += draw(rate);
        if due >= WINDOW as f64 {
            return (responses, soon);
        }
        free = free.max(due) + draw(mu);
        responses.push(free - due);
        soon += usize::from(free <= WINDOW as f64 + 10e9 / mu);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times of a test")]
fn trial(id: &str, rate: u64, mu: f64, random: &mut ChaCha8Rng) -> Trial {
    let (responses, soon) = mm1(rate as f64, mu, random);
    let mut response = histogram::empty();
    for ns in &responses {
        response.saturating_record((*ns as u64).max(1));
    }
    let n = responses.len() as u64;
    let slice = Slice {
        window_ns: WINDOW,
        offered: n,
        done: n,
        executed: n,
        saturated: (soon as f64) < 0.99 * n as f64,
        ..Slice::default()
    };
    let mut trial = Trial { contender: id.into(), slices: vec![slice], ..Trial::default() };
    trial.hist.response = histogram::encode(&response).expect("a histogram packs");
    trial
}

/// A search over a ladder of rates, of queues whose speed varies by 1% from block to block.
fn search(ladder: &[u64], blocks: usize, queues: &[Queue]) -> Capacity {
    let mut random = ChaCha8Rng::seed_from_u64(17);
    let contender =
        |(id, role, _): &Queue| Contender { id: (*id).into(), role: *role, ..Contender::default() };
    let mut races: Vec<Race> = ladder
        .iter()
        .map(|rate| Race {
            load: format!("open-{rate}-poisson"),
            contenders: queues.iter().map(contender).collect(),
            ..Race::default()
        })
        .collect();
    for index in 0..blocks {
        let luck: Vec<f64> =
            queues.iter().map(|_| 1.0 + 0.02 * (random.random::<f64>() - 0.5)).collect();
        for (race, rate) in races.iter_mut().zip(ladder) {
            let trials = queues.iter().zip(&luck);
            let trials = trials.map(|((id, _, mu), luck)| trial(id, *rate, mu * luck, &mut random));
            let trials = trials.collect();
            race.blocks.push(Block { index, trials, ..Block::default() });
        }
    }
    Capacity {
        scenario: "made-up".into(),
        objective: LIMIT.into(),
        reference: "ref".into(),
        margin: 0.05,
        blocks,
        races,
        ..Capacity::default()
    }
}

const REF: Queue = ("ref", Role::Model, 1_000.0);
const TWIN: Queue = ("ref+twin", Role::Twin, 1_000.0);

/// As wide as a grid, with fewer steps, where the answer needs no precision.
fn coarse(from: f64) -> Vec<u64> {
    rates(from).into_iter().step_by(2).collect()
}

fn rates(from: f64) -> Vec<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "hundreds")]
    (0..9).map(|i| (from * 1.07_f64.powi(i)) as u64).collect()
}

fn row<'a>(carrying: &'a Carrying, id: &str) -> &'a Row {
    carrying.rows.iter().find(|row| row.contender == id).expect("it raced")
}

#[test]
fn the_capacity_of_a_queue_is_found() {
    let fast = ("fast", Role::Model, 1_150.0);
    let capacity = search(&rates(430.0), 12, &[REF, fast, TWIN]);
    let carrying = judge_capacity(&capacity);
    assert!(!carrying.is_invalid);
    // p99 = ln 100/(μ − λ): 10 ms at μ − 460.5/s.
    for (id, truth) in [("ref", 539.5), ("fast", 689.5)] {
        let row = row(&carrying, id);
        assert_eq!(row.n, 12);
        let (lo, hi) = (row.lo.unwrap(), row.hi.unwrap());
        assert!(lo <= truth && truth <= hi, "{row:?}");
        assert!(hi / lo < 1.1, "{row:?}");
    }
    let verdict = row(&carrying, "fast").verdict.as_ref().unwrap();
    assert_eq!(verdict.verdict, Call::Faster);
    let truth = 539.5 / 689.5;
    assert!(verdict.lo.unwrap() <= truth && truth <= verdict.hi.unwrap(), "{verdict:?}");
    let twin = row(&carrying, "ref+twin").verdict.as_ref().unwrap();
    assert!(twin.lo.unwrap() < 1.0 && 1.0 < twin.hi.unwrap(), "{twin:?}");
    let said = carrying.sentences();
    assert!(said[0].starts_with("ref carries 5") && said[0].ends_with("(the reference)."));
    assert!(said.iter().any(|s| s.starts_with("fast carries 6") && s.contains("× ref (more)")));
}

#[test]
fn a_twin_that_carries_less_voids_the_search() {
    let twin = ("ref+twin", Role::Twin, 900.0);
    let carrying =
        judge_capacity(&search(&coarse(380.0), 8, &[REF, ("b", Role::Model, 1_000.0), twin]));
    assert!(carrying.is_invalid);
    assert_eq!(row(&carrying, "b").verdict.as_ref().unwrap().verdict, Call::Undecided);
    assert!(carrying.sentences()[0].starts_with("INVALID"));
}

#[test]
fn what_lies_beyond_the_grid_is_said_with_what_was_seen() {
    let slow = ("slow", Role::Model, 300.0);
    let fast = ("fast", Role::Model, 9_000.0);
    let carrying = judge_capacity(&search(&coarse(430.0), 8, &[REF, slow, fast, TWIN]));
    let none = row(&carrying, "slow");
    assert_eq!((none.rate, none.lo, none.n), (None, Some(0.0), 8));
    assert_eq!(none.verdict.as_ref().unwrap().verdict, Call::Slower, "{none:?}");
    let all = row(&carrying, "fast");
    assert_eq!((all.rate, all.hi), (None, None));
    assert_eq!(all.verdict.as_ref().unwrap().verdict, Call::Faster, "{all:?}");
    let said = carrying.sentences().join("\n");
    assert!(
        said.contains("slow carries no load of its grid with p99<10ms; at 430/s p99 was"),
        "{said}"
    );
    assert!(said.contains("and it fell behind"), "{said}");
    assert!(said.contains("fast carries every load of its grid with p99<10ms; at 73"), "{said}");
    assert!(said.contains("× or more ref (more)"), "{said}");
}

#[test]
fn nothing_above_the_generators_limit_is_a_servers() {
    let mut capacity = search(&coarse(430.0), 8, &[REF, ("b", Role::Model, 1_000.0), TWIN]);
    // 80% of 600 is below what they carry.
    capacity.ceiling = Some(600.0);
    let carrying = judge_capacity(&capacity);
    let reference = row(&carrying, "ref");
    assert_eq!((reference.rate, reference.lo, reference.hi), (None, Some(480.0), None));
    assert_eq!(row(&carrying, "b").verdict.as_ref().unwrap().verdict, Call::Undecided);
}

#[test]
fn too_few_blocks_say_how_many_are_needed() {
    let carrying = judge_capacity(&search(&coarse(430.0), 3, &[REF, TWIN]));
    assert_eq!((row(&carrying, "ref").lo, row(&carrying, "ref").n), (None, 3));
    assert!(carrying.sentences()[0].contains("3 blocks, and 6 are needed"), "{carrying:?}");
}

#[test]
fn blocks_that_are_not_whole_do_not_count() {
    let mut capacity = search(&coarse(430.0), 8, &[REF, TWIN]);
    capacity.races[4].blocks.pop();
    let cause = "exited with signal 11".to_owned();
    capacity.races[0].blocks[3].trials[0].outcome =
        Outcome::Failed { cause, stderr: String::new() };
    let carrying = judge_capacity(&capacity);
    assert_eq!((row(&carrying, "ref").n, row(&carrying, "ref+twin").n), (6, 7));
}

#[test]
fn an_operation_that_failed_is_missing_once() {
    let failing = |failed: u64| {
        let errors = [("refused".to_owned(), failed)].into();
        let (offered, executed, done) = (1_000, 1_000, 1_000 - failed);
        let slice = Slice { offered, done, executed, errors, ..Slice::default() };
        Trial { slices: vec![slice; 3], ..Trial::default() }
    };
    assert!(!is_saturated(&failing(6)), "99.4% ended well");
    assert!(is_saturated(&failing(11)), "98.9% ended well");
}

#[test]
fn too_few_samples_where_the_objective_is_met_decide_nothing() {
    let fast = ("fast", Role::Model, 5_000.0);
    let judged = |ladder: &[u64]| judge_capacity(&search(ladder, 8, &[REF, fast, TWIN]));
    let verdict = |carrying: &Carrying| row(carrying, "fast").verdict.clone().unwrap();
    // The upper three drown the reference: hundreds of samples that say nothing of its tail. At
    // the lower three, 15 to 20 lie beyond it.
    let carrying = judged(&[250, 290, 330, 1_100, 1_200, 1_300]);
    let few = verdict(&carrying);
    assert_eq!((few.n, few.verdict, few.settle), (8, Call::Undecided, None), "{few:?}");
    assert_eq!(few.marks, [mark::NOT_DECIDABLE]);
    let said = carrying.sentences().join("\n");
    assert!(said.contains(" × or more ref (undecided: too few samples)."), "{said}");
    // Seven of them are enough together, and none by itself.
    let enough = verdict(&judged(&[250, 265, 280, 295, 310, 325, 340, 1_100, 1_200, 1_300]));
    assert_eq!((enough.verdict, enough.marks.len()), (Call::Faster, 0), "{enough:?}");
}

#[test]
fn foul_weather_decides_nothing_and_is_said() {
    let mut capacity = search(&coarse(430.0), 8, &[REF, ("fast", Role::Model, 2_000.0), TWIN]);
    for race in &mut capacity.races {
        race.shape.rounds = 1;
        for block in &mut race.blocks {
            for trial in &mut block.trials {
                std::mem::swap(&mut trial.hist, &mut trial.foul_hist);
            }
            race.foul.push(Foul { block: block.index, ..Foul::default() });
        }
    }
    let carrying = judge_capacity(&capacity);
    let fast = row(&carrying, "fast");
    assert_eq!((fast.n, fast.verdict.as_ref().unwrap().verdict), (8, Call::Undecided));
    assert!(carrying.sentences().iter().any(|said| said.contains("in foul weather")));
}

#[test]
fn nothing_measured_is_nothing_said() {
    assert_eq!(judge_capacity(&Capacity::default()), Carrying::default());
    let empty = judge_capacity(&search(&coarse(430.0), 0, &[REF, TWIN]));
    assert!(empty.sentences()[0].contains("has no capacity"), "{empty:?}");
    let mut odd = search(&coarse(430.0), 8, &[REF, TWIN]);
    odd.objective = "as fast as can be".into();
    assert_eq!(judge_capacity(&odd), Carrying::default());
}
