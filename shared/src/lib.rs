//! Everything below the Lambda edge, in three floors: values, outside systems, verbs. Imports only go down.

pub mod calendar;
pub mod clerk;
pub mod clock;
pub mod error;
pub mod http;
pub mod ids;
pub mod jwks;
pub mod providers;
pub mod random;
pub mod range;
pub mod vapi;
pub mod webhooks;
