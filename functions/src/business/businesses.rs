//! Businesses themselves, and the calendars of their accounts.

use axum::{Json as Answer, extract::State};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    access::Need,
    app::App,
    businesses::{self, Change, New},
    calendars,
    error::Error,
    ids::{OwnerId, Provider},
    random,
    schedule::Schedule,
    store::connections::OwnerRows,
    zones,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Acting, Which, Writer, acting};
use crate::{
    connection::{self, ConnectionStatus},
    connections::{Calendars, shown},
    events::schedule::ScheduleBody,
    extract::{Asking, Json, PathId, idempotency_key, said},
    problem::Problem,
};

/// Longer than the name of any business.
const MOST_NAME: usize = 200;

/// The routes of this part of the face.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(make_business))
        .routes(routes!(get_business, change_business))
        .routes(routes!(list_business_calendars))
}

/// A business that is to be made.
#[derive(Deserialize, Serialize, ToSchema)]
struct NewBusiness {
    /// What people call it.
    #[schema(max_length = 200)]
    name: String,
    /// `false` keeps bookings out of its calendar; a business that does so needs no calendar.
    auto_sync_bookings: Option<bool>,
    /// IANA or Windows zone, where no schedule is sent: office hours in that zone.
    #[schema(example = "America/New_York")]
    google_calendar_timezone: Option<String>,
    /// When it takes appointments; what its calendar account says when nothing is said.
    #[schema(value_type = Option<ScheduleBody>)]
    schedule: Option<Schedule>,
}

/// What is to be changed; what is not said stays.
#[derive(Deserialize, ToSchema)]
struct BusinessChange {
    /// What people call it.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// `false` keeps bookings out of its calendar.
    auto_sync_bookings: Option<bool>,
    /// IANA or Windows zone of its hours; they stay what they are on the dial.
    google_calendar_timezone: Option<String>,
    /// The calendar of its Google account that bookings are written to and whose events block time.
    google_calendar_id: Option<String>,
    /// When it takes appointments, whole.
    #[schema(value_type = Option<ScheduleBody>)]
    schedule: Option<Schedule>,
}

/// A business.
#[derive(Serialize, ToSchema)]
#[schema(as = Business)]
struct BusinessView {
    /// Its id.
    #[schema(example = "biz_0123456789abcdefghijklmnop")]
    id: String,
    /// The same as `?owner=` of the calendar routes takes it.
    #[schema(example = "business:biz_0123456789abcdefghijklmnop")]
    owner: String,
    /// What people call it; none for a Clerk organisation that nobody named here.
    name: Option<String>,
    /// Whether bookings are written to its calendar.
    auto_sync_bookings: bool,
    /// Whether its Google connection works.
    google_calendar_connected: bool,
    /// When the access token of its Google connection expires; it is renewed before that.
    #[schema(value_type = Option<String>, format = DateTime)]
    google_token_expires_at: Option<Timestamp>,
    /// The Google calendar that is written to; `primary` is the account's own.
    google_calendar_id: Option<String>,
    /// IANA zone of its hours, once it is known.
    google_calendar_timezone: Option<String>,
    /// When it takes appointments, once that is known.
    #[schema(value_type = Option<ScheduleBody>)]
    schedule: Option<Schedule>,
    /// What is connected.
    connections: Vec<ConnectionStatus>,
    /// Where a member connects a calendar: Google's, or another where Google is not enabled.
    connect_url: String,
    /// When it was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    /// When its name was last set.
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

/// Makes a business. Whoever makes it becomes its admin; a service token's tenant manages it.
#[utoipa::path(post, path = "/api/v1/businesses", tag = "businesses", request_body = NewBusiness,
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the same business")),
    responses((status = 201, description = "Made", body = BusinessView)),
    security(("clerk_session" = []), ("service_token" = [])))]
async fn make_business(
    State(app): State<App>,
    Writer(asking): Writer,
    headers: HeaderMap,
    Json(body): Json<NewBusiness>,
) -> Result<(StatusCode, Answer<BusinessView>), Problem> {
    said("name", &body.name, MOST_NAME)?;
    let asked = serde_json::to_vec(&body).map_err(|error| Error::internal(error.to_string()))?;
    let asked = random::hex(&random::sha256(&asked));
    let repeat = idempotency_key(&headers)?.map(|key| (key.to_owned(), asked));
    let zone = body.google_calendar_timezone.as_deref();
    let new = New {
        name: body.name.trim().to_owned(),
        auto_sync_bookings: body.auto_sync_bookings,
        schedule: in_zone(body.schedule, zone, || None)?,
        repeat,
    };
    let (owner, _) = businesses::create(&app, &asking.0, new).await?;
    let rows = app.store.owner_rows(&owner).await?;
    Ok((StatusCode::CREATED, Answer(view(&app, &owner, rows))))
}

/// A business and what is connected.
#[utoipa::path(get, path = "/api/v1/businesses/{id}", tag = "businesses",
    params(("id" = String, Path, description = "The business")),
    responses((status = 200, description = "The business", body = BusinessView)),
    security(("clerk_session" = []), ("service_token" = [])))]
async fn get_business(
    State(app): State<App>,
    asking: Asking,
    PathId(id): PathId,
) -> Result<Answer<BusinessView>, Problem> {
    let owner = acting(&app, &asking, Some(&id), Need::Read).await?;
    let rows = app.store.owner_rows(&owner).await?;
    Ok(Answer(view(&app, &owner, rows)))
}

/// Changes a business.
#[utoipa::path(patch, path = "/api/v1/businesses/{id}", tag = "businesses", request_body = BusinessChange,
    params(("id" = String, Path, description = "The business")),
    responses((status = 200, description = "As it is then", body = BusinessView)),
    security(("clerk_session" = []), ("service_token" = [])))]
async fn change_business(
    State(app): State<App>,
    Writer(asking): Writer,
    PathId(id): PathId,
    Json(body): Json<BusinessChange>,
) -> Result<Answer<BusinessView>, Problem> {
    body.name.as_ref().map_or(Ok(()), |name| said("name", name, MOST_NAME))?;
    let owner = acting(&app, &asking, Some(&id), Need::Write).await?;
    let rows = app.store.owner_rows(&owner).await?;
    let zone = body.google_calendar_timezone.as_deref();
    let change = Change {
        name: body.name.map(|name| name.trim().to_owned()),
        auto_sync_bookings: body.auto_sync_bookings,
        schedule: in_zone(body.schedule, zone, || rows.settings.schedule.clone())?,
        google_calendar_id: body.google_calendar_id,
    };
    let rows = businesses::change(&app, &owner, rows, change).await?;
    Ok(Answer(view(&app, &owner, rows)))
}

/// The calendars of every connection of a business that works.
#[utoipa::path(get, path = "/api/v1/calendars", tag = "businesses", params(Which),
    responses((status = 200, description = "The calendars and what each is used for", body = Calendars)),
    security(("clerk_session" = []), ("service_token" = [])))]
async fn list_business_calendars(
    State(app): State<App>,
    Acting(owner): Acting,
) -> Result<Answer<Calendars>, Problem> {
    let connections = calendars::list_calendars(&app, &owner).await?;
    Ok(Answer(Calendars { connections: connections.into_iter().map(shown).collect() }))
}

/// A schedule that was sent, or the one that was kept or the usual one in the zone that was sent. Both must agree.
fn in_zone(
    sent: Option<Schedule>,
    zone: Option<&str>,
    kept: impl FnOnce() -> Option<Schedule>,
) -> Result<Option<Schedule>, Error> {
    let Some(zone) = zone else { return Ok(sent) };
    let wrong = |reason: &'static str| Error::invalid("google_calendar_timezone", reason);
    let time_zone = zones::to_iana(zone)
        .ok_or_else(|| wrong("must be an IANA or Windows zone such as America/New_York"))?
        .into_owned();
    if sent.as_ref().is_some_and(|sent| sent.time_zone != time_zone) {
        return Err(wrong("must be the schedule's time_zone, or left out"));
    }
    let schedule = sent.or_else(kept).unwrap_or_else(|| Schedule::default_in(time_zone.clone()));
    Ok(Some(Schedule { time_zone, ..schedule }))
}

fn view(app: &App, owner: &OwnerId, rows: OwnerRows) -> BusinessView {
    let google = businesses::google(&rows);
    let has_google = app.config.providers.contains_key(&Provider::Google);
    let connections = connection::connections(app, owner, &rows);
    let works = |id: &str| connections.iter().any(|shown| shown.id() == id && shown.works());
    BusinessView {
        id: owner.id().to_owned(),
        owner: owner.to_string(),
        google_calendar_connected: google.is_some_and(|row| works(row.id.as_str())),
        google_token_expires_at: google.map(|row| row.expires_at),
        google_calendar_id: google.map(|row| calendars::write_calendar(row).to_owned()),
        google_calendar_timezone: rows.settings.schedule.as_ref().map(|schedule| schedule.time_zone.clone()),
        auto_sync_bookings: !rows.settings.keeps_bookings_out(),
        connect_url: app.connect_url(owner, has_google.then_some(Provider::Google)),
        created_at: rows.business.as_ref().map(|business| business.created_at),
        updated_at: rows.business.as_ref().map(|business| business.updated_at),
        name: rows.business.map(|business| business.name),
        schedule: rows.settings.schedule,
        connections,
    }
}
