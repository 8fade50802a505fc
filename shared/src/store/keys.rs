//! The only place that builds a key. docs/DATA.md shows the same table.

use jiff::civil::Date;

use super::row::Key;
use crate::{
    ids::{BookingId, ConnectionId, CredentialId, HoldId, OwnerId, Provider, ServiceTokenId},
    service::ServiceId,
};

fn key(pk: String, sk: impl Into<String>) -> Key {
    Key { pk, sk: sk.into() }
}

/// `connections`: everything of an owner.
pub fn owner(owner: &OwnerId) -> String {
    format!("OWNER#{owner}")
}

/// `connections`: one connection.
pub fn connection(of: &OwnerId, id: &ConnectionId) -> Key {
    key(owner(of), format!("CONNECTION#{id}"))
}

/// `connections`: how many parts the index of what is due has; one partition takes 1,000 writes a second.
pub const DUE_SHARDS: u8 = 8;

/// `connections`: the part of the index of what is due that a connection is in.
pub fn due_shard(id: &ConnectionId) -> String {
    // Ids are random or hashes: their last byte spreads evenly.
    let last = id.as_str().bytes().last().unwrap_or_default();
    due_shard_at(last % DUE_SHARDS)
}

/// `connections`: one part of the index of what is due, from 0 to [`DUE_SHARDS`].
pub fn due_shard_at(shard: u8) -> String {
    format!("DUE#{shard}")
}

/// `connections`: the owner's settings (default connection, schedule).
pub fn settings(of: &OwnerId) -> Key {
    key(owner(of), "SETTINGS")
}

/// `connections`: what is told about a business.
pub fn business(of: &OwnerId) -> Key {
    key(owner(of), "BUSINESS")
}

/// `connections`: one thing that an owner can be booked for.
pub fn service(of: &OwnerId, id: &ServiceId) -> Key {
    key(owner(of), format!("SERVICE#{id}"))
}

/// `connections`: who else linked the same account, so that a disconnect cuts nobody off.
pub fn account(provider: Provider, account_hash: &str) -> String {
    format!("ACCOUNT#{provider}#{account_hash}")
}

/// `connections`: one link of an account.
pub fn account_link(provider: Provider, account_hash: &str, id: &ConnectionId) -> Key {
    key(account(provider, account_hash), format!("CONNECTION#{id}"))
}

/// `keys`: one wrapped data key of a connection.
pub fn data_key(connection: &ConnectionId, id: &str) -> Key {
    key(format!("CONNECTION#{connection}"), format!("KEY#{id}"))
}

/// `outbox`: one event about something of an owner's.
pub fn event(of: &OwnerId, at: jiff::Timestamp, id: &str) -> Key {
    key(owner(of), format!("EVENT#{:013}#{id}", at.as_millisecond()))
}

/// `flows`: one attempt to connect, by its id (the hash of its state).
pub fn flow(id: &str) -> Key {
    key(format!("FLOW#{id}"), "FLOW")
}

/// `flows`: how often something was asked in one window of time.
pub fn rate(what: &str, who: &str, window: i64) -> Key {
    key(format!("RATE#{what}#{who}"), format!("WINDOW#{window}"))
}

/// `flows`: a webhook that was seen.
pub fn webhook(source: &str, id: &str) -> Key {
    key(format!("WEBHOOK#{source}#{id}"), "SEEN")
}

/// `flows`: an operation's finished answer, so that a repeat replays it.
pub fn idempotency(scope: &str, name: &str) -> Key {
    key(format!("IDEMPOTENCY#{scope}"), format!("KEY#{name}"))
}

/// `directory`: a Clerk user.
pub fn user(clerk_id: &str) -> Key {
    key(format!("USER#{clerk_id}"), "USER")
}

/// `directory`: a user's membership in a tenant.
pub fn membership(clerk_id: &str, tenant: &OwnerId) -> Key {
    key(format!("USER#{clerk_id}"), format!("MEMBER#{tenant}"))
}

/// `directory`: a service token.
pub fn service_token(id: &ServiceTokenId) -> Key {
    key(format!("SERVICE_TOKEN#{id}"), "TOKEN")
}

/// `directory`: a VAPI credential.
pub fn credential(id: &CredentialId) -> Key {
    key(format!("VAPI_CREDENTIAL#{id}"), "CREDENTIAL")
}

/// `directory`: a tenant's routes from calls to owners.
pub fn routes(tenant: &OwnerId) -> String {
    format!("TENANT#{tenant}")
}

/// `directory`: one route.
pub fn route(tenant: &OwnerId, match_on: &str) -> Key {
    key(routes(tenant), format!("ROUTE#{match_on}"))
}

/// `bookings`: an owner's ledger of one UTC day.
pub fn day(of: &OwnerId, day: Date) -> Key {
    key(owner(of), format!("DAY#{day}"))
}

/// `bookings`: one hold.
pub fn hold(of: &OwnerId, id: &HoldId) -> Key {
    key(owner(of), format!("HOLD#{id}"))
}

/// `bookings`: the part of the index of unfinished work that a booking is in.
pub fn work_shard(id: &BookingId) -> String {
    let last = id.as_str().bytes().last().unwrap_or_default();
    work_shard_at(last % DUE_SHARDS)
}

/// `bookings`: one part of the index of unfinished work, from 0 to [`DUE_SHARDS`].
pub fn work_shard_at(shard: u8) -> String {
    format!("WORK#{shard}")
}

/// `bookings`: what says that everything of an owner is to be erased.
pub fn erasure(of: &OwnerId) -> Key {
    key(owner(of), "ERASURE")
}

/// `bookings`: the part of the index of unfinished work that an erasure is in.
pub fn erasure_shard(of: &OwnerId) -> String {
    let last = of.id().bytes().last().unwrap_or_default();
    work_shard_at(last % DUE_SHARDS)
}

/// `bookings`: one booking.
pub fn booking(of: &OwnerId, id: &BookingId) -> Key {
    key(owner(of), format!("BOOKING#{id}"))
}
