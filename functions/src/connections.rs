//! `connections`: ends links, and chooses which calendars count. Whatever opens a token beside events is here.

use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    calendar::CalendarListing,
    calendars::{self, ConnectionCalendars},
    connect::{disconnect, disconnect::Which},
    error::Error,
    ids::{ConnectionId, Provider},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    business,
    connection::{self, ConnectionStatus},
    extract::{Acting, ForWhom, Json, PathId, Query, flag},
    problem::Problem,
};

/// The routes of this function.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(disconnect_calendars))
        .routes(routes!(delete_connection))
        .routes(routes!(make_default))
        .routes(routes!(verify_connection))
        .routes(routes!(list_calendars))
        .routes(routes!(select_calendars))
        .merge(business::businesses::routes())
}

/// Which links end; all of them without parameters.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Ending {
    /// Those of this provider.
    provider: Option<String>,
    /// This one.
    connection_id: Option<String>,
}

/// How many links ended.
#[derive(Serialize, ToSchema)]
struct Disconnected {
    /// Always true.
    success: bool,
    /// How many there were.
    disconnected: usize,
    /// The same in a sentence.
    message: String,
}

/// How a connection is verified.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Verifying {
    /// Get new tokens first; also tries a connection again that needs its owner.
    #[param(value_type = Option<bool>)]
    refresh: Option<String>,
}

/// Whether a connection works.
#[derive(Serialize, ToSchema)]
struct Verified {
    /// Whether the provider answered with what was asked.
    works: bool,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    checked_at: Timestamp,
    /// The connection as it is now.
    connection: ConnectionStatus,
}

/// The calendars of every connection.
#[derive(Serialize, ToSchema)]
pub(crate) struct Calendars {
    /// A list for each connection that works.
    pub(crate) connections: Vec<OfConnection>,
}

/// The calendars of one connection.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfConnection {
    /// The connection.
    connection_id: String,
    /// Its provider.
    #[schema(value_type = String, example = "google")]
    provider: Provider,
    /// The account's calendars.
    calendars: Vec<OneCalendar>,
}

/// One calendar and what it is used for.
#[derive(Serialize, ToSchema)]
struct OneCalendar {
    /// The provider's id.
    id: String,
    /// Its name.
    name: String,
    /// Whether it is the account's own default calendar.
    primary: bool,
    /// Whether events may be written to it.
    writable: bool,
    /// IANA zone, when the provider tells.
    time_zone: Option<String>,
    /// Whether its events block time.
    busy: bool,
    /// Whether bookings are written to it.
    write: bool,
}

/// Which calendars of a connection count.
#[derive(Deserialize, ToSchema)]
struct Selection {
    /// The connection.
    connection_id: String,
    /// Ids of the calendars that block time; empty for the account's own default calendar.
    busy: Vec<String>,
    /// Id of the calendar that is written to; the account's own default calendar when it is not said.
    write: Option<String>,
}

/// Ends links. Works with dead tokens, and a second call finds nothing to do.
#[utoipa::path(delete, path = "/calendar/auth/disconnect", tag = "connections", params(Ending, ForWhom),
    responses((status = 200, description = "How many links ended", body = Disconnected)),
    security(("clerk_session" = [])))]
async fn disconnect_calendars(
    State(app): State<App>,
    Acting(owner): Acting,
    Query(ending): Query<Ending>,
) -> Result<axum::Json<Disconnected>, Problem> {
    let connection = ending.connection_id.map(|id| connection_id("connection_id", &id)).transpose()?;
    let which = Which { provider: ending.provider.as_deref().map(str::parse).transpose()?, connection };
    Ok(axum::Json(ended(disconnect(&app, &owner, &which).await?)))
}

/// Ends one link.
#[utoipa::path(delete, path = "/calendar/connections/{id}", tag = "connections",
    params(("id" = String, Path, description = "The connection"), ForWhom),
    responses((status = 200, description = "How many links ended: one, or none if it was gone", body = Disconnected)),
    security(("clerk_session" = [])))]
async fn delete_connection(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
) -> Result<axum::Json<Disconnected>, Problem> {
    let which = Which { provider: None, connection: Some(known(&id)?) };
    Ok(axum::Json(ended(disconnect(&app, &owner, &which).await?)))
}

/// Makes a connection the one that is written to.
#[utoipa::path(post, path = "/calendar/connections/{id}/default", tag = "connections",
    params(("id" = String, Path, description = "The connection"), ForWhom),
    responses((status = 204, description = "It is the default")), security(("clerk_session" = [])))]
async fn make_default(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
) -> Result<StatusCode, Problem> {
    calendars::set_default(&app, &owner, &known(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Finds out whether a connection works, by using it. `refresh=true` gets new tokens first; everybody who asks at once
/// shares one call to the provider, and tokens of the last minute stay.
#[utoipa::path(post, path = "/calendar/connections/{id}/verify", tag = "connections",
    params(("id" = String, Path, description = "The connection"), Verifying, ForWhom),
    responses((status = 200, description = "Whether it works, and why not", body = Verified)),
    security(("clerk_session" = [])))]
async fn verify_connection(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
    Query(verifying): Query<Verifying>,
) -> Result<axum::Json<Verified>, Problem> {
    let id = known(&id)?;
    let refresh = flag("refresh", verifying.refresh.as_deref())?;
    let (works, rows) = calendars::verify(&app, &owner, &id, refresh).await?;
    let connection = connection::one(&app, &owner, &rows, &id).ok_or(Error::NotFound("connection"))?;
    Ok(axum::Json(Verified { works, checked_at: app.clock.second(), connection }))
}

/// The calendars of every connection that works.
#[utoipa::path(get, path = "/calendar/calendars", tag = "connections", params(ForWhom),
    responses((status = 200, description = "The calendars and what each is used for", body = Calendars)),
    security(("clerk_session" = [])))]
async fn list_calendars(
    State(app): State<App>,
    Acting(owner): Acting,
) -> Result<axum::Json<Calendars>, Problem> {
    let connections = calendars::list_calendars(&app, &owner).await?;
    Ok(axum::Json(Calendars { connections: connections.into_iter().map(shown).collect() }))
}

/// Chooses which calendars of a connection block time, and which one is written to.
#[utoipa::path(put, path = "/calendar/calendars/selection", tag = "connections", params(ForWhom),
    request_body = Selection, responses((status = 204, description = "Chosen")),
    security(("clerk_session" = [])))]
async fn select_calendars(
    State(app): State<App>,
    Acting(owner): Acting,
    Json(selection): Json<Selection>,
) -> Result<StatusCode, Problem> {
    let connection = connection_id("connection_id", &selection.connection_id)?;
    let write = selection.write.as_deref();
    calendars::select_calendars(&app, &owner, &connection, &selection.busy, write).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn ended(count: usize) -> Disconnected {
    let message = match count {
        0 => "Nothing was connected.".to_owned(),
        1 => "1 calendar connection was removed.".to_owned(),
        more => format!("{more} calendar connections were removed."),
    };
    Disconnected { success: true, disconnected: count, message }
}

pub(crate) fn shown(connection: ConnectionCalendars) -> OfConnection {
    let calendars = connection.calendars.into_iter().map(|listed| {
        let CalendarListing { id, name, primary, writable, time_zone } = listed.listing;
        OneCalendar { id, name, primary, writable, time_zone, busy: listed.blocks, write: listed.written_to }
    });
    OfConnection {
        connection_id: connection.connection.to_string(),
        provider: connection.provider,
        calendars: calendars.collect(),
    }
}

/// A connection's id in a query or body.
pub(crate) fn connection_id(field: &'static str, text: &str) -> Result<ConnectionId, Error> {
    text.parse().map_err(|_| Error::invalid(field, "must be the id of a connection"))
}

/// A connection's id in a path: one that never was is not found.
fn known(text: &str) -> Result<ConnectionId, Error> {
    text.parse().map_err(|_| Error::NotFound("connection"))
}
