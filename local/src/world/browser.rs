//! A person's browser at a consent page, for programs: it reads the page's form and posts it, and follows nothing.

use reqwest::{Client, redirect, retry};
use std::{sync::Arc, time::Duration};
use url::Url;

/// What the person decides.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Grants what is asked, except some scopes that they untick.
    Approve {
        /// The account to use, by its address.
        account: String,
        /// The scopes to untick, as the page names them.
        untick: Vec<String>,
    },
    /// Declines.
    Deny,
}

impl Choice {
    /// Grants everything.
    pub fn approve(account: &str) -> Self {
        Self::Approve { account: account.to_owned(), untick: Vec::new() }
    }
}

/// A client for loopback: no redirects, no retries, trusting no certificate.
pub fn client() -> Result<Client, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    #[expect(
        clippy::disallowed_methods,
        reason = "the stand-ins' own client, so that they do not test ours by itself"
    )]
    let builder = Client::builder();
    builder
        .tls_backend_preconfigured(tls)
        // An ambient HTTP_PROXY would be handed the calls to loopback.
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .timeout(Duration::from_secs(30))
        .build()
        .map_err(|error| error.to_string())
}

/// Walks a consent page: reads it, decides, and returns where the browser is sent.
pub async fn consent(client: &Client, authorize_url: &str, choice: &Choice) -> Result<Url, String> {
    let lost = |error: reqwest::Error| error.to_string();
    let here = Url::parse(authorize_url).map_err(|error| error.to_string())?;
    let page = client.get(here.clone()).send().await.map_err(lost)?;
    if page.status().is_redirection() {
        return target(&here, &page);
    }
    if !page.status().is_success() {
        return Err(format!("the consent page answers {}", page.status()));
    }
    let html = page.text().await.map_err(lost)?;
    let form = Form::read(&html).ok_or("the page has no form")?;
    let action = here.join(&form.action).map_err(|error| error.to_string())?;
    let answer = client.post(action).form(&form.filled(choice)?).send().await.map_err(lost)?;
    if !answer.status().is_redirection() {
        return Err(format!("the consent was refused with {}", answer.status()));
    }
    target(&here, &answer)
}

fn target(here: &Url, answer: &reqwest::Response) -> Result<Url, String> {
    let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
    here.join(location.ok_or("a redirect without a target")?).map_err(|error| error.to_string())
}

/// The form of a page.
struct Form {
    action: String,
    /// Kind, name and value of each input.
    inputs: Vec<(String, String, String)>,
}

impl Form {
    fn read(html: &str) -> Option<Self> {
        let form = html.split_once("<form")?.1.split_once("</form>")?.0;
        let input = |tag: &str| {
            let tag = tag.split_once('>')?.0;
            Some((
                attribute(tag, "type")?,
                attribute(tag, "name")?,
                attribute(tag, "value").unwrap_or_default(),
            ))
        };
        let inputs = form.split("<input").skip(1).filter_map(input).collect();
        Some(Self { action: attribute(form.split_once('>')?.0, "action")?, inputs })
    }

    fn filled(&self, choice: &Choice) -> Result<Vec<(String, String)>, String> {
        let named = |kind: &'static str| self.inputs.iter().filter(move |(k, ..)| k == kind);
        let pair = |(_, name, value): &(String, String, String)| (name.clone(), value.clone());
        let mut fields: Vec<_> = named("hidden").map(pair).collect();
        let decision = match choice {
            Choice::Approve { account, untick } => {
                let chosen = named("radio").find(|(.., value)| value.eq_ignore_ascii_case(account));
                fields.push(pair(chosen.ok_or_else(|| format!("the page does not offer {account}"))?));
                fields.extend(named("checkbox").filter(|(.., value)| !untick.contains(value)).map(pair));
                "approve"
            }
            Choice::Deny => "deny",
        };
        fields.push(("decision".to_owned(), decision.to_owned()));
        Ok(fields)
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0;
    Some(
        value
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&"),
    )
}
