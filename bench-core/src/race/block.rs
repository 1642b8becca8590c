//! One block: a generation of processes, and its rounds.

use std::{
    collections::{BTreeMap, BTreeSet},
    io, iter,
};

use crate::{
    cell::Verifier,
    protocol::{Done, Prepare, Turn},
    race::{
        Peers, Plan, RaceError,
        child::{Child, Launcher},
        given_up,
        measure::Seen,
        order,
        player::{Player, stretch},
        weather::{self, Barometer, Reading, Steal},
    },
    record::{Block, Contender, Fits, Foul, Handicap, Kind, Metric, PeerCounts, Race, Weather},
    resource,
};

mod served;

use self::served::{generated, keep_apart};

/// A block, and what is known of its contenders only now.
pub(super) struct Measured {
    pub(super) record: Block,
    pub(super) workers: BTreeMap<String, Option<usize>>,
    /// Rounds in foul weather.
    pub(super) foul: Vec<Foul>,
}

/// Told how many of the block's slices were run; says whether to stop.
pub(super) type Ticks<'a> = dyn FnMut(usize, usize) -> bool + 'a;

/// Everybody who takes part in a block.
pub(super) struct Cast<'a> {
    pub(super) plan: &'a Plan,
    pub(super) launcher: &'a dyn Launcher,
    pub(super) peers: &'a mut Peers,
    pub(super) verifier: &'a Verifier,
    /// Indices of the contenders that can run.
    pub(super) able: Vec<usize>,
    pub(super) given_up: Vec<String>,
    /// CPUs on which nobody else should run.
    pub(super) cpus: Vec<usize>,
    pub(super) barometer: Barometer,
    /// Processes of the block's contenders.
    alive: Vec<u32>,
    /// Of the whole race: what is usual is not known from a block.
    steal: &'a mut Steal,
    /// Whether the block was told to stop, and is kept as far as it got.
    pub(super) cut: bool,
}

impl<'a> Cast<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        launcher: &'a dyn Launcher,
        peers: &'a mut Peers,
        verifier: &'a Verifier,
        steal: &'a mut Steal,
        race: &Race,
    ) -> Self {
        let fit = |(i, c): (usize, &Contender)| (c.fits == Fits::Yes).then_some(i);
        let able = race.contenders.iter().enumerate().filter_map(fit).collect();
        let cpus = plan.exclusive_cpus();
        let barometer = Barometer::new(&cpus);
        let given_up = given_up(race);
        let (alive, cut) = (Vec::new(), false);
        Self { plan, launcher, peers, verifier, able, given_up, cpus, barometer, alive, steal, cut }
    }

    /// Runs a block; `None` where it was told to stop before everybody had a whole measured round.
    pub(super) fn block(
        &mut self,
        index: usize,
        ticks: &mut Ticks<'_>,
    ) -> Result<Option<Measured>, RaceError> {
        let order_seed = order::seed(self.plan.seed, &self.plan.id(), index, usize::MAX);
        let mut foul = Vec::new();
        let finished = match self.plan.kind {
            Kind::Solo => self.solo(index, order_seed, &mut foul, ticks)?,
            Kind::Sliced | Kind::Turns => self.together(index, order_seed, &mut foul, ticks)?,
        };
        Ok(finished.map(|mut players| {
            players.sort_by_key(|(place, _)| *place);
            let players: Vec<_> = players.into_iter().map(|(_, player)| player).collect();
            let workers = players.iter().map(|p| (p.id.clone(), p.workers)).collect();
            let trials = players.into_iter().map(|p| p.finish(self.plan)).collect();
            let record = Block { index, order_seed, trials, cut: self.cut, ..Block::default() };
            Measured { record, workers, foul }
        }))
    }

    /// All alive at once, taking turns. A round in foul weather is run again for all, up to twice
    /// the rounds in all.
    fn together(
        &mut self,
        block: usize,
        seed: u64,
        foul: &mut Vec<Foul>,
        ticks: &mut Ticks<'_>,
    ) -> Result<Option<Vec<(usize, Player)>>, RaceError> {
        let able = self.able.clone();
        let mut players: Vec<_> = order::shuffled(able.len(), seed)
            .into_iter()
            .map(|place| (place, self.start(able[place])))
            .collect();
        for (_, player) in &mut players {
            self.await_ready(player)?;
        }
        if self.plan.scenario.server {
            keep_apart(&mut players);
        }
        for (_, player) in &mut players {
            self.introduce(player)?;
        }
        let shape = &self.plan.shape;
        let (rounds, warmup) = (shape.rounds, shape.warmup);
        let race = self.plan.id();
        self.alive = players.iter().filter_map(|(_, p)| p.child.as_ref()?.pid()).collect();
        let (mut done, mut round) = (0, 0);
        while !self.cut
            && (round < warmup + rounds
                || (round < warmup + 2 * rounds && fair(round - warmup, foul) < rounds))
        {
            let order_seed = order::seed(self.plan.seed, &race, block, 2 * round);
            let schedule_seed = order::seed(self.plan.seed, &race, block, 2 * round + 1);
            let order = order::shuffled(players.len(), order_seed);
            let measured = round.checked_sub(warmup);
            let mut skies = Vec::new();
            for (position, who) in order.into_iter().enumerate() {
                let player = &mut players[who].1;
                let weather = self.slice(player, measured, position, schedule_seed)?;
                skies.push((player.id.clone(), weather));
                done += 1;
                // Rounds that are run again take no more of the bar than those they stand for.
                let of = (warmup + rounds) * players.len();
                if ticks(done.min(of), of) {
                    if done / players.len() <= warmup {
                        return Ok(None);
                    }
                    self.cut = true;
                    break;
                }
            }
            let all = players.iter_mut().map(|(_, player)| player);
            let stolen = self.judge_steal(measured, all);
            let bad = measured.and_then(|round| judged(block, round, &skies, stolen));
            for (_, player) in &mut players {
                player.tally.settle(bad.is_none());
            }
            foul.extend(bad);
            round += 1;
        }
        self.cut &= done < (warmup + rounds) * players.len();
        for (_, player) in &mut players {
            player.end_turn();
        }
        self.let_go()?;
        for (_, player) in &mut players {
            player.quit();
        }
        Ok(Some(players))
    }

    /// One process at a time. Its rounds are not run again: that would take other processes.
    fn solo(
        &mut self,
        block: usize,
        seed: u64,
        foul: &mut Vec<Foul>,
        ticks: &mut Ticks<'_>,
    ) -> Result<Option<Vec<(usize, Player)>>, RaceError> {
        let able = self.able.clone();
        let mut players = Vec::new();
        let rounds = self.plan.shape.rounds;
        let of = able.len() * rounds;
        // The steps of a scenario that climbs are one measurement: a part of them is none.
        let divisible = (self.plan.scenario.describe)().solo_steps == 0;
        for (position, place) in order::shuffled(able.len(), seed).into_iter().enumerate() {
            let mut player = self.start(able[place]);
            self.await_ready(&mut player)?;
            self.introduce(&mut player)?;
            for round in 0..rounds {
                let schedule_seed =
                    order::seed(self.plan.seed, &self.plan.id(), block, 2 * round + 1);
                let weather = self.slice(&mut player, Some(round), position, schedule_seed)?;
                // It is noted, and sets nothing aside: others had a part of that second.
                self.judge_steal(Some(round), iter::once(&mut player));
                let bad = judged(block, round, &[(player.id.clone(), weather)], None);
                // Memory is the same in any weather.
                let bad = bad.filter(|_| self.plan.primary != Metric::Memory);
                player.tally.settle(bad.is_none());
                foul.extend(bad);
                let done = position * rounds + round + 1;
                if ticks(done, of) && done < of {
                    if !divisible || position + 1 < able.len() {
                        return Ok(None);
                    }
                    self.cut = true;
                    break;
                }
            }
            player.end_turn();
            self.let_go()?;
            player.quit();
            players.push((place, player));
        }
        Ok(Some(players))
    }

    /// At the end of a round: notes what was stolen lately, and says why the round is foul, if so.
    fn judge_steal<'p>(
        &mut self,
        round: Option<usize>,
        players: impl Iterator<Item = &'p mut Player>,
    ) -> Option<String> {
        let now = self.barometer.read(iter::empty());
        let stolen = self.steal.judge(now, self.cpus.len())?;
        if let Some(round) = round {
            let first = (round + 1).saturating_sub(stolen.rounds);
            players.for_each(|player| player.tally.note_steal(first, stolen.share));
        }
        stolen.foul
    }

    pub(super) fn start(&self, entrant: usize) -> Player {
        let entrant = &self.plan.entrants[entrant];
        let contender = &entrant.contender;
        let mut player = Player::new(contender, self.plan);
        if self.given_up.contains(&contender.id) {
            player.fail("not started again after two failures".into());
            return player;
        }
        let label = format!("{}/{}", self.plan.id(), contender.id);
        let mut prepare = Prepare {
            cell: label.clone(),
            model: contender.model.clone(),
            cpus: self.plan.placement.sut.clone(),
            harness_cpus: self.plan.placement.harness.clone(),
            spin: self.plan.spin_pacer(),
            peers: self.peers.addrs.clone(),
            extra_every: entrant.extra_every(),
            ..self.plan.prepare()
        };
        prepare.params.extend(entrant.params.clone());
        let (cpus, external) = (&self.plan.placement.sut, entrant.external.as_ref());
        let started = self.launcher.contender(&label, cpus, external);
        match started.and_then(|mut child| child.send_prepare(prepare).map(|()| child)) {
            Ok(child) => player.child = Some(child),
            Err(error) => player.fail(error.to_string()),
        }
        player
    }

    /// Waits for a contender.
    pub(super) fn await_ready(&mut self, player: &mut Player) -> Result<(), RaceError> {
        let Some(child) = &mut player.child else { return Ok(()) };
        match child.wait_ready() {
            Ok(ready) => {
                player.ready_ns = child.ready_ns;
                (player.workers, player.base) = (ready.workers, ready.rss_base);
                player.target = ready.addr;
            }
            Err(error) => {
                player.fail(error.to_string());
                self.check_peers()?;
            }
        }
        Ok(())
    }

    /// What a slice asks for; `warm`: it only warms up.
    pub(super) fn turn_of(&self, player: &Player, seed: u64, warm: bool) -> (Turn, Vec<u64>) {
        let shape = &self.plan.shape;
        let (lead, window) = if warm {
            (shape.warmup_lead_ns.min(shape.lead_ns), shape.warmup_window_ns.min(shape.window_ns))
        } else {
            (shape.lead_ns, shape.window_ns)
        };
        let span = lead + window + shape.out_ns;
        let arrivals = match self.plan.batch() {
            0 => self.plan.load.schedule(span, seed),
            n => vec![0; usize::try_from(n).unwrap_or(usize::MAX)],
        };
        // Under an open load nobody may arrive; that is no closed one.
        let is_timed = arrivals.is_empty() && self.plan.load.is_closed();
        let for_ns = if is_timed { span } else { 0 };
        let drain_ns = if self.plan.batch() > 0 { 10 * shape.drain_ns } else { shape.drain_ns };
        let extra_every = match player.handicap {
            // A server's handicap is asked of it by the generator; a client has its own.
            Some(Handicap::Work { every }) if self.plan.scenario.server => every,
            _ => 0,
        };
        let target = player.target;
        (Turn { for_ns, drain_ns, target, extra_every, ..Turn::default() }, arrivals)
    }

    /// The counters of the weather. All processes of the race are its own, those too that wait for
    /// their turn: what they use meanwhile is charged to them and is nobody's weather.
    fn weather(&self, player: &Player) -> Reading {
        let peers = self.peers.children.iter().chain(&player.child).filter_map(Child::pid);
        let others = self.alive.iter().copied();
        self.barometer.read(peers.chain(others).collect::<BTreeSet<u32>>().into_iter())
    }

    /// Connections that listeners have dropped so far. The system counts everybody's: `None` where
    /// nobody in this race listens.
    fn overflows(&self) -> Option<u64> {
        let listens = self.plan.scenario.server || !self.peers.addrs.is_empty();
        listens.then(resource::listen_overflows).flatten()
    }

    /// A slice of one contender. A contender's failure is its own; a peer's ends the race.
    fn slice(
        &mut self,
        player: &mut Player,
        round: Option<usize>,
        position: usize,
        seed: u64,
    ) -> Result<Weather, RaceError> {
        if player.child.is_none() {
            return Ok(Weather::default());
        }
        let (turn, arrivals) = self.turn_of(player, seed, round.is_none());
        let overflows = self.overflows();
        let before = self.weather(player);
        let (result, peer) = if self.plan.scenario.server {
            let result = self.serve(player, &turn, &arrivals);
            let peer = result.as_ref().ok().map(|(done, _)| generated(done));
            (result, peer)
        } else {
            let before = self.mark_peers()?;
            let result = player.run(&turn, &arrivals);
            (result, counted(&before, &self.mark_peers()?))
        };
        let (done, mut numbers) = match result {
            Ok(answer) => answer,
            Err(error) => {
                player.fail(error.to_string());
                self.check_peers()?;
                return Ok(Weather::default());
            }
        };
        let weather = weather::between(&before, &self.weather(player), self.cpus.len());
        let overflowed = self.overflows().zip(overflows).map(|(now, then)| now - then);
        player.see_levels(done.levels, self.plan);
        if let Some(Handicap::Clock { factor }) = player.handicap {
            stretch(&mut numbers.samples, factor);
        }
        let slice = Seen {
            done: &done,
            numbers: &numbers,
            arrivals: &arrivals,
            round,
            position,
            seed,
            memory: player.memory(),
            peer,
            weather,
            overflowed,
            stretched: matches!(player.handicap, Some(Handicap::Clock { .. })),
            factor: match player.handicap {
                Some(Handicap::Clock { factor }) => factor,
                _ => 1.0,
            },
        };
        if let Err(cause) = player.tally.add(self.plan, &slice, self.verifier) {
            player.fail(cause);
        }
        Ok(weather)
    }

    fn mark_peers(&mut self) -> Result<Vec<Done>, RaceError> {
        let mut marks = Vec::new();
        for peer in 0..self.peers.children.len() {
            match self.peers.children[peer].mark() {
                Ok(mark) => marks.push(mark),
                Err(error) => return Err(self.peer_failed(peer, &error)),
            }
        }
        Ok(marks)
    }

    /// After a contender's failure: whether a peer is to blame. A mark costs the others nothing: a
    /// generator keeps its connections.
    fn check_peers(&mut self) -> Result<(), RaceError> {
        self.mark_peers().map(drop)
    }

    fn peer_failed(&mut self, peer: usize, error: &io::Error) -> RaceError {
        let setup =
            crate::scenario::Setup { params: &self.plan.params, load: self.plan.load, peers: &[] };
        let name = (self.plan.scenario.peers)(&setup).get(peer).map_or("peer", |spec| spec.name);
        let said: Vec<_> = self.peers.children.iter_mut().map(Child::said).collect();
        RaceError::Peer { name, cause: format!("{error} {}", said.join(" ")).trim_end().into() }
    }
}

/// Rounds of this block in fair weather, of those that were run.
fn fair(run: usize, foul: &[Foul]) -> usize {
    run - foul.len()
}

/// Whether the weather of a round was foul, and in whose slices.
fn judged(
    block: usize,
    round: usize,
    seen: &[(String, Weather)],
    stolen: Option<String>,
) -> Option<Foul> {
    let bad = seen.iter().filter_map(|(id, weather)| Some((id, weather::foul(weather)?)));
    let (contenders, reasons): (Vec<_>, Vec<_>) = bad.map(|(id, why)| (id.clone(), why)).unzip();
    let reason = stolen.or_else(|| reasons.into_iter().next())?;
    Some(Foul { block, round, reason, contenders })
}

/// What the peers counted between two marks; `None` where none of them counts.
fn counted(before: &[Done], after: &[Done]) -> Option<PeerCounts> {
    let mut total = PeerCounts::default();
    let mut counts = false;
    for (before, after) in before.iter().zip(after) {
        if let (Some(before), Some(after)) = (before.counts, after.counts) {
            total.done += after.done - before.done;
            total.in_flight += after.in_flight_ns - before.in_flight_ns;
            counts = true;
        }
        if let (Some(before), Some(after)) = (before.end, after.begin) {
            total.busy += after.cpu_ns.saturating_sub(before.cpu_ns);
        }
    }
    counts.then_some(total)
}
