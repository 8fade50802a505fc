//! The whole world on loopback: gateway, outside systems, demo, judge and test bed.

pub mod judge;
