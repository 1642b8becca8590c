//! The protocols that the generator speaks.

use std::{io, sync::Arc};

use deadheat_core::scenario::Params;

use crate::http;

/// A protocol of requests and answers, without any I/O.
pub trait Exchange: Sized {
    /// For a scenario's parameters.
    fn new(params: &Params) -> Self;

    /// Appends the request of operation `seq`. The space is kept, so nothing is allocated.
    fn ask(&self, seq: u64, request: &mut Vec<u8>);

    /// Reads the answer at the start of `bytes`: its length and its check value, none where it has
    /// not all come yet, or what is wrong with it.
    fn answer(&self, bytes: &[u8]) -> io::Result<Option<(usize, u64)>>;
}

/// A message of a fixed size that comes back as it went.
#[derive(Debug)]
pub struct Echo {
    /// What follows the number.
    rest: Vec<u8>,
}

impl Exchange for Echo {
    fn new(params: &Params) -> Self {
        let bytes = params.size("bytes").unwrap_or(64);
        Self { rest: b"deadheat".iter().copied().cycle().take(bytes.saturating_sub(8)).collect() }
    }

    fn ask(&self, seq: u64, request: &mut Vec<u8>) {
        request.extend_from_slice(&seq.to_le_bytes());
        request.extend_from_slice(&self.rest);
    }

    fn answer(&self, bytes: &[u8]) -> io::Result<Option<(usize, u64)>> {
        let Some((number, rest)) = bytes.split_first_chunk() else { return Ok(None) };
        match rest.get(..self.rest.len()) {
            None => Ok(None),
            Some(rest) if rest != self.rest => Err(io::Error::other("the echo is another message")),
            Some(rest) => Ok(Some((8 + rest.len(), u64::from_le_bytes(*number)))),
        }
    }
}

/// Documents over HTTP/1.1.
#[derive(Debug)]
pub struct Http;

impl Exchange for Http {
    fn new(_params: &Params) -> Self {
        Self
    }

    fn ask(&self, seq: u64, request: &mut Vec<u8>) {
        http::ask(seq, false, |piece| request.extend_from_slice(piece));
    }

    fn answer(&self, bytes: &[u8]) -> io::Result<Option<(usize, u64)>> {
        Ok(http::answer(bytes)?.map(|answer| (answer.len, answer.number)))
    }
}

/// Reads the check value from the body of an answer; none: it is not what was asked for.
pub type Check = Arc<dyn Fn(&[u8]) -> Option<u64> + Send + Sync>;

/// A path of the user's server, over HTTP/1.1.
#[derive(Clone)]
pub struct Get {
    before: Vec<u8>,
    /// What follows the number; none: the path has no number.
    after: Option<Vec<u8>>,
    check: Check,
}

impl std::fmt::Debug for Get {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Get({:?})", String::from_utf8_lossy(&self.before))
    }
}

impl Get {
    /// For a path in which `{seq}` stands for the number of the operation.
    pub fn new(path: &str, check: Check) -> Self {
        let end = " HTTP/1.1\r\nhost: localhost\r\nuser-agent: deadheat\r\naccept: */*\r\n\r\n";
        let (before, after) = match path.split_once("{seq}") {
            Some((before, after)) => (format!("GET {before}"), Some(format!("{after}{end}"))),
            None => (format!("GET {path}{end}"), None),
        };
        Self { before: before.into(), after: after.map(Into::into), check }
    }
}

impl Exchange for Get {
    fn new(_params: &Params) -> Self {
        Self::new("/", Arc::new(|_| Some(0)))
    }

    fn ask(&self, seq: u64, request: &mut Vec<u8>) {
        request.extend_from_slice(&self.before);
        if let Some(after) = &self.after {
            http::put_number(seq, |digits| request.extend_from_slice(digits));
            request.extend_from_slice(after);
        }
    }

    fn answer(&self, bytes: &[u8]) -> io::Result<Option<(usize, u64)>> {
        let Some((len, body)) = http::body(bytes)? else { return Ok(None) };
        let wrong = || io::Error::other("the answer has another body");
        Ok(Some((len, (self.check)(body).ok_or_else(wrong)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_complete_with_its_last_byte_and_wrong_with_another() {
        let echo = Echo { rest: vec![7; 3] };
        let mut message = Vec::new();
        echo.ask(42, &mut message);
        for cut in 0..message.len() {
            assert_eq!(echo.answer(&message[..cut]).unwrap(), None);
        }
        assert_eq!(echo.answer(&message).unwrap(), Some((11, 42)));
        message[10] = 8;
        assert!(echo.answer(&message).is_err());
    }
}
