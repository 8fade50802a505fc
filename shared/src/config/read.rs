//! Interprets the variables one by one and collects what is wrong with them.

mod parties;

use std::ops::RangeInclusive;

use jiff::Timestamp;
use url::Url;

use super::{Activation, Config, ConfigError, Stage, Tables};

/// Variables of older set-ups that mean nothing here.
const IGNORED: [&str; 5] = [
    "DATABASE_URL",
    "WEBHOOK_SERVER_URL",
    "WEBHOOK_SERVER_API_KEY",
    "DATABASE_SERVER_URL",
    "DATABASE_SERVER_API_KEY",
];

/// Bookings are kept for a year unless said otherwise.
const DEFAULT_RETENTION_DAYS: u16 = 365;

/// From a day to ten years, as `BookingRetentionDays` of template.yaml.
const RETENTION_DAYS: RangeInclusive<u16> = 1..=3_650;

pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    wrong: Vec<String>,
    warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, wrong: Vec::new(), warnings: Vec::new() }
    }

    pub(super) fn config(mut self) -> Result<Config, ConfigError> {
        let stage = self.stage();
        let local = stage == Stage::Local;
        let config = Config {
            public_base_url: self.public_base_url(local),
            frontend_return_urls: self.return_urls(local),
            providers: self.providers(local),
            clerk: self.clerk(local),
            activation: self.activation(),
            tables: self.tables(&stage),
            kms_key_id: self
                .text("KMS_KEY_ID")
                .unwrap_or_else(|| format!("alias/slotline-{}", stage.as_str())),
            rescue_queue_url: self.text("RESCUE_QUEUE_URL"),
            secrets: self.secrets(local),
            aws: self.aws(local),
            booking_retention_days: self.retention(),
            now: self.now(local),
            extra_roots: self.text("SSL_CERT_FILE").or_else(|| self.text("AWS_CA_BUNDLE")),
            stage,
            warnings: Vec::new(),
        };
        for name in IGNORED {
            if self.text(name).is_some() {
                self.warnings.push(format!("{name} is set and ignored: Slotline keeps its data in DynamoDB"));
            }
        }
        if !self.wrong.is_empty() {
            return Err(ConfigError(self.wrong));
        }
        Ok(Config { warnings: self.warnings, ..config })
    }

    /// A variable's value; empty means unset.
    fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    }

    fn wrong(&mut self, name: &str, must: &str) {
        self.wrong.push(format!("{name} {must}"));
    }

    fn stage(&mut self) -> Stage {
        match self.text("STAGE") {
            Some(name) if name == "local" => Stage::Local,
            Some(name) => Stage::Deployed(name),
            None => {
                self.wrong("STAGE", "must be set: local, dev or prod");
                Stage::Local
            }
        }
    }

    fn public_base_url(&mut self, local: bool) -> String {
        let Some(text) = self.text("PUBLIC_BASE_URL").or_else(|| self.text("BACKEND_URL")) else {
            self.wrong("PUBLIC_BASE_URL", "must be set to the address under which this API is reached");
            return String::new();
        };
        match Url::parse(&text) {
            Ok(url) if url.scheme() == "https" || (local && url.scheme() == "http") => {}
            _ if local => self.wrong("PUBLIC_BASE_URL", "must be an http or https URL"),
            _ => self.wrong("PUBLIC_BASE_URL", "must be an https URL"),
        }
        text.trim_end_matches('/').to_owned()
    }

    fn return_urls(&mut self, local: bool) -> Vec<Url> {
        let mut urls = Vec::new();
        for text in self.list("FRONTEND_RETURN_URLS") {
            match Url::parse(&text) {
                Ok(url)
                    if url.fragment().is_none()
                        && (url.scheme() == "https" || (local && url.scheme() == "http")) =>
                {
                    urls.push(url);
                }
                _ => {
                    let kind = if local { "http or https" } else { "https" };
                    let must = format!("must be {kind} URLs without a fragment, separated by commas");
                    self.wrong("FRONTEND_RETURN_URLS", &must);
                }
            }
        }
        if urls.is_empty() && self.text("FRONTEND_RETURN_URLS").is_none() {
            self.wrong("FRONTEND_RETURN_URLS", "must name at least one URL of the front end");
        }
        urls
    }

    /// A base URL that only the local stage may set: elsewhere it could send codes and tokens to a stranger.
    fn local_url(&mut self, name: &str, local: bool) -> Option<String> {
        let text = self.text(name)?;
        if !local {
            self.wrong(name, "may be set in the local stage only");
        } else if Url::parse(&text).is_err() {
            self.wrong(name, "must be a URL");
        }
        Some(text.trim_end_matches('/').to_owned())
    }

    fn activation(&mut self) -> Activation {
        if let Some(finish) = self.text("CONNECT_FINISH")
            && finish != "frontend"
        {
            self.wrong("CONNECT_FINISH", "must be frontend");
        }
        match self.text("CONNECT_ACTIVATION").as_deref() {
            None | Some("proof") => Activation::Proof,
            Some("first_link") => {
                self.warnings.push(
                    "CONNECT_ACTIVATION=first_link is insecure: whoever starts a connect for a user without a link gets it".into(),
                );
                Activation::FirstLink
            }
            Some(_) => {
                self.wrong("CONNECT_ACTIVATION", "must be proof or first_link");
                Activation::Proof
            }
        }
    }

    fn tables(&mut self, stage: &Stage) -> Tables {
        let name = |variable: &str, table: &str| {
            self.text(variable).unwrap_or_else(|| format!("slotline-{}-{table}", stage.as_str()))
        };
        Tables {
            directory: name("TABLE_DIRECTORY", "directory"),
            connections: name("TABLE_CONNECTIONS", "connections"),
            flows: name("TABLE_FLOWS", "flows"),
            keys: name("TABLE_KEYS", "keys"),
            bookings: name("TABLE_BOOKINGS", "bookings"),
            outbox: name("TABLE_OUTBOX", "outbox"),
        }
    }

    fn retention(&mut self) -> u16 {
        match self.text("BOOKING_RETENTION_DAYS").map(|text| text.parse::<u16>()) {
            None => DEFAULT_RETENTION_DAYS,
            Some(Ok(days)) if RETENTION_DAYS.contains(&days) => days,
            Some(_) => {
                let (least, most) = (RETENTION_DAYS.start(), RETENTION_DAYS.end());
                let must = format!("must be a whole number of days from {least} to {most}");
                self.wrong("BOOKING_RETENTION_DAYS", &must);
                DEFAULT_RETENTION_DAYS
            }
        }
    }

    fn now(&mut self, local: bool) -> Option<Timestamp> {
        let text = self.text("SLOTLINE_NOW")?;
        if !local {
            self.wrong("SLOTLINE_NOW", "may be set in the local stage only");
        }
        match text.parse() {
            Ok(now) => Some(now),
            Err(_) => {
                self.wrong("SLOTLINE_NOW", "must be an RFC 3339 instant such as 2026-01-05T12:00:00Z");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
