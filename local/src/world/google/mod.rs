//! Google Calendar v3 (developers.google.com/calendar/api/v3/reference), as far as a booking service goes.

mod calendars;
mod change;
mod list;
mod refuse;
mod shape;

use axum::{
    Router,
    extract::{Path, State as Shared},
    response::Response,
    routing::{get, post},
};

use super::{
    World,
    accounts::{Account, Calendar, Provider},
    gate::Entry,
    state::State,
    wire::Asked,
};
pub(super) use change::insert;
use refuse::Refusal;

const CALENDAR: &str = "https://www.googleapis.com/auth/calendar";
const READONLY: &str = "https://www.googleapis.com/auth/calendar.readonly";
const EVENTS: &str = "https://www.googleapis.com/auth/calendar.events";
const EVENTS_READONLY: &str = "https://www.googleapis.com/auth/calendar.events.readonly";
const FREEBUSY: &str = "https://www.googleapis.com/auth/calendar.freebusy";
const LIST: &str = "https://www.googleapis.com/auth/calendar.calendarlist.readonly";

/// Scopes, any of which opens an operation.
const TO_LIST_CALENDARS: &[&str] = &[CALENDAR, READONLY, LIST];
const TO_READ: &[&str] = &[CALENDAR, READONLY, EVENTS, EVENTS_READONLY];
const TO_WRITE: &[&str] = &[CALENDAR, EVENTS];
const TO_SEE_BUSY: &[&str] = &[CALENDAR, READONLY, FREEBUSY];

/// One call of the API by one account.
pub(super) struct Call<'a> {
    world: &'a World,
    state: &'a mut State,
    account: Account,
    asked: &'a Asked,
}

type Answer = Result<Response, Refusal>;

pub(super) fn routes() -> Router<World> {
    const EVENT: &str = "/google/calendar/v3/calendars/{calendar}/events/{event}";
    const ALL: &str = "/google/calendar/v3/calendars/{calendar}/events";
    Router::new()
        .route(
            "/google/calendar/v3/users/me/calendarList",
            get(async move |Shared(world): Shared<World>, asked: Asked| {
                opened(&world, &asked, "calendarList.list", TO_LIST_CALENDARS, |call| calendars::list(&call))
                    .await
            }),
        )
        .route(
            "/google/calendar/v3/calendars/{calendar}",
            get(async move |Shared(world): Shared<World>, Path(id): Path<String>, asked: Asked| {
                opened(&world, &asked, "calendars.get", TO_LIST_CALENDARS, |call| calendars::get(&call, &id))
                    .await
            }),
        )
        .route(
            "/google/calendar/v3/freeBusy",
            post(async move |Shared(world): Shared<World>, asked: Asked| {
                opened(&world, &asked, "freebusy.query", TO_SEE_BUSY, |call| calendars::busy(&call)).await
            }),
        )
        .route(
            ALL,
            get(async move |Shared(world): Shared<World>, Path(id): Path<String>, asked: Asked| {
                opened(&world, &asked, "events.list", TO_READ, |call| list::list(&call, &id)).await
            })
            .post(
                async move |Shared(world): Shared<World>, Path(id): Path<String>, asked: Asked| {
                    opened(&world, &asked, "events.insert", TO_WRITE, |call| change::create(call, &id)).await
                },
            ),
        )
        .route(
            EVENT,
            get(
                async move |Shared(world): Shared<World>, Path(ids): Path<(String, String)>, asked: Asked| {
                    opened(&world, &asked, "events.get", TO_READ, |call| list::get(call, &ids.0, &ids.1))
                        .await
                },
            )
            .patch(
                async move |Shared(world): Shared<World>, Path(ids): Path<(String, String)>, asked: Asked| {
                    opened(&world, &asked, "events.patch", TO_WRITE, |call| change::update(call, &ids, false))
                        .await
                },
            )
            .put(
                async move |Shared(world): Shared<World>, Path(ids): Path<(String, String)>, asked: Asked| {
                    opened(&world, &asked, "events.update", TO_WRITE, |call| change::update(call, &ids, true))
                        .await
                },
            )
            .delete(
                async move |Shared(world): Shared<World>, Path(ids): Path<(String, String)>, asked: Asked| {
                    opened(&world, &asked, "events.delete", TO_WRITE, |call| change::delete(call, &ids)).await
                },
            ),
        )
}

/// Lets a call in by its token and scopes, and does it.
async fn opened(
    world: &World,
    asked: &Asked,
    operation: &'static str,
    needs: &[&str],
    act: impl FnOnce(Call<'_>) -> Answer,
) -> Response {
    let entry = Entry {
        system: Provider::Google.as_str(),
        operation,
        token: asked.bearer(),
        refusal: &|fault| Refusal::of_status(fault.status()).answer(),
        reuse: None,
    };
    let act = || {
        let mut state = world.locked();
        let account = state.opened(Provider::Google, asked.bearer(), needs, world.clock().now());
        let answer = match account {
            Err(denied) => Err(Refusal::denied(denied)),
            Ok(account) if !account.mailbox => Err(Refusal::not_a_calendar_user()),
            Ok(account) => act(Call { world, state: &mut state, account, asked }),
        };
        answer.unwrap_or_else(Refusal::answer)
    };
    world.enter(entry, act).await
}

impl Call<'_> {
    /// The calendar of the path.
    fn calendar(&self, id: &str) -> Result<Calendar, Refusal> {
        self.account.calendar(id).cloned().ok_or_else(Refusal::not_found)
    }

    /// The calendar of the path, if it may be written.
    fn writable(&self, id: &str) -> Result<Calendar, Refusal> {
        let calendar = self.calendar(id)?;
        if calendar.writable { Ok(calendar) } else { Err(Refusal::read_only()) }
    }
}
