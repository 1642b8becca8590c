//! `http-server`: serve small JSON documents over HTTP/1.1.
//!
//! - **Operation**: the generator sends a `GET` and reads the whole answer, a document of about 150
//!   bytes that carries the number asked for; it checks status, headers and body.
//! - **Session**: a kept-alive connection from the generator.
//! - **Not measured**: accepting (connections are kept), TLS, HTTP/2, routing, a framework, what a
//!   real handler would do. The protocol code is the same under every model.
//! - **Stands for**: an interface that answers from memory.
//! - **Claims**: none.

use std::{io, sync::Arc, time::Duration};

use deadheat_core::{
    env::{Buf, Env, Read, Stream, Write},
    peer::PeerSpec,
    scenario::{Course, Description, Param, ParamKind, Service, Sessions, Setup, Tier},
};

use crate::{http, peer::generator};

/// The service.
#[derive(Debug)]
pub struct HttpServer;

const PARAMS: &[Param] = &[Param {
    name: "conns",
    default: "64",
    kind: ParamKind::Number(1, 14_000),
    about: "connections of an open load or a batch",
}];

impl Service for HttpServer {
    const ID: &'static str = "http-server";

    fn describe() -> Description {
        Description {
            operation: "a GET of a small JSON document, answered",
            stands_for: "an interface that answers from memory",
            params: PARAMS,
            courses: &[
                Course { load: "closed-64", params: "", placement: "same", tier: Tier::Quick },
                Course {
                    load: "open-2000-poisson",
                    params: "",
                    placement: "split",
                    tier: Tier::Default,
                },
                Course { load: "closed-64", params: "", placement: "free", tier: Tier::Publish },
            ],
            primary: None,
            reference: "threads/per-task",
            typical: |_| Duration::from_micros(30),
            sessions: Sessions::Conns,
            solo_steps: 0,
            claims: &[],
        }
    }

    fn generator(_setup: &Setup<'_>) -> PeerSpec {
        generator::http()
    }

    fn prepare(_setup: &Setup<'_>) -> io::Result<Self> {
        Ok(Self)
    }

    async fn serve<E: Env>(_service: Arc<Self>, _env: E, stream: E::Stream) -> io::Result<()> {
        let (mut read, mut write) = stream.split()?;
        let (mut input, mut output) = (Buf::new(http::REQUEST_ROOM), Buf::new(http::ANSWER_ROOM));
        loop {
            match http::serve(&mut input, &mut output) {
                http::Step::Send => output = write.send_all(output).await?,
                http::Step::Last => {
                    write.send_all(output).await?;
                    return write.finish().await;
                }
                http::Step::Read => {
                    let before = input.len();
                    input = read.recv(input, None).await?;
                    if input.len() == before {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}
