//! A record that has only capacities: every format shows them, or says that it has no room.

use std::sync::LazyLock;

use deadheat_core::record::{Outcome, Record};
use deadheat_reports::{Options, compare, find, formats};
use serde_json::Value;

#[path = "support/slo.rs"]
mod slo;

static SEARCHED: LazyLock<Record> = LazyLock::new(slo::searched);

/// A contender's cell.
const CELL: &str = "http-server/tokio/multi-thread/p99<10ms";

/// What tokio/multi-thread carries, more or less: 1,150 − 460.5.
fn is_its_capacity(rate: f64) -> bool {
    (670.0..710.0).contains(&rate)
}

fn files(format: &str, record: &Record) -> Vec<String> {
    let files = (find(format).unwrap().render)(record, &Options::default()).unwrap();
    files.into_iter().map(|file| String::from_utf8(file.bytes).unwrap()).collect()
}

#[test]
fn no_format_shows_nothing() {
    for format in formats() {
        let rendered = (format.render)(&SEARCHED, &Options::default());
        if ["libtest", "hgrm", "criterion"].contains(&format.id) {
            let error = rendered.unwrap_err().to_string();
            assert!(error.contains("only capacities") && error.contains(format.id), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
            continue;
        }
        let files = rendered.unwrap();
        let is_told = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("tokio/multi-thread");
        assert!(files.iter().any(|file| is_told(&file.bytes)), "{}", format.id);
    }
}

#[test]
fn a_table_has_a_row_for_each_with_the_objective_for_the_load() {
    let table = &files("csv", &SEARCHED)[0];
    let start = "http-server,tokio/multi-thread,p99<10ms,,split,,,,";
    let of = |metric: &str| -> f64 {
        let start = format!("{start}{metric},");
        let line = table.lines().find(|line| line.starts_with(&start)).expect("a row");
        line[start.len()..].split(',').next().unwrap().parse().unwrap()
    };
    let (rate, lower, upper) = (of("capacity"), of("capacity-lower"), of("capacity-upper"));
    assert!(is_its_capacity(rate) && lower <= rate && rate <= upper, "{lower} {rate} {upper}");
    assert!((of("capacity-blocks") - 8.0).abs() < 1e-9);
    // A header, and four rows for each of three contenders.
    assert_eq!(table.lines().count(), 13, "{table}");
}

#[test]
fn trackers_get_what_models_carry() {
    let bmf: Value = serde_json::from_str(&files("bmf", &SEARCHED)[0]).unwrap();
    let of_cell = &bmf[CELL]["capacity"];
    assert!(of_cell["value"].as_f64().is_some_and(is_its_capacity), "{bmf}");
    assert!(of_cell["lower_value"].is_number() && of_cell["upper_value"].is_number());
    assert_eq!(bmf.as_object().unwrap().len(), 2, "twins reach no tracker: {bmf}");
    let gha = files("gha", &SEARCHED);
    let [smaller, bigger]: [Value; 2] =
        [0, 1].map(|file| serde_json::from_str(&gha[file]).unwrap());
    assert_eq!(smaller, Value::Array(Vec::new()));
    let name = format!("{CELL}/capacity");
    let entry = bigger.as_array().unwrap().iter().find(|entry| entry["name"] == name.as_str());
    let entry = entry.unwrap_or_else(|| panic!("{bigger}"));
    assert!(entry["value"].as_f64().is_some_and(is_its_capacity) && entry["unit"] == "ops/s");
    let extra = entry["extra"].as_str().unwrap();
    assert_eq!(extra, "8 blocks, against threads/per-task: carries more");
    // Nothing is ranked where the twin carries less than its own reference.
    let void = slo::with_twin(900.0);
    assert_eq!(files("bmf", &void)[0].trim(), "{}");
    assert!(files("gha", &void).iter().all(|file| file.trim() == "[]"));
}

#[test]
fn gauges_have_capacities_with_their_bounds() {
    let rate_of = |text: &str, bound: &str| {
        let is = |line: &&str| {
            line.starts_with("deadheat_capacity_ops_per_second{")
                && line.contains("model=\"tokio/multi-thread\"")
                && line.contains(&format!("bound=\"{bound}\""))
        };
        let line = text.lines().find(is).unwrap_or_else(|| panic!("{text}"));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let text = &files("openmetrics", &SEARCHED)[0];
    assert!(is_its_capacity(rate_of(text, "point")));
    assert!(rate_of(text, "lower") <= rate_of(text, "upper"));
    let valid = |text: &str| {
        let is = |line: &&str| line.starts_with("deadheat_capacity_valid{");
        text.lines().find(is).unwrap().ends_with(" 1")
    };
    assert!(valid(text) && !valid(&files("openmetrics", &slo::with_twin(900.0))[0]));
}

#[test]
fn a_search_is_a_test_case_that_never_fails() {
    let cases = &files("junit", &SEARCHED)[0];
    assert!(cases.contains("tests=\"1\" failures=\"0\" errors=\"0\""), "{cases}");
    assert!(cases.contains("name=\"http-server with p99&lt;10ms\""), "{cases}");
    assert!(cases.contains("tokio/multi-thread carries"), "{cases}");
    let cases = &files("junit", &slo::with_twin(900.0))[0];
    assert!(cases.contains("<error type=\"invalid\"") && cases.contains("errors=\"1\""), "{cases}");
    assert!(!cases.contains("<failure"), "{cases}");
    let mut failed = SEARCHED.clone();
    let cause = "exited with signal 11".to_owned();
    failed.capacities[0].races[2].blocks[1].trials[0].outcome =
        Outcome::Failed { cause, stderr: String::new() };
    let cases = &files("junit", &failed)[0];
    assert!(cases.contains("threads/per-task: exited with signal 11"), "{cases}");
    failed.capacities[0].races.iter_mut().for_each(|race| race.blocks.clear());
    assert!(files("junit", &failed)[0].contains("<error type=\"not-run\""));
}

#[test]
fn two_searches_are_put_side_by_side() {
    let mut new = SEARCHED.clone();
    let same = compare::text(&compare::compare(&SEARCHED, &new, false));
    assert!(same.contains("http-server with p99<10ms") && same.contains("old capacity"), "{same}");
    let line = same.lines().find(|line| line.contains("tokio/multi-thread")).unwrap();
    assert_eq!(line.matches("/s").count(), 6, "two rates with their intervals: {line}");
    assert!(!same.contains("No race") && !same.contains("slower"), "{same}");
    new.machine.fingerprint = "another".into();
    let other = compare::text(&compare::compare(&SEARCHED, &new, false));
    assert!(other.contains("new: reference ÷ it") && !other.contains("old capacity"), "{other}");
    let void = compare::text(&compare::compare(&SEARCHED, &slo::with_twin(900.0), false));
    assert!(void.contains("not comparable: the new search is INVALID"), "{void}");
    new.capacities[0].objective = "p99<20ms".into();
    let apart = compare::text(&compare::compare(&SEARCHED, &new, false));
    assert!(apart.contains("p99<20ms: only in the new record"), "{apart}");
    assert!(apart.contains("p99<10ms: only in the old record"), "{apart}");
}

#[cfg(feature = "html")]
#[test]
fn the_page_says_what_the_terminal_says() {
    let page = files("html", &SEARCHED)[0].replace('\u{A0}', " ");
    assert!(!page.contains("Nothing was raced"));
    for sentence in deadheat_core::stats::judge_capacity(&SEARCHED.capacities[0]).sentences() {
        let escaped = sentence.replace('<', "&#60;");
        assert!(page.contains(&format!("<li>{escaped}</li>")), "{sentence}");
    }
    assert!(page.contains("<td>carries more</td>"));
    // Both are beyond their grids: no ratio is known, and none is shown.
    let mut few = SEARCHED.clone();
    few.capacities[0].objective = "p99<1s".into();
    let page = files("html", &few)[0].replace('\u{A0}', " ");
    assert!(page.contains(" or more</td>") && !page.contains("[no interval]"));
}
