//! How much is raced: blocks, rounds and models of each profile (METHODOLOGY.md, "Profiles").

use std::time::Duration;

use clap::ValueEnum;
use deadheat_core::{race::plan::Effort, scenario::Tier};
use serde::{Deserialize, Serialize};

/// A profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Profile {
    /// Each cell once, no verdicts
    Smoke,
    /// Five models over the four most telling courses, in a minute
    Quick,
    /// Every model over the core courses, in six minutes
    #[default]
    Default,
    /// Everything, for as long as it takes
    Publish,
}

/// The models that `--quick` leaves out. Those of the user are never among them.
const NOT_QUICK: [&str; 5] =
    ["blocking/sequential", "rayon/pool", "tokio/block-on", "smol/single", "async-std/default"];

impl Profile {
    /// As in records.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Default => "default",
            Self::Publish => "publish",
        }
    }

    /// Blocks and rounds. Warm-up rounds open each block of a sliced race, except in smoke.
    pub(crate) fn effort(self) -> Effort {
        let (blocks, rounds, warmup, long_rounds) = match self {
            Self::Smoke => (1, 1, 0, 1),
            Self::Quick => (12, 4, 2, 1),
            Self::Default => (16, 6, 2, 1),
            Self::Publish => (30, 20, 2, 3),
        };
        Effort { blocks, rounds, warmup, long_rounds, window: None }
    }

    /// What it must fit in, unless `--max-time` says otherwise.
    pub(crate) fn max_time(self) -> Option<Duration> {
        match self {
            Self::Quick => Some(Duration::from_mins(1)),
            // Peers, foul rounds that run again, and the report take the rest of six minutes.
            Self::Default => Some(Duration::from_secs(345)),
            Self::Smoke | Self::Publish => None,
        }
    }

    /// The rank that the order statistics of an interval must have, so that no single block
    /// decides; 0 where nothing is judged.
    pub(crate) fn least_rank(self) -> usize {
        match self {
            Self::Smoke => 0,
            Self::Quick => 2,
            Self::Default | Self::Publish => 3,
        }
    }

    /// Whether a course belongs to it without being named.
    pub(crate) fn has_course(self, tier: Tier) -> bool {
        match self {
            Self::Quick => matches!(tier, Tier::Quick | Tier::Brief),
            Self::Smoke | Self::Default => matches!(tier, Tier::Quick | Tier::Default),
            Self::Publish => true,
        }
    }

    /// Whether a model belongs to it without being named.
    pub(crate) fn has_model(self, id: &str) -> bool {
        self != Self::Quick || !NOT_QUICK.contains(&id)
    }
}
