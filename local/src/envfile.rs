//! Settings from a file: `NAME=value` lines, or one JSON object of texts.

use std::collections::BTreeMap;

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

fn object(text: &str) -> Result<BTreeMap<String, String>, String> {
    serde_json::from_str(text).map_err(|error| format!(": not an object of texts: {error}"))
}

fn lines(text: &str) -> Result<BTreeMap<String, String>, String> {
    let lines = text.lines().map(str::trim).enumerate();
    let named = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(at, line)| {
        let (name, value) = line.split_once('=').ok_or_else(|| format!(":{}: not NAME=value", at + 1))?;
        let value = value.trim().trim_matches(['"', '\'']);
        Ok((name.trim().trim_start_matches("export ").to_owned(), value.to_owned()))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_from_lines_and_from_an_object() {
        let expected = BTreeMap::from([("STAGE".to_owned(), "local".to_owned())]);
        assert_eq!(lines("# of a stage\n\nexport STAGE=\"local\"").unwrap(), expected);
        assert_eq!(object(r#" {"STAGE": "local"}"#).unwrap(), expected);
        assert_eq!(lines("STAGE=local\nodd").unwrap_err(), ":2: not NAME=value");
        assert!(object(r#"{"STAGE": 1}"#).unwrap_err().starts_with(": not an object of texts"));
        assert!(read("does/not/exist").unwrap_err().starts_with("does/not/exist cannot be read"));
    }
}
