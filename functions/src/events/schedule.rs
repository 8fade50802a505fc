//! When the owner can be booked.

use axum::{Json as Answer, extract::State};
use serde::Serialize;
use shared::{
    app::App,
    calendars::{InForce, schedule_in_force, set_schedule},
    schedule::{Schedule, ScheduleSource},
    tokens::Patience,
};
use utoipa::{
    ToSchema,
    openapi::{Array, ArrayBuilder, ObjectBuilder, OneOfBuilder, Type},
};

use crate::{
    extract::{Acting, ForWhom, Json},
    problem::Problem,
};

/// The schedule that is in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleView {
    /// `default` (office hours in the zone of the calendar account), `imported` (the account's own working hours) or
    /// `set`.
    #[schema(value_type = String, example = "set")]
    source: ScheduleSource,
    #[serde(flatten)]
    #[schema(value_type = ScheduleBody)]
    schedule: Schedule,
}

/// A schedule. Durations are whole minutes.
#[derive(Serialize, ToSchema)]
#[schema(as = Schedule)]
pub(crate) struct ScheduleBody {
    /// IANA zone in which all hours are meant; a Windows name is read as well.
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    /// The hours of an ordinary week; ranges of one day add up.
    weekly: Vec<HoursBody>,
    /// Taken out of the weekly hours; they do not touch dates with hours of their own.
    #[schema(required = false)]
    breaks: Vec<HoursBody>,
    /// Dates whose hours replace the weekly ones entirely.
    #[schema(required = false)]
    date_overrides: Vec<DateBody>,
    /// Kept free before each appointment, whatever else is there.
    #[schema(required = false, minimum = 0, maximum = 1440)]
    buffer_before_minutes: u32,
    /// Kept free after each appointment, whatever else is there.
    #[schema(required = false, minimum = 0, maximum = 1440)]
    buffer_after_minutes: u32,
    /// From one offered start to the next; 30 when it is not said.
    #[schema(required = false, minimum = 1, maximum = 1440)]
    slot_interval_minutes: u32,
    /// `clock`: starts are round on the wall clock. `opening`: they are counted from each beginning of the hours.
    #[schema(required = false, example = "clock")]
    start_alignment: String,
    /// The least time between booking and appointment; 60 when it is not said.
    #[schema(required = false, minimum = 0, maximum = 527_040)]
    min_notice_minutes: u32,
    /// How many local days after today can be booked; 60 when it is not said.
    #[schema(required = false, minimum = 1, maximum = 366)]
    horizon_days: u32,
    /// The most appointments on one local day; none when it is not said.
    #[schema(minimum = 1, maximum = 1440)]
    daily_limit: Option<u32>,
}

/// Hours on some days of the week.
#[derive(Serialize, ToSchema)]
#[schema(as = WeeklyHours)]
pub(crate) struct HoursBody {
    #[schema(schema_with = weekdays)]
    days: Vec<String>,
    /// From when.
    #[schema(example = "09:00")]
    start: String,
    /// Until when, at most `24:00`. Hours over midnight are two ranges.
    #[schema(example = "17:00")]
    end: String,
}

/// Weekdays as they are read: answers name them.
fn weekdays() -> Array {
    let name = ObjectBuilder::new().schema_type(Type::String);
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(7));
    ArrayBuilder::new()
        .items(OneOfBuilder::new().item(name).item(number))
        .min_items(Some(1))
        .description(Some("Weekdays by name; numbers are read as well (0 and 7 are Sunday)."))
        .examples([serde_json::json!(["monday", "tuesday"])])
        .build()
}

/// The hours of one date.
#[derive(Serialize, ToSchema)]
#[schema(as = DateOverride)]
pub(crate) struct DateBody {
    /// In the schedule's zone.
    #[schema(format = Date, example = "2026-12-24")]
    date: String,
    /// Open then; none is a day off. Several entries of one date add up.
    #[schema(required = false)]
    hours: Vec<RangeBody>,
}

/// From one time of a day to another.
#[derive(Serialize, ToSchema)]
#[schema(as = HourRange)]
pub(crate) struct RangeBody {
    /// From when.
    #[schema(example = "10:00")]
    start: String,
    /// Until when, at most `24:00`.
    #[schema(example = "12:00")]
    end: String,
}

/// The schedule that is in force, and whether anybody chose it.
#[utoipa::path(get, path = "/calendar/schedule", tag = "schedule", params(ForWhom),
    responses((status = 200, description = "The schedule", body = ScheduleView)), security(("clerk_session" = [])))]
pub(crate) async fn get_schedule(
    State(app): State<App>,
    Acting(owner): Acting,
) -> Result<Answer<ScheduleView>, Problem> {
    let rows = app.store.owner_rows(&owner).await?;
    Ok(Answer(schedule_in_force(&app, &owner, &rows, Patience::Request).await?.into()))
}

/// Sets the schedule, whole. Bookings that stand stay where they are.
#[utoipa::path(put, path = "/calendar/schedule", tag = "schedule", request_body = ScheduleBody, params(ForWhom),
    responses((status = 200, description = "As it is stored", body = ScheduleView)),
    security(("clerk_session" = [])))]
pub(crate) async fn put_schedule(
    State(app): State<App>,
    Acting(owner): Acting,
    Json(schedule): Json<Schedule>,
) -> Result<Answer<ScheduleView>, Problem> {
    Ok(Answer(set_schedule(&app, &owner, schedule).await?.into()))
}

impl From<InForce> for ScheduleView {
    fn from(InForce { schedule, source }: InForce) -> Self {
        Self { source, schedule }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};
    use shared::error::{Error, Result};
    use utoipa::PartialSchema as _;

    use super::*;
    use crate::extract::read;

    fn names(object: &Value) -> BTreeSet<&str> {
        object.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn the_document_names_exactly_the_members_of_a_schedule() {
        let schedule = Schedule { daily_limit: Some(1), ..Schedule::default_in("UTC") };
        let members = serde_json::to_value(schedule).unwrap();
        let schema = serde_json::to_value(ScheduleBody::schema()).unwrap();
        assert_eq!(names(&schema["properties"]), names(&members));
        let weekly = serde_json::to_value(HoursBody::schema()).unwrap();
        assert_eq!(names(&weekly["properties"]), names(&members["weekly"][0]));
        let needed: BTreeSet<_> =
            schema["required"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
        assert_eq!(needed, ["time_zone", "weekly"].into());
    }

    #[test]
    fn a_value_that_cannot_be_read_is_named() {
        let with = |name: &str, value: Value| {
            let mut body =
                json!({"time_zone": "UTC", "weekly": [{"days": [1], "start": "09:00", "end": "17:00"}]});
            body[name] = value;
            read::<Schedule>(body)
        };
        let field = |result: Result<Schedule>| match result {
            Err(Error::Invalid { field, reason }) => (field.into_owned(), reason.into_owned()),
            other => panic!("expected a wrong field, got {other:?}"),
        };
        with("unknown", json!(1)).unwrap();
        let day = |days: Value| json!([{"days": days, "start": "9:00", "end": "17:00"}]);
        assert_eq!(
            field(with("weekly", day(json!(["someday"])))),
            ("weekly[0].days".to_owned(), "must be weekdays such as monday".to_owned())
        );
        for (name, value, wrong) in [
            ("weekly", json!([{"days": [1], "start": "9:00", "end": "25:00"}]), "weekly[0].end"),
            ("weekly", json!([{"days": [1], "start": "9:00"}]), "weekly[0].end"),
            ("weekly", json!([{"days": [1], "start": 9, "end": "17:00"}]), "weekly[0].start"),
            ("weekly", json!({}), "weekly"),
            ("weekly", Value::Null, "weekly"),
            ("date_overrides", json!([{"date": "2026-02-30"}]), "date_overrides[0].date"),
            (
                "date_overrides",
                json!([{"date": "2026-02-03", "hours": [{"start": "x"}]}]),
                "date_overrides[0].hours[0].start",
            ),
            ("start_alignment", json!("moon"), "start_alignment"),
            ("daily_limit", json!(-1), "daily_limit"),
            ("buffer_before_minutes", json!(1.5), "buffer_before_minutes"),
        ] {
            assert_eq!(field(with(name, value.clone())).0, wrong, "{value}");
        }
        assert_eq!(field(read(json!({"weekly": []}))).0, "time_zone");
        assert_eq!(field(read(json!([]))).0, "body");
    }
}
