//! The percentile spectrum: latency over 1/(1−q), both logarithmic, drawn only as far as the
//! counts allow (ten samples beyond the last point).

use deadheat_core::{
    record::{Role, Trial},
    stats::{histogram, human},
};

use super::{
    NARROW, Subject, axis,
    labels::{self, Label},
    palette::classes,
    svg::{Anchor, Svg},
};
use crate::{table::Table, words};

/// Which histograms are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Latency {
    /// From an operation's own start.
    Service,
    /// From its intended arrival.
    Response,
}

/// A contender's curve: (1/(1−q), ns).
struct Curve {
    name: String,
    class: String,
    points: Vec<(f64, f64)>,
}

/// Steps per decade of 1/(1−q).
const STEPS: i32 = 16;
/// Samples beyond a quantile that let it be drawn.
const BEYOND: f64 = 10.0;

/// Draws all contenders with data; `None` where nobody has enough for a p50.
pub(crate) fn spectrum(subject: Subject<'_>, latency: Latency, width: f64) -> Option<String> {
    let curves = curves(subject, latency);
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
    let mut svg = Svg::new(width, bottom + 46.0 + below, &spoken(&curves, latency));
    frame(&mut svg, &x, &y, (left, right), (top, bottom), latency);
    let mut names = Vec::new();
    for curve in curves {
        let points: Vec<(f64, f64)> =
            curve.points.iter().map(|point| (x.at(point.0), y.at(point.1))).collect();
        svg.path(&points, &format!("curve {}", curve.class));
        let end = *points.last().expect("a curve has points");
        names.push(Label { text: curve.name, class: curve.class, end });
    }
    if narrow {
        labels::below(&mut svg, 8.0, bottom + 60.0, width - 16.0, &names);
    } else {
        labels::beside(&mut svg, right + 20.0, (top, bottom), width - right - 20.0, names);
    }
    Some(svg.finish())
}

fn curves(subject: Subject<'_>, latency: Latency) -> Vec<Curve> {
    let table = Table::of(subject.summary);
    let shown = table.lines.iter().map(|line| line.row).filter(|row| row.role != Role::Handicapped);
    let curve = |row: &deadheat_core::stats::Row| {
        let text = |trial: &'_ Trial| match latency {
            Latency::Service => trial.hist.service.clone(),
            Latency::Response => trial.hist.response.clone(),
        };
        let trials = subject.race.trials(&row.id).map(|(_, trial)| trial);
        let texts: Vec<String> = trials.filter(|trial| trial.outcome.is_ok()).map(text).collect();
        let merged = histogram::merge(texts.iter().map(String::as_str))?;
        let points: Vec<(f64, f64)> = (0..=8 * STEPS)
            .map(|step| 10_f64.powf(f64::from(step) / f64::from(STEPS)))
            .map_while(|inverse| {
                let value = histogram::quantile(&merged, 1.0 - 1.0 / inverse, BEYOND)?;
                Some((inverse, value.max(1.0)))
            })
            .collect();
        let class = if row.role == Role::Model { classes(&row.id) } else { "control d2".into() };
        (points.len() > 1).then(|| Curve { name: words::name(row), class, points })
    };
    shown.filter_map(curve).collect()
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
        svg.text((left - 6.0, y.at(tick) + 4.0), Anchor::End, "tick", &short(&human::time(tick)));
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

/// "20.0 µs" is "20 µs" on an axis.
fn short(text: &str) -> String {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    format!("{number} {unit}")
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
