//! What an owner can be booked for: set and taken away.

use crate::{
    app::App,
    error::{Error, Result},
    ids::OwnerId,
    service::{MOST_SERVICES, Service, ServiceId},
    store::connections::OwnerRows,
};

/// Sets a service whole, new or over the one of the same id, and returns it.
pub async fn put_service(app: &App, owner: &OwnerId, service: Service) -> Result<Service> {
    service.check()?;
    let rows = app.store.owner_rows(owner).await?;
    // Two at once may both be the hundredth: the bound keeps reading cheap and need not be exact.
    if rows.service(&service.id).is_none() && rows.services.len() >= MOST_SERVICES {
        let reason = format!("There are {MOST_SERVICES} services already. Delete one first.");
        return Err(Error::conflict("too_many_services", reason));
    }
    app.store.put_service(owner, &service).await?;
    Ok(service)
}

/// Takes a service away; its appointments stay. One that is gone is taken away.
pub async fn delete_service(app: &App, owner: &OwnerId, id: &ServiceId) -> Result<()> {
    app.store.delete_service(owner, id).await
}

/// A service that can be booked, by the name that a caller gave; an error names `service`.
pub fn bookable<'a>(rows: &'a OwnerRows, id: &str) -> Result<&'a Service> {
    let found = id.parse().ok().and_then(|id| rows.service(&id)).filter(|service| service.active);
    found.ok_or_else(|| Error::invalid("service", "must be the id of a service that can be booked"))
}
