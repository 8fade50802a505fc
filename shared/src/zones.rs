//! Windows and IANA names of time zones, for the few zones in which this library is first tried.

use std::borrow::Cow;

const ZONES: &[(&str, &str)] = &[
    ("UTC", "Etc/UTC"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Mountain Standard Time", "America/Denver"),
    ("Central Standard Time", "America/Chicago"),
    ("Eastern Standard Time", "America/New_York"),
    ("GMT Standard Time", "Europe/London"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Romance Standard Time", "Europe/Paris"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
];

/// The IANA name of a zone that is given by its Windows or IANA name.
pub fn to_iana(name: &str) -> Option<Cow<'static, str>> {
    let windows = ZONES.iter().find(|(windows, _)| windows.eq_ignore_ascii_case(name));
    windows.map(|(_, iana)| Cow::Borrowed(*iana)).or_else(|| {
        let zone = jiff::tz::TimeZone::get(name).ok()?;
        Some(Cow::Owned(zone.iana_name()?.to_owned()))
    })
}

/// The Windows name of an IANA zone.
pub fn iana_to_windows(iana: &str) -> Option<&'static str> {
    ZONES.iter().find(|(_, known)| *known == iana).map(|(windows, _)| *windows)
}
