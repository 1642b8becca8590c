//! What the process may use: ulimits.

use super::tree::Tree;

/// Rows of `/proc/self/limits`, and their names in a shell.
const ULIMITS: [(&str, &str); 5] = [
    ("Max open files", "nofile"),
    ("Max processes", "nproc"),
    ("Max locked memory", "memlock"),
    ("Max stack size", "stack"),
    ("Max address space", "as"),
];

/// Soft and hard limits: `ulimit.nofile = 1024 of 524288`.
pub(super) fn ulimits(tree: &Tree<'_>, add: &mut impl FnMut(String, Option<String>)) {
    for line in tree.lines("proc/self/limits") {
        for (row, name) in ULIMITS {
            if let Some(rest) = line.strip_prefix(row) {
                let mut values = rest.split_ascii_whitespace();
                let (soft, hard) = (values.next(), values.next());
                let both = soft.zip(hard).map(|(soft, hard)| format!("{soft} of {hard}"));
                add(format!("ulimit.{name}"), both);
            }
        }
    }
}
