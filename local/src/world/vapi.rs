//! VAPI as a caller of webhooks: builds its server messages, proves itself, and reads what is answered.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use shared::random;

use super::{
    World,
    webhook::{Answered, Webhook},
};

/// The account at VAPI that every call belongs to.
const ORG: &str = "00000000-0000-4000-8000-0000000000aa";

/// One call on the phone.
#[derive(Clone, Debug)]
pub struct PhoneCall {
    /// VAPI's id of the call.
    pub id: String,
    /// The assistant that talks.
    pub assistant_id: Option<String>,
    /// VAPI's id of the number that was called.
    pub phone_number_id: String,
    /// The number that was called.
    pub phone_number: String,
    /// The caller's number; withheld when none.
    pub customer_number: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
}

/// One tool call of a model.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// The model's id of the call, which the answer must repeat.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// What the model fills in.
    pub arguments: Value,
}

impl ToolCall {
    /// A tool call with an id like a model's.
    pub fn new(name: &str, arguments: Value) -> Self {
        Self { id: format!("call_{}", &random::id()[..24]), name: name.to_owned(), arguments }
    }
}

/// How VAPI proves itself to a webhook.
#[derive(Clone, Debug)]
pub enum Credential {
    /// No proof.
    None,
    /// The `X-Vapi-Secret` header.
    Secret(String),
    /// `Authorization: Bearer`.
    Bearer(String),
    /// `x-signature` over `{timestamp}.{body}`, hexadecimal HMAC-SHA-256: the defaults of VAPI's HMAC plan.
    Hmac(String),
}

impl PhoneCall {
    /// A call from a number to the demo's line.
    pub fn inbound(customer_number: &str, assistant_id: Option<&str>, now: Timestamp) -> Self {
        Self {
            id: uuid(),
            assistant_id: assistant_id.map(str::to_owned),
            phone_number_id: "00000000-0000-4000-8000-0000000000bb".to_owned(),
            phone_number: "+15550100000".to_owned(),
            customer_number: Some(customer_number.to_owned()),
            started_at: now,
        }
    }

    /// `tool-calls`: what the model wants done, in the three lists that VAPI sends.
    pub fn tool_calls(&self, calls: &[ToolCall], now: Timestamp) -> Value {
        let list = |call: &ToolCall| json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}});
        let with_tool = |call: &ToolCall| {
            json!({
                "type": "function", "name": call.name,
                "function": {"name": call.name, "parameters": {"type": "object", "properties": {}}},
                "server": {"url": "https://calendar.example.com/vapi/webhook"}, "messages": [],
                "toolCall": list(call),
            })
        };
        self.message(
            "tool-calls",
            json!({
                "toolCalls": calls.iter().map(list).collect::<Vec<_>>(),
                "toolCallList": calls.iter().map(list).collect::<Vec<_>>(),
                "toolWithToolCallList": calls.iter().map(with_tool).collect::<Vec<_>>(),
            }),
            now,
        )
    }

    /// `function-call`: the older form of one call, which has no id and is answered with one `result`.
    pub fn function_call(&self, name: &str, parameters: &Value, now: Timestamp) -> Value {
        self.message("function-call", json!({"functionCall": {"name": name, "parameters": parameters}}), now)
    }

    /// `assistant-request`: which assistant should take the call.
    pub fn assistant_request(&self, now: Timestamp) -> Value {
        self.message("assistant-request", json!({}), now)
    }

    /// `status-update`, such as `in-progress` or `ended`.
    pub fn status_update(&self, status: &str, now: Timestamp) -> Value {
        let ended = (status == "ended").then_some("customer-ended-call");
        self.message("status-update", json!({"status": status, "endedReason": ended}), now)
    }

    /// `end-of-call-report`: what was said.
    pub fn end_of_call_report(&self, transcript: &str, now: Timestamp) -> Value {
        self.message(
            "end-of-call-report",
            json!({
                "endedReason": "customer-ended-call", "transcript": transcript, "summary": "", "messages": [],
                "startedAt": self.started_at.to_string(), "endedAt": now.to_string(), "cost": 0.05,
                "durationSeconds": now.duration_since(self.started_at).as_secs(),
                "analysis": {"summary": "", "successEvaluation": "true"},
                "recordingUrl": "https://storage.example.com/EXAMPLE.wav",
            }),
            now,
        )
    }

    fn message(&self, kind: &str, own: Value, now: Timestamp) -> Value {
        let customer = self.customer_number.as_ref().map(|number| json!({"number": number}));
        let mut call = json!({
            "id": self.id, "orgId": ORG, "type": "inboundPhoneCall", "phoneCallProvider": "twilio",
            "phoneCallProviderId": format!("CA{}", self.id.replace('-', "")), "phoneCallTransport": "pstn",
            "status": if kind == "assistant-request" { "ringing" } else { "in-progress" },
            "createdAt": self.started_at.to_string(), "updatedAt": now.to_string(),
            "assistantId": self.assistant_id, "phoneNumberId": self.phone_number_id, "squadId": null,
        });
        // The message carries the number's Twilio token in the clear: it must never be stored or logged.
        let phone_number = json!({
            "id": self.phone_number_id, "orgId": ORG, "number": self.phone_number, "provider": "twilio",
            "assistantId": self.assistant_id, "twilioAccountSid": "AC_EXAMPLE", "twilioAuthToken": "EXAMPLE-twilio-auth-token",
            "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z", "name": null,
        });
        let mut message = json!({
            "timestamp": now.as_millisecond(), "type": kind, "phoneNumber": phone_number,
            "artifact": {"messages": [], "messagesOpenAIFormatted": []},
        });
        if let Some(customer) = customer {
            call["customer"] = customer.clone();
            message["customer"] = customer;
        }
        if let Some(id) = self.assistant_id.as_ref().filter(|_| kind != "assistant-request") {
            message["assistant"] = json!({"id": id, "name": "Receptionist", "model": {}, "voice": {}});
        }
        message["call"] = call;
        let own: Map<String, Value> = own.as_object().cloned().unwrap_or_default();
        for (name, value) in own {
            message[name] = value;
        }
        json!({"message": message})
    }
}

impl World {
    /// Sends a server message to a webhook as VAPI does, and returns what it answers.
    pub async fn vapi_message(
        &self,
        client: &reqwest::Client,
        url: &str,
        credential: &Credential,
        message: &Value,
    ) -> Result<Answered, String> {
        let kind = message["message"]["type"].as_str().unwrap_or("message").to_owned();
        self.counters().count("vapi", &kind);
        let webhook = Webhook::bare(message.to_string());
        let webhook = match credential {
            Credential::None => webhook,
            Credential::Secret(secret) => webhook.header("x-vapi-secret", secret),
            Credential::Bearer(token) => webhook.header("authorization", &format!("Bearer {token}")),
            Credential::Hmac(key) => {
                let timestamp = self.clock().now().as_millisecond().to_string();
                let signed = format!("{timestamp}.{}", webhook.body);
                let signature = random::hex(&random::hmac_sha256(key.as_bytes(), signed.as_bytes()));
                webhook.header("x-timestamp", &timestamp).header("x-signature", &signature)
            }
        };
        webhook.deliver(client, url).await
    }
}

/// What a webhook answered to one tool call, as VAPI reads it: the result or the error, or why VAPI drops it.
pub fn tool_result(answered: &Answered, call: &ToolCall) -> Result<String, String> {
    if answered.status != 200 {
        return Err(format!("VAPI ignores an answer of status {}", answered.status));
    }
    let results = answered.body.as_ref().and_then(|body| body["results"].as_array());
    let mine = results.ok_or("no results")?.iter().find(|result| result["toolCallId"] == call.id.as_str());
    let mine = mine.ok_or("no result has the call's id")?;
    if mine["name"] != call.name.as_str() {
        return Err("the result does not name the tool".to_owned());
    }
    let text = mine["result"].as_str().or(mine["error"].as_str()).ok_or("the result is not a string")?;
    if text.contains('\n') {
        return Err("the result has more than one line".to_owned());
    }
    Ok(text.to_owned())
}

fn uuid() -> String {
    let h = random::hex(&random::bytes::<16>());
    format!("{}-{}-4{}-a{}-{}", &h[..8], &h[8..12], &h[13..16], &h[17..20], &h[20..])
}
