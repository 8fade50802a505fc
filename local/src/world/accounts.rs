//! People's accounts at Google and Microsoft.

use std::collections::BTreeSet;

use shared::random;

/// Whose account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    /// Google accounts and Google Calendar.
    Google,
    /// Microsoft's identity platform and Graph.
    Microsoft,
}

/// The tenant of every personal Microsoft account.
pub(super) const PERSONAL_TENANT: &str = "9188040d-6c67-4b1c-b112-36a304b66dad";

const WEEKDAYS: [&str; 5] = ["monday", "tuesday", "wednesday", "thursday", "friday"];

impl Provider {
    /// The name in counters, faults and state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Microsoft => "microsoft",
        }
    }

    /// The one registered client.
    pub fn client_id(self) -> &'static str {
        match self {
            Self::Google => "EXAMPLE-client.apps.googleusercontent.com",
            Self::Microsoft => "EXAMPLE-microsoft-client",
        }
    }

    /// Its secret.
    pub fn client_secret(self) -> &'static str {
        match self {
            Self::Google => "GOCSPX-EXAMPLE-google-secret",
            Self::Microsoft => "EXAMPLE~microsoft-secret",
        }
    }
}

/// One account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Whose account it is.
    pub provider: Provider,
    /// Its address: the key by which tests and the consent page name it.
    pub email: String,
    /// The name shown.
    pub name: String,
    /// Google's `sub`, Microsoft's `oid`.
    pub subject: String,
    /// Microsoft's `tid`.
    pub tenant: String,
    /// Google's `hd`, for accounts of an organisation.
    pub hosted_domain: Option<String>,
    /// Google's `email_verified`.
    pub email_verified: bool,
    /// The calendar's IANA zone.
    pub zone: String,
    /// The mailbox's working hours; Google has none to tell.
    pub working_hours: Option<WorkingHours>,
    /// Whether there is a calendar at all.
    pub mailbox: bool,
    /// Scopes that this person never grants.
    pub unticked: BTreeSet<String>,
    /// The calendars, the main one first.
    pub calendars: Vec<Calendar>,
}

/// When the owner of a mailbox works.
#[derive(Clone, Debug)]
pub struct WorkingHours {
    /// Weekdays in lower case.
    pub days: &'static [&'static str],
    /// `HH:MM`.
    pub from: &'static str,
    /// `HH:MM`.
    pub to: &'static str,
    /// The name of a zone that only the mailbox knows; the mailbox's own zone when there is none.
    pub zone: Option<&'static str>,
}

/// One calendar of an account.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// The provider's id.
    pub id: String,
    /// The name shown.
    pub name: String,
    /// Whether events may be written.
    pub writable: bool,
}

impl Account {
    /// A Google account; one outside gmail.com belongs to an organisation.
    pub fn google(email: &str) -> Self {
        let domain = email.split_once('@').map(|(_, domain)| domain).unwrap_or_default();
        let team = format!("c_{}@group.calendar.google.com", &digest(email, "team")[..26]);
        Self {
            subject: digits(email),
            tenant: String::new(),
            hosted_domain: (domain != "gmail.com").then(|| domain.to_owned()),
            calendars: vec![
                Calendar { id: email.to_owned(), name: email.to_owned(), writable: true },
                Calendar { id: team, name: "Team".to_owned(), writable: false },
            ],
            ..Self::blank(Provider::Google, email)
        }
    }

    /// A Microsoft account of an organisation.
    pub fn microsoft(email: &str) -> Self {
        let domain = email.split_once('@').map(|(_, domain)| domain).unwrap_or_default();
        let calendar = |name: &str, writable| Calendar {
            id: graph_id(&format!("{email}/{name}")),
            name: name.to_owned(),
            writable,
        };
        Self {
            subject: uuid(email),
            tenant: uuid(domain),
            calendars: vec![calendar("Calendar", true), calendar("Birthdays", false)],
            working_hours: Some(WorkingHours { days: &WEEKDAYS, from: "09:00", to: "17:00", zone: None }),
            ..Self::blank(Provider::Microsoft, email)
        }
    }

    /// A personal Microsoft account, such as one of outlook.com.
    pub fn personal(email: &str) -> Self {
        let tail = &digest(email, "cid")[..16];
        Self {
            subject: format!("00000000-0000-0000-{}-{}", &tail[..4], &tail[4..16]),
            tenant: PERSONAL_TENANT.to_owned(),
            working_hours: None,
            ..Self::microsoft(email)
        }
    }

    /// The same in another zone.
    pub fn in_zone(self, iana: &str) -> Self {
        Self { zone: iana.to_owned(), ..self }
    }

    /// The same with other working hours.
    pub fn working(self, working_hours: Option<WorkingHours>) -> Self {
        Self { working_hours, ..self }
    }

    /// The same without a calendar.
    pub fn without_mailbox(self) -> Self {
        Self { mailbox: false, ..self }
    }

    /// The calendar of an id; `primary` is the main one.
    pub(super) fn calendar(&self, id: &str) -> Option<&Calendar> {
        if id == "primary" { self.calendars.first() } else { self.calendars.iter().find(|c| c.id == id) }
    }

    fn blank(provider: Provider, email: &str) -> Self {
        Self {
            provider,
            email: email.to_owned(),
            name: email.split('@').next().unwrap_or_default().to_owned(),
            subject: String::new(),
            tenant: String::new(),
            hosted_domain: None,
            email_verified: true,
            zone: "Europe/London".to_owned(),
            working_hours: None,
            mailbox: true,
            unticked: BTreeSet::new(),
            calendars: Vec::new(),
        }
    }
}

/// Graph's ids are long, and end in `=`.
pub(super) fn graph_id(of: &str) -> String {
    let digest = random::base64url(&random::sha256(of.as_bytes()));
    format!("AAMkAGI2TGuLAAA{digest}{}AAA=", &random::base64url(&random::sha256(digest.as_bytes()))[..40])
}

fn digest(of: &str, salt: &str) -> String {
    random::hex(&random::sha256(format!("{salt}/{of}").as_bytes()))
}

fn digits(of: &str) -> String {
    let digest = random::sha256(of.as_bytes());
    let tail: String = digest.iter().take(20).map(|b| char::from(b'0' + b % 10)).collect();
    format!("1{tail}")
}

fn uuid(of: &str) -> String {
    let h = digest(of, "uuid");
    format!("{}-{}-4{}-a{}-{}", &h[..8], &h[8..12], &h[12..15], &h[15..18], &h[18..30])
}
