//! `selftest-queue`: a server that takes exactly as long as theory asks.
//!
//! - **Operation**: a message of 64 bytes, answered after a time that its number decides.
//! - **Session**: a kept-alive connection, which is one server of the queue.
//! - **Not measured**: the work of a server: it only sleeps.
//! - **Stands for**: a queue with a formula.
//! - **Claims**: none.

use std::{io, sync::Arc, time::Duration};

use deadheat_core::{
    clock,
    env::{Buf, Env, Read, Stream, Write},
    peer::PeerSpec,
    scenario::{Description, Param, ParamKind, Service, Sessions, Setup},
    stats::known::queue::Law,
};
use deadheat_scenarios::peer::generator;

/// Bytes of a message: those of the generator's echo.
const MESSAGE: usize = 64;

/// The service.
#[derive(Debug)]
pub(in crate::selftest) struct Queue {
    law: Law,
    mean_ns: u64,
    number: u64,
}

const PARAMS: &[Param] = &[
    Param {
        name: "law",
        default: "exponential",
        kind: ParamKind::Choice(&["exponential", "constant"]),
        about: "how service times are distributed",
    },
    Param {
        name: "mean",
        default: "20ms",
        kind: ParamKind::Duration(Duration::from_secs(1)),
        about: "mean service time",
    },
    Param {
        name: "queue",
        default: "0",
        kind: ParamKind::Number(0, 1_000_000),
        about: "which queue it is: each has services and arrivals of its own",
    },
    Param {
        name: "conns",
        default: "1",
        kind: ParamKind::Number(1, 64),
        about: "connections, which are the servers of the queue",
    },
];

impl Service for Queue {
    const ID: &'static str = "selftest-queue";

    fn describe() -> Description {
        Description {
            operation: "a message, answered after a known time",
            stands_for: "a queue with a formula",
            params: PARAMS,
            courses: &[],
            primary: None,
            reference: "threads/per-task",
            typical: |params| params.duration("mean").unwrap_or_default(),
            sessions: Sessions::Conns,
            solo_steps: 1,
            claims: &[],
        }
    }

    fn generator(_setup: &Setup<'_>) -> PeerSpec {
        generator::echo()
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        let law = match setup.params.text("law") {
            Some("constant") => Law::Constant,
            _ => Law::Exponential,
        };
        let mean_ns = clock::nanos(setup.params.duration("mean").unwrap_or_default());
        Ok(Self { law, mean_ns, number: setup.params.number("queue").unwrap_or(0) })
    }

    async fn serve<E: Env>(service: Arc<Self>, env: E, stream: E::Stream) -> io::Result<()> {
        let (mut read, mut write) = stream.split()?;
        let mut buf = Buf::new(MESSAGE);
        while let Some((seq, asked)) = ask::<E>(&mut read, buf).await? {
            let service_ns = service.law.service_ns(service.mean_ns, service.number, seq);
            env.sleep(Duration::from_nanos(service_ns)).await;
            buf = write.send_all(asked).await?;
        }
        Ok(())
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}

/// Reads a whole message, and the number in it; none at the end of the stream.
pub(super) async fn ask<E: Env>(
    read: &mut <E::Stream as Stream>::Read,
    mut buf: Buf,
) -> io::Result<Option<(u64, Buf)>> {
    buf.clear();
    while buf.len() < MESSAGE {
        let had = buf.len();
        buf = read.recv(buf, None).await?;
        if buf.len() == had {
            return Ok(None);
        }
    }
    let number = buf.filled().first_chunk().map(|number| u64::from_le_bytes(*number));
    Ok(number.map(|number| (number, buf)))
}
