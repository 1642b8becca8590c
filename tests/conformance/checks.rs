//! A scenario whose operation is a check: an error is a promise that a model does not keep.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use deadheat::core::{
    clock,
    env::{Access, Buf, Env, Failed, File, Handoff, Lock, Read, Rx, Stream, Task, Tx, Write},
    scenario::{Cx, Description, Param, ParamKind, Params, Scenario, Sessions, Setup},
};

use super::counterpart::{COUNT, ECHO, MEET};

const NAMES: &[&str] = &[
    "none",
    "sleep",
    "yield",
    "nodelay",
    "echo",
    "end-of-file",
    "refused",
    "deadline",
    "meeting",
    "rendezvous",
    "order",
    "tree",
    "panic",
    "detached",
    "closing",
    "bounded",
    "lock",
    "file",
    "handoff",
];

/// One of the checks.
pub(crate) struct Checks {
    check: String,
    peer: Option<SocketAddr>,
}

/// What a child is asked to do.
pub(crate) enum Ask<E: Env> {
    /// Return this, after having let others run.
    Return(u64),
    /// Panic with a message.
    Panic,
    /// The sum of the numbers of so many leaves, from this on, ten children each.
    Tree { first: u64, leaves: u64 },
    /// Send so many values; count each that was taken.
    Send { tx: E::Tx<u64>, values: u64, sent: Arc<AtomicU64> },
    /// Tell all others, and wait until all others have told.
    Meet { me: u64, tell: Vec<E::Tx<u64>>, told: E::Rx<u64> },
    /// Add one, so many times.
    Add { lock: E::Lock<u64>, times: u64 },
}

pub(crate) fn description(
    params: &'static [Param],
    typical: fn(&Params) -> Duration,
    sessions: Sessions,
) -> Description {
    Description {
        operation: "a check",
        stands_for: "a promise",
        params,
        courses: &[],
        primary: None,
        reference: "threads/per-task",
        typical,
        sessions,
        solo_steps: 0,
        claims: &[],
    }
}

impl Scenario for Checks {
    const ID: &'static str = "checks";
    type Session<E: Env> = ();
    type Arg<E: Env> = Ask<E>;

    fn describe() -> Description {
        const PARAMS: &[Param] = &[Param {
            name: "check",
            default: "none",
            kind: ParamKind::Choice(NAMES),
            about: "which promise",
        }];
        description(PARAMS, |_| Duration::ZERO, Sessions::PerOperation)
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        let check = setup.params.text("check").unwrap_or_default().into();
        Ok(Self { check, peer: setup.peers.first().copied() })
    }

    async fn open<E: Env>(_cx: &Cx<Self, E>, _index: usize) -> io::Result<()> {
        Ok(())
    }

    async fn op<E: Env>(cx: &Cx<Self, E>, _session: &mut (), seq: u64) -> io::Result<u64> {
        match cx.scenario.check.as_str() {
            "sleep" => sleep(cx).await,
            "yield" => (cx.env.yield_now().await, cx.env.turn().await, Ok(())).2,
            "nodelay" => nodelay(cx).await,
            "echo" => echo(cx).await,
            "end-of-file" => end_of_file(cx).await,
            "refused" => refused(cx).await,
            "deadline" => deadline(cx).await,
            "meeting" => meeting(cx).await,
            "rendezvous" => rendezvous(cx).await,
            "order" => order(cx).await,
            "tree" => tree(cx).await,
            "panic" => panic(cx).await,
            "detached" => detached(cx).await,
            "closing" => closing(cx).await,
            "bounded" => bounded(cx).await,
            "lock" => lock(cx).await,
            "file" => file(cx).await,
            "handoff" => handoff(cx).await,
            other => Err(io::Error::other(format!("no check is called {other}"))),
        }?;
        Ok(seq)
    }

    async fn child<E: Env>(cx: Cx<Self, E>, ask: Ask<E>) -> io::Result<u64> {
        match ask {
            Ask::Return(value) => {
                cx.env.yield_now().await;
                Ok(value)
            }
            Ask::Panic => panic!("asked to"),
            Ask::Tree { first, leaves: 1 } => Ok(first),
            Ask::Tree { first, leaves } => {
                let tenth = leaves / 10;
                let children: Vec<_> = (0..10)
                    .map(|i| cx.spawn(Ask::Tree { first: first + i * tenth, leaves: tenth }))
                    .collect();
                let mut sum = 0;
                for child in children {
                    sum += cx.join(child).await?;
                }
                Ok(sum)
            }
            Ask::Send { tx, values, sent } => {
                for value in 0..values {
                    tx.send(value).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
                    sent.fetch_add(1, SeqCst);
                }
                Ok(values)
            }
            Ask::Meet { me, tell, mut told } => {
                for other in &tell {
                    other.send(me).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
                }
                let mut sum = me;
                for _ in &tell {
                    sum += told.recv().await.ok_or(io::ErrorKind::BrokenPipe)?;
                }
                Ok(sum)
            }
            Ask::Add { lock, times } => {
                for _ in 0..times {
                    lock.with(|value| *value += 1).await;
                    cx.env.yield_now().await;
                }
                Ok(times)
            }
        }
    }

    fn expected(&self, seq: u64) -> u64 {
        seq
    }
}

type Checked = io::Result<()>;

fn that(holds: bool, what: &str) -> Checked {
    if holds { Ok(()) } else { Err(io::Error::other(what.to_owned())) }
}

#[expect(clippy::needless_pass_by_value, reason = "values read better where it is called")]
fn equal<T: PartialEq + std::fmt::Debug>(found: T, expected: T, what: &str) -> Checked {
    that(found == expected, &format!("{what}: {found:?}, not {expected:?}"))
}

async fn sleep<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    for micros in [0, 1, 700, 5_000] {
        let (asked, start) = (Duration::from_micros(micros), clock::now());
        cx.env.sleep(asked).await;
        let lasted = Duration::from_nanos(clock::now() - start);
        that(lasted >= asked, &format!("a wait of {asked:?} lasted {lasted:?}"))?;
    }
    Ok(())
}

type Halves<E> = (<<E as Env>::Stream as Stream>::Read, <<E as Env>::Stream as Stream>::Write);

/// A connection to the counterpart, which has been told a wish.
async fn connect<E: Env>(cx: &Cx<Checks, E>, wish: u8) -> io::Result<Halves<E>> {
    let peer = cx.scenario.peer.ok_or(io::ErrorKind::AddrNotAvailable)?;
    let (read, mut write) = cx.env.connect(peer).await?.split()?;
    write.send_all(Buf::from_slice(&[wish])).await?;
    Ok((read, write))
}

async fn nodelay<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let peer = cx.scenario.peer.ok_or(io::ErrorKind::AddrNotAvailable)?;
    let connected = cx.env.connect(peer).await?;
    that(connected.nodelay()?, "a connection holds back small messages")?;
    let adopted = cx.env.adopt(deadheat::core::net::connect(peer)?)?;
    that(adopted.nodelay()?, "an adopted connection holds back small messages")
}

async fn echo<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let (mut read, mut write) = connect(cx, ECHO).await?;
    // More than a socket's buffers take at once would need a reader beside the writer.
    for bytes in [1, 100, 16_384] {
        let message: Vec<u8> = (0..bytes).map(|i: u32| i.to_le_bytes()[0]).collect();
        let sent = write.send_all(Buf::from_slice(&message)).await?;
        equal(sent.filled(), &message, "what was sent comes back")?;
        let mut buf = Buf::new(message.len());
        while buf.len() < message.len() {
            let before = buf.len();
            buf = read.recv(buf, None).await?;
            that(buf.len() > before, "the stream ended")?;
        }
        equal(buf.filled(), &message, "the echo")?;
    }
    Ok(())
}

async fn end_of_file<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let (mut read, mut write) = connect(cx, COUNT).await?;
    write.send_all(Buf::from_slice(b"12345")).await?;
    write.finish().await?;
    let mut buf = Buf::new(64);
    loop {
        let before = buf.len();
        buf = read.recv(buf, None).await?;
        if buf.len() == before {
            break;
        }
    }
    equal(buf.filled(), &5u64.to_le_bytes()[..], "bytes before the end")?;
    let again = read.recv(Buf::new(1), Some(Duration::from_secs(5))).await?;
    that(again.is_empty(), "something after the end")
}

async fn refused<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let addr = deadheat::core::net::listen()?.local_addr()?;
    match cx.env.connect(addr).await {
        Err(error) => equal(error.kind(), io::ErrorKind::ConnectionRefused, "the error"),
        Ok(_) => that(false, "connected to nobody"),
    }
}

async fn deadline<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let (mut read, mut write) = connect(cx, ECHO).await?;
    let (within, start) = (Duration::from_millis(5), clock::now());
    match read.recv(Buf::new(8), Some(within)).await {
        Err(error) => equal(error.kind(), io::ErrorKind::TimedOut, "the error")?,
        Ok(_) => that(false, "something came from a silent peer")?,
    }
    that(clock::now() - start >= clock::nanos(within), "the deadline fired early")?;
    for within in [Some(Duration::from_secs(5)), None] {
        write.send_all(Buf::from_slice(b"x")).await?;
        let buf = read.recv(Buf::new(8), within).await?;
        equal(buf.filled(), &b"x"[..], "after the deadline")?;
    }
    Ok(())
}

async fn meeting<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let (mut read, _write) = connect(cx, MEET).await?;
    let buf = read.recv(Buf::new(1), None).await?;
    equal(buf.filled(), &[MEET][..], "the sign that all are there")
}

async fn rendezvous<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let (tell, told): (Vec<_>, Vec<_>) = (0..4).map(|_| cx.env.channel(4)).unzip();
    let mut children = Vec::new();
    for (me, told) in (0..).zip(told) {
        let others = (0..).zip(&tell).filter(|&(other, _)| other != me);
        let tell = others.map(|(_, tx)| tx.clone()).collect();
        children.push(cx.spawn(Ask::Meet { me, tell, told }));
    }
    for child in children {
        equal(cx.join(child).await?, 1 + 2 + 3, "the sum of all")?;
    }
    Ok(())
}

async fn order<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let children: Vec<_> = (0..20).map(|i| cx.spawn(Ask::Return(i))).collect();
    for (i, child) in (0..).zip(children) {
        equal(cx.join(child).await?, i, "the result of a child")?;
    }
    Ok(())
}

async fn tree<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let root = cx.spawn(Ask::Tree { first: 0, leaves: 1_000 });
    equal(cx.join(root).await?, 499_500, "the sum of the leaves")
}

async fn panic<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    // More than any pool here has workers, each of which must survive.
    for _ in 0..65 {
        let (before, child) = (cx.spawn(Ask::Return(1)), cx.spawn(Ask::Panic));
        let after = cx.spawn(Ask::Return(2));
        match child.join().await {
            Err(Failed::Panicked(text)) => equal(text.as_str(), "asked to", "the panic")?,
            other => that(false, &format!("a panic came out as {other:?}"))?,
        }
        equal((cx.join(before).await?, cx.join(after).await?), (1, 2), "the others")?;
    }
    Ok(())
}

async fn detached<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let (tx, mut rx) = cx.env.channel(2);
    drop(cx.spawn(Ask::Send { tx, values: 2, sent: Arc::default() }));
    let received = [rx.recv().await, rx.recv().await, rx.recv().await];
    equal(received, [Some(0), Some(1), None], "what the child sent")
}

async fn closing<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let (tx, mut rx) = cx.env.channel(2);
    let second = tx.clone();
    equal(tx.send(1).await, Ok(()), "with a receiver")?;
    drop(tx);
    equal(second.send(2).await, Ok(()), "the clone")?;
    drop(second);
    equal([rx.recv().await, rx.recv().await, rx.recv().await], [Some(1), Some(2), None], "kept")?;
    let (tx, rx) = cx.env.channel(1);
    drop(rx);
    equal(tx.send(7).await, Err(7), "without a receiver")
}

async fn bounded<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    const CAPACITY: u64 = 2;
    let (tx, mut rx) = cx.env.channel(2);
    let sent = Arc::new(AtomicU64::new(0));
    let child = cx.spawn(Ask::Send { tx, values: 6, sent: Arc::clone(&sent) });
    for received in 0..6 {
        // Time for a sender that does not wait to be caught.
        cx.env.sleep(Duration::from_millis(2)).await;
        let sent = sent.load(SeqCst);
        that(sent <= received + CAPACITY, &format!("{sent} sent, {received} received"))?;
        equal(rx.recv().await, Some(received), "in order")?;
    }
    equal(cx.join(child).await?, 6, "the sender")
}

async fn lock<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let lock = cx.env.lock(0);
    let children: Vec<_> =
        (0..4).map(|_| cx.spawn(Ask::Add { lock: lock.clone(), times: 100 })).collect();
    for child in children {
        cx.join(child).await?;
    }
    equal(lock.with(|value| *value).await, 400, "the sum")
}

async fn file<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    let missing = cx.env.open(&path, Access::default()).await;
    equal(missing.err().map(|e| e.kind()), Some(io::ErrorKind::NotFound), "without writing")?;
    let file = cx.env.open(&path, Access { write: true, direct: false }).await?;
    file.write_at(Buf::from_slice(b"world"), 6).await?;
    let buf = file.clone().write_at(Buf::from_slice(b"hello,"), 0).await?;
    equal(buf.filled(), &b"hello,"[..], "the buffer comes back")?;
    file.sync().await?;
    let mut buf = Buf::new(32);
    buf.put(b">");
    let buf = file.read_at(buf, 0).await?;
    equal(buf.filled(), &b">hello,world"[..], "the file")?;
    let reader = cx.env.open(&path, Access::default()).await?;
    let buf = reader.read_at(Buf::new(3), 6).await?;
    equal(buf.filled(), &b"wor"[..], "as far as there is room")?;
    let buf = reader.read_at(Buf::new(3), 11).await?;
    that(buf.is_empty(), "something after the end")
}

async fn handoff<E: Env>(cx: &Cx<Checks, E>) -> Checked {
    equal(cx.env.run(Handoff::Inline, || 6 * 7).await?, 42, "inline")?;
    for at in [Handoff::Pool, Handoff::Rayon] {
        match cx.env.run(at, || 6 * 7).await {
            Ok(result) => {
                equal(result, 42, "handed off")?;
                let panicked = cx.env.run(at, || panic!("asked to")).await;
                that(panicked.is_err(), "a panic was no error")?;
            }
            Err(error) => equal(error.kind(), io::ErrorKind::Unsupported, "the refusal")?,
        }
    }
    Ok(())
}
