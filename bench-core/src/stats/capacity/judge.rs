//! From the races of a capacity search to what each model carries, and what may be said of it.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::{Bounds, Objective, Point, carried, samples};
use crate::{
    record::{Call, Capacity, Carried as Row, Metric, Race, Role, Seen, Trial, Verdict},
    stats::{
        Decision, Estimate,
        conditions::is_carried,
        decide,
        histogram::{self, quantile},
        human, mark,
        measures::{DECIDES, SHOWN},
        median,
        rank::{alpha, min_blocks, rank},
        sky::Sky,
    },
};

/// No capacity above this share of what the generator can send is a server's.
const OF_CEILING: f64 = 0.80;

/// What a search found. Its rows are what a record keeps of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Carrying {
    /// What had to hold.
    pub objective: String,
    /// One for each contender, in the order of the races' contenders, the reference first.
    pub rows: Vec<Row>,
    /// Whether the twin proves that nobody can be ranked.
    pub is_invalid: bool,
}

/// Judges a search: models at a joint 95%, the twin alone.
///
/// A block in which a capacity lies beyond the grid counts with what is known of it, an open
/// interval, and the order statistics are taken of lower and upper ends. So an interval is never
/// narrower than it would be with a wider grid. Where a block has fewer than 100 samples beyond the
/// quantile at the rates that its capacity rests on, numbers are shown, and nothing is decided.
pub fn judge_capacity(capacity: &Capacity) -> Carrying {
    let Ok(objective) = capacity.objective.parse::<Objective>() else { return Carrying::default() };
    let limit = capacity.ceiling.map(|ceiling| OF_CEILING * ceiling);
    let contenders = contenders(capacity);
    let all: Vec<(&str, Role, BTreeMap<usize, Carried>)> = contenders
        .iter()
        .map(|(id, role)| (*id, *role, by_block(capacity, id, &objective, limit)))
        .collect();
    let of = |id: &str| all.iter().find(|(other, ..)| *other == id).map(|(.., bounds)| bounds);
    let Some(reference) = of(&capacity.reference) else { return Carrying::default() };
    let m = all.iter().filter(|(id, role, _)| *role == Role::Model && *id != capacity.reference);
    let m = m.count();
    let twin = all.iter().find(|(_, role, _)| *role == Role::Twin).map(|(.., bounds)| bounds);
    let floor = |alpha| {
        let d = twin.map(|twin| ratios(twin, reference)).unwrap_or_default();
        estimate(&d, alpha)
    };
    let (at_95, at_99) = (floor(0.05), floor(0.01));
    let excludes = at_99.interval.is_some_and(|(lo, hi)| lo > 0.0 || hi < 0.0);
    let is_invalid = excludes && at_95.point.abs() > (capacity.margin / 2.0).ln_1p();
    let rows = all.iter().map(|(id, role, bounds)| {
        let is_model = *role == Role::Model;
        let alpha = alpha(if is_model { m } else { 1 });
        let d = ratios(bounds, reference);
        let verdict = (*id != capacity.reference).then(|| {
            let estimate = estimate(&d, alpha);
            let decision = decide(&estimate, capacity.margin, is_model.then_some(&at_95));
            let silent = silent(&estimate, is_invalid, [bounds, reference]);
            verdict((id, &capacity.reference), &estimate, &decision, silent)
        });
        let own =
            over_blocks(&bounds.values().map(|block| block.bounds).collect::<Vec<_>>(), alpha);
        let ends = own.interval.map(|interval| (interval.lo, interval.hi));
        Row {
            contender: (*id).to_owned(),
            role: *role,
            rate: own.point,
            lo: ends.map(|ends| ends.0),
            hi: ends.map(|ends| ends.1).filter(|hi| hi.is_finite()),
            verdict,
            n: bounds.len(),
            lowest: seen(capacity, id, &objective, true),
            highest: seen(capacity, id, &objective, false),
            ..Row::default()
        }
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.sort_by_key(|row| (row.contender != capacity.reference, row.role == Role::Twin));
    Carrying { objective: objective.to_string(), rows, is_invalid }
}

/// Why nothing may be said of these two, each reason by itself.
fn silent(
    estimate: &Estimate,
    is_invalid: bool,
    both: [&BTreeMap<usize, Carried>; 2],
) -> Vec<&'static str> {
    let blocks = || both.into_iter().flat_map(BTreeMap::values);
    let reasons = [
        (estimate.n == 0, mark::NO_DATA),
        (estimate.n > 0 && estimate.k == 0, mark::FEW_BLOCKS),
        (is_invalid, mark::INVALID),
        (blocks().any(|block| block.samples < DECIDES), mark::NOT_DECIDABLE),
        (blocks().any(|block| !block.is_fair), mark::WEATHER),
    ];
    reasons.into_iter().filter_map(|(is, mark)| is.then_some(mark)).collect()
}

fn contenders(capacity: &Capacity) -> Vec<(&str, Role)> {
    let mut all: Vec<(&str, Role)> = Vec::new();
    for contender in capacity.races.iter().flat_map(|race| &race.contenders) {
        let is_wanted = contender.role != Role::Handicapped;
        if is_wanted && all.iter().all(|(id, _)| *id != contender.id) {
            all.push((&contender.id, contender.role));
        }
    }
    all
}

/// What a contender carried in each block in which it has a capacity.
fn by_block(
    capacity: &Capacity,
    id: &str,
    objective: &Objective,
    limit: Option<f64>,
) -> BTreeMap<usize, Carried> {
    let mut points: BTreeMap<usize, Vec<(Point, bool)>> = BTreeMap::new();
    for race in &capacity.races {
        let sky = Sky::over(race);
        for (block, trial) in race.trials(id) {
            let point = point(race, &sky, block, trial, objective);
            points.entry(block).or_default().extend(point);
        }
    }
    let rates = capacity.races.iter().filter(|race| race.contender(id).is_some()).count();
    points
        .into_iter()
        // A block that was cut short, or in which a trial failed, has no whole grid.
        .filter(|(_, points)| points.len() == rates)
        .filter_map(|(block, points)| {
            let is_fair = points.iter().all(|(_, is_fair)| *is_fair);
            let points: Vec<Point> = points.into_iter().map(|(point, _)| point).collect();
            let bounds = carried(&points, objective.limit_ns())?.limited(limit);
            // With the same slack as a quantile: 100 are 99.99… by rounding.
            let samples = samples(&points, objective.limit_ns()) + 1e-6;
            Some((block, Carried { bounds, samples, is_fair }))
        })
        .collect()
}

/// What a block says of a contender, by how many samples beyond the quantile, and whether all of it
/// was seen in fair weather.
#[derive(Clone, Copy, Debug)]
struct Carried {
    bounds: Bounds,
    samples: f64,
    is_fair: bool,
}

/// For a rough search: whether a contender's latest block met the objective, by however few
/// operations, in whatever weather.
pub fn meets(race: &Race, id: &str, objective: &Objective) -> bool {
    let Some((_, trial)) = race.trials(id).last() else { return false };
    let latencies = all_weathers(trial);
    let quantile = latencies.and_then(|h| quantile(&h, objective.quantile, 0.0));
    trial.outcome.is_ok()
        && !is_saturated(trial)
        && quantile.is_some_and(|ns| ns < objective.limit_ns())
}

/// A rate's point, and whether it was seen in fair weather. Where the weather left too few fair
/// rounds, all of them count, and it is said.
fn point(
    race: &Race,
    sky: &Sky,
    block: usize,
    trial: &Trial,
    objective: &Objective,
) -> Option<(Point, bool)> {
    let load: crate::load::Load = race.load.parse().ok()?;
    if !trial.outcome.is_ok() || trial.slices.is_empty() {
        return None;
    }
    let is_fair = sky.is_fair(block, &[&trial.contender]);
    let latencies = if is_fair { sky.latency(trial) } else { all_weathers(trial) };
    let point = Point {
        rate: load.mean_rate()?,
        quantile_ns: latencies.as_ref().and_then(|h| quantile(h, objective.quantile, SHOWN)),
        beyond: latencies.map_or(0.0, |h| h.len() as f64 * (1.0 - objective.quantile)),
        is_saturated: is_saturated(trial),
    };
    Some((point, is_fair))
}

fn all_weathers(trial: &Trial) -> Option<Histogram<u64>> {
    histogram::merge([trial.hist.response.as_str(), trial.foul_hist.response.as_str()])
}

/// Whether it was too much in most of its slices.
fn is_saturated(trial: &Trial) -> bool {
    !is_carried(trial.slices.iter())
}

fn seen(capacity: &Capacity, id: &str, objective: &Objective, lowest: bool) -> Option<Seen> {
    let offered = |race: &Race| {
        let load: crate::load::Load = race.load.parse().ok()?;
        load.mean_rate()
    };
    let races = capacity.races.iter().filter(|race| race.contender(id).is_some());
    let all = races.filter_map(|race| Some((offered(race)?, race)));
    let (per_second, race) = if lowest {
        all.min_by(|a, b| a.0.total_cmp(&b.0))?
    } else {
        all.max_by(|a, b| a.0.total_cmp(&b.0))?
    };
    let sky = Sky::over(race);
    let trials = race.trials(id);
    let points = trials.filter_map(|(block, trial)| point(race, &sky, block, trial, objective));
    let points: Vec<Point> = points.map(|(point, _)| point).collect();
    let quantiles: Vec<f64> = points.iter().filter_map(|point| point.quantile_ns).collect();
    let saturated = points.iter().filter(|point| point.is_saturated).count();
    (!points.is_empty()).then(|| Seen {
        rate: per_second,
        quantile_ns: median(&quantiles),
        is_saturated: 2 * saturated > points.len(),
    })
}

/// The log ratios of both contenders' costs in the blocks that both have: reference ÷ a, because
/// who carries less is slower. Open where either is.
fn ratios(a: &BTreeMap<usize, Carried>, reference: &BTreeMap<usize, Carried>) -> Vec<(f64, f64)> {
    let both = a.iter().filter_map(|(block, a)| Some((a, reference.get(block)?)));
    both.map(|(a, r)| (r.bounds, a.bounds))
        .map(|(r, a)| (r.lo.ln() - a.hi.ln(), r.hi.ln() - a.lo.ln()))
        .collect()
}

/// A median of values that are known to lie between bounds.
struct OverBlocks {
    point: Option<f64>,
    interval: Option<Bounds>,
    k: usize,
    n: usize,
}

fn over_blocks(bounds: &[Bounds], alpha: f64) -> OverBlocks {
    let sorted = |of: fn(&Bounds) -> f64| {
        let mut ends: Vec<f64> = bounds.iter().map(of).collect();
        ends.sort_by(f64::total_cmp);
        ends
    };
    let (lows, highs) = (sorted(|b| b.lo), sorted(|b| b.hi));
    let (n, k) = (bounds.len(), rank(bounds.len(), alpha));
    let middle = |ends: &[f64]| {
        let pair = (ends.get(n.saturating_sub(1) / 2), ends.get(n / 2));
        pair.0.zip(pair.1).map(|(a, b)| f64::midpoint(*a, *b))
    };
    let point = middle(&lows)
        .zip(middle(&highs))
        .filter(|(lo, hi)| hi - lo <= 1e-9 * hi.abs() && hi.is_finite());
    let interval = (k > 0).then(|| Bounds { lo: lows[k - 1], hi: highs[n - k] });
    OverBlocks { point: point.map(|(lo, _)| lo), interval, k, n }
}

/// As an estimate, whose ends may be infinite, and whose point is no number where it is not known.
fn estimate(d: &[(f64, f64)], alpha: f64) -> Estimate {
    let bounds: Vec<Bounds> = d.iter().map(|(lo, hi)| Bounds { lo: *lo, hi: *hi }).collect();
    let over = over_blocks(&bounds, alpha);
    Estimate {
        point: over.point.unwrap_or(f64::NAN),
        interval: over.interval.map(|interval| (interval.lo, interval.hi)),
        k: over.k,
        n: over.n,
    }
}

fn verdict(
    (id, reference): (&str, &str),
    estimate: &Estimate,
    decision: &Decision,
    silent: Vec<&'static str>,
) -> Verdict {
    let end = |end: f64| Some(end.exp()).filter(|end| end.is_finite());
    let call = if silent.is_empty() { decision.call } else { Call::Undecided };
    // More blocks mend neither a broken search nor a quantile without samples.
    let hopeless = [mark::INVALID, mark::NOT_DECIDABLE].iter().any(|mark| silent.contains(mark));
    let mut marks = silent;
    marks.extend(decision.within_noise_floor.then_some(mark::WITHIN_NOISE_FLOOR));
    Verdict {
        metric: Metric::Throughput,
        a: id.to_owned(),
        b: reference.to_owned(),
        ratio: if estimate.point.is_finite() { estimate.point.exp() } else { 0.0 },
        lo: estimate.interval.and_then(|(lo, _)| end(lo)),
        hi: estimate.interval.and_then(|(_, hi)| end(hi)),
        k: estimate.k,
        n: estimate.n,
        verdict: call,
        resolution: decision.resolution.filter(|resolution| resolution.is_finite()),
        settle: decision.settle.filter(|_| !hopeless),
        marks: marks.into_iter().map(str::to_owned).collect(),
        ..Verdict::default()
    }
}

impl Carrying {
    /// What may be said, a sentence for each contender; the same words in every format.
    pub fn sentences(&self) -> Vec<String> {
        let models = self.rows.iter().filter(|row| row.role == Role::Model).count();
        let mut said = Vec::new();
        if self.is_invalid {
            said.push(
                "INVALID: the same code, raced twice, carries different loads, so nobody is ranked."
                    .to_owned(),
            );
        }
        said.extend(self.rows.iter().map(|row| self.row(row, models.saturating_sub(1))));
        said
    }

    fn row(&self, row: &Row, m: usize) -> String {
        let name = match row.role {
            Role::Twin => "Same code, twice",
            _ => row.contender.as_str(),
        };
        let own = self.own(name, row, m);
        let Some(verdict) = &row.verdict else { return format!("{own} (the reference)") + "." };
        match compared(verdict) {
            Some(compared) => format!("{own}: {compared}."),
            None => format!("{own}."),
        }
    }

    fn own(&self, name: &str, row: &Row, m: usize) -> String {
        let objective = &self.objective;
        let interval = match (row.lo, row.hi) {
            (Some(lo), Some(hi)) => format!(" [{}, {}]", human::count(lo), human::count(hi)),
            (Some(lo), None) => format!(" [{} or more]", human::count(lo)),
            _ => format!(" [no interval: {} blocks, and {} are needed]", row.n, min_blocks(m, 1)),
        };
        if let Some(rate) = row.rate {
            return format!("{name} carries {}{interval} with {objective}", human::rate(rate));
        }
        if row.n == 0 {
            return format!("{name} has no capacity: no block measured all rates of its grid well");
        }
        // The median block lies beyond the grid, or between two of its rates.
        let met = |seen: Option<Seen>| seen.map(|seen| self.at(&seen)).unwrap_or_default();
        let fails = |seen: &Option<Seen>| seen.as_ref().map(|seen| self.fails(seen));
        match (fails(&row.lowest), fails(&row.highest)) {
            (_, Some(false)) => {
                format!(
                    "{name} carries every load of its grid with {objective}{}",
                    met(row.highest)
                )
            }
            (Some(true), _) => {
                format!("{name} carries no load of its grid with {objective}{}", met(row.lowest))
            }
            _ => format!("{name} carries a load that is not known well{interval} with {objective}"),
        }
    }

    fn fails(&self, seen: &Seen) -> bool {
        let limit = self.objective.parse::<Objective>().map_or(f64::NAN, |o| o.limit_ns());
        seen.is_saturated || seen.quantile_ns.is_some_and(|quantile| quantile > limit)
    }

    /// "; at 16.0/s it was 31 ms".
    fn at(&self, seen: &Seen) -> String {
        let quantile = self.objective.split('<').next().unwrap_or_default();
        let value = match seen.quantile_ns {
            Some(ns) => format!("{quantile} was {}", human::time(ns)),
            None => format!("too few operations lie beyond {quantile}"),
        };
        let full = if seen.is_saturated { ", and it fell behind" } else { "" };
        format!("; at {} {value}{full}", human::rate(seen.rate))
    }
}

fn compared(verdict: &Verdict) -> Option<String> {
    // As people say it: how many times as much it carries.
    let inverse = |end: Option<f64>| end.filter(|end| *end > 0.0).map(|end| 1.0 / end);
    let (lo, hi) = (inverse(verdict.hi), inverse(verdict.lo));
    let size = match (verdict.ratio > 0.0, lo.zip(hi)) {
        (true, interval) => human::ratio_interval(1.0 / verdict.ratio, interval) + " ×",
        (false, Some((lo, hi))) => format!("[{}, {}] ×", human::ratio(lo), human::ratio(hi)),
        (false, None) => match (lo, hi) {
            (Some(lo), None) => format!("{} × or more", human::ratio(lo)),
            (None, Some(hi)) => format!("{} × or less", human::ratio(hi)),
            _ => return None,
        },
    };
    let marked = |mark: &str| verdict.marks.iter().any(|m| m == mark);
    let call = match verdict.verdict {
        Call::Faster => "more",
        Call::FasterSizeUndecided => "more, size undecided",
        Call::DeadHeat => "a dead heat",
        Call::SlowerSizeUndecided => "less, size undecided",
        Call::Slower => "less",
        Call::Undecided if marked(mark::WEATHER) => "undecided: in foul weather",
        Call::Undecided if marked(mark::NOT_DECIDABLE) => "undecided: too few samples",
        Call::Undecided => "undecided",
    };
    Some(format!("{size} {} ({call})", verdict.b))
}

#[cfg(test)]
mod tests;
