//! One block: a generation of processes, and its rounds.

use std::{collections::BTreeMap, io};

use crate::{
    cell::Verifier,
    clock,
    protocol::{Done, Levels, Numbers, Prepare, Turn},
    race::{
        LONGEST_BATCH, Peers, Plan, RaceError,
        child::{Child, Launcher},
        given_up,
        measure::{Seen, Tally},
        order,
        plan::Pace,
        weather::{self, Barometer, Reading, Steal},
    },
    record::{
        Block, Contender, Fits, Foul, Handicap, Kind, Metric, Outcome, PeerCounts, Race, Resources,
        Role, Shape, Trial, Weather,
    },
    resource,
    sample::Sample,
};

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
    plan: &'a Plan,
    launcher: &'a dyn Launcher,
    peers: &'a mut Peers,
    verifier: &'a Verifier,
    /// Indices of the contenders that can run.
    able: Vec<usize>,
    given_up: Vec<String>,
    /// CPUs on which nobody else should run.
    cpus: Vec<usize>,
    barometer: Barometer,
    /// Whether the block was told to stop, and is kept as far as it got.
    cut: bool,
}

/// A contender in a block: its process while it lives, and what it has done.
struct Player {
    id: String,
    handicap: Option<Handicap>,
    child: Option<Child>,
    target: Option<std::net::SocketAddr>,
    workers: Option<usize>,
    base: Option<u64>,
    ready_ns: u64,
    levels: Levels,
    outcome: Outcome,
    tally: Tally,
}

/// What a slice showed that does not count.
struct Tried {
    done: Done,
    numbers: Numbers,
    ready_ns: u64,
    /// From the parent's side, with all that it takes to begin and to end.
    whole_ns: u64,
}

impl Tried {
    /// The mean service time of its operations; `None` where none ended.
    fn service_ns(&self) -> Option<u64> {
        let samples = &self.numbers.samples;
        let total: u64 = samples.iter().map(|s| s.finished.saturating_sub(s.started)).sum();
        total.checked_div(samples.len() as u64)
    }

    /// s/(1 − √ρ)², ρ being how busy its CPUs or its sessions are, whichever is scarcer; `None`
    /// where they are so busy that its tail would need minutes: then it is not decided here.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "nanoseconds")]
    fn relaxation_ns(&self, (cpus, sessions): (usize, usize)) -> Option<u64> {
        let service = self.service_ns()? as f64;
        let span = self.done.span_ns.max(1) as f64;
        let cpu = self.done.end?.cpu_ns.saturating_sub(self.done.begin?.cpu_ns) as f64;
        let on_cpus = cpu / (span * cpus.max(1) as f64);
        let in_sessions = self.done.samples as f64 * service / (span * sessions.max(1) as f64);
        let busy = on_cpus.max(in_sessions);
        (busy < 0.7).then(|| (service / (1.0 - busy.sqrt()).powi(2)) as u64)
    }
}

impl<'a> Cast<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        launcher: &'a dyn Launcher,
        peers: &'a mut Peers,
        verifier: &'a Verifier,
        race: &Race,
    ) -> Self {
        let fit = |(i, c): (usize, &Contender)| (c.fits == Fits::Yes).then_some(i);
        let able = race.contenders.iter().enumerate().filter_map(fit).collect();
        let cpus = plan.exclusive_cpus();
        let barometer = Barometer::new(&cpus);
        let given_up = given_up(race);
        Self { plan, launcher, peers, verifier, able, given_up, cpus, barometer, cut: false }
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

    /// Contenders that would need too long for a batch, and how long: from a twentieth of it.
    pub(super) fn too_slow(&mut self) -> Result<Vec<(usize, String)>, RaceError> {
        let batch = self.plan.batch();
        let part = vec![0; usize::try_from(batch / 20).unwrap_or(usize::MAX)];
        let mut slow = Vec::new();
        for index in self.able.clone() {
            // Who fails here fails in the race, and is reported there.
            let Some(Tried { done, .. }) = self.try_out(index, Some(&part))? else { continue };
            let rate = done.samples as f64 / (done.span_ns.max(1) as f64 / 1e9);
            let seconds = batch as f64 / rate;
            if seconds > LONGEST_BATCH as f64 / 1e9 {
                let why = format!("too slow: {seconds:.0} s expected, at {rate:.0}/s");
                slow.push((index, why));
            }
        }
        Ok(slow)
    }

    /// How fast the race's cells are here: a slice of each model, alone.
    pub(super) fn pace(&mut self) -> Result<Option<Pace>, RaceError> {
        let models: Vec<usize> = self
            .able
            .iter()
            .copied()
            .filter(|index| self.plan.entrants[*index].contender.role == Role::Model)
            .collect();
        let mut seen = Vec::new();
        for index in models {
            seen.extend(self.try_out(index, None)?);
        }
        let Shape { lead_ns, window_ns, out_ns, .. } = self.plan.shape;
        let count = seen.len() as u64;
        let mean = |of: &dyn Fn(&Tried) -> u64| seen.iter().map(of).sum::<u64>() / count.max(1);
        let most = |of: &dyn Fn(&Tried) -> Option<u64>| seen.iter().filter_map(of).max();
        let places = (self.plan.placement.sut.len(), self.plan.shape.sessions);
        Ok(most(&|tried| tried.service_ns()).map(|service_ns| Pace {
            service_ns,
            relaxation_ns: most(&|tried| tried.relaxation_ns(places)).unwrap_or(12 * service_ns),
            ready_ns: mean(&|tried| tried.ready_ns),
            rest_ns: mean(&|tried| tried.whole_ns.saturating_sub(lead_ns + window_ns + out_ns)),
        }))
    }

    /// One slice of a contender that is alone, with these arrivals or the plan's.
    fn try_out(
        &mut self,
        index: usize,
        arrivals: Option<&[u64]>,
    ) -> Result<Option<Tried>, RaceError> {
        let mut player = self.start(index);
        self.await_ready(&mut player)?;
        let seed = order::seed(self.plan.seed, &self.plan.id(), usize::MAX, index);
        let (turn, planned) = self.turn_of(&player, seed);
        let arrivals = arrivals.unwrap_or(&planned);
        let begun = clock::now();
        let done = if self.plan.scenario.server {
            self.serve(&mut player, &turn, arrivals)
        } else {
            player.run(&turn, arrivals)
        };
        let whole_ns = clock::now() - begun;
        let ready_ns = player.ready_ns;
        self.let_go()?;
        player.quit();
        Ok(done.ok().map(|(done, numbers)| Tried { done, numbers, ready_ns, whole_ns }))
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
        let shape = &self.plan.shape;
        let (rounds, warmup) = (shape.rounds, shape.warmup);
        let race = self.plan.id();
        let (mut done, mut steal, mut round) = (0, Steal::default(), 0);
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
            let stolen = steal.judge(self.barometer.read(std::iter::empty()), self.cpus.len());
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
            for round in 0..rounds {
                let schedule_seed =
                    order::seed(self.plan.seed, &self.plan.id(), block, 2 * round + 1);
                let weather = self.slice(&mut player, Some(round), position, schedule_seed)?;
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

    /// Closes the generator's connections, so that the servers can end.
    fn let_go(&mut self) -> Result<(), RaceError> {
        if self.plan.scenario.server { self.mark_peers().map(drop) } else { Ok(()) }
    }

    fn start(&self, entrant: usize) -> Player {
        let entrant = &self.plan.entrants[entrant];
        let contender = &entrant.contender;
        let mut player = Player::new(contender, self.plan);
        if self.given_up.contains(&contender.id) {
            player.fail("not started again after two failures".into());
            return player;
        }
        let label = format!("{}/{}", self.plan.id(), contender.id);
        let prepare = Prepare {
            cell: label.clone(),
            model: contender.model.clone(),
            cpus: self.plan.placement.sut.clone(),
            harness_cpus: self.plan.placement.harness.clone(),
            spin: self.plan.spin_pacer(),
            peers: self.peers.addrs.clone(),
            extra_every: entrant.extra_every(),
            ..self.plan.prepare()
        };
        let (cpus, external) = (&self.plan.placement.sut, entrant.external.as_ref());
        let started = self.launcher.contender(&label, cpus, external);
        match started.and_then(|mut child| child.send_prepare(prepare).map(|()| child)) {
            Ok(child) => player.child = Some(child),
            Err(error) => player.fail(error.to_string()),
        }
        player
    }

    /// Waits for a contender, and has the generator connect to it where it is a server.
    fn await_ready(&mut self, player: &mut Player) -> Result<(), RaceError> {
        let Some(child) = &mut player.child else { return Ok(()) };
        match child.wait_ready() {
            Ok(ready) => {
                player.ready_ns = child.ready_ns;
                (player.workers, player.base) = (ready.workers, ready.rss_base);
                player.target = ready.addr;
            }
            Err(error) => {
                player.fail(error.to_string());
                return self.check_peers();
            }
        }
        if self.plan.scenario.server {
            let turn = Turn { target: player.target, ..Turn::default() };
            if let Err(error) = self.generator().turn(&turn, &[]) {
                player.fail(format!("the generator could not connect: {error}"));
                self.check_peers()?;
            }
        }
        Ok(())
    }

    fn generator(&mut self) -> &mut Child {
        &mut self.peers.children[0]
    }

    fn turn_of(&self, player: &Player, seed: u64) -> (Turn, Vec<u64>) {
        let shape = &self.plan.shape;
        let span = shape.lead_ns + shape.window_ns + shape.out_ns;
        let arrivals = match self.plan.batch() {
            0 => self.plan.load.schedule(span, seed),
            n => vec![0; usize::try_from(n).unwrap_or(usize::MAX)],
        };
        let for_ns = if arrivals.is_empty() { span } else { 0 };
        let drain_ns = if self.plan.batch() > 0 { 10 * shape.drain_ns } else { shape.drain_ns };
        let extra_every = match player.handicap {
            // A server's handicap is asked of it by the generator; a client has its own.
            Some(Handicap::Work { every }) if self.plan.scenario.server => every,
            _ => 0,
        };
        let target = player.target;
        (Turn { for_ns, drain_ns, target, extra_every, ..Turn::default() }, arrivals)
    }

    /// The counters of the weather; of the race's processes, those that are meant to run now.
    fn weather(&self, player: &Player) -> Reading {
        let peers = self.peers.children.iter();
        self.barometer.read(peers.chain(&player.child).filter_map(Child::pid))
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
        let (turn, arrivals) = self.turn_of(player, seed);
        let overflows = resource::listen_overflows();
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
        let weather = weather::between(&before, &self.weather(player));
        let overflowed = resource::listen_overflows().zip(overflows).map(|(now, then)| now - then);
        player.see_levels(done.levels, self.plan);
        if let Some(Handicap::Clock { factor }) = player.handicap {
            stretch(&mut numbers.samples, factor);
        }
        let slice = Seen {
            done: &done,
            numbers: &numbers,
            offered: arrivals.len() as u64,
            round,
            position,
            seed,
            memory: player.memory(),
            peer,
            weather,
            overflowed,
            stretched: matches!(player.handicap, Some(Handicap::Clock { .. })),
        };
        if let Err(cause) = player.tally.add(self.plan, &slice, self.verifier) {
            player.fail(cause);
        }
        Ok(weather)
    }

    /// A server's slice: the generator's samples, between two readings of the server's counters.
    fn serve(
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

    fn mark_peers(&mut self) -> Result<Vec<Done>, RaceError> {
        let marks: io::Result<Vec<_>> = self.peers.children.iter_mut().map(Child::mark).collect();
        match marks {
            Ok(marks) => Ok(marks),
            Err(error) => Err(self.peer_failed(&error)),
        }
    }

    /// After a contender's failure: whether a peer is to blame.
    fn check_peers(&mut self) -> Result<(), RaceError> {
        self.mark_peers().map(drop)
    }

    fn peer_failed(&mut self, error: &io::Error) -> RaceError {
        let setup =
            crate::scenario::Setup { params: &self.plan.params, load: self.plan.load, peers: &[] };
        let name = (self.plan.scenario.peers)(&setup).first().map_or("peer", |spec| spec.name);
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

/// The clock handicap: whatever is counted from an operation's intended start lasts `factor` as
/// long. Done before anything else is done with the samples, so that a known slowdown goes the whole
/// way from here to the verdict; and here rather than in the child, so that an external program
/// need not know of it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times within a slice")]
fn stretch(samples: &mut [Sample], factor: f64) {
    for sample in samples {
        let since = |at: u64| (at.saturating_sub(sample.intended) as f64 * factor).round() as u64;
        let (started, finished) = (since(sample.started), since(sample.finished));
        sample.started = sample.intended + started;
        sample.finished = sample.intended + finished;
    }
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

/// What a generator saw of the server that it loaded.
fn generated(done: &Done) -> PeerCounts {
    let fact = |name| done.facts.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
    PeerCounts { done: done.samples, in_flight: fact("in_flight_ns"), busy: fact("busy_ns") }
}

impl Player {
    fn new(contender: &Contender, plan: &Plan) -> Self {
        Self {
            id: contender.id.clone(),
            handicap: contender.handicap,
            child: None,
            target: None,
            workers: None,
            base: None,
            ready_ns: 0,
            levels: Levels::default(),
            outcome: Outcome::Ok,
            tally: Tally::new(plan.shape.sessions),
        }
    }

    /// A turn; where the program does not tell its CPU time, the system does.
    fn run(&mut self, turn: &Turn, arrivals: &[u64]) -> io::Result<(Done, Numbers)> {
        let child = self.child.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let cpu = |child: &Child| child.pid().and_then(resource::cpu_of);
        let begin = cpu(child);
        let (mut done, numbers) = child.turn(turn, arrivals)?;
        let usage = |cpu_ns: Option<u64>| {
            Some(crate::protocol::Usage { cpu_ns: cpu_ns?, ..Default::default() })
        };
        done.begin = done.begin.or_else(|| usage(begin));
        done.end = done.end.or_else(|| usage(cpu(child)));
        Ok((done, numbers))
    }

    fn fail(&mut self, cause: String) {
        let stderr = self.child.take().map(|mut child| child.said()).unwrap_or_default();
        self.outcome = Outcome::Failed { cause, stderr };
    }

    /// Closes its last turn, before it is made to let go of its connections: that is not its work.
    fn end_turn(&mut self) {
        if let Ok((done, _)) = self.run(&Turn::default(), &[]) {
            self.tally.last_usage(done.begin);
        }
    }

    fn quit(&mut self) {
        // Its last word says nothing that has not been counted.
        let _ = self.child.take().and_then(Child::quit);
    }

    /// Peaks, from what the child tells or else from what the system tells of it.
    fn see_levels(&mut self, told: Option<Levels>, plan: &Plan) {
        let pid = self.child.as_ref().and_then(Child::pid);
        let steps = (plan.scenario.describe)().solo_steps > 0;
        let seen = match told {
            Some(levels) if !steps => levels,
            told => pid.map(|pid| resource::levels(Some(pid), 1)).or(told).unwrap_or_default(),
        };
        let peak = |a: Option<u64>, b: Option<u64>| a.max(b);
        self.levels = Levels {
            threads: peak(self.levels.threads, seen.threads),
            rss: seen.rss,
            rss_peak: peak(self.levels.rss_peak, seen.rss_peak),
            page_tables: peak(self.levels.page_tables, seen.page_tables),
            kernel_stack: peak(self.levels.kernel_stack, seen.kernel_stack),
        };
    }

    /// The whole price in memory: resident set, kernel stacks, page tables.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a known factor")]
    fn memory(&self) -> Option<u64> {
        let Levels { rss, page_tables, kernel_stack, .. } = self.levels;
        let whole = rss? + page_tables? + kernel_stack?;
        Some(match self.handicap {
            Some(Handicap::Clock { factor }) => (whole as f64 * factor).round() as u64,
            _ => whole,
        })
    }

    fn finish(self, plan: &Plan) -> Trial {
        let resources = Resources {
            threads_peak: self.levels.threads,
            rss_peak: self.levels.rss_peak,
            rss_base: self.base,
            kernel_stack: self.levels.kernel_stack,
            page_tables: self.levels.page_tables,
            ready_ns: (self.ready_ns > 0).then_some(self.ready_ns),
        };
        let outcome = match (self.outcome, self.tally.broken_law(plan)) {
            (Outcome::Ok, Some(cause)) => Outcome::Failed { cause, stderr: String::new() },
            (outcome, _) => outcome,
        };
        let trial = Trial { contender: self.id, resources, ..self.tally.finish(plan) };
        match outcome {
            Outcome::Ok => trial,
            // A failed trial has no number.
            failed @ Outcome::Failed { .. } => Trial {
                contender: trial.contender,
                resources: trial.resources,
                outcome: failed,
                ..Trial::default()
            },
        }
    }
}
