//! Which crate may depend on which.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::{Value, json};

/// Every package of the workspace, and those of them that it depends on.
const DIRECTION: &[(&str, &[&str])] = &[
    ("deadheat", &["deadheat-core", "deadheat-reports", "deadheat-scenarios"]),
    ("deadheat-core", &[]),
    ("deadheat-reports", &["deadheat-core"]),
    ("deadheat-scenarios", &["deadheat-core"]),
];

/// What the packages of a workspace depend on among themselves, for tests and builds too.
fn direction(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let packages = metadata["packages"].as_array().expect("cargo lists packages");
    let name = |package: &Value| package["name"].as_str().expect("it has a name").to_owned();
    let own: BTreeSet<String> = packages.iter().map(name).collect();
    let needs = |package: &Value| {
        let needs = package["dependencies"].as_array().expect("cargo lists dependencies").iter();
        needs.map(name).filter(|needed| own.contains(needed)).collect()
    };
    packages.iter().map(|package| (name(package), needs(package))).collect()
}

fn wanted() -> BTreeMap<String, BTreeSet<String>> {
    let texts = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    DIRECTION.iter().map(|(name, needs)| ((*name).to_owned(), texts(needs))).collect()
}

#[test]
fn dependencies_run_one_way() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(crate::source::root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    assert_eq!(direction(&metadata), wanted());
}

#[test]
fn a_dependency_the_other_way_is_seen() {
    let needs = |names: &[&str]| names.iter().map(|n| json!({ "name": n })).collect::<Vec<_>>();
    let package = |(name, wanted): &(&str, &[&str])| {
        let mut all = wanted.to_vec();
        if *name == "deadheat-core" {
            all.extend(["serde", "deadheat-reports"]);
        }
        json!({ "name": name, "dependencies": needs(&all) })
    };
    let planted = json!({ "packages": DIRECTION.iter().map(package).collect::<Vec<_>>() });
    assert_ne!(direction(&planted), wanted());
}
