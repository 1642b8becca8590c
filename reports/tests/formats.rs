//! What each format says of fixed records, in full.

use std::sync::LazyLock;

use deadheat_core::record::Record;
use deadheat_reports::{Options, find};

#[path = "support/records.rs"]
mod records;

static ORDINARY: LazyLock<Record> = LazyLock::new(records::ordinary);
static FAILURES: LazyLock<Record> = LazyLock::new(records::failures);
static HOSTILE: LazyLock<Record> = LazyLock::new(records::hostile);
static SMALL: LazyLock<Record> = LazyLock::new(records::small);
static EMPTY: LazyLock<Record> = LazyLock::new(records::empty);

fn shown(format: &str, record: &Record, width: usize) -> String {
    let options = Options { width, ..Options::default() };
    let files = (find(format).unwrap().render)(record, &options).unwrap();
    String::from_utf8(files.into_iter().next().unwrap().bytes).unwrap()
}

#[test]
fn terminal() {
    insta::assert_snapshot!("terminal-ordinary-140", shown("terminal", &ORDINARY, 140));
    insta::assert_snapshot!("terminal-ordinary-80", shown("terminal", &ORDINARY, 80));
    insta::assert_snapshot!("terminal-failures", shown("terminal", &FAILURES, 120));
    insta::assert_snapshot!("terminal-hostile", shown("terminal", &HOSTILE, 120));
    insta::assert_snapshot!("terminal-empty", shown("terminal", &EMPTY, 80));
}

#[test]
fn a_terminal_is_not_told_twice() {
    let warning = "warning: the CPU governor";
    assert!(shown("terminal", &FAILURES, 100).contains(warning));
    let options = Options { told: FAILURES.warnings.clone(), ..Options::default() };
    let files = (find("terminal").unwrap().render)(&FAILURES, &options).unwrap();
    let text = String::from_utf8(files.into_iter().next().unwrap().bytes).unwrap();
    assert!(!text.contains(warning) && text.contains("are not repeated"), "{text}");
}

#[test]
fn md() {
    insta::assert_snapshot!("md-ordinary", shown("md", &ORDINARY, 80));
    insta::assert_snapshot!("md-failures", shown("md", &FAILURES, 80));
    insta::assert_snapshot!("md-hostile", shown("md", &HOSTILE, 80));
    insta::assert_snapshot!("md-empty", shown("md", &EMPTY, 80));
}

#[test]
fn libtest() {
    insta::assert_snapshot!("libtest-ordinary", shown("libtest", &ORDINARY, 80));
    insta::assert_snapshot!("libtest-failures", shown("libtest", &FAILURES, 80));
    assert_eq!(shown("bencher", &EMPTY, 80), "", "its old name");
}

#[test]
fn json_is_the_record() {
    for record in [&*ORDINARY, &*HOSTILE, &*EMPTY] {
        let read: Record = serde_json::from_str(&shown("json", record, 80)).unwrap();
        assert!(read == *record, "what was written is not what was read");
    }
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let record = &*SMALL;
    for format in deadheat_reports::formats() {
        let render = || (format.render)(record, &Options::default()).unwrap();
        assert_eq!(render(), render(), "{}", format.id);
    }
}

#[test]
fn a_huge_record_fits_a_pull_request() {
    let mut record = FAILURES.clone();
    let race = record.races.pop().unwrap();
    record.races = (0..1_000).map(|_| race.clone()).collect();
    assert!(shown("md", &record, 80).chars().count() < 65_536);
}

#[test]
fn a_terminal_is_not_steered_and_its_lines_fit() {
    for width in [60, 200] {
        let text = shown("terminal", &HOSTILE, width);
        assert!(!text.contains('\x1b') && !text.contains('\u{202E}'));
    }
    for width in [80, 140] {
        let text = shown("terminal", &ORDINARY, width);
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{} > {width}: {line}", line.chars().count());
        }
    }
}
