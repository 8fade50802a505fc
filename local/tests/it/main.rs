//! End to end: the real functions behind the local gateway, against stand-ins that keep state. A world for each test.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops where it is")]

mod attacks;
mod attacks_bookings;
mod attacks_tokens;
mod bodies;
mod booking;
mod bookings;
mod budgets;
mod businesses;
mod connecting;
mod control;
mod events;
mod harness;
mod keeping;
mod killed;
mod operator;
mod permissions;
mod recorded;
mod routes;
mod scheduling;
mod secrets;
mod sessions;
mod settings;
mod simulation;
mod tidy;
mod tokens;
mod users;
mod verifying;
mod voice;
