//! Where reads cut a byte stream.

use arbitrary::Arbitrary;

/// The sizes of the pieces that a stream arrives in, from the first again after the last.
#[derive(Debug, Arbitrary)]
pub(crate) struct Cuts(Vec<u16>);

impl Cuts {
    /// Calls `read` with piece after piece of `bytes`.
    pub(crate) fn pieces<'a>(&self, mut bytes: &'a [u8], mut read: impl FnMut(&'a [u8])) {
        for size in self.sizes() {
            let size = size.min(bytes.len());
            let (piece, rest) = bytes.split_at(size);
            read(piece);
            bytes = rest;
            if bytes.is_empty() {
                return;
            }
        }
    }

    /// Endless.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = usize> + '_ {
        // Small ones are those that cut something; a read of nothing would be the end of the stream.
        let size =
            |size: &u16| usize::from(if size >> 8 < 0xC0 { size & 0xF } else { *size }).max(1);
        self.0.iter().map(size).chain(self.0.is_empty().then_some(1)).cycle()
    }
}
