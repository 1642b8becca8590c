//! Servers under test: where they listen, and their slices, whose load comes from the generator.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
    net::SocketAddr,
};

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
        let (load, numbers) = self.generator().turn(turn, arrivals)?;
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
    let mut listening: BTreeMap<SocketAddr, String> = BTreeMap::new();
    for (_, player) in in_order {
        let Some(addr) = player.target.filter(|_| player.child.is_some()) else { continue };
        match listening.entry(addr) {
            Entry::Vacant(free) => _ = free.insert(player.id.clone()),
            Entry::Occupied(taken) => player.fail(format!(
                "it listens at {addr}, where {} does: each process needs a port of its own, as \
                 port 0 gives one, and says in `ready` which it is",
                taken.get()
            )),
        }
    }
}

/// What a generator saw of the server that it loaded.
pub(super) fn generated(done: &Done) -> PeerCounts {
    let fact = |name| done.facts.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
    PeerCounts { done: done.samples, in_flight: fact("in_flight_ns"), busy: fact("busy_ns") }
}
