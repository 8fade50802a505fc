//! One whole day of a small business: connect two calendars, be booked by phone, refresh, disconnect.
//!
//! Every step goes through real HTTP and the real authorizer, says what happens, and is checked against the world.

use jiff::{SignedDuration, ToSpan as _, tz::TimeZone};
use reqwest::Client;
use serde_json::{Value, json};

use crate::{
    stack::Stack,
    visitor::{self},
    world::{self, Credential, DEFAULT_EMAIL, PhoneCall, Provider, ToolCall, UserEvent, tool_result},
};

const USER: &str = "user_2DemoOwner";
const CALLER: &str = "+15550100123";
const ASSISTANT: &str = "00000000-0000-4000-8000-00000000d3a0";

/// What the demo is played with.
struct Demo<'a> {
    stack: &'a Stack,
    client: Client,
    say: &'a mut dyn FnMut(&str),
}

/// Plays it. The error names the step that did not hold.
pub async fn play(stack: &Stack, say: &mut dyn FnMut(&str)) -> Result<(), String> {
    let client = world::client()?;
    let mut demo = Demo { stack, client, say };
    demo.sign_up().await?;
    demo.connect().await?;
    demo.look().await?;
    let slot = demo.ask_for_a_slot().await?;
    demo.book(&slot).await?;
    demo.refresh().await?;
    demo.disconnect().await?;
    (demo.say)("\nEvery step held.");
    Ok(())
}

/// A step that must hold.
fn holds(condition: bool, what: impl Into<String>) -> Result<(), String> {
    if condition { Ok(()) } else { Err(format!("this did not hold: {}", what.into())) }
}

impl Demo<'_> {
    fn title(&mut self, text: &str) {
        (self.say)(&format!("\n{text}"));
    }

    fn tell(&mut self, text: impl AsRef<str>) {
        (self.say)(&format!("   {}", text.as_ref()));
    }

    /// A call to our API as the signed-in user.
    async fn api(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(u16, Value), String> {
        let token = self.stack.world.session_token(USER, &json!({}));
        let mut request =
            self.client.request(method, format!("{}{path}", self.stack.base_url())).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        Ok((status, response.json().await.unwrap_or_default()))
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        let (status, answer) = self.api(reqwest::Method::GET, path, None).await?;
        holds(status == 200, format!("GET {path} answered {status}: {answer}"))?;
        Ok(answer)
    }

    async fn sign_up(&mut self) -> Result<(), String> {
        self.title("1. Somebody signs up");
        let webhook = self.stack.world.user_webhook(UserEvent::Created, USER, Some(DEFAULT_EMAIL));
        let url = format!("{}/webhooks/clerk", self.stack.base_url());
        for _ in 0..2 {
            let answered = self.stack.world.deliver(&self.client, &webhook, &url).await?;
            holds(answered.status == 200, format!("the webhook was answered {}", answered.status))?;
        }
        let me = self.get("/users/me").await?;
        holds(me["email"] == DEFAULT_EMAIL, format!("/users/me shows the address: {me}"))?;
        self.tell("Clerk sends a signed webhook, twice, as webhooks do. The user is there once.");
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), String> {
        self.title("2. The owner connects two calendars");
        for provider in ["microsoft", "google"] {
            let base = self.stack.base_url();
            let id = visitor::connect(&self.stack.world, base, USER, provider, DEFAULT_EMAIL).await?;
            self.tell(format!(
                "{provider}: consent, callback, and proof by the owner's own session. Connection {id}."
            ));
        }
        let status = self.get("/calendar/auth/status").await?;
        let connections = status["connections"].as_array().map_or(0, Vec::len);
        holds(status["authorized"] == true && connections == 2, format!("the status shows both: {status}"))?;
        self.tell(
            "The status page shows both, from one read of the table: no provider and no key was asked.",
        );
        Ok(())
    }

    async fn look(&mut self) -> Result<(), String> {
        self.title("3. The front end looks at the week");
        let events = self.get("/calendar/events?days_ahead=7").await?;
        let listed = events["events"].as_array().cloned().unwrap_or_default();
        for event in &listed {
            let text = |name: &str| event[name].as_str().unwrap_or("").to_owned();
            self.tell(format!("{}  {}  ({})", text("start_time"), text("subject"), text("provider")));
        }
        holds(events["status"] == "success", format!("events are listed: {}", events["status"]))?;
        self.tell(format!("{} events of both calendars, in one list.", listed.len()));
        Ok(())
    }

    /// A phone call's tool call, and the line that the agent says.
    async fn tool(
        &self,
        call: &PhoneCall,
        credential: &Credential,
        tool: &ToolCall,
    ) -> Result<String, String> {
        let message = call.tool_calls(std::slice::from_ref(tool), self.stack.app.clock.now());
        let url = format!("{}/vapi/webhook", self.stack.base_url());
        let answered = self.stack.world.vapi_message(&self.client, &url, credential, &message).await?;
        tool_result(&answered, tool)
    }

    async fn credential(&self) -> Result<Credential, String> {
        let url = format!("{}/_local/vapi-credentials", self.stack.base_url());
        let body = json!({"tenant": format!("user:{USER}"), "kind": "secret", "assistant_id": ASSISTANT});
        let response = self.client.post(url).json(&body).send().await.map_err(|error| error.to_string())?;
        let answer: Value = response.json().await.map_err(|error| error.to_string())?;
        let secret = answer["secret"].as_str().ok_or_else(|| format!("no credential was made: {answer}"))?;
        Ok(Credential::Secret(secret.to_owned()))
    }

    async fn ask_for_a_slot(&mut self) -> Result<Slot, String> {
        self.title("4. The phone rings");
        let now = self.stack.app.clock.now();
        let (call, credential) = (PhoneCall::inbound(CALLER, Some(ASSISTANT), now), self.credential().await?);
        let day = next_working_day(now)?;
        self.tell(format!("Caller:  \"Do you have anything on {day}?\""));
        let tool = ToolCall::new("check_availability", json!({"date": day, "duration_minutes": 30}));
        let line = self.tool(&call, &credential, &tool).await?;
        self.tell(format!("Agent:   \"{line}\""));
        let free = self
            .get(&format!("/calendar/availability?from={day}&to={day}T23:59:00&duration_minutes=30"))
            .await?;
        let start = free["available_slots"][0]["start"].as_str().unwrap_or_default().to_owned();
        holds(!start.is_empty(), format!("the same times are free in the front end: {free}"))?;
        Ok(Slot { call, credential, start })
    }

    async fn book(&mut self, slot: &Slot) -> Result<(), String> {
        self.title("5. The caller takes it");
        let arguments =
            json!({"start_time": slot.start, "duration_minutes": 30, "name": "Caller", "title": "Haircut"});
        let tool = ToolCall::new("book_appointment", arguments.clone());
        let line = self.tool(&slot.call, &slot.credential, &tool).await?;
        self.tell(format!("Agent:   \"{line}\""));
        holds(line.starts_with("You're booked"), format!("the caller is booked: {line}"))?;
        let again =
            self.tool(&slot.call, &slot.credential, &ToolCall::new("book_appointment", arguments)).await?;
        holds(again == line, format!("a repeat says the same: {again}"))?;
        let other = PhoneCall::inbound("+15550100999", Some(ASSISTANT), self.stack.app.clock.now());
        let late =
            ToolCall::new("book_appointment", json!({"start_time": slot.start, "name": "Somebody else"}));
        let refused = self.tool(&other, &slot.credential, &late).await?;
        self.tell("A second caller wants the same time.");
        self.tell(format!("Agent:   \"{refused}\""));
        holds(refused.starts_with("That time is taken"), format!("nobody is booked twice: {refused}"))?;
        let booked = self.events_named("Haircut");
        holds(booked == 1, format!("the event is in the calendar once, not {booked} times"))?;
        self.tell("The event is in the calendar, once.");
        Ok(())
    }

    fn events_named(&self, subject: &str) -> usize {
        let both = [Provider::Microsoft, Provider::Google];
        let all = both.into_iter().flat_map(|provider| self.stack.world.events(provider, DEFAULT_EMAIL));
        all.filter(|event| event.subject == subject).count()
    }

    async fn refresh(&mut self) -> Result<(), String> {
        self.title("6. Two hours later the tokens have expired");
        self.stack.app.clock.advance(SignedDuration::from_hours(2));
        self.stack.world.counters().reset();
        self.get("/calendar/events?days_ahead=1").await?;
        let counters = self.stack.world.counters();
        for provider in ["microsoft", "google"] {
            let calls = counters.of(provider, "token");
            holds(calls == 1, format!("{provider} was asked for a token once, not {calls} times"))?;
        }
        self.tell("They refreshed themselves while the events were listed: one call to each provider.");
        Ok(())
    }

    async fn disconnect(&mut self) -> Result<(), String> {
        self.title("7. The owner disconnects");
        let (status, answer) = self.api(reqwest::Method::DELETE, "/calendar/auth/disconnect", None).await?;
        holds(status == 200, format!("disconnect answered {status}: {answer}"))?;
        let after = self.get("/calendar/auth/status").await?;
        let left = after["connections"].as_array().map_or(0, Vec::len);
        holds(after["authorized"] == false && left == 0, format!("nothing is left: {after}"))?;
        let grants = self.stack.world.live_grants(Provider::Google, DEFAULT_EMAIL);
        holds(grants == 0, "Google's grant is revoked")?;
        self.tell("Connections, tokens and keys are gone; Google's grant is revoked.");
        Ok(())
    }
}

/// The slot that the caller takes.
struct Slot {
    call: PhoneCall,
    credential: Credential,
    start: String,
}

/// The next day that has office hours everywhere.
fn next_working_day(now: jiff::Timestamp) -> Result<jiff::civil::Date, String> {
    let mut day = now.to_zoned(TimeZone::UTC).date();
    loop {
        day = day.checked_add(1.day()).map_err(|error| error.to_string())?;
        if day.weekday().to_monday_one_offset() <= 5 {
            return Ok(day);
        }
    }
}
