//! A child as the parent sees it: a process or, in tests, a thread.
//!
//! How it is started, and what it is then, is in `launch`.

use std::{
    fmt,
    io::{self, Read, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    process::{self, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
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

pub use self::launch::{CHILD_ARG, Launcher, Processes, Tap, Threads, be_child, is_child};

/// What is kept of a child's standard error, bytes.
const TAIL: usize = 2 << 10;

/// How long a child may take to answer, beyond what it was asked to do.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long a child may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(1);

/// A running child. Dropping it ends it.
pub struct Child {
    line: Line,
    deadline: Arc<AtomicU64>,
    process: Option<Process>,
    patience: Duration,
    tap: Option<(String, Tap)>,
    started: u64,
    /// From its start to its `ready`, ns.
    pub ready_ns: u64,
}

struct Process {
    child: process::Child,
    said: Arc<Mutex<Vec<u8>>>,
    listener: Option<thread::JoinHandle<()>>,
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

/// A stream that gives up at a deadline.
struct Patient<S> {
    stream: S,
    deadline: Arc<AtomicU64>,
}

impl<S: AsFd> Patient<S> {
    /// Waits until it is ready for that.
    fn wait(&self, ready: PollFlags) -> io::Result<()> {
        loop {
            let left = self.deadline.load(Relaxed).saturating_sub(clock::now());
            if left == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let millis = (left / 1_000_000).clamp(1, 1_000_000);
            let wait = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(self.stream.as_fd(), ready)];
            match poll(&mut fds, wait) {
                Ok(0) | Err(Errno::EINTR) => {}
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

/// That it was given up, since `before`.
fn given_up(before: u64, why: &str) -> io::Error {
    let waited = Duration::from_nanos(clock::now() - before);
    io::Error::other(format!("no answer in {:.0} s{why}", waited.as_secs_f64()))
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
            // Ctrl-C is for the parent, which ends its children itself.
            .process_group(0)
            .spawn();
        resource::confine(&all)?;
        let mut child = spawned?;
        let missing = || io::Error::other("a pipe is missing");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let from = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let listener = thread::Builder::new()
            .name("deadheat-stderr".into())
            .spawn(move || listen(stderr, &heard))?;
        let process = Process { child, said, listener: Some(listener) };
        Self::over(from, stdin, Some(process), patience)
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
        let deadline = Arc::new(AtomicU64::new(u64::MAX));
        let from = Patient { stream: from, deadline: Arc::clone(&deadline) };
        let to = Patient { stream: to, deadline: Arc::clone(&deadline) };
        let (line, started) = (Line::new(from, to), clock::now());
        Ok(Self { line, deadline, process, patience, tap: None, started, ready_ns: 0 })
    }

    /// When it is given up, where it was asked to do something that lasts `ns`.
    fn deadline_after(&self, ns: u64) -> u64 {
        clock::now().saturating_add(ns).saturating_add(clock::nanos(self.patience))
    }

    /// Its process id; `None` for a thread.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(|process| process.child.id())
    }

    /// Sends `prepare`, after its hello; [`wait_ready`](Self::wait_ready) is to follow.
    pub fn send_prepare(&mut self, prepare: Prepare) -> io::Result<()> {
        match self.next(self.deadline_after(0))?.0 {
            Message::Hello { protocol: VERSION, .. } => {}
            Message::Hello { protocol, .. } => {
                let text = format!("it speaks version {protocol} of the protocol, not {VERSION}");
                return Err(io::Error::other(text));
            }
            other => return Err(unexpected("hello", &other)),
        }
        let deadline = self.deadline_after(0);
        self.send(&Message::Prepare(Box::new(prepare)), &Numbers::default(), deadline)
    }

    /// Waits for `ready`.
    pub fn wait_ready(&mut self) -> io::Result<Ready> {
        match self.next(self.deadline_after(clock::nanos(self.patience)))?.0 {
            Message::Ready(ready) => {
                self.ready_ns = clock::now() - self.started;
                Ok(ready)
            }
            other => Err(unexpected("ready", &other)),
        }
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
        self.send(&Message::Slice(turn), &numbers, self.deadline_after(0))?;
        self.done(self.deadline_after(planned))
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
        self.deadline.store(deadline, Relaxed);
        match self.line.send(message, numbers) {
            // Its last words, or how it ended, tell more than that it does not listen.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.next(clock::now() + clock::nanos(FAREWELL)).and(Err(error))
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(given_up(before, ": it does not read what it is sent"))
            }
            sent => sent,
        }
    }

    fn next(&mut self, deadline: u64) -> io::Result<(Message, Numbers)> {
        let before = clock::now();
        self.deadline.store(deadline, Relaxed);
        match self.line.receive() {
            Ok(Some((Message::Failed { cause }, _))) => Err(io::Error::other(cause)),
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(io::Error::other(self.how_it_ended())),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(given_up(before, "")),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(io::Error::other(self.how_it_ended()))
            }
            Err(error) => Err(error),
        }
    }

    /// "exited with status 3", once its output has ended.
    fn how_it_ended(&mut self) -> String {
        let Some(process) = &mut self.process else { return "it ended".into() };
        let deadline = clock::now() + clock::nanos(FAREWELL);
        loop {
            match process.child.try_wait() {
                Ok(Some(status)) => return format!("it ended: {status}"),
                Ok(None) if clock::now() < deadline => clock::sleep(Duration::from_millis(2)),
                _ => return "it closed its output".into(),
            }
        }
    }

    /// The end of what it wrote to standard error.
    pub fn said(&mut self) -> String {
        let Some(process) = &mut self.process else { return String::new() };
        let _ = process.child.kill();
        let _ = process.child.wait();
        process.listener.take().map(thread::JoinHandle::join);
        let said = process.said.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said).trim_end().to_owned()
    }

    /// Ends it: a last word, if it has one, and then the process.
    pub fn quit(mut self) -> Option<Done> {
        let deadline = clock::now() + clock::nanos(FAREWELL);
        self.deadline.store(deadline, Relaxed);
        self.line.send(&Message::Quit, &Numbers::default()).ok()?;
        Some(self.done(deadline).ok()?.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Executors that cannot be stopped have said all they had to say.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.listener.take().map(thread::JoinHandle::join);
    }
}

fn unexpected(wanted: &str, got: &Message) -> io::Error {
    io::Error::other(format!("it said {got:?} instead of {wanted}"))
}

fn listen(mut stderr: impl Read, said: &Mutex<Vec<u8>>) {
    let mut buf = [0; 1024];
    while let Ok(n @ 1..) = stderr.read(&mut buf) {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = said.write_all(&buf[..n]);
        let surplus = said.len().saturating_sub(TAIL);
        said.drain(..surplus);
    }
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
}
