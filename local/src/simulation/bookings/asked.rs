//! A request to the calendar of one of the providers, and the way to the stand-in that answers it.

use jiff::Timestamp;
use serde_json::Value;
use url::form_urlencoded;

use super::{
    calendar::{Calendar, Span},
    google, graph,
};

/// Below this the stand-in of Google's answers.
const GOOGLE: &str = "/google";
/// Below this the stand-in of Graph's answers.
const GRAPH: &str = "/api/me";

/// A request as it was sent.
#[derive(Clone, Debug)]
pub(in crate::simulation) struct Asked {
    pub(super) is_google: bool,
    pub(super) method: http::Method,
    /// Behind the provider's own base.
    pub(super) path: Vec<String>,
    query: Vec<(String, String)>,
    pub(super) if_match: Option<String>,
    pub(super) body: Value,
    pub(super) sent: Timestamp,
}

impl Asked {
    /// None when it is not about a calendar.
    pub(in crate::simulation) fn of(request: &http::Request<Vec<u8>>, sent: Timestamp) -> Option<Self> {
        let path = request.uri().path();
        let (is_google, rest) = match path.strip_prefix(GOOGLE) {
            Some(rest) => (true, rest),
            None => (false, path.strip_prefix(GRAPH)?),
        };
        let pairs = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        let if_match = request.headers().get("if-match").and_then(|value| value.to_str().ok());
        Some(Self {
            is_google,
            method: request.method().clone(),
            path: rest.trim_start_matches('/').split('/').map(str::to_owned).collect(),
            query: pairs.into_owned().collect(),
            if_match: if_match.map(str::to_owned),
            body: serde_json::from_slice(request.body()).unwrap_or_default(),
            sent,
        })
    }

    /// What happens, in a line of the story.
    pub(in crate::simulation) fn told(&self) -> String {
        format!("{} {}", self.method, self.path.join("/"))
    }

    /// The stretch of time that it asks about.
    pub(super) fn window(&self) -> Option<Span> {
        let names = if self.is_google { ["timeMin", "timeMax"] } else { ["startDateTime", "endDateTime"] };
        let [start, end] = names.map(|name| {
            let sent = self.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
            sent.or_else(|| self.body[name].as_str())?.parse::<Timestamp>().ok()
        });
        Some(Span { start: start?.as_second(), end: end?.as_second() })
    }

    /// Does it.
    pub(in crate::simulation) fn answer(
        &self,
        calendar: &mut Calendar,
        read: Option<usize>,
        now: Timestamp,
    ) -> (u16, Value) {
        let writes = read.is_none() && self.method != http::Method::GET;
        if (read.is_some() && calendar.is_closed(now)) || (writes && calendar.is_mute(now)) {
            return (503, Value::Null);
        }
        calendar.looked(read, now);
        let answer = match self.is_google {
            true => google::answer(calendar, self, now),
            false => graph::answer(calendar, self, now),
        };
        calendar.answered(read, now);
        answer
    }
}

impl Calendar {
    /// Notes that somebody wants to know what is in a stretch of the calendar.
    pub(in crate::simulation) fn reading(&mut self, asked: &Asked, now: Timestamp) -> Option<usize> {
        asked.window().map(|window| self.looks(window, now))
    }
}
