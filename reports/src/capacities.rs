//! How much load each model carries, as tables and other tools take it: what `--slo` found.
//!
//! What may be said of a search is decided in `deadheat_core::stats`, and its sentences are said
//! there too. These are the words and numbers for those who have room for a cell only.

use deadheat_core::{
    record::{Call, Capacity, Carried, Race, Record, Role, Seen, Verdict},
    stats::{
        Objective,
        capacity::Carrying,
        human, judge_capacity,
        mark::{NOT_DECIDABLE, WEATHER},
    },
};

use crate::{Error, words};

/// A search, judged.
pub(crate) struct Search<'a> {
    pub(crate) capacity: &'a Capacity,
    pub(crate) found: Carrying,
}

/// Every search of a record, whether it may be believed or not.
pub(crate) fn searches(record: &Record) -> Vec<Search<'_>> {
    record.capacities.iter().map(Search::of).collect()
}

/// Some formats hold costs of races and nothing else. An empty file would look like a run that
/// measured nothing.
pub(crate) fn refuse(record: &Record, format: &'static str) -> Result<(), Error> {
    let only = record.races.is_empty() && !record.capacities.is_empty();
    if only { Err(Error::OnlyCapacities(format)) } else { Ok(()) }
}

impl<'a> Search<'a> {
    pub(crate) fn of(capacity: &'a Capacity) -> Self {
        Self { capacity, found: judge_capacity(capacity) }
    }

    /// The first of its races that a contender is in: but for the load they are alike.
    pub(crate) fn race(&self, contender: &str) -> Option<&'a Race> {
        self.capacity.races.iter().find(|race| race.contender(contender).is_some())
    }

    /// A cell's id, with the objective for the load: `http-server/smol/multi/p99<20ms`.
    pub(crate) fn cell(&self, contender: &str) -> String {
        let Capacity { scenario, objective, .. } = self.capacity;
        let race = self.race(contender).filter(|race| !race.load.is_empty());
        let rest = race.and_then(|race| race.id.split_once(race.load.as_str()));
        let rest = rest.map(|(_, rest)| rest).unwrap_or_default();
        words::clean(&format!("{scenario}/{contender}/{objective}{rest}"))
    }

    /// What tools are given that rank and raise alarms by it: models whose rate is known, of a
    /// search that its control does not void.
    pub(crate) fn believed(&self) -> impl Iterator<Item = (&Carried, f64)> {
        let is_valid = !self.found.is_invalid;
        let models = self.found.rows.iter().filter(move |row| is_valid && row.role == Role::Model);
        models.filter_map(|row| Some((row, row.rate?)))
    }

    /// What a contender carries, per second, also where that is known from one side alone.
    pub(crate) fn rate(&self, row: &Carried) -> String {
        let fails = |seen: &Seen| {
            let objective = self.found.objective.parse::<Objective>();
            let limit = objective.map_or(f64::NAN, |objective| objective.limit_ns());
            seen.is_saturated || seen.quantile_ns.is_some_and(|quantile| quantile > limit)
        };
        match (row.rate, &row.lowest, &row.highest) {
            (Some(rate), ..) => human::rate(rate),
            _ if row.n == 0 => "no whole block".into(),
            (_, _, Some(seen)) if !fails(seen) => format!("{} or more", human::rate(seen.rate)),
            (_, Some(seen), _) if fails(seen) => format!("less than {}", human::rate(seen.rate)),
            _ => "not known well".into(),
        }
    }

    /// What may be said of a contender against the reference, in a few words.
    pub(crate) fn said(&self, row: &Carried) -> &'static str {
        match &row.verdict {
            _ if row.contender == self.capacity.reference => "reference",
            Some(verdict) if verdict.n > 0 => call(verdict),
            _ => "no verdict",
        }
    }
}

/// As the sentences have it: nobody is faster here, but carries more.
fn call(verdict: &Verdict) -> &'static str {
    let has = |mark: &str| verdict.marks.iter().any(|other| other == mark);
    match verdict.verdict {
        Call::Faster => "carries more",
        Call::FasterSizeUndecided => "carries more, size undecided",
        Call::DeadHeat => "dead heat",
        Call::SlowerSizeUndecided => "carries less, size undecided",
        Call::Slower => "carries less",
        Call::Undecided if has(WEATHER) => "undecided: in foul weather",
        Call::Undecided if has(NOT_DECIDABLE) => "undecided: too few samples",
        Call::Undecided => "undecided",
    }
}

/// The ends between which a capacity lies.
pub(crate) fn interval(row: &Carried) -> String {
    match (row.lo, row.hi) {
        (Some(lo), Some(hi)) => format!("{} to {}", human::rate(lo), human::rate(hi)),
        (Some(lo), None) => format!("{} or more", human::rate(lo)),
        (None, _) => "no interval".into(),
    }
}

/// The reference's capacity ÷ a contender's: above 1 it carries less. The ratio of two that lie
/// beyond their grids is not known; an end of its interval may be.
pub(crate) fn ratio(row: &Carried) -> String {
    let Some(verdict) = row.verdict.as_ref().filter(|verdict| verdict.n > 0) else {
        return String::new();
    };
    let lo = verdict.lo.filter(|lo| *lo > 0.0);
    match (lo, verdict.hi) {
        (lo, hi) if verdict.ratio > 0.0 => human::ratio_interval(verdict.ratio, lo.zip(hi)),
        (Some(lo), Some(hi)) => format!("[{}, {}]", human::ratio(lo), human::ratio(hi)),
        (Some(lo), None) => format!("{} or more", human::ratio(lo)),
        (None, Some(hi)) => format!("{} or less", human::ratio(hi)),
        (None, None) => String::new(),
    }
}

/// What stands in the first column.
pub(crate) fn name(row: &Carried) -> String {
    match row.role {
        Role::Model => words::clean(&row.contender),
        Role::Twin => words::TWIN.into(),
        Role::Handicapped => words::SLOWED.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(verdict: Verdict) -> Carried {
        let verdict = Some(Verdict { n: 8, ..verdict });
        Carried { contender: "a/b".into(), verdict, n: 8, ..Carried::default() }
    }

    #[test]
    fn an_unknown_ratio_is_never_zero() {
        let ratio_of = |point: f64, lo, hi| {
            ratio(&row(Verdict { ratio: point, lo, hi, ..Verdict::default() }))
        };
        assert_eq!(ratio_of(1.25, Some(1.2), Some(1.3)), "1.25 [1.20, 1.30]");
        assert_eq!(ratio_of(0.0, Some(1.2), Some(1.3)), "[1.20, 1.30]");
        assert_eq!(ratio_of(0.0, Some(1.2), None), "1.20 or more");
        assert_eq!(ratio_of(0.0, Some(0.0), Some(0.5)), "0.500 or less");
        assert_eq!(ratio_of(0.0, None, None), "");
        assert_eq!(ratio(&Carried::default()), "");
    }

    #[test]
    fn it_says_the_same_as_the_sentences() {
        let calls = [
            (Call::Faster, ""),
            (Call::FasterSizeUndecided, ""),
            (Call::DeadHeat, ""),
            (Call::SlowerSizeUndecided, ""),
            (Call::Slower, ""),
            (Call::Undecided, WEATHER),
            (Call::Undecided, NOT_DECIDABLE),
            (Call::Undecided, ""),
        ];
        let capacity = Capacity::default();
        for (verdict, mark) in calls {
            let verdict =
                Verdict { ratio: 1.1, verdict, marks: vec![mark.to_owned()], ..Verdict::default() };
            let found = Carrying { rows: vec![row(verdict)], ..Carrying::default() };
            let said = found.sentences().remove(0);
            let search = Search { capacity: &capacity, found };
            let own = search.said(&search.found.rows[0]).trim_start_matches("carries ");
            assert!(said.ends_with(&format!("{own}).")), "{own}: {said}");
        }
    }

    #[test]
    fn a_load_that_nobody_carried_is_not_carried_and_more() {
        let seen = |quantile_ns| {
            Some(Seen { rate: 500.0, quantile_ns: Some(quantile_ns), is_saturated: false })
        };
        let found = Carrying { objective: "p99<20ms".into(), ..Carrying::default() };
        let search = Search { capacity: &Capacity::default(), found };
        let rate = |ns| {
            let row = Carried { n: 8, lowest: seen(ns), highest: seen(ns), ..Carried::default() };
            search.rate(&row)
        };
        assert_eq!(rate(30e6), "less than 500/s");
        assert_eq!(rate(10e6), "500/s or more");
        assert_eq!(search.rate(&Carried::default()), "no whole block");
    }
}
