//! Microsoft Graph's stand-in.

use super::*;

/// A bench with Microsoft connected: Graph's base URL and an access token.
async fn connected() -> (Bench, String, String) {
    let bench = Bench::start().await;
    let token = bench.connect(Provider::Microsoft).await["access_token"].as_str().unwrap().to_owned();
    let base = bench.setting("MICROSOFT_GRAPH_URL");
    (bench, base, token)
}

fn code(got: &Got) -> (u16, String) {
    (got.status, got.body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_account_its_settings_and_its_calendars_are_shown() {
    let (bench, base, token) = connected().await;
    let me = bench.call(Method::GET, &format!("{base}/me"), &token, None).await;
    assert_eq!((me.text("mail"), me.text("userPrincipalName")), (DEFAULT_EMAIL, DEFAULT_EMAIL));
    let settings = bench.call(Method::GET, &format!("{base}/me/mailboxSettings"), &token, None).await;
    assert_eq!(settings.text("timeZone"), "GMT Standard Time");
    let calendars = bench.call(Method::GET, &format!("{base}/me/calendars"), &token, None).await;
    let list = calendars.body["value"].as_array().unwrap();
    assert_eq!((&list[0]["isDefaultCalendar"], &list[1]["canEdit"]), (&json!(true), &json!(false)));
    assert!(list[0]["id"].as_str().unwrap().ends_with('='));
    let view = "calendarView?startDateTime=2026-03-02T00:00:00Z&endDateTime=2026-03-09T00:00:00Z";
    let url = format!("{base}/me/calendars/{}/{view}", list[0]["id"].as_str().unwrap());
    assert_eq!(bench.call(Method::GET, &url, &token, None).await.body["value"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_view_needs_its_window_and_reads_its_offset() {
    let (bench, base, token) = connected().await;
    let got = bench
        .call(Method::GET, &format!("{base}/me/calendarView?startDateTime=2026-03-02"), &token, None)
        .await;
    assert_eq!(code(&got), (400, "ErrorInvalidParameter".to_owned()));
    // "Planning" is from 14:00 to 15:30 in London; Prefer must not move the window.
    let cases = [
        ("2026-03-02T15:30:00", "2026-03-02T16:00:00", 0),
        ("2026-03-02T15:29:00", "2026-03-02T16:00:00", 1),
        ("2026-03-02T15:30:00%2B01:00", "2026-03-02T16:00:00%2B01:00", 1),
    ];
    for (start, end, count) in cases {
        let url = format!("{base}/me/calendarView?startDateTime={start}&endDateTime={end}");
        let prefer = [("prefer", "outlook.timezone=\"Pacific Standard Time\"")];
        let got = bench.call_with(Method::GET, &url, &token, None, &prefer).await;
        assert_eq!(got.body["value"].as_array().unwrap().len(), count, "{start}");
    }
}

#[tokio::test]
async fn a_view_expands_series_and_events_shows_their_masters() {
    let (bench, base, token) = connected().await;
    let window = "startDateTime=2026-03-20T00:00:00Z&endDateTime=2026-04-04T00:00:00Z";
    let got = bench.call(Method::GET, &format!("{base}/me/calendarView?{window}"), &token, None).await;
    let list = got.body["value"].as_array().unwrap();
    let starts: Vec<_> = list.iter().map(|event| event["start"]["dateTime"].as_str().unwrap()).collect();
    let expected =
        ["2026-03-20T15:00:00.0000000", "2026-03-27T15:00:00.0000000", "2026-04-03T14:00:00.0000000"];
    assert_eq!(starts, expected, "15:00 in London on both sides of the change");
    assert_eq!((&list[0]["type"], &list[0]["start"]["timeZone"]), (&json!("occurrence"), &json!("UTC")));
    let got = bench.call(Method::GET, &format!("{base}/me/events?$top=50"), &token, None).await;
    let list = got.body["value"].as_array().unwrap();
    assert_eq!(list.iter().filter(|event| event["type"] == "seriesMaster").count(), 1);
    assert_eq!(list.len(), 4);
}

#[tokio::test]
async fn pages_are_linked_and_selected_fields_come_alone() {
    let (bench, base, token) = connected().await;
    let window = "startDateTime=2026-03-02T00:00:00Z&endDateTime=2026-03-09T00:00:00Z";
    let mut next = Some(format!("{base}/me/calendarView?{window}&$top=3&$select=subject,start"));
    let mut pages = Vec::new();
    while let Some(url) = next {
        let got = bench.call(Method::GET, &url, &token, None).await;
        let page = got.body["value"].as_array().unwrap().clone();
        let mut names: Vec<_> = page[0].as_object().unwrap().keys().cloned().collect();
        names.sort();
        assert_eq!(names, ["@odata.etag", "id", "start", "subject"]);
        pages.push(page.len());
        next = got.body.get("@odata.nextLink").map(|link| link.as_str().unwrap().to_owned());
    }
    assert_eq!(pages, [3, 1]);
    assert_eq!(bench.world.counters().of("microsoft", "calendarView"), 2);
}

#[tokio::test]
async fn times_are_shown_in_the_preferred_zone_with_seven_digits() {
    let (bench, base, token) = connected().await;
    let all = format!("{base}/me/events");
    let mut body = graph_event("2026-07-01T10:00:00", "2026-07-01T11:00:00");
    body["body"] = json!({"contentType": "HTML", "content": "x"});
    body["showAs"] = "Busy".into();
    let made = bench.call(Method::POST, &all, &token, Some(&body)).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.body["start"], json!({"dateTime": "2026-07-01T09:00:00.0000000", "timeZone": "UTC"}));
    assert_eq!((made.text("originalStartTimeZone"), made.text("showAs")), ("GMT Standard Time", "busy"));
    assert_eq!(made.body["body"]["contentType"], "html");
    assert!(made.text("@odata.etag").starts_with("W/\"") && made.text("id").len() > 60);
    let one = format!("{all}/{}", made.text("id"));
    for (zone, expected) in [
        ("Tokyo Standard Time", "2026-07-01T18:00:00.0000000"),
        ("Europe/London", "2026-07-01T10:00:00.0000000"),
    ] {
        let prefer = format!("outlook.timezone=\"{zone}\"");
        let got = bench.call_with(Method::GET, &one, &token, None, &[("prefer", &prefer)]).await;
        assert_eq!(got.body["start"], json!({"dateTime": expected, "timeZone": zone}));
    }
    let got =
        bench.call_with(Method::GET, &one, &token, None, &[("prefer", "outlook.timezone=\"Mars\"")]).await;
    assert_eq!(code(&got), (400, "TimeZoneNotSupportedException".to_owned()));
}

#[tokio::test]
async fn a_repeated_transaction_makes_nothing_a_second_time() {
    let (bench, base, token) = connected().await;
    let before = bench.world.events(Provider::Microsoft, DEFAULT_EMAIL).len();
    let mut body = graph_event("2026-03-02T10:00:00", "2026-03-02T11:00:00");
    body["transactionId"] = "EXAMPLE-transaction".into();
    let url = format!("{base}/me/events");
    let first = bench.call(Method::POST, &url, &token, Some(&body)).await;
    let second = bench.call(Method::POST, &url, &token, Some(&body)).await;
    assert_eq!((first.status, second.status, first.text("id")), (201, 201, second.text("id")));
    assert_eq!(bench.world.events(Provider::Microsoft, DEFAULT_EMAIL).len(), before + 1);
    assert_eq!(bench.world.counters().of("microsoft", "events.create"), 2);
}

#[tokio::test]
async fn a_bad_event_is_refused_and_leaves_nothing() {
    let (bench, base, token) = connected().await;
    let before = bench.world.events(Provider::Microsoft, DEFAULT_EMAIL);
    let (ten, eleven) = ("2026-03-02T10:00:00", "2026-03-02T11:00:00");
    let with = |name: &str, value: Value| {
        let mut body = graph_event(ten, eleven);
        body[name] = value;
        body
    };
    let invalid = "ErrorInvalidRequest";
    let cases = [
        (graph_event(eleven, ten), invalid),
        (graph_event("ten o'clock", eleven), invalid),
        (with("start", json!({"dateTime": ten})), invalid),
        (with("start", json!({"dateTime": ten, "timeZone": "Mars"})), "TimeZoneNotSupportedException"),
        (with("isAllDay", json!(true)), invalid),
        (with("showAs", json!("sleeping")), invalid),
        (with("attendees", json!([{"emailAddress": {"address": "nobody"}}])), invalid),
        (with("recurrence", json!({"pattern": {"type": "hourly"}})), invalid),
    ];
    for (body, expected) in cases {
        let got = bench.call(Method::POST, &format!("{base}/me/events"), &token, Some(&body)).await;
        assert_eq!(code(&got), (400, expected.to_owned()), "{body}");
    }
    assert_eq!(bench.world.events(Provider::Microsoft, DEFAULT_EMAIL), before);
}

#[tokio::test]
async fn a_change_needs_the_current_etag_and_what_is_gone_is_not_found() {
    let (bench, base, token) = connected().await;
    let all = format!("{base}/me/events");
    let body = graph_event("2026-03-06T10:00:00", "2026-03-06T11:00:00");
    let made = bench.call(Method::POST, &all, &token, Some(&body)).await;
    let (one, etag) = (format!("{all}/{}", made.text("id")), made.text("@odata.etag").to_owned());
    let later = json!({"end": {"dateTime": "2026-03-06T12:00:00", "timeZone": "GMT Standard Time"}});
    let condition = [("if-match", etag.as_str())];
    let changed = bench.call_with(Method::PATCH, &one, &token, Some(&later), &condition).await;
    assert_eq!((changed.status, changed.text("subject")), (200, "Haircut"));
    assert_ne!(changed.text("changeKey"), made.text("changeKey"));
    for method in [Method::PATCH, Method::DELETE] {
        let got = bench.call_with(method, &one, &token, Some(&later), &condition).await;
        assert_eq!(code(&got), (412, "ErrorIrresolvableConflict".to_owned()));
    }
    assert_eq!(bench.call(Method::DELETE, &one, &token, None).await.status, 204);
    for method in [Method::DELETE, Method::GET, Method::PATCH] {
        let got = bench.call(method, &one, &token, Some(&later)).await;
        assert_eq!(code(&got), (404, "ErrorItemNotFound".to_owned()));
    }
}

#[tokio::test]
async fn an_all_day_event_keeps_its_dates_in_any_zone() {
    let (bench, base, token) = connected().await;
    let mut body = graph_event("2026-07-01T00:00:00", "2026-07-02T00:00:00");
    body["isAllDay"] = true.into();
    let made = bench.call(Method::POST, &format!("{base}/me/events"), &token, Some(&body)).await;
    assert_eq!(made.body["start"]["dateTime"], "2026-07-01T00:00:00.0000000");
    assert_eq!(made.body["end"]["dateTime"], "2026-07-02T00:00:00.0000000");
}

#[tokio::test]
async fn an_account_without_a_mailbox_or_a_scope_is_told_so() {
    let bench = Bench::start().await;
    let base = bench.setting("MICROSOFT_GRAPH_URL");
    bench.world.add_account(super::super::Account::personal(DEFAULT_EMAIL).without_mailbox());
    let tokens = bench.connect(Provider::Microsoft).await;
    let token = tokens["access_token"].as_str().unwrap();
    let tenant = &claims(tokens["id_token"].as_str().unwrap())["tid"];
    assert_eq!(tenant, "9188040d-6c67-4b1c-b112-36a304b66dad");
    let me = bench.call(Method::GET, &format!("{base}/me"), token, None).await;
    assert_eq!((me.status, &me.body["mail"], me.text("id").len()), (200, &Value::Null, 16));
    let got = bench.call(Method::GET, &format!("{base}/me/calendars"), token, None).await;
    assert_eq!(code(&got), (404, "MailboxNotEnabledForRESTAPI".to_owned()));
    let target = bench.approve(Provider::Microsoft, &[("scope", "openid User.Read")]).await;
    let narrow = bench.exchange(Provider::Microsoft, &param(&target, "code").unwrap()).await;
    let got =
        bench.call(Method::GET, &format!("{base}/me/calendars"), narrow.text("access_token"), None).await;
    assert_eq!(code(&got), (403, "ErrorAccessDenied".to_owned()));
}

#[tokio::test]
async fn one_occurrence_is_found_by_its_own_id_and_leaves_its_series_alone() {
    let (bench, base, token) = connected().await;
    let view = |day: &str| {
        format!("{base}/me/calendarView?startDateTime={day}T14:00:00Z&endDateTime={day}T17:00:00Z")
    };
    let listed = bench.call(Method::GET, &view("2026-03-13"), &token, None).await;
    let one = format!("{base}/me/events/{}", listed.body["value"][0]["id"].as_str().unwrap());
    let got = bench.call(Method::GET, &one, &token, None).await;
    assert_eq!((got.text("type"), got.text("subject")), ("occurrence", "Weekly review"));
    assert_eq!(bench.call(Method::DELETE, &one, &token, None).await.status, 204);
    assert_eq!(bench.call(Method::DELETE, &one, &token, None).await.status, 404);
    for (day, count) in [("2026-03-13", 0), ("2026-03-20", 1)] {
        let listed = bench.call(Method::GET, &view(day), &token, None).await;
        assert_eq!(listed.body["value"].as_array().unwrap().len(), count, "{day}");
    }
}
