//! A scenario under several loads: what was carried, and at what latency, over the rate that was
//! offered or over the number of clients.
//!
//! Races of one scenario, with the same parameters and placement, that differ in the number in
//! their load alone are points of one figure. A point that is saturated is hollow: its latency
//! grows with the window and means nothing.

use deadheat_core::{
    record::{Race, Role},
    stats::{Row, Summary, human},
};

use super::{
    NARROW, axis,
    labels::{self, Label},
    palette::classes,
    svg::{Anchor, Svg},
};
use crate::words;

/// What the horizontal axis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Over {
    /// Operations per second that were offered.
    Rate,
    /// Clients of a closed load.
    Clients,
}

/// Several loads of one scenario.
pub(crate) struct Sweep {
    /// The scenario, with what its races have in common.
    pub(crate) title: String,
    /// What the horizontal axis is.
    pub(crate) over: Over,
    /// A curve per model.
    pub(crate) curves: Vec<Curve>,
}

/// The number in a race's load, and the race.
type Loaded<'a> = (f64, &'a Race, &'a Summary);

/// A model under several loads.
pub(crate) struct Curve {
    /// The model's id.
    pub(crate) id: String,
    /// Of its line.
    pub(crate) class: String,
    /// By load, ascending.
    pub(crate) points: Vec<Point>,
}

/// A model under one load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    /// The rate or the number of clients.
    pub(crate) load: f64,
    /// Operations per second that were carried.
    pub(crate) throughput: Option<f64>,
    /// Median latency, ns.
    pub(crate) p50: Option<f64>,
    /// 99th percentile of latency, ns.
    pub(crate) p99: Option<f64>,
    /// Less than 99% of what was offered was carried.
    pub(crate) saturated: bool,
}

/// What a panel shows.
#[derive(Clone, Copy)]
struct Panel {
    title: &'static str,
    value: fn(&Point) -> Option<f64>,
    show: fn(f64) -> String,
}

const THROUGHPUT: Panel =
    Panel { title: "throughput, log scale", value: |point| point.throughput, show: human::rate };
const TAIL: Panel =
    Panel { title: "p99 latency, log scale", value: |point| point.p99, show: human::time };

const PANEL: f64 = 190.0;

impl Sweep {
    /// All sweeps in a record's races.
    pub(crate) fn all<'a>(races: impl Iterator<Item = (&'a Race, &'a Summary)>) -> Vec<Self> {
        let mut groups: Vec<(String, Over, Vec<Loaded<'_>>)> = Vec::new();
        for (race, summary) in races {
            let Some((over, load, rest)) = number(&race.load) else { continue };
            let params: Vec<String> = race.params.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let parts =
                [race.scenario.clone(), rest, params.join(","), race.placement.name.clone()];
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let title = words::clean(&parts.join(" · "));
            match groups.iter_mut().find(|group| group.0 == title && group.1 == over) {
                Some(group) => group.2.push((load, race, summary)),
                None => groups.push((title, over, vec![(load, race, summary)])),
            }
        }
        let sweeps = groups.into_iter().filter(|group| group.2.len() > 1);
        sweeps
            .map(|(title, over, mut races)| {
                races.sort_by(|a, b| a.0.total_cmp(&b.0));
                Self { title, over, curves: curves(&races) }
            })
            .filter(|sweep| !sweep.curves.is_empty())
            .collect()
    }

    /// The name of the horizontal axis.
    pub(crate) fn axis(&self) -> &'static str {
        match self.over {
            Over::Rate => "offered operations per second, log scale",
            Over::Clients => "clients of the closed load, log scale",
        }
    }

    /// Draws throughput and tail, one above the other.
    pub(crate) fn draw(&self, width: f64) -> String {
        let narrow = width < NARROW;
        let (left, right) = (70.0, if narrow { width - 14.0 } else { width - 170.0 });
        let loads = || self.curves.iter().flat_map(|curve| &curve.points).map(|point| point.load);
        let (lo, hi) = loads().fold((f64::INFINITY, 0.0_f64), |(lo, hi), v| (lo.min(v), hi.max(v)));
        let x = axis::Log::new((lo / 1.08, hi * 1.08), (left, right));
        let names: Vec<&str> = self.curves.iter().map(|curve| curve.id.as_str()).collect();
        let below =
            if narrow { labels::height_below(width - 16.0, names.iter().copied()) } else { 0.0 };
        let tail_top = PANEL + 34.0;
        let bottom = tail_top + PANEL;
        let mut svg = Svg::new(width, bottom + 46.0 + below, &self.spoken());
        let _ = self.panel(&mut svg, THROUGHPUT, &x, (left, right), (10.0, 10.0 + PANEL));
        let ends = self.panel(&mut svg, TAIL, &x, (left, right), (tail_top, bottom));
        for tick in x.ticks(&axis::decades(), 40.0) {
            let text = axis::short(&human::count(tick));
            svg.text((x.at(tick), bottom + 15.0), Anchor::Middle, "tick", &text);
        }
        let mid = f64::midpoint(left, right);
        svg.text((mid, bottom + 34.0), Anchor::Middle, "title", self.axis());
        if narrow {
            labels::below(&mut svg, 8.0, bottom + 60.0, width - 16.0, &ends);
        } else {
            labels::beside(&mut svg, right + 20.0, (tail_top, bottom), width - right - 20.0, ends);
        }
        svg.finish()
    }

    fn panel(
        &self,
        svg: &mut Svg,
        panel: Panel,
        x: &axis::Log,
        (left, right): (f64, f64),
        (top, bottom): (f64, f64),
    ) -> Vec<Label> {
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let values = || points().filter_map(|point| (panel.value)(point));
        let (lo, hi) =
            values().fold((f64::INFINITY, 0.0_f64), |(lo, hi), v| (lo.min(v), hi.max(v)));
        if hi <= 0.0 {
            return Vec::new();
        }
        let y = axis::Log::new((lo / 1.15, hi * 1.15), (bottom, top));
        for tick in y.ticks(&axis::decades(), 22.0) {
            svg.line((left, y.at(tick)), (right, y.at(tick)), "grid");
            let text = axis::short(&(panel.show)(tick));
            svg.text((left - 6.0, y.at(tick) + 4.0), Anchor::End, "tick", &text);
        }
        for tick in x.ticks(&axis::decades(), 40.0) {
            svg.line((x.at(tick), top), (x.at(tick), bottom), "grid");
        }
        svg.line((left, bottom), (right, bottom), "axis");
        svg.upright((11.0, f64::midpoint(top, bottom)), "title", panel.title);
        let mut ends = Vec::new();
        for curve in &self.curves {
            let shown: Vec<(f64, f64, bool)> = curve
                .points
                .iter()
                .filter_map(|p| Some((x.at(p.load), y.at((panel.value)(p)?), p.saturated)))
                .collect();
            let line: Vec<(f64, f64)> = shown.iter().map(|(x, y, _)| (*x, *y)).collect();
            svg.path(&line, &format!("curve {}", curve.class));
            for (x, y, saturated) in shown {
                let open = if saturated { " open" } else { "" };
                svg.circle((x, y), 3.4, &format!("mark{open} {}", curve.class));
            }
            if let Some(end) = line.last() {
                ends.push(Label { text: curve.id.clone(), class: curve.class.clone(), end: *end });
            }
        }
        ends
    }

    fn spoken(&self) -> String {
        let mut text = format!("{} over {}:", self.title, self.axis());
        for curve in &self.curves {
            let carried = match curve.knee() {
                Some(load) => format!("carries {}", human::count(load)),
                None => "carries none of them".into(),
            };
            text = format!("{text} {} {carried};", curve.id);
        }
        text.chars().take(390).collect()
    }
}

impl Curve {
    /// The highest load that was carried: beyond it points are saturated.
    pub(crate) fn knee(&self) -> Option<f64> {
        self.points.iter().take_while(|point| !point.saturated).map(|point| point.load).last()
    }
}

/// The number in a load, what it counts, and the rest: `open-4000-poisson` is 4000 per second, "poisson".
fn number(load: &str) -> Option<(Over, f64, String)> {
    let mut parts = load.split('-');
    let over = match parts.next()? {
        "open" => Over::Rate,
        "closed" => Over::Clients,
        _ => return None,
    };
    let number: f64 = parts.next()?.parse().ok()?;
    (number > 0.0 && number.is_finite())
        .then(|| (over, number, parts.collect::<Vec<_>>().join("-")))
}

fn curves(races: &[Loaded<'_>]) -> Vec<Curve> {
    let mut ids: Vec<&str> = Vec::new();
    for row in races.iter().flat_map(|(_, _, summary)| &summary.rows) {
        if row.role == Role::Model && row.has_numbers() && !ids.contains(&row.id.as_str()) {
            ids.push(&row.id);
        }
    }
    let point = |load: f64, race: &Race, row: &Row| Point {
        load,
        throughput: row.throughput,
        p50: row.p50,
        p99: row.p99,
        saturated: is_saturated(race, row),
    };
    let curve = |id: &str| {
        let points = races.iter().filter_map(|(load, race, summary)| {
            let row = summary.rows.iter().find(|row| row.id == id && row.has_numbers())?;
            Some(point(*load, race, row))
        });
        let points: Vec<Point> = points.collect();
        // The same load twice is two races of something else, and no course from one to the other.
        let rises = points.windows(2).all(|pair| pair[0].load < pair[1].load);
        (points.len() > 1 && rises).then(|| Curve {
            id: words::clean(id),
            class: classes(id),
            points,
        })
    };
    ids.into_iter().filter_map(curve).collect()
}

/// As the record says; where it does not, by the rule: less than 99% of what was offered was done
/// in the majority of slices.
fn is_saturated(race: &Race, row: &Row) -> bool {
    let mut marks = race.verdicts.iter().filter(|v| v.a == row.id).flat_map(|v| &v.marks);
    if row.conditions.saturated || marks.any(|mark| mark == "saturated") {
        return true;
    }
    if !race.load.starts_with("open-") {
        return false;
    }
    let (mut all, mut short) = (0, 0);
    for slice in race.trials(&row.id).flat_map(|(_, trial)| &trial.slices) {
        all += 1;
        short += usize::from((slice.done as f64) < 0.99 * slice.offered as f64);
    }
    2 * short > all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_have_numbers() {
        assert_eq!(number("open-4000-poisson"), Some((Over::Rate, 4000.0, "poisson".into())));
        assert_eq!(number("closed-16"), Some((Over::Clients, 16.0, String::new())));
        assert_eq!(number("batch-8"), None);
        assert_eq!(number("open-many"), None);
    }

    #[test]
    fn a_point_beyond_a_saturated_one_is_beyond_the_knee() {
        let point = |load: f64, saturated| Point {
            load,
            throughput: None,
            p50: None,
            p99: None,
            saturated,
        };
        let points = vec![point(100.0, false), point(200.0, true), point(300.0, false)];
        let curve = Curve { id: String::new(), class: String::new(), points };
        assert_eq!(curve.knee(), Some(100.0));
    }
}
