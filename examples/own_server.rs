//! Race servers of your own: a plain blocking one against hyper on tokio, under the same open loop.
//!
//! `cargo run --release --example own_server -- run` races; `-- list` says what there is.

use std::{
    convert::Infallible,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
    thread,
};

use deadheat::{Fault, Threads, Tokio};
use http_body_util::Full;
use hyper::{Request, Response, body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

fn main() -> ExitCode {
    deadheat::race("square")
        .operation("GET /square/N")
        .load("open-2000-poisson")
        .load("closed-16")
        .placement("split")
        .get("/square/{seq}", |body| std::str::from_utf8(body).ok()?.parse().ok())
        .expect(square)
        .server("std/threads", Threads::per_task(), |listener| async move { blocking(&listener) })
        .server("hyper/multi-thread", Tokio::multi_thread(), hyper)
        .server("hyper/current-thread", Tokio::current_thread(), hyper)
        .main()
}

fn square(number: u64) -> u64 {
    number.wrapping_mul(number)
}

/// The answer to `/square/N`.
fn answer(path: &str) -> Option<String> {
    let number = path.strip_prefix("/square/")?.parse().ok()?;
    Some(square(number).to_string())
}

fn blocking(listener: &TcpListener) -> Result<(), Fault> {
    while let Ok((stream, _)) = listener.accept() {
        stream.set_nodelay(true)?;
        thread::spawn(move || connection(stream));
    }
    Ok(())
}

fn connection(stream: TcpStream) -> Result<(), Fault> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let (mut request, mut header) = (String::new(), String::new());
    loop {
        request.clear();
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        while header != "\r\n" {
            header.clear();
            reader.read_line(&mut header)?;
        }
        header.clear();
        let path = request.split(' ').nth(1).ok_or("no path")?;
        let body = answer(path).ok_or("no number")?;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        writer.write_all((head + &body).as_bytes())?;
    }
}

async fn hyper(listener: TcpListener) -> Result<(), Fault> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true)?;
        let service = service_fn(|request: Request<_>| async move {
            let body = answer(request.uri().path()).unwrap_or_default();
            let _: Request<hyper::body::Incoming> = request;
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(body))))
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
    Ok(())
}
