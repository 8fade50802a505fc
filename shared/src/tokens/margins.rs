//! How long things may take and when they are worth it, each with its reason.

use std::time::Duration;

use jiff::SignedDuration;

use super::Patience;
use crate::providers::spec::Rotation;

/// A token that lives at least this long is used as it is: no call of ours takes longer.
pub(super) const ENOUGH_LIFE: SignedDuration = SignedDuration::from_secs(60);

/// From this part of its life on a token is worth a refresh: a quarter leaves time for many attempts.
pub(super) fn worth_a_refresh_after(life: SignedDuration) -> SignedDuration {
    life * 3 / 4
}

/// `last_used_at` moves at most this often.
pub(super) const TOUCH_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Longer than one ask, its write and a rescue together, with clocks that are a few seconds apart.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// Whoever finds a lease that ran out may use a refresh token that another has used up: where it works only once, the
/// rescue queue gets the time to bring the new one, with several deliveries after an outage. Nothing is lost by waiting:
/// without a rescue the token is gone.
const LEASE_SINGLE_USE: SignedDuration = SignedDuration::from_mins(10);

pub(super) fn lease(rotation: Rotation) -> SignedDuration {
    match rotation {
        Rotation::KeepsOld | Rotation::Replaces => LEASE,
        Rotation::SingleUse => LEASE_SINGLE_USE,
    }
}

/// How often a loser of the lease looks for the winner's tokens.
pub(super) const POLL_EVERY: Duration = Duration::from_millis(200);

impl Patience {
    /// How long somebody waits for tokens that another is getting: on the phone a sentence must come soon, a request
    /// waits a little longer than the one provider call takes.
    pub(super) fn wait(self) -> SignedDuration {
        match self {
            Self::Voice => SignedDuration::from_secs(4),
            Self::Request => SignedDuration::from_secs(12),
        }
    }
}

/// The write of new tokens gets this long, the SDK's own repeats included, before they go to the rescue queue.
pub(super) const COMMIT: Duration = Duration::from_secs(4);

/// Kept free behind the provider's answer: the write, and the rescue queue after it.
pub(super) const AFTER_ANSWER: Duration = Duration::from_secs(6);

/// An ask that would get less than this is not started: cutting a slow answer off costs a single-use token.
pub(super) const LEAST_ASK: Duration = Duration::from_secs(5);

/// After a 429 or 503 that does not say how long to wait.
pub(super) const THROTTLED: SignedDuration = SignedDuration::from_secs(5);

/// After an outage: the next caller may try again at once, but not all of them together.
pub(super) const OUTAGE: SignedDuration = SignedDuration::from_secs(2);

/// After a refusal of our registration: nothing changes until an operator acts.
pub(super) const MISCONFIGURED: SignedDuration = SignedDuration::from_secs(30);

/// The longest wait for one connection that we let a provider ask for.
pub(super) const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// Asks of one request that an outage or a short `Retry-After` may cost.
pub(super) const MOST_ASKS: u32 = 2;

/// A forced refresh of tokens younger than this does nothing: a button that is pressed twice.
pub(super) const FORCED_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// The keeper comes back to a connection that could not be refreshed.
pub(super) const KEEPER_AGAIN: SignedDuration = SignedDuration::from_mins(5);
