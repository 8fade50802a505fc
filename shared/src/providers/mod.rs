//! The calendar providers: a table of facts, one OAuth implementation, and a file for each provider's wire.

pub mod failure;
