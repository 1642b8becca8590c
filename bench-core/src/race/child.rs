//! A child as the parent sees it: a process or, in tests, a thread.

use std::{
    ffi::OsString,
    fmt,
    io::{self, Read, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    path::PathBuf,
    process::{self, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::{
    cell::{self, Cell},
    clock,
    line::Line,
    model::BLOCKING_THREADS,
    protocol::{Done, Message, Numbers, Prepare, Ready, Turn, VERSION},
    race::External,
    record::Role,
    resource,
};

/// What is kept of a child's standard error, bytes.
const TAIL: usize = 2 << 10;

/// How long a child may take to answer, beyond what it was asked to do.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long a child may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(1);

/// The argument that makes this program a child.
pub const CHILD_ARG: &str = "deadheat-child";

/// Starts children.
pub trait Launcher {
    /// A contender, on these CPUs from its first instruction on; `None`: this program.
    fn contender(
        &self,
        label: &str,
        cpus: &[usize],
        external: Option<&External>,
    ) -> io::Result<Child>;

    /// A peer.
    fn peer(&self, label: &str) -> io::Result<Child>;
}

/// Told of everything that a child answers with numbers, as it came and before anything is done
/// with it: its label, what happened, and the numbers.
pub type Tap = Arc<dyn Fn(&str, &Done, &Numbers) + Send + Sync>;

/// Starts this program again.
#[derive(Clone)]
pub struct Processes {
    program: PathBuf,
    patience: Duration,
    tap: Option<Tap>,
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processes").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Processes {
    /// Of the program that is running.
    pub fn of_this_program() -> io::Result<Self> {
        Ok(Self::of(std::env::current_exe()?))
    }

    /// Of another program that was built with the same cells: for tests.
    pub fn of(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), patience: PATIENCE, tap: None }
    }

    /// With another patience than [`PATIENCE`].
    #[must_use]
    pub fn patient_for(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// As these, with somebody who is shown the samples: the record keeps histograms, and known
    /// answers are held against what these were made of.
    #[must_use]
    pub fn tapped(self, tap: Tap) -> Self {
        Self { tap: Some(tap), ..self }
    }

    fn listened_to(&self, label: &str, child: Child) -> Child {
        let tap = self.tap.clone().map(|tap| (label.to_owned(), tap));
        Child { tap, ..child }
    }

    fn own(&self, label: &str, cpus: &[usize]) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args([CHILD_ARG, label])
            // Defaults of runtimes that can only be told so.
            .env("ASYNC_STD_THREAD_COUNT", cpus.len().max(1).to_string())
            .env("BLOCKING_MAX_THREADS", BLOCKING_THREADS.to_string());
        Child::start(command, cpus, self.patience)
            .map(|child| self.listened_to(label, child))
            .map_err(|error| {
                io::Error::new(error.kind(), format!("failed to start its process: {error}"))
            })
    }
}

impl Launcher for Processes {
    fn contender(
        &self,
        label: &str,
        cpus: &[usize],
        external: Option<&External>,
    ) -> io::Result<Child> {
        let Some(external) = external else { return self.own(label, cpus) };
        let start = |command| Child::start(command, cpus, self.patience);
        let child = external.start().and_then(start).map_err(|error| {
            let name = external.name();
            io::Error::new(error.kind(), format!("failed to start {name}: {error}"))
        })?;
        Ok(self.listened_to(label, child))
    }

    fn peer(&self, label: &str) -> io::Result<Child> {
        self.own(label, &[])
    }
}

/// Starts children as threads of this process: for tests.
#[derive(Clone, Copy, Debug)]
pub struct Threads(pub &'static [Cell]);

impl Launcher for Threads {
    fn contender(
        &self,
        _label: &str,
        _cpus: &[usize],
        _external: Option<&External>,
    ) -> io::Result<Child> {
        self.peer("")
    }

    fn peer(&self, _label: &str) -> io::Result<Child> {
        let (from_child, to_parent) = io::pipe()?;
        let (from_parent, to_child) = io::pipe()?;
        let cells = self.0;
        thread::spawn(move || cell::child(cells, Line::new(from_parent, to_parent)));
        let deadline = Arc::new(AtomicU64::new(u64::MAX));
        let from = Patient { from: from_child, deadline: Arc::clone(&deadline) };
        Ok(Child::over(Line::new(from, to_child), deadline, None, PATIENCE))
    }
}

/// Whether this process was started to be a child; then it must do nothing else than be one.
pub fn is_child(mut args: impl Iterator<Item = OsString>) -> bool {
    args.nth(1).is_some_and(|arg| arg == CHILD_ARG)
}

/// The life of a child process, on its standard streams.
pub fn be_child(cells: &[Cell]) -> io::Result<()> {
    resource::die_with_parent()?;
    cell::child(cells, Line::standard()?)
}

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
struct Patient<R> {
    from: R,
    deadline: Arc<AtomicU64>,
}

impl<R: Read + AsFd> Read for Patient<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.deadline.load(Relaxed).saturating_sub(clock::now());
            if left == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let millis = (left / 1_000_000).clamp(1, 1_000_000);
            let wait = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(self.from.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, wait) {
                Ok(0) | Err(nix::errno::Errno::EINTR) => {}
                Ok(_) => return self.from.read(buf),
                Err(error) => return Err(error.into()),
            }
        }
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
        let deadline = Arc::new(AtomicU64::new(u64::MAX));
        let from = Patient { from, deadline: Arc::clone(&deadline) };
        let process = Process { child, said, listener: Some(listener) };
        Ok(Self::over(Line::new(from, stdin), deadline, Some(process), patience))
    }

    fn over(
        line: Line,
        deadline: Arc<AtomicU64>,
        process: Option<Process>,
        patience: Duration,
    ) -> Self {
        Self { line, deadline, process, patience, tap: None, started: clock::now(), ready_ns: 0 }
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
        self.send(&Message::Prepare(Box::new(prepare)), &Numbers::default())
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
        self.send(&Message::Slice(turn), &numbers)?;
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

    fn send(&mut self, message: &Message, numbers: &Numbers) -> io::Result<()> {
        match self.line.send(message, numbers) {
            // Its last words, or how it ended, tell more than that it does not listen.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.next(clock::now() + clock::nanos(FAREWELL)).and(Err(error))
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
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                let waited = Duration::from_nanos(clock::now() - before);
                Err(io::Error::other(format!("no answer in {:.0} s", waited.as_secs_f64())))
            }
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
        self.line.send(&Message::Quit, &Numbers::default()).ok()?;
        let last = self.done(clock::now() + clock::nanos(FAREWELL)).ok()?;
        Some(last.0)
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
