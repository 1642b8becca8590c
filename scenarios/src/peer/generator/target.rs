//! A server that the generator loads, and the connections to it.

use std::{collections::BTreeMap, io, net::SocketAddr, time::Duration};

use deadheat_core::{clock, sample::Log};
use mio::{Registry, Token};

use super::connection::Connection;

/// Connections that a token has room for.
const INDEX_BITS: u32 = 24;

/// How long opening a server's connections may take, off the clock, all of them together: less than
/// the parent waits for a turn, and enough for a server that makes some wait a second each.
const PATIENCE: Duration = Duration::from_secs(25);

#[derive(Debug)]
pub(super) struct Target {
    pub(super) addr: SocketAddr,
    /// Unlike any other target's, gone ones included: events may still name those.
    key: usize,
    pub(super) connections: Vec<Connection>,
}

/// Errors by their kind.
pub(super) type Errors = BTreeMap<String, u64>;

/// Counts an error in the way of the measured loop.
pub(super) fn count(errors: &mut Errors, error: &io::Error) {
    let mut log = Log { errors: std::mem::take(errors), ..Log::default() };
    log.fail(error);
    *errors = log.errors;
}

impl Target {
    /// Without any connection yet: see [`mend`](Self::mend).
    pub(super) fn new(addr: SocketAddr, key: usize, connections: usize) -> Self {
        let connections = std::iter::repeat_with(Connection::default).take(connections).collect();
        Self { addr, key, connections }
    }

    /// Whether any of its connections is open, or about to be.
    pub(super) fn is_connected(&self) -> bool {
        self.connections.iter().any(Connection::is_alive)
    }

    /// Lets go of the server, but not of what has been counted.
    pub(super) fn close(&mut self) {
        self.connections.iter_mut().for_each(Connection::close);
    }

    /// Opens what is not open, off the clock. The first failure is the last attempt.
    pub(super) fn mend(&mut self, registry: &Registry, errors: &mut Errors) {
        self.mend_until(clock::now() + clock::nanos(PATIENCE), registry, errors);
    }

    fn mend_until(&mut self, deadline: u64, registry: &Registry, errors: &mut Errors) {
        for connection in &mut self.connections {
            // What the last slice was opening is nothing that the next one waits for.
            if !connection.open {
                connection.close();
            } else if let Err(error) = connection.probe() {
                count(errors, &error);
                connection.close();
            }
        }
        for index in 0..self.connections.len() {
            if self.connections[index].open {
                continue;
            }
            let token = self.token(index);
            let left = Duration::from_nanos(deadline.saturating_sub(clock::now()));
            if let Err(error) = self.connections[index].open(self.addr, registry, token, left) {
                count(errors, &error);
                return;
            }
        }
    }

    /// Begins to open a connection again, on the clock.
    pub(super) fn reopen(&mut self, index: usize, registry: &Registry) -> io::Result<()> {
        let token = self.token(index);
        self.connections[index].reopen(self.addr, registry, token)
    }

    pub(super) fn token(&self, index: usize) -> Token {
        Token(self.key << INDEX_BITS | index)
    }

    /// Which connection an event is about; none: another target's.
    pub(super) fn index(&self, token: Token) -> Option<usize> {
        (token.0 >> INDEX_BITS == self.key).then_some(token.0 & ((1 << INDEX_BITS) - 1))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use deadheat_core::net;
    use mio::Poll;

    use super::*;

    /// So many connections to a server that does not accept: the kernel does, for a while.
    fn target(connections: usize) -> (Target, TcpListener, Poll) {
        let listener = net::listen().unwrap();
        let target = Target::new(listener.local_addr().unwrap(), 0, connections);
        (target, listener, Poll::new().unwrap())
    }

    #[test]
    fn all_connections_have_one_deadline_and_missing_it_is_one_error() {
        let (mut target, _listener, poll) = target(3);
        let mut errors = Errors::new();
        target.mend_until(clock::now(), poll.registry(), &mut errors);
        assert_eq!(errors, Errors::from([("timed out".to_owned(), 1)]));
        assert!(!target.is_connected());
        errors.clear();
        target.mend(poll.registry(), &mut errors);
        assert!(errors.is_empty(), "{errors:?}");
        assert!(target.connections.iter().all(|connection| connection.open));
    }

    #[test]
    fn what_was_being_opened_is_closed_where_the_server_is_gone() {
        let (mut target, listener, poll) = target(2);
        for index in 0..2 {
            target.reopen(index, poll.registry()).unwrap();
        }
        assert!(target.is_connected());
        drop(listener);
        let mut errors = Errors::new();
        target.mend(poll.registry(), &mut errors);
        assert_eq!(errors.values().sum::<u64>(), 1, "the first is the last attempt: {errors:?}");
        assert!(!target.is_connected(), "no event is left over for the next slice");
    }
}
