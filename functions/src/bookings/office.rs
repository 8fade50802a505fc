//! What booking routes read of an owner, and the slots that callers mean.

use shared::{
    app::App,
    booking::Desk,
    calendars::known_schedule_of,
    error::{Error, Result},
    ids::OwnerId,
    range::Interval,
    schedule::{Buffers, Schedule, minutes},
    service::{Service, USUAL_LENGTH},
    services,
    slottoken::Offer,
    store::connections::OwnerRows,
    tokens::Patience,
};

use super::wire::SlotBody;

/// What of the owner a request needs, read once.
pub(crate) struct Office {
    pub(crate) owner: OwnerId,
    pub(crate) rows: OwnerRows,
    pub(crate) schedule: Schedule,
}

impl Office {
    pub(crate) async fn of(app: &App, owner: OwnerId) -> Result<Self> {
        let rows = app.store.owner_rows(&owner).await?;
        let schedule = known_schedule_of(app, &owner, &rows, Patience::Request).await?;
        Ok(Self { owner, rows, schedule })
    }

    /// For what only looks: what was booked is told in UTC where nobody knows the owner's zone.
    pub(crate) async fn to_look(app: &App, owner: OwnerId) -> Result<Self> {
        let rows = app.store.owner_rows(&owner).await?;
        let schedule = match known_schedule_of(app, &owner, &rows, Patience::Request).await {
            Err(Error::NeedsConnection { .. }) => Schedule::default_in("UTC"),
            known => known?,
        };
        Ok(Self { owner, rows, schedule })
    }

    /// For what needs no hours and no zone, and must work whatever the calendar does.
    pub(crate) async fn without_hours(app: &App, owner: OwnerId) -> Result<Self> {
        let rows = app.store.owner_rows(&owner).await?;
        let schedule = rows.settings.schedule.clone().unwrap_or_else(|| Schedule::default_in("UTC"));
        Ok(Self { owner, rows, schedule })
    }

    pub(crate) fn desk(&self) -> Desk<'_> {
        Desk { owner: &self.owner, rows: &self.rows, schedule: &self.schedule, patience: Patience::Request }
    }

    /// The slot that a body means, its service, and what is kept free around it.
    pub(crate) async fn slot(&self, app: &App, body: &SlotBody) -> Result<Wanted> {
        if let Some(token) = &body.slot {
            let offer = self.offer(app, token).await?;
            return match &offer.service {
                Some(id) => {
                    let service = services::bookable(&self.rows, id.as_str())?;
                    Ok(Wanted::of(offer.slot, Some(service), &self.schedule))
                }
                None => Ok(Wanted::of(offer.slot, None, &self.schedule)),
            };
        }
        let service = body.service.as_deref().map(|id| services::bookable(&self.rows, id)).transpose()?;
        let length = match (service, body.length()?) {
            (Some(service), said) => {
                let length = minutes(service.duration_minutes);
                if said.is_some_and(|said| said != length) {
                    return Err(Error::invalid("duration_minutes", "must be the service's, or left out"));
                }
                length
            }
            (None, said) => said.unwrap_or(minutes(USUAL_LENGTH)),
        };
        let slot = body.interval(&self.schedule.zone()?, length)?;
        if service.is_some() && slot.duration() != length {
            return Err(Error::invalid("end", "must be the service's length after start, or left out"));
        }
        Ok(Wanted::of(slot, service, &self.schedule))
    }

    /// What an availability answer offered, to this owner.
    pub(crate) async fn offer(&self, app: &App, token: &str) -> Result<Offer> {
        let offer = app.slot_key().await?.read(token, app.clock.now())?;
        if offer.owner != self.owner {
            return Err(Error::invalid("slot", "must be the slot of an availability answer, unchanged"));
        }
        Ok(offer)
    }
}

/// A slot that is wanted.
pub(crate) struct Wanted {
    pub(crate) slot: Interval,
    pub(crate) service: Option<String>,
    /// The service's name.
    pub(crate) name: Option<String>,
    pub(crate) buffers: Buffers,
}

impl Wanted {
    pub(crate) fn of(slot: Interval, service: Option<&Service>, schedule: &Schedule) -> Self {
        Self {
            slot,
            service: service.map(|service| service.id.to_string()),
            name: service.map(|service| service.name.clone()),
            buffers: service.map_or(schedule.buffers(), |service| service.buffers(schedule)),
        }
    }
}
