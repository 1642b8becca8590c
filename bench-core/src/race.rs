//! The parent: peers, blocks of fresh processes, rounds of slices in random order.
//!
//! A race takes a [`Plan`] and gives a [`Race`] of the record, which grows block by block. What is
//! decided from it is `stats`'s; what is shown of it is the reports' and the command line's.

use std::{io, net::SocketAddr, ops::ControlFlow};

use thiserror::Error;

use crate::{
    cell::Verifier,
    protocol::Prepare,
    record::{Contender, Fits, Kind, Outcome, Race, Status, Trial, Warning},
    scenario::Setup,
};

mod block;
pub mod child;
mod controls;
mod external;
mod fit;
mod law;
mod measure;
pub mod order;
mod placement;
pub mod plan;
mod player;
mod shape;
mod tryout;
pub mod weather;
mod window;

use self::{
    block::Cast,
    child::Child,
    shape::{IDLE_PAUSE, warn_of_pause},
    tryout::{BUSY, expected_pause_ns},
    weather::Steal,
};

pub use self::{
    child::Launcher,
    external::External,
    plan::{Entrant, Plan},
};

/// Failures of one contender after which it is not started again.
const ATTEMPTS: usize = 2;

/// Batches of this many operations are tried with a part of them first.
const CALIBRATED: u64 = 1_000;

/// How long a batch may take, ns; a model that would need longer is too slow to race.
const LONGEST_BATCH: u64 = 20_000_000_000;

/// How far a race is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Peers are up; nothing is measured yet.
    Started,
    /// A slice was run: this many of the block's.
    Slice {
        /// Slices run in this block, warm-up included.
        done: usize,
        /// Slices of a block.
        of: usize,
    },
    /// A block was added to the race.
    Block,
}

/// Told of every step; `Break` ends the race after what has been measured.
pub type Watch<'a> = dyn FnMut(&mut Race, Progress) -> ControlFlow<()> + 'a;

/// Why a race could not go on. What was measured before stands.
#[derive(Debug, Error)]
pub enum RaceError {
    /// A peer did not start, or died.
    #[error("peer {name} failed: {cause}")]
    Peer {
        /// What it is.
        name: &'static str,
        /// What it said, or how it ended.
        cause: String,
    },
    /// The scenario could not be prepared in the parent.
    #[error("failed to prepare {scenario}: {source}")]
    Prepare {
        /// Its id.
        scenario: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// The other end of a race: its peers, alive for all of it.
struct Peers {
    children: Vec<Child>,
    addrs: Vec<SocketAddr>,
}

/// Runs a race, or what is missing of it, and adds its blocks to `race`.
pub fn run(
    plan: &Plan,
    launcher: &dyn Launcher,
    race: &mut Race,
    watch: &mut Watch<'_>,
) -> Result<(), RaceError> {
    let mut peers = start_peers(plan, launcher)?;
    let verifier = verifier(plan, &peers.addrs)?;
    race.status = Status::Running;
    if race.blocks.is_empty() && plan.batch() >= CALIBRATED {
        let mut steal = Steal::default();
        let mut cast = Cast::new(plan, launcher, &mut peers, &verifier, &mut steal, race);
        let expected = cast.expected()?;
        for (own, why) in expected.iter().filter_map(|own| Some((own, own.too_slow()?))) {
            race.contenders[own.contender].fits = Fits::NotApplicable(why);
        }
        if plan.kind == Kind::Turns {
            race.warnings.retain(|warning| warning.code != IDLE_PAUSE);
            race.warnings.extend(warn_of_pause(expected_pause_ns(&expected)));
        }
    }
    let other = plan.with_able_reference(&race.contenders);
    if let (Some(other), true) = (&other, race.blocks.is_empty()) {
        race.warnings.push(Warning {
            code: "reference".into(),
            text: format!(
                "{} cannot run here: {} is the reference",
                plan.reference, other.reference
            ),
            advice: String::new(),
        });
        race.reference.clone_from(&other.reference);
        race.contenders = contenders_of(other);
    }
    let plan = other.as_ref().unwrap_or(plan);
    let mut steal = Steal::default();
    let mut stopped = watch(race, Progress::Started).is_break();
    while race.blocks.len() < plan.shape.blocks && !stopped {
        let index = race.blocks.len();
        let mut cast = Cast::new(plan, launcher, &mut peers, &verifier, &mut steal, race);
        let outcome = cast
            .block(index, &mut |done, of| watch(race, Progress::Slice { done, of }).is_break())?;
        let Some(block) = outcome else { break };
        note_workers(race, &block);
        race.foul.extend(block.foul);
        race.blocks.push(block.record);
        stopped = watch(race, Progress::Block).is_break();
    }
    let complete = race.blocks.len() >= plan.shape.blocks;
    race.status = if complete { Status::Complete } else { Status::Cut };
    for peer in peers.children {
        peer.quit();
    }
    Ok(())
}

/// Fits a plan to this machine: a slice of each model, alone. Where that shows nothing the plan stays
/// as it is; what is wrong will be seen, and reported, in the race.
pub fn calibrate(plan: &mut Plan, launcher: &dyn Launcher) -> Result<(), RaceError> {
    let climbs = (plan.scenario.describe)().solo_steps > 0;
    if plan.kind != Kind::Sliced && !climbs {
        return Ok(());
    }
    let mut peers = start_peers(plan, launcher)?;
    let verifier = verifier(plan, &peers.addrs)?;
    let race = begin(plan);
    let mut steal = Steal::default();
    let seen = Cast::new(plan, launcher, &mut peers, &verifier, &mut steal, &race).pace()?;
    for peer in peers.children {
        peer.quit();
    }
    if let Some((pace, busy)) = seen {
        plan.refit(pace);
        plan.warnings.retain(|warning| warning.code != BUSY);
        plan.warnings.extend(busy);
    }
    Ok(())
}

/// The race as it is before its first block.
pub fn begin(plan: &Plan) -> Race {
    let mut race = Race {
        id: plan.id(),
        scenario: plan.scenario.id.into(),
        operation: (plan.scenario.describe)().operation.into(),
        params: plan.params.changed().clone(),
        load: plan.load.to_string(),
        kind: plan.kind,
        placement: plan.placement.clone(),
        shape: plan.shape.clone(),
        primary: plan.primary,
        reference: plan.reference.clone(),
        margin: plan.margin.clone(),
        contenders: contenders_of(plan),
        warnings: plan.warnings.clone(),
        peer_threads: peer_threads(plan),
        ..Race::default()
    };
    if !plan.entrants.iter().any(|e| e.contender.fits == Fits::Yes) {
        let text = "no model fits this race".to_owned();
        race.warnings.push(Warning { code: "nobody-fits".into(), text, advice: String::new() });
    }
    race
}

fn contenders_of(plan: &Plan) -> Vec<Contender> {
    plan.entrants.iter().map(|entrant| entrant.contender.clone()).collect()
}

/// CPUs that the peers can use at once, where that is less than they are given.
fn peer_threads(plan: &Plan) -> Option<u64> {
    let setup = Setup { params: &plan.params, load: plan.load, peers: &[] };
    let specs = (plan.scenario.peers)(&setup);
    let threads: Option<usize> = specs.iter().map(|spec| spec.threads).sum();
    threads.map(|threads| threads.min(plan.placement.peer.len()) as u64).filter(|n| *n > 0)
}

fn start_peers(plan: &Plan, launcher: &dyn Launcher) -> Result<Peers, RaceError> {
    let setup = Setup { params: &plan.params, load: plan.load, peers: &[] };
    let mut peers = Peers { children: Vec::new(), addrs: Vec::new() };
    for (index, spec) in (plan.scenario.peers)(&setup).into_iter().enumerate() {
        let failed =
            |cause: io::Error| RaceError::Peer { name: spec.name, cause: cause.to_string() };
        let prepare = Prepare {
            cell: format!("{} {}", plan.id(), spec.name),
            peer: Some(index),
            cpus: plan.placement.peer.clone(),
            spin: plan.spin_peer(),
            peers: peers.addrs.clone(),
            ..plan.prepare()
        };
        let mut child = launcher.peer(spec.name).map_err(failed)?;
        let ready = child.prepare(prepare).map_err(failed)?;
        peers.addrs.extend(ready.addr);
        peers.children.push(child);
    }
    Ok(peers)
}

fn verifier(plan: &Plan, peers: &[SocketAddr]) -> Result<Verifier, RaceError> {
    let setup = Setup { params: &plan.params, load: plan.load, peers };
    let scenario = plan.scenario.id;
    (plan.scenario.verifier)(&setup).map_err(|source| RaceError::Prepare { scenario, source })
}

/// Contenders that have failed too often to be started again.
fn given_up(race: &Race) -> Vec<String> {
    let failures = |id: &str| {
        let failed = |trial: &&Trial| matches!(trial.outcome, Outcome::Failed { .. });
        let trials = race.blocks.iter().flat_map(|block| &block.trials);
        trials.filter(|trial| trial.contender == id).filter(failed).count()
    };
    let contenders = race.contenders.iter().filter(|contender| failures(&contender.id) >= ATTEMPTS);
    contenders.map(|contender| contender.id.clone()).collect()
}

/// Workers are known once a contender has run.
fn note_workers(race: &mut Race, block: &block::Measured) {
    for (id, workers) in &block.workers {
        if let Some(contender) = race.contenders.iter_mut().find(|c| c.id == *id) {
            contender.workers = *workers;
        }
    }
}
