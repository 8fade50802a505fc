//! How long a provider asks us to wait.

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

/// No provider means a longer wait; what says so counts something else.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// `Retry-After` in seconds (Graph's may have a fraction) or as a date (RFC 9110, section 10.2.3), else the
/// seconds of `X-RateLimit-Reset`, as Calendly and Cal.com send them.
pub(super) fn after(headers: &HeaderMap) -> Option<SignedDuration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let wait = match text("retry-after") {
        Some(value) => seconds(value).or_else(|| Some(date(value)?.duration_since(date(text("date")?)?)))?,
        None if text("x-ratelimit-remaining").is_none_or(|left| left == "0") => {
            seconds(text("x-ratelimit-reset")?).filter(|wait| *wait <= LONGEST)?
        }
        None => return None,
    };
    Some(wait.clamp(SignedDuration::ZERO, LONGEST))
}

fn seconds(text: &str) -> Option<SignedDuration> {
    let seconds: f64 = text.parse().ok()?;
    SignedDuration::try_from_secs_f64(seconds).ok().filter(|wait| !wait.is_negative())
}

/// Counted from the answer's own `Date`, so that neither clock has to be right.
fn date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&'static str, &'static str)], millis: Option<i64>) {
        let headers =
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        assert_eq!(after(&headers), millis.map(SignedDuration::from_millis), "{pairs:?}");
    }

    #[test]
    fn a_wait_is_seconds_with_or_without_a_fraction_or_a_date() {
        check(&[("retry-after", "120")], Some(120_000));
        check(&[("retry-after", " 0.5 ")], Some(500));
        check(&[("retry-after", "0")], Some(0));
        check(&[("retry-after", "-3")], None);
        check(&[("retry-after", "soon")], None);
        check(&[("retry-after", "NaN")], None);
        check(&[("retry-after", "1e300")], None);
        check(&[("retry-after", "999999999")], Some(86_400_000));
        let date = ("date", "Sun, 06 Nov 1994 08:49:07 GMT");
        check(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), date], Some(30_000));
        check(&[("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT"), date], Some(0));
        check(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], None);
        check(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "42")], Some(42_000));
        check(&[("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "42")], None);
        check(&[("x-ratelimit-reset", "1767600000")], None);
        check(&[], None);
    }
}
