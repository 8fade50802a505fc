//! `explain`: what stands with a connection, why, and what happens next. Reads; neither tokens nor e-mail addresses.

use jiff::Timestamp;
use serde_json::json;
use shared::{
    app::App,
    ids::{ConnectionId, OwnerId},
    store::{
        connections::{Connection, OwnerRows, Status},
        datakeys::WrappedKey,
    },
    tokens,
    vault::{LONGEST_USE, MOST_SEALS},
};

use super::told;

pub(super) async fn run(
    app: &App,
    owner: &OwnerId,
    only: Option<&ConnectionId>,
    say: &mut impl FnMut(&str),
) -> Result<(), String> {
    let rows = app.store.owner_rows(owner).await.map_err(told)?;
    let wanted: Vec<_> = rows.connections.iter().filter(|row| only.is_none_or(|id| row.id == *id)).collect();
    if wanted.is_empty() {
        return Err(match only {
            Some(id) => format!("{owner} has no connection {id}"),
            None => format!("{owner} has no connection; {}", app.connect_url(owner, None)),
        });
    }
    for row in wanted {
        let keys = app.store.data_keys(&row.id).await.map_err(told)?;
        let linked = app.store.links_of_account(row.provider, &row.account_hash).await.map_err(told)?;
        say("");
        for line in lines(app, &rows, row, &keys, linked) {
            say(&line);
        }
    }
    Ok(())
}

fn lines(app: &App, rows: &OwnerRows, row: &Connection, keys: &[WrappedKey], linked: usize) -> Vec<String> {
    let now = app.clock.now();
    let default = rows.default_connection().is_some_and(|default| default.id == row.id);
    let note = if default { ", the one that is written to" } else { "" };
    let mut lines = vec![format!("{} of {}: {}{note}", row.id, row.owner, row.provider.title())];
    let mut tell = |name: &str, text: String| lines.push(format!("  {name:<12}{text}"));
    tell("state", state(row, now));
    if let Some(fix) = tokens::fix(row) {
        tell("what to do", fix.to_owned());
        tell("at", app.connect_url(&row.owner, Some(row.provider)));
    }
    tell("consent", consent(row, linked, now));
    tell("tokens", access(row, now));
    tell("renewal", renewal(row, now));
    tell("keeper", keeper(row, now));
    if let Some(death) = tokens::likely_death(row) {
        tell("ends", format!("{} if nobody renews it until then", when(death, now)));
    }
    tell("data key", data_key(app, row, keys, now));
    let write = row.write_calendar.as_deref().map_or("the account's own", |_| "a chosen one");
    let busy = match row.busy_calendars.len() {
        0 => "the account's own".to_owned(),
        chosen => format!("{chosen} chosen ones"),
    };
    tell("calendars", format!("busy by {busy}; written to {write}"));
    lines
}

fn state(row: &Connection, now: Timestamp) -> String {
    let mut text = row.status.as_str().to_owned();
    if let Some(cause) = row.cause {
        text += &format!(", because of {}", json!(cause).as_str().unwrap_or_default());
    }
    if let Some(since) = row.dead_since {
        text += &format!(", told to others {}", when(since, now));
    }
    text
}

fn consent(row: &Connection, linked: usize, now: Timestamp) -> String {
    let others = match linked {
        0 | 1 => String::new(),
        all => format!("; {} other connections link the same account", all - 1),
    };
    format!("given {}, {} scopes{others}", when(row.granted_at, now), row.scopes.len())
}

fn access(row: &Connection, now: Timestamp) -> String {
    let refresh = match (&row.refresh, row.refresh_dies_at) {
        (None, _) => "no refresh token".to_owned(),
        (Some(_), None) => "with a refresh token".to_owned(),
        (Some(_), Some(dies)) => format!("with a refresh token that ends {}", when(dies, now)),
    };
    let (written, ends) = (when(row.refreshed_at, now), when(row.expires_at, now));
    format!("version {}, written {written}; the access token ends {ends}; {refresh}", row.token_version)
}

fn renewal(row: &Connection, now: Timestamp) -> String {
    let mut text = match row.lease_until.filter(|until| *until > now) {
        Some(until) => format!("under way; believed until {}", when(until, now)),
        None => format!("nobody is at it; worth it from {}", when(row.refresh_at, now)),
    };
    if let Some(at) = row.retry_at.filter(|at| *at > now) {
        text += &format!("; the provider is not asked before {}", when(at, now));
    }
    if !row.asks.is_empty() {
        text += &format!("; {} asks with this refresh token whose answer nobody heard", row.asks.len());
    }
    if let Some(at) = row.unheard_at {
        text += &format!("; an ask with the tokens before was unheard {}", when(at, now));
    }
    text
}

fn keeper(row: &Connection, now: Timestamp) -> String {
    let used = when(row.last_used_at, now);
    match row.due_at {
        Some(at) => format!("looks {}; last used {used}", when(at, now)),
        None if row.status == Status::Active => format!("does not look: this is wrong; last used {used}"),
        None => format!("has nothing to do; last used {used}"),
    }
}

fn data_key(app: &App, row: &Connection, keys: &[WrappedKey], now: Timestamp) -> String {
    let Some(key) = keys.iter().find(|key| key.id == row.data_key_id) else {
        return format!("{} is gone: its tokens cannot be opened", row.data_key_id);
    };
    let wrapped = match &key.kms_key {
        Some(name) if *name == app.config.kms_key_id => "the configured KMS key".to_owned(),
        Some(name) => name.clone(),
        None => "whichever KMS key was configured".to_owned(),
    };
    let older = match keys.len() {
        1 => String::new(),
        all => format!("; {} other keys are kept", all - 1),
    };
    let next = row.key_since.saturating_add(LONGEST_USE).unwrap_or(row.key_since);
    format!(
        "{}, wrapped by {wrapped}; sealed {} of {MOST_SEALS} times; a new one at the latest {}{older}",
        key.id,
        row.seals,
        when(next, now)
    )
}

/// An instant to the second, and how far from now it is.
fn when(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.as_second() - now.as_second();
    let (length, unit) = match seconds.abs() {
        length @ ..120 => (length, "s"),
        length @ 120..7_200 => (length / 60, "min"),
        length @ 7_200..172_800 => (length / 3_600, "h"),
        length => (length / 86_400, "days"),
    };
    let distance = match seconds {
        0 => "now".to_owned(),
        ..0 => format!("{length} {unit} ago"),
        1.. => format!("{length} {unit} from now"),
    };
    format!("{} ({distance})", at.strftime("%Y-%m-%dT%H:%M:%SZ"))
}
