//! The client's side of the opening handshake: a head that arrives in pieces means what it means whole, and what is accepted
//! has all that RFC 6455 §4.1 wants, looked up here in a simpler way.

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderValue, Response, header};
use ws::handshake::{HeadReader, Opening, Subprotocols, VerifyError};

use crate::cuts::Cuts;
use crate::heads::{Head, NONCE, arrive};
use crate::request_head::limits;

#[derive(Debug, Arbitrary)]
struct Input {
    limits: Option<(u16, u8, u8)>,
    offers_subprotocols: bool,
    offers_extension: bool,
    cuts: Cuts,
    head: Head,
}

const OFFERED: [&str; 2] = ["chat", "superchat"];

/// See the module.
pub fn run(data: &[u8]) {
    let Some(input) = crate::input::<Input>(data) else { return };
    let (bytes, limits) = (input.head.response(), limits(input.limits));
    let whole = HeadReader::new(limits.clone()).response(&bytes);
    let mut reader = HeadReader::new(limits);
    let cut = arrive(&bytes, input.cuts.sizes(), |there| reader.response(there));
    match (&whole, &cut) {
        (Ok(Some((response, len))), Ok(Some((again, again_len)))) => {
            assert_eq!((len, response.status()), (again_len, again.status()));
            assert_eq!(
                (response.version(), response.headers()),
                (again.version(), again.headers())
            );
            judge(&input, response);
        }
        (Ok(None), Ok(None)) => {}
        (Err(error), Err(again)) => assert_eq!(error, again),
        _ => panic!("whole {whole:?}\ncut {cut:?}"),
    }
}

fn judge(input: &Input, response: &Response<()>) {
    let target = "ws://example.com/chat".parse().expect("it is one");
    let mut opening = Opening::new(target, NONCE);
    if input.offers_subprotocols {
        opening = opening.subprotocols(Subprotocols::new(OFFERED).expect("they are tokens"));
    }
    if input.offers_extension {
        opening = opening.extension(HeaderValue::from_static("permessage-deflate"));
    }
    let headers = response.headers();
    match opening.verify(response) {
        Ok(accepted) => {
            assert_eq!(response.status(), 101);
            assert_eq!(
                lines(headers, "upgrade").to_ascii_lowercase().replace([' ', '\t', ','], ""),
                "websocket".repeat(
                    lines(headers, "upgrade").to_ascii_lowercase().matches("websocket").count()
                )
            );
            assert!(lines(headers, "connection").to_ascii_lowercase().contains("upgrade"));
            assert_eq!(headers[header::SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
            assert!(accepted.subprotocol().is_none_or(|name| OFFERED.contains(&name)));
            assert!(accepted.subprotocol().is_none() || input.offers_subprotocols);
            let extensions = lines(headers, "sec-websocket-extensions");
            let allowed = input.offers_extension && extensions.contains("permessage-deflate");
            assert!(
                allowed || extensions.trim_matches([',', ' ', '\t']).is_empty(),
                "{extensions:?}"
            );
        }
        Err(VerifyError::Refused { status, headers: all }) => {
            assert!(status == response.status() && status != 101);
            assert_eq!(*all, *headers);
        }
        Err(_) => assert_eq!(response.status(), 101),
    }
}

/// All lines of a header as one (RFC 9110 §5.3).
fn lines(headers: &HeaderMap, name: &str) -> String {
    let lines: Vec<_> =
        headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    lines.join(",")
}
