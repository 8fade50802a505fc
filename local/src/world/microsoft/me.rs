//! Who the account is, its settings, and its calendars.

use axum::response::Response;
use serde_json::{Value, json};

use super::{Answer, Call};
use crate::world::{
    accounts::{Calendar, PERSONAL_TENANT},
    wire, zones,
};

pub(super) fn me(call: &Call<'_>) -> Response {
    let account = &call.account;
    let personal = account.tenant == PERSONAL_TENANT;
    // Personal accounts have short ids, and often no `mail`.
    let id =
        if personal { account.subject.replace('-', "")[16..].to_owned() } else { account.subject.clone() };
    let mail = if personal { Value::Null } else { account.email.as_str().into() };
    let body = json!({
        "@odata.context": context(call, "users/$entity"), "businessPhones": [], "displayName": account.name,
        "givenName": account.name, "jobTitle": null, "mail": mail, "mobilePhone": null, "officeLocation": null,
        "preferredLanguage": "en-GB", "surname": null, "userPrincipalName": account.email, "id": id,
    });
    wire::json(200, &body)
}

pub(super) fn settings(call: &Call<'_>) -> Answer {
    let zone = zones::windows(&call.account.zone);
    let mut body = json!({
        "@odata.context": context(call, "users('me')/mailboxSettings"), "archiveFolder": "EXAMPLE",
        "timeZone": zone, "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "dateFormat": "dd/MM/yyyy", "timeFormat": "HH:mm", "userPurpose": "user",
        "automaticRepliesSetting": {"status": "disabled", "externalAudience": "none"},
        "language": {"locale": "en-GB", "displayName": "English (United Kingdom)"},
    });
    if let Some(hours) = &call.account.working_hours {
        let time = |hour: &str| format!("{hour}:00.0000000");
        let zone = match &hours.zone {
            Some(name) => json!({"@odata.type": "#microsoft.graph.customTimeZone", "name": name, "bias": 0}),
            None => json!({"name": zone}),
        };
        body["workingHours"] = json!({"daysOfWeek": hours.days, "startTime": time(hours.from),
            "endTime": time(hours.to), "timeZone": zone});
    }
    Ok(wire::json(200, &body))
}

pub(super) fn calendars(call: &Call<'_>) -> Answer {
    let list: Vec<Value> = call.account.calendars.iter().map(|calendar| one(call, calendar)).collect();
    Ok(wire::json(200, &json!({"@odata.context": context(call, "users('me')/calendars"), "value": list})))
}

pub(super) fn calendar(call: &Call<'_>) -> Answer {
    Ok(wire::json(200, &one(call, &call.calendar(None)?)))
}

fn one(call: &Call<'_>, calendar: &Calendar) -> Value {
    let first = call.account.calendars.first().is_some_and(|first| first.id == calendar.id);
    json!({
        "id": calendar.id, "name": calendar.name, "color": "auto", "hexColor": "", "isDefaultCalendar": first,
        "changeKey": "EXAMPLEchangeKey==", "canShare": first, "canViewPrivateItems": true,
        "canEdit": calendar.writable, "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness", "isTallyingResponses": first, "isRemovable": !first,
        "owner": {"name": call.account.name, "address": call.account.email},
    })
}

/// The `@odata.context` of an answer.
pub(super) fn context(call: &Call<'_>, of: &str) -> String {
    format!("{}/graph/v1.0/$metadata#{of}", call.world.base_url())
}
