//! The whole world on loopback, and what drives it.

pub mod world;
