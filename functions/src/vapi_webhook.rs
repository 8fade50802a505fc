//! `vapi-webhook`: the voice agent's calls. Whatever goes wrong is a sentence that it can say; only a bad credential
//! is 401.

use axum::{
    Json,
    extract::{Request, State},
};
use serde_json::{Value, json};
use shared::{
    app::App,
    error::Error,
    voice::{self, Asked, VoiceAnswer},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    extract::{PathId, raw},
    problem::{Face, Problem},
    reply::sentence,
};

/// End-of-call reports carry the whole conversation.
const MOST_BYTES: usize = 5 * 1024 * 1024;

/// The routes of this function.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(take_vapi_message))
        .routes(routes!(take_vapi_message_of_credential))
}

/// Takes a message of VAPI; the credential in its headers names the tenant.
#[utoipa::path(post, path = "/vapi/webhook", tag = "voice",
    request_body(content = Object, description = "VAPI's `{message}`", content_type = "application/json"),
    responses((status = 200, description = "`{results}` for tool calls, in VAPI's shape", body = Object),
        (status = 401, description = "The credential is wrong", body = crate::openapi::ProblemBody)))]
async fn take_vapi_message(State(app): State<App>, request: Request) -> Result<Json<Value>, Problem> {
    answer(&app, None, request).await
}

/// Takes a signed message of VAPI; the path names the credential, because a signature names no tenant.
#[utoipa::path(post, path = "/vapi/webhook/{credential}", tag = "voice",
    params(("credential" = String, Path, description = "The credential's id")),
    request_body(content = Object, description = "VAPI's `{message}`", content_type = "application/json"),
    responses((status = 200, description = "`{results}` for tool calls, in VAPI's shape", body = Object),
        (status = 401, description = "The credential is wrong", body = crate::openapi::ProblemBody)))]
async fn take_vapi_message_of_credential(
    State(app): State<App>,
    PathId(credential): PathId,
    request: Request,
) -> Result<Json<Value>, Problem> {
    answer(&app, Some(&credential), request).await
}

async fn answer(app: &App, credential: Option<&str>, request: Request) -> Result<Json<Value>, Problem> {
    let headers = request.headers().clone();
    let body = raw(request, MOST_BYTES).await?;
    Ok(Json(rendered(voice::webhook(app, credential, &headers, &body).await?)))
}

/// VAPI's shapes: a result is one line, and a failure is a result that can be said.
fn rendered(answer: VoiceAnswer) -> Value {
    match answer {
        VoiceAnswer::Results(results) => {
            let results = results.into_iter().map(|(id, name, result)| match result {
                Ok(line) => json!({"toolCallId": id, "name": name, "result": one_line(&line)}),
                Err(error) => json!({"toolCallId": id, "name": name, "error": spoken(error)}),
            });
            json!({"results": results.collect::<Vec<_>>()})
        }
        VoiceAnswer::Legacy(Ok(line)) => json!({"result": one_line(&line)}),
        VoiceAnswer::Legacy(Err(error)) => json!({"result": spoken(error)}),
        VoiceAnswer::Assistant(body) => body,
        VoiceAnswer::Failed(asked, error) => failed(asked, &spoken(error)),
        VoiceAnswer::Empty => json!({}),
    }
}

/// One sentence in the place where VAPI looks for the answer to its message.
fn failed(asked: Asked, sentence: &str) -> Value {
    match asked {
        Asked::Results(calls) => {
            let results =
                calls.iter().map(|(id, name)| json!({"toolCallId": id, "name": name, "error": sentence}));
            json!({"results": results.collect::<Vec<_>>()})
        }
        Asked::Result => json!({"result": sentence}),
        // `error` is the one member that every answer which VAPI documents can have.
        Asked::Assistant | Asked::Transfer | Asked::Unreadable => json!({"error": sentence}),
        // An empty destination refuses a handoff, and VAPI's model requires one beside the error.
        Asked::Handoff => json!({"destination": {}, "error": sentence}),
        Asked::Nothing => json!({}),
    }
}

/// The sentence for an error, which ends here and is logged here.
fn spoken(error: Error) -> String {
    let sentence = sentence(&error);
    Problem::from(error).log(Face::Calendar, None);
    sentence
}

/// VAPI drops what stands behind a line break.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_call_gets_its_own_one_line_answer() {
        let answer = VoiceAnswer::Results(vec![
            ("call_1".into(), "check_availability".into(), Ok("Monday at 2 PM,\nor at 3 PM.".into())),
            ("call_2".into(), "book_appointment".into(), Err(Error::SlotTaken { alternatives: vec![] })),
        ]);
        let body = rendered(answer);
        assert_eq!(
            body["results"][0],
            json!({"toolCallId": "call_1", "name": "check_availability", "result": "Monday at 2 PM, or at 3 PM."})
        );
        assert_eq!(body["results"][1]["toolCallId"], "call_2");
        assert!(body["results"][1]["error"].as_str().unwrap().contains("taken"));
        assert_eq!(rendered(VoiceAnswer::Legacy(Ok("Done.".into()))), json!({"result": "Done."}));
        assert_eq!(
            rendered(VoiceAnswer::Assistant(json!({"assistantId": "a"}))),
            json!({"assistantId": "a"})
        );
        assert_eq!(rendered(VoiceAnswer::Empty), json!({}));
    }
}
