//! A record as lines of JSON, one event each, in the order in which a run has them.
//!
//! `run --message-format json` writes the same lines while it measures, and two kinds more: `plan`
//! and `slice`. So what reads a stored record reads a running one. The kinds, in order: `run`,
//! `warning`, and for each race `race`, `block`, `control`, `verdict`, `warning`, `race-end`; at
//! last `end`. Readers skip kinds and fields that they do not know.
//!
//! Not in here: when a line is written (the command line's).

use deadheat_core::{
    record::{Block, Race, Record, Warning},
    stats::summary,
};
use serde_json::{Value, json};

use crate::{Error, Format, Options, Output, words::sentence as whole};

pub(crate) const FORMAT: Format = Format {
    id: "ndjson",
    extension: "ndjson",
    about: "the record as lines, an event each, as run --message-format json writes them",
    render,
};

fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let mut text = begin(record)?;
    for race in &record.races {
        text.push_str(&race_begins(race)?);
        for each in &race.blocks {
            text.push_str(&block(race, each)?);
        }
        text.push_str(&race_ends(race)?);
    }
    text.push_str(&end(record)?);
    Ok(vec![Output::text("results.ndjson", text)])
}

/// The run, the machine, and the warnings of the run as a whole.
pub fn begin(record: &Record) -> Result<String, Error> {
    let head = json!({
        "event": "run",
        "schema": record.schema,
        "run": record.run,
        "machine": record.machine,
    });
    Ok(line(&head)? + &warnings(None, &record.warnings)?)
}

/// A race as it is before its first block.
pub fn race_begins(race: &Race) -> Result<String, Error> {
    let bare = Race {
        blocks: Vec::new(),
        verdicts: Vec::new(),
        controls: Vec::new(),
        warnings: Vec::new(),
        foul: Vec::new(),
        ..race.clone()
    };
    let mut bare = serde_json::to_value(bare)?;
    if let Some(fields) = bare.as_object_mut() {
        for later in ["blocks", "verdicts", "controls", "warnings", "foul", "status"] {
            fields.remove(later);
        }
    }
    line(&json!({ "event": "race", "race": race.id, "of": bare }))
}

/// A finished block, with all that was measured in it.
pub fn block(race: &Race, block: &Block) -> Result<String, Error> {
    line(&json!({ "event": "block", "race": race.id, "block": block }))
}

/// What may be said of a race: controls, verdicts, warnings, and its conclusions in words.
pub fn race_ends(race: &Race) -> Result<String, Error> {
    let mut text = String::new();
    for foul in &race.foul {
        text.push_str(&line(&json!({ "event": "foul", "race": race.id, "foul": foul }))?);
    }
    for control in &race.controls {
        text.push_str(&line(&json!({ "event": "control", "race": race.id, "control": control }))?);
    }
    for verdict in &race.verdicts {
        text.push_str(&line(&json!({ "event": "verdict", "race": race.id, "verdict": verdict }))?);
    }
    text.push_str(&warnings(Some(&race.id), &race.warnings)?);
    let sentences: Vec<String> =
        summary(race).sentences().iter().map(|sentence| whole(&sentence.text)).collect();
    let end = json!({
        "event": "race-end",
        "race": race.id,
        "status": race.status,
        "contenders": race.contenders,
        "sentences": sentences,
    });
    Ok(text + &line(&end)?)
}

/// What a search for capacities found, and the last line. Whoever has it has all of them.
pub fn end(record: &Record) -> Result<String, Error> {
    let (run, races) = (&record.run, record.races.len());
    let mut text = String::new();
    for capacity in &record.capacities {
        text.push_str(&line(&json!({ "event": "capacity", "capacity": capacity }))?);
    }
    let end = line(&json!({
        "event": "end",
        "run": run.id,
        "ended": run.ended,
        "interrupted": run.interrupted,
        "races": races,
    }))?;
    Ok(text + &end)
}

/// Warnings of a race, or of the run as a whole.
pub fn warnings(race: Option<&str>, warnings: &[Warning]) -> Result<String, Error> {
    let one = |warning: &Warning| -> Result<String, Error> {
        line(&json!({ "event": "warning", "race": race, "warning": warning }))
    };
    warnings.iter().map(one).collect()
}

/// An event as a line. JSON has no raw line break, whatever a text of the record holds.
pub fn line(event: &Value) -> Result<String, Error> {
    Ok(serde_json::to_string(event)? + "\n")
}
