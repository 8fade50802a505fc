//! What the words behind `operator` mean.

use std::collections::BTreeMap;

use shared::{
    access::SCOPES,
    ids::{ConnectionId, CredentialId, OwnerId, ServiceTokenId},
    store::directory::{CredentialKind, Route},
};

use super::{USAGE, told};

/// A service token's life in days when none is said.
const USUAL_DAYS: u32 = 365;

/// One command, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Says what stands with connections.
    Explain {
        /// Whose.
        owner: OwnerId,
        /// This one only.
        connection: Option<ConnectionId>,
    },
    /// Deletes everything of a user.
    Erase {
        /// The user.
        user: OwnerId,
        /// Not only asked what there is.
        yes: bool,
    },
    /// Wraps data keys again.
    Rewrap {
        /// Where an earlier run stopped.
        from: Option<String>,
    },
    /// Moves dead letters back.
    Redrive,
    /// Makes a VAPI credential, and a route where one is wanted or none is there.
    Credential {
        /// Whose credential.
        tenant: OwnerId,
        /// How it proves itself.
        kind: CredentialKind,
        /// Which calls are for whose calendar; without it the tenant's routes stay as they are.
        route: Option<Route>,
        /// A route that leads elsewhere may be replaced.
        yes: bool,
    },
    /// Makes a service token.
    ServiceToken {
        /// Whom it is bound to.
        tenant: OwnerId,
        /// What it may do.
        scopes: Vec<String>,
        /// How long it lives.
        days: u32,
    },
    /// Ends a VAPI credential or a service token.
    Withdraw(Issued),
}

/// What can be withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issued {
    /// A VAPI credential.
    Credential(CredentialId),
    /// A service token.
    ServiceToken(ServiceTokenId),
}

impl Command {
    /// Reads the words behind `operator`; gives the settings' file as well.
    ///
    /// The error is a sentence for a person.
    pub fn read(words: &[String]) -> Result<(Self, String), String> {
        let (plain, mut flags) = sorted(words)?;
        let plain: Vec<_> = plain.iter().map(String::as_str).collect();
        let mut flag = |name: &str| flags.remove(name);
        let command = match plain.as_slice() {
            ["explain", owner] => Self::Explain { owner: owner_of(owner)?, connection: None },
            ["explain", owner, connection] => {
                let connection = connection.parse();
                let connection = connection.map_err(|_| "CONNECTION must be an id as `explain OWNER` shows it: con_ and 26 letters and digits")?;
                Self::Explain { owner: owner_of(owner)?, connection: Some(connection) }
            }
            ["erase", user] => {
                Self::Erase { user: OwnerId::user(user).map_err(told)?, yes: flag("--yes").is_some() }
            }
            ["rewrap"] => Self::Rewrap { from: flag("--from") },
            ["redrive"] => Self::Redrive,
            ["credential", tenant] => credential(owner_of(tenant)?, &mut flag)?,
            ["service-token", tenant] => service_token(owner_of(tenant)?, &mut flag)?,
            ["withdraw", id] => Self::Withdraw(issued(id)?),
            [] => return Err(USAGE.to_owned()),
            [name, ..] => return Err(format!("{name} is not known, or takes other words\n\n{USAGE}")),
        };
        let file = flags.remove("--env-file");
        if let Some(name) = flags.keys().next() {
            return Err(format!("{name} is not known to {}\n\n{USAGE}", plain[0]));
        }
        let file = file.ok_or_else(|| format!("--env-file is missing: which stage is meant?\n\n{USAGE}"))?;
        Ok((command, file))
    }
}

/// Plain words, and flags with their values.
fn sorted(words: &[String]) -> Result<(Vec<String>, BTreeMap<String, String>), String> {
    let (mut plain, mut flags) = (Vec::new(), BTreeMap::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = match word.as_str() {
            "--yes" => String::new(),
            flag if flag.starts_with("--") => {
                words.next().cloned().ok_or_else(|| format!("{flag} wants a value"))?
            }
            _ => {
                plain.push(word.clone());
                continue;
            }
        };
        if flags.insert(word.clone(), value).is_some() {
            return Err(format!("{word} is there twice"));
        }
    }
    Ok((plain, flags))
}

fn credential(tenant: OwnerId, flag: &mut impl FnMut(&str) -> Option<String>) -> Result<Command, String> {
    let kind = match flag("--kind").as_deref() {
        None | Some("secret") => CredentialKind::Secret,
        Some("bearer") => CredentialKind::Bearer,
        Some("hmac") => CredentialKind::Hmac,
        Some(_) => return Err("--kind must be secret, bearer or hmac".to_owned()),
    };
    let owner = flag("--for").map(|owner| owner_of(&owner)).transpose()?;
    let route = match (flag("--calls"), owner) {
        (Some(match_on), owner) => Some(route(match_on, owner.unwrap_or_else(|| tenant.clone()))?),
        (None, Some(owner)) => return Err(format!("--for wants --calls: which calls are for {owner}?")),
        (None, None) => None,
    };
    Ok(Command::Credential { tenant, kind, route, yes: flag("--yes").is_some() })
}

fn route(match_on: String, owner: OwnerId) -> Result<Route, String> {
    let named =
        Route::BY.iter().any(|begin| match_on.strip_prefix(begin).is_some_and(|rest| !rest.is_empty()));
    if match_on == "default" || named {
        return Ok(Route { match_on, owner });
    }
    Err("--calls must be default, assistant:<id>, number:<called number> or phone_number_id:<id>".to_owned())
}

fn service_token(tenant: OwnerId, flag: &mut impl FnMut(&str) -> Option<String>) -> Result<Command, String> {
    let known = || format!("--scopes must name some of {}, comma-separated", SCOPES.join(", "));
    let scopes = flag("--scopes").ok_or_else(known)?;
    let scopes: Vec<_> = scopes.split(',').map(|scope| scope.trim().to_owned()).collect();
    if !scopes.iter().all(|scope| SCOPES.contains(&scope.as_str())) {
        return Err(known());
    }
    let days = flag("--days").map_or(Ok(USUAL_DAYS), |days| days.parse());
    let days = days.ok().filter(|days| (1..=3_650).contains(days));
    Ok(Command::ServiceToken { tenant, scopes, days: days.ok_or("--days must be a number from 1 to 3650")? })
}

/// An id, or the beginning of what was handed out: `slv_<id>_<secret>`, `slk_<id>_<secret>`.
fn issued(text: &str) -> Result<Issued, String> {
    let id = match text.split('_').collect::<Vec<_>>().as_slice() {
        ["slv", id, ..] => format!("vcr_{id}"),
        ["slk", id, ..] => format!("stk_{id}"),
        _ => text.to_owned(),
    };
    let read = id.parse().map(Issued::Credential).or_else(|_| id.parse().map(Issued::ServiceToken));
    read.map_err(|_| {
        "ID must be a credential's vcr_… or slv_…, or a service token's stk_… or slk_…".to_owned()
    })
}

fn owner_of(text: &str) -> Result<OwnerId, String> {
    let read = if text.contains(':') { text.parse() } else { OwnerId::user(text) };
    read.map_err(|_| format!("{text} is no owner: user_…, subaccount:… or business:…"))
}
