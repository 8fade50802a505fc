//! What Clerk says: session tokens, and webhooks about users and organisations.

pub mod event;
pub mod session;

pub use event::{ClerkEvent, Membership, MembershipOp, UserRow, clerk_event};
