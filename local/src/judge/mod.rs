//! The judge: cases in, verdicts out, by the very functions that production calls.

pub mod inbound;
