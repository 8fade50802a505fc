//! The world outside: stand-ins that keep state and refuse what the real systems refuse.

pub mod counters;
pub mod faults;
