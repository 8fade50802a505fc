//! Microsoft Graph v1.0 (learn.microsoft.com/graph/api/resources/calendar), as far as a booking service goes.

mod change;
mod me;
mod refuse;
mod shape;
mod view;

use axum::{
    Router,
    extract::{Path, State as Shared},
    response::Response,
    routing::get,
};
use jiff::tz::TimeZone;

use super::{
    World,
    accounts::{Account, Calendar, Provider},
    gate::Entry,
    state::State,
    wire::Asked,
    zones,
};
pub(super) use change::insert;
use refuse::Refusal;

const TO_KNOW_ME: &[&str] = &["User.Read", "User.ReadWrite"];
const TO_SEE_SETTINGS: &[&str] = &["MailboxSettings.Read", "MailboxSettings.ReadWrite"];
const TO_READ: &[&str] = &["Calendars.Read", "Calendars.ReadWrite", "Calendars.ReadBasic"];
const TO_WRITE: &[&str] = &["Calendars.ReadWrite"];

/// One call of the API by one account.
pub(super) struct Call<'a> {
    world: &'a World,
    state: &'a mut State,
    account: Account,
    asked: &'a Asked,
    /// The zone that times are shown in, and its name as the client wrote it.
    shown: (TimeZone, String),
}

type Answer = Result<Response, Refusal>;

pub(super) fn routes() -> Router<World> {
    let main = Router::new()
        .route(
            "/graph/v1.0/me",
            get(async move |Shared(world): Shared<World>, asked: Asked| {
                opened(&world, &asked, "me", TO_KNOW_ME, |call| Ok(me::me(&call))).await
            }),
        )
        .route(
            "/graph/v1.0/me/mailboxSettings",
            get(async move |Shared(world): Shared<World>, asked: Asked| {
                opened(&world, &asked, "mailboxSettings", TO_SEE_SETTINGS, |call| me::settings(&call)).await
            }),
        )
        .route(
            "/graph/v1.0/me/calendars",
            get(async move |Shared(world): Shared<World>, asked: Asked| {
                opened(&world, &asked, "calendars", TO_READ, |call| me::calendars(&call)).await
            }),
        )
        .route(
            "/graph/v1.0/me/calendar",
            get(async move |Shared(world): Shared<World>, asked: Asked| {
                opened(&world, &asked, "calendars", TO_READ, |call| me::calendar(&call)).await
            }),
        );
    let main = ["/graph/v1.0/me", "/graph/v1.0/me/calendar"].into_iter().fold(main, |router, under| {
        router
            .route(
                &format!("{under}/calendarView"),
                get(async move |Shared(world): Shared<World>, asked: Asked| {
                    opened(&world, &asked, "calendarView", TO_READ, |call| view::expanded(&call, None)).await
                }),
            )
            .route(
                &format!("{under}/events"),
                get(async move |Shared(world): Shared<World>, asked: Asked| {
                    opened(&world, &asked, "events.list", TO_READ, |call| view::masters(&call, None)).await
                })
                .post(async move |Shared(world): Shared<World>, asked: Asked| {
                    opened(&world, &asked, "events.create", TO_WRITE, |call| change::create(call, None)).await
                }),
            )
    });
    main.merge(of_calendar()).merge(of_event("/graph/v1.0/me/events/{event}"))
}

fn of_calendar() -> Router<World> {
    Router::new()
        .route(
            "/graph/v1.0/me/calendars/{calendar}/calendarView",
            get(async move |Shared(world): Shared<World>, Path(id): Path<String>, asked: Asked| {
                opened(&world, &asked, "calendarView", TO_READ, |call| view::expanded(&call, Some(&id))).await
            }),
        )
        .route(
            "/graph/v1.0/me/calendars/{calendar}/events",
            get(async move |Shared(world): Shared<World>, Path(id): Path<String>, asked: Asked| {
                opened(&world, &asked, "events.list", TO_READ, |call| view::masters(&call, Some(&id))).await
            })
            .post(
                async move |Shared(world): Shared<World>, Path(id): Path<String>, asked: Asked| {
                    opened(&world, &asked, "events.create", TO_WRITE, |call| change::create(call, Some(&id)))
                        .await
                },
            ),
        )
        .merge(of_event("/graph/v1.0/me/calendars/{calendar}/events/{event}"))
}

/// One event; Graph finds it by its id alone, whatever calendar the path names.
fn of_event(path: &str) -> Router<World> {
    type Ids = Path<std::collections::HashMap<String, String>>;
    let id = |Path(ids): &Ids| ids.get("event").cloned().unwrap_or_default();
    Router::new().route(
        path,
        get(async move |Shared(world): Shared<World>, ids: Ids, asked: Asked| {
            opened(&world, &asked, "events.get", TO_READ, |call| view::get(call, &id(&ids))).await
        })
        .patch(async move |Shared(world): Shared<World>, ids: Ids, asked: Asked| {
            opened(&world, &asked, "events.update", TO_WRITE, |call| change::update(call, &id(&ids))).await
        })
        .delete(async move |Shared(world): Shared<World>, ids: Ids, asked: Asked| {
            opened(&world, &asked, "events.delete", TO_WRITE, |call| change::delete(call, &id(&ids))).await
        }),
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
    let now = world.clock().now();
    let entry = Entry {
        system: Provider::Microsoft.as_str(),
        operation,
        token: asked.bearer(),
        refusal: &|fault| Refusal::of_status(fault.status()).answer(now),
        reuse: None,
    };
    let act = || {
        let mut state = world.locked();
        let now = world.clock().now();
        let opened = state.opened(Provider::Microsoft, asked.bearer(), needs, now);
        let answer = match opened {
            Err(denied) => Err(Refusal::denied(denied)),
            Ok(account) if !account.mailbox && operation != "me" => Err(Refusal::no_mailbox()),
            Ok(account) => preferred(asked)
                .and_then(|shown| act(Call { world, state: &mut state, account, asked, shown })),
        };
        answer.unwrap_or_else(|refusal| refusal.answer(now))
    };
    world.enter(entry, act).await
}

/// The zone of `Prefer: outlook.timezone="…"`; UTC when nothing is said.
fn preferred(asked: &Asked) -> Result<(TimeZone, String), Refusal> {
    let values = asked.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split(',')).map(str::trim);
    let name = preferences.find_map(|one| one.strip_prefix("outlook.timezone=")).map(|n| n.trim_matches('"'));
    match name {
        None => Ok((TimeZone::UTC, "UTC".to_owned())),
        Some(name) => {
            let zone = zones::named(name).ok_or_else(|| Refusal::unknown_zone(name))?;
            Ok((zone, name.to_owned()))
        }
    }
}

impl Call<'_> {
    /// The calendar of the path, or the default one.
    fn calendar(&self, id: Option<&str>) -> Result<Calendar, Refusal> {
        let found = match id {
            Some(id) => self.account.calendars.iter().find(|calendar| calendar.id == id),
            None => self.account.calendars.first(),
        };
        found.cloned().ok_or_else(Refusal::not_found)
    }
}
