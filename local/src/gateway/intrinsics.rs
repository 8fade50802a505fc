//! CloudFormation's functions, as far as routes, origins and table names need them.
//!
//! Short tags become the long form (`!Ref X` → `{"Ref": "X"}`), so that there is one form to resolve.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use yaml_serde::Value as Yaml;

/// Template parameters by name.
pub type Parameters = BTreeMap<String, String>;

/// A template as JSON, with what its functions refer to.
pub(super) struct Source {
    root: Value,
    parameters: Parameters,
    /// What `!Ref` of a resource gives.
    pub(super) references: BTreeMap<String, String>,
}

impl Source {
    /// Reads YAML. `Stage` is `local` unless `parameters` say otherwise; the others fall back to their defaults.
    pub(super) fn read(text: &str, parameters: &Parameters) -> Result<Self, String> {
        let yaml: Yaml = yaml_serde::from_str(text).map_err(|error| error.to_string())?;
        let root = json_of(yaml)?;
        let mut known = Parameters::new();
        for (name, parameter) in entries(&root["Parameters"]) {
            if let Some(default) = text_of(&parameter["Default"]) {
                known.insert(name.clone(), default);
            }
        }
        known.insert("Stage".to_owned(), "local".to_owned());
        known.insert("AWS::StackName".to_owned(), "slotline-local".to_owned());
        known.extend(parameters.clone());
        Ok(Self { root, parameters: known, references: BTreeMap::new() })
    }

    /// A top-level section.
    pub(super) fn section(&self, name: &str) -> &Value {
        &self.root[name]
    }

    /// The resources of a type, with their properties.
    pub(super) fn resources(&self, kind: &str) -> impl Iterator<Item = (&String, &Value)> {
        entries(&self.root["Resources"])
            .filter(move |(_, resource)| resource["Type"] == kind)
            .map(|(name, resource)| (name, &resource["Properties"]))
    }

    /// A value as text, if every function in it can be resolved.
    pub(super) fn text(&self, value: &Value) -> Option<String> {
        let (function, argument) = match call(value) {
            Some(call) => call,
            None => return text_of(value),
        };
        match function {
            "Ref" => self.referred(argument.as_str()?),
            "Fn::Sub" => self.substituted(argument.as_str().or_else(|| argument.get(0)?.as_str())?),
            "Fn::Join" => {
                let separator = argument.get(0)?.as_str()?;
                Some(self.list(argument.get(1)?)?.join(separator))
            }
            "Fn::If" => {
                let branch = if self.holds(argument.get(0)?)? { 1 } else { 2 };
                self.text(argument.get(branch)?)
            }
            "Fn::Select" => {
                let index: usize = text_of(argument.get(0)?)?.parse().ok()?;
                self.list(argument.get(1)?)?.into_iter().nth(index)
            }
            _ => None,
        }
    }

    /// A value as a list; a parameter's text splits at its commas.
    pub(super) fn list(&self, value: &Value) -> Option<Vec<String>> {
        if let Some(values) = value.as_array() {
            return values.iter().map(|value| self.text(value)).collect();
        }
        let text = self.text(value)?;
        Some(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    fn referred(&self, name: &str) -> Option<String> {
        self.parameters.get(name).or_else(|| self.references.get(name)).cloned()
    }

    fn substituted(&self, pattern: &str) -> Option<String> {
        let (mut out, mut rest) = (String::new(), pattern);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}')?;
            out.push_str(before);
            out.push_str(&self.referred(name)?);
            rest = after;
        }
        Some(out + rest)
    }

    /// Whether a condition holds: by its name under `Conditions`, or as a function.
    fn holds(&self, condition: &Value) -> Option<bool> {
        let (function, argument) = match (condition.as_str(), call(condition)) {
            (Some(name), _) => return self.holds(self.root["Conditions"].get(name)?),
            (None, call) => call?,
        };
        let mut all = argument.as_array()?.iter();
        match function {
            "Fn::Equals" => Some(self.text(argument.get(0)?)? == self.text(argument.get(1)?)?),
            "Fn::Not" => Some(!self.holds(argument.get(0)?)?),
            "Fn::And" => all.try_fold(true, |held, one| Some(held & self.holds(one)?)),
            "Fn::Or" => all.try_fold(false, |held, one| Some(held | self.holds(one)?)),
            _ => None,
        }
    }
}

/// `AuthorizerFunction` of `!GetAtt AuthorizerFunction.Arn`.
pub(super) fn resource_of_attribute(value: &Value) -> Option<&str> {
    let (function, argument) = call(value)?;
    let attribute = argument.as_str().or_else(|| argument.get(0)?.as_str())?;
    (function == "Fn::GetAtt").then(|| attribute.split_once('.').map_or(attribute, |(resource, _)| resource))
}

/// The entries of an object; of anything else, none.
pub(super) fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// A function and its argument; of a plain value, none.
pub(super) fn call(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let (name, argument) = object.iter().next()?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name, argument))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn json_of(yaml: Yaml) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                short @ ("Ref" | "Condition") => short.to_owned(),
                short => format!("Fn::{short}"),
            };
            json!({ name: json_of(tagged.value)? })
        }
        Yaml::Sequence(values) => Value::Array(values.into_iter().map(json_of).collect::<Result<_, _>>()?),
        Yaml::Mapping(mapping) => {
            let mut object = Map::new();
            for (name, value) in mapping {
                let name = text_of(&json_of(name)?).ok_or("a key is not text")?;
                object.insert(name, json_of(value)?);
            }
            Value::Object(object)
        }
        Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::String(_) => {
            serde_json::to_value(yaml).map_err(|error| error.to_string())?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<&str>) {
        let text = format!(
            "Parameters:\n  Size: {{Type: Number, Default: 3}}\n  Origins: {{Default: 'a, b'}}\n\
             Conditions:\n  IsLocal: !Not [!Equals [!Ref Stage, prod]]\nValue: {value}\n"
        );
        let mut source = Source::read(&text, &Parameters::new()).unwrap();
        source.references.insert("Table".to_owned(), "directory".to_owned());
        assert_eq!(source.text(source.section("Value")).as_deref(), expected, "{value}");
    }

    #[test]
    fn functions_resolve_in_their_short_and_long_forms() {
        check("plain", Some("plain"));
        check("!Ref Size", Some("3"));
        check("{Ref: Table}", Some("directory"));
        check("!Sub 'slotline-${Stage}-${Size}'", Some("slotline-local-3"));
        check("!Join ['+', !Ref Origins]", Some("a+b"));
        check("!Select [1, [x, y]]", Some("y"));
        check("!If [IsLocal, !Ref Stage, other]", Some("local"));
        check("!Ref Unknown", None);
        check("!Sub '${Unknown}'", None);
        check("!GetAtt Table.Arn", None);
    }
}
