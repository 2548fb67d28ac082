//! From a packet to MessagePack, in its shortest forms.

use serde_json::Number;

use crate::packet::Value;

/// A whole packet; members that are absent are left out, not nil.
pub(super) fn packet(kind: u8, namespace: &str, id: Option<u64>, data: Option<&Value>) -> Vec<u8> {
    let mut out = Vec::new();
    let members = 2 + usize::from(data.is_some()) + usize::from(id.is_some());
    head(&mut out, members, MAP);
    text(&mut out, "type");
    unsigned(&mut out, kind.into());
    if let Some(data) = data {
        text(&mut out, "data");
        value(&mut out, data);
    }
    text(&mut out, "nsp");
    text(&mut out, namespace);
    if let Some(id) = id {
        text(&mut out, "id");
        unsigned(&mut out, id);
    }
    out
}

/// `fix | length`, and the markers for lengths of 8, 16 and 32 bits.
struct Markers {
    fix: u8,
    fix_below: usize,
    short: Option<u8>,
    medium: u8,
    long: u8,
}

const MAP: Markers = Markers { fix: 0x80, fix_below: 16, short: None, medium: 0xde, long: 0xdf };
const ARRAY: Markers = Markers { fix: 0x90, fix_below: 16, short: None, medium: 0xdc, long: 0xdd };
const TEXT: Markers =
    Markers { fix: 0xa0, fix_below: 32, short: Some(0xd9), medium: 0xda, long: 0xdb };
const BYTES: Markers =
    Markers { fix: 0, fix_below: 0, short: Some(0xc4), medium: 0xc5, long: 0xc6 };

fn head(out: &mut Vec<u8>, length: usize, markers: Markers) {
    match (length, markers.short) {
        (length, _) if length < markers.fix_below => out.push(markers.fix | length as u8),
        (0..=0xff, Some(short)) => out.extend([short, length as u8]),
        (0..=0xffff, _) => {
            out.push(markers.medium);
            out.extend((length as u16).to_be_bytes());
        }
        _ => {
            out.push(markers.long);
            // What has more than 4 GiB is in no message.
            out.extend((length as u32).to_be_bytes());
        }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    head(out, text.len(), TEXT);
    out.extend(text.as_bytes());
}

/// Recursive, over a value that nests at most 128 deep: it was read from JSON with that limit.
fn value(out: &mut Vec<u8>, from: &Value) {
    match from {
        Value::Null => out.push(0xc0),
        Value::Bool(false) => out.push(0xc2),
        Value::Bool(true) => out.push(0xc3),
        Value::Number(number) => self::number(out, number),
        Value::String(string) => text(out, string),
        Value::Bytes(bytes) => {
            head(out, bytes.len(), BYTES);
            out.extend(bytes);
        }
        Value::Array(elements) => {
            head(out, elements.len(), ARRAY);
            elements.iter().for_each(|element| value(out, element));
        }
        Value::Object(members) => {
            head(out, members.len(), MAP);
            for (key, member) in members {
                text(out, key);
                value(out, member);
            }
        }
    }
}

fn number(out: &mut Vec<u8>, number: &Number) {
    if let Some(number) = number.as_u64() {
        unsigned(out, number);
    } else if let Some(number) = number.as_i64() {
        negative(out, number);
    } else {
        out.push(0xcb);
        out.extend(number.as_f64().unwrap_or(f64::NAN).to_be_bytes());
    }
}

fn unsigned(out: &mut Vec<u8>, number: u64) {
    match number {
        0..=0x7f => out.push(number as u8),
        0x80..=0xff => out.extend([0xcc, number as u8]),
        0x100..=0xffff => {
            out.push(0xcd);
            out.extend((number as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend((number as u32).to_be_bytes());
        }
        _ => {
            out.push(0xcf);
            out.extend(number.to_be_bytes());
        }
    }
}

fn negative(out: &mut Vec<u8>, number: i64) {
    match number {
        -32..0 => out.push(number as u8),
        -0x80..-32 => out.extend([0xd0, number as u8]),
        -0x8000..-0x80 => {
            out.push(0xd1);
            out.extend((number as i16).to_be_bytes());
        }
        -0x8000_0000..-0x8000 => {
            out.push(0xd2);
            out.extend((number as i32).to_be_bytes());
        }
        _ => {
            out.push(0xd3);
            out.extend(number.to_be_bytes());
        }
    }
}
