//! The whole world on loopback, and what is played on it: demo, judge and tests.
//! The whole world on loopback, and what drives it.

pub mod judge;
pub mod world;
