//! Everything below the Lambda edge, in three floors: values, outside systems, verbs. Imports only go down.

pub mod aws;
pub mod calendar;
pub mod civil;
pub mod clock;
pub mod config;
pub mod error;
pub mod flowkey;
pub mod hours;
pub mod http;
pub mod ids;
pub mod providers;
pub mod random;
pub mod range;
pub mod schedule;
pub mod seal;
pub mod secrets;
pub mod slots;
pub mod speech;
pub mod vault;
pub mod zones;
