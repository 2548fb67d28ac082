//! A message compressed once for many receivers.

use std::sync::OnceLock;

use bytes::Bytes;

use super::compress::Deflater;
use crate::proto::Message;

/// The compressed frame of a [`Prepared`](crate::Prepared) message, made by the first connection that wants it.
#[derive(Debug, Clone, Default)]
pub(in crate::proto) struct Deflated(OnceLock<Box<Made>>);

#[derive(Debug, Clone)]
struct Made {
    /// Who has a window this wide can read it.
    window_bits: u8,
    /// `None` if the message does not become shorter.
    frame: Option<Bytes>,
}

/// How a receiver gets the message.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::proto) enum Share<'a> {
    /// By this frame.
    Frame(&'a Bytes),
    /// Not compressed.
    Plain,
    /// It needs one of its own.
    Own,
}

impl Deflated {
    pub(in crate::proto) fn get(&self, message: &Message, deflater: &mut Deflater) -> Share<'_> {
        if !deflater.is_shareable() {
            return Share::Own;
        }
        let made = self.0.get_or_init(|| {
            let mut buffer = Vec::new();
            let opcode = message.opcode();
            let is_shorter = deflater.frame(opcode, None, message.as_bytes(), &mut buffer);
            buffer.shrink_to_fit();
            let frame = is_shorter.then(|| Bytes::from(buffer));
            Box::new(Made { window_bits: deflater.window_bits(), frame })
        });
        match &made.frame {
            None => Share::Plain,
            Some(_) if made.window_bits > deflater.window_bits() => Share::Own,
            Some(frame) => Share::Frame(frame),
        }
    }
}
