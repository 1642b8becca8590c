//! Stored records: what can be made of them, and one clear line for each that is none.

use std::{fs, path::Path, process::Output};

use deadheat::{
    core::record::{self, Capacity, Record},
    reports::{Options, formats},
};

use crate::support::{self, deadheat, stderr, stdout};

/// A record of this schema, small enough to be in the repository.
const RECORD: &str = "reports/tests/records/first.json";

fn report(args: &[&str], file: &Path) -> Output {
    deadheat().arg("report").args(args).arg(file).output().unwrap()
}

/// One line, the right code, and nothing printed as a result.
fn refused(output: &Output, named: &[&str]) {
    refused_with(1, output, named);
}

fn refused_with(code: i32, output: &Output, named: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("error: ") && output.stdout.is_empty(), "{said}");
    for name in named {
        assert!(said.contains(name), "it should name {name}: {said}");
    }
}

#[test]
fn what_is_no_record_is_refused_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read_to_string(RECORD).unwrap();
    let middle = whole.char_indices().nth(whole.chars().count() / 2).unwrap().0;
    let future = whole.replacen("\"deadheat/1\"", "\"deadheat/2\"", 1);
    let packed = whole.find("\"service\":\"").expect("a histogram") + "\"service\":\"".len();
    let torn = format!("{}AAAA{}", &whole[..packed], &whole[packed + 4..]);
    let not_base64 = format!("{}*!*!{}", &whole[..packed], &whole[packed + 4..]);
    for (name, text, named) in [
        ("empty.json", "", &["empty.json is not a record", "EOF"][..]),
        ("truncated.json", &whole[..middle], &["truncated.json is not a record", "line 1"]),
        ("corrupt.json", &whole.replacen("\"seed\":", "\"seed\":x", 1), &["corrupt.json"]),
        ("foreign.json", "{\"context\": {}, \"benchmarks\": []}", &["foreign.json", "`schema`"]),
        ("list.json", "[1, 2]", &["list.json is not a record"]),
        ("future.json", &future, &["future.json", "\"deadheat/2\"", "reads deadheat/1"]),
        ("torn.json", &torn, &["torn.json is damaged", "block 0", "HDR"]),
        ("not-base64.json", &not_base64, &["not-base64.json is damaged", "base64"]),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        refused(&report(&[], &path), named);
        let compared = deadheat().arg("compare").arg(RECORD).arg(&path).output().unwrap();
        refused(&compared, named);
    }
    let binary = folder.path().join("binary.json");
    fs::write(&binary, b"\x89PNG\r\n\x1a\n\0\0\0").unwrap();
    refused(&report(&[], &binary), &["binary.json is not a record"]);
    refused(&report(&[], folder.path()), &["results.json", "No such file"]);
}

#[test]
fn what_is_larger_than_any_record_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("enormous.json");
    // Sparse: it has a size and no content.
    fs::File::create(&path).unwrap().set_len((256 << 20) + 1).unwrap();
    refused(&report(&[], &path), &["enormous.json has 268435457 bytes"]);
    #[cfg(target_os = "linux")]
    refused(&report(&[], Path::new("/dev/zero")), &["/dev/zero has"]);
}

#[test]
fn an_output_that_can_not_be_is_refused_and_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let write = |out: &Path, more: &[&str]| {
        let out = out.to_str().unwrap();
        report(&[&["--format", "md", "--out", out], more].concat(), Path::new(RECORD))
    };
    let file = temporary.path().join("file");
    fs::write(&file, "mine").unwrap();
    refused(&write(&file, &[]), &["failed to write", "file"]);
    refused(&write(Path::new("/dev/null/x"), &[]), &["failed to write /dev/null/x"]);
    assert_eq!(fs::read(&file).unwrap(), b"mine");

    let out = temporary.path().join("out");
    assert!(write(&out, &[]).status.success());
    refused(&write(&out, &[]), &["report.md is there already (--force)"]);
    assert!(write(&out, &["--force"]).status.success());
    let taken = temporary.path().join("taken");
    fs::create_dir_all(taken.join("report.md")).unwrap();
    refused(&write(&taken, &["--force"]), &["report.md", "directory"]);
    let names = |folder: &Path| fs::read_dir(folder).unwrap().count();
    assert_eq!((names(&out), names(&taken)), (1, 1), "no part is left");
}

#[test]
fn every_format_is_made_of_stored_records_of_every_version() {
    let known = deadheat().args(["report", "--format", "pdf", "x"]).output().unwrap();
    let known = stderr(&known);
    let formats = known.split("there are: ").nth(1).unwrap().trim().split(", ");
    for format in formats {
        let folder = tempfile::tempdir().unwrap();
        let mut command = deadheat();
        command.args(["report", "--format", format, "--out"]).arg(folder.path());
        for version in ["first", "sparse", "later"] {
            command.arg(format!("reports/tests/records/{version}.json"));
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{format}: {}", stderr(&output));
        let written = stdout(&output);
        assert!(written.lines().count() >= 3, "{format}: {written}");
        assert!(written.lines().all(|path| fs::metadata(path).unwrap().len() > 0), "{written}");
    }
}

#[test]
fn a_format_that_has_no_room_for_what_there_is_was_the_wrong_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capacities.json");
    let capacity = Capacity {
        scenario: "http-server".into(),
        objective: "p99<20ms".into(),
        reference: "threads/per-task".into(),
        ..Capacity::default()
    };
    let record = record::read(Path::new(RECORD)).unwrap();
    let record = Record { races: Vec::new(), capacities: vec![capacity], ..record };
    record::write(&path, &record).unwrap();
    let mut wrong = Vec::new();
    for format in formats() {
        let output = report(&["--format", format.id], &path);
        match (format.render)(&record, &Options::default()) {
            Ok(_) => assert!(output.status.success(), "{}: {}", format.id, stderr(&output)),
            Err(error) => {
                refused_with(2, &output, &["capacities.json: ", &error.to_string()]);
                wrong.push(format.id);
            }
        }
    }
    assert!(wrong.contains(&"libtest"), "{wrong:?}");
}

#[cfg(unix)]
#[test]
fn open_hands_the_main_file_to_the_desktop() {
    use std::os::unix::fs::PermissionsExt;
    let temporary = tempfile::tempdir().unwrap();
    let (bin, opened) = (temporary.path().join("bin"), temporary.path().join("opened"));
    fs::create_dir(&bin).unwrap();
    for name in ["xdg-open", "open"] {
        let script = format!("#!/bin/sh\nprintf %s \"$1\" > '{}'\n", opened.display());
        fs::write(bin.join(name), script).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = deadheat()
        .args(["report", "--format", "md", "--open", RECORD])
        .env("PATH", path)
        .env("CARGO_TARGET_DIR", temporary.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let page = fs::read_to_string(&opened).unwrap();
    assert!(page.ends_with("report.md") && fs::metadata(&page).unwrap().len() > 0, "{page}");
}

#[test]
fn two_records_are_compared_and_nothing_is_called_a_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(RECORD).unwrap();
    let mut new: serde_json::Value = serde_json::from_str(&text).unwrap();
    let compare = |new: &serde_json::Value, more: &[&str]| {
        let path = folder.path().join("new.json");
        fs::write(&path, new.to_string()).unwrap();
        let output = deadheat().args(["compare", RECORD]).arg(path).args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let same = compare(&new, &["--all-metrics"]);
    assert!(same.contains("indicative only") && same.contains("1.000 ["), "{same}");
    assert!(same.contains("p99") && !same.contains("slower") && !same.contains("faster"), "{same}");
    new["machine"]["fingerprint"] = "another".into();
    let other = compare(&new, &[]);
    assert!(other.contains("Two machines") && other.contains("1 → 1"), "{other}");
    assert!(!other.contains("new ÷ old"), "{other}");
    new["races"][0]["reference"] = "tokio/multi-thread".into();
    let unlike = compare(&new, &[]);
    assert!(unlike.contains("not comparable: the ratios are to different references"), "{unlike}");
    new["races"][0]["id"] = "tcp-echo/closed-17".into();
    let apart = compare(&new, &[]);
    assert!(apart.contains("only in the old record") && apart.contains("only in the new record"));
}

#[test]
fn a_baseline_is_replaced_and_never_written_into() {
    let target = tempfile::tempdir().unwrap();
    let save = || {
        let mut run = deadheat();
        run.args(["run", "sleep/blocking", "--blocks", "1", "--rounds", "1", "--slice", "5ms"]);
        run.args(["--noplot", "--save-baseline", "before"]);
        let output = run.env("CARGO_TARGET_DIR", target.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    save();
    let kept = target.path().join("deadheat/baselines/before");
    let first = support::record(&kept);
    // As for whoever has it open.
    let seen = target.path().join("seen.json");
    fs::hard_link(kept.join("results.json"), &seen).unwrap();
    save();
    assert_ne!(support::record(&kept).run.id, first.run.id);
    assert_eq!(record::read(&seen).unwrap(), first);
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 1, "nothing else is left");
}
