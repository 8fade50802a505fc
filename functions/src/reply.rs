//! The one place where an error becomes a sentence that an agent says on the phone: polite, one line, and it tells
//! what can be done. No codes, no system names, no blame.

use shared::error::Error;

/// What the agent says.
pub fn sentence(error: &Error) -> String {
    match error {
        Error::Invalid { field, .. } => match asked_for(field) {
            Some(what) => format!("I didn't quite get {what}. Could you say it again?"),
            None => "I didn't quite get that. Could you say it again?".into(),
        },
        Error::Malformed(_) | Error::Unsupported { .. } => {
            "I'm sorry, I can't do that here. Is there something else I can do for you?".into()
        }
        Error::Unauthenticated { .. } | Error::Forbidden { .. } => {
            "I'm sorry, I may not do that for you from here. Please contact the office directly.".into()
        }
        Error::NotFound(_) => {
            "I couldn't find that. Could you tell me the name and the day of the appointment again?".into()
        }
        Error::Conflict { .. } | Error::PreconditionFailed => {
            "That has changed in the meantime. Let me look again: which day and time would you like?".into()
        }
        Error::SlotTaken { .. } => {
            "I'm sorry, that time has just been taken. Would you like me to look for another one?".into()
        }
        Error::NeedsConnection { .. } | Error::ConnectFailed { .. } => {
            "I can't reach the calendar at the moment. May I take your details so that the office can call you back?"
                .into()
        }
        Error::TooManyRequests { .. } | Error::Unavailable { .. } => {
            "The calendar is taking longer than usual. Please give me a moment and ask me again.".into()
        }
        Error::Upstream { .. } | Error::Internal(_) => {
            "I'm sorry, something went wrong on our side. May I take your details so that the office can call you back?"
                .into()
        }
    }
}

/// The fields of the tools, as people call them.
fn asked_for(field: &str) -> Option<&'static str> {
    match field {
        "name" => Some("your name"),
        "phone" => Some("your phone number"),
        "email" => Some("your e-mail address"),
        "date" | "day" => Some("the day"),
        "time" | "start" | "start_time" | "when" => Some("the time"),
        "slot" => Some("which of the times you would like"),
        "service" => Some("which service you would like"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use shared::ids::Provider;

    use super::*;

    #[test]
    fn every_error_is_one_polite_line_without_anything_of_ours() {
        let wait = SignedDuration::from_secs(1);
        let errors = [
            Error::invalid("phone", "must be E.164"),
            Error::invalid("some_field", "must be x"),
            Error::Malformed("not JSON".into()),
            Error::Unauthenticated { code: "credential_invalid" },
            Error::Forbidden { code: "wrong_person", reason: "No." },
            Error::NotFound("booking"),
            Error::conflict("in_progress", "Wait."),
            Error::SlotTaken { alternatives: vec![] },
            Error::NeedsConnection {
                code: "no_connection",
                reason: "x".into(),
                reconnect_url: "https://x".into(),
            },
            Error::Unsupported { provider: Provider::Google, what: "this" },
            Error::PreconditionFailed,
            Error::ConnectFailed { code: "state_used", reason: "Again." },
            Error::TooManyRequests { retry_after: wait },
            Error::Unavailable { system: "dynamodb", retry_after: wait },
            Error::Upstream { system: "google", code: "config_fault" },
            Error::internal("secret"),
        ];
        for error in errors {
            let line = sentence(&error);
            assert!(line.ends_with('.') || line.ends_with('?'), "{line}");
            for ours in ["\n", "_", "dynamodb", "google", "secret", "http", error.code()] {
                assert!(!line.to_lowercase().contains(ours), "{line}: {ours}");
            }
        }
        assert!(sentence(&Error::invalid("phone", "x")).contains("your phone number"));
    }
}
