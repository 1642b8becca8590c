//! How this machine behaves: timers, gaps, wake-ups, foreign load. About 6 s.
//!
//! Each measurement is of one thing and has the machine for itself: one follows the other. Those
//! that can't be taken are `None`.

use std::{
    io::{self, PipeReader, PipeWriter, Read, Write},
    sync::Barrier,
    thread,
    time::Duration,
};

use super::{Gaps, Lateness, Measured, Throttling, WakeUp};
use crate::{clock, machine::moment::Moment, resource};

const MS: u64 = 1_000_000;

/// How long others are watched: their load is counted in ticks of 10 ms.
const WATCH: Duration = Duration::from_secs(1);

/// How many sleeps: a p99 is shown where ten lie beyond it.
const SLEEPS: usize = 1_000;

/// What counts as a gap, ns: a timer interrupt takes a few microseconds, and is none.
const GAP: u64 = 10_000;

/// How long threads spin, ns.
const SPIN: u64 = 1_500 * MS;

/// Gaps that are shown of a CPU.
const LARGEST: usize = 5;

/// How long two threads wake each other, ns.
const PING_PONG: u64 = 300 * MS;

/// Wake-ups at the start that do not count.
const WARM_UP: usize = 100;

/// Takes all measurements, on the CPUs that this process may use.
pub fn measure() -> Measured {
    let cpus = resource::cpus();
    let foreign = foreign(&cpus);
    let (sleep, sharp_sleep) = (lateness(false).ok(), lateness(true).ok());
    let before = Moment::now(&cpus);
    let gaps = gaps(&cpus);
    let spun = Moment::now(&cpus).since(&before);
    let steal = spun.ticks.filter(|ticks| ticks.all > 0);
    let (first, last) = (cpus.first().copied(), cpus.last().copied());
    let pair = first.zip(last).filter(|(first, last)| first != last);
    Measured {
        sleep,
        sharp_sleep,
        gaps: gaps.unwrap_or_default(),
        same_cpu: first.and_then(|cpu| wake_up([cpu, cpu]).ok()),
        cross_cpu: pair.and_then(|(first, last)| wake_up([first, last]).ok()),
        foreign,
        steal: steal.map(|ticks| ticks.steal as f64 / ticks.all as f64),
        throttling: spun.throttled.map(|spun| Throttling {
            periods: spun.periods,
            throttled: spun.held_back,
            ns: spun.ns,
        }),
        twin: None,
        no_twin: None,
    }
}

/// The share of these CPUs that others use, while this process sleeps.
fn foreign(cpus: &[usize]) -> Option<f64> {
    let before = Moment::now(cpus);
    clock::sleep(WATCH);
    let ticks = Moment::now(cpus).since(&before).ticks?;
    (ticks.all > 0).then(|| ticks.busy as f64 / ticks.all as f64)
}

/// Runs `work` on a thread of its own, whose CPU set and timer slack end with it.
fn apart<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| scope.spawn(work).join())
        .unwrap_or_else(|_| Err(io::Error::other("the measuring thread panicked")))
}

fn lateness(sharp: bool) -> io::Result<Lateness> {
    apart(|| {
        if sharp {
            resource::sharpen_timers()?;
        }
        let mut late: Vec<u64> = (0..SLEEPS)
            .map(|_| {
                let due = clock::now() + MS;
                clock::sleep(Duration::from_nanos(MS));
                clock::now().saturating_sub(due)
            })
            .collect();
        late.sort_unstable();
        let [p50_ns, p99_ns, max_ns] = [0.5, 0.99, 1.0].map(|q| quantile(&late, q));
        Ok(Lateness { asked_ns: MS, sleeps: SLEEPS, p50_ns, p99_ns, max_ns })
    })
}

/// Of sorted values, at rank ⌈qN⌉.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ q ≤ 1")]
fn quantile(sorted: &[u64], q: f64) -> u64 {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// A thread spins on every CPU, all at once.
fn gaps(cpus: &[usize]) -> io::Result<Vec<Gaps>> {
    let start = Barrier::new(cpus.len());
    thread::scope(|scope| {
        let threads: Vec<_> = cpus
            .iter()
            .map(|&cpu| {
                let start = &start;
                scope.spawn(move || {
                    let confined = resource::confine(&[cpu]);
                    start.wait();
                    confined.map(|()| spin(cpu))
                })
            })
            .collect();
        let panicked = || Err(io::Error::other("a spinning thread panicked"));
        threads.into_iter().map(|t| t.join().unwrap_or_else(|_| panicked())).collect()
    })
}

fn spin(cpu: usize) -> Gaps {
    let mut gaps = Gaps { cpu, ..Gaps::default() };
    let start = clock::now();
    let mut last = start;
    while last - start < SPIN {
        let now = clock::now();
        let gap = now - last;
        last = now;
        if gap >= GAP {
            gaps.count += 1;
            gaps.lost_ns += gap;
            let at = gaps.largest_ns.partition_point(|&larger| larger > gap);
            if at < LARGEST {
                gaps.largest_ns.insert(at, gap);
                gaps.largest_ns.truncate(LARGEST);
            }
        }
    }
    gaps.watched_ns = last - start;
    gaps
}

/// Two threads on these CPUs wake each other through pipes. What is sent is when it was sent.
fn wake_up(cpus: [usize; 2]) -> io::Result<WakeUp> {
    let (from_caller, to_answerer) = io::pipe()?;
    let (from_answerer, to_caller) = io::pipe()?;
    let (called, answered) = thread::scope(|scope| {
        let answerer = scope.spawn(move || answer(cpus[1], from_caller, to_caller));
        let caller = scope.spawn(move || call(cpus[0], to_answerer, from_answerer));
        (caller.join(), answerer.join())
    });
    let panicked = |_| io::Error::other("a thread that was to be woken panicked");
    let mut waits = called.map_err(panicked)??;
    waits.extend(answered.map_err(panicked)??);
    if waits.is_empty() {
        return Err(io::Error::other("nobody was woken"));
    }
    waits.sort_unstable();
    let [p50_ns, p99_ns, max_ns] = [0.5, 0.99, 1.0].map(|q| quantile(&waits, q));
    Ok(WakeUp { cpus, wakes: waits.len(), p50_ns, p99_ns, max_ns })
}

fn call(cpu: usize, mut to: PipeWriter, mut from: PipeReader) -> io::Result<Vec<u64>> {
    resource::confine(&[cpu])?;
    let mut waits = Vec::new();
    let end = clock::now() + PING_PONG;
    while clock::now() < end {
        to.write_all(&clock::now().to_le_bytes())?;
        waits.extend(waited(&mut from)?);
    }
    Ok(counted(waits))
}

/// Ends when the caller lets go of its pipe.
fn answer(cpu: usize, mut from: PipeReader, mut to: PipeWriter) -> io::Result<Vec<u64>> {
    resource::confine(&[cpu])?;
    let mut waits = Vec::new();
    while let Some(wait) = waited(&mut from)? {
        waits.push(wait);
        to.write_all(&clock::now().to_le_bytes())?;
    }
    Ok(counted(waits))
}

/// From what was sent until now; `None` at the end.
fn waited(from: &mut PipeReader) -> io::Result<Option<u64>> {
    let mut sent = [0; 8];
    match from.read_exact(&mut sent) {
        Ok(()) => Ok(Some(clock::now().saturating_sub(u64::from_le_bytes(sent)))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Without those at the start.
fn counted(mut waits: Vec<u64>) -> Vec<u64> {
    waits.drain(..WARM_UP.min(waits.len()));
    waits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_ranks() {
        let sorted: Vec<u64> = (1..=1_000).collect();
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|q| quantile(&sorted, q)), [1, 500, 990, 1_000]);
        assert_eq!(quantile(&[7], 0.5), 7);
    }

    /// Whatever the machine: nobody is woken before the call, and what is lost was watched.
    #[test]
    fn what_is_measured_is_in_order() {
        let cpu = resource::cpus()[0];
        let woken = wake_up([cpu, cpu]).unwrap();
        assert!(woken.wakes > 0 && woken.p50_ns > 0, "{woken:?}");
        assert!(woken.p50_ns <= woken.p99_ns && woken.p99_ns <= woken.max_ns, "{woken:?}");
        let late = lateness(false).unwrap();
        assert!(late.p50_ns <= late.p99_ns && late.p99_ns <= late.max_ns, "{late:?}");
        let spun = &gaps(&[cpu]).unwrap()[0];
        assert!(spun.watched_ns >= SPIN && spun.lost_ns <= spun.watched_ns, "{spun:?}");
        assert!(spun.largest_ns.is_sorted_by(|a, b| a >= b), "{spun:?}");
        assert_eq!(spun.largest_ns.len(), spun.count.min(LARGEST));
    }
}
