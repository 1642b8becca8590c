//! What the parent and its children say to each other (docs/protocol.md).
//!
//! A frame is a four-byte little-endian length, one JSON object of that length, and the numbers
//! that the object announces: for each of its counts `arrivals`, `samples`, `lags`, `censored`, in
//! that order, as many entries of little-endian `u64` (four each for a sample). The same words
//! serve contenders, servers under test, peers and generators.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::SocketAddr,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sample::Sample;

/// The version that `hello` names.
pub const VERSION: u32 = 1;

/// The longest JSON part that is read, in bytes: a child that prints rubbish announces gigabytes.
const LONGEST: usize = 1 << 20;

/// The most entries of a list that are read.
const MOST: u64 = 1 << 26;

/// One message, without its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Message {
    /// A child's first word.
    Hello {
        /// [`VERSION`].
        protocol: u32,
        /// Name and version of the program, for people.
        program: String,
    },
    /// The parent's: what to become.
    Prepare(Box<Prepare>),
    /// A child's: sessions are open, or the server listens.
    Ready(Ready),
    /// The parent's: your turn.
    Slice(Turn),
    /// A child's: what happened. Also its last word, after `quit`.
    Done(Box<Done>),
    /// A child's: it cannot go on.
    Failed {
        /// One line.
        cause: String,
    },
    /// The parent's: say `done` once more and end.
    Quit,
}

/// What a child is to become.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prepare {
    /// The cell's id, for people.
    pub cell: String,
    /// A scenario's id.
    pub scenario: String,
    /// A model's id; empty for a peer.
    pub model: String,
    /// Which of the scenario's peers to be; `None` for a contender.
    #[serde(default)]
    pub peer: Option<usize>,
    /// Every parameter, defaults included.
    pub params: BTreeMap<String, String>,
    /// As in ids.
    pub load: String,
    /// Sessions (connections) to open.
    pub sessions: usize,
    /// Operations that one sample covers.
    pub ops_per_sample: u64,
    /// CPUs of the process; all threads of the model belong there. Empty: any.
    pub cpus: Vec<usize>,
    /// CPUs of the thread that paces. Empty: those of the process.
    pub harness_cpus: Vec<usize>,
    /// Whether the pacer may wait on the CPU: nobody else of this race runs where it does.
    pub spin: bool,
    /// Where the peers listen.
    pub peers: Vec<SocketAddr>,
    /// A known slowdown: after every so many samples of a session one more is done and not
    /// reported; 0: none.
    #[serde(default)]
    pub extra_every: u64,
}

/// A child is ready for its first slice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    /// Threads that run its tasks, where it knows; 0: as many as there are tasks.
    #[serde(default)]
    pub workers: Option<usize>,
    /// Where it listens: peers and servers under test.
    #[serde(default)]
    pub addr: Option<SocketAddr>,
    /// Resident set before the model was started, bytes.
    #[serde(default)]
    pub rss_base: Option<u64>,
}

/// A turn. Exactly one of `for_ns` (closed loads) and `arrivals` is not 0, or neither: then it is a
/// mark, to be answered at once with the counters as they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// How long clients start new operations.
    #[serde(default)]
    pub for_ns: u64,
    /// How many intended arrivals follow, in ns since the slice's epoch.
    #[serde(default)]
    pub arrivals: u64,
    /// How long unfinished operations are waited for after the last arrival.
    #[serde(default)]
    pub drain_ns: u64,
    /// The server to load: for generators.
    #[serde(default)]
    pub target: Option<SocketAddr>,
    /// For generators: after every so many operations of a connection one more is asked for and
    /// not reported; 0: none.
    #[serde(default)]
    pub extra_every: u64,
    /// For generators: close all connections, so that servers can end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub let_go: bool,
}

/// What happened in a turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// How many samples follow: every operation that ended well, lead-in and drain included.
    #[serde(default)]
    pub samples: u64,
    /// How many schedule lags follow (dispatch minus intended arrival, ns), one per arrival.
    #[serde(default)]
    pub lags: u64,
    /// How many intended arrivals follow that had not ended when the drain did.
    #[serde(default)]
    pub censored: u64,
    /// How many of the samples are each session's, in the order in which they are sent.
    #[serde(default)]
    pub sessions: Vec<u64>,
    /// Operations that failed, by kind.
    #[serde(default)]
    pub errors: BTreeMap<String, u64>,
    /// Operations of the handicap that ended well.
    #[serde(default)]
    pub extra: u64,
    /// From the slice's epoch to the end of its drain.
    #[serde(default)]
    pub span_ns: u64,
    /// Units that exist or were created so far.
    #[serde(default)]
    pub units: u64,
    /// What else was observed.
    #[serde(default)]
    pub facts: BTreeMap<String, Value>,
    /// Counters at the slice's start.
    #[serde(default)]
    pub begin: Option<Usage>,
    /// Counters at its end.
    #[serde(default)]
    pub end: Option<Usage>,
    /// Levels while its sessions were alive.
    #[serde(default)]
    pub levels: Option<Levels>,
    /// What a peer counted since it started.
    #[serde(default)]
    pub counts: Option<Counts>,
}

/// Totals of a process since its start, its harness threads subtracted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// User and system time, ns.
    pub cpu_ns: u64,
    /// User time, ns.
    #[serde(default)]
    pub user_ns: u64,
    /// Context switches because it waited.
    #[serde(default)]
    pub voluntary: u64,
    /// Context switches because others ran.
    #[serde(default)]
    pub involuntary: u64,
    /// Page faults.
    #[serde(default)]
    pub faults: u64,
    /// Time that its threads were runnable and did not run, ns, where the kernel tells.
    #[serde(default)]
    pub run_delay_ns: Option<u64>,
}

/// Levels of a process. `None`: not available.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Levels {
    /// Threads, the harness's own not counted.
    pub threads: Option<u64>,
    /// Resident set, bytes.
    pub rss: Option<u64>,
    /// Peak of the resident set, bytes.
    pub rss_peak: Option<u64>,
    /// Page tables, bytes.
    pub page_tables: Option<u64>,
    /// Kernel stacks, bytes.
    pub kernel_stack: Option<u64>,
}

/// What a peer counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Operations served.
    pub done: u64,
    /// Sum of the time each was being served, ns.
    #[serde(default)]
    pub in_flight_ns: u64,
}

/// The numbers behind a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Intended arrivals, ns since the slice's epoch.
    pub arrivals: Vec<u64>,
    /// Samples, times in ns since the slice's epoch.
    pub samples: Vec<Sample>,
    /// Schedule lags, ns.
    pub lags: Vec<u64>,
    /// Intended arrivals that had not ended.
    pub censored: Vec<u64>,
}

impl Message {
    fn counts(&self) -> [u64; 4] {
        match self {
            Self::Slice(turn) => [turn.arrivals, 0, 0, 0],
            Self::Done(done) => [0, done.samples, done.lags, done.censored],
            _ => [0; 4],
        }
    }
}

/// Sends a message that announces no numbers.
pub fn send(to: &mut dyn Write, message: &Message) -> io::Result<()> {
    send_with(to, message, &Numbers::default())
}

/// Sends a message and its numbers. The counts in it must be those of the lists.
pub fn send_with(to: &mut dyn Write, message: &Message, numbers: &Numbers) -> io::Result<()> {
    let Numbers { arrivals, samples, lags, censored } = numbers;
    let lengths = [arrivals.len(), samples.len(), lags.len(), censored.len()].map(|n| n as u64);
    assert_eq!(message.counts(), lengths, "a message announces its numbers");
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    let mut frame = Vec::with_capacity(4 + body.len() + 8 * arrivals.len() + 32 * samples.len());
    frame.extend(length.to_le_bytes());
    frame.extend(body);
    let flat = samples.iter().flat_map(|s| [s.intended, s.started, s.finished, s.check]);
    let all = arrivals.iter().copied().chain(flat).chain(lags.iter().copied());
    for number in all.chain(censored.iter().copied()) {
        frame.extend(number.to_le_bytes());
    }
    to.write_all(&frame)?;
    to.flush()
}

/// The next message and its numbers, or `None` at the end of the stream.
pub fn receive(from: &mut dyn Read) -> io::Result<Option<(Message, Numbers)>> {
    let mut length = [0; 4];
    match from.read(&mut length)? {
        0 => return Ok(None),
        n => from.read_exact(&mut length[n..])?,
    }
    let size = u32::from_le_bytes(length) as usize;
    if size > LONGEST {
        return Err(rubbish(&length));
    }
    let mut body = vec![0; size];
    from.read_exact(&mut body)?;
    let message: Message = serde_json::from_slice(&body).map_err(|error| {
        let start = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        io::Error::other(format!("not a message of the protocol: {error}: {start:?}"))
    })?;
    let [arrivals, samples, lags, censored] = message.counts();
    let numbers = Numbers {
        arrivals: list(from, arrivals)?,
        samples: list(from, samples.saturating_mul(4))?
            .chunks_exact(4)
            .map(|s| Sample { intended: s[0], started: s[1], finished: s[2], check: s[3] })
            .collect(),
        lags: list(from, lags)?,
        censored: list(from, censored)?,
    };
    Ok(Some((message, numbers)))
}

fn rubbish(start: &[u8]) -> io::Error {
    let text = String::from_utf8_lossy(start).into_owned();
    io::Error::other(format!("not a frame of the protocol: it starts with {text:?}"))
}

fn list(from: &mut dyn Read, count: u64) -> io::Result<Vec<u64>> {
    if count > MOST {
        return Err(io::Error::other(format!("{count} numbers are announced, at most {MOST} fit")));
    }
    let mut bytes = Vec::new();
    let expected = count * 8;
    if from.take(expected).read_to_end(&mut bytes)? as u64 != expected {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let number = |chunk: &[u8]| u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
    Ok(bytes.chunks_exact(8).map(number).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(message: &Message, numbers: &Numbers) {
        let mut bytes = Vec::new();
        send_with(&mut bytes, message, numbers).unwrap();
        let mut from = &bytes[..];
        let back = receive(&mut from).unwrap().unwrap();
        assert_eq!((&back.0, &back.1), (message, numbers));
        assert!(receive(&mut from).unwrap().is_none(), "nothing is left over");
    }

    #[test]
    fn what_is_sent_is_received() {
        let sample = Sample { intended: 1, started: 2, finished: u64::MAX, check: 4 };
        let done = Done { samples: 2, lags: 1, censored: 1, ..Done::default() };
        let numbers = Numbers {
            samples: vec![sample; 2],
            lags: vec![9],
            censored: vec![8],
            ..Numbers::default()
        };
        round_trip(&Message::Done(Box::new(done)), &numbers);
        let turn = Turn { arrivals: 3, ..Turn::default() };
        let numbers = Numbers { arrivals: vec![0, 5, 9], ..Numbers::default() };
        round_trip(&Message::Slice(turn), &numbers);
        round_trip(&Message::Quit, &Numbers::default());
    }

    #[test]
    fn rubbish_is_named() {
        let error = receive(&mut &b"hello world, this is not a frame"[..]).unwrap_err();
        assert!(error.to_string().contains("starts with \"hell\""), "{error}");
        let error = receive(&mut &b"\x05\0\0\0{\"a\":"[..]).unwrap_err();
        assert!(error.to_string().contains("not a message"), "{error}");
    }

    #[test]
    fn a_frame_that_is_cut_short_is_an_error_and_not_an_end() {
        let mut bytes = Vec::new();
        let done = Done { lags: 2, ..Done::default() };
        let numbers = Numbers { lags: vec![1, 2], ..Numbers::default() };
        send_with(&mut bytes, &Message::Done(Box::new(done)), &numbers).unwrap();
        for cut in 1..bytes.len() {
            let error = receive(&mut &bytes[..cut]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "cut at {cut}");
        }
    }
}
