//! An HTTP server that thinks before it answers: hyper on a thread of its own.
//!
//! One thread, so that it is as fast for one model as for the next; its timer has ticks of a
//! millisecond, so it thinks for up to one more than it was told, whoever asks.

use std::{convert::Infallible, io, net::TcpListener, thread, time::Duration};

use deadheat_core::{
    clock, net,
    peer::{Counters, PeerSpec, Seat},
};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;

use crate::http;

/// Answers `GET /items/N` after `think`.
pub fn spec() -> PeerSpec {
    PeerSpec::new("http-server", run).on_threads(1)
}

fn run(seat: &mut Seat) -> io::Result<()> {
    let think = seat.params.duration("think").unwrap_or_default();
    let listener = net::listen()?;
    let addr = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let counters = Counters::default();
    let counting = counters.clone();
    thread::spawn(move || runtime.block_on(accept(listener, think, counting)));
    seat.ready(Some(addr))?;
    seat.answer_marks(&counters)
}

async fn accept(listener: TcpListener, think: Duration, counters: Counters) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (socket, _) = listener.accept().await?;
        net::set_options(&socket)?;
        let counters = counters.clone();
        let service = service_fn(move |request| serve(request, think, counters.clone()));
        // A connection that breaks is the client's to report.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

async fn serve(
    request: Request<Incoming>,
    think: Duration,
    counters: Counters,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let start = clock::now();
    if !think.is_zero() {
        tokio::time::sleep(think).await;
    }
    let number = http::number_in_path(request.uri().path());
    let response = answer(number.filter(|_| request.method() == Method::GET));
    counters.served(clock::now() - start);
    Ok(response)
}

fn answer(number: Option<u64>) -> Response<Full<Bytes>> {
    let Some(number) = number else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let mut response = Response::new(Bytes::copy_from_slice(&http::document(number)).into());
    let json = HeaderValue::from_static(http::CONTENT_TYPE);
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
