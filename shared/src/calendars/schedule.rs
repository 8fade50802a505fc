//! An owner's schedule: what he set, or what his calendar account says on the first day.

use super::working_one;
use crate::{
    app::App,
    error::{Error, Result},
    ids::OwnerId,
    providers::{self, OfficeHours},
    schedule::{Schedule, ScheduleSource},
    store::connections::{OwnerRows, Status},
    tokens::{Patience, with_token},
    zones,
};

/// The zone of an owner of whom nothing is known.
const UNKNOWN_ZONE: &str = "UTC";

/// A schedule and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The schedule.
    pub schedule: Schedule,
    /// Whether anybody chose it.
    pub source: ScheduleSource,
}

/// The schedule that bookings follow; see [`schedule_in_force`].
pub async fn schedule_of(
    app: &App,
    owner: &OwnerId,
    rows: &OwnerRows,
    patience: Patience,
) -> Result<Schedule> {
    schedule_in_force(app, owner, rows, patience).await.map(|in_force| in_force.schedule)
}

/// The same for bookings, whose times people say without an offset: a calendar that died before it was ever asked told
/// nobody its zone, and ten o'clock could be any hour. Then the owner must connect, or set a schedule.
pub async fn known_schedule_of(
    app: &App,
    owner: &OwnerId,
    rows: &OwnerRows,
    patience: Patience,
) -> Result<Schedule> {
    if rows.settings.schedule.is_none() && !rows.connections.is_empty() {
        working_one(app, owner, rows, None)?;
    }
    schedule_of(app, owner, rows, patience).await
}

/// The owner's schedule and where it comes from. On the first day the default calendar account is asked once: its own
/// working hours where it has some, else office hours in its zone. That answer is kept, by one write at most; whether
/// the write lands does not matter to whoever asks.
pub async fn schedule_in_force(
    app: &App,
    owner: &OwnerId,
    rows: &OwnerRows,
    patience: Patience,
) -> Result<InForce> {
    if let Some(schedule) = &rows.settings.schedule {
        return Ok(InForce { schedule: schedule.clone(), source: rows.settings.schedule_source });
    }
    let unknown =
        || InForce { schedule: Schedule::default_in(UNKNOWN_ZONE), source: ScheduleSource::Default };
    let Some(connection) = rows.default_connection().filter(|row| row.status == Status::Active) else {
        return Ok(unknown());
    };
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let said = with_token(app, connection, patience, |token| async move {
        providers::office_hours(provider, app.session(base_url, &token)).await
    })
    .await?;
    // A zone that only the account knows (a custom one) is not kept: asking again may find a real one.
    let Some(InForce { schedule, source }) = first_schedule(said) else { return Ok(unknown()) };
    if let Err(error) = app.store.keep_schedule(owner, &schedule, source).await {
        tracing::warn!(%owner, %error, "a first schedule is not kept; the account is asked again next time");
    }
    Ok(InForce { schedule, source })
}

/// What an account says as a schedule; none without a zone. Hours that make no sense count as none.
fn first_schedule(said: OfficeHours) -> Option<InForce> {
    let office = Schedule::default_in(said.time_zone?);
    if let Some(hours) = said.hours {
        let schedule = Schedule { weekly: hours, ..office.clone() };
        if !schedule.weekly.is_empty() && schedule.check().is_ok() {
            return Some(InForce { schedule, source: ScheduleSource::Imported });
        }
    }
    office.check().is_ok().then_some(InForce { schedule: office, source: ScheduleSource::Default })
}

/// Sets the schedule, whole. Appointments that stand stay where they are, in whichever zone the hours now are: the
/// ledger is kept in UTC. Returns what was stored.
pub async fn set_schedule(app: &App, owner: &OwnerId, schedule: Schedule) -> Result<InForce> {
    let schedule = checked(schedule)?;
    app.store.set_schedule(owner, &schedule).await?;
    Ok(InForce { schedule, source: ScheduleSource::Set })
}

/// A schedule as it is stored: its zone by its IANA name, everything else as it must be.
pub fn checked(schedule: Schedule) -> Result<Schedule> {
    let zone = zones::to_iana(&schedule.time_zone).map(std::borrow::Cow::into_owned);
    let schedule = Schedule {
        time_zone: zone.ok_or_else(|| {
            Error::invalid("time_zone", "must be an IANA or Windows zone such as Europe/Berlin")
        })?,
        ..schedule
    };
    schedule.check()?;
    Ok(schedule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(time_zone: Option<&str>, hours: Option<&str>) -> OfficeHours {
        OfficeHours {
            time_zone: time_zone.map(str::to_owned),
            hours: hours.map(|json| serde_json::from_str(json).unwrap()),
        }
    }

    #[test]
    fn an_account_without_hours_that_make_sense_has_office_hours_in_its_zone() {
        let office =
            InForce { schedule: Schedule::default_in("Europe/London"), source: ScheduleSource::Default };
        let backwards = r#"[{"days":["monday"],"start":"17:00","end":"08:00"}]"#;
        for hours in [None, Some("[]"), Some(backwards)] {
            assert_eq!(first_schedule(said(Some("Europe/London"), hours)), Some(office.clone()));
        }
        assert_eq!(first_schedule(said(None, None)), None);
        assert_eq!(first_schedule(said(Some("Mars/Olympus"), None)), None);
    }

    #[test]
    fn an_account_that_has_hours_gives_them() {
        let hours = r#"[{"days":["monday","saturday"],"start":"07:30","end":"15:15"}]"#;
        let found = first_schedule(said(Some("Europe/London"), Some(hours))).unwrap();
        assert_eq!(found.source, ScheduleSource::Imported);
        assert_eq!(serde_json::to_string(&found.schedule.weekly).unwrap(), hours);
    }
}
