//! One API Gateway event (payload 2.0) through a router and back, without a way to panic on what a client sent.

use std::convert::Infallible;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use axum::Router;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lambda_http::{Adapter, request::LambdaRequest};
use lambda_runtime::{Context, LambdaEvent, Service as _};
use serde::Serialize;

/// A response in the shape that API Gateway takes.
pub trait Answer: Serialize + std::fmt::Debug + Send {}

impl<T: Serialize + std::fmt::Debug + Send> Answer for T {}

/// Runs one request through a router.
pub(crate) async fn serve(
    router: Router,
    event: ApiGatewayV2httpRequest,
    context: Context,
) -> Result<impl Answer + use<>, Infallible> {
    let payload = LambdaRequest::ApiGatewayV2(harmless(event));
    // The adapter itself may not cross an await: it is not Sync.
    let answer = Adapter::from(router).call(LambdaEvent::new(payload, context));
    answer.await
}

/// `lambda_http` unwraps the URI and the base64 body that it builds; here they become ones that always parse.
fn harmless(mut event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpRequest {
    // Nobody reads the host: our own address is a setting. Without it the path alone becomes the URI.
    event.headers.remove(http::header::HOST);
    event.request_context.domain_name = None;
    // A named stage would be put in front of the path.
    event.request_context.stage = None;
    event.raw_path = Some(match event.raw_path.take() {
        // The gateway has decoded the path: a `?` in it is a letter, and no query begins there.
        Some(path) if path.starts_with('/') => encoded(&path).replace('?', "%3F"),
        Some(path) => format!("/{}", encoded(&path).replace('?', "%3F")),
        None => "/".to_owned(),
    });
    event.raw_query_string = event.raw_query_string.map(|query| encoded(&query));
    // A body that cannot be decoded counts as an empty one, which no route with a body accepts.
    if event.is_base64_encoded && event.body.as_deref().is_some_and(|body| STANDARD.decode(body).is_err()) {
        event.body = None;
    }
    event
}

/// Percent-encodes what may not stand in a URI (RFC 3986, section 2); what is encoded stays.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!'
            | b'$'
            | b'%'..=b';'
            | b'='
            | b'?'
            | b'@'..=b'Z'
            | b'_'
            | b'a'..=b'z'
            | b'~'
            | b'['
            | b']' => {
                out.push(char::from(byte));
            }
            odd => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(HEX[usize::from(odd >> 4)]));
                out.push(char::from(HEX[usize::from(odd & 15)]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use axum::{http::Uri, routing::any};
    use serde_json::json;

    use super::*;

    async fn seen(path: &str, query: &str, body: Option<&str>, base64: bool) -> serde_json::Value {
        let router = Router::new().fallback(any(async |uri: Uri, body: String| format!("{uri} {body}")));
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": {"host": "exa mple.com:99999999", "x-forwarded-proto": "ht tp"},
            "requestContext": {"http": {"method": "POST", "path": path}, "stage": "dev", "timeEpoch": 0},
            "body": body, "isBase64Encoded": base64,
        });
        let event = serde_json::from_value(event).unwrap();
        serde_json::to_value(serve(router, event, Context::default()).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_request_arrives_as_it_was_sent() {
        let answer = seen("/a%20b", "q=1&r=%7B", Some("aGk="), true).await;
        assert_eq!(answer["body"], "/a%20b?q=1&r=%7B hi");
        assert_eq!(seen("/a?b=c/d", "q=1", None, false).await["body"], "/a%3Fb=c/d?q=1 ");
        assert_eq!(answer["statusCode"], 200);
    }

    #[tokio::test]
    async fn odd_bytes_in_path_query_and_body_do_no_harm() {
        for (path, query) in [
            ("", ""),
            ("//", "<>\"{}|\\^`"),
            (":99999", "\u{7f}\u{0}"),
            ("/\u{fc}\u{1F600}", "a=\u{fc}#x"),
            ("/../..//%", "%"),
            ("/a b\t\n", "&&==&?"),
        ] {
            let answer = seen(path, query, Some("not base64!"), true).await;
            assert_eq!(answer["statusCode"], 200, "{path} {query}");
        }
    }
}
