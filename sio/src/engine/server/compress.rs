//! Compression of response bodies (rule 6).

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::engine::Coding;

/// A longer body would keep the other connections of its thread waiting: it is compressed elsewhere.
const INLINE: usize = 64 << 10;

/// The body, compressed; `None` if it does not become shorter.
pub(super) async fn compress(body: &Bytes, coding: Coding, level: u32) -> Option<Bytes> {
    let compressed = match body.len() {
        0..=INLINE => encode(body, coding, level),
        _ => {
            let body = body.clone();
            tokio::task::spawn_blocking(move || encode(&body, coding, level)).await.ok()?
        }
    };
    compressed.ok().filter(|compressed| compressed.len() < body.len()).map(Bytes::from)
}

fn encode(body: &[u8], coding: Coding, level: u32) -> std::io::Result<Vec<u8>> {
    let (buffer, level) = (Vec::with_capacity(body.len() / 4), Compression::new(level.min(9)));
    match coding {
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(buffer, level);
            encoder.write_all(body)?;
            encoder.finish()
        }
        Coding::Deflate => {
            let mut encoder = ZlibEncoder::new(buffer, level);
            encoder.write_all(body)?;
            encoder.finish()
        }
    }
}
