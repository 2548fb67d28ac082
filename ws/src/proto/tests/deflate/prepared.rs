//! A message compressed once for many receivers.

use super::*;
use crate::proto::{Compress, Prepared};

fn server(config: &DeflateConfig, client: &DeflateConfig) -> End {
    end_with(Role::Server, &agree(config, client).0, Config::default())
}

fn send(end: &mut End, prepared: &Prepared) -> Vec<u8> {
    end.connection.send_prepared(prepared).unwrap();
    end.write(usize::MAX)
}

#[test]
fn receivers_without_context_takeover_share_one_compressed_frame() {
    let config = alone();
    let (agreed, _) = agree(&config, &config);
    let mut ends: Vec<_> =
        (0..3).map(|_| end_with(Role::Server, &agreed, Config::default())).collect();
    let string = json(2000);
    let prepared = Prepared::text(&string);
    let mut at = Vec::new();
    for end in &mut ends {
        end.connection.send_prepared(&prepared).unwrap();
        // Long enough to leave without a copy: the same bytes in memory.
        let chunk = bytes::Buf::chunk(end.connection.outbox());
        at.push(chunk.as_ptr());
        assert!((2048..string.len() / 3).contains(&chunk.len()));
    }
    assert_eq!(at[0], at[1]);
    assert_eq!(at[1], at[2]);
    for end in &mut ends {
        assert_eq!(payloads(&end.write(usize::MAX))[0].0, RSV1);
    }
}

#[test]
fn each_receiver_gets_what_it_can_read() {
    let narrow = DeflateConfig { server_max_window_bits: 9, ..alone() };
    let string = json(300);
    let prepared = Prepared::text(&string);
    let mut wide = server(&alone(), &alone());
    let mut small = server(&alone(), &narrow);
    let mut context = server(&takeover(), &takeover());
    let mut plain = End::plain(Role::Server);
    let sent = [&mut wide, &mut small, &mut context, &mut plain].map(|end| send(end, &prepared));
    let found = sent.each_ref().map(|bytes| payloads(bytes).remove(0));
    assert_eq!(found.each_ref().map(|(rsv, _)| *rsv), [RSV1, RSV1, RSV1, 0]);
    for (_, payload) in &found[..3] {
        assert_eq!(oracle::inflate(&mut Vec::new(), payload).0, string.as_bytes());
    }
    assert!(oracle::inflate(&mut Vec::new(), &found[1].1).1 <= 512, "in its own window");
    // The other way round the narrow one serves both.
    let prepared = Prepared::text(&string);
    assert_eq!(send(&mut small, &prepared), sent[1]);
    assert_eq!(send(&mut wide, &prepared), sent[1]);
    // A context refers back to the first time.
    let again = payloads(&send(&mut context, &prepared)).remove(0).1;
    assert!(again.len() < found[2].1.len() / 4);
}

#[test]
fn what_does_not_become_shorter_goes_out_as_it_is() {
    let prepared = Prepared::binary(&noise(5000, 9));
    let mut end = server(&alone(), &alone());
    for _ in 0..2 {
        assert_eq!(send(&mut end, &prepared), prepared.frame());
    }
}

#[test]
fn threshold_and_switch_hold_for_prepared_messages() {
    let config = DeflateConfig { threshold: 100, ..alone() };
    let mut end = server(&config, &config);
    let (short, long) = ("a".repeat(99), "a".repeat(100));
    let rsv = |end: &mut End, prepared: Prepared| payloads(&send(end, &prepared))[0].0;
    assert_eq!(rsv(&mut end, Prepared::text(&short)), 0);
    assert_eq!(rsv(&mut end, Prepared::text(&long)), RSV1);
    assert_eq!(rsv(&mut end, Prepared::text(&short).compress(Compress::Always)), RSV1);
    assert_eq!(rsv(&mut end, Prepared::text(&long).compress(Compress::Never)), 0);
}
