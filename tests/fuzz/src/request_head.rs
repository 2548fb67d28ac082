//! The server's side of the opening handshake: a head that arrives in pieces means what it means whole; what is accepted is
//! answered by what the client's side takes; what is refused is answered by a response that can be read.

use arbitrary::Arbitrary;
use http::{HeaderMap, Request, header};
use tungstenite::handshake::server::create_response;
use ws::handshake::{
    self, HeadError, HeadReader, Limits, Rejection, Upgrade, encode_request, encode_response,
};

use crate::cuts::Cuts;
use crate::heads::{Head, arrive};

#[derive(Debug, Arbitrary)]
struct Input {
    limits: Option<(u16, u8, u8)>,
    cuts: Cuts,
    head: Head,
}

/// Limits, small ones too.
pub(crate) fn limits(small: Option<(u16, u8, u8)>) -> Limits {
    let mut limits = Limits::default();
    if let Some((head, line, headers)) = small {
        limits.max_head_bytes = head.into();
        limits.max_first_line_bytes = line.into();
        limits.max_headers = headers.into();
    }
    limits
}

/// See the module.
pub fn run(data: &[u8]) {
    let Some(input) = crate::input::<Input>(data) else { return };
    let (bytes, limits) = (input.head.request(), limits(input.limits));
    let whole = HeadReader::new(limits.clone()).request(&bytes);
    let mut reader = HeadReader::new(limits.clone());
    let cut = arrive(&bytes, input.cuts.sizes(), |there| reader.request(there));
    match (&whole, &cut) {
        (Ok(Some((request, len))), Ok(Some((again, again_len)))) => {
            assert_eq!(len, again_len);
            assert!(*len <= limits.max_head_bytes && request.headers().len() <= limits.max_headers);
            assert_same(request, again);
            judge(request);
        }
        (Ok(None), Ok(None)) => {}
        (Err(error), Err(again)) => {
            assert_eq!(error, again);
            refuse(&(*error).into());
        }
        _ => panic!("whole {whole:?}\ncut {cut:?}"),
    }
}

fn assert_same(a: &Request<()>, b: &Request<()>) {
    assert_eq!((a.method(), a.uri(), a.version()), (b.method(), b.uri(), b.version()));
    assert_eq!(a.headers(), b.headers());
}

fn judge(request: &Request<()>) {
    match handshake::check(request) {
        Ok(upgrade) => accept(request, &upgrade),
        Err(rejection) => refuse(&rejection),
    }
    // What was read can be written and read again. The target loses its authority (origin form), and some methods want one.
    let written = encode_request(request);
    let mut limits = Limits::default();
    limits.max_head_bytes = usize::MAX;
    limits.max_first_line_bytes = usize::MAX;
    limits.max_headers = usize::MAX;
    match HeadReader::new(limits).request(&written) {
        Ok(Some((again, len))) => {
            assert_eq!(len, written.len());
            assert_eq!((again.method(), again.headers()), (request.method(), request.headers()));
        }
        other => panic!("{other:?}: {}", written.escape_ascii()),
    }
}

fn accept(request: &Request<()>, upgrade: &Upgrade) {
    let subprotocol = upgrade.subprotocols().iter().next();
    let response = upgrade.accept(subprotocol, HeaderMap::new()).expect("it was offered");
    let bytes = encode_response(&response);
    let parsed = HeadReader::default().response(&bytes).expect("we wrote it");
    let (parsed, len) = parsed.expect("all of it");
    assert_eq!((len, parsed.status().as_u16()), (bytes.len(), 101));
    assert_eq!(parsed.headers(), response.headers());
    // tungstenite looks at fewer headers and only at the first line of each: it may refuse, but must not answer differently.
    if let Ok(theirs) = create_response(request) {
        let accept = header::SEC_WEBSOCKET_ACCEPT;
        assert_eq!(theirs.headers()[&accept], response.headers()[&accept]);
    }
}

fn refuse(rejection: &Rejection) {
    let bytes = rejection.to_bytes();
    let parsed: Result<_, HeadError> = HeadReader::default().response(&bytes);
    let (response, len) = parsed.expect("we wrote it").expect("all of it");
    assert_eq!(response.status(), rejection.status());
    assert_eq!(&bytes[len..], rejection.body().as_bytes());
    assert!(response.status().is_client_error() || response.status().is_server_error());
}
