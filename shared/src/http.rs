//! The one HTTPS client for providers, Clerk and VAPI: timeouts, embedded roots, no redirects, no automatic retries.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use http::{HeaderMap, Method};
use jiff::SignedDuration;
use rustls::{ClientConfig, RootCertStore};
use serde::de::DeserializeOwned;

/// The longest any single call may take.
pub const LONGEST_CALL: SignedDuration = SignedDuration::from_secs(10);

/// The largest answer that is read; a page of events is far below it.
const LARGEST_ANSWER: usize = 8 << 20;

/// A cloneable client; clones share connections.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    inside: Option<Inside>,
}

/// Answers calls inside this process instead of the network: what the simulation puts in the network's place.
pub type Inside = Arc<dyn Fn(http::Request<Vec<u8>>) -> Answering + Send + Sync>;

/// An answer on its way.
pub type Answering = Pin<Box<dyn Future<Output = Result<Answer, Lost>> + Send>>;

/// A whole answer.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: HeaderMap,
    /// The body as it came. It may hold tokens: never log it.
    pub body: Vec<u8>,
}

/// No whole answer came: what was asked may or may not have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The connection could not be made: nothing happened.
    #[error("no connection")]
    NotSent,
    /// Sent, and nothing heard in time.
    #[error("no answer")]
    NoAnswer,
}

/// One call, built up and then sent.
#[must_use = "a call does nothing until it is sent"]
pub struct Call {
    request: reqwest::RequestBuilder,
    inside: Option<Inside>,
}

impl Http {
    /// A client with embedded roots. `extra_roots` (PEM) are trusted as well: for `SSL_CERT_FILE` and tests.
    pub fn new(extra_roots: Option<&[u8]>) -> Result<Self, String> {
        let tls = tls_config(extra_roots)?;
        #[expect(clippy::disallowed_methods, reason = "the one place that builds the client")]
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            // An ambient HTTP_PROXY would be handed the calls to loopback.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(Duration::from_secs(3))
            .timeout(LONGEST_CALL.unsigned_abs())
            .pool_idle_timeout(Duration::from_secs(50))
            .user_agent(concat!("slotline/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { client, inside: None })
    }

    /// The same client without a network: every call goes to `inside`.
    pub fn over(&self, inside: Inside) -> Self {
        Self { client: self.client.clone(), inside: Some(inside) }
    }

    /// Starts a call.
    pub fn call(&self, method: Method, url: &str) -> Call {
        Call { request: self.client.request(method, url), inside: self.inside.clone() }
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.inside.is_some() { "Http(inside)" } else { "Http" })
    }
}

impl Call {
    /// Adds a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    /// Adds `Authorization: Bearer …`, marked sensitive.
    pub fn bearer(self, token: &secrecy::SecretString) -> Self {
        use secrecy::ExposeSecret as _;
        Self { request: self.request.bearer_auth(token.expose_secret()), ..self }
    }

    /// Adds query parameters.
    pub fn query(self, pairs: &[(&str, &str)]) -> Self {
        Self { request: self.request.query(pairs), ..self }
    }

    /// Sends a JSON body.
    pub fn json<T: serde::Serialize>(self, body: &T) -> Self {
        Self { request: self.request.json(body), ..self }
    }

    /// Sends a form body.
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        Self { request: self.request.form(pairs), ..self }
    }

    /// Sends bytes as they are.
    pub fn body(self, body: Vec<u8>) -> Self {
        Self { request: self.request.body(body), ..self }
    }

    /// Shortens the timeout below [`LONGEST_CALL`].
    pub fn within(self, limit: SignedDuration) -> Self {
        Self { request: self.request.timeout(limit.min(LONGEST_CALL).unsigned_abs()), ..self }
    }

    /// Sends it and reads the whole answer.
    pub async fn send(self) -> Result<Answer, Lost> {
        if let Some(inside) = self.inside {
            return answered_inside(self.request, &inside).await;
        }
        let mut response = self.request.send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() { Lost::NotSent } else { Lost::NoAnswer }
        })?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| Lost::NoAnswer)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Lost::NoAnswer);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }
}

/// The call as the network would have carried it, under the same limit.
async fn answered_inside(request: reqwest::RequestBuilder, inside: &Inside) -> Result<Answer, Lost> {
    let request = request.build().map_err(|_| Lost::NotSent)?;
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
    let mut carried = http::Request::new(body);
    *carried.method_mut() = request.method().clone();
    *carried.uri_mut() = request.url().as_str().parse().map_err(|_| Lost::NotSent)?;
    *carried.headers_mut() = request.headers().clone();
    let limit = request.timeout().copied().unwrap_or(LONGEST_CALL.unsigned_abs());
    tokio::time::timeout(limit, inside(carried)).await.unwrap_or(Err(Lost::NoAnswer))
}

impl Answer {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Reads the body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// rustls with aws-lc and Mozilla's roots compiled in.
fn tls_config(extra_roots: Option<&[u8]>) -> Result<ClientConfig, String> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(extra_roots.unwrap_or_default()) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
