//! The percentile spectrum: latency over 1/(1−q), both logarithmic, drawn only as far as the
//! counts allow (ten samples beyond the last point), and not among operations that never ended.

use deadheat_core::{
    record::Role,
    stats::{histogram::Ranked, human},
};

use super::{
    NARROW, Subject, axis,
    labels::{self, Label},
    palette::classes,
    svg::{Anchor, Svg},
};
use crate::{
    lost::{self, Quantile},
    table::Table,
    words,
};

/// Which histograms are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Latency {
    /// From an operation's own start.
    Service,
    /// From its intended arrival.
    Response,
}

/// A contender's curve.
pub(crate) struct Curve {
    /// The contender's id.
    pub(crate) id: String,
    /// As it is shown.
    pub(crate) name: String,
    /// Of its line.
    pub(crate) class: String,
    /// (1/(1−q), ns), on the grid that [`grid`] gives.
    pub(crate) points: Vec<(f64, f64)>,
    /// At [`QUANTILES`].
    pub(crate) quantiles: [Quantile; QUANTILES.len()],
    /// Samples.
    pub(crate) count: u64,
    /// Operations that have none, because they failed or never ended.
    pub(crate) lost: u64,
    /// The slowest of them, ns.
    pub(crate) max: f64,
}

/// What a table of percentiles shows.
pub(crate) const QUANTILES: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];

/// Steps per decade of 1/(1−q).
const STEPS: i32 = 12;

/// The places at which curves have points: values of 1/(1−q), to eight nines.
pub(crate) fn grid() -> impl Iterator<Item = f64> {
    (0..=8 * STEPS).map(|step| 10_f64.powf(f64::from(step) / f64::from(STEPS)))
}

/// All contenders with data, as they stand in the table.
pub(crate) fn curves(subject: Subject<'_>, latency: Latency) -> Vec<Curve> {
    let table = Table::of(subject.summary);
    let shown = table.lines.iter().map(|line| line.row).filter(|row| row.role != Role::Handicapped);
    let curve = |row: &deadheat_core::stats::Row| {
        let latencies = subject.measures.latencies(&row.id)?;
        let merged = match latency {
            Latency::Service => latencies.service.as_ref()?,
            Latency::Response => latencies.response.as_ref()?,
        };
        let lost = lost::of_contender(subject.measures, &row.id);
        let points: Vec<(f64, f64)> = grid()
            .map_while(|inverse| {
                let value = Quantile::of(merged, lost, 1.0 - 1.0 / inverse).value()?;
                Some((inverse, value.max(1.0)))
            })
            .collect();
        let class = if row.role == Role::Model { classes(&row.id) } else { "control d2".into() };
        (points.len() > 1).then(|| Curve {
            id: row.id.clone(),
            name: words::name(row),
            class,
            points,
            quantiles: QUANTILES.map(|q| Quantile::of(merged, lost, q)),
            count: merged.count(),
            lost,
            max: merged.max() as f64,
        })
    };
    shown.filter_map(curve).collect()
}

/// Draws the curves; `None` where nobody has enough for a p50.
pub(crate) fn spectrum(curves: &[Curve], latency: Latency, width: f64) -> Option<String> {
    if curves.is_empty() {
        return None;
    }
    let narrow = width < NARROW;
    let (left, right) = (68.0, if narrow { width - 12.0 } else { width - 158.0 });
    let (top, bottom) = (14.0, 284.0);
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let last = all().map(|point| point.0).fold(2.0, f64::max);
    let lowest = all().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let highest = all().map(|point| point.1).fold(0.0, f64::max);
    let x = axis::Log::new((1.0, last), (left, right));
    let y = axis::Log::new((lowest / 1.1, highest * 1.1), (bottom, top));
    let below = if narrow {
        labels::height_below(width - 16.0, curves.iter().map(|curve| curve.name.as_str()))
    } else {
        0.0
    };
    let mut svg = Svg::new(width, bottom + 46.0 + below, &spoken(curves, latency));
    frame(&mut svg, &x, &y, (left, right), (top, bottom), latency);
    let mut names = Vec::new();
    for curve in curves {
        // A phone has half the pixels; the last point is always there.
        let some = if narrow { 2 } else { 1 };
        let points: Vec<(f64, f64)> = curve
            .points
            .iter()
            .rev()
            .step_by(some)
            .rev()
            .map(|point| (x.at(point.0), y.at(point.1)))
            .collect();
        svg.path(&points, &format!("curve {}", curve.class));
        let end = *points.last().expect("a curve has points");
        names.push(Label { text: curve.name.clone(), class: curve.class.clone(), end });
    }
    if narrow {
        labels::below(&mut svg, 8.0, bottom + 60.0, width - 16.0, &names);
    } else {
        labels::beside(&mut svg, right + 20.0, (top, bottom), width - right - 20.0, names);
    }
    Some(svg.finish())
}

fn frame(
    svg: &mut Svg,
    x: &axis::Log,
    y: &axis::Log,
    (left, right): (f64, f64),
    (top, bottom): (f64, f64),
    latency: Latency,
) {
    for tick in y.ticks(&axis::decades(), 20.0) {
        svg.line((left, y.at(tick)), (right, y.at(tick)), "grid");
        svg.text(
            (left - 6.0, y.at(tick) + 4.0),
            Anchor::End,
            "tick",
            &axis::short(&human::time(tick)),
        );
    }
    let quantiles = [1.0, 2.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7];
    let names = ["0", "50", "90", "99", "99.9", "99.99", "99.999", "99.9999", "99.99999"];
    for tick in x.ticks(&quantiles, 18.0) {
        let name = quantiles.iter().position(|q| q.to_bits() == tick.to_bits());
        svg.line((x.at(tick), top), (x.at(tick), bottom), "grid");
        let text = name.map_or("", |name| names[name]);
        svg.text((x.at(tick), bottom + 15.0), Anchor::Middle, "tick", text);
    }
    svg.line((left, bottom), (right, bottom), "axis");
    svg.text(
        (f64::midpoint(left, right), bottom + 34.0),
        Anchor::Middle,
        "title",
        "percentile (log of 1 − q)",
    );
    let name = match latency {
        Latency::Service => "service time",
        Latency::Response => "response time",
    };
    svg.upright((11.0, f64::midpoint(top, bottom)), "title", &format!("{name}, log scale"));
}

fn spoken(curves: &[Curve], latency: Latency) -> String {
    let name = match latency {
        Latency::Service => "service",
        Latency::Response => "response",
    };
    let mut text = format!("Percentile spectrum of {name} time; the last points:");
    for curve in curves {
        if let Some((inverse, ns)) = curve.points.last() {
            let percentile = 100.0 * (1.0 - 1.0 / inverse);
            text = format!("{text} {} p{percentile:.4} {};", curve.name, human::time(*ns));
        }
    }
    text.chars().take(390).collect()
}
