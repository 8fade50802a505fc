//! The real SDK clients, as the software builds them: static credentials, plain HTTP to loopback.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedHttpClient, retry::RetryConfig};
use aws_smithy_http_client::Builder;

use super::REGION;

fn http() -> SharedHttpClient {
    Builder::new().build_http()
}

fn credentials() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "EXAMPLE", None, None, "test")
}

/// A DynamoDB client that does not repeat what failed.
pub(super) fn dynamodb(url: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .credentials_provider(credentials())
        .retry_config(RetryConfig::disabled())
        .http_client(http())
        .endpoint_url(url)
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// A KMS client that does not repeat what failed.
pub(super) fn kms(url: &str) -> aws_sdk_kms::Client {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(aws_sdk_kms::config::BehaviorVersion::v2026_01_12())
        .region(aws_sdk_kms::config::Region::new(REGION))
        .credentials_provider(credentials())
        .retry_config(RetryConfig::disabled())
        .http_client(http())
        .endpoint_url(url)
        .build();
    aws_sdk_kms::Client::from_conf(config)
}
