//! Signed messages to the software under test, and their delivery.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Client;
use serde_json::Value;
use shared::random;

/// A message as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The very bytes that were signed.
    pub body: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answered {
    /// HTTP status code.
    pub status: u16,
    /// The body, when it is JSON.
    pub body: Option<Value>,
}

impl Webhook {
    /// A message without any proof.
    pub(super) fn bare(body: String) -> Self {
        Self { headers: vec![("content-type".to_owned(), "application/json".to_owned())], body }
    }

    /// The same with a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same signed as Svix does (docs.svix.com/receiving/verifying-payloads/how-manual).
    pub(super) fn signed(self, secret: &str, id: &str, unix: i64) -> Self {
        let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap_or_default();
        let message = format!("{id}.{unix}.{}", self.body);
        let signature = STANDARD.encode(random::hmac_sha256(&key, message.as_bytes()));
        self.header("svix-id", id)
            .header("svix-timestamp", &unix.to_string())
            .header("svix-signature", &format!("v1,{signature}"))
    }

    /// Posts it.
    pub async fn deliver(&self, client: &Client, url: &str) -> Result<Answered, String> {
        let mut request = client.post(url).body(self.body.clone());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(|error| error.to_string())?;
        Ok(Answered { status, body: serde_json::from_slice(&body).ok() })
    }
}
