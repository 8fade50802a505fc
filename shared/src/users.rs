//! People: who they are, and what Clerk's webhooks say about them.

use aws_sdk_dynamodb::types::TransactWriteItem;
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    app::App,
    clerk::event::{self, ClerkEvent, MembershipOp, UserRow},
    connect::disconnect::purge,
    error::{Error, Result},
    ids::{OwnerId, OwnerKind, Provider},
    secrets::SecretName,
    store::{
        Transaction,
        connections::{OwnerRows, Status},
        dedupe::Delivery,
        directory::{Membership, Role, User},
    },
    webhooks::{self, Refused},
};

/// DynamoDB takes a hundred actions in a transaction.
const MOST_ENDED_AT_ONCE: usize = 100;

/// A user as he sees himself.
#[derive(Clone, Debug)]
pub struct Me {
    /// Clerk's id.
    pub clerk_id: String,
    /// Primary e-mail address.
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// When Clerk made the user.
    pub created_at: Timestamp,
    /// When Clerk last changed him.
    pub updated_at: Timestamp,
    /// Providers with a connection that works.
    pub connected: Vec<Provider>,
    /// The tenants he acts for.
    pub memberships: Vec<Membership>,
}

/// The signed-in user. A session without a row gets one: the Clerk webhook may be late.
pub async fn me(app: &App, clerk_id: &str) -> Result<Me> {
    let owner = OwnerId::user(clerk_id)?;
    let (directory, rows) =
        tokio::join!(app.store.user_and_memberships(clerk_id), app.store.owner_rows(&owner));
    let ((user, memberships), rows) = (directory?, rows?);
    let user = match user {
        Some(user) if user.deleted => return Err(Error::NotFound("user")),
        Some(user) => user,
        None => first_seen(app, clerk_id).await?,
    };
    Ok(Me {
        clerk_id: user.clerk_id,
        email: user.email,
        first_name: user.first_name,
        last_name: user.last_name,
        created_at: user.created_at,
        // A row that Clerk has said nothing of yet was changed when it was made.
        updated_at: Timestamp::from_millisecond(user.updated_ms)
            .map_or(user.created_at, |at| at.max(user.created_at)),
        connected: connected(&rows),
        memberships: memberships.into_iter().filter(|membership| !membership.ended).collect(),
    })
}

fn connected(rows: &OwnerRows) -> Vec<Provider> {
    let active = |provider: &Provider| {
        rows.connections.iter().any(|row| row.provider == *provider && row.status == Status::Active)
    };
    Provider::ALL.into_iter().filter(active).collect()
}

async fn first_seen(app: &App, clerk_id: &str) -> Result<User> {
    let user = User {
        clerk_id: clerk_id.to_owned(),
        email: None,
        first_name: None,
        last_name: None,
        created_at: app.clock.now(),
        // Older than whatever Clerk will say.
        updated_ms: 0,
        deleted: false,
    };
    match app.store.transact(vec![app.store.upsert_user(user.clone())?]).await? {
        // Refused: the webhook came in between, and its row is the better one.
        Transaction::Done | Transaction::Contended => Ok(user),
        Transaction::Refused(_) => match app.store.user(clerk_id).await? {
            Some(user) if !user.deleted => Ok(user),
            _ => Err(Error::NotFound("user")),
        },
    }
}

/// Takes a Clerk webhook: verifies its Svix signature over the raw body, drops what was seen before, and applies the
/// rest in any order. Two DynamoDB calls, no KMS.
pub async fn clerk_webhook(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<()> {
    let secrets = signing_secrets(app).await?;
    let now = app.clock.now();
    let delivery = webhooks::verify(&secrets, headers, body, now).map_err(|refused| match refused {
        Refused::Secret => refused.into(),
        // Which of its parts was wrong is nobody's business but the log's.
        _ => {
            tracing::debug!(code = refused.code(), "a Clerk webhook was refused");
            Error::Unauthenticated { code: "webhook_signature" }
        }
    })?;
    let event = event::read(body)?;
    match &event {
        ClerkEvent::Upsert(UserRow { id, .. }) | ClerkEvent::Delete { user_id: id } => known("data.id", id)?,
        ClerkEvent::Membership { user_id, org_id, .. } => {
            known("data.public_user_data.user_id", user_id)?;
            OwnerId::tenant(OwnerKind::Business, org_id)
                .map_err(|_| Error::invalid("data.organization.id", "must be the id of an organisation"))?;
        }
        ClerkEvent::Ignore { .. } => return Ok(()),
    }
    match app.store.claim_delivery("clerk", delivery.as_str(), now).await? {
        Delivery::First => {}
        Delivery::Done => return Ok(()),
        // Svix tries again; by then the first one is done or let go.
        Delivery::InProgress => {
            return Err(Error::conflict("in_progress", "This delivery is being worked on."));
        }
    }
    let done = app.store.finish_delivery("clerk", delivery.as_str(), now)?;
    let effect = match event {
        ClerkEvent::Upsert(user) => vec![app.store.upsert_user(row(user, now))?],
        ClerkEvent::Delete { user_id } => return erase_and(app, &user_id, Some(done)).await,
        ClerkEvent::Membership { op, user_id, org_id, role, at } => {
            let membership = Membership {
                // A Clerk organisation is a business of ours with the organisation's id.
                tenant: OwnerId::tenant(OwnerKind::Business, &org_id)?,
                role: if matches!(role.as_deref(), Some("org:admin" | "admin")) {
                    Role::Admin
                } else {
                    Role::Member
                },
                updated_ms: at.unwrap_or(now).as_millisecond(),
                ended: op == MembershipOp::Delete,
            };
            app.store.put_membership(&user_id, membership)?.into()
        }
        ClerkEvent::Ignore { .. } => return Ok(()),
    };
    match app.store.transact([effect, vec![done.clone()]].concat()).await? {
        Transaction::Done => Ok(()),
        // Older than what we have, or about a deleted user: nothing to do, and nothing to repeat.
        Transaction::Refused(_) => match app.store.transact(vec![done]).await? {
            Transaction::Done | Transaction::Refused(_) | Transaction::Contended => Ok(()),
        },
        Transaction::Contended => Err(Error::conflict("in_progress", "This user is being written.")),
    }
}

/// Several secrets, separated by commas, while one is being rotated.
async fn signing_secrets(app: &App) -> Result<Vec<SecretString>> {
    let text = app.secrets.get(SecretName::Clerk).await?;
    Ok(text.expose_secret().split(',').map(|secret| SecretString::from(secret.trim().to_owned())).collect())
}

fn row(user: UserRow, now: Timestamp) -> User {
    let updated = user.updated_at.unwrap_or(now);
    User {
        clerk_id: user.id,
        email: user.primary_email,
        first_name: user.first_name,
        last_name: user.last_name,
        created_at: user.created_at.unwrap_or(now),
        updated_ms: updated.as_millisecond(),
        deleted: false,
    }
}

/// Whether an id can be one of Clerk's users.
fn known(field: &'static str, user_id: &str) -> Result<()> {
    OwnerId::user(user_id).map(drop).map_err(|_| Error::invalid(field, "must be the id of a user"))
}

/// Erases a user: whatever can be used goes at once, his bookings by the reconciler within minutes.
///
/// The tombstone comes first, so that nothing new is linked while everything else goes; what fails half-way is
/// repeated. Clerk's webhook, which calls this too, may not use KMS, so providers are not told: the wrapped keys are
/// deleted, which makes every copy of the tokens unreadable.
pub async fn erase(app: &App, clerk_id: &str) -> Result<()> {
    erase_and(app, clerk_id, None).await
}

/// The same; the last write carries `done` along.
async fn erase_and(app: &App, clerk_id: &str, done: Option<TransactWriteItem>) -> Result<()> {
    let owner = OwnerId::user(clerk_id)?;
    app.store.unconditionally(vec![app.store.bury_user(clerk_id, app.clock.now())?]).await?;
    let rows = app.store.owner_rows(&owner).await?;
    for connection in &rows.connections {
        purge(app, connection).await?;
    }
    for gone in rows.services.chunks(MOST_ENDED_AT_ONCE) {
        let gone = gone.iter().map(|service| app.store.forget_service(&owner, &service.id));
        app.store.unconditionally(gone.collect::<Result<_>>()?).await?;
    }
    let (_, memberships) = app.store.user_and_memberships(clerk_id).await?;
    for ended in memberships.chunks(MOST_ENDED_AT_ONCE) {
        let ended = ended.iter().map(|part| app.store.delete_membership(clerk_id, &part.tenant));
        app.store.unconditionally(ended.collect::<Result<_>>()?).await?;
    }
    let bookings = app.store.ask_erasure(&owner, app.clock.now())?;
    let last = [app.store.delete_settings(&owner)?, bookings];
    app.store.unconditionally(last.into_iter().chain(done).collect()).await
}
