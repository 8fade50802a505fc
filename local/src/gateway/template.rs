//! What the gateway serves, read from template.yaml: the same text that deploys.
//!
//! It knows `AWS::Serverless` functions with HttpApi and Schedule events, one HTTP API, and DynamoDB tables;
//! every other resource is passed over.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{
    cors::Cors,
    grants::{self, Grant},
    intrinsics::{Parameters, Source, entries, resource_of_attribute},
};

/// Lambda's timeout when a template says nothing.
const DEFAULT_TIMEOUT: u64 = 3;

/// What of template.yaml matters locally.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// Every function, HTTP or not.
    pub functions: Vec<FunctionSpec>,
    /// Authorizers by their name in the API.
    pub authorizers: BTreeMap<String, AuthorizerSpec>,
    /// The API's CORS settings, if it has any.
    pub cors: Option<Cors>,
    /// The DynamoDB tables.
    pub tables: Vec<TableSpec>,
    /// The environment that every function shares, where it resolves to text: parameters and table names.
    pub variables: BTreeMap<String, String>,
}

/// One Lambda function.
#[derive(Clone, Debug)]
pub struct FunctionSpec {
    /// Its name in the template.
    pub logical_id: String,
    /// The function's name in the executable, such as `auth-start`.
    pub handler: String,
    /// How long Lambda lets it run.
    pub timeout: Duration,
    /// The routes that lead to it.
    pub routes: Vec<RouteSpec>,
    /// Schedule expressions that start it, such as `rate(1 minute)`.
    pub schedules: Vec<String>,
    /// What its role allows.
    pub grants: Vec<Grant>,
}

/// One route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSpec {
    /// Upper case; `ANY` stands for all.
    pub method: String,
    /// Such as `/calendar/events/{id}`, or `$default`.
    pub path: String,
    /// The authorizer's name; none where the template says `NONE`.
    pub authorizer: Option<String>,
}

/// A Lambda authorizer with simple responses and payload 2.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizerSpec {
    /// The handler of its function.
    pub handler: String,
    /// The headers that say who asks; all must be there.
    pub identity: Vec<String>,
    /// How long an answer holds for the same identity.
    pub cached_for: Duration,
}

/// One DynamoDB table.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// Its name in the template.
    pub logical_id: String,
    /// Its `TableName`; without one the logical id in lower case, less `Table`: `FlowsTable` is `flows`.
    pub name: String,
    /// The `CreateTable` request.
    pub definition: Value,
    /// The attribute that DynamoDB's TTL reads.
    pub expires_by: Option<String>,
}

impl Template {
    /// Reads a template; `parameters` stand for those of a deployment.
    pub fn read(text: &str, parameters: &Parameters) -> Result<Self, String> {
        let mut source = Source::read(text, parameters)?;
        let tables = tables(&source)?;
        source.references = tables.iter().map(|t| (t.logical_id.clone(), t.name.clone())).collect();
        let globals = &source.section("Globals")["Function"];
        let mut template = Self {
            tables,
            variables: entries(&globals["Environment"]["Variables"])
                .filter_map(|(name, value)| Some((name.clone(), source.text(value)?)))
                .collect(),
            ..Self::default()
        };
        let mut default_authorizer = None;
        if let Some((_, api)) = source.resources("AWS::Serverless::HttpApi").next() {
            default_authorizer = api["Auth"]["DefaultAuthorizer"].as_str();
            template.cors = Cors::read(&source, &api["CorsConfiguration"])?;
            for (name, authorizer) in entries(&api["Auth"]["Authorizers"]) {
                let spec = authorizer_spec(&source, authorizer).map_err(|why| format!("{name}: {why}"))?;
                template.authorizers.insert(name.clone(), spec);
            }
        }
        for (name, properties) in source.resources("AWS::Serverless::Function") {
            let function = function(&source, name, properties, default_authorizer)
                .map_err(|why| format!("{name}: {why}"))?;
            template.functions.push(function);
        }
        template.checked()
    }

    /// The function of a handler.
    pub fn function(&self, handler: &str) -> Option<&FunctionSpec> {
        self.functions.iter().find(|function| function.handler == handler)
    }

    fn checked(self) -> Result<Self, String> {
        for route in self.functions.iter().flat_map(|function| &function.routes) {
            if let Some(name) = route.authorizer.as_ref().filter(|name| !self.authorizers.contains_key(*name))
            {
                return Err(format!("{} {}: there is no authorizer {name}", route.method, route.path));
            }
        }
        Ok(self)
    }
}

fn function(
    source: &Source,
    logical_id: &str,
    properties: &Value,
    default_authorizer: Option<&str>,
) -> Result<FunctionSpec, String> {
    let handler = source.text(&properties["Handler"]).ok_or("Handler is not text")?;
    let globals = &source.section("Globals")["Function"];
    let seconds = [properties, globals].into_iter().find_map(|of| source.text(&of["Timeout"]));
    let seconds = seconds.map_or(Ok(DEFAULT_TIMEOUT), |text| text.parse()).map_err(|_| "Timeout")?;
    let (mut routes, mut schedules) = (Vec::new(), Vec::new());
    for (name, event) in entries(&properties["Events"]) {
        let settings = &event["Properties"];
        match event["Type"].as_str() {
            Some("HttpApi") => {
                let authorizer = settings["Auth"]["Authorizer"].as_str().or(default_authorizer);
                let path = source.text(&settings["Path"]).unwrap_or_else(|| "$default".to_owned());
                let method = source.text(&settings["Method"]).unwrap_or_else(|| "ANY".to_owned());
                routes.push(RouteSpec {
                    method: method.to_ascii_uppercase().replace("X-AMAZON-APIGATEWAY-ANY-METHOD", "ANY"),
                    path,
                    authorizer: authorizer.filter(|name| *name != "NONE").map(str::to_owned),
                });
            }
            Some("Schedule" | "ScheduleV2") => {
                let field = if settings["Schedule"].is_null() { "ScheduleExpression" } else { "Schedule" };
                schedules.push(source.text(&settings[field]).ok_or_else(|| format!("{name}: no schedule"))?);
            }
            _ => {}
        }
    }
    let timeout = Duration::from_secs(seconds);
    let grants = grants::of(source, properties)?;
    Ok(FunctionSpec { logical_id: logical_id.to_owned(), handler, timeout, routes, schedules, grants })
}

fn authorizer_spec(source: &Source, authorizer: &Value) -> Result<AuthorizerSpec, String> {
    let function = resource_of_attribute(&authorizer["FunctionArn"]).ok_or("FunctionArn is no !GetAtt")?;
    let properties = &source.section("Resources")[function]["Properties"];
    let handler = source.text(&properties["Handler"]).ok_or("its function has no Handler")?;
    let version = source.text(&authorizer["AuthorizerPayloadFormatVersion"]);
    // YAML reads an unquoted 2.0 as a number.
    if !matches!(version.as_deref(), Some("2.0" | "2")) || authorizer["EnableSimpleResponses"] != true {
        return Err("only payload 2.0 with simple responses is emulated".to_owned());
    }
    let known = ["Headers", "ReauthorizeEvery"];
    if let Some((name, _)) =
        entries(&authorizer["Identity"]).find(|(name, _)| !known.contains(&name.as_str()))
    {
        return Err(format!("Identity.{name} is not emulated"));
    }
    let identity = source.list(&authorizer["Identity"]["Headers"]).unwrap_or_default();
    let seconds = source.text(&authorizer["Identity"]["ReauthorizeEvery"]).unwrap_or_else(|| "0".to_owned());
    let seconds = seconds.parse().map_err(|_| "ReauthorizeEvery is not a number")?;
    Ok(AuthorizerSpec { handler, identity, cached_for: Duration::from_secs(seconds) })
}

fn tables(source: &Source) -> Result<Vec<TableSpec>, String> {
    let found = source.resources("AWS::DynamoDB::Table");
    found.map(|(logical_id, properties)| table(source, logical_id, properties)).collect()
}

fn table(source: &Source, logical_id: &str, properties: &Value) -> Result<TableSpec, String> {
    let name = match &properties["TableName"] {
        Value::Null => logical_id.trim_end_matches("Table").to_ascii_lowercase(),
        given => source.text(given).ok_or_else(|| format!("{logical_id}: TableName cannot be resolved"))?,
    };
    let mut definition = serde_json::json!({ "TableName": name, "BillingMode": "PAY_PER_REQUEST" });
    for field in ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        if !properties[field].is_null() {
            definition[field] = properties[field].clone();
        }
    }
    if let Some(view) = properties["StreamSpecification"]["StreamViewType"].as_str() {
        definition["StreamSpecification"] =
            serde_json::json!({ "StreamEnabled": true, "StreamViewType": view });
    }
    let expiry = &properties["TimeToLiveSpecification"];
    let expires_by = (expiry["Enabled"] == true).then(|| expiry["AttributeName"].as_str()).flatten();
    Ok(TableSpec {
        logical_id: logical_id.to_owned(),
        name,
        definition,
        expires_by: expires_by.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests;
