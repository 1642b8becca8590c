//! How long and how often: the kind of a race, and the lengths of its slices.

use std::time::Duration;

use crate::{
    clock,
    load::{Arrivals, Load, Spacing},
    record::{Kind, Shape, Warning},
};

/// How much of everything: a profile, or what the command line says instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Generations of processes.
    pub blocks: usize,
    /// Slices of each contender in each.
    pub rounds: usize,
    /// Rounds before them that do not count.
    pub warmup: usize,
    /// Rounds of turns and solo races.
    pub long_rounds: usize,
    /// The window, instead of what fits the scenario.
    pub window: Option<Duration>,
}

/// How fast the cells of a race are here, from a calibration slice of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// The longest mean service time of those that kept up, ns.
    pub service_ns: u64,
    /// Their longest relaxation time under an open load, ns: s/(1 − √ρ)².
    pub relaxation_ns: u64,
    /// From start to readiness, ns, the mean over contenders.
    pub ready_ns: u64,
    /// A slice beyond its lead-in, window and lead-out, ns, the mean over contenders.
    pub rest_ns: u64,
}

impl Pace {
    /// From what a scenario says of its operations, before any was run.
    pub(super) fn typical(typical: Duration) -> Self {
        let service_ns = clock::nanos(typical);
        // At half load the relaxation time is about 12 service times.
        Self { service_ns, relaxation_ns: 12 * service_ns, ..Self::default() }
    }
}

pub(super) fn kind(solo_steps: usize, typical: Duration, load: Load) -> Kind {
    match () {
        () if solo_steps > 0 => Kind::Solo,
        () if load.is_batch() || typical > Duration::from_millis(50) => Kind::Turns,
        () => Kind::Sliced,
    }
}

/// Lead-in and window beyond which a slice is too long to share a round, ns.
const LONGEST_SLICE: u64 = 1_000_000_000;

/// How long a contender may pause while all others have their slices, ns: pools end threads that
/// are idle for longer, and would start them anew in the next slice.
const LONGEST_PAUSE: u64 = 5_000_000_000;

/// The shortest window of a closed load, ns.
const SHORTEST_WINDOW: u64 = 20_000_000;

/// How long after its last use a connection's acknowledgement is delayed at least, and some ticks
/// by which timers are late, ns.
const ACKNOWLEDGED: u64 = 50_000_000;

/// The shortest window after such a lead-in, ns. A server's retransmission timers fire 0.2 s and a
/// round-trip time after a connection's last use, which is as long as it rested, since that is when
/// an answer is acknowledged. With slices so long, and rests of 32 ms, they fire in the lead-in of
/// the third slice after.
const BETWEEN_TIMERS: u64 = 45_000_000;

/// Connections that rest for less between two operations leave no timers to speak of, ns.
const SHORT_REST: u64 = 5_000_000;

/// The shortest window of an open load, ns.
const SHORTEST_OPEN: u64 = 60_000_000;

/// What else a slice depends on, besides how long an operation takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Around {
    /// TCP connections that each contender's operations go over.
    pub(super) connections: usize,
    /// Contenders that share a round.
    pub(super) alive: usize,
}

impl Around {
    pub(super) fn of(kind: Kind, has_peers: bool, sessions: usize, alive: usize) -> Self {
        Self {
            connections: if has_peers { sessions } else { 0 },
            alive: if kind == Kind::Sliced { alive } else { 1 },
        }
    }

    /// How long a connection rests between two operations where CPUs are idle meanwhile, ns. The
    /// lead-in of a ramp is a part of it, and not to be made longer.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "nanoseconds")]
    fn rest_ns(self, load: Load, cycle_ns: u64) -> u64 {
        let connections = self.connections as u64;
        let turns = match load.arrivals {
            _ if connections == 0 => 0,
            Arrivals::Closed { think, .. } if !think.is_zero() => return cycle_ns,
            Arrivals::Open { spacing: Spacing::Ramp(_), .. } => 0,
            Arrivals::Open { spacing: Spacing::Burst(size), .. } => connections.max(size),
            _ => connections,
        };
        load.mean_rate().map_or(0, |rate| (turns as f64 / rate * 1e9) as u64)
    }

    /// How long lead-in and window may be where all share a round, so that nobody pauses for too
    /// long, ns. `more_ns`: what else a slice takes.
    fn longest(self, more_ns: u64) -> u64 {
        let others = self.alive.saturating_sub(1) as u64;
        let slice = (LONGEST_PAUSE / 2).checked_div(others);
        slice.map_or(LONGEST_SLICE, |ns| ns.saturating_sub(more_ns).min(LONGEST_SLICE))
    }
}

/// The lengths of a slice, from how long an operation takes.
pub(super) fn shape(
    kind: Kind,
    pace: &Pace,
    arrivals: Load,
    effort: &Effort,
    around: Around,
) -> Shape {
    const MS: u64 = 1_000_000;
    let think = match arrivals.arrivals {
        Arrivals::Closed { think, .. } => think,
        _ => Duration::ZERO,
    };
    let cycle = pace.service_ns + clock::nanos(think);
    let rests = around.rest_ns(arrivals, cycle) >= SHORT_REST;
    let (lead, window, out) = if arrivals.is_open() {
        let shortest = if rests { BETWEEN_TIMERS } else { SHORTEST_OPEN };
        let relaxation = pace.relaxation_ns;
        (
            (3 * relaxation).clamp(5 * MS, 3_000 * MS),
            (5 * relaxation).clamp(shortest, 5_000 * MS),
            (2 * cycle).clamp(2 * MS, 100 * MS),
        )
    } else {
        // Two operations per session before the window, fifty in it where that is short enough.
        ((2 * cycle).max(2 * MS), (50 * cycle).clamp(SHORTEST_WINDOW, 50 * MS), 0)
    };
    // All else that is wanted, as far as it can share a round: that the kernel's timers for the
    // connections of other slices, which wake CPUs that are else idle, fire outside of the window;
    // and that some arrive in it.
    let most = around.longest(out + pace.rest_ns);
    let settled = lead.max(ACKNOWLEDGED);
    let (warm_lead, lead) = (lead, if rests && settled + window <= most { settled } else { lead });
    let wanted = ns_of_some(arrivals).min(most.saturating_sub(lead));
    let window = window.max(wanted);
    let window = effort.window.map_or(window, clock::nanos);
    // What warms up need not hold operations enough to count.
    let warm = window.min(SHORTEST_WINDOW.max(ns_of_some(arrivals) / 2));
    let (rounds, warmup) = match kind {
        Kind::Sliced => (effort.rounds, effort.warmup),
        Kind::Turns | Kind::Solo => (effort.long_rounds, 0),
    };
    Shape {
        blocks: effort.blocks,
        rounds,
        warmup,
        lead_ns: lead,
        window_ns: window,
        warmup_lead_ns: warm_lead,
        warmup_window_ns: warm,
        out_ns: out,
        drain_ns: 2_000 * MS,
        sessions: 0,
        ops_per_sample: 1,
    }
}

/// Arrivals that a window should hold.
const SOME_ARRIVALS: u64 = 10;

/// How long it takes for some to arrive: two bursts, where they come in bursts.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "nanoseconds")]
fn ns_of_some(load: Load) -> u64 {
    let some = match load.arrivals {
        Arrivals::Open { spacing: Spacing::Burst(size), .. } => SOME_ARRIVALS.max(2 * size),
        _ => SOME_ARRIVALS,
    };
    load.mean_rate().map_or(0, |rate| (some as f64 / rate * 1e9).ceil() as u64)
}

/// How long a contender pauses while each of the others has a slice, ns, in the mean.
pub(super) fn pause_ns(alive: usize, slice_ns: u64) -> u64 {
    slice_ns.saturating_mul(alive.saturating_sub(1) as u64)
}

/// Why a sliced race must run one process at a time, if it must.
pub(super) fn need_solo(shape: &Shape, pause_ns: u64) -> Option<Warning> {
    let slice_ns = shape.lead_ns + shape.window_ns;
    let (why, advice) = match () {
        () if slice_ns > LONGEST_SLICE => (
            format!(
                "a slice must last {:.1} s to outlast its queue's memory",
                slice_ns as f64 / 1e9
            ),
            "a lower rate",
        ),
        // Rounds are shuffled: who is first in one and last in the next waits twice as long.
        () if pause_ns.saturating_mul(2) > LONGEST_PAUSE => (
            format!(
                "a contender would pause for up to {:.1} s while the others have their slices, and \
                 idle pools are sure to live for {:.0} s",
                2.0 * pause_ns as f64 / 1e9,
                LONGEST_PAUSE as f64 / 1e9
            ),
            "fewer models, or shorter slices",
        ),
        () => return None,
    };
    let text = format!("one process at a time: {why}");
    Some(Warning { code: "solo".into(), text, advice: advice.into() })
}

/// The code of the warning that contenders which take turns pause for too long.
pub(super) const IDLE_PAUSE: &str = "idle-pause";

pub(super) fn warn_of_pause(pause_ns: u64) -> Option<Warning> {
    (pause_ns > LONGEST_PAUSE).then(|| Warning {
        code: IDLE_PAUSE.into(),
        text: format!(
            "a contender is idle for about {:.0} s while the others have their turns: pools whose \
             idle limit is shorter start threads anew",
            pause_ns as f64 / 1e9
        ),
        advice: "fewer models, or shorter turns".into(),
    })
}

/// The code of the warning that a window holds fewer.
pub(super) const FEW_OPERATIONS: &str = "few-operations";

/// Operations of a session that a window should hold.
const PER_WINDOW: u64 = 50;

pub(super) fn warn_of_window(
    kind: Kind,
    shape: &Shape,
    typical: Duration,
    load: Load,
) -> Option<Warning> {
    if let Some(rate) = load.mean_rate() {
        let arrive = rate * shape.window_ns as f64 / 1e9;
        return (shape.window_ns < ns_of_some(load)).then(|| Warning {
            code: FEW_OPERATIONS.into(),
            text: format!(
                "about {arrive:.1} operations arrive in a window of {:.0} ms, and {SOME_ARRIVALS} \
                 or two bursts are wanted",
                shape.window_ns as f64 / 1e6
            ),
            advice: "a higher rate".into(),
        });
    }
    let think = match load.arrivals {
        Arrivals::Closed { think, .. } => think,
        _ => Duration::ZERO,
    };
    let holds = shape.window_ns / clock::nanos(typical + think).max(1);
    let few = kind == Kind::Sliced && load.is_closed() && holds < PER_WINDOW;
    few.then(|| Warning {
        code: FEW_OPERATIONS.into(),
        text: format!(
            "a window of {:.0} ms holds about {holds} operations of a session, and {PER_WINDOW} \
             are wanted",
            shape.window_ns as f64 / 1e6
        ),
        advice: "more rounds, rather than longer windows, which pair worse".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_operations_take_turns() {
        let closed: Load = "closed-4".parse().unwrap();
        assert_eq!(kind(0, Duration::from_millis(5), closed), Kind::Sliced);
        assert_eq!(kind(0, Duration::from_millis(60), closed), Kind::Turns);
        assert_eq!(kind(5, Duration::from_millis(60), closed), Kind::Solo);
    }

    #[test]
    fn slices_follow_from_how_long_operations_take() {
        const MS: u64 = 1_000_000;
        let effort = Effort { blocks: 1, rounds: 1, warmup: 0, long_rounds: 1, window: None };
        let of = |load: &str, service_ns, relaxation_ns| {
            let pace = Pace { service_ns, relaxation_ns, ..Pace::default() };
            let around = Around::default();
            let shape = shape(Kind::Sliced, &pace, load.parse().unwrap(), &effort, around);
            assert_eq!(shape.warmup_lead_ns, shape.lead_ns, "{load}");
            (shape.lead_ns, shape.window_ns)
        };
        assert_eq!(of("closed-4", 15_000, 0), (2 * MS, 20 * MS), "fifty of them, and 20 ms");
        assert_eq!(of("closed-4", 600_000, 0), (2 * MS, 30 * MS));
        assert_eq!(of("closed-4", 5 * MS, 0), (10 * MS, 50 * MS), "longer windows pair worse");
        assert_eq!(
            of("closed-4-think-1ms", 0, 0),
            (2 * MS, 50 * MS),
            "thinking is part of a cycle"
        );
        assert_eq!(of("open-100", MS, 20 * MS), (60 * MS, 100 * MS), "three and five of them");
        assert_eq!(of("open-20-poisson", 0, 0), (5 * MS, 500 * MS), "ten arrivals");
        assert_eq!(of("open-100-burst-10", 0, 0), (5 * MS, 200 * MS), "two bursts");
        assert_eq!(of("open-1", 0, 0), (5 * MS, 995 * MS), "as far as it can share a round");
        let sparse = |load: &str, window| {
            let shape = Shape { window_ns: window, ..Shape::default() };
            let load = load.parse().unwrap();
            warn_of_window(Kind::Sliced, &shape, Duration::ZERO, load).map(|warning| warning.text)
        };
        assert_eq!(sparse("open-20", 500 * MS), None);
        assert!(sparse("open-1", 995 * MS).unwrap().starts_with("about 1.0 operations arrive"));
        let few = |load: &str, window, service| {
            let shape = Shape { window_ns: window, ..Shape::default() };
            let (load, service) = (load.parse().unwrap(), Duration::from_nanos(service));
            warn_of_window(Kind::Sliced, &shape, service, load).is_some()
        };
        assert!(few("closed-4", 50 * MS, 5 * MS) && !few("closed-4", 50 * MS, MS));
        assert!(few("closed-4-think-4ms", 50 * MS, MS), "a session thinks meanwhile");
    }

    #[test]
    fn timers_of_idle_connections_fall_into_lead_ins() {
        const MS: u64 = 1_000_000;
        let effort = Effort { blocks: 1, rounds: 1, warmup: 2, long_rounds: 1, window: None };
        let pace = Pace { service_ns: 15_000, relaxation_ns: 200_000, ..Pace::default() };
        let of = |load: &str, connections, alive| {
            let around = Around { connections, alive };
            let shape = shape(Kind::Sliced, &pace, load.parse().unwrap(), &effort, around);
            let warm = (shape.warmup_lead_ns, shape.warmup_window_ns);
            ((shape.lead_ns / MS, shape.window_ns / MS), (warm.0 / MS, warm.1 / MS))
        };
        let light = "open-2000-poisson";
        assert_eq!(of(light, 64, 12), ((50, 45), (5, 20)), "a connection rests for 32 ms");
        assert_eq!(of(light, 0, 12), ((5, 60), (5, 20)), "nothing is connected");
        assert_eq!(of("open-48000-poisson", 64, 12), ((5, 60), (5, 20)), "for 1.3 ms");
        assert_eq!(of("closed-64", 64, 12), ((2, 20), (2, 20)), "it does not rest");
        assert_eq!(of("closed-64-think-10ms", 64, 12), ((50, 50), (20, 20)));
        assert_eq!(of("open-20000-burst-1000", 64, 12), ((50, 100), (5, 50)), "between bursts");
        assert_eq!(of("open-1000-ramp-9000", 64, 12), ((5, 60), (5, 20)), "it is a part of a ramp");
        assert_eq!(of(light, 64, 26), ((50, 45), (5, 20)), "as far as they share a round");
        assert_eq!(of(light, 64, 27), ((5, 45), (5, 20)), "and rather so than one at a time");
        assert_eq!(of("open-20", 0, 2), ((5, 500), (5, 250)), "some must arrive, warming up too");
        assert_eq!(of("open-20", 0, 12), ((5, 220), (5, 220)), "as far as they share a round");
        let sliced = |alive, load: &str| {
            let around = Around { connections: 64, alive };
            let shape = shape(Kind::Sliced, &pace, load.parse().unwrap(), &effort, around);
            let slice = shape.lead_ns + shape.window_ns + shape.out_ns;
            need_solo(&shape, pause_ns(alive, slice)).is_none()
        };
        for alive in 2..=49 {
            assert!(sliced(alive, "open-20") && sliced(alive, light), "{alive} contenders");
        }
        assert!(!sliced(50, light), "they are too many for the shortest slices that will do");
    }

    #[test]
    fn long_slices_and_long_pauses_need_one_process_at_a_time() {
        const MS: u64 = 1_000_000;
        let solo = |lead_ns, window_ns, alive| {
            let shape = Shape { lead_ns, window_ns, ..Shape::default() };
            need_solo(&shape, pause_ns(alive, lead_ns + window_ns)).map(|warning| warning.text)
        };
        assert_eq!(solo(400 * MS, 600 * MS, 3), None);
        assert!(solo(400 * MS, 601 * MS, 2).unwrap().contains("a slice must last 1.0 s"));
        // Twice eleven others of 250 ms each are more than five seconds, and twice ten are not.
        assert!(solo(100 * MS, 150 * MS, 12).unwrap().contains("pause for up to 5.5 s"));
        assert_eq!(solo(100 * MS, 150 * MS, 11), None);
        assert_eq!(pause_ns(0, u64::MAX), 0, "nobody is there to pause");
    }

    #[test]
    fn a_pause_between_turns_is_said_where_pools_may_not_outlive_it() {
        assert_eq!(warn_of_pause(5_000_000_000), None);
        let warning = warn_of_pause(7_200_000_000).unwrap();
        assert_eq!(warning.code, "idle-pause");
        assert!(warning.text.starts_with("a contender is idle for about 7 s "), "{}", warning.text);
    }
}
