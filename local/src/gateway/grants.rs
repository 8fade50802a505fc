//! What a function's role allows, read from template.yaml: actions on resources by their names in the template.

use serde_json::Value;

use super::intrinsics::{Source, call, entries, resource_of_attribute};

/// One statement of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Such as `dynamodb:GetItem`.
    pub actions: Vec<String>,
    /// Names of resources or parameters; an index is written `ConnectionsTable/index/due`.
    pub resources: Vec<String>,
    /// What the encryption context must say its purpose is.
    pub purpose: Option<String>,
}

/// The one condition that roles of functions have.
const PURPOSE: &str = "kms:EncryptionContext:purpose";

/// The statements of a function's role; a function without one has none.
pub(super) fn of(source: &Source, function: &Value) -> Result<Vec<Grant>, String> {
    let Some(role) = resource_of_attribute(&function["Role"]) else { return Ok(Vec::new()) };
    let policies = source.section("Resources")[role]["Properties"]["Policies"].as_array();
    let statements = policies.into_iter().flatten().map(|policy| &policy["PolicyDocument"]["Statement"]);
    let statements = statements.flat_map(|statements| statements.as_array().into_iter().flatten());
    statements.map(|statement| grant(source, statement).map_err(|why| format!("{role}: {why}"))).collect()
}

fn grant(source: &Source, statement: &Value) -> Result<Grant, String> {
    if statement["Effect"] != "Allow" {
        return Err("only Allow is emulated".to_owned());
    }
    let actions = source.list(&statement["Action"]).ok_or("Action is no list")?;
    let resources = match &statement["Resource"] {
        Value::Array(many) => many.iter().map(resource).collect::<Result<Vec<_>, _>>()?,
        one => vec![resource(one)?],
    };
    let mut purpose = None;
    for (operator, conditions) in entries(&statement["Condition"]) {
        for (name, value) in entries(conditions) {
            if operator != "StringEquals" || name != PURPOSE {
                return Err(format!("the condition {operator} on {name} is not emulated"));
            }
            purpose = Some(source.text(value).ok_or("a condition is no text")?);
        }
    }
    Ok(Grant { actions, resources, purpose })
}

fn resource(value: &Value) -> Result<String, String> {
    let unknown = || format!("the resource {value} is not understood");
    if let Some(name) = resource_of_attribute(value) {
        return Ok(name.to_owned());
    }
    let (function, argument) = call(value).ok_or_else(unknown)?;
    match function {
        "Ref" => argument.as_str().map(str::to_owned).ok_or_else(unknown),
        "Fn::Sub" => {
            let text = argument.as_str().ok_or_else(unknown)?;
            let (name, rest) =
                text.strip_prefix("${").and_then(|rest| rest.split_once(".Arn}")).ok_or_else(unknown)?;
            Ok(format!("{name}{rest}"))
        }
        // What a deployment may grant counts: here it is `PreviousTokenKeyArn` or nothing.
        "Fn::If" => resource(argument.get(1).ok_or_else(unknown)?),
        _ => Err(unknown()),
    }
}
