//! Stand-in for `ws::Prepared` until it lands; same API, no frame.

use bytes::Bytes;

#[derive(Debug, Clone)]
pub(crate) struct Prepared(bool, Bytes);

impl Prepared {
    pub(crate) fn build_text(build: impl FnOnce(&mut String)) -> Self {
        let mut text = String::new();
        build(&mut text);
        Self(true, text.into())
    }

    pub(crate) fn binary(bytes: &[u8]) -> Self {
        Self(false, Bytes::copy_from_slice(bytes))
    }

    pub(crate) fn payload(&self) -> Bytes {
        self.1.clone()
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        self.0.then(|| std::str::from_utf8(&self.1).expect("built from text"))
    }
}
