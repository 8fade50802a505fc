//! Businesses: tenants with a name, hours and a calendar that others book in.

use jiff::Timestamp;

use crate::{
    access::{Caller, CallerKind},
    app::App,
    calendars::{checked, select_calendars, set_schedule},
    error::{Error, Result},
    ids::{BusinessId, OwnerId, OwnerKind, Provider},
    schedule::{Schedule, ScheduleSource},
    store::{
        Write,
        connections::{Business, Connection, OwnerRows, Settings},
        directory::{Membership, Role},
        landed,
    },
};

/// A business that is to be made.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// What people call it.
    pub name: String,
    /// Whether bookings are written to its calendar; they are when nothing is said.
    pub auto_sync_bookings: Option<bool>,
    /// When it takes appointments; what its calendar says when nothing is said.
    pub schedule: Option<Schedule>,
    /// The name under which a repeat of this request is known, and a hash of what it asks for.
    pub repeat: Option<(String, String)>,
}

/// What is to be changed; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// What people call it.
    pub name: Option<String>,
    /// Whether bookings are written to its calendar.
    pub auto_sync_bookings: Option<bool>,
    /// When it takes appointments, whole.
    pub schedule: Option<Schedule>,
    /// The calendar of its Google account that is written to and blocks time.
    pub google_calendar_id: Option<String>,
}

/// Makes a business, for somebody who may ([`crate::access::scoped`]). A person becomes its admin; a service token's tenant manages it from then on. `true` when an
/// earlier request of the same name had made it.
pub async fn create(app: &App, caller: &Caller, new: New) -> Result<(OwnerId, bool)> {
    let id = match &new.repeat {
        Some((name, _)) => BusinessId::derived(&format!("{}\n{name}", caller.id)),
        None => BusinessId::random(),
    };
    let owner = OwnerId::tenant(OwnerKind::Business, id.as_str())?;
    let schedule = new.schedule.map(checked).transpose()?;
    let now = app.clock.second();
    let business = Business {
        name: new.name,
        managed_by: caller.tenant.clone(),
        asked: new.repeat.map(|(_, asked)| asked),
        created_at: now,
        updated_at: now,
    };
    let settings = Settings {
        schedule_source: schedule.as_ref().map_or_else(ScheduleSource::default, |_| ScheduleSource::Set),
        schedule,
        auto_sync_bookings: new.auto_sync_bookings,
        ..Settings::default()
    };
    let mut actions = Vec::from(app.store.make_business(&owner, &business, &settings)?);
    if caller.kind == CallerKind::User {
        actions.extend(admin(app, &caller.id, &owner)?);
    }
    match landed(app.store.transact(actions).await?)? {
        Write::Done => {
            tracing::info!(%owner, "a business was made");
            Ok((owner, false))
        }
        Write::Refused => match app.store.business(&owner).await? {
            Some(earlier) if earlier.asked == business.asked => Ok((owner, true)),
            Some(_) => Err(Error::invalid("Idempotency-Key", "was used for another request")),
            // The person was deleted meanwhile.
            None => Err(Error::NotFound("user")),
        },
    }
}

fn admin(
    app: &App,
    clerk_id: &str,
    owner: &OwnerId,
) -> Result<[aws_sdk_dynamodb::types::TransactWriteItem; 2]> {
    let updated_ms = app.clock.now().as_millisecond();
    let membership = Membership { tenant: owner.clone(), role: Role::Admin, updated_ms, ended: false };
    app.store.put_membership(clerk_id, membership)
}

/// Changes a business, of which `rows` were read, and returns it as it is then. The parts are written one by one: each is whole, and a request that
/// was cut off is made again.
pub async fn change(app: &App, owner: &OwnerId, rows: OwnerRows, change: Change) -> Result<OwnerRows> {
    // What may be wrong comes first, so that a request that is refused changes nothing.
    if let Some(schedule) = &change.schedule {
        checked(schedule.clone())?;
    }
    if let Some(calendar) = &change.google_calendar_id {
        choose(app, owner, &rows, calendar).await?;
    }
    if let Some(schedule) = change.schedule {
        set_schedule(app, owner, schedule).await?;
    }
    if let Some(on) = change.auto_sync_bookings {
        app.store.set_auto_sync(owner, on).await?;
    }
    if let Some(name) = change.name {
        app.store.put_business(owner, &named(rows.business, name, app.clock.second())).await?;
    }
    app.store.owner_rows(owner).await
}

/// A Clerk organisation is a business before anybody named it here.
fn named(business: Option<Business>, name: String, now: Timestamp) -> Business {
    match business {
        Some(business) => Business { name, updated_at: now, ..business },
        None => Business { name, managed_by: None, asked: None, created_at: now, updated_at: now },
    }
}

async fn choose(app: &App, owner: &OwnerId, rows: &OwnerRows, calendar: &str) -> Result<()> {
    let Some(google) = google(rows) else {
        return Err(Error::NeedsConnection {
            code: "no_connection",
            reason: "No Google calendar is connected yet. Connect one first.".into(),
            reconnect_url: app.connect_url(owner, Some(Provider::Google)),
        });
    };
    let busy = [calendar.to_owned()];
    select_calendars(app, owner, &google.id, &busy, Some(calendar)).await.map_err(|error| match error {
        Error::Invalid { reason, .. } => Error::Invalid { field: "google_calendar_id".into(), reason },
        error => error,
    })
}

/// The business's Google connection: the default one if it is Google's, else the oldest.
pub fn google(rows: &OwnerRows) -> Option<&Connection> {
    let is_google = |row: &&Connection| row.provider == Provider::Google;
    rows.default_connection().filter(is_google).or_else(|| rows.connections.iter().find(is_google))
}
