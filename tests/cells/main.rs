//! Every cell, in every style of load: right answers, slice after slice.

mod course;
mod handicap;
mod lanes;
mod same_work;

use std::sync::LazyLock;

use deadheat::core::{
    cell::Cell,
    protocol::{Done, Numbers, Prepare, Turn},
    rehearsal::Rehearsal,
    sample::fold,
};

use self::course::Course;

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(deadheat::matrix::cells);

/// Check values by client, from slice to slice.
struct Answers {
    expected: Box<dyn Fn(u64) -> u64 + Send>,
    ended: Vec<u64>,
    ops: u64,
}

impl Answers {
    fn new(course: &Course) -> Self {
        let expected = (course.cell.scenario.verifier)(&course.setup()).unwrap();
        let Prepare { sessions, ops_per_sample: ops, .. } = course.prepare;
        Self { expected, ended: vec![0; sessions], ops }
    }

    /// The check value of a client's next sample.
    fn next(&mut self, client: usize) -> u64 {
        let first = self.ended[client];
        self.ended[client] += self.ops;
        let seq = |k| k * self.ended.len() as u64 + client as u64;
        (first..first + self.ops).map(|k| (self.expected)(seq(k))).reduce(fold).unwrap()
    }

    /// Whether all are right.
    fn are_right(&mut self, done: &Done, numbers: &Numbers) -> bool {
        let mut samples = numbers.samples.iter();
        let mut right = true;
        for (client, &count) in done.sessions.iter().enumerate() {
            for _ in 0..count {
                let sample = samples.next().unwrap();
                right &= sample.check == self.next(client);
                right &= sample.intended <= sample.started && sample.started <= sample.finished;
            }
        }
        right && samples.next().is_none()
    }
}

/// Runs a slice on whoever answers with samples, and checks what comes.
fn slice(
    course: &Course,
    child: &mut Rehearsal,
    answers: &mut Answers,
    round: u64,
    turn: &Turn,
) -> Done {
    let name = course.name();
    let mut arrivals = course.load.schedule(20_000_000, round);
    if (course.cell.scenario.describe)().solo_steps > 0 {
        arrivals.truncate(1);
    }
    let for_ns = if arrivals.is_empty() { 20_000_000 } else { 0 };
    let turn = Turn { for_ns, drain_ns: 1_000_000_000, ..turn.clone() };
    let offered = arrivals.len();
    let mut answer = || {
        let answer = child.slice(&turn, arrivals.clone());
        answer.unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let (mut done, mut numbers) = answer();
    while done.samples == 0 && done.errors.is_empty() && for_ns > 0 {
        // On a busy machine a slice may be over before anybody has got to run.
        (done, numbers) = answer();
    }
    assert!(done.samples > 0 && done.errors.is_empty(), "{name}: {done:?}");
    if for_ns == 0 {
        assert_eq!(numbers.samples.len() + numbers.censored.len(), offered, "{name}");
    }
    assert!(answers.are_right(&done, &numbers), "{name}: wrong answers");
    // Off by what the harness's thread ran between the two clocks of a reading.
    assert!(done.end.unwrap().cpu_ns + 1_000_000 >= done.begin.unwrap().cpu_ns, "{name}");
    done
}

fn rehearse_client(mut course: Course) {
    let peers = course.peers();
    let mut answers = Answers::new(&course);
    let mut contender = Rehearsal::start(course.cells, course.prepare.clone())
        .unwrap_or_else(|error| panic!("{}: {error}", course.name()));
    let rounds = match (course.cell.scenario.describe)().solo_steps {
        0 => 3,
        steps => steps as u64,
    };
    let executed = (0..rounds)
        .map(|round| slice(&course, &mut contender, &mut answers, round, &Turn::default()).samples);
    let executed: u64 = executed.sum();
    // In a window on a busy machine a session may come too late; not in all of them.
    assert!(executed > 0, "{}", course.name());
    contender.quit().unwrap();
    for peer in peers {
        let counts = peer.quit().unwrap().counts;
        assert_eq!(counts.map(|counts| counts.done), Some(executed), "{}", course.name());
    }
}

fn rehearse_service(mut course: Course) {
    let mut generator = course.peers().pop().unwrap();
    let mut answers = Answers::new(&course);
    let mut server = Rehearsal::start(course.cells, course.prepare.clone()).unwrap();
    let turn = Turn { target: server.ready.addr, ..Turn::default() };
    generator.slice(&turn, Vec::new()).unwrap();
    let mut executed = 0;
    for round in 0..3 {
        server.slice(&Turn::default(), Vec::new()).unwrap();
        let done = slice(&course, &mut generator, &mut answers, round, &turn);
        executed += done.samples;
        assert_eq!(done.counts.map(|counts| counts.done), Some(executed), "{}", course.name());
        assert!(done.facts["busy_ns"].as_u64().unwrap() > 0);
    }
    // It lets go of all servers, so that they can end.
    generator.slice(&Turn { let_go: true, ..Turn::default() }, Vec::new()).unwrap();
    server.quit().unwrap();
    generator.quit().unwrap();
}

fn rehearse(server: bool, loads: &[&str]) {
    for cell in CELLS.iter().filter(|cell| cell.scenario.server == server) {
        let solo = (cell.scenario.describe)().solo_steps > 0;
        for load in loads.iter().filter(|load| !solo || load.starts_with("batch")) {
            let course = Course::new(&CELLS, cell, load);
            match (course.fits(), server) {
                (false, _) => {}
                (true, false) => rehearse_client(course),
                (true, true) => rehearse_service(course),
            }
        }
    }
}

#[test]
fn clients_get_right_answers_slice_after_slice() {
    let loads = ["closed-4", "closed-3-spawn", "open-2000-poisson", "open-2000-spawn", "batch-20"];
    rehearse(false, &loads);
}

#[test]
fn servers_give_right_answers_slice_after_slice() {
    rehearse(true, &["closed-4", "closed-4-think-1ms", "open-2000-poisson", "batch-20"]);
}

#[test]
fn parameters_reach_both_ends() {
    for (scenario, load, params) in [
        ("http-fanout", "closed-4", "conn=new,think=0ms"),
        ("tcp-echo", "closed-4", "bytes=100000"),
        ("gather", "batch-3", "delays=1+1+1+1,unit=1ms"),
        ("sha256", "closed-4", "ops=50,bytes=1"),
        ("sha256", "open-500", "handoff=pool"),
        ("sha256", "batch-20", "handoff=rayon"),
        ("ping-pong", "batch-20", "conns=2"),
        ("echo-server", "closed-4", "bytes=1000000"),
        ("echo-server", "open-200", "bytes=8"),
    ] {
        for cell in CELLS.iter().filter(|cell| cell.scenario.id == scenario) {
            let course = Course::with(&CELLS, cell, load, params);
            match (course.fits(), cell.scenario.server) {
                (false, _) => {}
                (true, false) => rehearse_client(course),
                (true, true) => rehearse_service(course),
            }
        }
    }
}

#[test]
fn what_the_drain_did_not_wait_for_is_censored() {
    for cell in CELLS.iter().filter(|cell| cell.scenario.id == "sleep") {
        let mut course = Course::with(&CELLS, cell, "batch-40", "for=20ms");
        course.prepare.sessions = 1;
        let mut contender = Rehearsal::start(&CELLS, course.prepare.clone()).unwrap();
        let turn = Turn { drain_ns: 1, ..Turn::default() };
        for _ in 0..2 {
            let (done, numbers) = contender.slice(&turn, vec![0; 40]).unwrap();
            assert!(!numbers.censored.is_empty(), "{}: {done:?}", course.name());
            assert_eq!(numbers.samples.len() + numbers.censored.len(), 40, "{}", course.name());
            assert!(numbers.censored.iter().all(|&due| due == 0), "intended with the others");
        }
        contender.quit().unwrap();
    }
}
