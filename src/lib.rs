//! Races execution models over the same courses.
