//! Answering a voice agent: the credential decides the tenant, the tenant's routes decide the owner, tools do the rest.
//!
//! What the model says about who is meant is ignored. Sentences for refusals are made in `functions/src/reply.rs`.

mod arguments;
mod door;
mod tools;

use http::HeaderMap;
use serde_json::{Value, json};

pub use door::issue_credential;

use crate::{
    app::App,
    error::{Error, Result},
    ids::OwnerId,
    speech,
    store::directory::Door,
    vapi::message::{self, ToolCall, VapiMessage},
};

/// What goes back to VAPI.
#[derive(Debug)]
pub enum VoiceAnswer {
    /// One result for each tool call: its id, its name, and a line to say or why there is none.
    Results(Vec<(String, String, Result<String>)>),
    /// The answer to the older `function-call`.
    Legacy(Result<String>),
    /// The answer to `assistant-request`.
    Assistant(Value),
    /// Why nothing of what was asked for can be said.
    Failed(Asked, Error),
    /// Nothing to answer.
    Empty,
}

/// What a message wants to hear. VAPI reads no other answer than the one its message asks for.
#[derive(Debug)]
pub enum Asked {
    /// A result for each tool call: its id and its name.
    Results(Vec<(String, String)>),
    /// The one result of the older `function-call`.
    Result,
    /// Which assistant takes the call.
    Assistant,
    /// Where the call is transferred to.
    Transfer,
    /// Which assistant the call is handed to.
    Handoff,
    /// Nothing.
    Nothing,
    /// Nobody knows: it cannot be read.
    Unreadable,
}

/// What a caller hears whose call no route of the tenant's takes.
const NOT_SET_UP: &str = "This number is not set up yet. Please try again later.";

/// Takes a message of VAPI's. Only a bad credential is an error; everything else is answered.
pub async fn webhook(
    app: &App,
    credential: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<VoiceAnswer> {
    let door = match door::enter(app, credential, headers, body).await {
        Ok(door) => door,
        Err(refused @ Error::Unauthenticated { .. }) => return Err(refused),
        Err(outage) => {
            let asked = message::read(body).map_or(Asked::Unreadable, |message| asked(&message));
            return Ok(VoiceAnswer::Failed(asked, outage));
        }
    };
    let message = match message::read(body) {
        Ok(message) => message,
        Err(error) => return Ok(VoiceAnswer::Failed(Asked::Unreadable, error)),
    };
    let owner = door::owner(&door, &message);
    Ok(match asked(&message) {
        Asked::Results(_) => VoiceAnswer::Results(results(app, owner, &message).await),
        Asked::Result => VoiceAnswer::Legacy(match message.calls.first() {
            Some(call) => run(app, owner.as_ref(), &message, call).await,
            None => Err(Error::Malformed("a function-call without its function".into())),
        }),
        Asked::Assistant => match assistant(app, owner, &door, &message).await {
            Ok(body) => VoiceAnswer::Assistant(body),
            Err(error) => VoiceAnswer::Failed(Asked::Assistant, error),
        },
        elsewhere @ (Asked::Transfer | Asked::Handoff) => {
            VoiceAnswer::Failed(elsewhere, Error::Malformed("nobody is transferred from here".into()))
        }
        Asked::Nothing | Asked::Unreadable => VoiceAnswer::Empty,
    })
}

fn asked(message: &VapiMessage) -> Asked {
    match message.kind.as_str() {
        "tool-calls" => {
            Asked::Results(message.calls.iter().map(|call| (call.id.clone(), call.name.clone())).collect())
        }
        "function-call" => Asked::Result,
        "assistant-request" => Asked::Assistant,
        "transfer-destination-request" => Asked::Transfer,
        "handoff-destination-request" => Asked::Handoff,
        _ => Asked::Nothing,
    }
}

async fn results(
    app: &App,
    owner: Option<OwnerId>,
    message: &VapiMessage,
) -> Vec<(String, String, Result<String>)> {
    let mut results = Vec::new();
    // One after the other: a model that books twice in one breath must not race itself.
    for call in &message.calls {
        let result = run(app, owner.as_ref(), message, call).await;
        results.push((call.id.clone(), call.name.clone(), result));
    }
    results
}

async fn run(app: &App, owner: Option<&OwnerId>, message: &VapiMessage, call: &ToolCall) -> Result<String> {
    let Some(owner) = owner else { return Ok(NOT_SET_UP.to_owned()) };
    tools::run(app, owner, message, call).await
}

/// Who answers, and what he must know: the date in the owner's zone, because a model only knows UTC.
async fn assistant(app: &App, owner: Option<OwnerId>, door: &Door, message: &VapiMessage) -> Result<Value> {
    let (Some(owner), Some(assistant)) =
        (owner, message.assistant_id.clone().or_else(|| door::assistant(door)))
    else {
        return Ok(json!({ "error": NOT_SET_UP }));
    };
    let rows = app.store.owner_rows(&owner).await?;
    let zone = rows.settings.schedule.map_or_else(|| "UTC".to_owned(), |schedule| schedule.time_zone);
    let now = app.clock.now();
    let local = crate::schedule::zone_named(&zone)?;
    Ok(json!({
        "assistantId": assistant,
        "assistantOverrides": { "variableValues": {
            "today": local.to_datetime(now).date().to_string(),
            "now": speech::spoken_time(now, &local),
            "time_zone": zone,
        } },
    }))
}
