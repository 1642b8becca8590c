//! A server that the generator loads, and the connections to it.

use std::{collections::BTreeMap, io, net::SocketAddr};

use deadheat_core::sample::Log;
use mio::{Registry, Token};

use super::connection::Connection;

/// Connections that a token has room for.
const INDEX_BITS: u32 = 24;

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
        for index in 0..self.connections.len() {
            let token = self.token(index);
            let connection = &mut self.connections[index];
            if !connection.open {
                connection.close();
            } else if let Err(error) = connection.probe() {
                count(errors, &error);
                connection.close();
            }
            if connection.open {
                continue;
            }
            if let Err(error) = connection.open(self.addr, registry, token) {
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
