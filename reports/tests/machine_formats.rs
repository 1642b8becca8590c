//! What the formats for other tools say of fixed records, and that no text of a record gets out of
//! its place.

use std::{fmt::Write, path::Path};

use deadheat_core::record::Record;
use deadheat_reports::{Options, Output, find, formats};

#[path = "support/records.rs"]
mod records;
#[path = "support/tiny.rs"]
mod tiny;

/// Those whose text is for people have their snapshots elsewhere, and pictures are looked at.
const FORMATS: [&str; 10] =
    ["json", "csv", "ndjson", "hgrm", "criterion", "libtest", "bmf", "gha", "openmetrics", "junit"];

/// Lines of a snapshot from its beginning and from its end.
const LINES: usize = 40;

fn files(format: &str, record: &Record) -> Vec<Output> {
    (find(format).unwrap().render)(record, &Options::default()).unwrap()
}

/// All files in one text. Of a long one the ends are shown, and a sum that changes with the rest.
fn shown(format: &str, record: &Record) -> String {
    let mut text = String::new();
    for file in files(format, record) {
        let _ = writeln!(text, "==> {} <==", file.name);
        text.push_str(std::str::from_utf8(&file.bytes).unwrap());
    }
    let lines: Vec<String> = text.lines().map(cut).collect();
    if lines.len() <= 2 * LINES {
        return lines.join("\n");
    }
    let (head, tail) = (&lines[..LINES], &lines[lines.len() - LINES..]);
    let between = format!("… {} lines in all, sum {:016x} …", lines.len(), sum(&text));
    [head, &[between], tail].concat().join("\n")
}

/// A line of a snapshot, cut where nobody reads on.
fn cut(line: &str) -> String {
    match line.char_indices().nth(300) {
        None => line.into(),
        Some((at, _)) => format!("{}… sum {:016x}", &line[..at], sum(line)),
    }
}

/// FNV-1a.
fn sum(text: &str) -> u64 {
    let mix = |sum: u64, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

#[test]
fn every_format_shows_every_record() {
    let all = [
        ("ordinary", tiny::ordinary()),
        ("failures", tiny::failures()),
        ("hostile", tiny::hostile()),
        ("many", tiny::many()),
        ("empty", records::empty()),
    ];
    for format in FORMATS {
        for (name, record) in &all {
            insta::assert_snapshot!(format!("{format}-{name}"), shown(format, record));
        }
    }
}

#[test]
fn the_snapshots_leave_no_format_out() {
    let elsewhere = ["terminal", "md", "html", "svg"];
    for format in formats() {
        assert!(FORMATS.contains(&format.id) || elsewhere.contains(&format.id), "{}", format.id);
    }
}

#[test]
fn no_file_leaves_its_folder_or_lies_over_another() {
    for record in [tiny::ordinary(), tiny::failures(), tiny::hostile(), records::empty()] {
        for format in formats() {
            let files = (format.render)(&record, &Options::default()).unwrap();
            let mut names: Vec<String> =
                files.iter().map(|file| file.name.to_ascii_lowercase()).collect();
            for name in &names {
                let plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(part) if part.len() <= 200);
                assert!(Path::new(name).components().all(plain), "{}: {name}", format.id);
                assert!(!name.chars().any(|c| c.is_control() || c == '\\'), "{name:?}");
            }
            names.sort();
            names.dedup();
            assert_eq!(names.len(), files.len(), "{} names a file twice", format.id);
        }
    }
}

#[test]
fn no_text_of_a_record_steers_a_reader() {
    for format in ["csv", "hgrm", "libtest", "openmetrics", "junit"] {
        for file in files(format, &tiny::hostile()) {
            let text = String::from_utf8(file.bytes).unwrap();
            assert!(!text.contains(['\x1b', '\0', '\r', '\u{202E}']), "{format}");
            let ends = text.lines().filter(|line| *line == "# EOF").count();
            assert_eq!(ends, usize::from(format == "openmetrics"), "{format}");
        }
    }
    let table = shown("csv", &tiny::hostile());
    assert!(table.contains("'=cmd") && !table.contains(",=cmd") && !table.contains("\n=cmd"));
    let cases = shown("junit", &tiny::hostile());
    assert!(!cases.contains("<script") && !cases.contains("]]>"));
    assert!(!cases.contains('\u{FFFF}'), "XML has no such character");
}

#[test]
fn invalid_races_and_controls_reach_no_tracker() {
    let record = tiny::failures();
    let valid = shown("libtest", &record);
    assert!(valid.contains("bytes=4096") && !valid.contains("bytes=65536"), "{valid}");
    for format in ["libtest", "bmf", "gha", "criterion"] {
        let text = shown(format, &record);
        assert!(!text.contains("+twin") && !text.contains("bytes=65536"), "{format}: {text}");
    }
    let junit = shown("junit", &record);
    assert!(junit.contains("<error type=\"invalid\"") && junit.contains("<skipped"), "{junit}");
    let gauges = shown("openmetrics", &record);
    let void = gauges
        .lines()
        .find(|line| line.starts_with("deadheat_race_valid") && line.contains("bytes=65536"));
    assert!(void.unwrap().ends_with("} 0"), "{gauges}");
}

#[test]
fn a_slower_build_is_a_failure_and_a_slower_model_is_none() {
    let mut record = tiny::ordinary();
    record.races.truncate(1);
    let race = &mut record.races[0];
    let verdict = race.verdicts.iter_mut().find(|v| v.metric == race.primary).unwrap();
    verdict.verdict = deadheat_core::record::Call::Slower;
    let model = verdict.a.clone();
    assert!(!shown("junit", &record).contains("<failure"));
    let contender = record.races[0].contenders.iter_mut().find(|c| c.id == model).unwrap();
    contender.build = "head".into();
    let text = shown("junit", &record);
    assert!(text.contains("<failure type=\"regression\"") && text.contains("failures=\"1\""));
}

#[test]
fn lines_hold_the_whole_record() {
    let record = tiny::failures();
    let text = String::from_utf8(files("ndjson", &record)[0].bytes.clone()).unwrap();
    let events: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
    let blocks = record.races.iter().map(|race| race.blocks.len()).sum::<usize>();
    let verdicts = record.races.iter().map(|race| race.verdicts.len()).sum::<usize>();
    let races = record.races.len();
    assert_eq!(
        (of("race"), of("race-end"), of("block"), of("verdict")),
        (races, races, blocks, verdicts)
    );
    assert_eq!(
        (&events[0]["event"], &events.last().unwrap()["event"]),
        (&"run".into(), &"end".into())
    );
    let block = events.iter().find(|event| event["event"] == "block").unwrap();
    let read: deadheat_core::record::Block =
        serde_json::from_value(block["block"].clone()).unwrap();
    assert_eq!(read, record.races[0].blocks[0]);
}
