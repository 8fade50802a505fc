//! Clerk: its session tokens, the keys they are signed with, and the events its webhooks carry.

pub mod event;
pub mod keys;
pub mod session;

#[cfg(test)]
pub(crate) mod test_keys;
