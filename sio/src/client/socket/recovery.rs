//! Connection state recovery (rule 29): what a client remembers of its session, and shows when it comes back. Pure.

use serde_json::value::RawValue;

use crate::packet::Packet;

/// What the server needs to give a session back.
#[derive(Debug, Default)]
pub(in crate::client) struct Recovery {
    /// The private id of the session; without one the server does not offer recovery.
    pid: Option<Box<str>>,
    /// The last offset, as a JSON string.
    offset: Option<Box<str>>,
}

impl Recovery {
    /// The namespace was joined. Whether the session is the one from before.
    pub(in crate::client) fn handle_connect(&mut self, pid: Option<Box<str>>) -> bool {
        let recovered = pid.is_some() && self.pid == pid;
        if !recovered {
            self.offset = None;
        }
        self.pid = pid;
        recovered
    }

    /// The session can't be had back.
    pub(in crate::client) fn forget(&mut self) {
        *self = Self::default();
    }

    /// An event has come. The server appends an offset to those that it can repeat, which want no answer; it can't be told from a last
    /// argument that happens to be text.
    pub(in crate::client) fn handle_event(&mut self, id: Option<u64>, payload: &str) {
        if self.pid.is_some()
            && id.is_none()
            && let Some(offset) = last_string(payload)
        {
            self.offset = Some(offset.into());
        }
    }

    /// The payload of the next CONNECT: that of the application, and what the session is known by. The latter stands last, so that
    /// the application can't override it by accident.
    pub(in crate::client) fn payload(&self, auth: Option<&RawValue>) -> Option<String> {
        let Some(pid) = &self.pid else { return auth.map(|auth| auth.get().to_owned()) };
        let pid = serde_json::Value::from(&**pid);
        let auth = auth.map_or("{}", RawValue::get).trim();
        let open = auth.strip_suffix('}').unwrap_or("{");
        let comma = if open.trim_end().ends_with('{') { "" } else { "," };
        let offset = self.offset.as_deref().map(|offset| format!(r#","offset":{offset}"#));
        Some(format!(r#"{open}{comma}"pid":{pid}{}}}"#, offset.unwrap_or_default()))
    }
}

/// Events that come before the namespace has answered: what was missed. Reading can't be paused for them, since the answer is behind
/// them.
#[derive(Debug, Default)]
pub(in crate::client) struct Missed {
    packets: Vec<Packet>,
    bytes: usize,
}

impl Missed {
    /// Keeps an event. `false` if there was no room for it.
    pub(in crate::client) fn push(&mut self, packet: Packet, max_bytes: usize) -> bool {
        let room = self.bytes < max_bytes;
        if room {
            self.bytes += packet.weight();
            self.packets.push(packet);
        }
        room
    }

    pub(in crate::client) fn into_packets(self) -> Vec<Packet> {
        self.packets
    }
}

/// The last element of a JSON array, if it is a string and not the first: as it stands there.
fn last_string(array: &str) -> Option<&str> {
    let inner = array.trim_end().strip_suffix(']')?.trim_end();
    let body = inner.strip_suffix('"')?;
    // Within a string every quote has an odd number of backslashes before it, so that one with an even number is its beginning.
    let start = body.char_indices().rev().filter(|(_, c)| *c == '"').find(|(at, _)| {
        let escapes = body[..*at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        escapes % 2 == 0
    })?;
    let before = inner[..start.0].trim_end();
    before.ends_with(',').then(|| &inner[start.0..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_argument_is_found_whatever_is_in_it() {
        for (array, last) in [
            (r#"["e","off"]"#, Some(r#""off""#)),
            (r#"["e",{"a":"b"},"o" ] "#, Some(r#""o""#)),
            (r#"["e", "a\"b,\\"]"#, Some(r#""a\"b,\\""#)),
            (r#"["e","\\\""]"#, Some(r#""\\\"""#)),
            (r#"["e",""]"#, Some(r#""""#)),
            (r#"["e"]"#, None),
            (r#"["e",1]"#, None),
            (r#"["e",["x"]]"#, None),
            (r#"["e",{"a":"b"}]"#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(last_string(array), last, "{array}");
        }
    }

    #[test]
    fn rule_29_a_session_is_asked_for_by_pid_and_offset() {
        let mut recovery = Recovery::default();
        let auth = serde_json::value::to_raw_value(&serde_json::json!({ "token": "}" })).unwrap();
        recovery.handle_event(None, r#"["e","early"]"#);
        assert_eq!(recovery.payload(Some(&auth)).as_deref(), Some(r#"{"token":"}"}"#));
        assert_eq!(recovery.payload(None), None);
        assert!(!recovery.handle_connect(Some("p\"1".into())));
        assert_eq!(recovery.payload(None).as_deref(), Some(r#"{"pid":"p\"1"}"#));
        recovery.handle_event(None, r#"["e",1,"o1"]"#);
        recovery.handle_event(Some(3), r#"["question","no offset"]"#);
        let payload = recovery.payload(Some(&auth)).unwrap();
        assert_eq!(payload, r#"{"token":"}","pid":"p\"1","offset":"o1"}"#);
        assert!(recovery.handle_connect(Some("p\"1".into())), "it is the session from before");
        assert!(!recovery.handle_connect(Some("p2".into())), "another one");
        assert_eq!(recovery.payload(None).as_deref(), Some(r#"{"pid":"p2"}"#));
        assert!(!recovery.handle_connect(None));
        assert_eq!(recovery.payload(None), None);
    }
}
