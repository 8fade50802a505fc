//! The whole world on loopback, and what is played on it: demo, judge and tests.

pub mod aws;
pub mod gateway;
pub mod judge;
mod loopback;
pub mod world;
