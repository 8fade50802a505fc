//! The software against a world that fails by a seed: the real SDK and our own code over in-process connectors, one
//! thread, virtual time, every outside request delayed, refused, lost or cut off as the dice say. The same seed does
//! the same again.
//!
//! A request in flight is the world's: whoever sent it may give up or die, and it happens all the same.

pub mod bookings;
pub mod command;
mod dice;
mod gate;
mod grants;
mod process;
pub mod refreshers;
mod tables;
pub mod tokens;
mod verdict;
mod wires;
mod world;
