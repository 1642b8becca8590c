//! How records are shown.
