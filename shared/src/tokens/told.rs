//! What a provider's failure means to our caller.

use jiff::SignedDuration;

use crate::{
    app::App,
    error::Error,
    providers::failure::{Class, Failure},
    store::connections::Connection,
};

/// A provider's failure as our error.
pub fn told(app: &App, connection: &Connection, failure: &Failure) -> Error {
    let system = connection.provider.as_str();
    match failure.class {
        Class::NeedsReauth | Class::RefreshAndRetry => needs_connection(app, connection, "reauth_required"),
        Class::InsufficientScope => needs_connection(app, connection, "insufficient_scope"),
        Class::Throttle | Class::Transient => Error::Unavailable {
            system,
            retry_after: failure.retry_after.unwrap_or(SignedDuration::from_secs(2)),
        },
        Class::NotFound | Class::Gone => Error::NotFound("event"),
        Class::Conflict => Error::PreconditionFailed,
        Class::Duplicate => Error::conflict("duplicate", "An event with this id exists and is another one."),
        Class::Permission => Error::Forbidden {
            code: "provider_permission",
            reason: "The calendar account does not allow this.",
        },
        Class::NoMailbox => Error::conflict("no_mailbox", "The connected account has no calendar."),
        Class::Resync => Error::Malformed("the cursor has expired; start again without it".into()),
        Class::ConfigFault => {
            tracing::error!(
                metric = "ConfigurationFault",
                provider = system,
                reason = failure.reason.as_deref(),
                "our configuration at the provider is wrong"
            );
            Error::Upstream { system, code: "config_fault" }
        }
        Class::Invalid => {
            tracing::error!(
                provider = system,
                status = failure.status,
                reason = failure.reason.as_deref(),
                "the provider calls our request wrong"
            );
            Error::Upstream { system, code: "invalid" }
        }
    }
}

/// The owner must connect (again).
pub fn needs_connection(app: &App, connection: &Connection, code: &'static str) -> Error {
    let title = connection.provider.title();
    let reason = match code {
        "insufficient_scope" => format!(
            "{title} was connected without all permissions; connect again and leave every box ticked."
        ),
        "no_connection" => format!("{title} is not connected any more; connect it again."),
        _ => format!("{title} no longer accepts our access; connect it again."),
    };
    Error::NeedsConnection {
        code,
        reason: reason.into(),
        reconnect_url: app.connect_url(&connection.owner, Some(connection.provider)),
    }
}
