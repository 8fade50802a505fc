//! A request as text, so that seeds can be read: a line for the path, a line for each header, an empty line, the body.

use http::{HeaderMap, HeaderName, HeaderValue};

/// A request under construction by the fuzzer.
pub struct Message<'a> {
    /// The first line.
    pub line: &'a str,
    /// Name and value of each header, in order.
    pub headers: Vec<(String, String)>,
    /// What follows the empty line, whatever bytes they are.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a request; none where head or line is no text.
    pub fn read(data: &'a [u8]) -> Option<Self> {
        let end = data.windows(2).position(|two| two == b"\n\n");
        let (head, body) = match end {
            Some(end) => (data.get(..end)?, data.get(end + 2..)?),
            None => (data, [].as_slice()),
        };
        let mut lines = std::str::from_utf8(head).ok()?.split('\n');
        let line = lines.next()?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers =
            headers.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        // No HTTP server lets another header through.
        let fits = |(name, value): &(String, String)| {
            name.parse::<HeaderName>().is_ok() && HeaderValue::from_bytes(value.as_bytes()).is_ok()
        };
        Some(Self { line, headers: headers.filter(fits).collect(), body })
    }

    /// Puts something in the place of a placeholder in every header's value.
    pub fn fill(&mut self, placeholder: &str, with: &str) {
        for (_, value) in &mut self.headers {
            *value = value.replace(placeholder, with);
        }
    }

    /// The values of one header.
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The headers as verifiers take them.
    pub fn header_map(&self) -> HeaderMap {
        let fits = self.headers.iter().filter_map(|(name, value)| {
            Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        });
        fits.fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        })
    }
}
