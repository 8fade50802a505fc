//! The whole world on loopback, and what is played on it: demo, judge and tests.

pub mod judge;
pub mod world;
