//! A scenario under several loads: what was carried, and at what latency, over the rate that was
//! offered or over the number of clients.
//!
//! Races that differ in the number in their load alone are points of one figure. A point that is
//! saturated is hollow: its latency grows with the window and means nothing. A ring is the knee.
//!
//! Not in here: which loads were kept up with, where a curve bends, and what is said of it
//! (`deadheat_core::stats`).

use deadheat_core::{
    load::{Arrivals, Load, Spacing},
    record::{Race, Role},
    stats::{self, Row, Summary, human},
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
    /// What its races have in common: `tcp-echo/closed-N`.
    pub(crate) title: String,
    /// What the horizontal axis is.
    pub(crate) over: Over,
    /// A curve per model.
    pub(crate) curves: Vec<Curve>,
    /// What may be said of it; nothing where it has too few loads.
    pub(crate) sentences: Vec<String>,
}

/// The number in a race's load, and the race.
type Loaded<'a> = (f64, &'a Summary);

/// A model under several loads.
pub(crate) struct Curve {
    /// The model's id.
    pub(crate) id: String,
    /// Of its line.
    pub(crate) class: String,
    /// By load, ascending.
    pub(crate) points: Vec<Point>,
    /// The load at which throughput bends, or the highest rate that was kept up with (0 where none
    /// was); `None` where there is no such load in the sweep.
    pub(crate) knee: Option<f64>,
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
    /// It did not keep up with the load.
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
/// Of a point, and of the ring around a knee.
const MARK: f64 = 3.4;
const RING: f64 = 7.0;

impl Sweep {
    /// All sweeps among races, with what is `judged` of them.
    pub(crate) fn all<'a>(
        races: impl Iterator<Item = (&'a Race, &'a Summary)>,
        judged: &[stats::Sweep],
    ) -> Vec<Self> {
        let mut groups: Vec<(String, Over, Vec<Loaded<'_>>)> = Vec::new();
        for (race, summary) in races {
            let Some((over, load, id)) = family(race) else { continue };
            match groups.iter_mut().find(|group| group.0 == id) {
                Some(group) => group.2.push((load, summary)),
                None => groups.push((id, over, vec![(load, summary)])),
            }
        }
        let sweeps = groups.into_iter().filter(|group| group.2.len() > 1);
        sweeps
            .map(|(id, over, mut races)| {
                races.sort_by(|a, b| a.0.total_cmp(&b.0));
                let judged = judged.iter().find(|sweep| sweep.id == id);
                let curves = curves(&races, judged);
                let sentences = judged.map(stats::Sweep::sentences).unwrap_or_default();
                Self { title: words::clean(&id), over, curves, sentences }
            })
            .filter(|sweep| !sweep.curves.is_empty())
            .collect()
    }

    /// The same without what is judged of the whole.
    pub(crate) fn unjudged(mut self) -> Self {
        self.sentences.clear();
        self.curves.iter_mut().for_each(|curve| curve.knee = None);
        self
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
            let value = |point: &Point| Some((x.at(point.load), y.at((panel.value)(point)?)));
            let shown: Vec<((f64, f64), &Point)> =
                curve.points.iter().filter_map(|point| Some((value(point)?, point))).collect();
            let line: Vec<(f64, f64)> = shown.iter().map(|(at, _)| *at).collect();
            svg.path(&line, &format!("curve {}", curve.class));
            for (at, point) in shown {
                let open = if point.saturated { " open" } else { "" };
                svg.circle(at, MARK, &format!("mark{open} {}", curve.class));
                if curve.is_knee(point) {
                    svg.circle(at, RING, &format!("interval {}", curve.class));
                }
            }
            if let Some(end) = line.last() {
                ends.push(Label { text: curve.id.clone(), class: curve.class.clone(), end: *end });
            }
        }
        ends
    }

    fn spoken(&self) -> String {
        let said = if self.sentences.is_empty() {
            let names: Vec<&str> = self.curves.iter().map(|curve| curve.id.as_str()).collect();
            names.join(", ")
        } else {
            self.sentences.join(" ")
        };
        format!("{} over {}: {said}", self.title, self.axis()).chars().take(390).collect()
    }
}

impl Curve {
    fn is_knee(&self, point: &Point) -> bool {
        self.knee.is_some_and(|knee| knee.to_bits() == point.load.to_bits())
    }
}

/// The number in a race's load, what it counts, and what its sweep is called, as `stats::sweeps`
/// calls it: `http-server/open-4000-poisson` is 4000 per second of `http-server/open-R-poisson`.
fn family(race: &Race) -> Option<(Over, f64, String)> {
    let load: Load = race.load.parse().ok()?;
    let (over, number, kind, letter) = match load.arrivals {
        Arrivals::Open { spacing: Spacing::Ramp(_), .. } | Arrivals::Batch(_) => return None,
        Arrivals::Open { rate, .. } => (Over::Rate, rate as f64, "open", "R"),
        Arrivals::Closed { clients, .. } => (Over::Clients, clients as f64, "closed", "N"),
    };
    let rest = race.load.strip_prefix(&format!("{kind}-{number}"))?;
    let id = race.id.replacen(&race.load, &format!("{kind}-{letter}{rest}"), 1);
    Some((over, number, id))
}

fn curves(races: &[Loaded<'_>], judged: Option<&stats::Sweep>) -> Vec<Curve> {
    let mut ids: Vec<&str> = Vec::new();
    for row in races.iter().flat_map(|(_, summary)| &summary.rows) {
        if row.role == Role::Model && row.has_numbers() && !ids.contains(&row.id.as_str()) {
            ids.push(&row.id);
        }
    }
    let curve = |id: &str| {
        let own = judged.and_then(|sweep| sweep.curves.iter().find(|of| of.contender == id));
        let points = races.iter().filter_map(|(load, summary)| {
            let row = summary.rows.iter().find(|row| row.id == id && row.has_numbers())?;
            Some(Point::of(*load, row, own))
        });
        let points: Vec<Point> = points.collect();
        // The same load twice is two races of something else, and no course from one to the other.
        let rises = points.windows(2).all(|pair| pair[0].load < pair[1].load);
        (points.len() > 1 && rises).then(|| Curve {
            id: words::clean(id),
            class: classes(id),
            points,
            knee: own.and_then(|curve| curve.knee),
        })
    };
    ids.into_iter().filter_map(curve).collect()
}

impl Point {
    /// Of too few loads no sweep is judged; whether a race's own load was too much, its summary
    /// says.
    fn of(load: f64, row: &Row, judged: Option<&stats::Curve>) -> Self {
        let mut steps = judged.into_iter().flat_map(|curve| &curve.steps);
        let step = steps.find(|step| step.load.to_bits() == load.to_bits());
        Self {
            load,
            throughput: row.throughput,
            p50: row.p50,
            p99: row.p99,
            saturated: step.map_or(row.conditions.saturated, |step| !step.kept_up),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn race(load: &str) -> Race {
        Race { id: format!("made-up/{load}/bytes=4"), load: load.into(), ..Race::default() }
    }

    #[test]
    fn loads_have_numbers_and_a_family() {
        let of = |load: &str| family(&race(load));
        let id = |load: &str| format!("made-up/{load}/bytes=4");
        assert_eq!(of("open-4000-poisson"), Some((Over::Rate, 4000.0, id("open-R-poisson"))));
        assert_eq!(of("closed-16"), Some((Over::Clients, 16.0, id("closed-N"))));
        for none in ["batch-8", "open-many", "open-100-ramp-900"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn what_kept_up_and_where_it_bends_is_told_by_the_statistics() {
        let row = Row { id: "a/b".into(), throughput: Some(100.0), ..Row::default() };
        let summary = Summary { rows: vec![row], ..Summary::default() };
        let races = ["open-100", "open-200", "open-400"].map(race);
        let all = |judged: &[stats::Sweep]| {
            Sweep::all(races.iter().map(|race| (race, &summary)), judged).remove(0)
        };
        let step = |load, kept_up| stats::Step {
            load,
            offered: Some(load),
            goodput: Some(100.0),
            p50: None,
            p99: None,
            kept_up,
        };
        let curve = stats::Curve {
            contender: "a/b".into(),
            steps: vec![step(100.0, true), step(200.0, true), step(400.0, false)],
            points: Vec::new(),
            knee: Some(200.0),
            law: None,
        };
        let id = "made-up/open-R/bytes=4";
        let judged = stats::Sweep { id: id.into(), is_closed: false, curves: vec![curve] };
        let said = judged.sentences();
        let sweep = all(&[judged]);
        assert_eq!((sweep.title.as_str(), sweep.curves[0].knee), (id, Some(200.0)));
        let points = sweep.curves[0].points.iter();
        let saturated: Vec<bool> = points.map(|point| point.saturated).collect();
        assert_eq!(saturated, [false, false, true]);
        assert_eq!(sweep.sentences, said);
        let drawn = sweep.draw(500.0);
        assert_eq!(drawn.matches("class=\"interval").count(), 1, "a ring around the knee");
        assert_eq!(drawn.matches("class=\"mark open").count(), 1, "and one hollow point");
        for silent in [all(&[]), sweep.unjudged()] {
            assert!(silent.sentences.is_empty() && silent.curves[0].knee.is_none());
        }
    }
}
