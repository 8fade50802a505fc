//! The cache of keys: how long it is believed, and when it asks again.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Mutex as Lock,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::json;

use super::*;
use crate::clerk::test_keys::TestKey;

const START: i64 = 1_800_000_000;
const HOUR: i64 = 3600;

/// A key server on loopback: answers what it is told and counts.
struct KeyServer {
    url: String,
    answer: Arc<Lock<(u16, String)>>,
    fetches: Arc<AtomicUsize>,
}

impl KeyServer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/.well-known/jwks.json", listener.local_addr().unwrap());
        let server = Self { url, answer: Arc::default(), fetches: Arc::default() };
        let (answer, fetches) = (Arc::clone(&server.answer), Arc::clone(&server.fetches));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let read = stream.read(&mut [0; 4096]).unwrap();
                assert!(read > 0);
                fetches.fetch_add(1, Ordering::SeqCst);
                let (status, body) = answer.lock().unwrap().clone();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            }
        });
        server.serve(&["ins_1"]);
        server
    }

    fn serve(&self, kids: &[&str]) {
        let keys: Vec<_> =
            kids.iter().map(|kid| TestKey::instance().jwk(kid, &json!({"use": "sig"}))).collect();
        *self.answer.lock().unwrap() = (200, json!({ "keys": keys }).to_string());
    }

    fn fail(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = (status, body.to_owned());
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn jwks(&self) -> Jwks {
        Jwks::new(KeySource::Url(self.url.clone()), Http::new(None).unwrap()).unwrap()
    }
}

/// Asks with a token that is good for ever; gives the code of the refusal.
async fn ask(jwks: &Jwks, kid: &str, after: i64) -> Result<(), &'static str> {
    let claims = json!({"sub": "user_1", "iss": "x", "nbf": START, "exp": START + 100 * 24 * HOUR});
    let token = TestKey::instance().token(kid, &claims);
    let now = Timestamp::from_second(START + after).unwrap();
    jwks.session(&token, &SessionRules::default(), now).await.map(drop).map_err(|error| error.code())
}

#[tokio::test]
async fn keys_are_fetched_once_an_hour() {
    let server = KeyServer::start();
    let jwks = server.jwks();
    assert_eq!(server.fetches(), 0);
    for after in [0, 1, HOUR - 1] {
        assert_eq!(ask(&jwks, "ins_1", after).await, Ok(()));
    }
    assert_eq!(server.fetches(), 1);
    assert_eq!(ask(&jwks, "ins_1", HOUR).await, Ok(()));
    assert_eq!(server.fetches(), 2);
}

#[tokio::test]
async fn callers_at_once_share_one_fetch() {
    let server = KeyServer::start();
    let jwks = server.jwks();
    let (a, b, c) = tokio::join!(ask(&jwks, "ins_1", 0), ask(&jwks, "ins_1", 0), ask(&jwks, "ins_1", 0));
    assert_eq!((a, b, c), (Ok(()), Ok(()), Ok(())));
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn an_unknown_kid_refetches_at_most_once_a_minute() {
    let server = KeyServer::start();
    let jwks = server.jwks();
    assert_eq!(ask(&jwks, "ins_1", 0).await, Ok(()));
    for after in [1, 30, 59] {
        assert_eq!(ask(&jwks, "ins_2", after).await, Err("token_unknown_kid"));
    }
    assert_eq!(server.fetches(), 1);
    server.serve(&["ins_1", "ins_2"]);
    assert_eq!(ask(&jwks, "ins_2", 60).await, Ok(()));
    assert_eq!(ask(&jwks, "ins_3", 61).await, Err("token_unknown_kid"));
    assert_eq!(server.fetches(), 2);
}

#[tokio::test]
async fn old_keys_serve_for_a_day_when_clerk_is_gone() {
    for (status, body) in [(503, ""), (200, "not json"), (200, "{\"keys\":[]}"), (302, "")] {
        let server = KeyServer::start();
        let jwks = server.jwks();
        assert_eq!(ask(&jwks, "ins_1", 0).await, Ok(()));
        server.fail(status, body);
        assert_eq!(ask(&jwks, "ins_1", HOUR).await, Ok(()), "{status} {body}");
        assert_eq!(ask(&jwks, "ins_1", HOUR + 59).await, Ok(()));
        assert_eq!(server.fetches(), 2, "a failed fetch is not repeated within the minute");
        assert_eq!(ask(&jwks, "ins_1", 24 * HOUR - 1).await, Ok(()));
        assert_eq!(ask(&jwks, "ins_1", 24 * HOUR + 60).await, Err("unavailable"));
        server.serve(&["ins_1"]);
        assert_eq!(ask(&jwks, "ins_1", 24 * HOUR + 65).await, Ok(()));
    }
}

#[tokio::test]
async fn without_any_key_the_answer_is_unavailable_and_soon_tried_again() {
    let server = KeyServer::start();
    server.fail(500, "");
    let jwks = server.jwks();
    assert_eq!(ask(&jwks, "ins_1", 0).await, Err("unavailable"));
    assert_eq!(ask(&jwks, "ins_1", 4).await, Err("unavailable"));
    assert_eq!(server.fetches(), 1);
    server.serve(&["ins_1"]);
    assert_eq!(ask(&jwks, "ins_1", 5).await, Ok(()));
}

#[tokio::test]
async fn rubbish_costs_no_fetch_and_a_pem_never_needs_one() {
    let server = KeyServer::start();
    let now = Timestamp::from_second(START).unwrap();
    let answer = server.jwks().session("rubbish", &SessionRules::default(), now).await;
    assert_eq!(answer.map_err(|error| error.code()), Err("token_malformed"));
    assert_eq!(server.fetches(), 0);
    let pem = KeySource::Pem(TestKey::instance().public_pem.clone());
    assert_eq!(ask(&Jwks::new(pem, Http::new(None).unwrap()).unwrap(), "any", 0).await, Ok(()));
}
