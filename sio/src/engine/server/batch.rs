//! What one polling request carries: packets out as the body of an answer, packets in out of the body of a POST, each in the client's
//! dialect (rules 12 and 21).

use std::borrow::Cow;

use bytes::Bytes;
use http::Response;

use super::answer::Body;
use super::polling::payload_answer;
use crate::engine::{Dialect, Outgoing, Packet, ParseError, payload, v3};

/// The answer to a GET.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) body: Bytes,
    pub(super) content_type: &'static str,
    /// May it be compressed? Only if each packet of it may: one is enough to give a secret away. (The reference server asks for one
    /// that may.)
    pub(super) is_compressible: bool,
}

impl Batch {
    pub(super) fn new(packets: &[Outgoing], dialect: Dialect) -> Self {
        let (body, content_type) = match dialect {
            Dialect::V4 => (payload::encode(packets), payload::CONTENT_TYPE),
            Dialect::V3 { jsonp: Some(callback), .. } => {
                let script = v3::write_callback(callback, &v3::encode(packets));
                (script.into(), "text/javascript; charset=UTF-8")
            }
            Dialect::V3 { base64: false, .. } if packets.iter().any(|packet| !packet.is_text()) => {
                (v3::encode_binary(packets), "application/octet-stream")
            }
            Dialect::V3 { .. } => (v3::encode(packets).into(), payload::CONTENT_TYPE),
        };
        let is_compressible = packets.iter().all(Outgoing::is_compressible);
        Self { body, content_type, is_compressible }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        payload_answer(self.content_type, self.body)
    }
}

/// The body of a POST.
pub(super) enum Payload<'a> {
    V4(&'a str),
    V3(Cow<'a, str>),
    V3Binary(&'a [u8]),
}

pub(super) enum Decoder<'a> {
    V4(payload::Decoder<'a>),
    V3(v3::TextDecoder<'a>),
    V3Binary(v3::BinaryDecoder<'a>),
}

impl<'a> Payload<'a> {
    /// `None` if the body can't be one.
    pub(super) fn new(body: &'a [u8], is_octet_stream: bool, dialect: Dialect) -> Option<Self> {
        let text = || std::str::from_utf8(body).ok();
        match dialect {
            Dialect::V4 => text().map(Self::V4),
            Dialect::V3 { jsonp: Some(_), .. } => {
                Some(Self::V3(Cow::Owned(v3::read_form(text()?)?)))
            }
            Dialect::V3 { .. } if is_octet_stream => Some(Self::V3Binary(body)),
            Dialect::V3 { .. } => text().map(|text| Self::V3(Cow::Borrowed(text))),
        }
    }

    pub(super) fn decoder(&self, max_packets: usize) -> Decoder<'_> {
        match self {
            Self::V4(text) => Decoder::V4(payload::Decoder::new(text, max_packets)),
            Self::V3(text) => Decoder::V3(v3::TextDecoder::new(text, max_packets)),
            Self::V3Binary(bytes) => Decoder::V3Binary(v3::BinaryDecoder::new(bytes, max_packets)),
        }
    }
}

impl Decoder<'_> {
    pub(super) fn next_packet(&mut self) -> Option<Result<Packet<'_>, ParseError>> {
        match self {
            Self::V4(decoder) => decoder.next_packet(),
            Self::V3(decoder) => decoder.next_packet(),
            Self::V3Binary(decoder) => decoder.next_packet(),
        }
    }
}
