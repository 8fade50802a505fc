//! Settings from a file: `NAME=value` lines, or one JSON object of texts.

use std::collections::BTreeMap;

use serde_json::Value;

/// Reads the file; comments, empty lines and empty values are passed over, quotes around a value are taken off.
///
/// The error is a sentence that names file and line.
pub(crate) fn read(path: &str) -> Result<BTreeMap<String, String>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    let named = if text.trim_start().starts_with('{') { object(&text) } else { lines(&text) };
    let mut named = named.map_err(|why| format!("{path}{why}"))?;
    named.retain(|_, value| !value.is_empty());
    Ok(named)
}

/// An object of settings, or the line of a stack that is ready, whose `env` is one.
fn object(text: &str) -> Result<BTreeMap<String, String>, String> {
    let odd = |error| format!(": not an object of texts: {error}");
    let mut value: Value = serde_json::from_str(text).map_err(odd)?;
    let env = value.get_mut("env").filter(|env| env.is_object()).map(Value::take);
    serde_json::from_value(env.unwrap_or(value)).map_err(odd)
}

fn lines(text: &str) -> Result<BTreeMap<String, String>, String> {
    let lines = text.lines().map(str::trim).enumerate();
    let named = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(at, line)| {
        let (name, value) = line.split_once('=').ok_or_else(|| format!(":{}: not NAME=value", at + 1))?;
        Ok((name.trim().trim_start_matches("export ").to_owned(), value_of(value.trim()).to_owned()))
    });
    named.collect()
}

/// A value without its quotes and without the comment behind it.
fn value_of(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some((inside, _)) = text.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            return inside;
        }
    }
    text.split_once(" #").map_or(text, |(value, _)| value.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_from_lines_and_from_an_object() {
        let expected = BTreeMap::from([("STAGE".to_owned(), "local".to_owned())]);
        assert_eq!(lines("# of a stage\n\nexport STAGE=\"local\"").unwrap(), expected);
        assert_eq!(object(r#" {"STAGE": "local"}"#).unwrap(), expected);
        assert_eq!(object(r#"{"base_url": "x", "env": {"STAGE": "local"}}"#).unwrap(), expected);
        for line in ["STAGE=local # here", "STAGE='local' # here", "STAGE = \"local\""] {
            assert_eq!(lines(line).unwrap(), expected, "{line}");
        }
        assert_eq!(lines("URL=http://localhost/#/x").unwrap()["URL"], "http://localhost/#/x");
        assert_eq!(lines("STAGE=local\nodd").unwrap_err(), ":2: not NAME=value");
        assert!(object(r#"{"STAGE": 1}"#).unwrap_err().starts_with(": not an object of texts"));
        assert!(read("does/not/exist").unwrap_err().starts_with("does/not/exist cannot be read"));
    }
}
