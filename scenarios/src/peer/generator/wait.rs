//! Waiting for sockets and for a point in time, whichever comes first.

use std::{io, time::Duration};

use mio::{Events, Poll, Registry};

/// Waits shorter than this are spent on the CPU: going to sleep would take as long.
const SHORT_NS: u64 = 20_000;

/// Events that are taken at once.
const EVENTS: usize = 1024;

/// An `epoll`, with a timer that is finer than its milliseconds.
#[derive(Debug)]
pub(super) struct Waiter {
    poll: Poll,
    events: Events,
    #[cfg(target_os = "linux")]
    timer: timer::Timer,
}

impl Waiter {
    pub(super) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        #[cfg(target_os = "linux")]
        let timer = timer::Timer::new(poll.registry())?;
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            #[cfg(target_os = "linux")]
            timer,
        })
    }

    pub(super) fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// What the last wait ended with.
    pub(super) fn events(&self) -> &Events {
        &self.events
    }

    /// Waits until a socket has something, or until the clock shows `until`; never longer, and
    /// not at all where `spin` says so.
    pub(super) fn wait(&mut self, until: u64, now: u64, spin: bool) -> io::Result<()> {
        let left = until.saturating_sub(now);
        let timeout =
            if spin || left < SHORT_NS { Some(Duration::ZERO) } else { self.sleep(until, left)? };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }

    #[cfg(target_os = "linux")]
    fn sleep(&mut self, until: u64, left: u64) -> io::Result<Option<Duration>> {
        self.timer.arm(until, left)?;
        Ok(None)
    }

    /// `kqueue` takes nanoseconds.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as on Linux")]
    fn sleep(&mut self, _until: u64, left: u64) -> io::Result<Option<Duration>> {
        Ok(Some(Duration::from_nanos(left)))
    }
}

#[cfg(target_os = "linux")]
mod timer {
    use std::{
        io,
        os::fd::{AsFd, AsRawFd},
        time::Duration,
    };

    use mio::{Interest, Registry, Token, unix::SourceFd};
    use nix::sys::{
        time::TimeSpec,
        timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    };

    /// A timer among the sockets: `epoll_wait` itself counts in milliseconds, rounded up.
    #[derive(Debug)]
    pub(super) struct Timer {
        fd: TimerFd,
        /// What it is set to: setting it is a system call.
        until: u64,
    }

    impl Timer {
        pub(super) fn new(registry: &Registry) -> io::Result<Self> {
            let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
            let fd = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
            let raw = fd.as_fd().as_raw_fd();
            registry.register(&mut SourceFd(&raw), Token(usize::MAX), Interest::READABLE)?;
            Ok(Self { fd, until: 0 })
        }

        pub(super) fn arm(&mut self, until: u64, left: u64) -> io::Result<()> {
            if self.until != until {
                let left = TimeSpec::from_duration(Duration::from_nanos(left));
                self.fd.set(Expiration::OneShot(left), TimerSetTimeFlags::empty())?;
                self.until = until;
            }
            Ok(())
        }
    }
}
