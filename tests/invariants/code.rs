//! What must be absent from the sources: runtimes, clocks, side effects, `unsafe`.

use crate::source::{Named, Source, files};

/// Crates that run tasks or wait for input. None of them may decide a race from the wrong place.
const RUNTIMES: &[&str] = &[
    "async_executor",
    "async_io",
    "async_std",
    "blocking",
    "compio",
    "glommio",
    "hyper",
    "hyper_util",
    "mio",
    "monoio",
    "rayon",
    "smol",
    "tokio",
];

/// Where a runtime may be named: its crates, and the files.
const HOMES: &[(&str, &[&str])] = &[
    ("async_std", &["bench-core/src/model/async_std.rs"]),
    ("blocking", &["bench-core/src/model/async_std.rs", "bench-core/src/model/smol.rs"]),
    ("compio", &["bench-core/src/model/compio.rs"]),
    ("rayon", &["bench-core/src/model/rayon.rs", "bench-core/src/model/handoff.rs"]),
    ("smol", &["bench-core/src/model/smol.rs"]),
    ("tokio", &["bench-core/src/model/tokio.rs"]),
];

/// The peers are no models: they are the other end, the same for everyone.
const PEERS: &str = "scenarios/src/peer/";

/// Who may read a clock, and why.
const CLOCKS: &[(&str, &str)] = &[
    ("bench-core/src/clock.rs", "it is the clock"),
    ("bench-core/src/env.rs", "the clock of a model is the clock, but for a simulated one"),
    ("bench-core/src/env/counting.rs", "it asks the model that it counts for, in tests"),
    ("bench-core/src/session.rs", "the measured loop"),
    ("bench-core/src/session/jobs.rs", "operations with a task of their own"),
    ("bench-core/src/contender.rs", "it hands the clock of its model to the keeper"),
    ("bench-core/src/contender/keeper.rs", "the pacer, and the end of a drain"),
    ("bench-core/src/peer.rs", "a peer counts how long it served"),
    ("bench-core/src/doctor/measure.rs", "the doctor times sleeps, gaps and wake-ups"),
    ("bench-core/src/machine.rs", "what the clock can do, asked once per run"),
    ("bench-core/src/race/tryout.rs", "how long a calibration slice takes"),
    ("bench-core/src/race/weather.rs", "how long a slice's weather lasted"),
    ("bench-core/src/race/child.rs", "the parent's patience, and the time to be ready"),
    ("bench-core/src/model/virtual_time.rs", "a simulated clock, for tests"),
    ("scenarios/src/peer/http.rs", "a peer counts how long it served"),
    ("scenarios/src/peer/generator.rs", "the generator starts and times operations"),
    ("scenarios/src/peer/generator/", "the generator starts and times operations"),
];

/// What a pure file does not name, besides clocks.
const WORLD: &[&str] = &["env", "fs", "io", "net", "os", "process", "thread"];

type Check = fn(&Source) -> Vec<String>;

/// Runs a check over the libraries' sources, and on what it must find.
fn hold(folders: &[&str], check: Check, planted: &[(&str, &str)]) {
    for (path, text) in planted {
        let found = check(&Source::planted(path, text));
        assert!(!found.is_empty(), "the check does not see what is wrong with {path}: {text}");
    }
    let found: Vec<String> = files(folders, "rs").iter().flat_map(check).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn offences(source: &Source, names: &[Named], wrong: impl Fn(&Named) -> bool) -> Vec<String> {
    let said = |named: &Named| {
        format!("{}:{}: names {}", source.path, named.line, named.segments.join("::"))
    };
    names.iter().filter(|named| wrong(named)).map(said).collect()
}

fn is_runtime(named: &Named) -> bool {
    // A lone word is a module, a variable or a feature; a crate is followed by a path.
    named.segments.len() > 1 && !named.member && RUNTIMES.contains(&named.head())
}

/// Names of runtimes that mean a module of ours in this file: `use crate::model::blocking`.
fn local(names: &[Named]) -> Vec<&str> {
    let ours = |named: &&Named| ["crate", "self", "super"].contains(&named.head());
    names.iter().filter(ours).filter_map(|n| n.segments.last()).map(String::as_str).collect()
}

#[test]
fn only_a_models_own_file_names_its_runtime() {
    fn check(source: &Source) -> Vec<String> {
        let names = source.names_outside_tests();
        let local = local(&names);
        offences(source, &names, |named| {
            let homes = HOMES.iter().find(|(runtime, _)| *runtime == named.head());
            is_runtime(named)
                && !local.contains(&named.head())
                && homes.is_none_or(|(_, files)| !files.contains(&source.path.as_str()))
        })
    }
    hold(
        &["bench-core/src", "src"],
        check,
        &[
            ("bench-core/src/session.rs", "use tokio::task;"),
            ("bench-core/src/model/smol.rs", "fn f() { tokio::task::yield_now() }"),
            ("bench-core/src/model/pooled_file.rs", "use smol::unblock;"),
            ("src/matrix.rs", "use rayon::ThreadPool;"),
            ("bench-core/src/race.rs", "use hyper::Request;"),
        ],
    );
}

#[test]
fn scenarios_name_no_runtime_but_for_their_peers() {
    fn check(source: &Source) -> Vec<String> {
        let peer = source.path.starts_with(PEERS);
        offences(source, &source.names(), |named| is_runtime(named) && !peer)
    }
    hold(
        &["scenarios/src"],
        check,
        &[
            ("scenarios/src/tcp_echo.rs", "use tokio::net::TcpStream;"),
            ("scenarios/src/http.rs", "#[cfg(test)] mod tests { use hyper::body::Bytes; }"),
            ("scenarios/src/peer.rs", "fn f() { smol::block_on(g()) }"),
        ],
    );
}

#[test]
fn reports_name_no_runtime() {
    fn check(source: &Source) -> Vec<String> {
        offences(source, &source.names(), is_runtime)
    }
    hold(&["reports"], check, &[("reports/src/html.rs", "use async_std::fs;")]);
}

fn reads_a_clock(named: &Named) -> bool {
    let of_a_model = named.member && named.segments == ["now"];
    let types = ["Instant", "SystemTime"].iter().any(|name| named.has(&[name]));
    let functions = ["now", "wait_until", "figures"].iter().any(|f| named.has(&["clock", f]));
    of_a_model || types || functions
}

#[test]
fn only_named_files_read_a_clock() {
    fn check(source: &Source) -> Vec<String> {
        let allowed = |(path, _): &&(&str, &str)| {
            source.path == *path || (path.ends_with('/') && source.path.starts_with(path))
        };
        if CLOCKS.iter().any(|file| allowed(&file)) {
            return Vec::new();
        }
        offences(source, &source.names_outside_tests(), reads_a_clock)
    }
    hold(
        &["bench-core/src", "scenarios/src", "reports/src"],
        check,
        &[
            ("scenarios/src/sleep.rs", "use std::time::{Duration, Instant};"),
            ("scenarios/src/tcp_echo.rs", "fn f() { cx.env.now() }"),
            ("bench-core/src/race/measure.rs", "fn f() { clock::now() }"),
            ("bench-core/src/model/tokio.rs", "use crate::clock::now;"),
            ("reports/src/md.rs", "fn f() { std::time::SystemTime::now() }"),
        ],
    );
    for (path, why) in CLOCKS {
        assert!(crate::source::root().join(path).exists(), "{path} is not there ({why})");
    }
}

#[test]
fn statistics_and_reports_are_pure() {
    fn check(source: &Source) -> Vec<String> {
        offences(source, &source.names_outside_tests(), |named| {
            let world = named.head() == "std"
                && named.segments.get(1).is_some_and(|second| WORLD.contains(&second.as_str()));
            world || reads_a_clock(named) || named.has(&["crate", "clock"])
        })
    }
    hold(
        &["bench-core/src/stats", "reports/src"],
        check,
        &[
            ("bench-core/src/stats/judge.rs", "use std::{collections::BTreeMap, fs};"),
            ("bench-core/src/stats/rank.rs", "use crate::{clock, record};"),
            ("reports/src/md.rs", "fn f() { std::env::var(\"COLUMNS\") }"),
            ("reports/src/table.rs", "fn f() { std::thread::spawn(g) }"),
            ("reports/src/json.rs", "use std::net::TcpStream;"),
        ],
    );
}

#[test]
fn only_the_program_prints_or_exits() {
    const LINE: &str = "bench-core/src/line.rs";
    fn check(source: &Source) -> Vec<String> {
        offences(source, &source.names_outside_tests(), |named| {
            let macros = ["print", "println", "eprint", "eprintln", "dbg"];
            let prints = named.called && macros.contains(&named.head());
            // The protocol's own line is the one thing that a child says on its streams.
            let streams = (named.has(&["io", "stdout"]) || named.has(&["io", "stderr"]))
                && source.path != LINE;
            prints || streams || named.has(&["process", "exit"]) || named.has(&["process", "abort"])
        })
    }
    hold(
        &["bench-core/src", "scenarios/src", "reports/src"],
        check,
        &[
            ("bench-core/src/race.rs", "fn f() { eprintln!(\"slow\") }"),
            ("reports/src/terminal.rs", "fn f() { std::io::stdout() }"),
            ("scenarios/src/sleep.rs", "fn f() { std::process::exit(1) }"),
            ("bench-core/src/contender.rs", "use std::process::{self, abort};"),
        ],
    );
}

#[test]
fn unsafe_is_nowhere() {
    fn check(source: &Source) -> Vec<String> {
        offences(source, &source.names(), |named| named.has(&["unsafe"]))
    }
    let folders = ["bench-core", "examples", "reports", "scenarios", "src", "tests"];
    hold(&folders, check, &[("src/lib.rs", "fn f() { unsafe { g() } }")]);
}
