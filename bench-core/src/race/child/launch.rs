//! How children are started, and what a process is that was started to be one.
//!
//! Not in here: what is said to a child once it is there (`child`).

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt, fs, io,
    os::unix::{
        fs::MetadataExt,
        process::{CommandExt, parent_id},
    },
    path::{Path, PathBuf},
    process::{self, Command},
    sync::Arc,
    thread,
    time::Duration,
};

use crate::{
    cell::{self, Cell},
    line::Line,
    model::BLOCKING_THREADS,
    protocol::{Done, Message, Numbers},
    race::External,
    resource,
};

use super::{Child, FAREWELL, PATIENCE};

/// The argument that makes this program a child.
pub const CHILD_ARG: &str = "deadheat-child";

/// The argument that makes this program become an external one. What follows: the process that must
/// be its parent, the folder, and the external program with its arguments.
const EXTERNAL_ARG: &str = "deadheat-external";

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
    /// By which its processes are named.
    program: PathBuf,
    /// What they execute.
    file: PathBuf,
    /// What `file` was at first, where another one can take its place.
    first: Option<Identity>,
    patience: Duration,
    tap: Option<Tap>,
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processes").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Processes {
    /// Of the program that is running: on Linux that very file, whatever is built in its place
    /// meanwhile.
    pub fn of_this_program() -> io::Result<Self> {
        let own = Self::of(env::current_exe()?);
        if !cfg!(target_os = "linux") {
            return Ok(own);
        }
        Ok(Self { file: "/proc/self/exe".into(), first: None, ..own })
    }

    /// Of another program that was built with the same cells: for tests.
    pub fn of(program: impl Into<PathBuf>) -> Self {
        let program = program.into();
        let (file, first) = (program.clone(), identity(&program));
        Self { program, file, first, patience: PATIENCE, tap: None }
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
        let started = self.again().and_then(|mut command| {
            command
                .args([CHILD_ARG, label])
                // Defaults of runtimes that can only be told so.
                .env("ASYNC_STD_THREAD_COUNT", cpus.len().max(1).to_string())
                .env("BLOCKING_MAX_THREADS", BLOCKING_THREADS.to_string());
            Child::start(command, cpus, self.patience)
        });
        started.map(|child| self.listened_to(label, child)).map_err(|error| {
            io::Error::new(error.kind(), format!("failed to start its process: {error}"))
        })
    }

    /// How this program is started again. Another build of it is not: a race would be of both.
    fn again(&self) -> io::Result<Command> {
        if let (Some(first), Some(now)) = (self.first, identity(&self.file))
            && first != now
        {
            return Err(io::Error::other(format!(
                "this program was rebuilt while it ran: {} is another file by now",
                self.program.display()
            )));
        }
        let mut command = Command::new(&self.file);
        command.arg0(&self.program);
        Ok(command)
    }

    /// How an external program is started. It need not mind the end of its input, and a busy one
    /// does not: so where the system can kill it with its parent, it is started through this
    /// program, which asks for that and then becomes it.
    fn foreign(&self, external: &External) -> io::Result<Command> {
        let direct = external.start()?;
        if !cfg!(target_os = "linux") {
            return Ok(direct);
        }
        let mut command = self.again()?;
        command
            .args([EXTERNAL_ARG, &process::id().to_string()])
            .arg(&external.folder)
            .args(&external.command);
        Ok(command)
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
        let child = self
            .foreign(external)
            .and_then(|command| Child::start(command, cpus, self.patience))
            .map_err(|error| external.not_started(&error))?;
        Ok(self.listened_to(label, Child { farewell: FAREWELL, ..child }))
    }

    fn peer(&self, label: &str) -> io::Result<Child> {
        self.own(label, &[])
    }
}

/// Device, inode, size, and time of change (seconds, nanoseconds): another file at the same path
/// has others.
type Identity = (u64, u64, u64, i64, i64);

/// What is at this path; `None` where nothing is, and then that is found when it is started.
fn identity(path: &Path) -> Option<Identity> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec()))
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
        Child::over(from_child, to_child, None, PATIENCE)
    }
}

/// Whether this process was started to be a child; then it must do nothing else than be one.
pub fn is_child(mut args: impl Iterator<Item = OsString>) -> bool {
    args.nth(1).is_some_and(|arg| arg == CHILD_ARG || arg == EXTERNAL_ARG)
}

/// The life of a child process, on its standard streams; or that of the external program that it
/// was started to become, and then this does not return.
pub fn be_child(cells: &[Cell]) -> io::Result<()> {
    resource::die_with_parent()?;
    let mut args = env::args_os();
    let program = args.next().map(PathBuf::from);
    // The system names a process after the path that it was started from, and that may be
    // `/proc/self/exe`.
    if let Some(name) = program.as_deref().and_then(Path::file_name).and_then(OsStr::to_str) {
        resource::name_thread(name);
    }
    if args.next().is_some_and(|arg| arg == EXTERNAL_ARG) {
        return Err(become_external(args));
    }
    cell::child(cells, Line::standard()?)
}

/// Becomes an external program: the same process, which keeps its CPUs, its streams, its
/// surroundings, and that it dies with its parent. Comes back only where that failed, and tells the
/// parent why.
fn become_external(mut args: impl Iterator<Item = OsString>) -> io::Error {
    let parent: Option<u32> = args.next().and_then(|arg| arg.to_str()?.parse().ok());
    // A parent that died before it was asked for would never be noticed.
    if parent != Some(parent_id()) {
        return io::Error::other("its parent is gone");
    }
    let folder = args.next().unwrap_or_default().into();
    let command = args.filter_map(|arg| arg.into_string().ok()).collect();
    let external = External { command, folder, ..External::default() };
    let error = match external.start() {
        Ok(mut command) => command.exec(),
        Err(error) => error,
    };
    let error = external.not_started(&error);
    let failed = Message::Failed { cause: error.to_string() };
    // The parent may be gone; then nobody is left to tell.
    let _ = Line::standard().and_then(|mut line| line.send(&failed, &Numbers::default()));
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_started_for_the_race_knows_it_by_its_first_argument() {
        let is_child = |args: &[&str]| is_child(args.iter().map(OsString::from));
        assert!(is_child(&["bench", CHILD_ARG, "a label"]));
        assert!(is_child(&["bench", EXTERNAL_ARG, "1", "", "python3"]));
        assert!(!is_child(&["bench"]) && !is_child(&["bench", "run", CHILD_ARG]));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_external_program_is_started_through_this_one_if_it_is_there() {
        let processes = Processes::of("/here/bench");
        let external = |name: &str| External {
            command: vec![name.into(), "-c".into()],
            folder: "/".into(),
            ..External::default()
        };
        let command = processes.foreign(&external("sh")).unwrap();
        let own = process::id().to_string();
        let args: Vec<_> = command.get_args().collect();
        assert_eq!(command.get_program(), "/here/bench");
        assert_eq!(args, [EXTERNAL_ARG, &own, "/", "sh", "-c"]);
        let error = processes.foreign(&external("/nowhere/program")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_program_is_started_from_what_runs() {
        let again = Processes::of_this_program().unwrap().again().unwrap();
        assert_eq!(again.get_program(), "/proc/self/exe");
    }

    #[test]
    fn a_program_that_another_has_replaced_is_not_started() {
        let folder = tempfile::tempdir().unwrap();
        let [program, other] = ["program", "other"].map(|name| folder.path().join(name));
        fs::write(&program, "one").unwrap();
        fs::write(&other, "two").unwrap();
        let processes = Processes::of(&program);
        assert_eq!(processes.again().unwrap().get_program(), program.as_os_str());
        fs::rename(&other, &program).unwrap();
        let refused = processes.again().unwrap_err().to_string();
        assert!(refused.contains("was rebuilt while it ran: "), "{refused}");
        assert!(refused.contains(program.to_str().unwrap()), "{refused}");
    }

    #[test]
    fn who_has_another_parent_by_now_becomes_nothing() {
        for args in [&["another", "", "true"][..], &["", "", "true"], &[]] {
            let error = become_external(args.iter().map(OsString::from));
            assert_eq!(error.to_string(), "its parent is gone");
        }
    }
}
