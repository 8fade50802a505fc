//! The consent page: plain HTML that works without scripts, by keyboard, and for programs that read forms.

use std::fmt::Write as _;

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{authorize::Request, is_identity};
use crate::world::{
    accounts::{Account, Provider},
    wire::{self, Pairs},
};

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:0;background:#f3f4f6;color:#1f2937}\
main{max-width:28rem;margin:8vh auto;padding:2rem;background:#fff;border-radius:.75rem;box-shadow:0 1px 4px #0003}\
h1{font-size:1.35rem;margin:0 0 .5rem}fieldset{border:1px solid #d1d5db;border-radius:.5rem;margin:1.25rem 0;padding:.5rem 1rem 1rem}\
legend{padding:0 .4rem;font-weight:600}label{display:flex;gap:.6rem;padding:.35rem 0;overflow-wrap:anywhere}\
button{font:inherit;padding:.6rem 1.2rem;border-radius:.5rem;border:1px solid #6b7280;background:#fff;color:inherit;cursor:pointer}\
button[value=approve]{background:#1d4ed8;border-color:#1d4ed8;color:#fff}\
:focus-visible{outline:3px solid #f59e0b;outline-offset:2px}.note{color:#4b5563;font-size:.875rem}";

/// Asks a person which account may be used, and for what.
pub(super) fn consent(
    provider: Provider,
    request: &Request,
    accounts: &[&Account],
    query: &Pairs,
) -> Response {
    let (name, action) = match provider {
        Provider::Google => ("Google", format!("{}/consent", super::GOOGLE_AUTHORIZE)),
        Provider::Microsoft => ("Microsoft", format!("{}/consent", super::MICROSOFT_AUTHORIZE)),
    };
    let hidden = query.without("account").iter().fold(String::new(), |mut fields, (key, value)| {
        push(
            &mut fields,
            format_args!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(key), escaped(value)),
        );
        fields
    });
    let body = format!(
        "<h1>Sign in with {name}</h1><p>A calendar service on {} wants to use an account. \
         <span class=\"note\">This is the local stand-in of {name}; nothing leaves this machine.</span></p>\
         <form method=\"post\" action=\"{action}\">{hidden}\
         <fieldset><legend>Account</legend>{}</fieldset>\
         <fieldset><legend>It may</legend>{}</fieldset>\
         <button name=\"decision\" value=\"approve\">Approve</button> \
         <button name=\"decision\" value=\"deny\">Deny</button></form>",
        escaped(&request.redirect.origin().ascii_serialization()),
        choices(request, accounts),
        scopes(provider, request),
    );
    html(200, &format!("Sign in with {name}"), &body)
}

/// Says what is wrong, and goes nowhere.
pub(super) fn refused(status: u16, text: &str) -> Response {
    html(status, "Access blocked", &format!("<h1>Access blocked</h1><p>{}</p>", escaped(text)))
}

fn choices(request: &Request, accounts: &[&Account]) -> String {
    let hinted = |account: &Account| {
        request.login_hint.as_ref().is_some_and(|hint| hint.eq_ignore_ascii_case(&account.email))
    };
    let chosen = accounts.iter().position(|account| hinted(account)).unwrap_or(0);
    let mut list = String::new();
    for (n, account) in accounts.iter().enumerate() {
        let checked = if n == chosen { " checked" } else { "" };
        let (email, name) = (escaped(&account.email), escaped(&account.name));
        push(
            &mut list,
            format_args!(
                "<label><input type=\"radio\" name=\"account\" value=\"{email}\" \
            required{checked}><span>{name} ({email})</span></label>"
            ),
        );
    }
    list
}

fn scopes(provider: Provider, request: &Request) -> String {
    let mut list = String::new();
    for scope in &request.scopes {
        let (value, words) = (escaped(scope), escaped(in_words(scope)));
        if provider == Provider::Google && !is_identity(scope) {
            push(
                &mut list,
                format_args!(
                    "<label><input type=\"checkbox\" name=\"ticked\" value=\"{value}\" \
            checked><span>{words}</span></label>"
                ),
            );
        } else {
            push(&mut list, format_args!("<p class=\"note\">{words}</p>"));
        }
    }
    list
}

fn in_words(scope: &str) -> &str {
    match scope.rsplit('/').next().unwrap_or(scope) {
        "openid" => "know who you are",
        "email" | "userinfo.email" => "see your e-mail address",
        "profile" | "userinfo.profile" | "User.Read" => "see your name and picture",
        "offline_access" => "keep access while you are away",
        "calendar" => "see and change all your calendars",
        "calendar.events" | "Calendars.ReadWrite" => "see and change events in your calendars",
        "calendar.readonly" | "Calendars.Read" => "see your calendars and their events",
        "MailboxSettings.Read" => "see your mailbox settings, such as your time zone",
        _ => scope,
    }
}

fn html(status: u16, title: &str, body: &str) -> Response {
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    );
    let mut response = wire::with_type(status, "text/html; charset=utf-8", text);
    // Browsers hold form-action against the redirect that follows the form too, so it cannot be 'self'.
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action http: https:; base-uri 'none'; \
            frame-ancestors 'none'",
        STANDARD.encode(shared::random::sha256(STYLE.as_bytes()))
    );
    wire::set(&mut response, "content-security-policy", &policy);
    wire::set(&mut response, "referrer-policy", "no-referrer");
    wire::set(&mut response, "cache-control", "no-store");
    wire::set(&mut response, "x-content-type-options", "nosniff");
    response
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    text.write_fmt(more).unwrap_or_default();
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
