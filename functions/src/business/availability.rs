//! Whether one exact time of a business is free.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    availability::{self, Verdict},
    error::{Error, Result},
    service::LENGTHS,
    slots::EmptyReason,
    tokens::Patience,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Acting, Which, renamed, when::written};
use crate::{
    bookings::{office::Office, wire::SlotBody},
    extract::{Query, number},
    openapi::Alternative,
    problem::Problem,
};

/// The routes of this part of the face.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(get_business_availability))
}

/// The time that is asked about.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The day, in the business's zone.
    #[param(example = "2026-01-06")]
    date: Option<String>,
    /// `14:00`, `14:00-15:00`, or a whole time without `date`.
    #[param(example = "14:00")]
    start_time: Option<String>,
    /// Until when; by the service's length or `duration_minutes` when it is not said.
    end_time: Option<String>,
    /// How long, when there is no end; 30 when nothing is said.
    #[param(value_type = Option<u32>, minimum = 5, maximum = 1440)]
    duration_minutes: Option<String>,
    /// The service that is wanted: its length and its buffers count.
    service: Option<String>,
}

/// Whether a time is free.
#[derive(Serialize, ToSchema)]
struct IsFree {
    /// Whether it can be booked.
    available: bool,
    /// Why not: `outside_hours`, `fully_booked`, `notice`, `horizon` or `calendar_unreachable`.
    #[schema(value_type = Option<String>, example = "fully_booked")]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<EmptyReason>,
    /// The nearest free times of the same length, at most three; each `slot` books it.
    #[schema(value_type = Option<Vec<Alternative>>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    alternatives: Option<Vec<shared::error::Alternative>>,
}

/// Whether a time is free.
#[utoipa::path(get, path = "/api/v1/calendar/availability", tag = "businesses", params(Which, Asked),
    responses((status = 200, description = "Yes, or no and why", body = IsFree)),
    security(("clerk_session" = []), ("service_token" = [])))]
async fn get_business_availability(
    State(app): State<App>,
    Acting(owner): Acting,
    Query(asked): Query<Asked>,
) -> std::result::Result<Json<IsFree>, Problem> {
    let body = asked.body()?;
    let office = Office::of(&app, owner).await?;
    let wanted = office.slot(&app, &body).await.map_err(renamed)?;
    let verdict = availability::is_free(
        &app,
        &office.owner,
        &office.rows,
        &office.schedule,
        wanted.slot,
        wanted.buffers,
        Patience::Request,
    )
    .await?;
    Ok(Json(match verdict {
        Verdict::Free => IsFree { available: true, reason: None, alternatives: None },
        Verdict::Taken { reason, alternatives } => {
            let service = wanted.service.as_deref();
            let offered = shared::booking::offered(&app, office.desk(), service, &alternatives).await?;
            IsFree { available: false, reason: Some(reason), alternatives: Some(offered) }
        }
    }))
}

impl Asked {
    fn body(&self) -> Result<SlotBody> {
        if self.start_time.is_none() {
            return Err(Error::invalid("start_time", "is missing"));
        }
        let times = written(self.date.as_deref(), self.start_time.as_deref(), self.end_time.as_deref())?;
        Ok(SlotBody {
            slot: None,
            start: times.start,
            end: times.end,
            duration_minutes: number("duration_minutes", self.duration_minutes.as_deref(), LENGTHS)?,
            service: self.service.clone(),
        })
    }
}
