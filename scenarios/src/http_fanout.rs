//! `http-fanout`: many HTTP requests at once to a server that takes its time.
//!
//! - **Operation**: one `GET` to the peer, whose answer comes after `think` (5 ms by default);
//!   status, headers and body are checked. With `conn=new`, connecting is part of it.
//! - **Session**: with `conn=keep` a kept-alive connection; with `conn=new` nothing.
//! - **Not measured**: the network (there is none), TLS, HTTP/2, parsing of large bodies. The
//!   server's think time is at least `think`: its timer has ticks of a millisecond, the same for
//!   every model.
//! - **Stands for**: a service or a crawler that asks many others and mostly waits for them.
//! - **Claims**: C6 (one thread handles 10,000 requests).

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use deadheat_core::{
    env::Env,
    peer::PeerSpec,
    scenario::{
        Course, Cx, Demand, Description, Param, ParamKind, Scenario, Sessions, Setup, Tier,
        connections,
    },
};

use crate::{exchange::Connection, http, peer};

/// The scenario.
#[derive(Debug)]
pub struct HttpFanout {
    peer: Option<SocketAddr>,
    /// Whether each operation has a connection of its own.
    new: bool,
}

const PARAMS: &[Param] = &[
    Param {
        name: "think",
        default: "5ms",
        kind: ParamKind::Duration(Duration::from_secs(10)),
        about: "how long the server takes for an answer",
    },
    Param {
        name: "conn",
        default: "keep",
        kind: ParamKind::Choice(&["keep", "new"]),
        about: "whether connections are kept, or new for each request",
    },
    Param {
        name: "conns",
        default: "64",
        kind: ParamKind::Number(1, 14_000),
        about: "connections of an open load or a batch",
    },
];

impl Scenario for HttpFanout {
    const ID: &'static str = "http-fanout";
    type Session<E: Env> = Option<Connection<E>>;
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        Description {
            operation: "an HTTP GET to a server that thinks for 5 ms",
            stands_for: "a service that asks many others, and waits",
            params: PARAMS,
            courses: &[
                Course { load: "closed-64", params: "", placement: "same", tier: Tier::Quick },
                Course { load: "batch-10000", params: "", placement: "same", tier: Tier::Publish },
            ],
            primary: None,
            reference: "threads/per-task",
            typical: |params| {
                params.duration("think").unwrap_or_default() + Duration::from_micros(100)
            },
            sessions: Sessions::Conns,
            solo_steps: 0,
            claims: &["C6"],
        }
    }

    fn peers(_setup: &Setup<'_>) -> Vec<PeerSpec> {
        vec![peer::http::spec()]
    }

    fn demand(setup: &Setup<'_>) -> Demand {
        let conns = connections(Sessions::Conns, setup) as u64;
        Demand { descriptors: conns, ..Demand::default() }
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        let new = setup.params.text("conn") == Some("new");
        Ok(Self { peer: setup.peers.first().copied(), new })
    }

    async fn open<E: Env>(cx: &Cx<Self, E>, _index: usize) -> io::Result<Option<Connection<E>>> {
        if cx.scenario.new { Ok(None) } else { connect(cx).await.map(Some) }
    }

    async fn op<E: Env>(
        cx: &Cx<Self, E>,
        session: &mut Option<Connection<E>>,
        seq: u64,
    ) -> io::Result<u64> {
        match session {
            Some(connection) => get(connection, seq, false).await,
            None => get(&mut connect(cx).await?, seq, true).await,
        }
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}

async fn connect<E: Env>(cx: &Cx<HttpFanout, E>) -> io::Result<Connection<E>> {
    Connection::open(&cx.env, cx.scenario.peer, http::ANSWER_ROOM).await
}

async fn get<E: Env>(connection: &mut Connection<E>, seq: u64, close: bool) -> io::Result<u64> {
    let ask = |buf: &mut _| http::ask(seq, close, |piece| deadheat_core::env::Buf::put(buf, piece));
    let answer = |bytes: &[u8]| Ok(http::answer(bytes)?.map(|answer| (answer.len, answer.number)));
    connection.exchange(ask, answer).await
}
