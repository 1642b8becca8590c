//! The generator against servers that are slow, wrong, or gone.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use deadheat::core::{
    cell::Cell,
    clock, net,
    protocol::{Done, Numbers, Prepare, Turn},
    rehearsal::Rehearsal,
};
use deadheat_scenarios::http;

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(deadheat::matrix::cells);

const MS: u64 = 1_000_000;

/// An HTTP server that does what `reply` says with request number so-and-so of a connection.
fn server(
    reply: impl Fn(&mut TcpStream, u64, u64) -> io::Result<()> + Clone + Send + 'static,
) -> SocketAddr {
    let listener = net::listen().unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let reply = reply.clone();
            thread::spawn(move || serve(socket, &reply));
        }
    });
    addr
}

fn serve(
    mut socket: TcpStream,
    reply: &impl Fn(&mut TcpStream, u64, u64) -> io::Result<()>,
) -> io::Result<()> {
    net::set_options(&socket)?;
    let (mut bytes, mut scratch) = (Vec::new(), [0; 4096]);
    for nth in 0.. {
        let request = loop {
            if let Some(request) = http::request(&bytes)? {
                break request;
            }
            match socket.read(&mut scratch)? {
                0 => return Ok(()),
                n => bytes.extend_from_slice(&scratch[..n]),
            }
        };
        bytes.drain(..request.len);
        reply(&mut socket, request.number.unwrap_or(0), nth)?;
    }
    Ok(())
}

fn generator(load: &str, sessions: usize) -> Rehearsal {
    let prepare = Prepare {
        scenario: "http-server".into(),
        peer: Some(0),
        load: load.into(),
        sessions,
        ..Prepare::default()
    };
    Rehearsal::start(&CELLS, prepare).unwrap()
}

fn closed(addr: SocketAddr) -> Turn {
    Turn { for_ns: 20 * MS, drain_ns: 1_000 * MS, target: Some(addr), ..Turn::default() }
}

fn open(addr: SocketAddr, drain_ms: u64) -> Turn {
    Turn { drain_ns: drain_ms * MS, target: Some(addr), ..Turn::default() }
}

/// Has it close all connections.
fn let_go() -> Turn {
    Turn { let_go: true, ..Turn::default() }
}

/// Check values by connection.
fn checks(done: &Done, numbers: &Numbers) -> Vec<Vec<u64>> {
    let mut samples = numbers.samples.iter().map(|sample| sample.check);
    let counts = done.sessions.iter();
    counts.map(|&count| (0..count).map(|_| samples.next().unwrap()).collect()).collect()
}

#[test]
fn answers_in_pieces_are_put_together() {
    let addr = server(|socket, number, _| {
        http::answer_bytes(number).iter().try_for_each(|byte| socket.write_all(&[*byte]))
    });
    let mut generator = generator("closed-3", 3);
    let (done, numbers) = generator.slice(&closed(addr), Vec::new()).unwrap();
    assert!(done.samples > 0 && done.errors.is_empty(), "{done:?}");
    for (connection, checks) in checks(&done, &numbers).into_iter().enumerate() {
        let expected = (0..).map(|k| k * 3 + connection as u64).take(checks.len());
        assert_eq!(checks, expected.collect::<Vec<_>>());
    }
}

#[test]
fn who_is_let_go_keeps_its_numbers() {
    let addr = server(|socket, number, _| socket.write_all(&http::answer_bytes(number)));
    let mut generator = generator("batch-4", 2);
    let mut all = Vec::new();
    for _ in 0..2 {
        let (done, numbers) = generator.slice(&open(addr, 1_000), vec![0; 4]).unwrap();
        assert!(done.errors.is_empty(), "{done:?}");
        all.extend(numbers.samples.iter().map(|sample| sample.check));
        generator.slice(&let_go(), Vec::new()).unwrap();
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 8, "no number is asked for twice: {all:?}");
}

#[test]
fn a_mark_costs_no_server_its_connections() {
    let opened = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&opened);
    let addr = server(move |socket, number, nth| {
        counter.fetch_add(u64::from(nth == 0), Relaxed);
        socket.write_all(&http::answer_bytes(number))
    });
    let mut generator = generator("batch-4", 2);
    for (before, connections) in [(Turn::default(), 2), (Turn::default(), 2), (let_go(), 4)] {
        generator.slice(&before, Vec::new()).unwrap();
        let (done, _) = generator.slice(&open(addr, 1_000), vec![0; 4]).unwrap();
        assert!(done.samples == 4 && done.errors.is_empty(), "{done:?}");
        assert_eq!(opened.load(Relaxed), connections, "after {before:?}");
    }
}

#[test]
fn a_server_at_the_address_of_one_that_has_ended_has_its_numbers_from_the_start() {
    let addr = server(|socket, number, _| socket.write_all(&http::answer_bytes(number)));
    let mut generator = generator("batch-4", 2);
    let introduce = Turn { target: Some(addr), ..Turn::default() };
    for _ in 0..2 {
        // It is named without a load once in its life: whoever is named so is new.
        let (done, _) = generator.slice(&introduce, Vec::new()).unwrap();
        assert!(done.samples == 0 && done.errors.is_empty(), "{done:?}");
        let (done, numbers) = generator.slice(&open(addr, 1_000), vec![0; 4]).unwrap();
        assert!(done.errors.is_empty(), "{done:?}");
        for (connection, checks) in checks(&done, &numbers).into_iter().enumerate() {
            let expected = (0..).map(|k| k * 2 + connection as u64).take(checks.len());
            assert_eq!(checks, expected.collect::<Vec<_>>());
        }
        generator.slice(&let_go(), Vec::new()).unwrap();
    }
}

#[test]
fn a_wrong_number_is_reported_and_a_wrong_document_is_an_error() {
    let addr = server(|socket, number, _| socket.write_all(&http::answer_bytes(number + 1)));
    let mut generator = generator("closed-1", 1);
    let (done, numbers) = generator.slice(&closed(addr), Vec::new()).unwrap();
    assert!(
        done.samples > 0 && numbers.samples.iter().enumerate().all(|(i, s)| s.check != i as u64)
    );
    for (wrong, cause) in [
        (http::answer_bytes(1).to_ascii_uppercase(), "another body"),
        ([http::answer_bytes(1), b"garbage".to_vec()].concat(), "more came than the answer"),
        (b"\x00\x01\x02 rubbish".to_vec(), "is not HTTP"),
        (b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n".to_vec(), "status 500"),
    ] {
        let addr = server(move |socket, _, _| socket.write_all(&wrong));
        let (done, numbers) = generator.slice(&open(addr, 500), vec![0; 5]).unwrap();
        assert!(numbers.samples.is_empty() && numbers.censored.is_empty(), "{cause}: {done:?}");
        let (kind, count) = done.errors.iter().next().unwrap();
        assert!(kind.contains(cause) && *count == 5, "{cause}: {done:?}");
    }
}

#[test]
fn a_connection_that_is_lost_is_an_error_and_opened_again() {
    // The fifth request of each connection gets no answer but an end.
    let addr = server(|socket, number, nth| match nth {
        4 => Err(io::ErrorKind::BrokenPipe.into()),
        _ => socket.write_all(&http::answer_bytes(number)),
    });
    let mut generator = generator("open-1000", 2);
    let mut ended = 0;
    for _ in 0..2 {
        let arrivals: Vec<_> = (0..40).map(|i| i * MS / 2).collect();
        let (done, numbers) = generator.slice(&open(addr, 1_000), arrivals).unwrap();
        let errors: u64 = done.errors.values().sum();
        assert!(errors > 0 && done.errors.contains_key("unexpected end of file"), "{done:?}");
        assert_eq!(done.samples + errors, 40, "nothing is skipped: {done:?}");
        assert_eq!((done.lags, done.censored), (40, 0));
        // A failed operation is asked for again: the numbers have no holes.
        let mut all = checks(&done, &numbers).concat();
        all.sort_unstable();
        ended += all.len();
        assert_eq!(done.counts.unwrap().done, ended as u64);
    }
}

#[test]
fn a_server_that_closes_after_its_answer_costs_an_error_but_no_answer() {
    let addr = server(|socket, number, _| {
        socket.write_all(&http::answer_bytes(number))?;
        Err(io::ErrorKind::BrokenPipe.into())
    });
    let mut generator = generator("open-1000", 1);
    let arrivals: Vec<_> = (0..5).map(|i| i * 10 * MS).collect();
    let (done, _) = generator.slice(&open(addr, 1_000), arrivals).unwrap();
    assert_eq!((done.samples, done.censored), (5, 0), "{done:?}");
    assert!(!done.errors.is_empty());
}

#[test]
fn what_has_no_answer_at_the_end_of_the_drain_is_censored() {
    let addr = server(|socket, number, _| match number {
        0..4 => socket.write_all(&http::answer_bytes(number)),
        _ => Ok(()),
    });
    let mut generator = generator("open-1000", 2);
    let arrivals: Vec<_> = (0..10).map(|i| i * MS).collect();
    let (done, numbers) = generator.slice(&open(addr, 20), arrivals.clone()).unwrap();
    assert_eq!(done.samples, 4, "{done:?}");
    assert_eq!(numbers.censored, arrivals[4..], "on their way, or never sent");
    assert_eq!(done.lags, 6, "two got no answer, four no connection");
    assert!(done.span_ns >= 29 * MS);
}

#[test]
fn an_arrival_waits_for_a_connection_and_that_is_response_time() {
    let addr = server(|socket, number, _| {
        if number == 0 {
            clock::sleep(std::time::Duration::from_millis(30));
        }
        socket.write_all(&http::answer_bytes(number))
    });
    let mut generator = generator("open-1000", 1);
    let arrivals: Vec<_> = (0..20).map(|i| i * MS).collect();
    let (_, numbers) = generator.slice(&open(addr, 1_000), arrivals.clone()).unwrap();
    let intended: Vec<_> = numbers.samples.iter().map(|sample| sample.intended).collect();
    assert_eq!(intended, arrivals, "never moved");
    let [first, second] = [0, 1].map(|i| numbers.samples[i]);
    assert!(second.started >= 30 * MS && second.finished - second.intended >= 29 * MS);
    // The server was late, not the generator.
    assert_eq!(numbers.lags[1], second.started - first.finished);
}

#[test]
fn a_server_that_is_gone_is_an_error_and_no_hang() {
    let listener = net::listen().unwrap();
    let addr = listener.local_addr().unwrap();
    let mut generator = generator("closed-4", 4);
    let (done, _) = generator.slice(&Turn { for_ns: 0, ..closed(addr) }, Vec::new()).unwrap();
    assert!(done.errors.is_empty(), "{done:?}");
    drop(listener);
    let (done, _) = generator.slice(&closed(addr), Vec::new()).unwrap();
    assert_eq!(done.samples, 0);
    assert!(done.errors.keys().any(|kind| kind.contains("refused")), "{done:?}");
    let (done, numbers) = generator.slice(&open(addr, 100), vec![0, MS]).unwrap();
    assert_eq!((done.samples, numbers.censored), (0, vec![0, MS]));
}

#[test]
fn clients_think_between_an_answer_and_the_next_request() {
    let addr = server(|socket, number, _| socket.write_all(&http::answer_bytes(number)));
    let mut generator = generator("closed-2-think-5ms", 2);
    let (done, numbers) = generator.slice(&closed(addr), Vec::new()).unwrap();
    let [first, second] = [done.sessions[0], done.sessions[1]].map(|n| usize::try_from(n).unwrap());
    assert!((1..=4).contains(&first) && (1..=4).contains(&second), "{done:?}");
    let samples = &numbers.samples[..first];
    assert!(samples.windows(2).all(|pair| pair[1].started >= pair[0].finished + 5 * MS));
}
