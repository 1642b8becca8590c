//! Campaigns end to end, as small as they get. Nothing here asserts how fast the machine is, nor
//! what it finds.

use std::{
    fs,
    io::Write,
    path::Path,
    process::Output,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

/// Races beside races have no number to be printed.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A campaign with races as short as they may be.
fn lab(campaign: &str, folder: &Path, args: &[&str]) -> Output {
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("deadheat"));
    command.args(["lab", campaign, "--race-time", "1s", "--out"]).arg(folder).args(args);
    command.output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines of a campaign's file, the first of which is its head.
fn lines(folder: &Path, campaign: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(format!("{campaign}.ndjson"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_campaign_that_was_cut_goes_on_where_it_was() {
    let _alone = alone();
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("lab");
    let text = stdout(&lab("aa", &folder, &["--count", "1", "--seed", "7"]));
    assert!(text.starts_with("aa: 1 of 80 comparisons, cut short, begun 20"), "{text}");
    let before = lines(&folder, "aa");
    assert_eq!((before.len(), &before[0]["seed"]), (2, &Value::from(7)));
    let facts = before[0]["machine"]["facts"].as_object().unwrap();
    assert!(facts.contains_key("cpu_sets") && !facts.contains_key("cmdline"), "{facts:?}");

    // As a crash in the middle of a line leaves it.
    let path = folder.join("aa.ndjson");
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(br#"{"key":"tcp-echo/clo"#).unwrap();
    let output = lab("aa", &folder, &["--count", "1", "--seed", "8"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("it goes on as it was begun: seed 7"), "{said}");
    let text = stdout(&output);
    assert!(text.starts_with("aa: 2 of 80 comparisons, cut short"), "{text}");
    let after = lines(&folder, "aa");
    assert_eq!(after[..2], before, "what was found stands");
    assert_eq!(after.len(), 3);
    assert_eq!(after[1]["key"], "tcp-echo/closed-16@same/quiet/0");
    assert_eq!(after[2]["key"], "tcp-echo/closed-16@same/bursts/0");

    let pairs = |line: &Value| line["found"]["pairs"].as_array().unwrap().clone();
    let all: Vec<Value> = after[1..].iter().flat_map(pairs).collect();
    assert_eq!(all.len(), 8, "eight twins make four pairs");
    // On a busy machine a block may have no operation in a window.
    let count = |pair: &&Value| pair["n"].as_u64().is_some_and(|n| n <= 6) && pair["k"] == 1;
    let all: Vec<&Value> = all.iter().filter(count).collect();
    assert!(!all.is_empty(), "{after:?}");
    let wrong = all.iter().filter(|pair| pair["call"] == "slower" || pair["call"] == "faster");
    let wrong = format!("False verdicts: {} of {}", wrong.count(), all.len());
    assert!(text.contains(&wrong), "{text}");
    let above = all.iter().filter(|pair| pair["d"].as_f64().unwrap() > 0.0).count();
    assert!(text.contains(&format!("Signs: {above} above 1")), "{text}");

    let report = stdout(&lab("aa", &folder, &["--report"]));
    assert_eq!(report, text, "the table is made from the file alone");
    assert_eq!(lines(&folder, "aa"), after, "a report measures nothing");
    let late = stdout(&lab("aa", &folder, &["--time", "1s"]));
    assert_eq!(late, text, "nothing is begun that would not end in time");
}

#[test]
fn every_campaign_keeps_and_prints_what_it_finds() {
    let _alone = alone();
    let temporary = tempfile::tempdir().unwrap();
    for (campaign, of, found) in
        [("slowdown", 100, "measured"), ("order", 300, "ratio"), ("slicing", 144, "ratios")]
    {
        let text = stdout(&lab(campaign, temporary.path(), &["--count", "1"]));
        let head = format!("{campaign}: 1 of {of} comparisons, cut short");
        assert!(text.starts_with(&head), "{text}");
        let lines = lines(temporary.path(), campaign);
        assert_eq!(lines.len(), 2);
        assert!(lines[1]["found"][found].is_object(), "{}", lines[1]);
        assert!(text.lines().filter(|line| line.starts_with("| ")).count() >= 2, "{text}");
        let report = stdout(&lab(campaign, temporary.path(), &["--report"]));
        assert_eq!(report, text, "the table is made from the file alone");
    }
}

/// Where the examples are built too; else it says how to.
#[test]
fn criterion_is_asked_beside_a_race() {
    let _alone = alone();
    let temporary = tempfile::tempdir().unwrap();
    let own = assert_cmd::cargo::cargo_bin!("deadheat");
    let output = lab("criterion", temporary.path(), &["--count", "1"]);
    if !own.with_file_name("examples").join("versus_criterion").exists() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("cargo build --release --example versus_criterion"), "{said}");
        assert_eq!(output.status.code(), Some(1));
        return;
    }
    let text = stdout(&output);
    assert!(text.starts_with("criterion: 1 of 92 comparisons, cut short"), "{text}");
    let found = &lines(temporary.path(), "criterion")[1]["found"];
    assert!(found["criterion"]["p"].is_number() && found["race"]["call"].is_string(), "{found}");
}

#[test]
fn what_is_not_there_is_said() {
    let temporary = tempfile::tempdir().unwrap();
    let output = lab("aa", temporary.path(), &["--report"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("failed to read") && said.contains("aa.ndjson"), "{said}");
    assert_eq!(lab("none", temporary.path(), &[]).status.code(), Some(2));
}

/// However it ends: nobody burns on when it is gone.
#[cfg(target_os = "linux")]
#[test]
fn bursts_end_with_whoever_started_them() {
    let _alone = alone();
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("deadheat"));
    let mut bursts = command.args(["lab", "bursts", "--time", "60s"]).spawn().unwrap();
    let stat = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name may hold anything, parentheses included.
        let rest = text.rsplit_once(") ").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        let mut fields = rest.split_ascii_whitespace().map(str::to_owned);
        (fields.next().unwrap_or_default(), fields.next().unwrap_or_default())
    };
    let parent = bursts.id().to_string();
    let children = || -> Vec<u32> {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| stat(*pid).1 == parent).collect()
    };
    let deadline = deadheat::core::clock::now() + 60_000_000_000;
    let wait = || {
        assert!(deadheat::core::clock::now() < deadline, "it did not happen in a minute");
        deadheat::core::clock::sleep(std::time::Duration::from_millis(5));
    };
    while children().len() < deadheat::core::resource::cpus().len() {
        wait();
    }
    let burning = children();
    bursts.kill().unwrap();
    bursts.wait().unwrap();
    let alive = |pid: &u32| !["", "Z", "X"].contains(&stat(*pid).0.as_str());
    while burning.iter().any(alive) {
        wait();
    }
}
