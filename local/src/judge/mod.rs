//! Verdicts on single cases, by the very functions that production calls.

pub mod provider;
