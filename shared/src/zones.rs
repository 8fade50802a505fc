//! Windows time zone names and IANA ids, by the Unicode CLDR's `windowsZones` table.
//!
//! Microsoft Graph names zones in either way, Outlook's own marks among them; this turns them into each other and
//! does not judge whether two zones agree at some instant.

use std::borrow::Cow;

use jiff::tz::TimeZone;

/// Name, tab, default zone, further zones; six lines of source and licence first.
static TABLE: &str = include_str!("zones/windows.tsv");

/// Outlook's mark for UTC, seen in `originalStartTimeZone`.
const OUTLOOK_UTC: &str = "tzone://Microsoft/Utc";

/// The IANA zone that stands for a Windows zone (CLDR's territory 001), in the spelling that the tz database prefers.
///
/// `tzone://Microsoft/Custom` and `Customized Time Zone` name no zone, so they have none.
pub fn windows_to_iana(name: &str) -> Option<&'static str> {
    let name = if name.eq_ignore_ascii_case(OUTLOOK_UTC) { "UTC" } else { name };
    rows()
        .find(|(windows, _)| windows.eq_ignore_ascii_case(name))
        .and_then(|(_, zones)| zones.split(' ').next())
}

/// The Windows zone of an IANA id, older spellings (`Asia/Calcutta`) and links (`US/Pacific`) included.
pub fn iana_to_windows(id: &str) -> Option<&'static str> {
    rows()
        .find(|(_, zones)| zones.split(' ').any(|zone| zone.eq_ignore_ascii_case(id)))
        .map(|(windows, _)| windows)
}

/// An IANA id from whatever a provider wrote: a Windows name, or an IANA id that the zone database knows.
pub fn to_iana(name: &str) -> Option<Cow<'static, str>> {
    if let Some(id) = windows_to_iana(name) {
        return Some(Cow::Borrowed(id));
    }
    let zone = TimeZone::get(name).ok()?;
    zone.iana_name().map(|id| Cow::Owned(id.to_owned()))
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_that_comes_out_is_in_the_zone_database() {
        let mut names = 0;
        for (windows, zones) in rows() {
            let id = windows_to_iana(windows).unwrap();
            assert!(TimeZone::get(id).is_ok(), "{windows} gives {id}");
            assert_eq!(zones.split(' ').next(), Some(id));
            names += 1;
        }
        assert_eq!(names, 139);
    }

    #[test]
    fn every_zone_goes_back_to_the_windows_zone_that_lists_it() {
        for (windows, zones) in rows() {
            for id in zones.split(' ') {
                assert_eq!(iana_to_windows(id), Some(windows), "{id}");
            }
        }
    }

    #[test]
    fn every_zone_of_the_database_but_two_has_a_windows_name() {
        let without: Vec<String> = jiff::tz::db()
            .available()
            .map(|id| id.to_string())
            .filter(|id| iana_to_windows(id).is_none())
            .collect();
        // Troll keeps two-hour summer time that Windows has no zone for; Factory means "not set".
        assert_eq!(without, ["Antarctica/Troll", "Factory"]);
    }

    #[test]
    fn windows_names_become_the_current_iana_spelling() {
        let check =
            |windows: &str, iana: Option<&str>| assert_eq!(windows_to_iana(windows), iana, "{windows}");
        check("Eastern Standard Time", Some("America/New_York"));
        check("pacific standard TIME", Some("America/Los_Angeles"));
        check("India Standard Time", Some("Asia/Kolkata"));
        check("FLE Standard Time", Some("Europe/Kyiv"));
        check("Nepal Standard Time", Some("Asia/Kathmandu"));
        check("W. Europe Standard Time", Some("Europe/Berlin"));
        check("UTC", Some("Etc/UTC"));
        check("UTC-11", Some("Etc/GMT+11"));
        check("tzone://Microsoft/Utc", Some("Etc/UTC"));
        check("tzone://Microsoft/Custom", None);
        check("Customized Time Zone", None);
        check("Europe/Berlin", None);
        check("", None);
    }

    #[test]
    fn links_and_older_spellings_have_a_windows_name() {
        let check = |iana: &str, windows: Option<&str>| assert_eq!(iana_to_windows(iana), windows, "{iana}");
        check("US/Pacific", Some("Pacific Standard Time"));
        check("Asia/Calcutta", Some("India Standard Time"));
        check("Asia/Kolkata", Some("India Standard Time"));
        check("Europe/Kiev", Some("FLE Standard Time"));
        check("Europe/Kyiv", Some("FLE Standard Time"));
        check("europe/oslo", Some("W. Europe Standard Time"));
        check("UTC", Some("UTC"));
        check("Etc/UTC", Some("UTC"));
        check("Mars/Olympus", None);
    }

    #[test]
    fn either_kind_of_name_is_understood() {
        assert_eq!(to_iana("Tokyo Standard Time").as_deref(), Some("Asia/Tokyo"));
        assert_eq!(to_iana("asia/tokyo").as_deref(), Some("Asia/Tokyo"));
        assert_eq!(to_iana("tzone://Microsoft/Custom"), None);
    }
}
