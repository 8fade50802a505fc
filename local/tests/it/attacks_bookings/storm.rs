//! Everything at once: whatever wins, ledger, bookings and calendar say the same afterwards.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{FOUR, HALF_PAST, THREE, booked, only_google, path, post, reconcile, schedule, starts, wanted};

#[tokio::test]
async fn whatever_wins_ledger_bookings_and_calendar_say_the_same() {
    let town = only_google().await;
    schedule(&town, json!({"buffer_after_minutes": 15, "daily_limit": 4})).await;
    for round in 0..4 {
        let (one, two) = (booked(&town, THREE).await, booked(&town, "2026-01-13T10:00:00Z").await);
        let mut tried = vec![
            (path(&one, "/reschedule"), json!({"start": THREE, "end": FOUR})),
            (path(&one, "/reschedule"), json!({"start": HALF_PAST})),
            (path(&two, "/reschedule"), json!({"start": FOUR})),
            (path(&two, "/reschedule"), json!({"start": "2026-01-14T10:00:00Z"})),
            (path(&one, "/cancel"), json!({})),
            ("/calendar/bookings".to_owned(), wanted(FOUR)),
            ("/calendar/bookings".to_owned(), wanted("2026-01-13T14:30:00Z")),
            ("/calendar/holds".to_owned(), json!({"start": "2026-01-13T11:00:00Z"})),
        ];
        tried.rotate_left(round * 2);
        let answers = join_all(tried.into_iter().map(|(path, body)| {
            let town = &town;
            async move { post(town, &path, body).await }
        }));
        for answer in answers.await {
            assert!([200, 201, 409].contains(&answer.status), "{}", answer.text);
        }
        town.advance(301);
        reconcile(&town).await;
        let listed = town.get("/calendar/bookings?from=2026-01-13&to=2026-01-15&status=confirmed").await;
        let stand = listed.body["bookings"].as_array().unwrap();
        let mut kept: Vec<_> = stand.iter().map(|row| time(&row["id"], &row["start"], &row["end"])).collect();
        kept.sort();
        let ledger = town.ledger().await;
        let mut held: Vec<_> = ledger
            .iter()
            .map(|entry| time(&json!(entry.of), &json!(entry.start), &json!(entry.end)))
            .collect();
        held.sort();
        assert_eq!(kept, held, "round {round}");
        let mut shown: Vec<_> = stand.iter().map(|row| row["start"].as_str().unwrap().to_owned()).collect();
        shown.sort();
        assert_eq!(starts(&town), shown, "round {round}");
        for pair in ledger.windows(2) {
            assert!(pair[0].end <= pair[1].start, "{pair:?}");
        }
        for row in stand {
            let gone = town.call(Method::POST, &path(row, "/cancel"), Some(json!({}))).await;
            assert_eq!(gone.status, 200, "{}", gone.text);
        }
        assert_eq!((starts(&town).len(), town.ledger().await.len()), (0, 0), "round {round}");
    }
}

fn time(of: &Value, start: &Value, end: &Value) -> String {
    format!("{of} {start} {end}")
}
