//! The whole world on loopback, for the demo, the judge and the tests.

pub mod judge;
