//! Verdicts on cases from outside, by the very functions that production calls; one file for each field of knowledge.

pub mod inbound;
pub mod provider;
pub mod time;

use serde_json::{Value, json};

/// One case's verdict, with the case's `id`.
pub fn verdict(case: &Value) -> Value {
    let kind = case["kind"].as_str().unwrap_or_default();
    let judged = time::verdict(kind, case)
        .or_else(|| provider::verdict(kind, case))
        .or_else(|| inbound::verdict(kind, case));
    let mut verdict = match judged {
        Some(Ok(verdict)) => verdict,
        Some(Err(reason)) => json!({ "error": reason }),
        None => json!({ "error": format!("unknown kind {kind:?}; docs/JUDGE.md has all") }),
    };
    // A provider's event has an id of its own, which must not hide the case's.
    if let Some(own) = verdict.get("id").cloned() {
        verdict["event_id"] = own;
    }
    verdict["id"] = case["id"].clone();
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_carries_the_cases_id_and_an_unknown_kind_is_an_error() {
        assert_eq!(
            verdict(&json!({"id": 7, "kind": "time_zone", "iana": "Europe/London"})),
            json!({"id": 7, "windows": "GMT Standard Time"})
        );
        assert_eq!(
            verdict(&json!({"id": "x", "kind": "weather"})),
            json!({"id": "x", "error": "unknown kind \"weather\"; docs/JUDGE.md has all"})
        );
    }

    #[test]
    fn every_kind_in_the_guide_is_known() {
        let rows = include_str!("../../../docs/JUDGE.md").lines().filter_map(|line| line.strip_prefix("| `"));
        let kinds = rows.skip(1).flat_map(|row| row.split('|').next().unwrap().split(','));
        let kinds: Vec<_> = kinds.map(|kind| kind.trim_matches([' ', '`'])).collect();
        assert_eq!(kinds.len(), 13, "{kinds:?}");
        for kind in kinds {
            let judged = verdict(&json!({"id": 1, "kind": kind}));
            assert!(!judged["error"].as_str().unwrap_or_default().starts_with("unknown kind"), "{kind}");
        }
    }
}
