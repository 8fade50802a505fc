//! What a refusal's body and headers say by code: every vendor nests its codes elsewhere.

use http::HeaderMap;
use serde_json::Value;

/// Deep enough for Graph's nested inner errors; a body that goes deeper is somebody's joke.
const DEEPEST: usize = 8;

/// The codes of one refusal.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Identifiers in lower case, in the order in which they stand.
    pub(super) codes: Vec<String>,
    /// Microsoft's AADSTS numbers.
    pub(super) aadsts: Vec<u32>,
    /// All text in lower case, for the few refusals that have no code. It never leaves this folder.
    pub(super) text: String,
}

impl Said {
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let mut said = Self::default();
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => said.walk("", &value, 0),
            Err(_) => said.text = String::from_utf8_lossy(body).to_ascii_lowercase(),
        }
        for challenge in headers.get_all("www-authenticate") {
            said.challenge(challenge.to_str().unwrap_or_default());
        }
        said
    }

    /// Whether the text holds a phrase (given in lower case).
    pub(super) fn mentions(&self, phrase: &str) -> bool {
        self.text.contains(phrase)
    }

    fn walk(&mut self, key: &str, value: &Value, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| self.walk(key, value, depth + 1)),
            Value::Array(items) => items.iter().for_each(|item| self.walk(key, item, depth + 1)),
            Value::Number(number) if key == "error_codes" => {
                self.aadsts.extend(number.as_u64().and_then(|code| u32::try_from(code).ok()));
            }
            Value::String(text) => self.string(key, text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn string(&mut self, key: &str, text: &str) {
        let lower = text.to_ascii_lowercase();
        if matches!(key, "error_description" | "message") {
            self.aadsts.extend(aadsts(&lower));
        }
        let is_code = matches!(
            key,
            "error"
                | "code"
                | "reason"
                | "status"
                | "suberror"
                | "error_subtype"
                | "error_codes"
                | "title"
                | "type"
        );
        // Some put their code where others put a sentence.
        if is_code || !lower.contains(' ') {
            self.codes.push(lower.clone());
        }
        self.text.push_str(&lower);
        self.text.push('\n');
    }

    /// The `error` of a challenge: `Bearer realm="…", error="insufficient_scope"` (RFC 6750, section 3).
    fn challenge(&mut self, text: &str) {
        let lower = text.to_ascii_lowercase();
        let code = lower.split_once("error=").and_then(|(before, rest)| {
            let stands_alone = before.ends_with([' ', ',', '\t']);
            stands_alone.then(|| rest.trim_start_matches('"').split(['"', ',', ' ']).next()).flatten()
        });
        self.codes.extend(code.map(str::to_owned));
    }
}

/// The number at the start of Microsoft's descriptions: `aadsts700082: the refresh token has expired…`.
fn aadsts(lower: &str) -> Option<u32> {
    let (_, rest) = lower.split_once("aadsts")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Said {
        Said::read(&HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn codes_are_found_wherever_a_vendor_puts_them() {
        let check = |body: &str, code: &str| {
            let said = read(body);
            assert!(said.codes.iter().any(|found| found == code), "{body}: {said:?}");
        };
        check(r#"{"error":"invalid_grant"}"#, "invalid_grant");
        check(r#"{"error":{"code":"ErrorItemNotFound","innerError":{"code":"Deep"}}}"#, "erroritemnotfound");
        check(r#"{"error":{"code":"UnknownError","innerError":{"code":"Deep"}}}"#, "deep");
        check(r#"{"error":{"errors":[{"reason":"rateLimitExceeded"}],"code":403}}"#, "ratelimitexceeded");
        check(r#"{"error":{"details":[{"reason":"SERVICE_DISABLED"}]}}"#, "service_disabled");
        check(r#"{"message":"invalid_grant","statusCode":400}"#, "invalid_grant");
    }

    #[test]
    fn aadsts_numbers_come_from_the_list_or_from_the_text() {
        assert_eq!(read(r#"{"error_codes":[700082]}"#).aadsts, [700_082]);
        assert_eq!(read(r#"{"error_description":"AADSTS50173: The grant…"}"#).aadsts, [50_173]);
        assert!(read(r#"{"error_description":"no code"}"#).aadsts.is_empty());
    }

    #[test]
    fn what_is_not_json_is_text() {
        for body in ["", "<html>Service Unavailable</html>", "{", "\u{0}\u{1}"] {
            assert!(read(body).codes.is_empty(), "{body}");
        }
        assert!(read("<h1>Nope</h1>").mentions("nope"));
    }

    #[test]
    fn a_challenge_names_its_error() {
        let read = |value: &'static str| {
            let headers =
                [("www-authenticate".parse().unwrap(), value.parse().unwrap())].into_iter().collect();
            Said::read(&headers, b"").codes
        };
        assert_eq!(
            read(r#"Bearer realm="x", error="insufficient_scope", scope="a b""#),
            ["insufficient_scope"]
        );
        assert_eq!(read("Bearer error=invalid_token"), ["invalid_token"]);
        assert!(read(r#"Bearer realm="x""#).is_empty());
    }
}
