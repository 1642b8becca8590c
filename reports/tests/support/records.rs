//! Records made up for tests and for looking at: seeded, nothing is measured.

#![allow(dead_code, reason = "each test and the example use some of them")]

use deadheat_core::{
    record::{
        Block, Contender, Fits, Foul, Histograms, Kind, Machine, Metric, Outcome, Placement,
        Program, Race, Record, Resources, Role, Run, SCHEMA, Shape, Slice, Status, Trial, Warning,
    },
    stats::{histogram, judge},
};
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// What a made-up model costs.
#[derive(Clone, Copy)]
struct Runner {
    id: &'static str,
    /// Cost of an operation, relative to the reference.
    cost: f64,
    /// How heavy its tail is.
    tail: f64,
    /// Spread between blocks.
    noise: f64,
    workers: usize,
    memory_mib: f64,
    /// Bytes per waiting unit.
    unit: f64,
}

const fn runner(
    id: &'static str,
    cost: f64,
    tail: f64,
    noise: f64,
    workers: usize,
    memory_mib: f64,
    unit: f64,
) -> Runner {
    Runner { id, cost, tail, noise, workers, memory_mib, unit }
}

const RUNNERS: [Runner; 9] = [
    runner("threads/per-task", 1.0, 0.20, 0.010, 16, 2.9, 30_300.0),
    runner("threads/pool-64", 1.035, 0.22, 0.012, 64, 4.1, 30_900.0),
    runner("rayon/pool", 1.44, 0.45, 0.020, 2, 3.3, 0.0),
    runner("tokio/current-thread", 0.815, 0.14, 0.008, 1, 3.4, 468.0),
    runner("tokio/multi-thread", 0.84, 0.16, 0.012, 2, 3.9, 481.0),
    runner("smol/single", 0.822, 0.15, 0.009, 1, 3.1, 389.0),
    runner("smol/multi", 0.97, 0.30, 0.060, 2, 3.5, 402.0),
    runner("async-std/default", 1.06, 0.33, 0.025, 2, 4.6, 655.0),
    runner("blocking/sequential", 15.8, 0.10, 0.015, 1, 2.4, 0.0),
];

/// Three races, everything went well.
pub(crate) fn ordinary() -> Record {
    let mut record = frame();
    record.races = vec![tcp_echo(12), http_server(12), idle_tasks(12), gather(12)];
    finish(record)
}

/// Failures, what does not fit, a race cut short, one that is invalid, one that never ran.
pub(crate) fn failures() -> Record {
    let mut record = frame();
    record.warnings = vec![Warning {
        code: "governor".into(),
        text: "the CPU governor is \"powersave\"".into(),
        advice: "set it to \"performance\" while measuring".into(),
    }];
    let mut cut = tcp_echo(3);
    cut.status = Status::Cut;
    fail(&mut cut, "rayon/pool", 9, "exited with signal 11");
    let mut partly = tcp_echo(12);
    partly.id = "tcp-echo/closed-16/bytes=4096".into();
    fail(&mut partly, "async-std/default", 2, "no answer within 10 s");
    fail(&mut partly, "rayon/pool", 99, "3 of 2000 check values are wrong");
    partly.foul = vec![Foul {
        block: 2,
        round: 1,
        reason: "foreign load 12% of the slice (limit 5%)".into(),
        contenders: vec!["threads/per-task".into()],
    }];
    let mut invalid = tcp_echo(12);
    invalid.id = "tcp-echo/closed-16/bytes=65536".into();
    for trial in invalid.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        if trial.contender.ends_with("+twin") {
            trial.slices.iter_mut().for_each(|slice| slice.done = slice.done * 9 / 10);
        }
    }
    let mut never = tcp_echo(0);
    never.id = "tcp-echo/closed-50000".into();
    never.status = Status::Failed("the echo server did not start: address in use".into());
    record.races = vec![cut, partly, invalid, never];
    finish(record)
}

/// Every text tries to be something else.
pub(crate) fn hostile() -> Record {
    let mut record = frame();
    let evil = "</title></svg><script>alert(1)</script>'\"|`*\\_[x](javascript:alert(2))\x1b[31m\u{202E}@all #1";
    record.run.profile = evil.into();
    record.run.program.version = evil.into();
    record.machine.cpu = evil.into();
    record.warnings = vec![Warning { code: evil.into(), text: evil.into(), advice: evil.into() }];
    let mut race = tcp_echo(12);
    let rename = |id: &str| id.replace("tokio/multi-thread", evil);
    race.id = format!("{evil}/closed-16");
    race.operation = evil.into();
    race.placement.name = evil.into();
    race.params.insert(evil.into(), evil.into());
    for contender in &mut race.contenders {
        contender.id = rename(&contender.id);
        contender.note = evil.into();
        if let Fits::NotApplicable(reason) = &mut contender.fits {
            *reason = evil.into();
        }
    }
    for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        trial.contender = rename(&trial.contender);
    }
    fail(&mut race, "rayon/pool", 99, evil);
    record.races = vec![race];
    finish(record)
}

/// The smallest race with everything in it.
pub(crate) fn small() -> Record {
    let mut record = frame();
    let mut race = tcp_echo(12);
    let kept = ["threads/per-task", "threads/per-task+twin", "tokio/multi-thread"];
    race.contenders.retain(|contender| kept.contains(&contender.id.as_str()));
    for block in &mut race.blocks {
        block.trials.retain(|trial| kept.contains(&trial.contender.as_str()));
    }
    record.races = vec![race];
    finish(record)
}

/// Scenarios under several loads, one of them beyond what threads carry.
pub(crate) fn loads() -> Record {
    let mut record = ordinary();
    let (echo, server) = (record.races[0].clone(), record.races[1].clone());
    for (step, clients) in [1, 64].into_iter().enumerate() {
        record.races.push(under(&echo, &format!("closed-{clients}"), 0.4 + step as f64));
    }
    for (step, rate) in [2_000, 8_000, 12_000].into_iter().enumerate() {
        record.races.push(under(&server, &format!("open-{rate}-poisson"), 0.8 + 0.3 * step as f64));
    }
    let last = record.races.last_mut().expect("some were pushed");
    let trials = last.blocks.iter_mut().flat_map(|block| &mut block.trials);
    for slice in trials
        .filter(|trial| trial.contender.starts_with("threads"))
        .flat_map(|trial| &mut trial.slices)
    {
        slice.offered = slice.done * 2;
    }
    record.races.iter_mut().for_each(timed);
    finish(record)
}

/// Gives single slices their latencies, which move a little from round to round, and the CPU time
/// of their own turn.
fn timed(race: &mut Race) {
    if race.primary == Metric::Memory {
        return;
    }
    for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        let runner = runner_of(&trial.contender);
        for slice in &mut trial.slices {
            let typical = 190_000.0 * runner.cost;
            let (tail, most) = (2 + slice.round * 7 % 5, 2 + slice.round * 11 % 7);
            slice.p50_ns = whole(typical * (1.0 + 0.01 * most as f64));
            slice.p99_ns = whole(typical * (1.0 + runner.tail * tail as f64));
            slice.max_ns = whole(typical * most as f64);
            slice.cpu_ns = slice.cpu_turn_ns;
        }
    }
}

/// The same race under another load, at which it does more.
fn under(race: &Race, load: &str, factor: f64) -> Race {
    let mut race = race.clone();
    race.id = format!("{}/{load}", race.scenario);
    race.load = load.into();
    let trials = race.blocks.iter_mut().flat_map(|block| &mut block.trials);
    for slice in trials.flat_map(|trial| &mut trial.slices) {
        slice.done = whole(slice.done as f64 * factor).max(1);
        slice.offered = slice.done;
    }
    race
}

/// A thousand cells in a hundred races. Their verdicts are those of two, which is quicker.
pub(crate) fn huge() -> Record {
    let mut record = frame();
    record.races = vec![tcp_echo(16), http_server(16)];
    let mut record = finish(record);
    let (echo, server) = (record.races[0].clone(), record.races[1].clone());
    record.races.clear();
    for step in 1..=50 {
        record.races.push(under(&echo, &format!("closed-{step}"), f64::from(step) / 16.0));
        let load = format!("open-{}-poisson", 100 * step);
        record.races.push(under(&server, &load, f64::from(step) / 40.0));
    }
    record.races.iter_mut().for_each(timed);
    record
}

/// Nothing at all.
pub(crate) fn empty() -> Record {
    Record { schema: SCHEMA.into(), ..Record::default() }
}

fn frame() -> Record {
    Record {
        schema: SCHEMA.into(),
        run: Run {
            id: "20260102T030405Z-1a2b".into(),
            started: "2026-01-02T03:04:05Z".into(),
            command: vec!["deadheat".into(), "run".into()],
            profile: "default".into(),
            seed: 42,
            program: Program { version: "0.1.0".into(), ..Program::default() },
            ..Run::default()
        },
        machine: Machine {
            os: "linux".into(),
            kernel: "6.1.0-18-amd64".into(),
            cpu: "AMD EPYC 7B13".into(),
            cpus: 2,
            memory: Some(4_109_697_024),
            virtualisation: Some("kvm".into()),
            ..Machine::default()
        },
        ..Record::default()
    }
}

fn finish(mut record: Record) -> Record {
    for race in &mut record.races {
        let judgement = judge(race);
        race.verdicts = judgement.verdicts;
        race.controls = judgement.controls;
    }
    record
}

fn fail(race: &mut Race, id: &str, blocks: usize, cause: &str) {
    for block in race.blocks.iter_mut().take(blocks) {
        for trial in block.trials.iter_mut().filter(|trial| trial.contender == id) {
            trial.outcome = Outcome::Failed { cause: cause.into(), stderr: String::new() };
        }
    }
}

fn tcp_echo(blocks: usize) -> Race {
    let mut race = race("tcp-echo", "closed-16", blocks, 190_400.0, 16.0, 7_400.0);
    race.operation =
        "one 64-byte message to an echo server over a kept connection, and back".into();
    race
}

fn http_server(blocks: usize) -> Race {
    let mut race = race("http-server", "open-4000-poisson", blocks, 61_000.0, 1.0, 27_000.0);
    race.operation = "one GET answered with a JSON reply, arrivals fixed beforehand".into();
    race.primary = Metric::P99;
    race.placement.name = "split".into();
    race
}

fn gather(blocks: usize) -> Race {
    let mut race = race("gather", "batch-8", blocks, 20_000_000.0, 1.0, 41_000.0);
    race.operation = "eight sleeps of 20 ms to 160 ms, all awaited".into();
    race.kind = Kind::Turns;
    race.primary = Metric::Makespan;
    race
}

fn idle_tasks(blocks: usize) -> Race {
    let mut race = race("idle-tasks", "batch-1", blocks, 20_000.0, 1.0, 0.0);
    race.id = "idle-tasks/batch-1".into();
    race.operation = "one task that waits".into();
    race.kind = Kind::Solo;
    race.primary = Metric::Memory;
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for block in &mut race.blocks {
        block.trials.retain(|trial| runner_of(&trial.contender).unit > 0.0);
        for trial in &mut block.trials {
            let runner = runner_of(&trial.contender);
            trial.hist = Histograms::default();
            let largest = if runner.unit > 10_000.0 { 5_000 } else { 50_000 };
            let unit = runner.unit * (1.0 + 0.02 * (rng.random::<f64>() - 0.5));
            trial.slices = (1..=5)
                .map(|step| {
                    let units = largest / 5 * step;
                    let pages = 65_536.0 * rng.random::<f64>();
                    Slice {
                        units: Some(units),
                        memory: Some(whole(2.2e6 + unit * units as f64 + pages)),
                        ..Slice::default()
                    }
                })
                .collect();
        }
    }
    for contender in &mut race.contenders {
        if runner_of(&contender.id).unit == 0.0 {
            contender.fits = Fits::NotApplicable("a waiting task holds a worker".into());
        }
    }
    race
}

fn runner_of(id: &str) -> Runner {
    let id = id.trim_end_matches("+twin");
    *RUNNERS.iter().find(|runner| runner.id == id).expect("a known runner")
}

fn race(
    scenario: &str,
    load: &str,
    blocks: usize,
    typical_ns: f64,
    sessions: f64,
    cpu_ns: f64,
) -> Race {
    let mut rng = ChaCha8Rng::seed_from_u64(1_234);
    let mut runners = RUNNERS.to_vec();
    runners.push(Runner { id: "threads/per-task+twin", ..RUNNERS[0] });
    let open = load.starts_with("open-");
    let batch = load.starts_with("batch-");
    Race {
        id: format!("{scenario}/{load}"),
        scenario: scenario.into(),
        load: load.into(),
        placement: Placement {
            name: "same".into(),
            sut: vec![1],
            peer: vec![1],
            ..Placement::default()
        },
        shape: Shape {
            blocks: 12,
            rounds: 6,
            window_ns: 25_000_000,
            sessions: 16,
            ..Shape::default()
        },
        reference: "threads/per-task".into(),
        status: Status::Complete,
        contenders: runners.iter().map(|runner| contender(runner, open)).collect(),
        blocks: (0..blocks)
            .map(|index| Block {
                index,
                trials: runners
                    .iter()
                    .filter(|runner| !(open && runner.id.starts_with("blocking")))
                    .map(|runner| {
                        trial(runner, (typical_ns, cpu_ns), sessions, (open, batch), &mut rng)
                    })
                    .collect(),
                ..Block::default()
            })
            .collect(),
        ..Race::default()
    }
}

fn contender(runner: &Runner, open: bool) -> Contender {
    let twin = runner.id.ends_with("+twin");
    let fits = if open && runner.id.starts_with("blocking") {
        Fits::NotApplicable("it serves one connection at a time, and the load opens 32".into())
    } else {
        Fits::Yes
    };
    let note = if runner.id.starts_with("async-std") { "legacy, discontinued" } else { "" };
    Contender {
        id: runner.id.into(),
        model: runner.id.trim_end_matches("+twin").into(),
        role: if twin { Role::Twin } else { Role::Model },
        workers: Some(runner.workers),
        fits,
        note: note.into(),
        ..Contender::default()
    }
}

fn trial(
    runner: &Runner,
    (typical, cpu): (f64, f64),
    sessions: f64,
    (open, batch): (bool, bool),
    rng: &mut ChaCha8Rng,
) -> Trial {
    let weather = (runner.noise * normal(rng)).exp();
    let mut service = histogram::empty();
    let mut response = histogram::empty();
    for _ in 0..2_000 {
        let spike =
            if rng.random::<f64>() < 0.004 { 1.0 + 14.0 * rng.random::<f64>() } else { 1.0 };
        let value = typical * runner.cost * weather * (runner.tail * normal(rng)).exp() * spike;
        service.saturating_record_n(whole(value), 10);
        if open || batch {
            let queue = 1.0 + runner.tail * 3.0 * rng.random::<f64>().powi(6) * 4.0;
            response.saturating_record_n(whole(value * queue), 10);
        }
    }
    let slices = (0..6)
        .map(|round| {
            let per_op = typical * runner.cost * weather * (0.01 * normal(rng)).exp() / sessions;
            let done = if batch {
                8
            } else if open {
                100
            } else {
                whole(25e6 / per_op)
            };
            Slice {
                round,
                window_ns: if batch { whole(per_op * 8.0) } else { 25_000_000 },
                offered: done,
                done,
                executed: done + 40,
                cpu_turn_ns: whole((done + 40) as f64 * cpu * runner.cost.min(2.0) * weather),
                cpu_ns: whole((done + 40) as f64 * cpu * runner.cost.min(2.0) * weather),
                voluntary: Some(done * 2 + 80),
                involuntary: Some(done / 50),
                ..Slice::default()
            }
        })
        .collect();
    let pack = |h| histogram::encode(h).expect("a histogram packs");
    Trial {
        contender: runner.id.into(),
        hist: Histograms { service: pack(&service), response: pack(&response), lag: String::new() },
        resources: Resources {
            threads_peak: Some(runner.workers as u64 + 1),
            rss_peak: Some(whole(runner.memory_mib * 1_048_576.0)),
            kernel_stack: Some(16_384 * runner.workers as u64),
            page_tables: Some(90_112),
            ..Resources::default()
        },
        slices,
        ..Trial::default()
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (u, v) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "made-up sizes are small"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
