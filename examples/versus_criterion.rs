//! What criterion says of two operations that races are held too: a round trip to an echo server,
//! and a counted loop. `deadheat lab criterion` runs it twice for each comparison, as criterion's
//! users do: a baseline is saved, and the second run is compared with it.
//!
//! ```text
//! cargo build --release --example versus_criterion
//! versus_criterion --bench echo --save-baseline before
//! SLOWER=5 versus_criterion --bench echo --baseline before
//! ```
//!
//! `SLOWER` is a slowdown of known size in percent: one more operation after every so many, or as
//! many more steps. The server is the same process as in a race, and on the same CPU.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

use criterion::Criterion;
use deadheat::{
    core::{
        cells, model,
        net::set_options,
        protocol::Prepare,
        race::{
            Launcher,
            child::{self, Child, Processes},
        },
        resource,
    },
    scenario::{
        spin::{STEPS, spin},
        tcp_echo::TcpEcho,
    },
};

const BYTES: usize = 64;

fn main() -> io::Result<()> {
    if child::is_child(std::env::args_os()) {
        let cells =
            cells! { models: [model::blocking::ThreadPerTask], scenarios: [TcpEcho], services: [] };
        return child::be_child(&cells);
    }
    let slower = std::env::var("SLOWER").ok().and_then(|percent| percent.parse().ok()).unwrap_or(0);
    let cpus = &resource::cpus()[..1];
    resource::confine(cpus)?;
    // Its process ends with it.
    let (_server, mut echo) = Echo::open(cpus, slower)?;
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("echo", |b| b.iter(|| echo.operation()));
    let steps = STEPS * (100 + slower) / 100;
    criterion.bench_function("spin", |b| b.iter(|| spin(steps)));
    criterion.final_summary();
    Ok(())
}

/// A connection to the server.
struct Echo {
    stream: TcpStream,
    seq: u64,
    /// After so many operations one more; 0: none.
    every: u64,
}

impl Echo {
    fn open(cpus: &[usize], slower: u64) -> io::Result<(Child, Self)> {
        let mut server = Processes::of_this_program()?.peer("echo-server")?;
        let ready = server.prepare(Prepare {
            scenario: "tcp-echo".into(),
            load: "closed-1".into(),
            cpus: cpus.to_vec(),
            peer: Some(0),
            sessions: 1,
            ops_per_sample: 1,
            ..Prepare::default()
        })?;
        let addr = ready.addr.ok_or(io::ErrorKind::AddrNotAvailable)?;
        let stream = TcpStream::connect(addr)?;
        set_options(&stream)?;
        let every = 100_u64.checked_div(slower).unwrap_or(0);
        Ok((server, Self { stream, seq: 0, every }))
    }

    fn operation(&mut self) {
        self.round_trip();
        if self.every > 0 && self.seq.is_multiple_of(self.every) {
            self.round_trip();
        }
        self.seq += 1;
    }

    fn round_trip(&mut self) {
        let mut message = [0; BYTES];
        message[..8].copy_from_slice(&self.seq.to_le_bytes());
        let answer = self.stream.write_all(&message).and_then(|()| {
            let mut answer = [0; BYTES];
            self.stream.read_exact(&mut answer).map(|()| answer)
        });
        assert_eq!(answer.expect("the server answers"), message);
    }
}
