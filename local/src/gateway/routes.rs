//! Which route a request takes: a full match before a greedy one, a greedy one before `$default`.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use super::template::{RouteSpec, Template};

/// Every route of a template, the most specific first.
pub(super) struct Routes(Vec<Route>);

/// One route and the function behind it.
pub(super) struct Route {
    spec: RouteSpec,
    segments: Vec<Segment>,
    pub(super) handler: String,
    /// How long Lambda lets the function run.
    pub(super) timeout: Duration,
}

/// The order of the variants is the order of precedence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter(String),
    Greedy(String),
}

/// A route that fits, and what its variables stand for, decoded.
pub(super) struct Match<'a> {
    pub(super) route: &'a Route,
    pub(super) parameters: BTreeMap<String, String>,
}

impl Routes {
    pub(super) fn of(template: &Template) -> Self {
        let mut routes: Vec<_> = template
            .functions
            .iter()
            .flat_map(|function| {
                function.routes.iter().map(|spec| Route {
                    spec: spec.clone(),
                    segments: segments(&spec.path),
                    handler: function.handler.clone(),
                    timeout: function.timeout,
                })
            })
            .collect();
        routes.sort_by_key(|route| {
            let ranks: Vec<_> = route.segments.iter().map(Segment::rank).collect();
            let is_greedy = ranks.contains(&2);
            (route.is_default(), is_greedy, ranks, Reverse(route.segments.len()), route.spec.method == "ANY")
        });
        Self(routes)
    }

    /// The route for a method and a path as it was received.
    pub(super) fn find(&self, method: &str, path: &str) -> Option<Match<'_>> {
        self.0.iter().find_map(|route| {
            let fits = route.spec.method == "ANY" || route.spec.method == method;
            let parameters = if fits { route.parameters(path)? } else { return None };
            Some(Match { route, parameters })
        })
    }
}

impl Route {
    /// Such as `GET /calendar/events/{id}`, or `$default`.
    pub(super) fn key(&self) -> String {
        if self.is_default() {
            self.spec.path.clone()
        } else {
            format!("{} {}", self.spec.method, self.spec.path)
        }
    }

    pub(super) fn authorizer(&self) -> Option<&str> {
        self.spec.authorizer.as_deref()
    }

    fn is_default(&self) -> bool {
        self.spec.path == "$default"
    }

    fn parameters(&self, path: &str) -> Option<BTreeMap<String, String>> {
        if self.is_default() {
            return Some(BTreeMap::new());
        }
        let mut rest = Some(path.strip_prefix('/')?);
        let mut found = BTreeMap::new();
        for segment in &self.segments {
            let left = rest?;
            // Split before decoding: an encoded slash does not end a segment.
            let (first, after) =
                left.split_once('/').map_or((left, None), |(first, after)| (first, Some(after)));
            rest = after;
            match segment {
                Segment::Literal(text) if *text == decoded(first)? => {}
                Segment::Literal(_) => return None,
                Segment::Parameter(_) if first.is_empty() => return None,
                Segment::Parameter(name) => {
                    found.insert(name.clone(), decoded(first)?);
                }
                Segment::Greedy(_) if left.is_empty() => return None,
                Segment::Greedy(name) => {
                    found.insert(name.clone(), decoded(left)?);
                    rest = None;
                }
            }
        }
        rest.is_none().then_some(found)
    }
}

impl Segment {
    fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Parameter(_) => 1,
            Self::Greedy(_) => 2,
        }
    }
}

fn segments(path: &str) -> Vec<Segment> {
    let parts = path.trim_start_matches('/').split('/');
    parts
        .map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Segment::Greedy(name.to_owned()),
                None => Segment::Parameter(name.to_owned()),
            },
            None => Segment::Literal(part.to_owned()),
        })
        .collect()
}

/// Percent-decodes; nothing where the bytes are not UTF-8 or a `%` stands alone.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first == b'%' {
            let (digits, after) = after.split_first_chunk::<2>()?;
            let digits = std::str::from_utf8(digits).ok().filter(|d| !d.starts_with('+'))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::template::FunctionSpec;

    fn routes() -> Routes {
        let spec = |route: &str| {
            let (method, path) = route.split_once(' ').unwrap_or(("ANY", route));
            RouteSpec { method: method.to_owned(), path: path.to_owned(), authorizer: None }
        };
        let routes = [
            "$default",
            "ANY /{proxy+}",
            "GET /pets/{proxy+}",
            "GET /pets/dog/{id}",
            "ANY /pets/dog/1",
            "GET /pets/dog/1",
            "GET /pets/{kind}/all",
            "GET /",
        ];
        let function = FunctionSpec {
            logical_id: "F".to_owned(),
            handler: "f".to_owned(),
            timeout: Duration::ZERO,
            routes: routes.map(spec).to_vec(),
            schedules: Vec::new(),
            grants: Vec::new(),
        };
        Routes::of(&Template { functions: vec![function], ..Template::default() })
    }

    #[track_caller]
    fn check(method: &str, path: &str, key: &str, parameters: &[(&str, &str)]) {
        let routes = routes();
        let found = routes.find(method, path).unwrap();
        let expected = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!((found.route.key(), found.parameters), (key.to_owned(), expected), "{method} {path}");
    }

    #[test]
    fn the_most_specific_route_wins() {
        check("GET", "/pets/dog/1", "GET /pets/dog/1", &[]);
        check("PUT", "/pets/dog/1", "ANY /pets/dog/1", &[]);
        check("GET", "/pets/dog/2", "GET /pets/dog/{id}", &[("id", "2")]);
        check("GET", "/pets/cat/all", "GET /pets/{kind}/all", &[("kind", "cat")]);
        check("GET", "/pets/cat/1", "GET /pets/{proxy+}", &[("proxy", "cat/1")]);
        check("PUT", "/pets/dog/2", "ANY /{proxy+}", &[("proxy", "pets/dog/2")]);
        check("GET", "/", "GET /", &[]);
        check("PUT", "/", "$default", &[]);
    }

    #[test]
    fn parameters_are_decoded_after_the_path_was_split() {
        check("GET", "/pets/dog/a%2Fb%20c%3D", "GET /pets/dog/{id}", &[("id", "a/b c=")]);
        check("GET", "/pets/d%6Fg/1", "GET /pets/dog/1", &[]);
        assert_eq!(decoded("%zz"), None);
        assert_eq!(decoded("%+1"), None);
        assert_eq!(decoded("%ff"), None);
    }

    #[test]
    fn an_empty_segment_is_no_parameter() {
        check("GET", "/pets/dog/", "GET /pets/{proxy+}", &[("proxy", "dog/")]);
    }
}
