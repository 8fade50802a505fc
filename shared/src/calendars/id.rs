//! Our ids of events: URL-safe, and they say which connection and calendar an event lies in.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    error::{Error, Result},
    ids::ConnectionId,
    random,
};

/// Neither connection ids nor calendar ids nor event ids hold it.
const SEPARATOR: char = '\u{1f}';

/// The parts of an event id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventId {
    /// The connection.
    pub connection: ConnectionId,
    /// The provider's calendar id.
    pub calendar: String,
    /// The provider's event id.
    pub event: String,
}

impl EventId {
    /// The id as it goes out.
    pub fn encode(&self) -> String {
        let (connection, calendar, event) = (&self.connection, &self.calendar, &self.event);
        random::base64url(format!("{connection}{SEPARATOR}{calendar}{SEPARATOR}{event}").as_bytes())
    }

    /// Reads an id that came in. What we never gave out is an event that is not found.
    pub fn decode(text: &str) -> Result<Self> {
        let missing = || Error::NotFound("event");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| missing())?;
        let text = String::from_utf8(bytes).map_err(|_| missing())?;
        let mut parts = text.split(SEPARATOR);
        let (Some(connection), Some(calendar), Some(event), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(missing());
        };
        if calendar.is_empty() || event.is_empty() {
            return Err(missing());
        }
        let connection = connection.parse().map_err(|_| missing())?;
        Ok(Self { connection, calendar: calendar.to_owned(), event: event.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_odd_ones_are_not_found() {
        let id = EventId {
            connection: ConnectionId::random(),
            calendar: "primary".into(),
            event: "AAMk=/+".into(),
        };
        let text = id.encode();
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        assert_eq!(EventId::decode(&text).unwrap(), id);
        for odd in ["", "!!", "YWJj", &random::base64url("con_x\u{1f}a\u{1f}b".as_bytes())] {
            assert!(matches!(EventId::decode(odd), Err(Error::NotFound("event"))), "{odd}");
        }
    }
}
