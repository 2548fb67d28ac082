//! From MessagePack to JSON with placeholders, in one pass over the message.

use bytes::Bytes;

use super::date;
use crate::packet::DecodeError;

/// How deep arrays and maps may nest: as deep as `serde_json` reads what is made of them.
const MAX_DEPTH: usize = 127;

/// The members of a packet. Each is absent if it is missing, nil or undefined.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) kind: Option<u8>,
    pub(super) namespace: Option<Box<str>>,
    pub(super) id: Option<u64>,
    /// JSON, empty if absent.
    pub(super) data: String,
    pub(super) attachments: Vec<Bytes>,
}

pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// One item; what an array, map or extension holds follows it.
enum Item<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Array(usize),
    Map(usize),
    /// With whether its length was one of the fixed ones.
    Extension(i8, &'a [u8], bool),
}

type Result<T> = std::result::Result<T, DecodeError>;

const INVALID: DecodeError = DecodeError::Json;

impl<'a> Reader<'a> {
    pub(super) const fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The packet that the whole message is. Members of other names are skipped: the JavaScript client sends its own options.
    pub(super) fn packet(mut self) -> Result<Fields> {
        let Item::Map(members) = self.item()? else { return Err(INVALID) };
        let mut fields = Fields::default();
        for _ in 0..members {
            let Item::Text(key) = self.item()? else { return Err(INVALID) };
            match key {
                "type" => {
                    fields.kind = match self.item()? {
                        Item::Unsigned(kind) => u8::try_from(kind).ok(),
                        _ => return Err(DecodeError::UnknownType),
                    }
                }
                "nsp" => {
                    fields.namespace = match self.item()? {
                        Item::Text(name) => Some(name.into()),
                        _ => return Err(DecodeError::Namespace),
                    }
                }
                "id" => {
                    fields.id = match self.item()? {
                        Item::Unsigned(id) => Some(id),
                        item if item.is_absent() => None,
                        _ => return Err(DecodeError::AckId),
                    }
                }
                "data" => {
                    fields.data.clear();
                    fields.attachments.clear();
                    match self.item()? {
                        item if item.is_absent() => {}
                        item => self.json(item, &mut fields, 0)?,
                    }
                }
                _ => {
                    let item = self.item()?;
                    self.skip(&item)?;
                }
            }
        }
        if self.rest.is_empty() { Ok(fields) } else { Err(INVALID) }
    }

    /// Appends an item, and all inside it, to the JSON.
    fn json(&mut self, item: Item<'a>, to: &mut Fields, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::TooDeep);
        }
        let out = &mut to.data;
        match item {
            Item::Nil => out.push_str("null"),
            Item::Bool(truth) => out.push_str(if truth { "true" } else { "false" }),
            Item::Unsigned(number) => out.push_str(&number.to_string()),
            Item::Signed(number) => out.push_str(&number.to_string()),
            Item::Float(number) => out.push_str(&serde_json::Value::from(number).to_string()),
            Item::Text(text) => write_text(out, text),
            Item::Bytes(bytes) => write_bytes(to, bytes),
            Item::Array(length) => {
                out.push('[');
                for index in 0..length {
                    if index > 0 {
                        to.data.push(',');
                    }
                    let element = self.item()?;
                    self.json(element, to, depth + 1)?;
                }
                to.data.push(']');
            }
            Item::Map(length) => {
                out.push('{');
                for index in 0..length {
                    if index > 0 {
                        to.data.push(',');
                    }
                    match self.item()? {
                        Item::Text(key) => write_text(&mut to.data, key),
                        // As JavaScript takes them.
                        Item::Unsigned(key) => write_text(&mut to.data, &key.to_string()),
                        Item::Signed(key) => write_text(&mut to.data, &key.to_string()),
                        _ => return Err(INVALID),
                    }
                    to.data.push(':');
                    let member = self.item()?;
                    self.json(member, to, depth + 1)?;
                }
                to.data.push('}');
            }
            Item::Extension(kind, bytes, fixed) => write_extension(to, kind, bytes, fixed),
        }
        Ok(())
    }

    /// Skips what an item holds. As many items as are claimed, however they nest: no recursion, and an end at the end of the message.
    fn skip(&mut self, item: &Item<'a>) -> Result<()> {
        let mut left = item.items();
        while left > 0 {
            left = left - 1 + self.item()?.items();
        }
        Ok(())
    }

    fn item(&mut self) -> Result<Item<'a>> {
        let marker = self.take(1)?[0];
        Ok(match marker {
            0x00..=0x7f => Item::Unsigned(marker.into()),
            0x80..=0x8f => Item::Map((marker & 0x0f).into()),
            0x90..=0x9f => Item::Array((marker & 0x0f).into()),
            0xa0..=0xbf => self.text((marker & 0x1f).into())?,
            0xc0 => Item::Nil,
            0xc1 => return Err(INVALID),
            0xc2 => Item::Bool(false),
            0xc3 => Item::Bool(true),
            0xc4..=0xc6 => {
                let length = self.length(marker - 0xc4)?;
                Item::Bytes(self.take(length)?)
            }
            0xc7..=0xc9 => {
                let length = self.length(marker - 0xc7)?;
                self.extension(length, false)?
            }
            0xca => Item::Float(f32::from_be_bytes(self.array()?).into()),
            0xcb => Item::Float(f64::from_be_bytes(self.array()?)),
            0xcc => Item::Unsigned(u8::from_be_bytes(self.array()?).into()),
            0xcd => Item::Unsigned(u16::from_be_bytes(self.array()?).into()),
            0xce => Item::Unsigned(u32::from_be_bytes(self.array()?).into()),
            0xcf => Item::Unsigned(u64::from_be_bytes(self.array()?)),
            0xd0 => signed(i8::from_be_bytes(self.array()?).into()),
            0xd1 => signed(i16::from_be_bytes(self.array()?).into()),
            0xd2 => signed(i32::from_be_bytes(self.array()?).into()),
            0xd3 => signed(i64::from_be_bytes(self.array()?)),
            0xd4..=0xd8 => self.extension(1 << (marker - 0xd4), true)?,
            0xd9..=0xdb => {
                let length = self.length(marker - 0xd9)?;
                self.text(length)?
            }
            0xdc | 0xdd => Item::Array(self.length(marker - 0xdb)?),
            0xde | 0xdf => Item::Map(self.length(marker - 0xdd)?),
            0xe0..=0xff => Item::Signed((marker as i8).into()),
        })
    }

    /// A length of 1, 2 or 4 bytes.
    fn length(&mut self, size: u8) -> Result<usize> {
        Ok(match size {
            0 => u8::from_be_bytes(self.array()?).into(),
            1 => u16::from_be_bytes(self.array()?).into(),
            _ => usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| INVALID)?,
        })
    }

    fn text(&mut self, length: usize) -> Result<Item<'a>> {
        std::str::from_utf8(self.take(length)?).map(Item::Text).map_err(|_| INVALID)
    }

    fn extension(&mut self, length: usize, fixed: bool) -> Result<Item<'a>> {
        let kind = i8::from_be_bytes(self.array()?);
        Ok(Item::Extension(kind, self.take(length)?, fixed))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| INVALID)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(INVALID)?;
        self.rest = rest;
        Ok(taken)
    }
}

impl Item<'_> {
    /// Nil, or the extension that stands for `undefined`.
    const fn is_absent(&self) -> bool {
        matches!(self, Self::Nil | Self::Extension(0, [0], true))
    }

    /// How many items are inside.
    const fn items(&self) -> u64 {
        match *self {
            Self::Array(length) => length as u64,
            Self::Map(length) => 2 * length as u64,
            _ => 0,
        }
    }
}

fn signed(number: i64) -> Item<'static> {
    u64::try_from(number).map_or(Item::Signed(number), Item::Unsigned)
}

fn write_text(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn write_bytes(to: &mut Fields, bytes: &[u8]) {
    to.data.push_str(&format!(r#"{{"_placeholder":true,"num":{}}}"#, to.attachments.len()));
    to.attachments.push(Bytes::copy_from_slice(bytes));
}

/// The extensions of notepack.io, which the JavaScript parser is made of: all of type 0, told apart by how their length is written.
/// Others are shown as that shows them.
fn write_extension(to: &mut Fields, kind: i8, bytes: &[u8], fixed: bool) {
    match (kind, <[u8; 8]>::try_from(bytes)) {
        (0, Ok(date)) if fixed => match date::to_iso(i64::from_be_bytes(date)) {
            Some(iso) => write_text(&mut to.data, &iso),
            None => to.data.push_str("null"),
        },
        // `undefined`
        (0, _) if fixed && bytes.len() == 1 => to.data.push_str("null"),
        // An `ArrayBuffer`
        (0, _) => write_bytes(to, bytes),
        (kind, _) => {
            to.data.push_str(&format!("[{kind},"));
            write_bytes(to, bytes);
            to.data.push(']');
        }
    }
}
