//! What a model's place is paid with: tail, CPU time, memory.

use super::super::{
    human::{bytes, time},
    summary::{Row, Summary},
};
use crate::record::Metric;

/// A figure of a row, and how it is shown.
type Of = fn(&Row) -> Option<f64>;
type Show = fn(f64) -> String;

impl Summary {
    /// The leaders' price against the reference's, or who costs least and who most.
    pub(super) fn cost(&self) -> Option<String> {
        if self.metric == Metric::Memory {
            let mut units: Vec<(&str, f64)> =
                self.models().filter_map(|row| Some((row.id.as_str(), row.memory_unit?))).collect();
            units.sort_by(|a, b| a.1.total_cmp(&b.1));
            let said: Vec<String> =
                units.iter().map(|(id, size)| format!("{id} {}", bytes(*size))).collect();
            return (!said.is_empty())
                .then(|| format!("One waiting unit costs: {}.", said.join(", ")));
        }
        let leads =
            |row: &&Row| self.group.as_ref().is_some_and(|group| group.members.contains(&row.id));
        let front: Vec<&Row> = self.models().filter(leads).collect();
        let reference = self.models().find(|row| row.id == self.reference);
        // Who is not in front of the reference has nothing to pay for.
        let Some(reference) = reference.filter(|row| !front.is_empty() && !leads(row)) else {
            return self.range_of_costs();
        };
        // A latency that leaves a wait out, that grows with the window, or that could not be
        // decided is no price.
        let honest = |row: &&Row| {
            let own = &row.conditions;
            !(own.waits_off_the_clock || own.saturated || own.generator_limited)
        };
        let judged = [Some(self.metric), self.in_place_of].contains(&Some(Metric::P99));
        let tails = !judged && front.iter().chain([&reference]).all(honest);
        let figures: [(&str, Of, Show); 3] = [
            ("p99", |row| row.p99, time),
            ("CPU time per operation", |row| row.cpu_ns, time),
            ("peak memory", |row| row.memory_peak, bytes),
        ];
        let said: Vec<String> = figures
            .into_iter()
            .filter(|(what, ..)| *what != "p99" || tails)
            .filter_map(|(what, of, show)| {
                let against = show(of(reference)?);
                let all: Vec<f64> = front.iter().filter_map(|row| of(row)).collect();
                let least = show(all.iter().copied().reduce(f64::min)?);
                let most = show(all.iter().copied().reduce(f64::max)?);
                let own = if least == most { least } else { format!("{least} to {most}") };
                Some(format!("{what} {own} against {against}"))
            })
            .collect();
        (!said.is_empty())
            .then(|| format!("The price, against that of {}: {}.", self.reference, said.join("; ")))
    }

    /// Where nobody is in front of the reference: who costs least, and who most.
    fn range_of_costs(&self) -> Option<String> {
        let cpu = range(self.models(), |row| row.cpu_ns, time);
        let memory = range(self.models(), |row| row.memory_peak, bytes);
        let said: Vec<String> = [("CPU time per operation", cpu), ("peak memory", memory)]
            .into_iter()
            .filter_map(|(what, range)| Some(format!("{what} {}", range?)))
            .collect();
        (!said.is_empty()).then(|| format!("The price: {}.", said.join("; ")))
    }
}

/// "3.1 MiB (a) to 41 MiB (b)".
fn range<'a>(
    rows: impl Iterator<Item = &'a Row>,
    of: fn(&Row) -> Option<f64>,
    show: fn(f64) -> String,
) -> Option<String> {
    let mut values: Vec<(&str, f64)> =
        rows.filter_map(|row| Some((row.id.as_str(), of(row)?))).collect();
    values.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (low, high) = (values.first()?, values.last()?);
    if low.0 == high.0 {
        return Some(format!("{} ({})", show(low.1), low.0));
    }
    Some(format!("{} ({}) to {} ({})", show(low.1), low.0, show(high.1), high.0))
}
