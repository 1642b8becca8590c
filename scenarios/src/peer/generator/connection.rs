//! One of the generator's connections: what it has sent, and what has come back so far.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream as Blocking},
    time::Duration,
};

use deadheat_core::net;
use mio::{Interest, Registry, Token, net::TcpStream};

use super::Exchange;

/// The operation that a connection is busy with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) intended: u64,
    pub(super) started: u64,
    /// The handicap's, which is not reported.
    pub(super) extra: bool,
}

#[derive(Debug, Default)]
pub(super) struct Connection {
    /// None: it broke.
    socket: Option<TcpStream>,
    /// Whether it can be used; else it is being opened.
    pub(super) open: bool,
    /// Operations that ended well since its server was introduced.
    pub(super) ended: u64,
    pub(super) job: Option<Job>,
    /// Whether the next request of a closed load is the handicap's.
    pub(super) owes: bool,
    /// What has come of an answer; empty where an answer comes in one piece.
    partial: Vec<u8>,
    /// What the socket would not take of a request.
    unsent: Vec<u8>,
}

impl Connection {
    /// Opens it and waits for that, no longer than `patience`: off the clock.
    pub(super) fn open(
        &mut self,
        addr: SocketAddr,
        registry: &Registry,
        token: Token,
        patience: Duration,
    ) -> io::Result<()> {
        if patience.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let socket = Blocking::connect_timeout(&addr, patience)?;
        socket.set_nonblocking(true)?;
        self.adopt(TcpStream::from_std(socket), registry, token)?;
        self.open = true;
        Ok(())
    }

    /// Begins to open it, on the clock; [`opened`](Self::opened) ends that.
    pub(super) fn reopen(
        &mut self,
        addr: SocketAddr,
        registry: &Registry,
        token: Token,
    ) -> io::Result<()> {
        self.adopt(TcpStream::connect(addr)?, registry, token)
    }

    fn adopt(
        &mut self,
        mut socket: TcpStream,
        registry: &Registry,
        token: Token,
    ) -> io::Result<()> {
        self.close();
        net::set_options(&socket)?;
        registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        self.socket = Some(socket);
        Ok(())
    }

    /// Whether it has been opened by now.
    pub(super) fn opened(&mut self) -> io::Result<bool> {
        let Some(socket) = &self.socket else { return Ok(false) };
        socket.take_error()?.map_or(Ok(()), Err)?;
        self.open = socket.peer_addr().is_ok();
        Ok(self.open)
    }

    /// Drops the socket and whatever was on its way.
    pub(super) fn close(&mut self) {
        self.socket = None;
        self.open = false;
        self.job = None;
        self.partial.clear();
        self.unsent.clear();
    }

    /// Whether it has a socket, open or about to be.
    pub(super) fn is_alive(&self) -> bool {
        self.socket.is_some()
    }

    /// While idle: fails where the other side has closed it, or has sent what nobody asked for.
    pub(super) fn probe(&mut self) -> io::Result<()> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        match socket.read(&mut [0]) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Err(unasked()),
            Err(error) if waits(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sends a request; what does not fit into the socket follows when it can.
    pub(super) fn send(&mut self, mut request: &[u8]) -> io::Result<()> {
        let Some(socket) = &mut self.socket else { return Err(io::ErrorKind::NotConnected.into()) };
        while !request.is_empty() {
            match socket.write(request) {
                Ok(n) => request = &request[n..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if waits(&error) => {
                    self.unsent.extend_from_slice(request);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends more of what was left.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        let rest = std::mem::take(&mut self.unsent);
        self.send(&rest)
    }

    /// Reads what has come. Returns the check value where that completes an answer.
    ///
    /// Less than fits means that there is no more, so one call is enough for a small answer; the
    /// end of the stream is looked for where the event said so (`ended`).
    pub(super) fn receive<X: Exchange>(
        &mut self,
        exchange: &X,
        scratch: &mut [u8],
        ended: bool,
    ) -> io::Result<Option<u64>> {
        let Some(socket) = &mut self.socket else { return Ok(None) };
        loop {
            let n = match socket.read(scratch) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if waits(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
            if self.job.is_none() {
                return Err(unasked());
            }
            let found = if self.partial.is_empty() {
                complete(exchange, &scratch[..n])?
            } else {
                self.partial.extend_from_slice(&scratch[..n]);
                complete(exchange, &self.partial)?
            };
            if found.is_some() {
                self.partial.clear();
                return Ok(found);
            }
            if self.partial.is_empty() {
                self.partial.extend_from_slice(&scratch[..n]);
            }
            if n < scratch.len() && !ended {
                return Ok(None);
            }
        }
    }
}

fn complete<X: Exchange>(exchange: &X, bytes: &[u8]) -> io::Result<Option<u64>> {
    match exchange.answer(bytes)? {
        Some((len, _)) if len < bytes.len() => Err(io::Error::other("more came than the answer")),
        answer => Ok(answer.map(|(_, check)| check)),
    }
}

fn unasked() -> io::Error {
    io::Error::other("an answer came that nobody had asked for")
}

fn waits(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
