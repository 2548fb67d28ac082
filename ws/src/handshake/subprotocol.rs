//! `Sec-WebSocket-Protocol`: what the client offers and which one the server picks (RFC 6455 §1.9,
//! §4.1, §4.2.2, §11.3.4).

use std::collections::BTreeSet;
use std::fmt;

use http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL};

use super::token::{elements, is_token};

/// Subprotocols that a client offers, in its order of preference; none by default.
///
/// Names are compared with case, as the registry of RFC 6455 §11.5 lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subprotocols(Vec<Box<str>>);

impl Subprotocols {
    /// A list of subprotocols.
    ///
    /// # Errors
    ///
    /// RFC 6455 §4.1: each must be a token and all must differ.
    pub fn new<I>(names: I) -> Result<Self, SubprotocolError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let names: Vec<Box<str>> = names.into_iter().map(|name| name.as_ref().into()).collect();
        if !names.iter().all(|name| is_token(name.as_bytes())) {
            return Err(SubprotocolError::NotAToken);
        }
        // A set, so that a peer's long list costs no quadratic search.
        let distinct: BTreeSet<&str> = names.iter().map(|name| &**name).collect();
        if distinct.len() == names.len() {
            Ok(Self(names))
        } else {
            Err(SubprotocolError::Repeated)
        }
    }

    /// The names in the client's order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }

    /// Whether this one is among them.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|offered| offered == name)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The server's choice: the first of `supported` that the client offers, `None` if there is
    /// none in common.
    pub fn select<'a>(&self, supported: &[&'a str]) -> Option<&'a str> {
        supported.iter().copied().find(|name| self.contains(name))
    }

    pub(super) fn from_headers(headers: &HeaderMap) -> Result<Self, SubprotocolError> {
        let names = elements(headers, &SEC_WEBSOCKET_PROTOCOL).map(str::from_utf8);
        let names: Vec<&str> =
            names.collect::<Result<_, _>>().map_err(|_| SubprotocolError::NotAToken)?;
        if names.is_empty() && headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
            // §4.3: `Sec-WebSocket-Protocol-Client = 1#token`.
            return Err(SubprotocolError::Empty);
        }
        Self::new(names)
    }

    /// `None` when there is nothing to offer: the header needs at least one name.
    pub(super) fn to_header(&self) -> Option<HeaderValue> {
        let list = (!self.is_empty()).then(|| self.0.join(", "))?;
        Some(HeaderValue::try_from(list).expect("tokens, commas and spaces are visible ASCII"))
    }
}

/// Why a list of subprotocols is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubprotocolError {
    /// A name is empty or has characters that a token can't have.
    NotAToken,
    /// A name appears twice.
    Repeated,
    /// The header is there, but names nothing.
    Empty,
}

impl fmt::Display for SubprotocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAToken => "Sec-WebSocket-Protocol has a name that is not a token",
            Self::Repeated => "Sec-WebSocket-Protocol names a subprotocol twice",
            Self::Empty => "Sec-WebSocket-Protocol names no subprotocol",
        })
    }
}

impl std::error::Error for SubprotocolError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&'static str]) -> Result<Subprotocols, SubprotocolError> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(line));
        }
        Subprotocols::from_headers(&headers)
    }

    #[test]
    fn several_lines_are_one_list_in_order() {
        let offered = parse(&["b, a", "c"]).unwrap();
        assert!(offered.iter().eq(["b", "a", "c"]));
        assert_eq!(offered.to_header().unwrap(), "b, a, c");
        assert!(parse(&[]).unwrap().is_empty());
    }

    #[test]
    fn the_server_prefers_in_its_own_order_and_never_takes_what_was_not_offered() {
        let offered = parse(&["v1, v2"]).unwrap();
        assert_eq!(offered.select(&["v3", "v2", "v1"]), Some("v2"));
        assert_eq!(offered.select(&["V1"]), None);
        assert_eq!(offered.select(&[]), None);
    }

    #[test]
    fn malformed_lists_are_told_apart() {
        assert_eq!(parse(&["a, a"]), Err(SubprotocolError::Repeated));
        assert_eq!(parse(&["a", "a"]), Err(SubprotocolError::Repeated));
        assert_eq!(parse(&["a b"]), Err(SubprotocolError::NotAToken));
        assert_eq!(parse(&[", ,"]), Err(SubprotocolError::Empty));
        assert_eq!(parse(&[""]), Err(SubprotocolError::Empty));
    }
}
