//! Heads in pieces, too big, and at random.

use proptest::prelude::*;

use super::*;

#[test]
fn bytes_behind_the_head_are_left_alone_wherever_it_is_cut() {
    let frame = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\r\n\r\n";
    let request = [REQUEST.as_bytes(), frame].concat();
    let response = [RESPONSE.as_bytes(), frame].concat();
    for at in 0..=request.len() {
        let mut reader = HeadReader::default();
        let first = reader.request(&request[..at]).unwrap();
        assert_eq!(first.is_some(), at >= REQUEST.len(), "{at}");
        let (head, len) = first.or_else(|| reader.request(&request).unwrap()).unwrap();
        assert_eq!((len, head.uri().path(), head.headers().len()), (REQUEST.len(), "/chat", 7));
    }
    for at in 0..=response.len() {
        let mut reader = HeadReader::default();
        let first = reader.response(&response[..at]).unwrap();
        assert_eq!(first.is_some(), at >= RESPONSE.len(), "{at}");
        let (head, len) = first.or_else(|| reader.response(&response).unwrap()).unwrap();
        assert_eq!((len, head.status().as_u16(), head.headers().len()), (RESPONSE.len(), 101, 4));
    }
}

#[test]
fn a_flood_is_refused_at_the_byte_that_is_too_much() {
    let limits = || Limits { max_head_bytes: 100, max_first_line_bytes: 20, max_headers: 3 };
    let refused_at = |bytes: &[u8]| {
        let mut reader = HeadReader::new(limits());
        let found =
            (0..=bytes.len()).find_map(|end| Some((end, reader.request(&bytes[..end]).err()?)));
        // All at once gives the same error.
        assert_eq!(HeadReader::new(limits()).request(bytes).err(), found.map(|(_, error)| error));
        found
    };
    let line = "GET /67890 HTTP/1.1\r\n"; // 19 bytes and CRLF
    assert_eq!(
        refused_at(b"GET /67890123456789 HTTP/1.1"),
        Some((21, HeadError::FirstLineTooLong))
    );
    let headers = format!("{line}{}", "A: b\r\n".repeat(9));
    assert_eq!(
        refused_at(headers.as_bytes()),
        Some((line.len() + 4 * 6, HeadError::TooManyHeaders))
    );
    let long = format!("{line}A: {}", "x".repeat(200));
    assert_eq!(refused_at(long.as_bytes()), Some((100, HeadError::TooLong)));
    assert_eq!(refused_at(format!("{line}A: b\r\nA: b\r\nA: b\r\n\r\n").as_bytes()), None);
}

/// Work is linear however many pieces there are: what is behind the scan may become illegal, and
/// nobody sees it.
#[test]
fn bytes_that_were_looked_at_are_not_looked_at_again() {
    let mut reader = HeadReader::default();
    let half = REQUEST.len() / 2;
    assert!(reader.request(&REQUEST.as_bytes()[..half]).unwrap().is_none());
    let mut buffer = REQUEST.as_bytes().to_vec();
    buffer[..half].fill(0);
    buffer.truncate(REQUEST.len() - 1);
    assert!(reader.request(&buffer).unwrap().is_none());
}

#[test]
fn a_head_may_be_exactly_as_long_as_the_limit() {
    for (limit, taken) in [(REQUEST.len(), true), (REQUEST.len() - 1, false)] {
        let limits = Limits { max_head_bytes: limit, ..Limits::default() };
        assert_eq!(HeadReader::new(limits).request(REQUEST.as_bytes()).is_ok(), taken);
    }
}

#[test]
fn limits_of_nothing_refuse_and_do_not_panic() {
    let limits = Limits { max_head_bytes: 0, max_first_line_bytes: 0, max_headers: 0 };
    assert!(HeadReader::new(limits).request(b"").is_err());
}

#[test]
fn a_reader_that_is_used_on_after_its_head_does_not_panic() {
    let mut reader = HeadReader::default();
    let twice = [REQUEST, REQUEST].concat();
    assert!(reader.request(REQUEST.as_bytes()).unwrap().is_some());
    assert!(reader.request(twice.as_bytes()).is_err());
    assert!(reader.request(b"").is_ok());
}

/// Whether the answer depends on how the bytes are cut.
fn same_in_pieces(bytes: &[u8], at: usize) -> Result<(), TestCaseError> {
    let status = |response: Option<http::Response<()>>| response.map(|response| response.status());
    let whole = status(answer_whole(bytes));
    prop_assert_eq!(whole, status(answer_cut(bytes, at % (bytes.len() + 1))));
    prop_assert_eq!(whole, status(answer_trickled(bytes)));
    // Neither does a client panic, whatever a server sends.
    if let Ok(Some((response, _))) = HeadReader::default().response(bytes) {
        let opening = Opening::new("ws://a.test".parse().unwrap(), [0; 16]);
        let _ = opening.verify(&response);
    }
    Ok(())
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), at: usize) {
        same_in_pieces(&bytes, at)?;
    }

    #[test]
    fn a_handshake_with_random_edits_never_panics(
        response: bool,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..8),
        at: usize,
    ) {
        let mut bytes = if response { RESPONSE } else { REQUEST }.as_bytes().to_vec();
        for (index, byte, kind) in edits {
            let index = index.index(bytes.len());
            match kind {
                0 => bytes[index] = byte,
                1 => bytes.insert(index, byte),
                _ => drop(bytes.remove(index)),
            }
        }
        same_in_pieces(&bytes, at)?;
    }

    #[test]
    fn random_values_in_a_handshake_never_panic(
        name in prop::sample::select(vec![
            "Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Accept",
            "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Origin", "Content-Length",
        ]),
        value in "[ -~\u{80}-\u{ff}\t]{0,60}",
        at: usize,
    ) {
        for head in [REQUEST, RESPONSE] {
            let line = format!("{name}: {value}\r\n\r\n");
            let rest: String = head.split_inclusive("\r\n").filter(|line| !line.starts_with(name)).collect();
            let edited = rest.strip_suffix("\r\n").unwrap().to_owned() + &line;
            same_in_pieces(edited.as_bytes(), at)?;
        }
    }

    #[test]
    fn random_urls_and_targets_never_panic(text in "(ws|wss|http)://[ -~]{0,40}", path in "[!-~\u{80}-\u{ff}]{0,40}") {
        if let Ok(target) = text.parse::<Target>() {
            let sent = encode_request(&Opening::new(target, [0; 16]).request());
            let (request, _) = HeadReader::default().request(&sent).unwrap().unwrap();
            prop_assert!(check(&request).is_ok(), "{text}");
        }
        same_in_pieces(REQUEST.replacen("/chat", &path, 1).as_bytes(), 9)?;
    }
}
