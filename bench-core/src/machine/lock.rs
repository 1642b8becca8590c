//! Which versions of the runtimes are in a lock file.

use std::collections::BTreeMap;

/// Packages whose version can change a result: what runs, and what measures.
const PACKAGES: [&str; 19] = [
    "async-channel",
    "async-executor",
    "async-io",
    "async-std",
    "async-task",
    "blocking",
    "compio",
    "deadheat",
    "deadheat-core",
    "hdrhistogram",
    "httparse",
    "hyper",
    "may",
    "mio",
    "monoio",
    "polling",
    "rayon",
    "smol",
    "tokio",
];

/// Versions by package, from the text of a `Cargo.lock`; several of one package joined with `+`.
///
/// Not a TOML parser: cargo writes each package's name and version on lines of their own.
///
/// ```
/// let text = "[[package]]\nname = \"tokio\"\nversion = \"1.54.1\"\n";
/// assert_eq!(deadheat_core::machine::lock::versions(text)["tokio"], "1.54.1");
/// ```
pub fn versions(lock: &str) -> BTreeMap<String, String> {
    let mut versions: BTreeMap<String, String> = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            line.map(|line| line.trim().trim_matches('"'))
        };
        if let (Some(name), Some(version)) = (value("name"), value("version"))
            && (PACKAGES.contains(&name) || name.starts_with("rayon-"))
        {
            let known = versions.entry(name.into()).or_default();
            if !known.is_empty() {
                known.push('+');
            }
            known.push_str(version);
        }
    }
    versions
}
