//! Foreign servers in the place of the embedded DynamoDB and KMS, made ready for one stack: tables and a key of its own.
//!
//! Chosen by `AWS_ENDPOINT_URL_DYNAMODB` and `AWS_ENDPOINT_URL_KMS`. Faults and counters do not reach them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::random;

use crate::{aws::REGION, gateway::Template, world};

/// Makes the template's tables and a key where a foreign server is set, and names them in the settings and the template.
pub(crate) async fn prepare(
    settings: &mut BTreeMap<String, String>,
    template: &mut Template,
) -> Result<(), String> {
    if let Some(url) = settings.get("AWS_ENDPOINT_URL_DYNAMODB").cloned() {
        let prefix = random::id();
        for table in &mut template.tables {
            let name = format!("{prefix}-{}", table.name);
            let mut wanted = table.definition.clone();
            wanted["TableName"] = json!(name);
            ask(&url, "dynamodb", "DynamoDB_20120810.CreateTable", &wanted).await?;
            if let Some(attribute) = &table.expires_by {
                let expiry = json!({
                    "TableName": name,
                    "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
                });
                ask(&url, "dynamodb", "DynamoDB_20120810.UpdateTimeToLive", &expiry).await?;
            }
            // The roles are held by these names, too.
            table.name = name;
        }
        for (variable, table) in template.variables.iter().filter(|(name, _)| name.starts_with("TABLE_")) {
            settings.insert(variable.clone(), format!("{prefix}-{table}"));
        }
    }
    if let Some(url) = settings.get("AWS_ENDPOINT_URL_KMS").cloned() {
        let made = ask(&url, "kms", "TrentService.CreateKey", &json!({})).await?;
        let arn = made["KeyMetadata"]["Arn"].as_str().ok_or("the foreign KMS made no key")?;
        settings.insert("KMS_KEY_ID".to_owned(), arn.to_owned());
    }
    Ok(())
}

/// One call of the API's JSON protocol. The signature is none: servers on loopback look at its scope alone.
async fn ask(url: &str, service: &str, target: &str, body: &Value) -> Result<Value, String> {
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential=local/20260105/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    );
    let version = if service == "kms" { "1.1" } else { "1.0" };
    let request = world::client()?
        .post(url)
        .header("content-type", format!("application/x-amz-json-{version}"))
        .header("x-amz-target", target)
        .header("x-amz-date", "20260105T120000Z")
        .header("authorization", scope);
    let answer = request.body(body.to_string()).send().await.map_err(|error| format!("{target}: {error}"))?;
    let (status, text) = (answer.status(), answer.text().await.map_err(|error| error.to_string())?);
    if !status.is_success() {
        return Err(format!("{target} was refused: {status} {text}"));
    }
    serde_json::from_str(&text).map_err(|error| format!("{target}: {error}"))
}
