//! Whether a record is whole. What does not decode would otherwise look as if it had not been
//! measured.

use deadheat_core::{
    record::{Histograms, Record, Trial},
    stats::histogram,
};

use crate::words::clean;

/// The first histogram that does not decode, and where it is; `None` where all do.
///
/// ```
/// use deadheat_core::record::Record;
/// assert_eq!(deadheat_reports::damage(&Record::default()), None);
/// ```
pub fn damage(record: &Record) -> Option<String> {
    record.races.iter().find_map(|race| {
        race.blocks.iter().find_map(|block| {
            block.trials.iter().find_map(|trial| {
                let why = of_trial(trial)?;
                let (id, contender) = (clean(&race.id), clean(&trial.contender));
                Some(format!("{id}, block {}, {contender}: {why}", block.index))
            })
        })
    })
}

fn of_trial(trial: &Trial) -> Option<String> {
    let slices = trial.slices.iter().filter_map(|slice| slice.hist.as_ref());
    [&trial.hist, &trial.foul_hist].into_iter().chain(slices).find_map(of_histograms)
}

fn of_histograms(all: &Histograms) -> Option<String> {
    let texts = [("service", &all.service), ("response", &all.response), ("lag", &all.lag)];
    texts.into_iter().find_map(|(kind, text)| {
        let error = histogram::decode(text).err()?;
        Some(format!("{kind} time: {error}"))
    })
}
