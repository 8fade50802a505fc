//! Graph's error bodies (learn.microsoft.com/graph/errors).

use axum::response::Response;
use jiff::Timestamp;
use serde_json::json;

use crate::world::{state::Denied, wire};

/// A refusal as Graph words it.
#[derive(Debug)]
pub(in crate::world) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned() }
    }

    pub(super) fn answer(self, now: Timestamp) -> Response {
        let id = shared::random::id();
        let body = json!({"error": {"code": self.code, "message": self.message, "innerError": {
            "date": now.strftime("%Y-%m-%dT%H:%M:%S").to_string(), "request-id": id, "client-request-id": id,
        }}});
        let mut response = wire::json(self.status, &body);
        if self.status == 401 {
            wire::set(&mut response, "www-authenticate", "Bearer realm=\"\", error=\"invalid_token\"");
        }
        response
    }

    pub(super) fn denied(denied: Denied) -> Self {
        match denied {
            Denied::Unknown => {
                Self::new(401, "InvalidAuthenticationToken", "Access token is empty or invalid.")
            }
            Denied::Expired => Self::new(
                401,
                "InvalidAuthenticationToken",
                "Lifetime validation failed, the token is expired.",
            ),
            Denied::Scope => {
                Self::new(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
            }
        }
    }

    pub(super) fn of_status(status: u16) -> Self {
        match status {
            400 => Self::invalid("The request is malformed or incorrect."),
            401 => Self::denied(Denied::Expired),
            403 => Self::denied(Denied::Scope),
            404 => Self::not_found(),
            409 => Self::new(
                409,
                "ErrorIrresolvableConflict",
                "The send or update operation could not be performed because the change key passed in \
            the request does not match the current change key for the item.",
            ),
            412 => Self::condition_not_met(),
            429 => {
                Self::new(429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
            }
            503 => Self::new(
                503,
                "ErrorServerBusy",
                "The server cannot service this request right now. Try again later.",
            ),
            504 => Self::new(504, "GatewayTimeout", "The operation has timed out."),
            _ => Self::new(
                status,
                "ErrorInternalServerError",
                "An internal server error occurred. The operation failed.",
            ),
        }
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    }

    pub(super) fn no_mailbox() -> Self {
        Self::new(
            404,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        )
    }

    pub(super) fn condition_not_met() -> Self {
        Self::new(
            412,
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in the \
            request does not match the current change key for the item.",
        )
    }

    pub(super) fn unknown_zone(name: &str) -> Self {
        Self::new(
            400,
            "TimeZoneNotSupportedException",
            &format!(
                "A valid TimeZone value must be specified. The following TimeZone value is not \
            supported: '{name}'."
            ),
        )
    }

    pub(super) fn no_window() -> Self {
        Self::new(
            400,
            "ErrorInvalidParameter",
            "This request requires a time window specified by the query string parameters StartDateTime \
            and EndDateTime.",
        )
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::new(400, "ErrorInvalidRequest", message)
    }
}
