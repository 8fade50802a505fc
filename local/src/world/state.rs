//! Everything the stand-ins remember, and the questions they ask of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    accounts::{Account, Provider},
    items::Item,
    oauth::Code,
};

/// Google keeps this many refresh tokens per account and client; the oldest dies silently.
const MOST_REFRESH_TOKENS: usize = 100;

#[derive(Default)]
pub(super) struct State {
    pub(super) accounts: Vec<Account>,
    pub(super) items: Vec<Item>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) grants: Vec<Grant>,
    /// In the order of their issue.
    pub(super) refresh: Vec<Refresh>,
    pub(super) access: HashMap<String, Access>,
    /// Who has consented before: Google gives a refresh token without `prompt=consent` only the first time.
    pub(super) consented: HashSet<(Provider, String)>,
    pub(super) token_calls: Vec<TokenCall>,
    /// Clerk's users by id.
    pub(super) users: BTreeMap<String, Value>,
    /// Webhooks sent, and the status that came back.
    pub(super) deliveries: Vec<Value>,
    /// Counts changes, so that etags never repeat.
    pub(super) changes: u64,
}

/// One authorization that a person gave: a code's exchange, and every token that came of it.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) provider: Provider,
    pub(super) email: String,
    pub(super) scopes: Vec<String>,
    pub(super) live: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Refresh {
    pub(super) token: String,
    pub(super) grant: usize,
    /// When it was issued or last used.
    pub(super) used: Timestamp,
    pub(super) live: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) grant: usize,
    pub(super) expires_at: Timestamp,
}

/// One call of a token endpoint.
#[derive(Clone, Debug)]
pub(super) struct TokenCall {
    pub(super) provider: Provider,
    pub(super) grant_type: String,
    /// `ok`, or the error answered.
    pub(super) outcome: String,
    pub(super) at: Timestamp,
}

/// Why an API call is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// No such token, or its grant has ended.
    Unknown,
    /// It was good once.
    Expired,
    /// The person did not grant what this needs.
    Scope,
}

impl State {
    /// The account of an address.
    pub(super) fn account(&self, provider: Provider, email: &str) -> Option<&Account> {
        self.accounts.iter().find(|a| a.provider == provider && a.email.eq_ignore_ascii_case(email))
    }

    /// The account that an access token opens, if it grants one of the scopes.
    pub(super) fn opened(
        &self,
        provider: Provider,
        token: Option<&str>,
        needs: &[&str],
        now: Timestamp,
    ) -> Result<Account, Denied> {
        let access = token.and_then(|token| self.access.get(token)).ok_or(Denied::Unknown)?;
        let grant = self.grants.get(access.grant).ok_or(Denied::Unknown)?;
        if grant.provider != provider || !grant.live {
            return Err(Denied::Unknown);
        }
        if access.expires_at <= now {
            return Err(Denied::Expired);
        }
        if !grant.scopes.iter().any(|scope| needs.iter().any(|need| scope.eq_ignore_ascii_case(need))) {
            return Err(Denied::Scope);
        }
        self.account(provider, &grant.email).cloned().ok_or(Denied::Unknown)
    }

    /// The grant that an access or refresh token came of.
    pub(super) fn grant_of_token(&self, token: &str) -> Option<usize> {
        let refresh = self.refresh.iter().find(|kept| kept.token == token).map(|kept| kept.grant);
        refresh.or(self.access.get(token).map(|access| access.grant))
    }

    /// Whose an access or refresh token is.
    pub(super) fn account_of_token(&self, token: &str) -> Option<(Provider, String)> {
        let grant = self.grants.get(self.grant_of_token(token)?)?;
        Some((grant.provider, grant.email.clone()))
    }

    /// The same, if the token's grant is still good.
    pub(super) fn account_of_live_token(&self, token: &str) -> Option<(Provider, String)> {
        let of_refresh = self.refresh.iter().find(|kept| kept.token == token && kept.live).map(|r| r.grant);
        let grant = self.grants.get(of_refresh.or(self.access.get(token).map(|a| a.grant))?)?;
        grant.live.then(|| (grant.provider, grant.email.clone()))
    }

    /// Ends every grant of an account, and forgets its consent.
    pub(super) fn end_grants(&mut self, provider: Provider, email: &str) {
        for grant in self.grants.iter_mut().filter(|g| g.provider == provider && g.email == email) {
            grant.live = false;
        }
        self.consented.remove(&(provider, email.to_owned()));
    }

    /// Ends one grant: every token of its family.
    pub(super) fn end_grant(&mut self, grant: usize) {
        if let Some(grant) = self.grants.get_mut(grant) {
            grant.live = false;
        }
    }

    /// Keeps a refresh token; at Google the oldest above the limit dies.
    pub(super) fn keep_refresh(&mut self, token: String, grant: usize, now: Timestamp) {
        self.refresh.push(Refresh { token, grant, used: now, live: true });
        let Some(Grant { provider: Provider::Google, email, .. }) = self.grants.get(grant) else { return };
        let grants = &self.grants;
        let mine = |refresh: &&mut Refresh| {
            let of = grants.get(refresh.grant);
            refresh.live && of.is_some_and(|g| g.live && g.provider == Provider::Google && g.email == *email)
        };
        let mut live: Vec<_> = self.refresh.iter_mut().filter(mine).collect();
        let dead = live.len().saturating_sub(MOST_REFRESH_TOKENS);
        live.drain(..dead).for_each(|refresh| refresh.live = false);
    }

    /// An event of an account.
    pub(super) fn item(&mut self, provider: Provider, account: &str, id: &str) -> Option<&mut Item> {
        self.items.iter_mut().find(|i| i.provider == provider && i.account == account && i.id == id)
    }

    /// The next version of something.
    pub(super) fn next_version(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }
}
