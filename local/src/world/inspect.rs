//! Looking into the world and arranging it, for tests, the control calls and the console.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    World,
    accounts::{Account, Calendar, Provider},
    google,
    items::Item,
    microsoft,
    state::State,
};

/// An event as a test wants to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventView {
    /// The provider's id.
    pub id: String,
    /// Its title.
    pub subject: String,
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
    /// The zone it was made in, as the client named it.
    pub zone: String,
    /// Whether it takes whole days.
    pub all_day: bool,
    /// The whole JSON that the client sent.
    pub fields: Value,
}

impl World {
    /// Adds an account; one of the same address is replaced.
    pub fn add_account(&self, account: Account) {
        let mut state = self.locked();
        state.accounts.retain(|a| a.provider != account.provider || a.email != account.email);
        state.accounts.push(account);
    }

    /// The accounts of a provider.
    pub fn accounts(&self, provider: Provider) -> Vec<Account> {
        self.locked().accounts.iter().filter(|account| account.provider == provider).cloned().collect()
    }

    /// Puts a plain event into an account's main calendar, and returns its id.
    pub fn add_event(
        &self,
        provider: Provider,
        email: &str,
        subject: &str,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<String, String> {
        self.add_event_json(provider, email, &plain(provider, subject, start, end))
    }

    /// Puts an event into an account's main calendar from the provider's own JSON, and returns its id.
    pub fn add_event_json(&self, provider: Provider, email: &str, event: &Value) -> Result<String, String> {
        put(&mut self.locked(), provider, email, event, self.clock().now())
    }

    /// The events of an account that are not deleted, by their start; series by their masters.
    pub fn events(&self, provider: Provider, email: &str) -> Vec<EventView> {
        let state = self.locked();
        let mine = |item: &&Item| item.provider == provider && item.account == email && !item.cancelled;
        let mut events: Vec<_> = state.items.iter().filter(mine).map(EventView::of).collect();
        events.sort_by_key(|event| (event.start, event.end));
        events
    }

    /// Takes an account's grants back, as a person does on the provider's page of connected apps.
    pub fn revoke_account(&self, provider: Provider, email: &str) {
        self.locked().end_grants(provider, email);
    }

    /// Makes a person never grant some scopes.
    pub fn set_scopes_unticked(&self, provider: Provider, email: &str, scopes: &[&str]) {
        let mut state = self.locked();
        let mine = |account: &&mut Account| account.provider == provider && account.email == email;
        for account in state.accounts.iter_mut().filter(mine) {
            account.unticked = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        }
    }

    /// How many of an account's grants are live.
    pub fn live_grants(&self, provider: Provider, email: &str) -> usize {
        let live =
            |grant: &&super::state::Grant| grant.live && grant.provider == provider && grant.email == email;
        self.locked().grants.iter().filter(live).count()
    }

    /// The whole state, without secrets.
    pub fn state(&self) -> Value {
        let state = self.locked();
        let per = |provider: Provider| {
            let items = state.items.iter().filter(|item| item.provider == provider);
            let grants = state.grants.iter().filter(|grant| grant.provider == provider && grant.live);
            let calls = state.token_calls.iter().filter(|call| call.provider == provider);
            json!({
                "accounts": state.accounts.iter().filter(|a| a.provider == provider).map(account).collect::<Vec<_>>(),
                "events": items.map(event).collect::<Vec<_>>(),
                "grants": grants.map(|g| json!({"account": g.email, "scopes": g.scopes})).collect::<Vec<_>>(),
                "token_calls": calls.map(|call| json!({
                    "grant_type": call.grant_type, "outcome": call.outcome, "at": call.at.to_string()
                })).collect::<Vec<_>>(),
            })
        };
        json!({
            "google": per(Provider::Google),
            "microsoft": per(Provider::Microsoft),
            "clerk": {"users": state.users.values().collect::<Vec<_>>(), "deliveries": state.deliveries},
            "faults": self.faults().waiting(),
        })
    }
}

impl EventView {
    fn of(item: &Item) -> Self {
        Self {
            id: item.id.clone(),
            subject: subject(item).to_owned(),
            start: item.times.span.start,
            end: item.times.span.end,
            zone: item.times.zone_name.clone(),
            all_day: item.times.all_day,
            fields: Value::Object(item.fields.clone()),
        }
    }
}

/// Writes an event as a client would, without its HTTP.
pub(super) fn put(
    state: &mut State,
    provider: Provider,
    email: &str,
    event: &Value,
    now: Timestamp,
) -> Result<String, String> {
    let account = state.account(provider, email).cloned().ok_or_else(|| format!("no account {email}"))?;
    let calendar: Calendar = account.calendars.first().cloned().ok_or("no calendar")?;
    let fields: Map<String, Value> = event.as_object().cloned().ok_or("an event is an object")?;
    match provider {
        Provider::Google => {
            google::insert(state, &account, &calendar, fields, now).map_err(|refusal| format!("{refusal:?}"))
        }
        Provider::Microsoft => microsoft::insert(state, &account, &calendar, fields, now)
            .map_err(|refusal| format!("{refusal:?}")),
    }
    .map(|item| item.id)
}

/// A provider's JSON of a plain event.
pub(super) fn plain(provider: Provider, subject: &str, start: Timestamp, end: Timestamp) -> Value {
    match provider {
        Provider::Google => json!({
            "summary": subject, "start": {"dateTime": start.to_string()}, "end": {"dateTime": end.to_string()},
        }),
        Provider::Microsoft => json!({
            "subject": subject, "start": {"dateTime": start.to_string(), "timeZone": "UTC"},
            "end": {"dateTime": end.to_string(), "timeZone": "UTC"},
        }),
    }
}

fn subject(item: &Item) -> &str {
    match item.provider {
        Provider::Google => item.text("summary"),
        Provider::Microsoft => item.text("subject"),
    }
    .unwrap_or_default()
}

fn account(account: &Account) -> Value {
    let calendars =
        account.calendars.iter().map(|c| json!({"id": c.id, "name": c.name, "writable": c.writable}));
    json!({
        "email": account.email, "name": account.name, "subject": account.subject, "zone": account.zone,
        "mailbox": account.mailbox, "calendars": calendars.collect::<Vec<_>>(), "unticked": account.unticked,
    })
}

fn event(item: &Item) -> Value {
    json!({
        "id": item.id, "account": item.account, "calendar": item.calendar, "subject": subject(item),
        "start": item.times.span.start.to_string(), "end": item.times.span.end.to_string(),
        "time_zone": item.times.zone_name, "all_day": item.times.all_day, "cancelled": item.cancelled,
        "recurring": item.recurrence.is_some(),
    })
}
