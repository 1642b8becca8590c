//! Prints the made-up record that is frozen for each version of the schema:
//! `cargo run -p deadheat-reports --example frozen > reports/tests/records/NAME.json`.

#![expect(clippy::print_stdout, reason = "it is what this program is for")]

#[path = "../tests/support/records.rs"]
mod records;
#[path = "../tests/support/tiny.rs"]
#[expect(dead_code, reason = "other tests have the rest")]
mod tiny;

fn main() {
    let mut record = tiny::ordinary();
    record.machine.fingerprint = "0123456789abcdef".into();
    println!("{}", serde_json::to_string(&record).expect("a record is JSON"));
}
