//! The pictures in the documents are those of the stored results beside them.

#![cfg(feature = "html")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use deadheat_core::record::read;
use deadheat_reports::{Options, find};

const COMMAND: &str = "for result in docs/results/*.json; do \
    deadheat report $result --format svg --out docs/figures --force; done";

fn docs(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(folder)
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(docs(folder)).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

#[test]
fn pictures_in_documents_are_those_of_the_stored_results() {
    let results = files("results", "json");
    assert!(!results.is_empty(), "there is a stored result");
    let mut drawn = BTreeMap::new();
    for path in results {
        let record = read(&path).unwrap();
        for file in (find("svg").unwrap().render)(&record, &Options::default()).unwrap() {
            drawn.insert(file.name, file.bytes);
        }
    }
    let published: BTreeMap<String, Vec<u8>> = files("figures", "svg")
        .iter()
        .map(|path| (path.file_name().unwrap().to_str().unwrap().into(), fs::read(path).unwrap()))
        .collect();
    let names = |all: &BTreeMap<String, Vec<u8>>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&published), names(&drawn), "made by: {COMMAND}");
    for (name, bytes) in &drawn {
        assert!(published[name] == *bytes, "docs/figures/{name} is old: {COMMAND}");
    }
}

#[test]
fn the_table_in_the_readme_is_that_of_the_stored_result() {
    let readme = fs::read_to_string(docs("../README.md")).unwrap();
    let table = readme.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let record = read(&docs("results/tcp-echo.json")).unwrap();
    let files = (find("terminal").unwrap().render)(&record, &Options::default()).unwrap();
    let shown = String::from_utf8(files[0].bytes.clone()).unwrap();
    assert!(table.lines().count() > 5, "{table}");
    for row in table.lines() {
        assert!(shown.lines().any(|line| line == row), "{row}\n{shown}");
    }
}
