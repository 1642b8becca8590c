//! Every format for other tools, opened by the tool that it is for.
//!
//! Python is found by `DEADHEAT_CONSUMERS` (a virtual environment with what
//! `reports/tests/consumers/requirements.txt` names) or on the path, `critcmp` likewise. What is not
//! installed is skipped, and says so; with `DEADHEAT_CONSUMERS` set nothing may be skipped.

#![expect(clippy::print_stderr, reason = "what is skipped is said")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use deadheat_core::record::{Outcome, Record};
use deadheat_reports::{Options, find};
use serde_json::json;

#[path = "support/records.rs"]
mod records;
#[path = "support/slo.rs"]
mod slo;
#[path = "support/tiny.rs"]
#[expect(dead_code, reason = "other tests have the rest")]
mod tiny;

/// What `check.py` exits with where the library is not installed.
const SKIPPED: i32 = 77;

fn consumers() -> Option<PathBuf> {
    env::var_os("DEADHEAT_CONSUMERS").map(PathBuf::from)
}

fn program(name: &str) -> PathBuf {
    let installed = consumers().map(|folder| folder.join("bin").join(name));
    installed.filter(|path| path.exists()).unwrap_or_else(|| name.into())
}

fn skipped(what: &str, why: &str) {
    assert!(consumers().is_none(), "{what} has to be checked here: {why}");
    eprintln!("skipped: {what}: {why}");
}

fn write(format: &str, record: &Record, folder: &Path) {
    for file in (find(format).unwrap().render)(record, &Options::default()).unwrap() {
        let path = folder.join(&file.name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.bytes).unwrap();
    }
}

/// What a consumer is to find in a record.
fn truth(record: &Record) -> serde_json::Value {
    let trials = || record.races.iter().flat_map(|race| &race.blocks).flat_map(|b| &b.trials);
    let invalid = |race: &&deadheat_core::record::Race| {
        race.controls.iter().any(|c| c.metric == race.primary && c.state == "invalid")
    };
    let has_ops = |race: &&deadheat_core::record::Race| race.scenario != "idle-tasks";
    let slices = record.races.iter().filter(has_ops).flat_map(|race| &race.blocks);
    let slices = slices.flat_map(|block| &block.trials).flat_map(|trial| &trial.slices);
    json!({
        "races": record.races.len(),
        "invalid": record.races.iter().filter(invalid).count(),
        "failed": trials().filter(|t| matches!(t.outcome, Outcome::Failed { .. })).count(),
        "done": slices.map(|slice| slice.done).sum::<u64>(),
        "searches": record.capacities.len(),
        "carried": record.capacities.iter().map(|capacity| capacity.carried.len()).sum::<usize>(),
    })
}

fn check(format: &str, what: &str) {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consumers");
    let mut seen = false;
    let mut records = vec![tiny::ordinary(), tiny::failures(), tiny::hostile()];
    let has_room = ["csv", "openmetrics", "junit", "bmf", "gha", "svg"].contains(&format);
    records.extend(has_room.then(slo::searched));
    for record in records {
        let folder = tempfile::tempdir().unwrap();
        write(format, &record, folder.path());
        fs::write(folder.path().join("truth.json"), truth(&record).to_string()).unwrap();
        for schema in ["bmf.schema.json", "gha.schema.json"] {
            fs::copy(own.join(schema), folder.path().join(schema)).unwrap();
        }
        let schema = own.join("../../../docs/record.schema.json");
        fs::copy(schema, folder.path().join("record.schema.json")).unwrap();
        let ran = Command::new(program("python3"))
            .arg(own.join("check.py"))
            .arg(what)
            .arg(folder.path())
            .output();
        match ran {
            Err(error) => return skipped(what, &format!("python3: {error}")),
            Ok(output) if output.status.code() == Some(SKIPPED) => {
                return skipped(what, said(&output).trim());
            }
            Ok(output) => {
                seen = true;
                assert!(output.status.success(), "{what}: {}", said(&output));
            }
        }
    }
    assert!(seen);
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn hdrhistogram_reads_hgrm() {
    check("hgrm", "hgrm");
}

#[test]
fn pandas_reads_csv() {
    check("csv", "csv");
}

#[test]
fn prometheus_client_reads_openmetrics() {
    check("openmetrics", "openmetrics");
}

#[test]
fn junitparser_reads_junit() {
    check("junit", "junit");
}

#[test]
fn benchers_schema_fits_bmf() {
    check("bmf", "bmf");
}

#[test]
fn the_actions_schema_fits_gha() {
    check("gha", "gha");
}

#[test]
fn the_actions_pattern_fits_libtest() {
    check("libtest", "libtest");
}

#[test]
fn the_published_schema_fits_records() {
    check("json", "schema");
}

#[cfg(feature = "html")]
#[test]
fn svg_is_xml() {
    check("svg", "svg");
}

#[test]
fn critcmp_compares_two_runs() {
    let target = tempfile::tempdir().unwrap();
    for id in ["before", "after"] {
        let mut record = tiny::ordinary();
        record.run.id = id.into();
        write("criterion", &record, target.path());
    }
    let ran = Command::new(program("critcmp"))
        .arg("--target-dir")
        .arg(target.path())
        .args(["before", "after"])
        .output();
    let output = match ran {
        Err(error) => return skipped("critcmp", &error.to_string()),
        Ok(output) => output,
    };
    let table = said(&output);
    assert!(output.status.success(), "{table}");
    let head = table.lines().next().unwrap();
    assert!(head.contains("before") && head.contains("after"), "{table}");
    let cell = "tcp-echo/tokio/multi-thread/closed-16/throughput";
    let line = table.lines().find(|line| line.starts_with(cell)).unwrap();
    // Rank, time and rate, twice: the runs are the same.
    assert_eq!(line.matches("1.00").count(), 2, "{table}");
    assert!(line.contains("/sec"), "{table}");
}
