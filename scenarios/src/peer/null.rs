//! A server that costs next to nothing: what the generator could do at most.
//!
//! It reads whatever comes and sends the same bytes back each time, without looking. A generator
//! that gets no more answers per second from here than from a real server was itself the limit.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net,
};

use deadheat_core::net::set_options;
use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};

/// Answers on all connections, on the calling thread, for as long as the process lives. A request
/// must come in one piece.
pub fn serve(listener: net::TcpListener, answer: &[u8]) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut connections: HashMap<Token, TcpStream> = HashMap::new();
    let mut scratch = vec![0; 64 << 10];
    let mut accepted = 0;
    poll.registry().register(&mut listener, Token(0), Interest::READABLE)?;
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == Token(0) {
                while let Ok((mut socket, _)) = listener.accept() {
                    set_options(&socket)?;
                    accepted += 1;
                    poll.registry().register(&mut socket, Token(accepted), Interest::READABLE)?;
                    connections.insert(Token(accepted), socket);
                }
            } else if let Some(socket) = connections.get_mut(&event.token())
                && socket.read(&mut scratch).is_ok_and(|n| n == 0 || socket.write(answer).is_err())
            {
                connections.remove(&event.token());
            }
        }
    }
}
