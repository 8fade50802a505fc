//! Google Calendar's stand-in.

use super::*;

/// A bench with Google connected: the calendar's base URL and an access token.
async fn connected() -> (Bench, String, String) {
    let bench = Bench::start().await;
    let token = bench.connect(Provider::Google).await["access_token"].as_str().unwrap().to_owned();
    let base = bench.setting("GOOGLE_CALENDAR_URL");
    (bench, base, token)
}

fn reason(got: &Got) -> (u16, String) {
    let reason = got.body["error"]["errors"][0]["reason"].as_str().unwrap_or_default().to_owned();
    (got.status, reason)
}

#[tokio::test]
async fn the_default_week_is_listed_with_its_series_expanded() {
    let (bench, base, token) = connected().await;
    let range = "timeMin=2026-03-02T00:00:00Z&timeMax=2026-03-09T00:00:00Z";
    let url = format!("{base}/calendars/primary/events?{range}&singleEvents=true&orderBy=startTime");
    let got = bench.call(Method::GET, &url, &token, None).await;
    let items = got.body["items"].as_array().unwrap();
    let standups: Vec<_> = items.iter().filter(|item| item["summary"] == "Stand-up").collect();
    assert_eq!(standups.len(), 5);
    assert_eq!(standups[0]["start"]["dateTime"], "2026-03-02T09:00:00Z");
    assert!(standups[0]["recurringEventId"].is_string() && standups[0].get("recurrence").is_none());
    assert!(
        items.iter().any(|item| item["start"]["date"] == "2026-03-04" && item["end"]["date"] == "2026-03-05")
    );
    let url = format!("{base}/calendars/primary/events?{range}");
    let masters = bench.call(Method::GET, &url, &token, None).await;
    let masters = masters.body["items"].as_array().unwrap().clone();
    assert_eq!(masters.iter().filter(|item| item["recurrence"].is_array()).count(), 1);
    let summer = "timeMin=2026-03-30T00:00:00Z&timeMax=2026-03-31T00:00:00Z";
    let url = format!("{base}/calendars/primary/events?{summer}&singleEvents=true");
    let got = bench.call(Method::GET, &url, &token, None).await;
    assert_eq!(got.body["items"][0]["start"]["dateTime"], "2026-03-30T09:00:00+01:00", "summer time");
}

#[tokio::test]
async fn pages_follow_each_other_until_a_sync_token() {
    let (bench, base, token) = connected().await;
    let query = "timeMin=2026-03-02T00:00:00Z&timeMax=2026-03-09T00:00:00Z&singleEvents=true&maxResults=4";
    let (mut seen, mut page) = (Vec::new(), String::new());
    loop {
        let url = format!("{base}/calendars/primary/events?{query}{page}");
        let got = bench.call(Method::GET, &url, &token, None).await;
        let items = got.body["items"].as_array().unwrap();
        assert!(items.len() <= 4);
        seen.extend(items.iter().map(|item| item["id"].clone()));
        match got.body.get("nextPageToken") {
            Some(next) => page = format!("&pageToken={}", next.as_str().unwrap()),
            None => {
                assert!(got.body["nextSyncToken"].is_string());
                break;
            }
        }
    }
    assert_eq!(seen.len(), 9);
    let url = format!("{base}/calendars/primary/events?syncToken=EXAMPLE");
    assert_eq!(
        reason(&bench.call(Method::GET, &url, &token, None).await),
        (410, "fullSyncRequired".to_owned())
    );
}

#[tokio::test]
async fn a_list_is_refused_as_google_refuses_it() {
    let (bench, base, token) = connected().await;
    let cases = [
        ("primary/events?orderBy=startTime", 400, "invalid"),
        ("primary/events?timeMin=2026-03-02T00:00:00", 400, "badRequest"),
        ("primary/events?timeMin=2026-03-03T00:00:00Z&timeMax=2026-03-02T00:00:00Z", 400, "timeRangeEmpty"),
        ("other%40example.com/events", 404, "notFound"),
    ];
    for (path, status, expected) in cases {
        let got = bench.call(Method::GET, &format!("{base}/calendars/{path}"), &token, None).await;
        assert_eq!(reason(&got), (status, expected.to_owned()), "{path}");
    }
    let got = bench.call(Method::GET, &format!("{base}/users/me/calendarList"), "EXAMPLE-none", None).await;
    assert_eq!(reason(&got), (401, "authError".to_owned()));
    assert!(got.header("www-authenticate").starts_with("Bearer"));
}

#[tokio::test]
async fn our_own_id_is_taken_once_and_stays_taken_after_deletion() {
    let (bench, base, token) = connected().await;
    let all = format!("{base}/calendars/primary/events");
    let one = format!("{all}/slot0sample");
    let mut body = google_event("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z");
    body["id"] = "slot0sample".into();
    let made = bench.call(Method::POST, &all, &token, Some(&body)).await;
    assert_eq!((made.status, made.text("status"), made.text("id")), (200, "confirmed", "slot0sample"));
    let again = bench.call(Method::POST, &all, &token, Some(&body)).await;
    assert_eq!(reason(&again), (409, "duplicate".to_owned()));
    assert_eq!(bench.call(Method::DELETE, &one, &token, None).await.status, 204);
    assert_eq!(bench.call(Method::GET, &one, &token, None).await.text("status"), "cancelled");
    assert_eq!(reason(&bench.call(Method::DELETE, &one, &token, None).await), (410, "deleted".to_owned()));
    let again = bench.call(Method::POST, &all, &token, Some(&body)).await;
    assert_eq!(reason(&again), (409, "duplicate".to_owned()));
    let never = bench.call(Method::DELETE, &format!("{all}/slot0never"), &token, None).await;
    assert_eq!(reason(&never), (404, "notFound".to_owned()));
    assert_eq!(bench.world.counters().of("google", "events.insert"), 3);
    assert_eq!(bench.world.counters().of("google", "events.delete"), 3);
}

#[tokio::test]
async fn a_bad_event_is_refused_and_leaves_nothing() {
    let (bench, base, token) = connected().await;
    let before = bench.world.events(Provider::Google, DEFAULT_EMAIL);
    let (ten, eleven) = ("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z");
    let with = |name: &str, value: Value| {
        let mut body = google_event(ten, eleven);
        body[name] = value;
        body
    };
    let cases = [
        (with("id", json!("UPPER-case")), "invalid"),
        (with("id", json!("abcd")), "invalid"),
        (google_event(eleven, ten), "timeRangeEmpty"),
        (json!({"summary": "x", "start": {"dateTime": ten}}), "required"),
        (with("start", json!({"dateTime": "2026-03-02T10:00:00"})), "invalid"),
        (with("start", json!({"dateTime": ten, "timeZone": "GMT Standard Time"})), "invalid"),
        (with("start", json!({"date": "2026-03-02"})), "invalid"),
        (with("recurrence", json!(["RRULE:FREQ=DAILY"])), "required"),
    ];
    for (body, expected) in cases {
        let got =
            bench.call(Method::POST, &format!("{base}/calendars/primary/events"), &token, Some(&body)).await;
        assert_eq!(reason(&got), (400, expected.to_owned()), "{body}");
    }
    assert_eq!(bench.world.events(Provider::Google, DEFAULT_EMAIL), before);
}

#[tokio::test]
async fn a_change_needs_the_current_etag_when_it_names_one() {
    let (bench, base, token) = connected().await;
    let all = format!("{base}/calendars/primary/events");
    let body = google_event("2026-03-06T10:00:00Z", "2026-03-06T11:00:00Z");
    let made = bench.call(Method::POST, &all, &token, Some(&body)).await;
    let (one, etag) = (format!("{all}/{}", made.text("id")), made.text("etag").to_owned());
    let later = json!({"end": {"dateTime": "2026-03-06T12:00:00Z"}});
    let match_etag = [("if-match", etag.as_str())];
    let changed = bench.call_with(Method::PATCH, &one, &token, Some(&later), &match_etag).await;
    assert_eq!((changed.status, changed.text("summary")), (200, "Haircut"));
    assert_ne!(changed.text("etag"), etag);
    for method in [Method::PATCH, Method::PUT, Method::DELETE] {
        let got = bench.call_with(method, &one, &token, Some(&body), &match_etag).await;
        assert_eq!(reason(&got), (412, "conditionNotMet".to_owned()));
    }
    let event = bench.world.events(Provider::Google, DEFAULT_EMAIL).pop().unwrap();
    assert_eq!((event.subject.as_str(), event.end), ("Haircut", at("2026-03-06T12:00:00Z")));
    let whole = bench
        .call(Method::PUT, &one, &token, Some(&json!({"start": body["start"], "end": body["end"]})))
        .await;
    assert_eq!((whole.status, whole.body.get("summary")), (200, None), "a PUT replaces everything");
}

#[tokio::test]
async fn only_the_own_calendar_may_be_written() {
    let (bench, base, token) = connected().await;
    let got = bench.call(Method::GET, &format!("{base}/users/me/calendarList"), &token, None).await;
    let list = got.body["items"].as_array().unwrap();
    assert_eq!((&list[0]["primary"], list[1].get("primary")), (&json!(true), None));
    let team = list[1]["id"].as_str().unwrap().replace('@', "%40");
    let body = google_event("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z");
    let got = bench.call(Method::POST, &format!("{base}/calendars/{team}/events"), &token, Some(&body)).await;
    assert_eq!(reason(&got), (403, "requiredAccessLevel".to_owned()));
    let got = bench.call(Method::GET, &format!("{base}/calendars/primary"), &token, None).await;
    assert_eq!((got.text("id"), got.text("timeZone")), (DEFAULT_EMAIL, "Europe/London"));
}

#[tokio::test]
async fn free_busy_merges_skips_what_does_not_block_and_reports_unknown_calendars() {
    let (bench, base, token) = connected().await;
    let overlapping = google_event("2026-03-04T13:00:00Z", "2026-03-04T14:00:00Z");
    bench.world.add_event_json(Provider::Google, DEFAULT_EMAIL, &overlapping).unwrap();
    let query = |ids: Vec<String>| {
        let items: Vec<_> = ids.into_iter().map(|id| json!({"id": id})).collect();
        json!({"timeMin": "2026-03-04T10:00:00Z", "timeMax": "2026-03-04T18:00:00Z", "items": items})
    };
    let body = query(vec!["primary".to_owned(), "other@example.com".to_owned()]);
    let got = bench.call(Method::POST, &format!("{base}/freeBusy"), &token, Some(&body)).await;
    let calendars = &got.body["calendars"];
    let busy = json!([{"start": "2026-03-04T12:30:00Z", "end": "2026-03-04T14:00:00Z"}]);
    assert_eq!(calendars["primary"]["busy"], busy);
    assert_eq!(calendars["other@example.com"]["errors"][0]["reason"], "notFound");
    let many = query((0..51).map(|n| format!("{n}@example.com")).collect());
    let got = bench.call(Method::POST, &format!("{base}/freeBusy"), &token, Some(&many)).await;
    assert_eq!(reason(&got), (400, "tooManyCalendarsRequested".to_owned()));
}

#[tokio::test]
async fn a_meet_link_comes_only_with_the_version_that_knows_of_it() {
    let (bench, base, token) = connected().await;
    let mut body = google_event("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z");
    body["conferenceData"] =
        json!({"createRequest": {"requestId": "EXAMPLE", "conferenceSolutionKey": {"type": "hangoutsMeet"}}});
    let all = format!("{base}/calendars/primary/events");
    let without = bench.call(Method::POST, &all, &token, Some(&body)).await;
    assert_eq!(without.body.get("hangoutLink"), None);
    let with = bench.call(Method::POST, &format!("{all}?conferenceDataVersion=1"), &token, Some(&body)).await;
    assert!(with.text("hangoutLink").starts_with("https://meet.google.com/"));
}

#[tokio::test]
async fn one_occurrence_is_found_by_its_own_id_and_leaves_its_series_alone() {
    let (bench, base, token) = connected().await;
    let all = format!("{base}/calendars/primary/events");
    let day = "timeMin=2026-03-03T08:00:00Z&timeMax=2026-03-03T09:30:00Z&singleEvents=true";
    let listed = bench.call(Method::GET, &format!("{all}?{day}"), &token, None).await;
    let one = format!("{all}/{}", listed.body["items"][0]["id"].as_str().unwrap());
    assert!(one.ends_with("_20260303T090000Z"));
    assert_eq!(bench.call(Method::GET, &one, &token, None).await.text("summary"), "Stand-up");
    assert_eq!(bench.call(Method::DELETE, &one, &token, None).await.status, 204);
    assert_eq!(bench.call(Method::GET, &one, &token, None).await.status, 404);
    let listed = bench.call(Method::GET, &format!("{all}?{day}"), &token, None).await;
    assert_eq!(listed.body["items"], json!([]));
    let next = day.replace("03-03", "03-04");
    let listed = bench.call(Method::GET, &format!("{all}?{next}"), &token, None).await;
    assert!(listed.body["items"].as_array().unwrap().iter().any(|item| item["summary"] == "Stand-up"));
}
