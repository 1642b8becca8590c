//! What github-action-benchmark takes: `customSmallerIsBetter` for costs, `customBiggerIsBetter`
//! for throughput and capacities.
//!
//! The action compares with what it stored from other machines, so its alarms are a trend at best;
//! each entry therefore carries the verdict of its own race as `extra`.

use deadheat_core::record::{Carried, Record};
use serde::Serialize;

use crate::{
    Error, Format, Options, Output,
    capacities::{Search, searches},
    costs::{self, Raced, compared, unit},
    words::clean,
};

pub(crate) const FORMAT: Format = Format {
    id: "gha",
    extension: "json",
    about: "github-action-benchmark: a file for customSmallerIsBetter, one for customBiggerIsBetter",
    render,
};

#[derive(Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let (mut smaller, mut bigger) = (Vec::new(), Vec::new());
    for Raced { race, summary, cells } in &costs::believed(record) {
        for (cell, cost) in cells.iter().flat_map(|cell| cell.costs.iter().map(move |c| (cell, c)))
        {
            let said =
                (summary.metric == cost.metric).then(|| compared(summary, &cell.contender.id));
            let is_reference = cell.contender.id == race.reference;
            let blocks = format!("{} blocks", cost.blocks.len());
            let entry = |unit, value, interval: Option<(f64, f64)>| Entry {
                name: format!("{}/{}", cell.id, cost.metric.id()),
                unit,
                value,
                range: interval.map(range),
                extra: match said.as_ref().and_then(Option::as_ref) {
                    Some(_) if is_reference => format!("{blocks}, the reference"),
                    Some(said) => format!("{blocks}, against {}: {said}", clean(&race.reference)),
                    None => blocks.clone(),
                },
            };
            match cost.rate() {
                Some((rate, interval)) => bigger.push(entry("ops/s", rate, interval)),
                None => smaller.push(entry(unit(cost.metric), cost.value, cost.interval)),
            }
        }
    }
    bigger.extend(searches(record).iter().flat_map(carried));
    Ok(vec![Output::json("gha-smaller.json", &smaller)?, Output::json("gha-bigger.json", &bigger)?])
}

/// What models carry, with what may be said of it.
fn carried(search: &Search<'_>) -> Vec<Entry> {
    let entry = |(row, value): (&Carried, f64)| Entry {
        name: format!("{}/capacity", search.cell(&row.contender)),
        unit: "ops/s",
        value,
        range: row.lo.zip(row.hi).map(range),
        extra: match search.said(row) {
            "reference" => format!("{} blocks, the reference", row.n),
            said => {
                format!("{} blocks, against {}: {said}", row.n, clean(&search.capacity.reference))
            }
        },
    };
    search.believed().map(entry).collect()
}

fn range((lo, hi): (f64, f64)) -> String {
    format!("± {:.2}", (hi - lo) / 2.0)
}
