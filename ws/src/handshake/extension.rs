//! `Sec-WebSocket-Extensions` as far as the handshake itself must know it: the names (RFC 6455
//! §9.1, §11.3.2).
//!
//! Parameters are the business of the extension.

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_EXTENSIONS;

use super::token::{elements, is_token};

/// The name of every extension in the list.
///
/// Splitting at commas is enough: §9.1 lets a quoted parameter hold nothing but a token.
pub(super) fn names(headers: &HeaderMap) -> impl Iterator<Item = Result<&str, NotAnExtension>> {
    elements(headers, &SEC_WEBSOCKET_EXTENSIONS).map(|element| {
        let name = element.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        str::from_utf8(name).ok().filter(|name| is_token(name.as_bytes())).ok_or(NotAnExtension)
    })
}

/// An element of the list doesn't begin with a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAnExtension;

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn names_come_without_their_parameters() {
        let mut headers = HeaderMap::new();
        headers.append(
            SEC_WEBSOCKET_EXTENSIONS,
            HeaderValue::from_static("permessage-deflate; a=\"10\" ;b, x"),
        );
        headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("y ; z, ; a"));
        let found: Vec<_> = names(&headers).collect();
        assert_eq!(found, [Ok("permessage-deflate"), Ok("x"), Ok("y"), Err(NotAnExtension)]);
    }
}
