//! Tokens (RFC 9110 §5.6.2) and comma-separated lists of them over any number of header lines
//! (§5.6.1).

use http::{HeaderMap, HeaderName, HeaderValue};

/// `1*tchar`.
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_tchar(byte))
}

fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The elements of a list header, in order.
///
/// Several lines of one name are one list (RFC 9110 §5.2). Empty elements are passed over, as
/// §5.6.1.2 wants it from a recipient.
pub(super) fn elements<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|e| !e.is_empty())
}

/// Whether a list header has an element, compared without case as RFC 6455 §4.2.1 wants it for
/// `Upgrade` and `Connection`.
pub(super) fn has_element(headers: &HeaderMap, name: &HeaderName, element: &str) -> bool {
    elements(headers, name).any(|found| found.eq_ignore_ascii_case(element.as_bytes()))
}

/// A header that may appear once appeared again.
#[derive(Debug)]
pub(super) struct Repeated;

/// The value of a header that must not appear more than once.
pub(super) fn at_most_one<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Repeated> {
    let mut lines = headers.get_all(name).into_iter();
    match (lines.next(), lines.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Repeated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::CONNECTION;

    #[test]
    fn a_list_may_span_lines_and_hold_empty_elements() {
        let mut headers = HeaderMap::new();
        headers.append(CONNECTION, HeaderValue::from_static("keep-alive, ,"));
        headers.append(CONNECTION, HeaderValue::from_static(",\tUPGRADE ,"));
        assert!(elements(&headers, &CONNECTION).eq([b"keep-alive".as_slice(), b"UPGRADE"]));
        assert!(has_element(&headers, &CONNECTION, "upgrade"));
        assert!(!has_element(&headers, &CONNECTION, "keep"));
    }

    #[test]
    fn separators_spaces_and_non_ascii_are_no_token() {
        assert!(is_token(b"graphql-transport-ws") && is_token(b"v1.chat+json"));
        for bad in ["", "a b", "a,b", "a;b", "a/b", "\"a\"", "a=b", "\u{e9}", "a\0"] {
            assert!(!is_token(bad.as_bytes()), "{bad:?}");
        }
    }
}
