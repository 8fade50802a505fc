//! One call to a calendar API: address, token, time limit, and the reading of its answer.

use http::Method;
use serde::de::DeserializeOwned;

use super::{
    PRIMARY, Session,
    classify::{Source, classify},
    failure::{Class, Failure},
};
use crate::http::{Answer, Call};

impl Session<'_> {
    /// A call to `path` (which starts with a slash) below the base URL.
    pub(super) fn call(&self, method: Method, path: &str) -> Call {
        self.call_url(method, &format!("{}{path}", self.base_url))
    }

    /// A call to a whole URL; the caller has made sure that it lies below the base URL.
    pub(super) fn call_url(&self, method: Method, url: &str) -> Call {
        self.http.call(method, url).bearer(self.access_token).within(self.limit)
    }
}

/// Sends a call; whatever is not a success is classified.
pub(super) async fn answered(source: Source, operation: &str, call: Call) -> Result<Answer, Failure> {
    let answer = call.send().await?;
    if answer.is_success() {
        return Ok(answer);
    }
    Err(classify(source, Some(answer.status), &answer.headers, &answer.body, Some(operation)))
}

/// Sends a call and reads the success as JSON.
pub(super) async fn read<T: DeserializeOwned>(
    source: Source,
    operation: &str,
    call: Call,
) -> Result<T, Failure> {
    answered(source, operation, call).await?.json().map_err(|_| unreadable())
}

/// A success whose body makes no sense.
pub(super) fn unreadable() -> Failure {
    Failure::ours(Class::Transient, "unreadable_answer")
}

/// An id as one segment of a path. Ids hold `=`, `/` and `@`; an id that would climb out of its place is nobody's.
pub(super) fn segment(id: &str) -> Result<String, Failure> {
    if id.chars().all(|c| c == '.') {
        return Err(Failure::ours(Class::NotFound, "id"));
    }
    let mut out = String::with_capacity(id.len() + 8);
    for byte in id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                out.push('%');
                out.push_str(&crate::random::hex(&[byte]).to_ascii_uppercase());
            }
        }
    }
    Ok(out)
}

/// Whether a calendar id means the account's default calendar.
pub(super) fn is_primary(calendar_id: &str) -> bool {
    calendar_id.is_empty() || calendar_id == PRIMARY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_segment() {
        for (id, expected) in [
            ("AAMkAD/x+y==", Some("AAMkAD%2Fx%2By%3D%3D")),
            ("ada@example.com", Some("ada%40example.com")),
            ("a?b#c%d", Some("a%3Fb%23c%25d")),
            ("é", Some("%C3%A9")),
            ("..", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(segment(id).ok().as_deref(), expected, "{id}");
        }
    }
}
