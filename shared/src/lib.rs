//! Everything below the Lambda edge, in three floors: values, outside systems, verbs. Imports only go down.

pub mod calendar;
pub mod clock;
pub mod error;
pub mod http;
pub mod ids;
pub mod providers;
pub mod random;
pub mod range;
pub mod zones;
