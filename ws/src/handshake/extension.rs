//! `Sec-WebSocket-Extensions` (RFC 6455 §9.1, §11.3.2): names and parameters.
//!
//! What the parameters mean is the business of the extension.

use std::borrow::Cow;

use http::header::SEC_WEBSOCKET_EXTENSIONS;
use http::{HeaderMap, HeaderValue};

use super::token::{elements, is_token};
use crate::proto::Extension;

/// The name of every extension in the list.
///
/// Splitting at commas is enough: §9.1 lets a quoted parameter hold nothing but a token.
pub(super) fn names(headers: &HeaderMap) -> impl Iterator<Item = Result<&str, NotAnExtension>> {
    elements(headers, &SEC_WEBSOCKET_EXTENSIONS).map(|element| {
        let name = element.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        str::from_utf8(name).ok().filter(|name| is_token(name.as_bytes())).ok_or(NotAnExtension)
    })
}

/// The extensions on some lines of the header, in order.
pub(super) fn parse_all<'a>(
    lines: &'a [HeaderValue],
) -> impl Iterator<Item = Result<Extension<'a>, NotAnExtension>> {
    lines
        .iter()
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
        .map(parse)
}

/// `extension = extension-token *( ";" extension-param )`. As at commas, it can be split at semicolons although there are
/// quoted strings: they hold nothing but a token.
fn parse(element: &[u8]) -> Result<Extension<'_>, NotAnExtension> {
    let mut parts = element.split(|&byte| byte == b';');
    let name = token(parts.next().unwrap_or_default())?;
    let parameters = parts.map(parameter).collect::<Result<_, _>>()?;
    Ok(Extension { name, parameters })
}

/// `extension-param = token [ "=" (token | quoted-string) ]`.
fn parameter(part: &[u8]) -> Result<(&str, Option<Cow<'_, str>>), NotAnExtension> {
    let Some(at) = part.iter().position(|&byte| byte == b'=') else {
        return Ok((token(part)?, None));
    };
    let value = match part[at + 1..].trim_ascii() {
        [b'"', quoted @ .., b'"'] => Cow::Owned(unquote(quoted)?),
        plain => Cow::Borrowed(token(plain)?),
    };
    Ok((token(&part[..at])?, Some(value)))
}

/// §9.1: "the value after quoted-string unescaping MUST conform to the 'token' ABNF".
fn unquote(quoted: &[u8]) -> Result<String, NotAnExtension> {
    let mut bytes = quoted.iter().copied();
    let mut value = Vec::new();
    while let Some(byte) = bytes.next() {
        value.push(match byte {
            b'\\' => bytes.next().ok_or(NotAnExtension)?,
            // It would have ended the string.
            b'"' => return Err(NotAnExtension),
            byte => byte,
        });
    }
    if !is_token(&value) {
        return Err(NotAnExtension);
    }
    String::from_utf8(value).map_err(|_| NotAnExtension)
}

fn token(bytes: &[u8]) -> Result<&str, NotAnExtension> {
    let bytes = bytes.trim_ascii();
    str::from_utf8(bytes).ok().filter(|_| is_token(bytes)).ok_or(NotAnExtension)
}

/// An element of the list is not what §9.1 calls an extension.
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

    #[test]
    fn parameters_come_with_their_values_unquoted() {
        let found = parse(br#"x ;a; b=1 ;c = "2";d="\3\4"; a"#).unwrap();
        assert_eq!(found.name, "x");
        let parameters: Vec<_> =
            found.parameters.iter().map(|(name, value)| (*name, value.as_deref())).collect();
        let expected =
            [("a", None), ("b", Some("1")), ("c", Some("2")), ("d", Some("34")), ("a", None)];
        assert_eq!(parameters, expected);
    }

    #[test]
    fn what_breaks_the_grammar_is_no_extension() {
        for bad in [
            "x;",
            "x; ;a",
            ";a",
            "x;a=",
            "x;=1",
            "x;a b",
            "x;a=b c",
            "x;a=\"\"",
            "x;a=\"b c\"",
            "x;a=\"b",
            "x;a=b\"",
            "x;a=\"",
            "x;a=\"b\\\"",
            "x y",
            "x;a=b=c",
            "x;a=\"b\"c\"",
        ] {
            assert_eq!(parse(bad.as_bytes()), Err(NotAnExtension), "{bad}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = [HeaderValue::from_static("a;b, c"), HeaderValue::from_static(",d;e=f")];
        let names: Vec<_> = parse_all(&lines).map(|found| found.unwrap().name).collect();
        assert_eq!(names, ["a", "c", "d"]);
    }
}
