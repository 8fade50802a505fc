//! Bookings while the owner, somebody's hand or the provider changes the calendar behind them.

use local::world::{
    Account, DEFAULT_EMAIL, Provider,
    faults::{Fault, Kind},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    FOUR, HALF_PAST, THREE, booked, event_id, only_google, path, post, reconcile, shown, starts, wanted,
};
use crate::harness::Town;

/// A second calendar that can be written to.
const SECOND: &str = "c_example@group.calendar.google.com";

async fn with_a_second_calendar() -> (Town, String) {
    let town = Town::new().await;
    let mut account = Account::google(DEFAULT_EMAIL).in_zone("Europe/London");
    account.calendars[1].writable = true;
    SECOND.clone_into(&mut account.calendars[1].id);
    town.stack.world.add_account(account);
    let id = town.connect("google").await;
    (town, id)
}

async fn select(town: &Town, connection: &str, busy: &[&str], write: Option<&str>) {
    let body = json!({"connection_id": connection, "busy": busy, "write": write});
    let answer = town.call(Method::PUT, "/calendar/calendars/selection", Some(body)).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

/// A booking that stands, whose event was written without our hearing of it.
async fn unheard(town: &Town, provider: Provider) -> Value {
    let create = if provider == Provider::Google { "events.insert" } else { "events.create" };
    town.arm(Fault::new(provider.as_str(), create, Kind::DropAfterCommit).times(2));
    let made = booked(town, THREE).await;
    assert_eq!(made["calendar_sync"], "pending");
    assert_eq!(starts(town), [THREE]);
    made
}
