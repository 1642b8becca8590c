//! A contender's latencies over a race: every histogram is decoded once, merged, and kept without its
//! empty counts. A histogram has 27,000 counts, of which some hundred are used; a page of a thousand
//! cells asks each for a hundred quantiles.

use hdrhistogram::Histogram;

use super::{
    histogram::{self, Ranked},
    sky::Sky,
};
use crate::record::{Histograms, Trial};

/// A histogram's values in ascending order, each with how many samples are at most as large. It
/// has the same quantiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    steps: Vec<(u64, u64)>,
    min: u64,
    max: u64,
    mean: f64,
}

impl Distribution {
    /// `None`: there is nothing in it.
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let mut count = 0;
        let steps: Vec<(u64, u64)> = histogram
            .iter_recorded()
            .map(|step| {
                count += step.count_at_value();
                (step.value_iterated_to(), count)
            })
            .collect();
        let min = histogram.value_at_quantile(0.0);
        let (max, mean) = (histogram.max(), histogram.mean());
        (count > 0).then_some(Self { steps, min, max, mean })
    }

    /// The largest, ns.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The mean, ns.
    pub fn mean(&self) -> f64 {
        self.mean
    }
}

impl Ranked for Distribution {
    fn count(&self) -> u64 {
        self.steps.last().map_or(0, |step| step.1)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the count"
    )]
    fn value_at(&self, q: f64) -> u64 {
        if q <= 0.0 {
            return self.min;
        }
        let rank = ((q.min(1.0) * self.count() as f64).ceil() as u64).max(1);
        let step = self.steps.partition_point(|step| step.1 < rank);
        self.steps.get(step).map_or(self.max, |step| step.0)
    }
}

/// What a contender's trials add up to.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    /// From an operation's own start.
    pub service: Option<Distribution>,
    /// From its intended arrival; of open loads.
    pub response: Option<Distribution>,
    /// From the intended arrival to its dispatch; of open loads.
    pub lag: Option<Distribution>,
}

impl Latencies {
    /// The one that is judged: response where there is one, else service.
    pub fn judged(&self) -> Option<&Distribution> {
        self.response.as_ref().or(self.service.as_ref())
    }
}

/// The same while they are being added up.
#[derive(Debug, Default)]
pub(super) struct Sum {
    service: Option<Histogram<u64>>,
    response: Option<Histogram<u64>>,
    lag: Option<Histogram<u64>>,
}

impl Sum {
    /// What counts of a trial: its fair rounds, and the foul ones where nothing is set aside.
    pub(super) fn of(trial: &Trial, sky: &Sky) -> Self {
        let foul = (!sky.culprits().is_empty()).then_some(&trial.foul_hist);
        Self::over([Some(&trial.hist), foul])
    }

    /// Its foul rounds alone.
    pub(super) fn of_foul(trial: &Trial) -> Self {
        Self::over([Some(&trial.foul_hist), None])
    }

    fn over(parts: [Option<&Histograms>; 2]) -> Self {
        let merged =
            |of: fn(&Histograms) -> &str| histogram::merge(parts.iter().copied().flatten().map(of));
        Self {
            service: merged(|hist| &hist.service),
            response: merged(|hist| &hist.response),
            lag: merged(|hist| &hist.lag),
        }
    }

    /// As [`Latencies::judged`].
    pub(super) fn judged(&self) -> Option<&Histogram<u64>> {
        self.response.as_ref().or(self.service.as_ref())
    }

    pub(super) fn add(&mut self, other: Self) {
        let Self { service, response, lag } = other;
        for (whole, part) in
            [(&mut self.service, service), (&mut self.response, response), (&mut self.lag, lag)]
        {
            histogram::add(whole, part);
        }
    }

    pub(super) fn done(&self) -> Latencies {
        let of = |histogram: &Option<Histogram<u64>>| Distribution::of(histogram.as_ref()?);
        Latencies { service: of(&self.service), response: of(&self.response), lag: of(&self.lag) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{
        histogram::{encode, quantile},
        testing::recorded,
    };

    #[test]
    fn foul_rounds_count_where_nothing_is_set_aside() {
        let hist = |value| Histograms {
            service: encode(&recorded(&[value])).unwrap(),
            ..Histograms::default()
        };
        let trial = Trial { hist: hist(5), foul_hist: hist(9), ..Trial::default() };
        let max = |sum: &Sum| sum.done().judged().map(Distribution::max);
        assert_eq!(max(&Sum::of(&trial, &Sky::default())), Some(5));
        assert_eq!(max(&Sum::of_foul(&trial)), Some(9));
        let mut whole = Sum::default();
        assert!(whole.done().judged().is_none(), "nothing is no distribution");
        whole.add(Sum::of(&trial, &Sky::default()));
        whole.add(Sum::of_foul(&trial));
        assert_eq!((whole.judged().unwrap().len(), max(&whole)), (2, Some(9)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_has_the_histograms_quantiles(
            values in prop::collection::vec(1u64..60_000_000_000, 1..300),
            q in prop::collection::vec(0.0f64..=1.0, 20)
        ) {
            let histogram = recorded(&values);
            let own = Distribution::of(&histogram).unwrap();
            for q in q.into_iter().chain([0.0, 0.5, 0.99, 1.0]) {
                prop_assert_eq!(own.value_at(q), histogram.value_at_quantile(q));
                prop_assert_eq!(quantile(&own, q, 10.0), quantile(&histogram, q, 10.0));
            }
            prop_assert_eq!((own.count(), own.max()), (histogram.len(), histogram.max()));
        }
    }
}
