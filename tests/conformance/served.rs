//! A server for the suite, and its visitors.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use deadheat::core::{
    env::{Buf, Env, Read, Stream, Write},
    peer::{PeerSpec, Seat},
    scenario::{Description, Params, Service, Sessions, Setup},
};

/// Says whether the connection holds back small messages, then echoes to the end.
pub(crate) struct Served;

impl Service for Served {
    const ID: &'static str = "served";

    fn describe() -> Description {
        super::checks::description(&[], |_: &Params| Duration::ZERO, Sessions::One)
    }

    fn generator(_setup: &Setup<'_>) -> PeerSpec {
        PeerSpec::new("nobody", |_: &mut Seat| Ok(()))
    }

    fn prepare(_setup: &Setup<'_>) -> io::Result<Self> {
        Ok(Self)
    }

    async fn serve<E: Env>(_service: Arc<Self>, _env: E, stream: E::Stream) -> io::Result<()> {
        let nodelay = stream.nodelay()?;
        let (mut read, mut write) = stream.split()?;
        write.send_all(Buf::from_slice(&[u8::from(nodelay)])).await?;
        let mut buf = Buf::new(64);
        loop {
            buf.clear();
            buf = read.recv(buf, None).await?;
            if buf.is_empty() {
                return write.finish().await;
            }
            assert_ne!(buf.filled()[0], b'!', "this visitor is trouble");
            buf = write.send_all(buf).await?;
        }
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}

fn enter(addr: SocketAddr) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(addr)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut nodelay = [0];
    socket.read_exact(&mut nodelay)?;
    assert_eq!(nodelay, [1], "the accepted socket holds back small messages");
    Ok(socket)
}

fn talk(socket: &mut TcpStream, visitor: usize) -> io::Result<()> {
    for message in 0..10u8 {
        let sent = [message; 9].map(|byte| byte ^ u8::try_from(visitor).unwrap_or(0));
        socket.write_all(&sent)?;
        let mut echoed = [0; 9];
        socket.read_exact(&mut echoed)?;
        assert_eq!(echoed, sent);
    }
    Ok(())
}

/// A visitor after the other; one of them makes its handler panic.
pub(crate) fn visit_in_turn(addr: SocketAddr, visitors: usize) -> io::Result<()> {
    for visitor in 0..visitors {
        let mut socket = enter(addr)?;
        if visitor == 2 {
            socket.write_all(b"!")?;
            assert_eq!(socket.read(&mut [0]).unwrap_or(0), 0);
        } else {
            talk(&mut socket, visitor)?;
        }
    }
    Ok(())
}

/// Visitors who all have been let in before any of them talks.
pub(crate) fn visit_at_once(addr: SocketAddr, visitors: usize) -> io::Result<()> {
    let sockets: io::Result<Vec<_>> = (0..visitors).map(|_| enter(addr)).collect();
    let talks = sockets?
        .into_iter()
        .enumerate()
        .map(|(visitor, mut socket)| thread::spawn(move || talk(&mut socket, visitor)));
    let talks: Vec<_> = talks.collect();
    talks.into_iter().try_for_each(|talk| talk.join().expect("no visitor panics"))
}
