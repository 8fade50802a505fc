//! The local server as a process of its own, killed (SIGKILL) while a request hangs before or after each of its calls to
//! the outside, started again over the same files, and reconciled. The provider lives on in the test.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use jiff::{SignedDuration, Timestamp};
use local::{
    visitor,
    world::{
        self, DEFAULT_EMAIL, Provider, Running, World,
        counters::Counters,
        faults::{Fault, Faults, Kind},
    },
};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use shared::clock::Clock;

use crate::harness::USER;

/// Between two lives of the server, so that what was begun in the one is due in the other.
const BETWEEN: SignedDuration = SignedDuration::from_mins(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Book,
    Move,
    Cancel,
}

/// A moment in a request's life: hanging before or after one of its calls.
#[derive(Clone, Debug)]
struct Point {
    system: &'static str,
    operation: String,
    nth: u32,
    kind: Kind,
}

/// The provider, the folder that outlives the server, and the server.
struct Place {
    world: Running,
    client: Client,
    folder: PathBuf,
    now: Timestamp,
    session: String,
    child: Child,
    base: String,
}

impl Place {
    async fn new(name: &str) -> Self {
        let (counters, faults) = (Counters::default(), Faults::default());
        let options = world::Options { counters, faults, ..world::Options::default() };
        let world = World::start(Clock::system(), options).await.unwrap();
        // Another run of the tests has a folder of its own.
        let own = format!("killed-{name}-{}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(own);
        fs::create_dir_all(&folder).unwrap();
        let settings = world.settings().into_iter().map(|(name, value)| format!("{name}={value}\n"));
        fs::write(folder.join("env"), settings.collect::<String>()).unwrap();
        let now = Clock::system().second();
        // It outlives every life of the server.
        let session = world.session_token(USER, &json!({"exp": now.as_second() + 86_400}));
        let (child, base) = start(&folder, now).await;
        let place = Self { world, client: world::client().unwrap(), folder, now, session, child, base };
        visitor::connect(&place.world, &place.base, USER, "google", DEFAULT_EMAIL).await.unwrap();
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let hours = json!({"time_zone": "UTC", "horizon_days": 366, "slot_interval_minutes": 60,
            "weekly": [{"days": days, "start": "10:00", "end": "12:00"}]});
        assert_eq!(place.call(Method::PUT, "/calendar/schedule", Some(hours)).await.0, 200);
        place
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.session);
        let response = request.json(&body.unwrap_or(json!({}))).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    async fn control(&self, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/_local/{path}", self.base);
        let request = match body {
            Some(body) => self.client.post(url).json(&body),
            None => self.client.get(url),
        };
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The request of a verb about the appointment of a day; its repeat is the same.
    async fn ask(&self, verb: Verb, day: &Day) -> (u16, Value) {
        match verb {
            Verb::Book => {
                let url = format!("{}/calendar/bookings", self.base);
                let request = self.client.post(url).bearer_auth(&self.session);
                let body = json!({"start": day.at("10:00"), "end": day.at("11:00"), "title": day.title(),
                    "attendee": {"name": "Ada Example"}});
                let sent = request.header("Idempotency-Key", day.title()).json(&body).send().await;
                let Ok(response) = sent else { return (0, Value::Null) };
                (response.status().as_u16(), response.json().await.unwrap_or_default())
            }
            Verb::Move | Verb::Cancel => {
                let word = if verb == Verb::Move { "reschedule" } else { "cancel" };
                let url = format!("{}/calendar/bookings/{}/{word}", self.base, day.booking);
                let request = self.client.post(url).bearer_auth(&self.session);
                let body = json!({"start": day.at("11:00")});
                let Ok(response) = request.json(&body).send().await else { return (0, Value::Null) };
                (response.status().as_u16(), response.json().await.unwrap_or_default())
            }
        }
    }

    /// A day with what a verb needs to be there.
    async fn day(&self, verb: Verb, number: usize) -> Day {
        let date = (self.now + SignedDuration::from_hours(24 * i64::try_from(number + 3).unwrap()))
            .strftime("%Y-%m-%d")
            .to_string();
        let mut day = Day { date, booking: String::new() };
        if verb != Verb::Book {
            let (status, made) = self.ask(Verb::Book, &day).await;
            assert_eq!((status, &made["calendar_sync"]), (201, &json!("synced")), "{made}");
            day.booking = made["id"].as_str().unwrap().to_owned();
        }
        day
    }

    /// Every call to the outside that a verb makes, before it and after it.
    async fn points(&self, verb: Verb) -> Vec<Point> {
        let day = self.day(verb, 0).await;
        self.control("counters/reset", Some(json!({}))).await;
        self.world.counters().reset();
        let (status, answer) = self.ask(verb, &day).await;
        assert!([200, 201].contains(&status), "{answer}");
        let own = self.control("counters", None).await["dynamodb"].clone();
        let theirs = json!(self.world.counters().snapshot()["google"]);
        let mut points = Vec::new();
        for (system, counted) in [("dynamodb", own), ("google", theirs)] {
            for (operation, count) in counted.as_object().unwrap() {
                for nth in 0..u32::try_from(count.as_u64().unwrap()).unwrap() {
                    for kind in [Kind::Hang, Kind::HangAfterCommit] {
                        points.push(Point { system, operation: operation.clone(), nth, kind });
                    }
                }
            }
        }
        points
    }

    /// Kills the server while a verb hangs at a point, starts it again, and reconciles.
    async fn kill(&mut self, verb: Verb, day: &Day, point: &Point) {
        let fault = Fault::new(point.system, &point.operation, point.kind).skip(point.nth);
        {
            let hangs: futures_util::future::BoxFuture<'_, ()> = if point.system == "google" {
                self.world.faults().arm(fault);
                Box::pin(self.world.faults().hung())
            } else {
                self.control("faults", Some(serde_json::to_value(fault).unwrap())).await;
                Box::pin(async {
                    self.control("hung", None).await;
                })
            };
            tokio::select! {
                () = hangs => {}
                answer = self.ask(verb, day) => panic!("{verb:?} {point:?} never hung: {answer:?}"),
            }
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.world.faults().clear();
        self.now += BETWEEN;
        (self.child, self.base) = start(&self.folder, self.now).await;
        let ran = self.control("run", Some(json!({"function": "reconcile"}))).await;
        assert_eq!(ran["result"]["failed"], 0, "{verb:?} {point:?} {ran}");
    }

    /// At rest calendar, bookings and free slots of a day say the same.
    async fn agrees(&self, day: &Day, what: &str) -> Vec<String> {
        let window = format!("from={}&to={}", day.date, day.date);
        let (_, listed) = self.call(Method::GET, &format!("/calendar/bookings?{window}"), None).await;
        let mut starts = Vec::new();
        for booking in listed["bookings"].as_array().unwrap() {
            match booking["status"].as_str().unwrap() {
                "confirmed" => {
                    assert_eq!(booking["calendar_sync"], "synced", "{what}: {booking}");
                    starts.push(booking["start"].as_str().unwrap()[11..16].to_owned());
                }
                "cancelled" => {}
                other => panic!("{what}: left {other}"),
            }
        }
        let events = self.world.events(Provider::Google, DEFAULT_EMAIL);
        let shown: Vec<_> = events
            .iter()
            .filter(|event| event.subject == day.title())
            .map(|event| event.start.to_string()[11..16].to_owned())
            .collect();
        assert_eq!(shown, starts, "{what}: what the calendar shows");
        let (_, free) = self
            .call(Method::GET, &format!("/calendar/availability?{window}&duration_minutes=60"), None)
            .await;
        let free: Vec<_> = free["available_slots"]
            .as_array()
            .unwrap()
            .iter()
            .map(|slot| slot["start_time"].clone())
            .collect();
        let expected: Vec<_> =
            ["10:00", "11:00"].iter().filter(|time| !starts.iter().any(|start| start == *time)).collect();
        assert_eq!(json!(free), json!(expected), "{what}: what is free");
        starts
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Only the one that this test started; a failed test leaves no server behind, but its folder.
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("the server had ended: {error}");
        }
        if !std::thread::panicking() {
            fs::remove_dir_all(&self.folder).unwrap();
        }
    }
}

/// The day that a point has for itself.
struct Day {
    date: String,
    booking: String,
}

impl Day {
    fn title(&self) -> String {
        format!("Appointment of {}", self.date)
    }

    fn at(&self, time: &str) -> String {
        format!("{}T{time}:00Z", self.date)
    }
}

async fn start(folder: &std::path::Path, now: Timestamp) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_local"))
        .args(["serve", "--port", "0", "--ready-json", "--now", &now.to_string()])
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--env-file")
        .arg(folder.join("env"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::task::spawn_blocking(move || {
        lines.find_map(|line| line.ok().filter(|line| line.starts_with('{')))
    })
    .await;
    let ready: Value = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
    (child, ready["base_url"].as_str().unwrap().to_owned())
}

async fn killed_everywhere(verb: Verb, ends: &[&str]) {
    let mut place = Place::new(&format!("{verb:?}")).await;
    let points = place.points(verb).await;
    assert!(points.len() >= 10, "{points:?}");
    for (number, point) in points.iter().enumerate() {
        let day = place.day(verb, number + 1).await;
        place.kill(verb, &day, point).await;
        let what = format!("{verb:?} killed at {point:?}");
        place.agrees(&day, &what).await;
        let (status, answer) = place.ask(verb, &day).await;
        assert!([200, 201].contains(&status), "{what}: the repeat answered {status} {answer}");
        assert_eq!(place.agrees(&day, &format!("{what}, and repeated")).await, ends);
    }
}

#[tokio::test]
async fn s5_a_server_killed_at_any_point_of_a_booking_leaves_one_or_none() {
    killed_everywhere(Verb::Book, &["10:00"]).await;
}

#[tokio::test]
async fn s5_a_server_killed_at_any_point_of_a_move_leaves_it_at_one_time() {
    killed_everywhere(Verb::Move, &["11:00"]).await;
}

#[tokio::test]
async fn s5_a_server_killed_at_any_point_of_a_cancellation_leaves_its_time_free() {
    killed_everywhere(Verb::Cancel, &[]).await;
}
