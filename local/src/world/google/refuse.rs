//! Google's error bodies (developers.google.com/calendar/api/guides/errors).

use axum::response::Response;
use serde_json::json;

use crate::world::{state::Denied, wire};

/// A refusal as Google words it.
#[derive(Debug)]
pub(in crate::world) struct Refusal {
    status: u16,
    domain: &'static str,
    reason: &'static str,
    message: String,
    /// The header or parameter at fault.
    location: Option<(&'static str, &'static str)>,
}

impl Refusal {
    fn new(status: u16, reason: &'static str, message: &str) -> Self {
        Self { status, domain: "global", reason, message: message.to_owned(), location: None }
    }

    pub(super) fn answer(self) -> Response {
        let mut error = json!({"domain": self.domain, "reason": self.reason, "message": self.message});
        if let Some((kind, name)) = self.location {
            error["locationType"] = kind.into();
            error["location"] = name.into();
        }
        let body = json!({"error": {"errors": [error], "code": self.status, "message": self.message}});
        let mut response = wire::json(self.status, &body);
        if self.status == 401 {
            wire::set(
                &mut response,
                "www-authenticate",
                "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"",
            );
        }
        response
    }

    pub(super) fn denied(denied: Denied) -> Self {
        match denied {
            Denied::Unknown | Denied::Expired => Self {
                location: Some(("header", "Authorization")),
                ..Self::new(401, "authError", "Invalid Credentials")
            },
            Denied::Scope => {
                Self::new(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
            }
        }
    }

    pub(super) fn of_status(status: u16) -> Self {
        match status {
            400 => Self::new(400, "badRequest", "Bad Request"),
            401 => Self::denied(Denied::Unknown),
            403 => {
                Self { domain: "usageLimits", ..Self::new(403, "rateLimitExceeded", "Rate Limit Exceeded") }
            }
            404 => Self::not_found(),
            409 => Self::duplicate(),
            410 => Self::deleted(),
            412 => Self::condition_not_met(),
            429 => {
                Self { domain: "usageLimits", ..Self::new(429, "rateLimitExceeded", "Rate Limit Exceeded") }
            }
            _ => Self::new(status, "backendError", "Backend Error"),
        }
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "notFound", "Not Found")
    }

    pub(super) fn not_a_calendar_user() -> Self {
        Self::new(403, "notACalendarUser", "The user must be signed up for Google Calendar.")
    }

    pub(super) fn read_only() -> Self {
        Self {
            domain: "calendar",
            ..Self::new(403, "requiredAccessLevel", "You need to have writer access to this calendar.")
        }
    }

    pub(super) fn duplicate() -> Self {
        Self::new(409, "duplicate", "The requested identifier already exists.")
    }

    pub(super) fn deleted() -> Self {
        Self::new(410, "deleted", "Resource has been deleted")
    }

    pub(super) fn resync() -> Self {
        Self {
            domain: "calendar",
            location: Some(("parameter", "syncToken")),
            ..Self::new(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
        }
    }

    pub(super) fn condition_not_met() -> Self {
        Self {
            location: Some(("header", "If-Match")),
            ..Self::new(412, "conditionNotMet", "Precondition Failed")
        }
    }

    pub(super) fn empty_range() -> Self {
        Self { domain: "calendar", ..Self::new(400, "timeRangeEmpty", "The specified time range is empty.") }
    }

    pub(super) fn too_many_calendars() -> Self {
        Self {
            domain: "calendar",
            ..Self::new(400, "tooManyCalendarsRequested", "Too many calendars were requested.")
        }
    }

    pub(super) fn required(message: &str) -> Self {
        Self::new(400, "required", message)
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::new(400, "invalid", message)
    }

    pub(super) fn bad_request() -> Self {
        Self::new(400, "badRequest", "Bad Request")
    }
}
