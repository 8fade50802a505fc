//! The few HTML pages: self-contained, without scripts, under a policy that allows nothing but their own style.

use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{StatusCode, header};
use shared::random;
use url::Url;

/// The style of every page.
const STYLE: &str = include_str!("pages/style.css");

/// A page with a title and a body that is HTML already.
pub(crate) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let hash = STANDARD.encode(random::sha256(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{}</title>\
         <style>{STYLE}</style></head><body>{body}</body></html>",
        escaped(title)
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_FRAME_OPTIONS, "DENY".to_owned()),
    ];
    (status, headers, html).into_response()
}

/// The browser that came back is not the one that started, or it lost its cookie.
pub(crate) fn lost_cookie(reason: &str, return_to: &str) -> Response {
    let mut body = format!(
        "<main><h1>Your calendar is not connected yet</h1><p>{}</p>\
         <p>This happens when the link opens inside another app, in another browser, or with cookies switched off. \
         Nothing was connected. Open the page in your usual browser and start again.</p>",
        escaped(reason)
    );
    // Our own settings hold only http(s) URLs; a link never carries another scheme.
    if let Some(url) = Url::parse(return_to).ok().filter(|url| matches!(url.scheme(), "https" | "http")) {
        let link = escaped(url.as_str());
        body.push_str(&format!("<p><a class=\"button\" href=\"{link}\">Go back and start again</a></p>"));
    }
    body.push_str("</main>");
    page(StatusCode::BAD_REQUEST, "Calendar not connected", &body)
}

/// Text as it may stand in HTML and in attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
