//! Each kind of case, in the spellings that other systems' suites use.

use super::*;

fn check(kind: &str, case: Value, expected: Value) {
    assert_eq!(verdict(kind, &case), Some(Ok(expected)), "{case}");
}

#[test]
fn another_files_kind_is_left_alone() {
    assert_eq!(verdict("phrase", &json!({})), None);
}

#[test]
fn a_case_that_cannot_be_read_is_an_error() {
    let wrong = [
        (
            "working_hours",
            json!({ "schedule_time_zone": "Nowhere/Land", "from": "2026-01-01", "to": "2026-01-02" }),
        ),
        ("working_hours", json!({ "weekly": [] })),
        ("slots", json!({ "now": "soon", "free_ranges": [] })),
        ("local_range", json!({ "zone": "UTC", "date": "someday", "start": "09:00", "end": "10:00" })),
        ("time_zone", json!({})),
    ];
    for (kind, case) in wrong {
        assert!(matches!(verdict(kind, &case), Some(Err(_))), "{kind} {case}");
    }
}

#[test]
fn working_hours_come_in_utc_and_overrides_replace_them() {
    let weekly = json!([{ "days": [1, 2, 3, 4, 5], "start": "08:00", "end": "17:00" }]);
    check(
        "working_hours",
        json!({
            "schedule_time_zone": "America/New_York", "weekly": weekly,
            "date_overrides": [{ "date": "2026-06-09", "start": "10:00", "end": "15:00" }],
            "from": "2026-06-09T00:00:00Z", "to": "2026-06-11T00:00:00.000Z",
        }),
        json!({ "ranges": [
            { "start": "2026-06-09T14:00:00Z", "end": "2026-06-09T19:00:00Z" },
            { "start": "2026-06-10T12:00:00Z", "end": "2026-06-10T21:00:00Z" },
        ] }),
    );
    check(
        "working_hours",
        json!({
            "schedule_time_zone": "Europe/London", "weekly": weekly,
            "date_overrides": [{ "date": "2026-06-09T00:00:00.000Z", "start": "00:00", "end": "00:00" }],
            "from": "2026-06-09T00:00:00+01:00", "to": "2026-06-11T00:00:00+01:00",
        }),
        json!({ "ranges": [{ "start": "2026-06-10T07:00:00Z", "end": "2026-06-10T16:00:00Z" }] }),
    );
}

#[test]
fn whole_days_join_over_midnight_however_their_end_is_written() {
    for end in ["24:00", "23:59", "23:59:59"] {
        check(
            "working_hours",
            json!({
                "schedule_time_zone": "Europe/London",
                "weekly": [{ "days": ["Monday", "tue"], "start": "00:00:00", "end": end }],
                "from": "2026-06-07", "to": "2026-06-09T23:59:59.999+01:00",
            }),
            json!({ "ranges": [{ "start": "2026-06-07T23:00:00Z", "end": "2026-06-09T23:00:00Z" }] }),
        );
    }
}

#[test]
fn slots_of_a_schedule_avoid_busy_times_and_the_past() {
    check(
        "slots",
        json!({
            "schedule_time_zone": "America/New_York",
            "weekly": [{ "days": ["mon"], "start": "09:00", "end": "14:00" }],
            "range": { "from": "2026-06-08", "to": "2026-06-08" },
            "now": "2026-06-08T13:20:00Z", "min_notice_min": 30, "query_time_zone": "Asia/Kolkata",
            "busy": [{ "start": "2026-06-08T15:00:00Z", "end": "2026-06-08T15:45:00Z" }],
            "duration_min": 30, "interval_min": 60,
        }),
        json!({ "starts": ["2026-06-08T14:30:00Z", "2026-06-08T16:30:00Z", "2026-06-08T17:30:00Z"] }),
    );
}

#[test]
fn ready_ranges_are_merged_and_the_last_second_completes_them() {
    check(
        "slots",
        json!({
            "free_ranges": [
                { "start": "2026-06-08T11:20:00Z", "end": "2026-06-08T12:39:59Z" },
                { "start": "2026-06-08T11:00:00Z", "end": "2026-06-08T12:00:00Z" },
            ],
            "now": "2026-06-07T11:59:59Z", "busy": [], "duration_min": 20, "interval_min": 20,
            "query_time_zone": "UTC",
        }),
        json!({ "starts": [
            "2026-06-08T11:00:00Z", "2026-06-08T11:20:00Z", "2026-06-08T11:40:00Z",
            "2026-06-08T12:00:00Z", "2026-06-08T12:20:00Z",
        ] }),
    );
    check(
        "slots",
        json!({
            "free_ranges": [{ "start": "2026-06-08T00:00:00Z", "end": "2026-06-08T23:59:59.999Z" }],
            "now": "2026-06-07T11:59:59Z", "min_notice_min": 2_040, "duration_min": 60, "interval_min": 60,
        }),
        json!({ "starts": ["2026-06-08T22:00:00Z", "2026-06-08T23:00:00Z"] }),
    );
}

#[test]
fn local_ranges_are_instants_or_nulls() {
    check(
        "local_range",
        json!({ "zone": "America/New_York", "date": "2026-11-01", "start": "01:30", "end": "24:00" }),
        json!({ "utc_start": "2026-11-01T05:30:00Z", "utc_end": "2026-11-02T05:00:00Z" }),
    );
    check(
        "local_range",
        json!({ "zone": "Pacific/Apia", "date": "2011-12-30", "start": "09:00", "end": "17:00" }),
        json!({ "utc_start": null, "utc_end": null }),
    );
}

#[test]
fn zone_names_go_both_ways() {
    check("time_zone", json!({ "windows": "India Standard Time" }), json!({ "iana": "Asia/Kolkata" }));
    check("time_zone", json!({ "windows": "tzone://Microsoft/Custom" }), json!({ "iana": null }));
    check("time_zone", json!({ "iana": "US/Pacific" }), json!({ "windows": "Pacific Standard Time" }));
    check("time_zone", json!({ "iana": "Nowhere/Land" }), json!({ "windows": null }));
}

#[test]
fn slots_are_spoken_in_one_line() {
    check(
        "spoken",
        json!({
            "slots": [{ "start": "2026-12-01T19:00:00Z", "end": "2026-12-01T19:30:00Z" }],
            "zone": "America/New_York", "caller_zone": "Europe/London", "now": "2026-11-20T12:00:00Z",
        }),
        json!({ "line": "Tuesday, December first at 2 PM, New York time" }),
    );
}
