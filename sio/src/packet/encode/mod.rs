//! From values to text: each function appends one packet to a buffer that may already hold something, such as the Engine.IO
//! type digit, and leaves the buffer as it was if it fails.
//!
//! Arguments are serialised straight into the buffer. Whatever serialises as bytes (`bytes::Bytes`, `serde_bytes`) leaves a
//! placeholder in the text and becomes an attachment, to be sent behind the text in the order returned.

use std::io;

use bytes::Bytes;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::{EncodeError, Kind, ROOT, is_reserved, is_spread};

/// Appends an event; `data` is one argument, or several if it is a tuple or [`Args`](super::Args), or none if it is `()`.
///
/// Returns the attachments. With an `id` it asks for an answer.
///
/// # Errors
/// [`EncodeError::ReservedName`], or [`EncodeError::Serialize`] if `data` has no JSON form.
pub fn event<T: Serialize + ?Sized>(
    out: &mut String,
    namespace: &str,
    id: Option<u64>,
    name: &str,
    data: &T,
) -> Result<Vec<Bytes>, EncodeError> {
    if is_reserved(name) {
        return Err(EncodeError::ReservedName(name.into()));
    }
    with_arguments(out, Kind::Event, namespace, id, Some(name), data)
}

/// Appends the answer to the event that asked for it with `id`; `data` as for [`event`].
///
/// # Errors
/// [`EncodeError::Serialize`] if `data` has no JSON form.
pub fn ack<T: Serialize + ?Sized>(
    out: &mut String,
    namespace: &str,
    id: u64,
    data: &T,
) -> Result<Vec<Bytes>, EncodeError> {
    with_arguments(out, Kind::Ack, namespace, Some(id), None, data)
}

/// Appends a CONNECT: a client's request with its auth payload, or the server's grant with `{"sid":"…"}`.
///
/// # Errors
/// [`EncodeError::Serialize`] if `payload` has no JSON form. It must be an object for the peer to accept it.
pub fn connect<T: Serialize + ?Sized>(
    out: &mut String,
    namespace: &str,
    payload: Option<&T>,
) -> Result<(), EncodeError> {
    match payload {
        Some(payload) => with_payload(out, Kind::Connect, namespace, payload),
        None => {
            head(out, Kind::Connect, namespace, None);
            Ok(())
        }
    }
}

/// Appends a CONNECT_ERROR; `payload` is an object with `message` and perhaps `data`.
///
/// # Errors
/// [`EncodeError::Serialize`] if `payload` has no JSON form.
pub fn connect_error<T: Serialize + ?Sized>(
    out: &mut String,
    namespace: &str,
    payload: &T,
) -> Result<(), EncodeError> {
    with_payload(out, Kind::ConnectError, namespace, payload)
}

/// Appends a DISCONNECT.
pub fn disconnect(out: &mut String, namespace: &str) {
    head(out, Kind::Disconnect, namespace, None);
}

/// Appends one JSON value; returns the attachments that its placeholders point at.
///
/// # Errors
/// [`EncodeError::Serialize`] if `value` has no JSON form.
pub fn value<T: Serialize + ?Sized>(
    out: &mut String,
    value: &T,
) -> Result<Vec<Bytes>, EncodeError> {
    let start = out.len();
    write_arguments(out, false, false, value).inspect_err(|_| out.truncate(start))
}

fn head(out: &mut String, kind: Kind, namespace: &str, id: Option<u64>) {
    out.push(kind.digit());
    if namespace != ROOT {
        out.push_str(namespace);
        out.push(',');
    }
    if let Some(id) = id {
        out.push_str(&id.to_string());
    }
}

fn with_payload<T: Serialize + ?Sized>(
    out: &mut String,
    kind: Kind,
    namespace: &str,
    payload: &T,
) -> Result<(), EncodeError> {
    let start = out.len();
    head(out, kind, namespace, None);
    write_json(out, payload).inspect_err(|_| out.truncate(start))
}

fn with_arguments<T: Serialize + ?Sized>(
    out: &mut String,
    kind: Kind,
    namespace: &str,
    id: Option<u64>,
    name: Option<&str>,
    data: &T,
) -> Result<Vec<Bytes>, EncodeError> {
    let start = out.len();
    head(out, kind, namespace, id);
    out.push('[');
    let attachments = write_name(out, name)
        .and_then(|()| write_arguments(out, name.is_some(), is_spread::<T>(), data))
        .inspect_err(|_| out.truncate(start))?;
    out.push(']');
    if !attachments.is_empty() {
        // Only now is it known that the packet is binary: `2…` becomes `5<n>-…`.
        let digit = kind.with_attachments().digit();
        out.replace_range(start..=start, &format!("{digit}{}-", attachments.len()));
    }
    Ok(attachments)
}

fn write_name(out: &mut String, name: Option<&str>) -> Result<(), EncodeError> {
    name.map_or(Ok(()), |name| write_json(out, name))
}

fn write_json<T: Serialize + ?Sized>(out: &mut String, value: &T) -> Result<(), EncodeError> {
    serde_json::to_writer(Utf8(out), value).map_err(EncodeError::Serialize)
}

fn write_arguments<T: Serialize + ?Sized>(
    out: &mut String,
    comma_first: bool,
    spread: bool,
    data: &T,
) -> Result<Vec<Bytes>, EncodeError> {
    if comma_first && !spread {
        out.push(',');
    }
    let mut attachments = Vec::new();
    let formatter = Arguments { spread, comma_first, depth: 0, attachments: &mut attachments };
    data.serialize(&mut Serializer::with_formatter(Utf8(out), formatter))
        .map_err(EncodeError::Serialize)?;
    Ok(attachments)
}

/// Lets `serde_json` append to a `String`. It writes whole characters only.
struct Utf8<'a>(&'a mut String);

impl io::Write for Utf8<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(text).map_err(io::Error::other)?;
        self.0.push_str(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compact JSON in which bytes are placeholders, and a tuple at the top has no brackets.
struct Arguments<'a> {
    spread: bool,
    comma_first: bool,
    depth: usize,
    attachments: &'a mut Vec<Bytes>,
}

impl Arguments<'_> {
    fn at_top_of_tuple(&self) -> bool {
        self.spread && self.depth == 0
    }
}

impl Formatter for Arguments<'_> {
    fn write_byte_array<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        bytes: &[u8],
    ) -> io::Result<()> {
        write!(out, r#"{{"_placeholder":true,"num":{}}}"#, self.attachments.len())?;
        self.attachments.push(Bytes::copy_from_slice(bytes));
        Ok(())
    }

    /// `()` at the top is a tuple without elements.
    fn write_null<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.at_top_of_tuple() { Ok(()) } else { out.write_all(b"null") }
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        if !self.at_top_of_tuple() {
            out.write_all(b"[")?;
        }
        self.depth += 1;
        Ok(())
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.at_top_of_tuple() { Ok(()) } else { out.write_all(b"]") }
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        let of_tuple = self.spread && self.depth == 1;
        if first && !(of_tuple && self.comma_first) { Ok(()) } else { out.write_all(b",") }
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        out.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        out.write_all(b"}")
    }
}

#[cfg(test)]
mod tests;
