//! Faults armed for outside systems: what goes wrong, at which operation, how many times.
//!
//! This file only remembers them; each stand-in takes its own and does what the kind says.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

/// The operation that stands for every operation of a system.
pub const ANY: &str = "*";

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Waits before answering; the value is milliseconds.
    Delay,
    /// Answers an HTTP status instead of acting; the value is a number or `{status, body?, retry_after?}`.
    Status,
    /// Does what was asked, then breaks the connection without an answer.
    DropAfterCommit,
    /// Never answers.
    Hang,
    /// Does what was asked, then never answers.
    HangAfterCommit,
    /// Ends the account's grant, then goes on as usual.
    Revoke,
    /// The token endpoint says that the refresh token was used before, and ends its whole family.
    ReuseDetected,
}

/// One armed fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `google`, `microsoft`, `dynamodb`, `kms`…
    pub system: String,
    /// An operation as the counters name it, or [`ANY`].
    #[serde(default = "any")]
    pub operation: String,
    /// What goes wrong.
    pub kind: Kind,
    /// How many calls pass before it spoils one.
    #[serde(default)]
    pub skip: u32,
    /// How many calls it still spoils.
    #[serde(default = "once")]
    pub times: u32,
    /// The kind's parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

fn any() -> String {
    ANY.to_owned()
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault that spoils one call.
    pub fn new(system: &str, operation: &str, kind: Kind) -> Self {
        Self {
            system: system.to_owned(),
            operation: operation.to_owned(),
            kind,
            skip: 0,
            times: 1,
            value: None,
        }
    }

    /// The same with a parameter.
    pub fn with(self, value: impl Into<Value>) -> Self {
        Self { value: Some(value.into()), ..self }
    }

    /// The same, spoiling `times` calls.
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The same, after as many calls have passed.
    pub fn skip(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// What its value must be and is not, in a sentence.
    pub fn mistake(&self) -> Option<&'static str> {
        let number = |value: Option<&Value>| value.and_then(Value::as_u64);
        let value = self.value.as_ref();
        match self.kind {
            Kind::Delay if number(value).is_none() => Some("value must be milliseconds"),
            Kind::Status => {
                let status = number(value).or_else(|| number(value?.get("status")));
                let known = status.is_some_and(|status| (200..600).contains(&status));
                (!known).then_some("value must be a status from 200 to 599, or {status, body?, retry_after?}")
            }
            Kind::Delay
            | Kind::DropAfterCommit
            | Kind::Hang
            | Kind::HangAfterCommit
            | Kind::Revoke
            | Kind::ReuseDetected => None,
        }
    }

    /// How long a [`Kind::Delay`] waits; a second when nothing is said.
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.value.as_ref().and_then(Value::as_u64).unwrap_or(1000))
    }

    /// The status that a [`Kind::Status`] answers; 503 when nothing is said.
    pub fn status(&self) -> u16 {
        let value = self.value.as_ref();
        let number = value.and_then(|v| v.as_u64().or_else(|| v.get("status").and_then(Value::as_u64)));
        number.and_then(|n| u16::try_from(n).ok()).filter(|n| (200..600).contains(n)).unwrap_or(503)
    }

    /// The body that a [`Kind::Status`] answers instead of the system's own.
    pub fn body(&self) -> Option<&Value> {
        self.value.as_ref().and_then(|v| v.get("body"))
    }

    /// The `Retry-After` header of a [`Kind::Status`]; it may be fractional.
    pub fn retry_after(&self) -> Option<String> {
        match self.value.as_ref()?.get("retry_after")? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

/// The armed faults; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    armed: Arc<Mutex<Vec<Fault>>>,
    hanging: Arc<watch::Sender<u32>>,
}

impl Faults {
    /// Arms a fault behind those armed before it.
    pub fn arm(&self, fault: Fault) {
        self.armed().push(fault);
    }

    /// Takes one use of the first fault armed for this operation, if there is one.
    pub fn take(&self, system: &str, operation: &str) -> Option<Fault> {
        let mut armed = self.armed();
        armed.retain(|fault| fault.times > 0);
        let fault = armed.iter_mut().find(|fault| {
            fault.system == system && (fault.operation == operation || fault.operation == ANY)
        })?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times -= 1;
        Some(fault.clone())
    }

    /// Says that a call hangs from here on.
    pub fn hang(&self) {
        self.hanging.send_modify(|hanging| *hanging += 1);
    }

    /// Waits until some call hangs, or hung before.
    pub async fn hung(&self) {
        let mut hanging = self.hanging.subscribe();
        if hanging.wait_for(|hanging| *hanging > 0).await.is_err() {
            // The sender lives as long as `self`.
            std::future::pending().await
        }
    }

    /// The faults that still wait for a call.
    pub fn waiting(&self) -> Vec<Fault> {
        self.armed().iter().filter(|fault| fault.times > 0).cloned().collect()
    }

    /// Disarms everything, and forgets what hangs.
    pub fn clear(&self) {
        self.armed().clear();
        self.hanging.send_replace(0);
    }

    fn armed(&self) -> MutexGuard<'_, Vec<Fault>> {
        // Each fault is whole at any time, so a poisoned lock still holds a sound list.
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_spoils_as_many_calls_as_it_was_armed_for() {
        let faults = Faults::default();
        faults.arm(Fault::new("google", "token", Kind::Hang).times(2));
        assert_eq!(faults.take("google", "events.list"), None);
        assert_eq!(faults.take("microsoft", "token"), None);
        assert_eq!(faults.take("google", "token").map(|f| f.times), Some(1));
        assert!(faults.take("google", "token").is_some());
        assert_eq!(faults.take("google", "token"), None);
        assert!(faults.waiting().is_empty());
    }

    #[test]
    fn a_star_spoils_every_operation_and_the_first_armed_goes_first() {
        let faults = Faults::default();
        faults.arm(Fault::new("kms", ANY, Kind::Delay).with(5));
        faults.arm(Fault::new("kms", "Decrypt", Kind::Status).with(429));
        assert_eq!(faults.take("kms", "Decrypt").map(|f| f.kind), Some(Kind::Delay));
        assert_eq!(faults.take("kms", "Decrypt").map(|f| f.status()), Some(429));
    }

    #[test]
    fn a_fault_reads_from_the_control_calls_json() {
        let fault: Fault = serde_json::from_value(json!({
            "system": "google", "operation": "events.list", "kind": "status",
            "value": {"status": 403, "retry_after": 1.5, "body": {"error": "x"}}
        }))
        .unwrap();
        assert_eq!((fault.status(), fault.times), (403, 1));
        assert_eq!(fault.retry_after().as_deref(), Some("1.5"));
        assert_eq!(fault.body(), Some(&json!({"error": "x"})));
        assert_eq!(Fault::new("a", "b", Kind::Delay).with(250).delay(), Duration::from_millis(250));
    }
}
