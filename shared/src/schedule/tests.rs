//! What a schedule refuses, and its JSON.

use super::*;

fn wrong_field(change: impl FnOnce(&mut Schedule)) -> String {
    let mut schedule = Schedule::default_in("Europe/Berlin");
    change(&mut schedule);
    match schedule.check() {
        Err(Error::Invalid { field, .. }) => field.into_owned(),
        other => panic!("expected a wrong field, got {other:?}"),
    }
}

#[test]
fn a_wrong_value_is_named() {
    Schedule::default_in("Europe/Berlin").check().unwrap();
    assert_eq!(wrong_field(|s| s.time_zone = "Berlin".into()), "time_zone");
    assert_eq!(wrong_field(|s| s.weekly[0].end = DayTime::MIDNIGHT), "weekly[0].end");
    assert_eq!(wrong_field(|s| s.weekly[0].days.clear()), "weekly[0].days");
    assert_eq!(wrong_field(|s| s.slot_interval_minutes = 0), "slot_interval_minutes");
    assert_eq!(wrong_field(|s| s.horizon_days = 0), "horizon_days");
    assert_eq!(wrong_field(|s| s.buffer_after_minutes = 1_441), "buffer_after_minutes");
    assert_eq!(wrong_field(|s| s.daily_limit = Some(0)), "daily_limit");
    let hours = vec![HourRange { start: DayTime::DAY_END, end: DayTime::MIDNIGHT }];
    let date = "2026-12-24".parse().unwrap();
    let backwards = DateOverride { date, hours };
    assert_eq!(wrong_field(|s| s.date_overrides.push(backwards)), "date_overrides[0].end");
}

#[test]
fn the_json_shape_is_stable_and_days_may_be_numbers() {
    let json = r#"{"time_zone":"Europe/Berlin","weekly":[{"days":[1,"tue","Sunday"],"start":"9:00","end":"24:00"}],"date_overrides":[{"date":"2026-12-24","hours":[]}]}"#;
    let schedule: Schedule = serde_json::from_str(json).unwrap();
    schedule.check().unwrap();
    assert_eq!(
        serde_json::to_string(&schedule).unwrap(),
        r#"{"time_zone":"Europe/Berlin","weekly":[{"days":["monday","tuesday","sunday"],"start":"09:00","end":"24:00"}],"breaks":[],"date_overrides":[{"date":"2026-12-24","hours":[]}],"buffer_before_minutes":0,"buffer_after_minutes":0,"slot_interval_minutes":30,"start_alignment":"clock","min_notice_minutes":60,"horizon_days":60}"#
    );
}
