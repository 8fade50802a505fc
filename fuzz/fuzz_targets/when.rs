//! Zones, dates, times of day and ids as people and providers write them: one to a line.
//!
//! Zone, time, beginning and end on a dial, weekday, the id of an event.

#![no_main]

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use libfuzzer_sys::fuzz_target;
use shared::{
    calendars::{EventTime, id::EventId},
    civil::{self, DayTime},
    range::Interval,
    speech, zones,
};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let zone = zone(next());
    let at = time(next(), &zone);
    if let Some(at) = at {
        spoken(at, &zone);
    }
    let (start, end) = (dial(next()), dial(next()));
    if let Some(day) = civil::weekday(next()) {
        assert_eq!(civil::weekday(&day.to_sunday_zero_offset().to_string()), Some(day));
    }
    if let (Some(start), Some(end)) = (start, end) {
        around(&zone, at.unwrap_or(Timestamp::UNIX_EPOCH), start, end);
    }
    if let Ok(id) = EventId::decode(next()) {
        assert!(!id.calendar.is_empty() && !id.event.is_empty());
        assert_eq!(EventId::decode(&id.encode()).expect("an id of ours is read"), id);
    }
});

/// The zone that a name means; UTC for one that means none.
fn zone(name: &str) -> TimeZone {
    if let Some(windows) = zones::iana_to_windows(name) {
        let back = zones::windows_to_iana(windows).expect("every name in the table has a zone");
        assert_eq!(zones::iana_to_windows(back), Some(windows));
        assert!(TimeZone::get(back).is_ok());
    }
    let Some(id) = zones::to_iana(name) else { return TimeZone::UTC };
    let zone = TimeZone::get(&id).expect("a name that comes out is in the database");
    assert_eq!(zone.iana_name(), Some(&*id));
    assert_eq!(zones::to_iana(&id).as_deref(), Some(&*id), "a name that comes out means itself");
    zone
}

/// The instant of a time: written out it means the same again.
fn time(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let read = EventTime::parse("start_time", text).ok()?;
    let at = read.instant("start_time", zone).expect("what was read lies in years that calendars know");
    assert_eq!(EventTime::parse("start_time", &at.to_string()).ok()?, EventTime::Instant(at), "{text}");
    let offset = at.display_with_offset(zone.to_offset(at)).to_string();
    if let Ok(EventTime::Instant(again)) = EventTime::parse("start_time", &offset) {
        // Offsets of some seconds are history, and RFC 3339 rounds them to minutes.
        assert!(again.duration_since(at).abs() < SignedDuration::from_mins(1), "{text}");
    }
    match read {
        EventTime::Instant(instant) => assert_eq!(instant, at),
        EventTime::Local(local) => {
            assert_eq!(EventTime::parse("start_time", &local.to_string()).ok()?, read, "{text}");
            // In a gap the clock shows another time then.
            let shown = zone.to_datetime(at);
            assert!(shown == local || zone.to_ambiguous_timestamp(local).is_ambiguous(), "{text}");
        }
        EventTime::Date(date) => {
            assert_eq!(EventTime::parse("start_time", &date.to_string()).ok()?, read, "{text}");
            assert_eq!(read.date(zone), date);
            let day = civil::whole_day(zone, date);
            assert!(day.is_none_or(|day| day.start == at), "{text}");
        }
    }
    Some(at)
}

/// A time as an agent says it: one line without marks.
fn spoken(at: Timestamp, zone: &TimeZone) {
    let slot = |minutes: i64| {
        let start = at + SignedDuration::from_mins(minutes);
        Interval::new(start, start + SignedDuration::from_mins(30))
    };
    for slots in [&[][..], &[slot(0)], &[slot(0), slot(60)], &[slot(0), slot(90), slot(1440), slot(2000)]] {
        let line = speech::line(slots, zone, Some(&TimeZone::UTC), at);
        assert!(!line.is_empty() && !line.contains(['\n', '_', '/']), "{line}");
    }
    assert!(speech::spoken_time(at, zone).contains(" at "));
}

fn dial(text: &str) -> Option<DayTime> {
    let time: DayTime = text.parse().ok()?;
    assert_eq!(time.to_string().parse(), Ok(time));
    assert!(time >= DayTime::MIDNIGHT && time.as_range_end() >= time && time <= DayTime::DAY_END);
    Some(time)
}

/// A stretch of the dial lies near its date: around an instant, and around the next moves of the zone's clocks.
fn around(zone: &TimeZone, at: Timestamp, start: DayTime, end: DayTime) {
    let moves = zone.following(at).take(4).map(|transition| transition.timestamp());
    for at in moves.chain([at]) {
        let date = zone.to_datetime(at).date();
        for date in [date.yesterday(), Ok(date), date.tomorrow()].into_iter().flatten() {
            match civil::local_range(zone, date, start, end) {
                Some(range) => near(zone, date, range, start < end),
                None => assert!(civil::whole_day(zone, date).is_none(), "{date}"),
            }
        }
    }
}

fn near(zone: &TimeZone, date: Date, range: Interval, forwards: bool) {
    let noon = date.at(12, 0, 0, 0).to_zoned(zone.clone()).expect("a noon").timestamp();
    assert!(range.start.duration_since(noon).abs() < SignedDuration::from_hours(16), "{date}: {range:?}");
    if forwards {
        // A gap may swallow all of it, and then it ends where it starts or before.
        let (least, most) = (SignedDuration::from_hours(-3), SignedDuration::from_hours(28));
        assert!(least < range.duration() && range.duration() < most, "{date}: {range:?}");
    }
}
