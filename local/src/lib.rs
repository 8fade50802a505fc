//! The whole world on loopback, and what drives it.

pub mod aws;
pub mod gateway;
mod loopback;
pub mod world;
