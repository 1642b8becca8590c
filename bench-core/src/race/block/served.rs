//! Servers under test: where they listen, and their slices, whose load comes from the generator.

use std::{io, net::SocketAddr};

use crate::{
    protocol::{Done, Numbers, Turn},
    race::{RaceError, child::Child, player::Player},
    record::PeerCounts,
};

use super::Cast;

impl Cast<'_> {
    /// Has the generator connect to a contender that serves. As with a client's sessions, all of the
    /// connections are there, or the contender has failed.
    pub(in crate::race) fn introduce(&mut self, player: &mut Player) -> Result<(), RaceError> {
        if !self.plan.scenario.server || player.child.is_none() {
            return Ok(());
        }
        if player.target.is_none() {
            let cause = "it does not say where it listens: a server's `ready` has an `addr`";
            player.fail(cause.into());
            return Ok(());
        }
        let turn = Turn { target: player.target, ..Turn::default() };
        let failed = match self.generator().turn(&turn, &[]) {
            Ok((done, _)) => done.errors.into_keys().next(),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = failed {
            player.fail(format!("the generator could not connect: {why}"));
            self.check_peers()?;
        }
        Ok(())
    }

    /// A server's slice: the generator's samples, between two readings of the server's counters.
    pub(in crate::race) fn serve(
        &mut self,
        player: &mut Player,
        turn: &Turn,
        arrivals: &[u64],
    ) -> io::Result<(Done, Numbers)> {
        let begin = player.run(&Turn::default(), &[])?.0;
        let (load, numbers) = if turn.for_ns == 0 && arrivals.is_empty() {
            // Nobody arrives in this slice. Naming it without a load would introduce it anew.
            (Done::default(), Numbers::default())
        } else {
            self.generator().turn(turn, arrivals)?
        };
        let end = player.run(&Turn::default(), &[])?.0;
        let levels = end.levels;
        Ok((Done { begin: begin.end, end: end.begin, levels, ..load }, numbers))
    }

    /// Closes the generator's connections, so that the servers can end.
    pub(in crate::race) fn let_go(&mut self) -> Result<(), RaceError> {
        if !self.plan.scenario.server {
            return Ok(());
        }
        let turn = Turn { let_go: true, ..Turn::default() };
        let closed = self.generator().turn(&turn, &[]);
        closed.map(drop).map_err(|error| self.peer_failed(0, &error))
    }

    fn generator(&mut self) -> &mut Child {
        &mut self.peers.children[0]
    }
}

/// Fails who listens where another does that comes before it in the plan. The system would share
/// out connections among them, so a load that is meant for one would be anybody's.
pub(super) fn keep_apart(players: &mut [(usize, Player)]) {
    let mut in_order: Vec<_> = players.iter_mut().collect();
    in_order.sort_by_key(|(place, _)| *place);
    let mut listening: Vec<(SocketAddr, String)> = Vec::new();
    for (_, player) in in_order {
        let Some(addr) = player.target.filter(|_| player.child.is_some()) else { continue };
        match listening.iter().find(|(other, _)| is_shared(addr, *other)) {
            None => listening.push((addr, player.id.clone())),
            Some((_, taken)) => player.fail(format!(
                "it listens at {addr}, where {taken} does: each process needs a port of its own, \
                 as port 0 gives one, and says in `ready` which it is"
            )),
        }
    }
}

/// Whether connections to one address may come to the other.
fn is_shared(one: SocketAddr, other: SocketAddr) -> bool {
    let [a, b] = [one.ip(), other.ip()];
    one.port() == other.port() && (a == b || a.is_unspecified() || b.is_unspecified())
}

/// What a generator saw of the server that it loaded.
pub(super) fn generated(done: &Done) -> PeerCounts {
    let fact = |name| done.facts.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
    PeerCounts { done: done.samples, in_flight: fact("in_flight_ns"), busy: fact("busy_ns") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everywhere_is_also_there() {
        let shared =
            |one: &str, other: &str| is_shared(one.parse().unwrap(), other.parse().unwrap());
        assert!(shared("127.0.0.1:80", "127.0.0.1:80") && shared("0.0.0.0:80", "127.0.0.1:80"));
        assert!(shared("127.0.0.1:80", "[::]:80"));
        assert!(!shared("127.0.0.1:80", "127.0.0.1:81") && !shared("127.0.0.1:80", "127.0.0.2:80"));
    }
}
