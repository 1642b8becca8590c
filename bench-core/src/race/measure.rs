//! From what a contender answers to what the record keeps: verify, cut to the window, count.
//!
//! Done by the parent, off the clock, alike for every contender.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{Serializer, V2DeflateSerializer},
};
use serde_json::Value;

use crate::{
    cell::Verifier,
    protocol::{Done, Numbers, Usage},
    race::{
        Plan,
        law::Law,
        window::{Cut, Inside, Window, is_saturated},
    },
    record::{Histograms, Metric, PeerCounts, Slice, Trial, Weather},
    sample::{Sample, fold},
};

/// So many operations without an answer are no stall: whoever does not answer them has stopped. Of
/// somebody who has never answered, one is enough.
const SOME_UNANSWERED: u64 = 4;

/// The longest latency that is told from longer ones, ns. More are clipped, and counted.
const LONGEST: u64 = 60_000_000_000;

/// How long nothing has been heard of a contender.
#[derive(Debug, Default)]
struct Silence {
    has_answered: bool,
    /// Slices in which operations were asked for and none ended, since one last did.
    slices: u64,
    /// Operations of these.
    unanswered: u64,
}

impl Silence {
    /// Adds a slice: how many operations ended well, and how many did not end. Where it has stopped:
    /// how many have not ended in a row. Clients that wait for each answer ask for few.
    fn add(&mut self, ended: u64, unended: u64, is_open: bool) -> Option<u64> {
        if ended > 0 {
            *self = Self { has_answered: true, ..Self::default() };
        } else if unended > 0 {
            self.slices += 1;
            self.unanswered += unended;
        }
        let may_stall = is_open && self.has_answered;
        let enough = if may_stall { (2, SOME_UNANSWERED) } else { (1, 1) };
        (self.slices >= enough.0 && self.unanswered >= enough.1).then_some(self.unanswered)
    }
}

/// What is known of a slice when it is over.
pub(super) struct Seen<'a> {
    pub(super) done: &'a Done,
    pub(super) numbers: &'a Numbers,
    /// When arrivals were due, ns since the slice's epoch; none under a closed load.
    pub(super) arrivals: &'a [u64],
    /// `None`: a warm-up round.
    pub(super) round: Option<usize>,
    pub(super) position: usize,
    pub(super) seed: u64,
    pub(super) memory: Option<u64>,
    pub(super) peer: Option<PeerCounts>,
    pub(super) weather: Weather,
    /// Connections that listeners of this machine dropped meanwhile.
    pub(super) overflowed: Option<u64>,
    /// Whether its times are not what was measured: the clock handicap.
    pub(super) stretched: bool,
    /// By what they are longer then.
    pub(super) factor: f64,
}

/// All slices of a contender in a block.
pub(super) struct Tally {
    /// Operations that each session has ended, for the numbers of the next ones.
    ended: Vec<u64>,
    silence: Silence,
    /// Of the latest slice, where it was measured: its index and its counters at the start.
    open: Option<(usize, Usage)>,
    slices: Vec<Slice>,
    latencies: Vec<Vec<u64>>,
    /// Of the rounds in fair weather, and of those in foul.
    hist: [Trio; 2],
    /// Of the round whose weather is not yet known.
    pending: Option<Trio>,
    law: Law,
    units: u64,
    facts: BTreeMap<String, Value>,
}

impl Tally {
    pub(super) fn new(sessions: usize) -> Self {
        Self {
            ended: vec![0; sessions],
            silence: Silence::default(),
            open: None,
            slices: Vec::new(),
            latencies: Vec::new(),
            hist: [trio(), trio()],
            pending: None,
            law: Law::default(),
            units: 0,
            facts: BTreeMap::new(),
        }
    }

    /// Adds a slice, or says why the contender has no number.
    pub(super) fn add(
        &mut self,
        plan: &Plan,
        seen: &Seen<'_>,
        verifier: &Verifier,
    ) -> Result<(), String> {
        self.close_turn(seen.done.begin);
        self.verify(plan, seen, verifier)?;
        self.law.add(plan, seen);
        (self.units, self.facts) = (seen.done.units, seen.done.facts.clone());
        let Some(round) = seen.round else { return Ok(()) };
        let window = Window::of(plan, &seen.numbers.samples);
        let inside: Vec<_> =
            seen.numbers.samples.iter().filter(|sample| window.holds(sample)).collect();
        let per_sample = plan.shape.ops_per_sample;
        let service = |s: &Sample| s.finished.saturating_sub(s.started) / per_sample;
        // An arrival waits once, however many operations it stands for.
        let response = |s: &Sample| s.started.saturating_sub(s.intended) + service(s);
        let mut slice = Self::totals(plan, seen, &window);
        slice.round = round;
        slice.done = inside.len() as u64 * per_sample;
        slice.offered =
            if plan.load.is_closed() { slice.done } else { window.offered(seen) * per_sample };
        slice.saturated = plan.load.is_open() && is_saturated(&window, seen.numbers);
        if window.cut == Cut::ByEnd {
            let Inside { operations, busy_ns } = window.inside(seen);
            let slowed = if seen.stretched { seen.factor } else { 1.0 };
            slice.progress = Some(operations * per_sample as f64 / slowed);
            slice.waiting_ns = Some(window.waiting(plan, busy_ns, operations));
        }
        let mut own = trio();
        let mut latencies = Vec::with_capacity(inside.len());
        for sample in inside {
            slice.clipped += u64::from(response(sample) > LONGEST);
            own[0].saturating_record(service(sample));
            if !plan.load.is_closed() {
                own[1].saturating_record(response(sample));
            }
            latencies.push(response(sample));
        }
        for &lag in &seen.numbers.lags {
            own[2].saturating_record(lag);
        }
        let main = usize::from(!plan.load.is_closed());
        slice.p50_ns = quantile(&own[main], 0.50);
        slice.p99_ns = quantile(&own[main], 0.99);
        slice.max_ns = latencies.iter().copied().max().unwrap_or(0);
        slice.lag_p50_ns = quantile(&own[2], 0.50);
        slice.lag_p99_ns = quantile(&own[2], 0.99);
        slice.hist = plan.keep_slices.then(|| encode_all(&own));
        self.pending = Some(own);
        if let Some(begin) = seen.done.begin {
            self.open = Some((self.slices.len(), begin));
        }
        self.slices.push(slice);
        self.latencies.push(latencies);
        Ok(())
    }

    /// Says whether the latest round was in fair weather.
    pub(super) fn settle(&mut self, fair: bool) {
        for (total, own) in
            self.hist[usize::from(!fair)].iter_mut().zip(self.pending.iter().flatten())
        {
            // They have the same bounds.
            let _ = total.add(own);
        }
        self.pending = None;
    }

    /// Notes what was stolen from the round `first` on. That is judged over a second and more: a
    /// round for which it was known before keeps what it was judged by.
    pub(super) fn note_steal(&mut self, first: usize, share: f64) {
        for slice in self.slices.iter_mut().filter(|slice| slice.round >= first) {
            slice.weather.steal = slice.weather.steal.or(Some(share));
        }
    }

    /// Every operation is accounted for, and every answer is right.
    fn verify(&mut self, plan: &Plan, seen: &Seen<'_>, verifier: &Verifier) -> Result<(), String> {
        let Seen { done, numbers, arrivals, .. } = seen;
        let offered = arrivals.len() as u64;
        let errors: u64 = done.errors.values().sum();
        let ended = done.samples + done.censored;
        // Errors that are nobody's operation (a connection found broken between slices, the
        // handicap's) may be more.
        if offered > 0 && !(ended..=ended + errors).contains(&offered) {
            return Err(format!(
                "{offered} operations were asked for, {} accounted for",
                ended + errors
            ));
        }
        // It has no time from the first to the last, and a gap would hide that.
        if plan.batch() > 0 && done.samples == 0 && errors > 0 {
            let most = done.errors.iter().max_by_key(|(_, count)| **count);
            let kind = most.map_or("", |(kind, _)| kind.as_str());
            return Err(format!("no operation of a turn ended well: {kind}"));
        }
        // A server that is too slow ends some of what it is asked; this one has stopped.
        if plan.batch() == 0
            && let Some(unanswered) =
                self.silence.add(done.samples, done.censored, plan.load.is_open())
        {
            return Err(format!(
                "none of the last {unanswered} operations ended, and the last was waited for {:.0} s",
                plan.shape.drain_ns as f64 / 1e9
            ));
        }
        if done.sessions.iter().sum::<u64>() != done.samples
            || done.sessions.len() > self.ended.len()
        {
            return Err("the samples are not those of its sessions".into());
        }
        let wrong = self.wrong(plan, seen, verifier);
        if wrong > 0 {
            return Err(format!("{wrong} of {} check values are wrong", done.samples));
        }
        let per_sample = plan.shape.ops_per_sample;
        if let Some(peer) = seen.peer
            && !plan.scenario.server
        {
            let least = done.samples * per_sample + done.extra;
            if !(least..=least + errors * per_sample).contains(&peer.done) {
                return Err(format!(
                    "it says that it did {least} operations ({errors} more failed), and the peer \
                     counted {}",
                    peer.done
                ));
            }
        }
        let ordered = |s: &Sample| s.intended <= s.started && s.started <= s.finished;
        if !numbers.samples.iter().all(ordered) {
            return Err("an operation started before it was due, or ended before it began".into());
        }
        Ok(())
    }

    fn wrong(&mut self, plan: &Plan, seen: &Seen<'_>, verifier: &Verifier) -> u64 {
        let clients = self.ended.len() as u64;
        let per_sample = plan.shape.ops_per_sample;
        let mut samples = seen.numbers.samples.iter();
        let mut wrong = 0;
        for (client, &count) in seen.done.sessions.iter().enumerate() {
            let ended = &mut self.ended[client];
            for sample in samples.by_ref().take(usize::try_from(count).unwrap_or(usize::MAX)) {
                let seq = |k: u64| (*ended + k) * clients + client as u64;
                let first = verifier(seq(0));
                let expected =
                    (1..per_sample).fold(first, |check, k| fold(check, verifier(seq(k))));
                wrong += u64::from(sample.check != expected);
                *ended += per_sample;
            }
        }
        wrong
    }

    fn totals(plan: &Plan, seen: &Seen<'_>, window: &Window) -> Slice {
        let Seen { done, numbers, .. } = seen;
        let (begin, end) = (done.begin.unwrap_or_default(), done.end.unwrap_or_default());
        let cpu_ns = end.cpu_ns.saturating_sub(begin.cpu_ns);
        // A program that tells only its CPU time has no switches: not available, and not zero.
        let full = begin.voluntary + begin.involuntary + begin.faults > 0;
        let count = |end: u64, begin: u64| full.then(|| end.saturating_sub(begin));
        let executed = done.samples + done.errors.values().sum::<u64>();
        let memory = (plan.primary == Metric::Memory).then_some(seen.memory).flatten();
        Slice {
            position: seen.position,
            schedule_seed: seen.seed,
            lead_ns: window.from,
            window_ns: window.to - window.from,
            executed: executed * plan.shape.ops_per_sample,
            extra: done.extra,
            censored: numbers.censored.iter().filter(|due| window.intends(**due)).count() as u64,
            errors: done.errors.clone(),
            failed: Some(window.failed(seen)),
            cpu_turn_ns: cpu_ns,
            cpu_ns,
            user_ns: end.user_ns.saturating_sub(begin.user_ns),
            voluntary: count(end.voluntary, begin.voluntary),
            involuntary: count(end.involuntary, begin.involuntary),
            faults: count(end.faults, begin.faults),
            run_delay_ns: end
                .run_delay_ns
                .zip(begin.run_delay_ns)
                .map(|(e, b)| e.saturating_sub(b)),
            span_ns: done.span_ns,
            units: (plan.primary == Metric::Memory).then_some(done.units),
            memory,
            peer: seen.peer,
            weather: seen.weather,
            listen_overflows: seen.overflowed,
            ..Slice::default()
        }
    }

    /// The CPU time of a turn goes to the start of the next one.
    fn close_turn(&mut self, begin: Option<Usage>) {
        if let (Some((index, start)), Some(now)) = (self.open.take(), begin) {
            self.slices[index].cpu_turn_ns = now.cpu_ns.saturating_sub(start.cpu_ns);
        }
    }

    /// The counters at the end of the block close the last turn.
    pub(super) fn last_usage(&mut self, usage: Option<Usage>) {
        self.close_turn(usage);
    }

    /// What Little's law says against it, now that the block is over.
    pub(super) fn broken_law(&self, plan: &Plan) -> Option<String> {
        self.law.broken(plan)
    }

    pub(super) fn finish(mut self, plan: &Plan) -> Trial {
        let main = usize::from(!plan.load.is_closed());
        let p99 = quantile(&self.hist[0][main], 0.99);
        for (slice, latencies) in self.slices.iter_mut().zip(&self.latencies) {
            slice.above_block_p99 = latencies.iter().filter(|&&ns| ns > p99).count() as u64;
        }
        Trial {
            hist: encode_all(&self.hist[0]),
            foul_hist: encode_all(&self.hist[1]),
            units: self.units,
            facts: self.facts,
            slices: self.slices,
            ..Trial::default()
        }
    }
}

/// Service, response, schedule lag.
type Trio = [Histogram<u64>; 3];

fn trio() -> Trio {
    [histogram(), histogram(), histogram()]
}

fn histogram() -> Histogram<u64> {
    // With bounds: on one that resizes itself, `saturating_record` clamps to 2.
    Histogram::new_with_bounds(1, LONGEST, 3).expect("these bounds are valid")
}

fn quantile(histogram: &Histogram<u64>, q: f64) -> u64 {
    if histogram.is_empty() { 0 } else { histogram.value_at_quantile(q) }
}

fn encode_all([service, response, lag]: &Trio) -> Histograms {
    Histograms { service: encode(service), response: encode(response), lag: encode(lag) }
}

fn encode(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    if histogram.is_empty() || V2DeflateSerializer::new().serialize(histogram, &mut bytes).is_err()
    {
        return String::new();
    }
    BASE64_STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_of_a_sparse_load_is_no_stop() {
        let mut silence = Silence::default();
        let mut open = |ended, unended| silence.add(ended, unended, true);
        assert_eq!(open(2, 0), None);
        assert_eq!(open(0, 9), None, "it may stall");
        assert_eq!(open(1, 8), None, "and go on");
        assert_eq!(open(0, 1), None);
        assert_eq!(open(0, 0), None, "nobody asked, or nobody could connect");
        assert_eq!(open(0, 1), None);
        assert_eq!(open(0, 2), Some(4), "in two slices and more");
        assert_eq!(Silence::default().add(0, 0, true), None);
        assert_eq!(Silence::default().add(0, 1, true), Some(1), "it has never answered");
        let mut closed = Silence::default();
        assert_eq!(closed.add(9, 1, false), None);
        assert_eq!(closed.add(0, 1, false), Some(1), "its clients ask for no more meanwhile");
    }

    #[test]
    fn steal_is_noted_in_all_rounds_of_its_span_that_have_none() {
        let mut tally = Tally::new(1);
        tally.slices = (0..4).map(|round| Slice { round, ..Slice::default() }).collect();
        let mut noted = |first, share| {
            tally.note_steal(first, share);
            tally.slices.iter().map(|slice| slice.weather.steal).collect::<Vec<_>>()
        };
        assert_eq!(noted(2, 0.1), [None, None, Some(0.1), Some(0.1)]);
        assert_eq!(noted(1, 0.2), [None, Some(0.2), Some(0.1), Some(0.1)]);
    }
}
