//! What the stand-ins share: counted calls and armed faults.

pub mod counters;
pub mod faults;
