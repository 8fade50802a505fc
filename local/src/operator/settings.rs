//! The settings of the stage that is operated on: from a file, with credentials from the environment.

use std::collections::BTreeMap;

use functions::bootstrap;
use shared::app::App;

/// What the environment may say where the file does not: who is asking, and where. Nothing of the stage.
const OF_THE_ENVIRONMENT: [&str; 6] = [
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "SSL_CERT_FILE",
    "AWS_CA_BUNDLE",
];

/// The [`App`] of a stage. The error names what is missing or wrong.
pub(super) fn app(file: &BTreeMap<String, String>) -> Result<App, String> {
    from(file, bootstrap::variable)
}

pub(super) fn from(
    file: &BTreeMap<String, String>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<App, String> {
    let lookup = |name: &str| {
        let own = || OF_THE_ENVIRONMENT.contains(&name).then(|| environment(name)).flatten();
        file.get(name).cloned().or_else(own)
    };
    let missing = |name: &&&str| lookup(name).is_none_or(|value| value.is_empty());
    let missing: Vec<_> = OF_THE_ENVIRONMENT[..3].iter().filter(missing).copied().collect();
    if !missing.is_empty() {
        return Err(format!(
            "{} is not set: eval \"$(aws configure export-credentials --format env)\" and export AWS_REGION",
            missing.join(", ")
        ));
    }
    let (asked, key) = (lookup("AWS_REGION"), lookup("KMS_KEY_ID"));
    // arn:partition:kms:region:account:key/id
    let of_stage = key.as_deref().and_then(|key| key.split(':').nth(3));
    if let (Some(of_stage), Some(asked)) = (of_stage, asked.as_deref())
        && of_stage != asked
    {
        return Err(format!(
            "the stage is in {of_stage} and AWS_REGION is {asked}: export AWS_REGION={of_stage}"
        ));
    }
    bootstrap::app(lookup)
}
