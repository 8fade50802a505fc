//! Our own extractors: what cannot be read is refused as a problem that names the field, never as plain text.

mod caller;
mod track;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
};
use http::{Extensions, HeaderMap, header, request::Parts};
use lambda_http::{Context, request::RequestContext};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use shared::error::Error;

use crate::problem::Problem;

pub(crate) use caller::{Acting, Asking, ForWhom, Person, context_of};
pub(crate) use track::{flat, read};

/// API.md: bodies over 256 KiB are refused.
pub(crate) const MOST_BYTES: usize = 256 * 1024;

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::WRONG_MEDIA_TYPE);
        }
        let bytes = raw(request, MOST_BYTES).await?;
        let value: Value =
            serde_json::from_slice(&bytes).map_err(|_| Error::Malformed("the body is not JSON".into()))?;
        Ok(Self(read(value)?))
    }
}

/// Whether a body is JSON; one that says nothing about itself may be (RFC 9110, section 8.3).
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let text =
        value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    text == "application/json" || (text.starts_with("application/") && text.ends_with("+json"))
}

/// A body's bytes, up to a size.
pub(crate) async fn raw(request: Request, most: usize) -> Result<Bytes, Problem> {
    // The body lies in memory already, so that nothing but its length can be wrong.
    axum::body::to_bytes(request.into_body(), most).await.map_err(|_| Problem::TOO_LARGE)
}

/// The query; unknown parameters are tolerated, empty ones count as absent, of repeated ones the last holds.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(query(parts)?))
    }
}

fn query<T: DeserializeOwned>(parts: &Parts) -> Result<T, Error> {
    let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let fields: Map<String, Value> = pairs
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| (name.into_owned(), Value::String(value.trim().to_owned())))
        .collect();
    read(Value::Object(fields))
}

/// The one parameter of a path.
pub(crate) struct PathId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        // What is not even text was never an id of ours.
        path.map(|axum::extract::Path(id)| Self(id)).map_err(|_| Problem::NO_ROUTE)
    }
}

/// The gateway's id of a request; the runtime's where there is none.
pub(crate) fn request_id(extensions: &Extensions) -> String {
    let of_gateway = match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
        _ => None,
    };
    let of_runtime = || extensions.get::<Context>().map(|context| context.request_id.clone());
    of_gateway.or_else(of_runtime).unwrap_or_default()
}

/// The visitor's address, as the gateway saw it.
pub(crate) struct Address(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let address = match parts.extensions.get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone(),
            _ => None,
        };
        Ok(Self(address.unwrap_or_default()))
    }
}

/// The request's cookies by name (RFC 6265, section 4.2).
pub(crate) fn cookies(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name.trim(), value.trim().trim_matches('"'))).collect()
}

/// A header's text, if it has one.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

/// A whole number of a query, within its bounds.
pub(crate) fn number(
    field: &'static str,
    text: Option<&str>,
    bounds: std::ops::RangeInclusive<u32>,
) -> Result<Option<u32>, Error> {
    text.map(|text| bounded(field, text.parse().ok(), bounds)).transpose()
}

/// A whole number within its bounds; none is what could not be read as one.
pub(crate) fn bounded(
    field: &'static str,
    number: Option<u32>,
    bounds: std::ops::RangeInclusive<u32>,
) -> Result<u32, Error> {
    number.filter(|number| bounds.contains(number)).ok_or_else(|| {
        let (least, most) = (bounds.start(), bounds.end());
        Error::invalid(field, format!("must be a whole number from {least} to {most}"))
    })
}

/// The `Idempotency-Key` of a request.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    const NAME: &str = "Idempotency-Key";
    match headers.get(NAME).map(|value| value.to_str().map(str::trim)) {
        None => Ok(None),
        Some(Ok(key)) if (1..=255).contains(&key.len()) => Ok(Some(key)),
        Some(_) => Err(Error::invalid(NAME, "must have 1 to 255 ASCII characters")),
    }
}

/// Yes or no in a query.
pub(crate) fn flag(field: &'static str, text: Option<&str>) -> Result<bool, Error> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None | Some("false" | "0" | "no") => Ok(false),
        Some("true" | "1" | "yes") => Ok(true),
        Some(_) => Err(Error::invalid(field, "must be true or false")),
    }
}

/// A text of a body that must say something, and not too much.
pub(crate) fn said(field: &'static str, text: &str, most: usize) -> Result<(), Error> {
    let length = text.trim().chars().count();
    if length == 0 || length > most {
        return Err(Error::invalid(field, format!("must have 1 to {most} characters")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, http::HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn cookies_of_every_line_are_read() {
        let headers = headers("cookie", &["a=1; __Host-slk_flow_0a=x=y ;odd", "b=\"2\""]);
        assert_eq!(cookies(&headers), [("a", "1"), ("__Host-slk_flow_0a", "x=y"), ("b", "2")]);
        assert!(cookies(&HeaderMap::new()).is_empty());
    }

    #[test]
    fn json_has_several_content_types_and_forms_are_none() {
        for yes in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert!(is_json(&headers("content-type", &[yes])), "{yes}");
        }
        for no in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/x+json", ""]
        {
            assert!(!is_json(&headers("content-type", &[no])), "{no}");
        }
        assert!(is_json(&HeaderMap::new()));
    }

    #[test]
    fn a_number_stays_within_its_bounds_and_names_its_field() {
        assert_eq!(number("days_ahead", Some("60"), 1..=60).unwrap(), Some(60));
        assert_eq!(number("days_ahead", None, 1..=60).unwrap(), None);
        for odd in ["0", "61", "-1", "1.5", "x", "99999999999999999999"] {
            let error = number("days_ahead", Some(odd), 1..=60).unwrap_err();
            assert!(matches!(error, Error::Invalid { field, .. } if field == "days_ahead"), "{odd}");
        }
        assert!(flag("replace", Some("True")).unwrap() && !flag("replace", None).unwrap());
        assert!(flag("replace", Some("maybe")).is_err());
    }

    #[test]
    fn the_query_names_what_is_missing_and_tolerates_what_is_unknown() {
        #[derive(serde::Deserialize, Debug)]
        struct Visit {
            user_id: String,
            provider: Option<String>,
        }
        let parts = |uri: &str| Request::builder().uri(uri).body(()).unwrap().into_parts().0;
        let visit: Visit = query(&parts("/x?user_id=user_1&utm=2&provider=&user_id=user_2")).unwrap();
        assert_eq!((visit.user_id.as_str(), visit.provider), ("user_2", None));
        for uri in ["/x", "/x?user_id=", "/x?user_id=%20"] {
            let error = query::<Visit>(&parts(uri)).unwrap_err();
            assert!(matches!(error, Error::Invalid { field, .. } if field == "user_id"), "{uri}");
        }
    }
}
