//! The published schema is that of the record's types.

use std::{fs, path::Path};

#[path = "support/schema.rs"]
mod schema;

#[test]
fn the_published_schema_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/record.schema.json");
    let published = fs::read_to_string(path).unwrap_or_default();
    assert!(
        published == schema::text(),
        "docs/record.schema.json is old: \
         cargo run -p deadheat-reports --example schema > docs/record.schema.json"
    );
}
