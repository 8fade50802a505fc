//! The authorizer of API Gateway: REQUEST type, payload 2.0, simple response. It only says who is asking.

use aws_lambda_events::apigw::ApiGatewayV2CustomAuthorizerV2Request;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use shared::{access, app::App, error::Error};

use crate::extract::context_of;

/// Answers who is asking, or that nobody is. What is out of order here is an error, which the gateway answers with
/// 500: a 403 would tell people that their session is bad.
pub async fn authorize(
    app: &App,
    request: ApiGatewayV2CustomAuthorizerV2Request,
) -> Result<Value, lambda_runtime::Error> {
    let source = request.identity_source.as_deref().and_then(<[String]>::first).map(String::as_str);
    let header = || request.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match access::authenticate(app, source.or_else(header).unwrap_or_default()).await {
        Ok(caller) => Ok(json!({"isAuthorized": true, "context": context_of(&caller)})),
        Err(error @ (Error::Unavailable { .. } | Error::Upstream { .. } | Error::Internal(_))) => {
            tracing::error!(code = error.code(), "the authorizer cannot answer: {error}");
            Err(error.into())
        }
        Err(refused) => {
            tracing::info!(code = refused.code(), "a token was refused");
            Ok(json!({"isAuthorized": false}))
        }
    }
}
