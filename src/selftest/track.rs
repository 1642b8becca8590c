//! How the self-test races: plans as everybody's, run alone, side by side, or slice by slice in turn.

use std::{
    ops::ControlFlow,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use deadheat_core::{
    cell::Cell,
    clock,
    protocol::{Done, Numbers},
    race::{
        self, Plan, Progress,
        child::{Processes, contender_id},
        order,
        plan::{Effort, Wish},
    },
    record::{Kind, Outcome, Race, Role},
    scenario::Params,
};

use super::Context;

/// The seed of all orders and schedules: the self-test is the same every time.
pub(super) const SEED: u64 = 20_260_601;

/// What is to be raced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course<'a> {
    pub(super) scenario: &'a str,
    pub(super) models: &'a [&'a str],
    pub(super) load: &'a str,
    pub(super) params: &'a str,
    pub(super) placement: &'a str,
}

impl Course<'_> {
    /// Plans it, without controls and without warm-up.
    pub(super) fn plan(
        &self,
        cells: &[Cell],
        blocks: usize,
        rounds: usize,
    ) -> Result<Plan, String> {
        let wanted = |cell: &&Cell| {
            cell.scenario.id == self.scenario && self.models.contains(&cell.model.id)
        };
        let cells: Vec<Cell> = cells.iter().filter(wanted).cloned().collect();
        let cell = cells.first().ok_or_else(|| format!("no cell of {self:?}"))?;
        let declared = (cell.scenario.describe)().params;
        let effort = Effort { blocks, rounds, warmup: 0, long_rounds: rounds, window: None };
        let wish = Wish {
            params: Params::parse(self.params, declared).map_err(|error| error.to_string())?,
            load: self.load.parse().map_err(|error| format!("{error}"))?,
            placement: self.placement,
            name_placement: true,
            effort,
            seed: SEED,
            reference: self.models.first().copied(),
            controls: false,
            external: Vec::new(),
            margin: std::collections::BTreeMap::new(),
            keep_slices: false,
        };
        Ok(Plan::new(&cell.scenario, &cells, wish))
    }
}

/// One process at a time, one long slice.
pub(super) fn alone(mut plan: Plan, lead: Duration, window: Duration) -> Plan {
    plan.kind = Kind::Solo;
    (plan.shape.rounds, plan.shape.warmup) = (1, 0);
    plan.shape.lead_ns = clock::nanos(lead);
    plan.shape.window_ns = clock::nanos(window);
    plan
}

/// Adds so many twins of the reference.
pub(super) fn with_twins(mut plan: Plan, twins: usize) -> Plan {
    let Some(reference) = plan.entrants.first().cloned() else { return plan };
    for i in 1..=twins {
        let mut twin = reference.clone();
        let id = contender_id(&reference.contender.model, Role::Twin);
        twin.contender.id = format!("{id}-{i}");
        twin.contender.role = Role::Twin;
        plan.entrants.push(twin);
    }
    plan
}

/// Runs a race to its end.
pub(super) fn run(context: &Context, plan: &Plan) -> Result<Race, String> {
    run_with(plan, &context.launcher, &mut |_| stopping(context.stop))
}

fn stopping(stop: fn() -> bool) -> ControlFlow<()> {
    if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

fn run_with(
    plan: &Plan,
    launcher: &Processes,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Race, String> {
    let mut race = race::begin(plan);
    race::run(plan, launcher, &mut race, &mut |_, progress| watch(progress))
        .map_err(|error| format!("{}: {error}", race.id))?;
    if race.blocks.len() < plan.shape.blocks {
        return Err(format!("{}: it was ended early", race.id));
    }
    Ok(race)
}

/// A race, and the samples of its slices as they came.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) race: Race,
    pub(super) slices: Vec<(Done, Numbers)>,
}

/// As [`run`], with the samples.
pub(super) fn take(context: &Context, plan: &Plan) -> Result<Taken, String> {
    let slices = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&slices);
    let tap = move |_: &str, done: &Done, numbers: &Numbers| {
        if done.samples > 0 {
            locked(&kept).push((done.clone(), numbers.clone()));
        }
    };
    let launcher = context.launcher.clone().tapped(Arc::new(tap));
    let race = run_with(plan, &launcher, &mut |_| stopping(context.stop))?;
    let slices = std::mem::take(&mut *locked(&slices));
    Ok(Taken { race, slices })
}

/// Many at once: for workloads that sleep.
pub(super) fn take_side_by_side(context: &Context, plans: &[Plan]) -> Result<Vec<Taken>, String> {
    thread::scope(|scope| {
        let start = |plan| scope.spawn(move || take(context, plan));
        let all: Vec<_> = plans.iter().map(start).collect();
        all.into_iter().map(|race| race.join().map_err(|_| "a race panicked".to_owned())?).collect()
    })
}

/// After what the next race has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// A slice.
    Slice,
    /// A block.
    Block,
}

/// Races that take turns, in an order drawn anew for each heat; all see the same weather.
pub(super) fn alternate(
    context: &Context,
    plans: &[Plan],
    turn: Turn,
) -> Result<Vec<Race>, String> {
    let baton = Baton::new(plans.len());
    thread::scope(|scope| {
        let start = |(me, plan)| {
            let baton = &baton;
            scope.spawn(move || {
                let _end = Leave { baton, me };
                baton.wait(me);
                run_with(plan, &context.launcher, &mut |progress| {
                    let ended = match progress {
                        Progress::Started => false,
                        Progress::Slice { .. } => turn == Turn::Slice,
                        Progress::Block => turn == Turn::Block,
                    };
                    if ended {
                        baton.pass();
                        baton.wait(me);
                    }
                    stopping(context.stop)
                })
            })
        };
        let all: Vec<_> = plans.iter().enumerate().map(start).collect();
        all.into_iter().map(|race| race.join().map_err(|_| "a race panicked".to_owned())?).collect()
    })
}

/// Whoever has it runs.
#[derive(Debug)]
struct Baton {
    state: Mutex<Heat>,
    passed: Condvar,
}

#[derive(Debug, Default)]
struct Heat {
    number: u64,
    active: Vec<usize>,
    /// Who has it, and who comes after: the last first.
    turns: Vec<usize>,
}

impl Heat {
    fn next(&mut self) {
        self.turns.pop();
        self.turns.retain(|who| self.active.contains(who));
        if self.turns.is_empty() {
            let seed = order::seed(SEED, "baton", 0, usize::try_from(self.number).unwrap_or(0));
            self.turns =
                order::shuffled(self.active.len(), seed).iter().map(|i| self.active[*i]).collect();
            self.number += 1;
        }
    }
}

impl Baton {
    fn new(runners: usize) -> Self {
        let mut heat = Heat { active: (0..runners).collect(), ..Heat::default() };
        heat.next();
        Self { state: Mutex::new(heat), passed: Condvar::new() }
    }

    fn wait(&self, me: usize) {
        let mut heat = locked(&self.state);
        while heat.turns.last() != Some(&me) {
            heat = self.passed.wait(heat).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn pass(&self) {
        locked(&self.state).next();
        self.passed.notify_all();
    }
}

/// Takes a runner out of the heats, however its race ends.
struct Leave<'a> {
    baton: &'a Baton,
    me: usize,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        {
            let mut heat = locked(&self.baton.state);
            let (me, had_it) = (self.me, heat.turns.last() == Some(&self.me));
            heat.active.retain(|who| *who != me);
            if had_it {
                heat.next();
            } else {
                heat.turns.retain(|who| *who != me);
            }
        }
        self.baton.passed.notify_all();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first failure of a race's trials, if there is any.
pub(super) fn sound(race: Race) -> Result<Race, String> {
    let mut trials = race.blocks.iter().flat_map(|block| &block.trials);
    let failure = trials.find_map(|trial| match &trial.outcome {
        Outcome::Failed { cause, .. } => Some(format!("{}, {}: {cause}", race.id, trial.contender)),
        Outcome::Ok => None,
    });
    failure.map_or(Ok(race), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_baton_goes_round_until_all_have_left() {
        let baton = Baton::new(3);
        let ran = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for (me, turns) in [(0, 5), (1, 5), (2, 3)] {
                let (baton, ran) = (&baton, &ran);
                scope.spawn(move || {
                    let _end = Leave { baton, me };
                    baton.wait(me);
                    for turn in 0..turns {
                        locked(ran).push(me);
                        if turn + 1 < turns {
                            baton.pass();
                            baton.wait(me);
                        }
                    }
                });
            }
        });
        let ran = ran.into_inner().unwrap();
        assert_eq!(ran.len(), 13);
        for heat in ran[..9].chunks(3) {
            let mut who = heat.to_vec();
            who.sort_unstable();
            assert_eq!(who, [0, 1, 2], "each once in every heat: {ran:?}");
        }
        assert!(!ran[9..].contains(&2), "{ran:?}");
    }
}
