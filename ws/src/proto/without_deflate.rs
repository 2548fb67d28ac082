//! In the place of `deflate` when the crate is built without that feature: the same names, of which there are no values.

use std::fmt;

use bytes::Bytes;

use super::frame::Opcode;
use super::{Compress, Extension, Message, ProtocolError, Role};

/// Compression of messages, which needs the feature `deflate`: without it there is none of these.
#[derive(Debug, Clone)]
pub enum DeflateConfig {}

/// permessage-deflate as client and server agreed on it, which needs the feature `deflate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deflate {}

#[derive(Debug)]
pub(crate) struct Unacceptable;

impl DeflateConfig {
    pub(crate) fn offer(&self) -> String {
        match *self {}
    }

    pub(crate) fn accept<'a>(&self, _: impl IntoIterator<Item = Extension<'a>>) -> Option<Deflate> {
        match *self {}
    }

    #[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
    pub(crate) fn verify<'a>(
        _: &[Self],
        _: impl IntoIterator<Item = Extension<'a>>,
    ) -> Result<Option<Deflate>, Unacceptable> {
        Ok(None)
    }
}

impl fmt::Display for Deflate {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

#[derive(Debug)]
pub(super) enum Inflater {}

impl Inflater {
    pub(super) fn boxed(deflate: &Deflate, _: Role) -> Box<Self> {
        match *deflate {}
    }

    pub(super) const fn is_active(&self) -> bool {
        match *self {}
    }

    pub(super) const fn begin(&mut self) {
        match *self {}
    }

    pub(super) fn feed(
        &mut self,
        _: &[u8],
        _: impl FnMut(&[u8]) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        match *self {}
    }

    pub(super) const fn finish(&mut self) -> Result<(), ProtocolError> {
        match *self {}
    }
}

#[derive(Debug)]
pub(super) enum Deflater {}

impl Deflater {
    pub(super) fn boxed(deflate: &Deflate, _: Role) -> Box<Self> {
        match *deflate {}
    }

    pub(super) const fn takes(&self, _: usize, _: Compress) -> bool {
        match *self {}
    }

    pub(super) const fn frame(
        &mut self,
        _: Opcode,
        _: Option<[u8; 4]>,
        _: &[u8],
        _: &mut Vec<u8>,
    ) -> bool {
        match *self {}
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Deflated(());

pub(super) enum Share<'a> {
    #[expect(dead_code, reason = "there is no compressed frame")]
    Frame(&'a Bytes),
    #[expect(dead_code, reason = "nobody asks")]
    Plain,
    #[expect(dead_code, reason = "nobody asks")]
    Own,
}

impl Deflated {
    pub(super) const fn get(&self, _: &Message, deflater: &mut Deflater) -> Share<'_> {
        match *deflater {}
    }
}
