//! Metrics in CloudWatch's Embedded Metric Format: one log line that CloudWatch counts by itself.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Function;

/// Every metric of ours is found below this name.
const NAMESPACE: &str = "Slotline";

/// One number of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    name: &'static str,
    unit: &'static str,
    value: u64,
}

impl Metric {
    /// How many.
    pub(crate) fn count(name: &'static str, value: usize) -> Self {
        Self { name, unit: "Count", value: u64::try_from(value).unwrap_or(u64::MAX) }
    }

    /// How long.
    pub(crate) fn milliseconds(name: &'static str, value: u64) -> Self {
        Self { name, unit: "Milliseconds", value }
    }
}

/// The line: what is measured and by which dimensions under `_aws`, the values beside it.
pub(crate) fn line(at: Timestamp, stage: &str, function: Function, metrics: &[Metric]) -> Value {
    let definitions: Vec<_> = metrics.iter().map(|m| json!({ "Name": m.name, "Unit": m.unit })).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE, "Dimensions": [["Stage", "Function"]], "Metrics": definitions,
            }],
        },
        "Stage": stage,
        "Function": function.as_str(),
    });
    for metric in metrics {
        line[metric.name] = json!(metric.value);
    }
    line
}

/// Writes a line in one piece, so that no log line falls into it.
pub(crate) fn write(to: &mut impl Write, line: &Value) -> io::Result<()> {
    to.write_all(format!("{line}\n").as_bytes())?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-05T12:00:00Z.
    const NOON: i64 = 1_767_614_400_000;

    fn example() -> Value {
        let metrics = [Metric::count("TokensRefreshed", 3), Metric::milliseconds("Duration", 250)];
        line(Timestamp::from_millisecond(NOON).unwrap(), "prod", Function::TokenRefresh, &metrics)
    }

    #[test]
    fn a_line_has_the_members_that_the_specification_requires() {
        let line = example();
        assert_eq!(line["_aws"]["Timestamp"], NOON);
        let [directive] = line["_aws"]["CloudWatchMetrics"].as_array().unwrap().as_slice() else {
            panic!("{line}")
        };
        assert_eq!(directive["Namespace"], "Slotline");
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!(!metrics.is_empty() && metrics.len() <= 100);
        for metric in metrics {
            // A target member of a metric is a number, one of a dimension is a text.
            assert!(line[metric["Name"].as_str().unwrap()].is_u64(), "{metric}");
            assert!(["Count", "Milliseconds"].contains(&metric["Unit"].as_str().unwrap()));
        }
        for set in directive["Dimensions"].as_array().unwrap() {
            for dimension in set.as_array().unwrap() {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
            }
        }
        assert_eq!((&line["Stage"], &line["Function"]), (&json!("prod"), &json!("token-refresh")));
        assert_eq!((&line["TokensRefreshed"], &line["Duration"]), (&json!(3), &json!(250)));
    }

    #[test]
    fn it_is_written_as_one_line() {
        let mut out = Vec::new();
        write(&mut out, &example()).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 1);
        assert!(text.ends_with('\n'));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), example());
    }
}
