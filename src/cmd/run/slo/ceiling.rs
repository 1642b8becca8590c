//! How much the generator can send at most: to a server that does nothing, for two seconds.
//!
//! A capacity near this is the generator's, and not told as a server's (METHODOLOGY.md, "Capacity").

use std::{io, thread};

use deadheat_core::{
    load::{Arrivals, Load},
    net,
    protocol::{Prepare, Turn},
    race::{Launcher, Plan},
    resource,
};
use deadheat_scenarios::{http, peer::null};

/// Turns of 200 ms; their median counts.
const TURNS: usize = 7;
const TURN_NS: u64 = 200_000_000;

/// What a server would answer: only the length matters, for the generator reads it all.
fn answer(scenario: &str) -> Option<Vec<u8>> {
    match scenario {
        "http-server" => Some(http::answer_bytes(0)),
        "echo-server" => Some([0; 8].into_iter().chain([b'x'; 56]).collect()),
        _ => None,
    }
}

/// Answers per second that the plan's generator gets, in the plan's placement. `None` where the
/// scenario has no generator, or one for which there is no server that only pretends.
pub(super) fn measure(plan: &Plan, launcher: &dyn Launcher) -> io::Result<Option<f64>> {
    let Some(answer) = answer(plan.scenario.id).filter(|_| plan.scenario.server) else {
        return Ok(None);
    };
    let listener = net::listen()?;
    let target = listener.local_addr().ok();
    let cpus = plan.placement.sut.clone();
    // It serves until the process ends, and costs nothing once nobody is connected.
    thread::Builder::new().name("null".into()).spawn(move || {
        if resource::confine(&cpus).is_ok() {
            let _ = null::serve(listener, &answer);
        }
    })?;
    let clients = plan.shape.sessions.max(1);
    let load = Load {
        arrivals: Arrivals::Closed { clients, think: std::time::Duration::ZERO },
        spawn: false,
    };
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
    for _ in 0..TURNS {
        let turn = Turn { for_ns: TURN_NS, target, ..Turn::default() };
        let (done, _) = generator.turn(&turn, &[])?;
        rates.push(done.samples as f64 / done.span_ns.max(1) as f64 * 1e9);
    }
    generator.quit();
    Ok(deadheat_core::stats::median(&rates))
}
