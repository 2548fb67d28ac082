//! The receiving half: from bytes to messages and control frames (RFC 6455 §5, §6.2), in one pass.
//!
//! A message that lies whole in the read buffer is unmasked, checked and handed out where it stands. Only what a read cut
//! through is kept: up to 14 bytes of header, up to 125 bytes of a control frame, or a message that is being gathered.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Buf, BufMut, BytesMut};

use super::close::CloseFrame;
use super::config::{Config, Role};
use super::deflate::{Deflate, Inflater};
use super::error::ProtocolError;
use super::frame::{Header, Opcode, RSV1};
use super::framing::SHARE_FROM;
use super::mask;
use super::message::{Message, Payload};
use super::partial::{Frame, Gathered, Partial};
use super::text::{Spare, Text};

/// From this much missing payload on a message is read straight into its own buffer.
const DIRECT_FROM: u64 = 16 * 1024;
/// A gathered message grows by what has arrived, but at least by this much.
const MIN_GROWTH: usize = 4 * 1024;

/// What was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received<'a> {
    /// A whole message.
    Message(Payload<'a>),
    /// A ping, to be answered by a pong with the same payload (§5.5.2).
    Ping(Cow<'a, [u8]>),
    /// A pong (§5.5.3).
    Pong(Cow<'a, [u8]>),
    /// A close frame (§5.5.1). Nothing follows it.
    Close(CloseFrame),
    /// The peer has broken the protocol; what follows is not looked at.
    Violation(ProtocolError),
}

/// The machine that takes bytes and gives what they mean.
#[derive(Debug)]
pub struct Receiver {
    config: Arc<Config>,
    /// Only while there is something: an idle connection is small.
    partial: Option<Box<Partial>>,
    /// Only where permessage-deflate was negotiated.
    inflater: Option<Box<Inflater>>,
    /// The longest message that is taken in a single frame.
    max_whole: u32,
    role: Role,
    finished: bool,
}

type Step<'a> = Result<Option<Received<'a>>, ProtocolError>;

impl Receiver {
    /// The receiving half of a connection on which this side plays `role`.
    #[must_use]
    pub fn new(role: Role, config: Arc<Config>) -> Self {
        let max_whole = config.max_frame_size.min(config.max_message_size);
        let max_whole = u32::try_from(max_whole).unwrap_or(u32::MAX);
        Self { config, partial: None, inflater: None, max_whole, role, finished: false }
    }

    /// The role that this side plays.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Has compressed messages inflated from now on.
    pub fn set_deflate(&mut self, deflate: &Deflate) {
        self.inflater = Some(Inflater::boxed(deflate, self.role));
    }

    /// Takes bytes from the front of `input` until something is complete, or all of them. The payload may be borrowed from
    /// `input`, which is unmasked in place. To be called until it returns `None`.
    pub fn handle_input<'a>(&mut self, input: &mut &'a mut [u8]) -> Option<Received<'a>> {
        while !self.finished {
            let step = match self.frame() {
                None => match self.handle_whole(input) {
                    Some(Ok(payload)) => return Some(Received::Message(payload)),
                    Some(Err(error)) => Err(error),
                    None => self.handle_header(input),
                },
                Some(frame) => self.handle_payload(frame, input),
            };
            match step {
                Ok(None) if input.is_empty() && !self.is_complete() => {
                    self.tidy();
                    return None;
                }
                Ok(None) => {}
                Ok(Some(received)) => {
                    match received {
                        Received::Close(_) => self.finish(),
                        _ => self.tidy(),
                    }
                    return Some(received);
                }
                Err(error) => return Some(self.fail(error)),
            }
        }
        // §5.5.1, §7.1.7: nothing is processed after a close frame or a failure.
        *input = &mut [];
        None
    }

    /// The message at the front of `input`, if it is a single frame that lies there whole, which most are. If not, nothing is
    /// taken. [`Receiver::handle_input`] does this too; who has many messages saves the way there.
    ///
    /// # Errors
    ///
    /// A text that is not UTF-8. It is to be reported as [`Received::Violation`].
    #[inline(always)]
    pub fn handle_whole<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Option<Result<Payload<'a>, ProtocolError>> {
        if self.partial.is_some() || self.finished {
            return None;
        }
        // What is wrong with a header is found again, and told, by who looks at all kinds of frames.
        let (is_text, mask, used, len) = whole_header(input)?;
        let is_right =
            mask.is_some() == (self.role == Role::Server) && len <= self.max_whole as usize;
        if !is_right || input.len() - used < len {
            return None;
        }
        take(input, used);
        let payload = take(input, len);
        if let Some(key) = mask {
            mask::apply(key, 0, payload);
        }
        if !is_text {
            return Some(Ok(Payload::binary(payload)));
        }
        Some(match simdutf8::basic::from_utf8(payload) {
            Ok(text) => Ok(Payload::text(text)),
            Err(_) => {
                self.finish();
                Err(ProtocolError::TextNotUtf8)
            }
        })
    }

    /// Whether a frame begins at `input` for which [`Receiver::handle_big`] is of use.
    #[inline]
    #[must_use]
    pub fn is_big(input: &[u8]) -> bool {
        match *input {
            [_, second, high, low, ..] => match second & 0x7F {
                126 => usize::from(u16::from_be_bytes([high, low])) >= SHARE_FROM,
                short => short == 127,
            },
            _ => false,
        }
    }

    /// Whether `input` is the beginning of such a frame, and not all of it.
    #[must_use]
    pub fn is_big_and_more(input: &[u8]) -> bool {
        Self::is_big(input)
            && matches!(Header::decode(input), Ok(Some((header, used)))
                if header.len > (input.len() - used) as u64)
    }

    /// As [`Receiver::handle_whole`], for a message that is worth being split off `buffer` instead of being borrowed from it.
    ///
    /// With `take_over` the buffer is given away: the message owns it, and if there is room for all of it, it may be
    /// incomplete. The rest belongs to [`Receiver::direct`] then.
    pub fn handle_big(
        &mut self,
        buffer: &mut BytesMut,
        take_over: bool,
    ) -> Option<Received<'static>> {
        if self.is_mid_message() || self.finished {
            return None;
        }
        let (header, used) = Header::decode(buffer).ok()??;
        let is_message = matches!(header.opcode, Opcode::Text | Opcode::Binary) && header.fin;
        if !is_message || header.rsv != 0 || self.check(&header).is_err() {
            return None;
        }
        let end = used + usize::try_from(header.len).ok()?;
        if take_over && buffer.len() <= end && buffer.capacity() >= end {
            let mut payload = std::mem::take(buffer);
            payload.advance(used);
            let count = payload.len();
            let partial = self.partial();
            partial.frame = Some(Frame { header, received: 0 });
            partial.message = Some(Gathered::starting_with(header.opcode, payload));
            return self.handle_direct(count);
        }
        if buffer.len() < end {
            return None;
        }
        let mut payload = buffer.split_to(end).split_off(used);
        if let Some(key) = header.mask {
            mask::apply(key, 0, &mut payload);
        }
        let payload = payload.freeze();
        let message = match header.opcode {
            Opcode::Text => match Text::try_from(payload) {
                Ok(text) => Message::Text(text),
                Err(_) => return Some(self.fail(ProtocolError::TextNotUtf8)),
            },
            _ => Message::Binary(payload),
        };
        Some(Received::Message(Payload::shared(message)))
    }

    /// Where the next bytes of a big message belong, if one is arriving: they can be read there instead of being copied
    /// from a read buffer. What was appended is then announced by [`Receiver::handle_direct`]. A compressed message is
    /// inflated out of the read buffer, and has no such place.
    pub fn direct(&mut self) -> Option<Spare<'_>> {
        if !self.is_direct() {
            return None;
        }
        let partial = self.partial.as_mut()?;
        let (frame, message) = (partial.frame?, partial.message.as_mut()?);
        let missing = usize::try_from(frame.missing()).ok()?;
        let grow = missing.min(message.len().max(MIN_GROWTH));
        Some(message.spare(grow, grow))
    }

    /// Whether [`Receiver::direct`] has a place for what comes next.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        let Some(partial) = &self.partial else { return false };
        let is_long = partial.frame.is_some_and(|frame| frame.missing() >= DIRECT_FROM);
        is_long && partial.message.is_some() && !self.finished && !self.is_inflating()
    }

    /// Takes `count` bytes that were appended to the buffer of [`Receiver::direct`].
    pub fn handle_direct(&mut self, count: usize) -> Option<Received<'static>> {
        let frame = self.frame()?;
        match self.gathered(frame, count) {
            Ok(received) => {
                self.tidy();
                received
            }
            Err(error) => Some(self.fail(error)),
        }
    }

    /// Whether a message or frame has begun to arrive.
    #[must_use]
    pub const fn is_mid_message(&self) -> bool {
        self.partial.is_some()
    }

    fn frame(&self) -> Option<Frame> {
        self.partial.as_ref()?.frame
    }

    fn partial(&mut self) -> &mut Partial {
        self.partial.get_or_insert_default()
    }

    /// Lets go of what is over.
    fn tidy(&mut self) {
        if self.partial.as_ref().is_some_and(|partial| partial.is_over()) {
            self.partial = None;
        }
    }

    /// A payload that has arrived whole but was not acted upon: that of an empty frame.
    fn is_complete(&self) -> bool {
        self.frame().is_some_and(|frame| frame.missing() == 0)
    }

    fn fail(&mut self, error: ProtocolError) -> Received<'static> {
        self.finish();
        Received::Violation(error)
    }

    /// Nothing more is processed, so that what was gathered is of no use.
    fn finish(&mut self) {
        self.finished = true;
        self.partial = None;
        self.inflater = None;
    }

    fn handle_header<'a>(&mut self, input: &mut &'a mut [u8]) -> Step<'a> {
        let is_split = self.partial.as_ref().is_some_and(|partial| partial.head_len > 0);
        let header = if !is_split && let Some((header, used)) = Header::decode(input)? {
            take(input, used);
            header
        } else if input.is_empty() {
            return Ok(None);
        } else {
            match self.partial().split_header(input)? {
                Some(header) => header,
                None => return Ok(None),
            }
        };
        self.check(&header)?;
        if header.rsv != 0
            && let Some(inflater) = &mut self.inflater
        {
            inflater.begin();
        }
        if !header.opcode.is_control() || header.len > input.len() as u64 {
            self.partial().frame = Some(Frame { header, received: 0 });
            return Ok(None);
        }
        // A control frame between fragments (§5.4) stands for itself.
        let payload = take(input, header.len as usize); // not more than is there
        if let Some(key) = header.mask {
            mask::apply(key, 0, payload);
        }
        let payload = &*payload;
        Ok(Some(match header.opcode {
            Opcode::Close => Received::Close(CloseFrame::parse(payload)?),
            Opcode::Ping => Received::Ping(Cow::Borrowed(payload)),
            _ => Received::Pong(Cow::Borrowed(payload)),
        }))
    }

    /// What depends on the connection: the role, the message under way, the limits.
    #[inline]
    fn check(&self, header: &Header) -> Result<(), ProtocolError> {
        // §5.2: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values".
        if header.rsv != 0 && !self.defines_bits(header) {
            return Err(ProtocolError::ReservedBits);
        }
        // §5.1: "a client MUST mask all frames", "A server MUST NOT mask any frames".
        match (self.role, header.mask) {
            (Role::Server, None) => return Err(ProtocolError::MaskMissing),
            (Role::Client, Some(_)) => return Err(ProtocolError::MaskUnexpected),
            _ => {}
        }
        if header.opcode.is_control() {
            return Ok(());
        }
        let message = self.partial.as_ref().and_then(|partial| partial.message.as_ref());
        let gathered = match (message, header.opcode) {
            (None, Opcode::Continuation) => return Err(ProtocolError::ContinuationWithoutMessage),
            (None, _) => 0,
            (Some(message), Opcode::Continuation) => message.len() as u64,
            (Some(_), _) => return Err(ProtocolError::MessageInterrupted),
        };
        if header.len > self.config.max_frame_size as u64 {
            return Err(ProtocolError::FrameTooBig);
        }
        // Of a compressed message counts what it inflates to.
        if header.len > (self.config.max_message_size as u64).saturating_sub(gathered)
            && header.rsv == 0
            && !self.is_inflating()
        {
            return Err(ProtocolError::MessageTooBig);
        }
        Ok(())
    }

    /// RFC 7692 §6: RSV1 is defined on the first frame of a message, not on a further fragment or a control frame.
    #[cold]
    fn defines_bits(&self, header: &Header) -> bool {
        self.inflater.is_some()
            && header.rsv == RSV1
            && matches!(header.opcode, Opcode::Text | Opcode::Binary)
    }

    /// Whether the message under way is compressed.
    fn is_inflating(&self) -> bool {
        self.inflater.as_ref().is_some_and(|inflater| inflater.is_active())
    }

    fn handle_payload<'a>(&mut self, frame: Frame, input: &mut &'a mut [u8]) -> Step<'a> {
        let missing = usize::try_from(frame.missing()).unwrap_or(usize::MAX);
        let count = missing.min(input.len());
        let piece = take(input, count);
        if frame.header.opcode.is_control() {
            return self.handle_control(frame, piece);
        }
        if self.is_inflating() {
            return self.handle_deflated(frame, piece);
        }
        let opcode = frame.header.opcode;
        let message = self.partial().message.get_or_insert_with(|| Gathered::new(opcode));
        let grow = count.max(MIN_GROWTH.min(missing));
        message.spare(grow, count).put_slice(piece);
        self.gathered(frame, count)
    }

    /// `count` bytes of the payload of `frame` have been appended to the message, still masked.
    fn gathered(&mut self, mut frame: Frame, count: usize) -> Step<'static> {
        let Some(partial) = &mut self.partial else { return Ok(None) };
        let Some(message) = &mut partial.message else { return Ok(None) };
        if let Some(key) = frame.header.mask {
            mask::apply(key, (frame.received & 3) as usize, message.unchecked_mut(count));
        }
        message.check()?;
        frame.received += count as u64;
        partial.frame = (frame.missing() > 0).then_some(frame);
        if partial.frame.is_some() || !frame.header.fin {
            return Ok(None);
        }
        self.gathered_whole()
    }

    /// A piece of the payload of `frame`, which belongs to a compressed message.
    fn handle_deflated(&mut self, mut frame: Frame, piece: &mut [u8]) -> Step<'static> {
        let Some(inflater) = &mut self.inflater else { return Ok(None) };
        let opcode = frame.header.opcode;
        let partial = self.partial.get_or_insert_default();
        let message = partial.message.get_or_insert_with(|| Gathered::new(opcode));
        if let Some(key) = frame.header.mask {
            mask::apply(key, (frame.received & 3) as usize, piece);
        }
        let limit = self.config.max_message_size;
        inflater.feed(piece, |inflated| {
            if inflated.len() > limit.saturating_sub(message.len()) {
                return Err(ProtocolError::MessageTooBig);
            }
            message.spare(inflated.len(), inflated.len()).put_slice(inflated);
            message.check()
        })?;
        frame.received += piece.len() as u64;
        partial.frame = (frame.missing() > 0).then_some(frame);
        if partial.frame.is_some() || !frame.header.fin {
            return Ok(None);
        }
        inflater.finish()?;
        self.gathered_whole()
    }

    /// All of the message has been gathered.
    fn gathered_whole(&mut self) -> Step<'static> {
        match self.partial.as_mut().and_then(|partial| partial.message.take()) {
            Some(message) => Ok(Some(Received::Message(Payload::owned(message.finish()?)))),
            None => Ok(None),
        }
    }

    fn handle_control<'a>(&mut self, mut frame: Frame, piece: &'a mut [u8]) -> Step<'a> {
        if let Some(key) = frame.header.mask {
            mask::apply(key, (frame.received & 3) as usize, piece);
        }
        frame.received += piece.len() as u64;
        let partial = self.partial();
        partial.frame = (frame.missing() > 0).then_some(frame);
        partial.control.extend_from_slice(piece);
        if partial.frame.is_some() {
            return Ok(None);
        }
        let payload = std::mem::take(&mut partial.control);
        Ok(Some(match frame.header.opcode {
            Opcode::Close => Received::Close(CloseFrame::parse(&payload)?),
            Opcode::Ping => Received::Ping(Cow::Owned(payload)),
            _ => Received::Pong(Cow::Owned(payload)),
        }))
    }
}

/// What the header of a message in a single frame says: whether it is text, the masking key, and the lengths of header and
/// payload. None of anything that is not quite that.
#[inline(always)]
fn whole_header(input: &[u8]) -> Option<(bool, Option<[u8; 4]>, usize, usize)> {
    const TEXT: u8 = 0x81; // FIN, no reserved bits
    const BINARY: u8 = 0x82;
    let &[first @ (TEXT | BINARY), second, ref rest @ ..] = input else { return None };
    let (len, rest, len_bytes) = match second & 0x7F {
        short @ 0..=125 => (usize::from(short), rest, 0),
        126 => {
            let (len, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*len)), rest, 2)
        }
        _ => {
            let (len, rest) = rest.split_first_chunk::<8>()?;
            (usize::try_from(u64::from_be_bytes(*len)).ok()?, rest, 8)
        }
    };
    // §5.2: "the minimal number of bytes MUST be used".
    if (len_bytes == 2 && len < 126) || (len_bytes == 8 && len <= 0xFFFF) {
        return None;
    }
    let (mask, mask_bytes) = match second & 0x80 {
        0 => (None, 0),
        _ => (Some(*rest.first_chunk::<4>()?), 4),
    };
    Some((first == TEXT, mask, 2 + len_bytes + mask_bytes, len))
}

/// Cuts the first `count` bytes off `input`.
#[inline]
pub(super) fn take<'a>(input: &mut &'a mut [u8], count: usize) -> &'a mut [u8] {
    let (front, rest) = std::mem::take(input).split_at_mut(count);
    *input = rest;
    front
}
