//! The whole configuration of a local stack: the template's own variables, the stand-ins' addresses, what was given.

use std::collections::BTreeMap;

use shared::config::Config;

use crate::{
    aws::{Dynamo, Kms, Sqs},
    fixtures,
    gateway::Template,
    stack::{FRONTEND, Options, origins},
    world::World,
};

/// What is read before the settings are: how much is logged.
const LOG_LEVEL: &str = "RUST_LOG";

/// What the functions of a stack are started with. The error is a sentence that names the setting.
pub(crate) fn settings(
    options: &Options,
    template: &Template,
    world: &World,
    (dynamo, kms, sqs): (&Dynamo, &Kms, &Sqs),
    base_url: &str,
) -> Result<BTreeMap<String, String>, String> {
    let given = &options.settings;
    if given.get("STAGE").is_some_and(|stage| stage != "local") {
        return Err("STAGE: this is the stage local; `operator` works on others".to_owned());
    }
    for name in strangers(given) {
        tracing::warn!("{name} is no setting of Slotline's; README.md lists them");
    }
    let mut settings = template.variables.clone();
    let own = [
        ("STAGE", "local".to_owned()),
        ("PUBLIC_BASE_URL", base_url.to_owned()),
        ("FRONTEND_RETURN_URLS", FRONTEND.to_owned()),
        ("FLOW_ROOT", fixtures::FLOW_ROOT.to_owned()),
        ("VAPI_ROOT", fixtures::VAPI_ROOT.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamo.url().to_owned()),
        ("AWS_ENDPOINT_URL_KMS", kms.url().to_owned()),
        ("AWS_ENDPOINT_URL_SQS", sqs.url().to_owned()),
        ("KMS_KEY_ID", kms.key_arn().to_owned()),
        ("RESCUE_QUEUE_URL", sqs.queue_url().to_owned()),
    ];
    settings.extend(own.map(|(name, value)| (name.to_owned(), value)));
    settings.extend(world.settings().into_iter().map(|(name, value)| (name.to_owned(), value)));
    real_parties(given, &mut settings)?;
    settings.extend(given.clone());
    if let (Some(older), None) = (given.get("BACKEND_URL"), given.get("PUBLIC_BASE_URL")) {
        settings.insert("PUBLIC_BASE_URL".to_owned(), older.clone());
    }
    Ok(settings)
}

/// The names that nobody reads.
fn strangers(given: &BTreeMap<String, String>) -> Vec<&String> {
    let read = Config::names();
    given.keys().filter(|name| !read.contains(*name) && *name != LOG_LEVEL).collect()
}

/// Whoever is real gets nothing that belongs to its stand-in.
fn real_parties(
    given: &BTreeMap<String, String>,
    settings: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    for provider in ["MICROSOFT", "GOOGLE"] {
        let said = |what: &str| given.contains_key(&format!("{provider}_{what}"));
        // A client id without a base URL selects the real provider.
        if said("CLIENT_ID") {
            settings.retain(|name, _| !(name.starts_with(provider) && name.ends_with("_URL")));
            if !said("CLIENT_SECRET") {
                return Err(format!("{provider}_CLIENT_SECRET is missing: {provider}_CLIENT_ID has one"));
            }
        }
    }
    if ["CLERK_ISSUER", "CLERK_PUBLISHABLE_KEY"].iter().any(|name| given.contains_key(*name)) {
        settings.remove("CLERK_ISSUER");
        settings.remove("CLERK_JWKS_URL");
    }
    if let Some(urls) = given.get("FRONTEND_RETURN_URLS") {
        let own = settings.remove("CLERK_AUTHORIZED_PARTIES");
        let parties: Vec<_> = origins(urls).into_iter().chain(own).collect();
        settings.insert("CLERK_AUTHORIZED_PARTIES".to_owned(), parties.join(","));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_is_shown_is_read_and_a_slip_of_the_pen_is_none() {
        let shown = include_str!("../../.env.example");
        let names = shown.lines().filter_map(|line| Some((line.split_once('=')?.0, line)));
        let names = names.filter(|(_, line)| !line.starts_with('#'));
        let mut given: BTreeMap<_, _> =
            names.map(|(name, _)| (name.to_owned(), "EXAMPLE".to_owned())).collect();
        assert!(given.len() > 40 && given.contains_key("KMS_KEY_ID"), "{given:?}");
        assert!(strangers(&given).is_empty(), "{:?}", strangers(&given));
        given.extend(["PUBLIC_BASE_UR", "HOME"].map(|name| (name.to_owned(), "EXAMPLE".to_owned())));
        assert_eq!(strangers(&given), ["HOME", "PUBLIC_BASE_UR"]);
    }
}
