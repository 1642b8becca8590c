//! `selftest-staller`: a server that stands still for a known time, again and again.
//!
//! - **Operation**: a message of 64 bytes, sent back; whichever comes first after a stall is due
//!   waits for all of it.
//! - **Session**: a kept-alive connection.
//! - **Not measured**: anything but the stall.
//! - **Stands for**: a pause of a garbage collector, a lock, a disk.
//! - **Claims**: none.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use deadheat_core::{
    clock,
    env::{Buf, Env, Stream, Write},
    peer::PeerSpec,
    scenario::{Description, Param, ParamKind, Service, Sessions, Setup},
};
use deadheat_scenarios::peer::generator;

use super::queue::ask;

/// The service.
#[derive(Debug)]
pub(in crate::selftest) struct Staller {
    period_ns: u64,
    stall: Duration,
    /// When the next stall is due.
    due: AtomicU64,
}

const PARAMS: &[Param] = &[
    Param {
        name: "every",
        default: "1s",
        kind: ParamKind::Duration(Duration::from_mins(1)),
        about: "from one stall to the next",
    },
    Param {
        name: "stall",
        default: "200ms",
        kind: ParamKind::Duration(Duration::from_mins(1)),
        about: "how long it stands still",
    },
    Param {
        name: "conns",
        default: "1",
        kind: ParamKind::Number(1, 64),
        about: "connections of an open load",
    },
];

impl Service for Staller {
    const ID: &'static str = "selftest-staller";

    fn describe() -> Description {
        Description {
            operation: "a message, sent back by a server that stalls",
            stands_for: "a pause that nobody planned",
            params: PARAMS,
            courses: &[],
            primary: None,
            reference: "threads/per-task",
            typical: |_| Duration::from_micros(50),
            sessions: Sessions::Conns,
            solo_steps: 1,
            claims: &[],
        }
    }

    fn generator(_setup: &Setup<'_>) -> PeerSpec {
        generator::echo()
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        let duration = |name| setup.params.duration(name).unwrap_or_default();
        let period_ns = clock::nanos(duration("every")).max(1);
        Ok(Self { period_ns, stall: duration("stall"), due: (clock::now() + period_ns).into() })
    }

    async fn serve<E: Env>(service: Arc<Self>, env: E, stream: E::Stream) -> io::Result<()> {
        let (mut read, mut write) = stream.split()?;
        let mut buf = Buf::new(64);
        while let Some((_, asked)) = ask::<E>(&mut read, buf).await? {
            let (now, due) = (clock::now(), service.due.load(Relaxed));
            if now >= due {
                // By the clock, so that the period is the period whatever a stall lasts.
                let periods = (now - due) / service.period_ns + 1;
                service.due.store(due + periods * service.period_ns, Relaxed);
                env.stall(service.stall);
            }
            buf = write.send_all(asked).await?;
        }
        Ok(())
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}
