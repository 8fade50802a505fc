//! End to end: the real functions behind the local gateway, against stand-ins that keep state. A world for each test.

mod booking;
mod budgets;
mod connecting;
mod events;
mod harness;
mod recorded;
mod routes;
mod secrets;
mod sessions;
mod tidy;
mod tokens;
mod users;
mod voice;
