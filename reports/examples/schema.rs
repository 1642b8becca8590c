//! Prints the JSON Schema of a record:
//! `cargo run -p deadheat-reports --example schema > docs/record.schema.json`.

#![expect(clippy::print_stdout, reason = "it is what this program is for")]

#[path = "../tests/support/schema.rs"]
mod schema;

fn main() {
    print!("{}", schema::text());
}
