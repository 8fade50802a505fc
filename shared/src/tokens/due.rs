//! When a connection will die, and when the keeper should look at it. Pure arithmetic.

use jiff::{SignedDuration, Timestamp};

use crate::{
    hours::working_hours,
    providers::spec::spec,
    range::Interval,
    schedule::Schedule,
    store::connections::{Connection, Status, WARN_BEFORE},
};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Idle refresh tokens are used this often: well before Microsoft's 90 days and Google's six months.
const KEEP_ALIVE: SignedDuration = SignedDuration::from_hours(60 * 24);

/// A connection that was used within this time is about to be used again when its owner works.
const IN_USE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Tokens are fresh this long before the owner's hours begin.
const AHEAD: SignedDuration = SignedDuration::from_mins(30);

/// When the provider will forget a connection, if nothing more happens; none where its owner is needed already.
pub fn likely_death(connection: &Connection) -> Option<Timestamp> {
    if connection.status != Status::Active {
        return None;
    }
    if connection.refresh.is_none() {
        return Some(connection.expires_at);
    }
    let idle = later(connection.refreshed_at, spec(connection.provider).idle_lifetime);
    Some(connection.refresh_dies_at.map_or(idle, |dies| dies.min(idle)))
}

/// Whether others should be warned of a connection's end by now.
pub(super) fn warning(connection: &Connection, now: Timestamp) -> Option<Timestamp> {
    let death = likely_death(connection)?;
    (connection.warned_at.is_none() && now >= later(death, -WARN_BEFORE)).then_some(death)
}

/// Whether the keeper should get new tokens: because they are about to be used, or to keep an idle connection alive.
pub(super) fn is_due(connection: &Connection, schedule: Option<&Schedule>, now: Timestamp) -> bool {
    if connection.refresh.is_none() {
        return false;
    }
    let idle = now >= later(connection.refreshed_at, KEEP_ALIVE);
    // At its end the provider says whether it is one.
    let over = likely_death(connection).is_some_and(|death| death <= now);
    let ending = now >= connection.refresh_at;
    idle || over
        || ending
            && is_in_use(connection, now)
            && opens(schedule, now).is_some_and(|at| at <= later(now, AHEAD))
}

/// When the keeper should look again.
pub(super) fn next_look(connection: &Connection, schedule: Option<&Schedule>, now: Timestamp) -> Timestamp {
    let mut looks = vec![later(connection.refreshed_at, KEEP_ALIVE)];
    if let Some(death) = likely_death(connection) {
        looks.push(death);
        if connection.warned_at.is_none() {
            looks.push(later(death, -WARN_BEFORE));
        }
    }
    if connection.refresh.is_some() && is_in_use(connection, now) {
        let soon = opens(schedule, now.max(connection.refresh_at)).map(|at| later(at, -AHEAD));
        looks.extend(soon.map(|at| at.max(connection.refresh_at)));
    }
    let next = looks.into_iter().filter(|at| *at > now).min();
    next.unwrap_or_else(|| later(now, DAY))
}

/// The first look after tokens were written: when they become worth a refresh, or a warning is due before.
pub(super) fn first_look(refresh_at: Timestamp, dies_at: Option<Timestamp>) -> Timestamp {
    dies_at.map_or(refresh_at, |dies| refresh_at.min(later(dies, -WARN_BEFORE)))
}

fn is_in_use(connection: &Connection, now: Timestamp) -> bool {
    now.duration_since(connection.last_used_at) < IN_USE
}

/// When the owner next works, from `from` on; at `from` itself when they are at work. Nobody calls an owner without
/// hours.
fn opens(schedule: Option<&Schedule>, from: Timestamp) -> Option<Timestamp> {
    let window = Interval::new(from, later(from, IN_USE));
    let hours = working_hours(schedule?, window).ok()?;
    hours.first().map(|open| open.start)
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        ids::{ConnectionId, OwnerId, Provider},
        store::row::Blob,
    };

    /// A Monday noon in winter; office hours are from nine to five.
    const NOW: &str = "2026-01-05T12:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Linked and refreshed an hour ago, with a quarter of the token's life gone since it became worth a refresh.
    fn connection(provider: Provider) -> Connection {
        let (now, hour) = (at(NOW), SignedDuration::from_hours(1));
        Connection {
            id: ConnectionId::derived("EXAMPLE"),
            owner: OwnerId::user("user_2EXAMPLE").unwrap(),
            provider,
            account_hash: "00".to_owned(),
            account_email: None,
            scopes: Vec::new(),
            status: Status::Active,
            cause: None,
            token_version: 1,
            access: Blob::default(),
            refresh: Some(Blob::default()),
            data_key_id: "EXAMPLE".to_owned(),
            seals: 2,
            key_since: now - hour,
            expires_at: now + hour / 4,
            refresh_at: now - hour / 4,
            lease_id: None,
            lease_until: None,
            asks: BTreeSet::new(),
            unheard_at: None,
            retry_at: None,
            granted_at: now - hour,
            refreshed_at: now - hour,
            refresh_dies_at: None,
            dead_since: None,
            warned_at: None,
            due_shard: None,
            due_at: None,
            busy_calendars: Vec::new(),
            write_calendar: None,
            created_at: now - hour,
            last_used_at: now - hour,
        }
    }

    fn hours() -> Schedule {
        Schedule::default_in("UTC")
    }

    #[test]
    fn a_connection_dies_of_idleness_of_its_set_end_or_with_its_access_token() {
        let google = connection(Provider::Google);
        assert_eq!(likely_death(&google), Some(google.refreshed_at + DAY * 180));
        let microsoft = connection(Provider::Microsoft);
        assert_eq!(likely_death(&microsoft), Some(microsoft.refreshed_at + DAY * 90));
        let limited = Connection { refresh_dies_at: Some(at(NOW) + DAY * 6), ..google.clone() };
        assert_eq!(likely_death(&limited), limited.refresh_dies_at);
        let without = Connection { refresh: None, ..google.clone() };
        assert_eq!(likely_death(&without), Some(without.expires_at));
        assert_eq!(likely_death(&Connection { status: Status::ReauthRequired, ..google }), None);
    }

    #[test]
    fn others_are_warned_once_and_not_before_two_days() {
        let dies = |days: i32| Connection {
            refresh_dies_at: Some(at(NOW) + DAY * days),
            ..connection(Provider::Google)
        };
        assert_eq!(warning(&dies(3), at(NOW)), None);
        assert_eq!(warning(&dies(2), at(NOW)), Some(at(NOW) + DAY * 2));
        assert_eq!(warning(&Connection { warned_at: Some(at(NOW)), ..dies(2) }, at(NOW)), None);
        assert_eq!(next_look(&dies(3), None, at(NOW)), at(NOW) + DAY);
    }

    #[test]
    fn tokens_are_renewed_ahead_while_the_owner_works_and_the_connection_is_in_use() {
        let used = connection(Provider::Google);
        assert!(is_due(&used, Some(&hours()), at(NOW)));
        assert!(!is_due(&used, None, at(NOW)), "nobody calls an owner without hours");
        let young = Connection { refresh_at: at(NOW) + DAY, ..used.clone() };
        assert!(!is_due(&young, Some(&hours()), at(NOW)));
        let quiet = Connection { last_used_at: at(NOW) - DAY * 8, ..used.clone() };
        assert!(!is_due(&quiet, Some(&hours()), at(NOW)));
        assert!(!is_due(&Connection { refresh: None, ..used.clone() }, Some(&hours()), at(NOW)));
        assert!(!is_due(&used, Some(&hours()), at("2026-01-05T18:00:00Z")), "closed");
        assert!(is_due(&used, Some(&hours()), at("2026-01-06T08:30:00Z")), "about to open");
    }

    #[test]
    fn the_next_look_is_before_the_hours_begin_or_when_idleness_gets_long() {
        let used = connection(Provider::Google);
        let evening = at("2026-01-05T18:00:00Z");
        assert_eq!(next_look(&used, Some(&hours()), evening), at("2026-01-06T08:30:00Z"));
        let quiet = Connection { last_used_at: evening - DAY * 8, ..used };
        assert_eq!(next_look(&quiet, Some(&hours()), evening), quiet.refreshed_at + DAY * 60);
        assert!(is_due(&quiet, Some(&hours()), quiet.refreshed_at + DAY * 60));
    }

    #[test]
    fn the_next_look_is_always_ahead() {
        let mut row = connection(Provider::Microsoft);
        for days in [0, 1, 2, 30, 59, 60, 61, 88, 90, 91, 400] {
            let now = row.refreshed_at + DAY * days;
            for (used, schedule) in [(now, Some(hours())), (at(NOW), None)] {
                row.last_used_at = used;
                assert!(next_look(&row, schedule.as_ref(), now) > now, "{days}");
            }
        }
    }
}
