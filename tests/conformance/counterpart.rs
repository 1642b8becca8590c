//! The other end of the checks: a server that does what the first byte of a connection asks for.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{Arc, Barrier},
    thread,
};

use deadheat::core::net;

/// Sends back what comes.
pub(crate) const ECHO: u8 = b'e';
/// Reads to the end, then says how many bytes there were.
pub(crate) const COUNT: u8 = b'c';
/// Sends one byte when four connections ask for it.
pub(crate) const MEET: u8 = b'm';

/// Starts it; it lives as long as the test's process.
pub(crate) fn start() -> io::Result<SocketAddr> {
    let listener = net::listen()?;
    let addr = listener.local_addr()?;
    let four = Arc::new(Barrier::new(4));
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let four = Arc::clone(&four);
            thread::spawn(move || serve(socket, &four));
        }
    });
    Ok(addr)
}

fn serve(mut socket: TcpStream, four: &Barrier) -> io::Result<()> {
    net::set_options(&socket)?;
    let mut wish = [0];
    socket.read_exact(&mut wish)?;
    match wish[0] {
        ECHO => drop(io::copy(&mut socket.try_clone()?, &mut socket)?),
        MEET => {
            four.wait();
            socket.write_all(&wish)?;
        }
        COUNT => {
            let count = io::copy(&mut socket, &mut io::sink())?;
            socket.write_all(&count.to_le_bytes())?;
            socket.shutdown(Shutdown::Write)?;
        }
        other => return Err(io::Error::other(format!("no wish is called {other}"))),
    }
    Ok(())
}
