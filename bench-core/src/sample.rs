//! What the measured loop writes down.

use std::{collections::BTreeMap, io};

/// One operation that ended well (or one counted batch). Times are nanoseconds; inside a contender
/// on its clock, in the protocol since the slice's epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// When it was meant to start: for closed loads, when it did.
    pub intended: u64,
    /// When it was started.
    pub started: u64,
    /// When it ended.
    pub finished: u64,
    /// What it returned.
    pub check: u64,
}

/// The samples of one client in one slice. Goes to and fro between keeper and client, so that its
/// memory is allocated and touched off the clock.
#[derive(Debug, Default)]
pub struct Log {
    /// The client's index.
    pub client: usize,
    /// In the order in which they ended.
    pub samples: Vec<Sample>,
    /// Operations of the handicap that ended well.
    pub extra: u64,
    /// Operations that failed, by kind.
    pub errors: BTreeMap<String, u64>,
}

impl Log {
    /// Forgets the last slice and makes room, touched, for `room` samples.
    pub fn reset(&mut self, room: usize) {
        if self.samples.capacity() < room {
            self.samples.resize(room, Sample::default());
        }
        self.samples.clear();
        self.extra = 0;
        self.errors.clear();
    }

    /// Counts an operation that failed.
    pub fn fail(&mut self, error: &io::Error) {
        let kind = error.kind().to_string();
        let name = if error.kind() == io::ErrorKind::Other { error.to_string() } else { kind };
        *self.errors.entry(name).or_default() += 1;
    }
}

/// The check value of a counted batch, from those of its operations in order.
#[inline]
pub fn fold(check: u64, next: u64) -> u64 {
    check.rotate_left(5) ^ next
}
