//! `tcp-echo`: send a message to a server and read it back.
//!
//! - **Operation**: one message of `bytes` to the peer and back, on the session's connection.
//! - **Session**: a kept-alive TCP connection over loopback, `TCP_NODELAY` set.
//! - **Not measured**: connecting; the network (there is none); the peer's own time is part of the
//!   latency, and its share is printed.
//! - **Stands for**: a small request to a fast service next door: a cache, a lock, a queue.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use deadheat_core::{
    env::{Buf, Env, Read, Stream, Write},
    peer::PeerSpec,
    scenario::{
        Course, Cx, Demand, Description, Param, ParamKind, Scenario, Sessions, Setup, Tier,
    },
};

use crate::peer;

/// The scenario.
#[derive(Debug)]
pub struct TcpEcho {
    peer: Option<SocketAddr>,
    bytes: usize,
}

/// A connection, and the buffer that travels on it.
pub struct Connection<E: Env> {
    read: <E::Stream as Stream>::Read,
    write: <E::Stream as Stream>::Write,
    buf: Option<Buf>,
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
        let conns = deadheat_core::scenario::connections(Sessions::Conns, setup) as u64;
        Demand { descriptors: conns, ..Demand::default() }
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        let bytes = setup.params.size("bytes").unwrap_or(64);
        Ok(Self { peer: setup.peers.first().copied(), bytes })
    }

    async fn open<E: Env>(cx: &Cx<Self, E>, _index: usize) -> io::Result<Connection<E>> {
        let peer = cx.scenario.peer.ok_or_else(|| io::Error::other("there is no echo server"))?;
        let (read, write) = cx.env.connect(peer).await?.split()?;
        let mut buf = Buf::new(cx.scenario.bytes);
        buf.put(&vec![0; cx.scenario.bytes]);
        Ok(Connection { read, write, buf: Some(buf) })
    }

    async fn op<E: Env>(
        cx: &Cx<Self, E>,
        session: &mut Connection<E>,
        seq: u64,
    ) -> io::Result<u64> {
        let mut buf = session.buf.take().ok_or(io::ErrorKind::BrokenPipe)?;
        buf.filled_mut()[..8].copy_from_slice(&seq.to_le_bytes());
        buf = session.write.send_all(buf).await?;
        buf.clear();
        while buf.len() < cx.scenario.bytes {
            let before = buf.len();
            buf = session.read.recv(buf, None).await?;
            if buf.len() == before {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let echoed = buf.filled()[..8].try_into().map(u64::from_le_bytes);
        session.buf = Some(buf);
        echoed.map_err(io::Error::other)
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}
