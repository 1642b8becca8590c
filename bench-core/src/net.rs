//! Sockets with the same options for everyone: models, peers, and the generator.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::AsFd,
};

use socket2::{Domain, SockRef, Socket, Type};

/// Connections that may wait to be accepted. `std` listens with 128, which drops the 129th of a
/// burst for a whole second.
pub const BACKLOG: i32 = 4096;

/// Sets what every connection has: no Nagle delay. Buffer sizes stay the system's, alike for all.
pub fn set_options(socket: &impl AsFd) -> io::Result<()> {
    SockRef::from(socket).set_tcp_nodelay(true)
}

/// Listens on a free port of the loopback address.
pub fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let named = |error: io::Error| {
        io::Error::new(error.kind(), format!("failed to listen on {addr}: {error}"))
    };
    socket.bind(&addr.into()).map_err(named)?;
    socket.listen(BACKLOG).map_err(named)?;
    Ok(socket.into())
}

/// Connects a blocking socket.
pub fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(addr).map_err(|error| {
        io::Error::new(error.kind(), format!("failed to connect to {addr}: {error}"))
    })?;
    set_options(&socket)?;
    Ok(socket)
}

/// What an `accept` came to: a connection with its options set, or none where the listener has been
/// closed. One rule for every model, so that no server ends early and none outlives its listener.
pub fn accepted<S: AsFd>(accepted: io::Result<(S, SocketAddr)>) -> io::Result<Option<S>> {
    match accepted {
        Ok((socket, _)) => set_options(&socket).map(|()| Some(socket)),
        // What Unix says when the socket does not listen (any more).
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
        Err(error) => Err(error),
    }
}

/// Wakes everyone who waits in `accept` on this socket, for good. Clones share that fate; closing
/// again changes nothing.
pub fn close(listener: &TcpListener) -> io::Result<()> {
    match SockRef::from(listener).shutdown(std::net::Shutdown::Both) {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_listener_wakes_who_accepts() {
        let listener = listen().unwrap();
        let clone = listener.try_clone().unwrap();
        let waiting = std::thread::spawn(move || clone.accept().map(drop));
        while !waiting.is_finished() {
            close(&listener).unwrap();
            std::thread::yield_now();
        }
        assert!(waiting.join().unwrap().is_err());
    }
}
