//! A child's line to its parent: two pipes, and nothing else may write there.

use std::{
    fmt,
    io::{self, Read, Write},
};

use crate::protocol::{self, Message, Numbers};

/// Both directions.
pub struct Line {
    from: Box<dyn Read + Send>,
    to: Box<dyn Write + Send>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl Line {
    /// A line over any two streams, such as two pipes inside one process.
    pub fn new(from: impl Read + Send + 'static, to: impl Write + Send + 'static) -> Self {
        Self { from: Box::new(from), to: Box::new(to) }
    }

    /// Standard input and output. Afterwards whatever else this process prints goes to standard
    /// error: a scenario's `println!` must not land in the protocol.
    pub fn standard() -> io::Result<Self> {
        let own = io::stdout();
        let to = std::fs::File::from(std::os::fd::AsFd::as_fd(&own).try_clone_to_owned()?);
        nix::unistd::dup2_stdout(io::stderr())?;
        Ok(Self::new(io::stdin(), to))
    }

    /// Sends a message and its numbers.
    pub fn send(&mut self, message: &Message, numbers: &Numbers) -> io::Result<()> {
        protocol::send_with(&mut *self.to, message, numbers)
    }

    /// The next message, or `None` where the parent is gone.
    pub fn receive(&mut self) -> io::Result<Option<(Message, Numbers)>> {
        protocol::receive(&mut *self.from)
    }
}
