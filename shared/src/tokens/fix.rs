//! What mends a connection, in words for its owner.

use crate::store::connections::{Cause, Connection, Status};

/// What mends a connection, in a sentence; nothing when nothing is wrong with it.
pub fn fix(connection: &Connection) -> Option<&'static str> {
    match (connection.status, connection.cause) {
        (Status::Active, None) => None,
        (Status::InsufficientScope, _) => Some("Connect again and leave every box ticked."),
        (_, Some(cause)) => Some(fix_of(cause)),
        (Status::ReauthRequired, None) => Some("Connect again."),
    }
}

fn fix_of(cause: Cause) -> &'static str {
    match cause {
        Cause::Revoked | Cause::PasswordChanged => "Connect again.",
        Cause::Unused => "It was not used for too long. Connect again.",
        Cause::TestMode => {
            "The provider's app is in testing, where access ends after seven days. Connect again; the operator can \
             publish the app to end this."
        }
        Cause::TimeLimited => "Access was given for a limited time, which is over. Connect again.",
        Cause::TokenLimit => {
            "This account was connected too often, and its oldest access ended. Disconnect what you do not need, then \
             connect again."
        }
        Cause::MfaRequired => {
            "Connect again and confirm with the second factor that your organisation asks for."
        }
        Cause::ConsentRequired => {
            "Connect again and accept; your organisation may have to approve the app first."
        }
        Cause::NoRefreshToken => "Remove the app in the account's security settings, then connect again.",
        Cause::RotationLost => {
            "A renewal was interrupted, and the provider takes its old token only once. Connect again."
        }
        Cause::KeyLost => "The key that kept its tokens is gone. Connect again.",
        Cause::ClientSecretExpired => {
            "Nothing to do for you: the operator has to renew the app's client secret at the provider."
        }
        Cause::Configuration => {
            "Nothing to do for you: the operator has to correct the app's registration at the provider."
        }
    }
}
