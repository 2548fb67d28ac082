//! Offers and responses of permessage-deflate (RFC 7692 §5, §7.1) as they stand in the header.

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_EXTENSIONS;

use super::*;
use crate::DeflateConfig;

/// Grants what is asked for and limits nothing.
fn generous() -> DeflateConfig {
    DeflateConfig {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        ..DeflateConfig::default()
    }
}

/// What a server answers to an offer.
fn response(config: &DeflateConfig, offer: &str) -> Option<String> {
    let (head, rest) = REQUEST.split_at(REQUEST.len() - 2);
    let bytes = format!("{head}Sec-WebSocket-Extensions: {offer}\r\n{rest}");
    let (request, _) = HeadReader::default().request(bytes.as_bytes()).unwrap().unwrap();
    let mut upgrade = check(&request).unwrap();
    let agreed = upgrade.negotiate_deflate(config).map(ToString::to_string);
    let response = upgrade.accept(None, HeaderMap::new()).unwrap();
    let header = response.headers().get(SEC_WEBSOCKET_EXTENSIONS);
    let header = header.map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(agreed, header, "what is agreed is what is said");
    header
}

/// Whether a client with these offers accepts a response.
fn verify(offers: &[DeflateConfig], lines: &[&'static str]) -> Result<bool, VerifyError> {
    let opening = Opening::new("ws://example.com/".parse().unwrap(), [0; 16]);
    let opening = offers.iter().fold(opening, |opening, offer| opening.deflate(offer.clone()));
    let upgrade = check(&opening.request()).unwrap();
    let mut response = upgrade.accept(None, HeaderMap::new()).unwrap();
    for line in lines {
        response.headers_mut().append(SEC_WEBSOCKET_EXTENSIONS, line.parse().unwrap());
    }
    opening.verify(&response).map(|accepted| accepted.deflate().is_some())
}

#[test]
fn a_generous_server_grants_what_is_asked_for() {
    let table = [
        ("permessage-deflate", "permessage-deflate"),
        (
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover",
        ),
        (
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover",
        ),
        (
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=10",
        ),
        (
            "permessage-deflate; server_max_window_bits=\"8\"",
            "permessage-deflate; server_max_window_bits=8",
        ),
        (
            "permessage-deflate; server_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=15",
        ),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
        (
            "permessage-deflate; client_max_window_bits=9",
            "permessage-deflate; client_max_window_bits=9",
        ),
        (
            "permessage-deflate;client_max_window_bits ; server_no_context_takeover;\tserver_max_window_bits = 12",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=12",
        ),
    ];
    for (offer, expected) in table {
        assert_eq!(response(&generous(), offer).as_deref(), Some(expected), "{offer}");
    }
}

#[test]
fn a_thrifty_server_says_what_it_wants_where_it_may() {
    let config = DeflateConfig {
        server_max_window_bits: 11,
        client_max_window_bits: 10,
        ..DeflateConfig::default()
    };
    let both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    let table = [
        // §7.1.2.2: a client that does not offer to limit its window must not be told to.
        ("permessage-deflate", "; server_max_window_bits=11"),
        (
            "permessage-deflate; client_max_window_bits",
            "; server_max_window_bits=11; client_max_window_bits=10",
        ),
        (
            "permessage-deflate; client_max_window_bits=9; server_max_window_bits=9",
            "; server_max_window_bits=9; client_max_window_bits=9",
        ),
        (
            "permessage-deflate; client_max_window_bits=15; server_max_window_bits=15",
            "; server_max_window_bits=11; client_max_window_bits=10",
        ),
    ];
    for (offer, expected) in table {
        assert_eq!(response(&config, offer), Some(format!("{both}{expected}")), "{offer}");
    }
}

#[test]
fn bad_offers_are_declined_and_the_next_one_is_looked_at() {
    let bad = [
        "",
        "x-webkit-deflate-frame",
        "Permessage-Deflate",
        "permessage-deflate; unknown",
        "permessage-deflate; unknown=1",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=08",
        "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=9.0",
        "permessage-deflate; server_max_window_bits=1000000000000",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; client_max_window_bits=0",
        "permessage-deflate; client_max_window_bits=-9",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; Client_max_window_bits",
        // Not by the grammar of RFC 6455 §9.1.
        "permessage-deflate;",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=\"9",
        "permessage-deflate client_no_context_takeover",
    ];
    for offer in bad {
        assert_eq!(response(&generous(), offer), None, "{offer}");
        let list = format!(
            "foo; bar=1, {offer}, permessage-deflate; server_max_window_bits=9, permessage-deflate"
        );
        let found = response(&generous(), &list);
        assert_eq!(
            found.as_deref(),
            Some("permessage-deflate; server_max_window_bits=9"),
            "{offer}"
        );
    }
}

#[test]
fn a_client_says_what_it_wants_and_that_its_window_may_be_limited() {
    let offers = [
        (generous(), "permessage-deflate; client_max_window_bits"),
        (
            DeflateConfig {
                server_max_window_bits: 3,
                client_max_window_bits: 12,
                ..Default::default()
            },
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             server_max_window_bits=8; client_max_window_bits=12",
        ),
    ];
    for (offer, expected) in offers {
        let opening = Opening::new("ws://example.com/".parse().unwrap(), [0; 16]).deflate(offer);
        assert_eq!(opening.request().headers()[SEC_WEBSOCKET_EXTENSIONS], expected);
    }
}

#[test]
fn a_response_must_answer_one_of_the_offers() {
    let thrifty = DeflateConfig {
        server_max_window_bits: 10,
        client_max_window_bits: 12,
        ..DeflateConfig::default()
    };
    let (generous, thrifty, both) = ([generous()], [thrifty.clone()], [thrifty, generous()]);
    let good: [(&[DeflateConfig], &'static str); 9] = [
        (&generous, "permessage-deflate"),
        (&generous, "permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        (&generous, "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8"),
        (&generous, "permessage-deflate; client_max_window_bits=\"15\""),
        (&thrifty, "permessage-deflate; server_no_context_takeover; server_max_window_bits=10"),
        (
            &thrifty,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits=12",
        ),
        // The second offer.
        (&both, "permessage-deflate"),
        (&both, "permessage-deflate; client_max_window_bits=15"),
        (&both, "permessage-deflate; server_max_window_bits=11"),
    ];
    for (offers, line) in good {
        assert_eq!(verify(offers, &[line]), Ok(true), "{line}");
    }
    let bad: [(&[DeflateConfig], &'static str); 13] = [
        (&[], "permessage-deflate"),
        (&generous, "x-webkit-deflate-frame"),
        (&generous, "permessage-deflate; unknown"),
        (&generous, "permessage-deflate; client_max_window_bits"),
        (&generous, "permessage-deflate; server_max_window_bits"),
        (&generous, "permessage-deflate; server_max_window_bits=16"),
        (&generous, "permessage-deflate; server_no_context_takeover; server_no_context_takeover"),
        (&generous, "permessage-deflate; server_no_context_takeover=1"),
        (&generous, "permessage-deflate, permessage-deflate"),
        (&generous, "permessage-deflate;"),
        (&thrifty, "permessage-deflate; server_no_context_takeover; server_max_window_bits=11"),
        (&thrifty, "permessage-deflate; server_max_window_bits=10"),
        (
            &thrifty,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=13",
        ),
    ];
    for (offers, line) in bad {
        assert_eq!(verify(offers, &[line]), Err(VerifyError::Extension), "{line}");
    }
    assert_eq!(verify(&both, &[]), Ok(false), "a server need not accept");
    let twice = ["permessage-deflate", "permessage-deflate"];
    assert_eq!(verify(&both, &twice), Err(VerifyError::Extension));
}
