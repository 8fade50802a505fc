//! VAPI: the messages it sends to a server, and the signatures it can put on them.

pub mod message;
pub mod signature;
