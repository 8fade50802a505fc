//! `erase`: everything of a user, as Clerk's `user.deleted` does it, without waiting for the reconciler.

use shared::{app::App, booking, ids::OwnerId, store::connections::OwnerRows, users};

use super::told;

pub(super) async fn run(
    app: &App,
    user: &OwnerId,
    yes: bool,
    say: &mut impl FnMut(&str),
) -> Result<(), String> {
    let rows = app.store.owner_rows(user).await.map_err(told)?;
    let (person, memberships) = app.store.user_and_memberships(user.id()).await.map_err(told)?;
    let booked = app.store.everything_booked(user).await.map_err(told)?.len();
    let nothing = rows == OwnerRows::default() && memberships.is_empty() && booked == 0;
    if person.is_none() && nothing {
        return Err(format!("nothing is known of {user}; is the id right?"));
    }
    let known = match person {
        None => "not known",
        Some(person) if person.deleted => "deleted before",
        Some(_) => "known",
    };
    say(&format!("{user} is {known}; {}", what(&rows, memberships.len(), booked)));
    if !yes {
        say("Nothing was deleted; --yes deletes it. Calendars keep the events that were written to them.");
        return Ok(());
    }
    users::erase(app, user.id()).await.map_err(told)?;
    say(
        "deleted: connections with their keys, services, settings and memberships; no calendar can be connected for him again",
    );
    let gone = booking::erase(app, user).await.map_err(told)?;
    say(&format!("deleted: {gone} rows of the table of bookings"));
    say(match gone {
        0 => "Nothing is left.",
        _ => "The reconciler looks once more in five minutes, for a booking that was under way.",
    });
    say("A session that Clerk still renews can write services and hours again: delete him there first.");
    Ok(())
}

fn what(rows: &OwnerRows, memberships: usize, booked: usize) -> String {
    let (connections, services) = (rows.connections.len(), rows.services.len());
    format!(
        "connections: {connections}, services: {services}, memberships: {memberships}, rows of bookings: {booked}"
    )
}
