//! The process of a child: its end, and what it wrote to standard error.
//!
//! Not in here: how it is started (`launch`), and what is said to it (`child`).

use std::{
    io::{self, Read, Write},
    mem,
    process::{self, ChildStdin, ChildStdout},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::{FAREWELL, within};

/// How long those that were killed may take to be gone, and their ports with them.
const GONE: Duration = Duration::from_millis(50);

/// What is kept of a child's standard error, bytes.
const TAIL: usize = 2 << 10;

/// A process that leads a group of its own. Dropping it ends it, with its group.
pub(super) struct Process {
    child: process::Child,
    said: Arc<Mutex<Vec<u8>>>,
    listener: Option<thread::JoinHandle<()>>,
    ended: bool,
}

impl Process {
    /// Of a child that was started in a group of its own, with pipes.
    pub(super) fn new(mut child: process::Child) -> io::Result<Self> {
        let stderr = child.stderr.take();
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let mut process = Self { child, said, listener: None, ended: false };
        let stderr = stderr.ok_or_else(missing)?;
        let listener = thread::Builder::new()
            .name("deadheat-stderr".into())
            .spawn(move || listen(stderr, &heard))?;
        process.listener = Some(listener);
        Ok(process)
    }

    /// Its standard input and output.
    pub(super) fn pipes(&mut self) -> io::Result<(ChildStdin, ChildStdout)> {
        let pipes = self.child.stdin.take().zip(self.child.stdout.take());
        pipes.ok_or_else(missing)
    }

    /// Its id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// "it ended: exit status: 3", where it does within that time.
    pub(super) fn how_it_ended(&mut self, time: Duration) -> Option<String> {
        let mut ended = None;
        within(time, || {
            ended = self.child.try_wait().transpose();
            ended.is_some()
        });
        Some(format!("it ended: {}", ended?.ok()?))
    }

    /// The end of what it wrote to standard error. That is known when it has ended, so it is ended.
    pub(super) fn said(&mut self) -> String {
        self.end(Duration::ZERO);
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said).trim_end().to_owned()
    }

    /// Ends it, if it does not end by itself within that time, and then whatever it had started:
    /// that would keep its ports, and hold its output open.
    pub(super) fn end(&mut self, time: Duration) {
        if mem::replace(&mut self.ended, true) {
            return;
        }
        within(time, || !matches!(self.child.try_wait(), Ok(None)));
        // Its id is the group's, and not given to others as long as anybody is in that.
        let group = Pid::from_raw(self.child.id().cast_signed());
        let _ = killpg(group, Signal::SIGKILL);
        // It may have joined another group.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // They are gone soon. Where nobody reaps them they stay in the group, and hold nothing.
        within(GONE, || killpg(group, None::<Signal>).is_err());
        // Who has left the group can't be found. It may hold standard error open for good.
        within(FAREWELL, || self.has_been_heard());
    }

    /// Whether nothing more will come from its standard error.
    fn has_been_heard(&self) -> bool {
        self.listener.as_ref().is_none_or(thread::JoinHandle::is_finished)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

fn missing() -> io::Error {
    io::Error::other("a pipe is missing")
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

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::CommandExt,
        process::{Command, Stdio},
    };

    use super::*;
    use crate::race::child::PATIENCE;

    fn started(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Process::new(command.spawn().unwrap()).unwrap()
    }

    #[test]
    fn what_it_has_started_ends_with_it() {
        // Whoever sleeps holds standard error open.
        let mut process = started("echo words >&2; sleep 3600 & exit 3");
        let ended = process.how_it_ended(PATIENCE);
        assert_eq!(ended.as_deref(), Some("it ended: exit status: 3"));
        assert!(!process.has_been_heard());
        assert_eq!(process.said(), "words");
        assert!(process.has_been_heard());
    }

    #[test]
    fn it_may_end_by_itself_and_is_ended_where_it_does_not() {
        // It ends with its input, as who has said the last word is told to.
        let mut process = started("read line; exit 3");
        assert_eq!(process.how_it_ended(Duration::ZERO), None);
        drop(process.pipes().unwrap());
        process.end(PATIENCE);
        let ended = process.how_it_ended(Duration::ZERO);
        assert_eq!(ended.as_deref(), Some("it ended: exit status: 3"));
        let mut process = started("sleep 3600");
        process.end(Duration::ZERO);
        let ended = process.how_it_ended(Duration::ZERO).unwrap();
        assert!(ended.starts_with("it ended: signal: 9"), "{ended}");
    }
}
