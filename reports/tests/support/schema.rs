//! The record's JSON Schema, as `docs/record.schema.json` has it.

use deadheat_core::record::{Record, SCHEMA};

/// The whole file.
pub(crate) fn text() -> String {
    let schema = schemars::schema_for!(Record);
    let mut schema = serde_json::to_value(schema).expect("a schema is JSON");
    schema["title"] = format!("A record of deadheat, {SCHEMA}").into();
    // Readers tell a record by it before they read on.
    schema["properties"]["schema"]["pattern"] = "^deadheat/1$".into();
    serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n"
}
