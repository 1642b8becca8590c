//! A contender inside this process, on a thread and two pipes: for tests, and for nothing that
//! is measured.

use std::{io, thread};

use crate::{
    cell::{self, Cell},
    line::Line,
    protocol::{Done, Message, Numbers, Prepare, Ready, Turn},
};

/// A child on a thread of its own. It ends when it is told to quit, or when this is dropped.
#[derive(Debug)]
pub struct Rehearsal {
    line: Option<Line>,
    thread: Option<thread::JoinHandle<io::Result<()>>>,
    /// What it said when it was ready.
    pub ready: Ready,
}

impl Rehearsal {
    /// Starts a child and waits until it is ready.
    pub fn start(cells: &'static [Cell], prepare: Prepare) -> io::Result<Self> {
        let (from_child, to_parent) = io::pipe()?;
        let (from_parent, to_child) = io::pipe()?;
        let thread = thread::spawn(move || cell::child(cells, Line::new(from_parent, to_parent)));
        let line = Line::new(from_child, to_child);
        let mut rehearsal =
            Self { line: Some(line), thread: Some(thread), ready: Ready::default() };
        rehearsal.next()?;
        rehearsal.send(&Message::Prepare(Box::new(prepare)), Vec::new())?;
        match rehearsal.next()?.0 {
            Message::Ready(ready) => rehearsal.ready = ready,
            other => return Err(io::Error::other(format!("not ready but {other:?}"))),
        }
        Ok(rehearsal)
    }

    /// Runs one slice.
    pub fn slice(&mut self, turn: &Turn, arrivals: Vec<u64>) -> io::Result<(Done, Numbers)> {
        let turn = Turn { arrivals: arrivals.len() as u64, ..turn.clone() };
        self.send(&Message::Slice(turn), arrivals)?;
        match self.next()? {
            (Message::Done(done), numbers) => Ok((*done, numbers)),
            (other, _) => Err(io::Error::other(format!("not done but {other:?}"))),
        }
    }

    /// Ends it, and says how it ended.
    pub fn quit(mut self) -> io::Result<Done> {
        self.send(&Message::Quit, Vec::new())?;
        let last = match self.next()?.0 {
            Message::Done(done) => *done,
            other => return Err(io::Error::other(format!("not done but {other:?}"))),
        };
        self.line = None;
        let ended = self.thread.take().map(thread::JoinHandle::join);
        ended.transpose().map_err(|_| io::Error::other("the child panicked"))?.transpose()?;
        Ok(last)
    }

    fn line(&mut self) -> io::Result<&mut Line> {
        self.line.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn send(&mut self, message: &Message, arrivals: Vec<u64>) -> io::Result<()> {
        self.line()?.send(message, &Numbers { arrivals, ..Numbers::default() })
    }

    fn next(&mut self) -> io::Result<(Message, Numbers)> {
        match self.line()?.receive()? {
            Some((Message::Failed { cause }, _)) => Err(io::Error::other(cause)),
            Some(message) => Ok(message),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
