//! `tcp-echo`: send a message to a server and read it back.
//!
//! - **Operation**: one message of `bytes` to the peer and back, on the session's connection.
//! - **Session**: a kept-alive TCP connection over loopback, `TCP_NODELAY` set.
//! - **Not measured**: connecting; the network (there is none); the peer's own time is part of the
//!   latency. The contender's own share of it is printed.
//! - **Stands for**: a small request to a fast service next door: a cache, a lock, a queue.
//! - **Claims**: none.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use deadheat_core::{
    env::{Buf, Env},
    peer::PeerSpec,
    scenario::{
        Course, Cx, Demand, Description, Param, ParamKind, Scenario, Sessions, Setup, Tier,
        connections,
    },
};

use crate::{exchange::Connection, peer};

/// The scenario.
#[derive(Debug)]
pub struct TcpEcho {
    peer: Option<SocketAddr>,
    bytes: usize,
}

const PARAMS: &[Param] = &[
    Param {
        name: "bytes",
        default: "64",
        kind: ParamKind::Number(8, 1 << 20),
        about: "size of a message",
    },
    Param {
        name: "conns",
        default: "64",
        kind: ParamKind::Number(1, 14_000),
        about: "connections of an open load or a batch",
    },
];

impl Scenario for TcpEcho {
    const ID: &'static str = "tcp-echo";
    type Session<E: Env> = Connection<E>;
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        Description {
            operation: "a 64-byte message to an echo server and back",
            stands_for: "a small request to a fast service next door",
            params: PARAMS,
            courses: &[
                Course { load: "closed-16", params: "", placement: "same", tier: Tier::Quick },
                Course { load: "closed-16", params: "", placement: "free", tier: Tier::Publish },
            ],
            primary: None,
            reference: "threads/per-task",
            typical: |_| Duration::from_micros(15),
            sessions: Sessions::Conns,
            solo_steps: 0,
            claims: &[],
        }
    }

    fn peers(_setup: &Setup<'_>) -> Vec<PeerSpec> {
        vec![peer::echo::spec()]
    }

    fn demand(setup: &Setup<'_>) -> Demand {
        let conns = connections(Sessions::Conns, setup) as u64;
        Demand { descriptors: conns, ..Demand::default() }
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        let bytes = setup.params.size("bytes").unwrap_or(64);
        Ok(Self { peer: setup.peers.first().copied(), bytes })
    }

    async fn open<E: Env>(cx: &Cx<Self, E>, _index: usize) -> io::Result<Connection<E>> {
        Connection::open(&cx.env, cx.scenario.peer, cx.scenario.bytes).await
    }

    async fn op<E: Env>(
        cx: &Cx<Self, E>,
        session: &mut Connection<E>,
        seq: u64,
    ) -> io::Result<u64> {
        let bytes = cx.scenario.bytes;
        session.exchange(|buf| ask(seq, bytes, buf), |echo| Ok(answer(echo, bytes))).await
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}

/// The operation's number, and whatever the buffer held before: its content does not matter.
#[inline]
fn ask(seq: u64, bytes: usize, buf: &mut Buf) {
    buf.advance(bytes);
    buf.filled_mut()[..8].copy_from_slice(&seq.to_le_bytes());
}

#[inline]
fn answer(echo: &[u8], bytes: usize) -> Option<(usize, u64)> {
    let number = echo.first_chunk().filter(|_| echo.len() >= bytes)?;
    Some((bytes, u64::from_le_bytes(*number)))
}
