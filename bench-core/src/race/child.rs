//! A child as the parent sees it: a process or, in tests, a thread.
//!
//! How it is started, and what it is then, is in `launch`; how a process ends is in `process`.

use std::{
    fmt,
    io::{self, Read, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use crate::{
    clock,
    line::Line,
    protocol::{Done, Message, Numbers, Prepare, Ready, Turn, VERSION},
    record::Role,
    resource,
};

mod launch;
mod process;

use self::process::Process;

pub use self::launch::{CHILD_ARG, Launcher, Processes, Tap, Threads, be_child, is_child};

/// How long a child may take to answer, beyond what it was asked to do.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long a child may take for its last word, and a foreign one then to end by itself.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often it is looked whether something has happened that cannot be waited for.
const STEP: Duration = Duration::from_millis(1);

/// A running child. Dropping it ends it.
pub struct Child {
    line: Line,
    deadline: Arc<Deadline>,
    process: Option<Process>,
    patience: Duration,
    /// How long it may take to end by itself, once it has said its last word.
    farewell: Duration,
    /// Why nothing that it says answers what it is asked.
    broken: Option<String>,
    tap: Option<(String, Tap)>,
    started: u64,
    /// From its start to its `ready`, ns.
    pub ready_ns: u64,
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

/// When a message is given up.
struct Deadline {
    at: AtomicU64,
    /// Whether it has been put off, as it is once at most.
    late: AtomicBool,
}

impl Deadline {
    /// Of the next message.
    fn set(&self, at: u64) {
        self.at.store(at, Relaxed);
        self.late.store(false, Relaxed);
    }

    /// For the rest of a message of which a part came in time. Returns whether that was so.
    fn put_off(&self) -> bool {
        self.at.store(clock::now() + clock::nanos(FAREWELL), Relaxed);
        !self.late.swap(true, Relaxed)
    }
}

/// A stream that gives up at a deadline.
struct Patient<S> {
    stream: S,
    deadline: Arc<Deadline>,
}

impl<S: AsFd> Patient<S> {
    /// Waits until it is ready for that. What is ready by the deadline is so however late that is
    /// seen: this process may have been stopped meanwhile, and its children were not.
    fn wait(&self, ready: PollFlags) -> io::Result<()> {
        loop {
            let left = self.deadline.at.load(Relaxed).saturating_sub(clock::now());
            let millis = left.div_ceil(1_000_000).min(1_000_000);
            let wait = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(self.stream.as_fd(), ready)];
            match poll(&mut fds, wait) {
                Ok(0) if left == 0 => return Err(io::ErrorKind::TimedOut.into()),
                Ok(0) | Err(Errno::EINTR) => {}
                // A pipe holds only the start of what is long; the rest is about to come.
                Ok(_) if left == 0 && !self.deadline.put_off() => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl<S: Read + AsFd> Read for Patient<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.wait(PollFlags::POLLIN)?;
        self.stream.read(buf)
    }
}

/// Of a stream that does not block: what fits is written, and the rest is waited for.
impl<S: Write + AsFd> Write for Patient<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        loop {
            self.wait(PollFlags::POLLOUT)?;
            match self.stream.write(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Waits until something has happened, for that long at most.
fn within(time: Duration, mut happened: impl FnMut() -> bool) {
    let deadline = clock::now() + clock::nanos(time);
    while !happened() && clock::now() < deadline {
        clock::sleep(STEP);
    }
}

impl Child {
    fn start(mut command: Command, cpus: &[usize], patience: Duration) -> io::Result<Self> {
        // A child inherits the set of the thread that starts it: so a program that never heard of
        // CPU sets keeps to it too. Not from a thread of its own: with that the child would die.
        let all = resource::cpus();
        resource::confine(cpus)?;
        let spawned = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for the parent, which ends its children itself, and what they have started.
            .process_group(0)
            .spawn();
        let confined = resource::confine(&all);
        let mut process = Process::new(spawned?)?;
        confined?;
        let (to, from) = process.pipes()?;
        Self::over(from, to, Some(process), patience)
    }

    /// At the other end of two pipes.
    fn over(
        from: impl Read + AsFd + Send + 'static,
        to: impl Write + AsFd + Send + 'static,
        process: Option<Process>,
        patience: Duration,
    ) -> io::Result<Self> {
        // A pipe holds 64 KiB: a child that has stopped reading must not hold up the parent.
        fcntl(&to, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let deadline =
            Arc::new(Deadline { at: AtomicU64::new(u64::MAX), late: AtomicBool::new(false) });
        let from = Patient { stream: from, deadline: Arc::clone(&deadline) };
        let to = Patient { stream: to, deadline: Arc::clone(&deadline) };
        let (line, started) = (Line::new(from, to), clock::now());
        // One of the program's own: executors that cannot be stopped have said all they had to say.
        let farewell = Duration::ZERO;
        let (broken, tap, ready_ns) = (None, None, 0);
        Ok(Self { line, deadline, process, patience, farewell, broken, tap, started, ready_ns })
    }

    /// When it is given up, where it was asked to do something that lasts `ns`.
    fn deadline_after(&self, ns: u64) -> u64 {
        clock::now().saturating_add(ns).saturating_add(clock::nanos(self.patience))
    }

    /// Its process id; `None` for a thread.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Does something with it. Where that fails, everything later does, and for the same cause:
    /// what comes then answers what was asked before.
    fn unbroken<T>(&mut self, act: impl FnOnce(&mut Self) -> io::Result<T>) -> io::Result<T> {
        if let Some(cause) = &self.broken {
            return Err(io::Error::other(cause.clone()));
        }
        let result = act(self);
        self.broken = result.as_ref().err().map(ToString::to_string);
        result
    }

    /// Sends `prepare`, after its hello; [`wait_ready`](Self::wait_ready) is to follow.
    pub fn send_prepare(&mut self, prepare: Prepare) -> io::Result<()> {
        self.unbroken(|child| {
            match child.next(child.deadline_after(0))?.0 {
                Message::Hello { protocol: VERSION, .. } => {}
                Message::Hello { protocol, .. } => {
                    return Err(io::Error::other(format!(
                        "it speaks version {protocol} of the protocol, not {VERSION}"
                    )));
                }
                other => return Err(unexpected("hello", &other)),
            }
            let deadline = child.deadline_after(0);
            child.send(&Message::Prepare(Box::new(prepare)), &Numbers::default(), deadline)
        })
    }

    /// Waits for `ready`.
    pub fn wait_ready(&mut self) -> io::Result<Ready> {
        self.unbroken(|child| {
            let deadline = child.deadline_after(clock::nanos(child.patience));
            match child.next(deadline)?.0 {
                Message::Ready(ready) => {
                    child.ready_ns = clock::now() - child.started;
                    Ok(ready)
                }
                other => Err(unexpected("ready", &other)),
            }
        })
    }

    /// Makes it what it is to be.
    pub fn prepare(&mut self, prepare: Prepare) -> io::Result<Ready> {
        self.send_prepare(prepare)?;
        self.wait_ready()
    }

    /// Its turn.
    pub fn turn(&mut self, turn: &Turn, arrivals: &[u64]) -> io::Result<(Done, Numbers)> {
        let turn = Turn { arrivals: arrivals.len() as u64, ..turn.clone() };
        let planned = turn.for_ns + arrivals.last().copied().unwrap_or(0) + turn.drain_ns;
        let numbers = Numbers { arrivals: arrivals.to_vec(), ..Numbers::default() };
        self.unbroken(|child| {
            child.send(&Message::Slice(turn), &numbers, child.deadline_after(0))?;
            child.done(child.deadline_after(planned))
        })
    }

    /// Its counters, between turns.
    pub fn mark(&mut self) -> io::Result<Done> {
        Ok(self.turn(&Turn::default(), &[])?.0)
    }

    fn done(&mut self, deadline: u64) -> io::Result<(Done, Numbers)> {
        match self.next(deadline)? {
            (Message::Done(done), numbers) => {
                if let Some((label, tap)) = &self.tap {
                    tap(label, &done, &numbers);
                }
                Ok((*done, numbers))
            }
            (other, _) => Err(unexpected("done", &other)),
        }
    }

    fn send(&mut self, message: &Message, numbers: &Numbers, deadline: u64) -> io::Result<()> {
        let before = clock::now();
        self.deadline.set(deadline);
        match self.line.send(message, numbers) {
            // Its last words, or how it ended, tell more than that it does not listen.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.next(clock::now() + clock::nanos(FAREWELL)).and(Err(error))
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(self.given_up(before, ": it does not read what it is sent"))
            }
            sent => sent,
        }
    }

    fn next(&mut self, deadline: u64) -> io::Result<(Message, Numbers)> {
        let before = clock::now();
        self.deadline.set(deadline);
        match self.line.receive() {
            Ok(Some((Message::Failed { cause }, _))) => Err(io::Error::other(cause)),
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(io::Error::other(self.how_it_ended())),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(self.given_up(before, "")),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(io::Error::other(self.how_it_ended()))
            }
            Err(error) => Err(error),
        }
    }

    /// That it was given up, since `before`; or how it ended, where what it had started holds its
    /// output open.
    fn given_up(&mut self, before: u64, why: &str) -> io::Error {
        let waited = Duration::from_nanos(clock::now() - before);
        let silent = || format!("no answer in {:.0} s{why}", waited.as_secs_f64());
        let ended = self.process.as_mut().and_then(|own| own.how_it_ended(Duration::ZERO));
        io::Error::other(ended.unwrap_or_else(silent))
    }

    /// "it ended: exit status: 3", once its output has ended.
    fn how_it_ended(&mut self) -> String {
        let Some(process) = &mut self.process else { return "it ended".into() };
        process.how_it_ended(FAREWELL).unwrap_or_else(|| "it closed its output".into())
    }

    /// The end of what it wrote to standard error.
    pub fn said(&mut self) -> String {
        self.process.as_mut().map(Process::said).unwrap_or_default()
    }

    /// Ends it: a last word, if it has one, and then the process.
    pub fn quit(mut self) -> Option<Done> {
        let deadline = clock::now() + clock::nanos(FAREWELL);
        let last = self.unbroken(|child| {
            child.send(&Message::Quit, &Numbers::default(), deadline)?;
            child.done(deadline)
        });
        let Self { line, process, farewell, .. } = self;
        // Who still reads is told by the end of its input.
        drop(line);
        if let Some(mut process) = process {
            process.end(if last.is_ok() { farewell } else { Duration::ZERO });
        }
        Some(last.ok()?.0)
    }
}

fn unexpected(wanted: &str, got: &Message) -> io::Error {
    io::Error::other(format!("it said {got:?} instead of {wanted}"))
}

/// The id of a contender in a race: its model's, and what it is there for.
pub fn contender_id(model: &str, role: Role) -> String {
    match role {
        Role::Model => model.into(),
        Role::Twin => format!("{model}+twin"),
        Role::Handicapped => format!("{model}+handicap"),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::protocol;

    /// More arrivals than a pipe holds.
    const MANY: usize = 100_000;

    /// A child, and its ends of the pipes.
    fn child(patience: Duration) -> (Child, io::PipeReader, io::PipeWriter) {
        let (from_child, to_parent) = io::pipe().unwrap();
        let (from_parent, to_child) = io::pipe().unwrap();
        (Child::over(from_child, to_child, None, patience).unwrap(), from_parent, to_parent)
    }

    #[test]
    fn a_child_that_does_not_read_is_given_up() {
        let (mut child, _from_parent, _to_parent) = child(Duration::from_millis(60));
        let said = child.turn(&Turn::default(), &vec![0; MANY]).unwrap_err().to_string();
        assert!(said.starts_with("no answer in "), "{said}");
        assert!(said.ends_with(" s: it does not read what it is sent"), "{said}");
        let (mut child, from_parent, to_parent) = self::child(PATIENCE);
        drop((from_parent, to_parent));
        let error = child.turn(&Turn::default(), &vec![0; MANY]).unwrap_err();
        assert_eq!(error.to_string(), "it ended", "and one that is gone is told from it");
    }

    #[test]
    fn a_child_that_reads_gets_more_than_a_pipe_holds() {
        let (mut child, mut from_parent, mut to_parent) = child(PATIENCE);
        let reader = thread::spawn(move || {
            let (_, numbers) = protocol::receive(&mut from_parent).unwrap().unwrap();
            protocol::send(&mut to_parent, &Message::Done(Box::default())).unwrap();
            numbers.arrivals
        });
        let arrivals: Vec<u64> = (0..).take(MANY).collect();
        child.turn(&Turn::default(), &arrivals).unwrap();
        assert_eq!(reader.join().unwrap(), arrivals);
    }

    #[test]
    fn an_answer_that_is_there_is_read_however_late_it_is() {
        let (mut child, _from_parent, mut to_parent) = child(Duration::ZERO);
        protocol::send(&mut to_parent, &Message::Done(Box::default())).unwrap();
        child.mark().unwrap();
        // A pipe holds only its start.
        let done = Done { lags: MANY as u64, ..Done::default() };
        let numbers = Numbers { lags: vec![7; MANY], ..Numbers::default() };
        let mut frame = Vec::new();
        protocol::send_with(&mut frame, &Message::Done(Box::new(done)), &numbers).unwrap();
        let rest = frame.split_off(1 << 10);
        to_parent.write_all(&frame).unwrap();
        let writer = thread::spawn(move || to_parent.write_all(&rest));
        assert_eq!(child.turn(&Turn::default(), &[]).unwrap().1, numbers);
        writer.join().unwrap().unwrap();
    }

    #[test]
    fn a_late_answer_is_not_taken_for_the_next_one() {
        let (mut child, _from_parent, mut to_parent) = child(Duration::ZERO);
        let cause = child.turn(&Turn::default(), &[]).unwrap_err().to_string();
        assert!(cause.starts_with("no answer in "), "{cause}");
        for _ in 0..3 {
            protocol::send(&mut to_parent, &Message::Done(Box::default())).unwrap();
        }
        assert_eq!(child.mark().unwrap_err().to_string(), cause);
        assert_eq!(child.quit(), None);
    }
}
