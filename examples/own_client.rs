//! Race clients of your own: one protocol, a blocking and an asynchronous client, and the server
//! that both talk to.
//!
//! `cargo run --release --example own_client -- run` races; `-- list` says what there is.

use std::{
    cell::RefCell,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
    rc::Rc,
    thread,
    time::Duration,
};

use deadheat::{Fault, Threads, Tokio};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};

fn main() -> ExitCode {
    deadheat::race("ask")
        .operation("one line to the service and back")
        .load("closed-16")
        .placement("same")
        .typical(Duration::from_micros(50))
        .expect(|seq| seq + 1)
        .peer("line-server", |listener| serve(&listener))
        .blocking("std/threads", Threads::per_task(), connect, ask)
        .blocking("std/pool", Threads::pool(16), connect, ask)
        .local("tokio/local", Tokio::local(), connect_async, ask_async)
        .main()
}

/// Adds one to the number on each line.
fn serve(listener: &TcpListener) -> Result<(), Fault> {
    for stream in listener.incoming() {
        let mut client = Client(BufReader::new(stream?));
        client.0.get_ref().set_nodelay(true)?;
        thread::spawn(move || -> Result<(), Fault> {
            loop {
                let number = client.line()? + 1;
                client.0.get_mut().write_all(format!("{number}\n").as_bytes())?;
            }
        });
    }
    Ok(())
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn line(&mut self) -> Result<u64, Fault> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim().parse()?)
    }
}

fn connect() -> Result<Client, Fault> {
    let stream = TcpStream::connect(deadheat::peer()?)?;
    stream.set_nodelay(true)?;
    Ok(Client(BufReader::new(stream)))
}

fn ask(client: &mut Client, seq: u64) -> Result<u64, Fault> {
    client.0.get_mut().write_all(format!("{seq}\n").as_bytes())?;
    client.line()
}

/// One session's connection: a session has one operation at a time, so nobody else borrows it.
type Connection = Rc<RefCell<Option<BufStream<tokio::net::TcpStream>>>>;

async fn connect_async() -> Result<Connection, Fault> {
    let stream = tokio::net::TcpStream::connect(deadheat::peer()?).await?;
    stream.set_nodelay(true)?;
    Ok(Rc::new(RefCell::new(Some(BufStream::new(stream)))))
}

async fn ask_async(connection: Connection, seq: u64) -> Result<u64, Fault> {
    let mut stream = connection.take().ok_or("a session has one operation at a time")?;
    stream.write_all(format!("{seq}\n").as_bytes()).await?;
    stream.flush().await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    connection.replace(Some(stream));
    Ok(line.trim().parse()?)
}
