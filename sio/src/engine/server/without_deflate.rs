//! In the place of `compress` when the crate is built without the feature `deflate`: bodies go as they are.

use bytes::Bytes;

use crate::engine::Coding;

#[expect(clippy::unused_async, reason = "as with the feature")]
pub(super) async fn compress(_: &Bytes, _: Coding, _: u32) -> Option<Bytes> {
    None
}
