//! A message and its answer, over any model's streams: the I/O around a sans-I/O protocol.

use std::{io, net::SocketAddr};

use deadheat_core::env::{Buf, Env, Read, Stream, Write};

/// A connection, and the buffer that travels on it.
///
/// After an error the buffer is gone and the connection of no more use: it is opened again.
pub struct Connection<E: Env> {
    read: <E::Stream as Stream>::Read,
    write: <E::Stream as Stream>::Write,
    buf: Option<Buf>,
}

impl<E: Env> Connection<E> {
    /// Connects to a scenario's peer, with a buffer of that capacity.
    pub async fn open(env: &E, peer: Option<SocketAddr>, capacity: usize) -> io::Result<Self> {
        let peer = peer.ok_or_else(|| io::Error::other("there is no server"))?;
        let (read, write) = env.connect(peer).await?.split()?;
        Ok(Self { read, write, buf: Some(Buf::new(capacity)) })
    }

    /// Sends what `ask` puts into the empty buffer, receives until `answer` has found an answer at
    /// its start, and returns the answer's length and meaning. More bytes than that are an error:
    /// nobody asked for them.
    #[inline]
    pub async fn exchange<T>(
        &mut self,
        ask: impl FnOnce(&mut Buf),
        answer: impl Fn(&[u8]) -> io::Result<Option<(usize, T)>>,
    ) -> io::Result<T> {
        let mut buf = self.buf.take().ok_or(io::ErrorKind::BrokenPipe)?;
        buf.clear();
        ask(&mut buf);
        buf = self.write.send_all(buf).await?;
        buf.clear();
        loop {
            buf = recv_some(&mut self.read, buf).await?;
            if let Some((len, meaning)) = answer(buf.filled())? {
                if len != buf.len() {
                    return Err(io::Error::other("more came than the answer"));
                }
                self.buf = Some(buf);
                return Ok(meaning);
            }
        }
    }
}

/// Appends at least one byte; the end of the stream is an error, and so is a full buffer.
pub async fn recv_some<R: Read>(read: &mut R, buf: Buf) -> io::Result<Buf> {
    let before = buf.len();
    if before == buf.capacity() {
        return Err(io::Error::other("the answer does not fit"));
    }
    let buf = read.recv(buf, None).await?;
    if buf.len() == before { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(buf) }
}
