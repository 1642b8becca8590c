//! How much the generator can send at most: to a server that does nothing, in seven turns of 0.2 s.
//!
//! A capacity near this is the generator's, and not told as a server's (METHODOLOGY.md, "Capacity").

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use deadheat_core::{
    load::{Arrivals, Load},
    net,
    protocol::{Done, Prepare, Turn},
    race::{Launcher, Plan},
    resource,
    scenario::Params,
};
use deadheat_scenarios::{
    http,
    peer::{
        generator::{Echo, Exchange},
        null,
    },
};

/// How long each turn lasts, ns; their median counts.
const TURNS: [u64; 7] = [200_000_000; 7];

/// The longest message that comes in one piece over the loopback, bytes. `null` takes each piece
/// for a request.
const ONE_PIECE: usize = 16 << 10;

/// What a server that only pretends answers, whatever it is asked: it must be an answer that the
/// scenario's generator takes. Which number is in it does not matter, for nobody verifies it here.
fn answer(scenario: &str, params: &Params) -> Option<Vec<u8>> {
    match scenario {
        "http-server" => Some(http::answer_bytes(0)),
        "echo-server" => {
            // An echo is what was asked.
            let mut answer = Vec::new();
            Echo::new(params).ask(0, &mut answer);
            Some(answer)
        }
        _ => None,
    }
}

/// Answers per second that the plan's generator gets, in the plan's placement. `None` where the
/// scenario has no generator, or one for which there is no server that only pretends.
pub(super) fn measure(plan: &Plan, launcher: &dyn Launcher) -> io::Result<Option<f64>> {
    let answer = answer(plan.scenario.id, &plan.params).filter(|_| plan.scenario.server);
    let Some(answer) = answer else { return Ok(None) };
    let rates = rates(plan, launcher, answer, &TURNS)?;
    Ok(deadheat_core::stats::median(&rates))
}

/// Answers per second, turn by turn.
fn rates(
    plan: &Plan,
    launcher: &dyn Launcher,
    answer: Vec<u8>,
    turns: &[u64],
) -> io::Result<Vec<f64>> {
    let target = Some(pretend(plan.placement.sut.clone(), answer)?);
    let clients = plan.shape.sessions.max(1);
    let load = Load { arrivals: Arrivals::Closed { clients, think: Duration::ZERO }, spawn: false };
    let mut generator = launcher.peer("generator")?;
    generator.prepare(Prepare {
        cell: format!("{} generator, calibrated", plan.scenario.id),
        load: load.to_string(),
        peer: Some(0),
        cpus: plan.placement.peer.clone(),
        spin: plan.spin_peer(),
        ..plan.prepare()
    })?;
    let mut rates = Vec::new();
    for &for_ns in turns {
        let (done, _) = generator.turn(&Turn { for_ns, target, ..Turn::default() }, &[])?;
        rates.push(rate(&done)?);
    }
    generator.quit();
    Ok(rates)
}

/// Answers per second. A turn in which anything failed says nothing about the generator: what it
/// did meanwhile was to open connections.
fn rate(done: &Done) -> io::Result<f64> {
    if let Some(kind) = done.errors.keys().next() {
        let count: u64 = done.errors.values().sum();
        let text = format!("{count} requests to a server that does nothing failed: {kind}");
        return Err(io::Error::other(text));
    }
    if done.samples == 0 {
        return Err(io::Error::other("a server that does nothing gave no answer"));
    }
    Ok(done.samples as f64 / done.span_ns.max(1) as f64 * 1e9)
}

/// Starts a server that does nothing but answer. It serves until the process ends, and costs
/// nothing once nobody is connected.
fn pretend(cpus: Vec<usize>, answer: Vec<u8>) -> io::Result<SocketAddr> {
    let listener = net::listen()?;
    let addr = listener.local_addr()?;
    thread::Builder::new().name("null".into()).spawn(move || {
        if resource::confine(&cpus).is_err() {
            return;
        }
        let _ = if answer.len() > ONE_PIECE {
            echo(&listener, answer)
        } else {
            null::serve(listener, &answer)
        };
    })?;
    Ok(addr)
}

/// For long messages, which come in pieces: a thread for each connection reads as much as it
/// answers. What that costs beside `null` is little against copying them.
fn echo(listener: &TcpListener, answer: Vec<u8>) -> io::Result<()> {
    let answer: Arc<[u8]> = answer.into();
    loop {
        let (socket, _) = listener.accept()?;
        net::set_options(&socket)?;
        let answer = Arc::clone(&answer);
        thread::Builder::new().name("null".into()).spawn(move || {
            // It ends with its connection.
            let _ = echo_all(socket, &answer);
        })?;
    }
}

fn echo_all(mut socket: TcpStream, answer: &[u8]) -> io::Result<()> {
    let mut scratch = vec![0; 64 << 10];
    loop {
        for piece in answer.chunks(scratch.len()) {
            socket.read_exact(&mut scratch[..piece.len()])?;
        }
        socket.write_all(answer)?;
    }
}

#[cfg(all(test, feature = "core"))]
mod tests {
    use std::{collections::BTreeMap, sync::LazyLock};

    use deadheat_core::{cell::Cell, race::child::Threads};

    use super::*;
    use crate::{
        choice::choose,
        cli::{ChoiceArgs, EffortArgs},
        matrix,
        plan::Terms,
        profile::Profile,
    };

    static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(matrix::cells);

    const TURN: u64 = 20_000_000;

    /// Of a server that sends back messages of so many bytes.
    fn plan(bytes: usize) -> Plan {
        let choice = ChoiceArgs {
            models: vec!["threads/per-task".into()],
            scenarios: vec!["echo-server".into()],
            load: vec!["open-1000-poisson".into()],
            param: vec![format!("bytes={bytes}"), "conns=4".into()],
            ..ChoiceArgs::default()
        };
        let courses = choose(&CELLS, &[], &choice, Profile::Default, None).unwrap();
        Terms::new(&EffortArgs::default(), false, 1).plans(&courses).remove(0)
    }

    #[test]
    fn the_generator_takes_what_a_server_that_does_nothing_answers() {
        for bytes in [8, 64, 16 << 10, 1 << 20] {
            let plan = plan(bytes);
            let answer = answer(plan.scenario.id, &plan.params).unwrap();
            assert_eq!(answer.len(), bytes);
            let rates = rates(&plan, &Threads(&CELLS), answer, &[TURN, TURN]).unwrap();
            assert!(rates.len() == 2 && rates.iter().all(|rate| *rate > 0.0), "{bytes}: {rates:?}");
        }
    }

    #[test]
    fn a_trial_that_fails_says_why() {
        let wrong = vec![b'x'; 64];
        let failed = rates(&plan(64), &Threads(&CELLS), wrong, &[TURN]).unwrap_err().to_string();
        assert!(failed.contains("the echo is another message"), "{failed}");
        let partly = Done {
            samples: 9,
            span_ns: 1,
            errors: BTreeMap::from([("reset".into(), 3)]),
            ..Done::default()
        };
        let failed = rate(&partly).unwrap_err().to_string();
        assert_eq!(failed, "3 requests to a server that does nothing failed: reset");
        let silent = rate(&Done::default()).unwrap_err().to_string();
        assert_eq!(silent, "a server that does nothing gave no answer");
    }
}
