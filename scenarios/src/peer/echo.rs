//! An echo server: one blocking thread per connection, as little as can be between the two calls.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    thread,
};

use deadheat_core::{
    net,
    peer::{Counters, PeerSpec, Seat},
};

/// Echoes messages of `bytes` bytes.
pub fn spec() -> PeerSpec {
    PeerSpec::new("echo-server", run)
}

fn run(seat: &mut Seat) -> io::Result<()> {
    let bytes = seat.params.size("bytes").unwrap_or(64);
    let listener = net::listen()?;
    let addr = listener.local_addr()?;
    let counters = Counters::default();
    let counting = counters.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counters = counting.clone();
            thread::spawn(move || echo(stream, bytes, &counters));
        }
    });
    seat.ready(Some(addr))?;
    seat.answer_marks(&counters)
}

fn echo(mut stream: TcpStream, bytes: usize, counters: &Counters) -> io::Result<()> {
    net::set_options(&stream)?;
    let mut message = vec![0; bytes];
    loop {
        stream.read_exact(&mut message)?;
        counters.serving(|| stream.write_all(&message))?;
    }
}
