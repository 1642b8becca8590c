//! The record itself.

use deadheat_core::record::Record;

use crate::{Error, Format, Options, Output};

pub(crate) const FORMAT: Format = Format {
    id: "json",
    extension: "json",
    about: "the record itself: everything that was measured",
    render,
};

fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let mut bytes = serde_json::to_vec(record)?;
    bytes.push(b'\n');
    Ok(vec![Output { name: "results.json".into(), bytes }])
}
