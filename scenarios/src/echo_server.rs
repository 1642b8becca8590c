//! `echo-server`: send back what comes.
//!
//! - **Operation**: the generator sends a message of `bytes` and reads it back; all of it is
//!   compared.
//! - **Session**: a kept-alive TCP connection from the generator.
//! - **Not measured**: accepting, any protocol: this is the price of a read, a write and the wait
//!   between them.
//! - **Stands for**: a proxy, a relay, the least that a server can do.
//! - **Claims**: none.

use std::{io, sync::Arc, time::Duration};

use deadheat_core::{
    env::{Buf, Env, Read, Stream, Write},
    peer::PeerSpec,
    scenario::{Course, Description, Param, ParamKind, Service, Sessions, Setup, Tier},
};

use crate::peer::generator;

/// The service.
#[derive(Debug)]
pub struct EchoServer {
    room: usize,
}

/// The largest piece that is read at once, in bytes.
const PIECE: usize = 64 << 10;

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

impl Service for EchoServer {
    const ID: &'static str = "echo-server";

    fn describe() -> Description {
        Description {
            operation: "a 64-byte message, sent back",
            stands_for: "a proxy or a relay",
            params: PARAMS,
            courses: &[
                Course {
                    load: "open-2000-poisson",
                    params: "",
                    placement: "split",
                    tier: Tier::Default,
                },
                Course { load: "closed-64", params: "", placement: "same", tier: Tier::Publish },
            ],
            primary: None,
            reference: "threads/per-task",
            typical: |_| Duration::from_micros(20),
            sessions: Sessions::Conns,
            solo_steps: 0,
            claims: &[],
        }
    }

    fn generator(_setup: &Setup<'_>) -> PeerSpec {
        generator::echo()
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        Ok(Self { room: setup.params.size("bytes").unwrap_or(64).min(PIECE) })
    }

    async fn serve<E: Env>(service: Arc<Self>, _env: E, stream: E::Stream) -> io::Result<()> {
        let (mut read, mut write) = stream.split()?;
        let mut buf = Buf::new(service.room);
        loop {
            buf.clear();
            buf = read.recv(buf, None).await?;
            if buf.is_empty() {
                return Ok(());
            }
            buf = write.send_all(buf).await?;
        }
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}
