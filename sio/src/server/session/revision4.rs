//! Clients of Socket.IO 2.x, which speak revision 4 of the protocol over Engine.IO 3 (rule 21), if
//! [`allow_eio3`](crate::engine::Config::allow_eio3) lets them in.
//!
//! What they say is put into the words of revision 5 before the connection sees it, what is said to them is put into theirs before it
//! leaves; nothing else knows of them:
//!
//! - they are in `/` as soon as the session is open, without asking;
//! - they ask for another namespace with a query instead of an auth payload, `0/admin?token=x`;
//! - a CONNECT to them has no payload, and the data of a CONNECT_ERROR, there called ERROR, is the error's own or its message.
//!
//! They take the id of the session for that of their sockets (`/admin#` before it in another namespace than `/`). It is a secret of
//! the two peers here, so that the server knows their sockets by other ids; but it is a room that reaches them, since such clients
//! tell it to each other.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::connection::Connection;
use crate::engine::server::{Handle, SessionHandler};
use crate::engine::{CloseReason, Message, Outgoing, Protocol};
use crate::server::Io;

/// Takes the messages of a session, whichever revision its client speaks.
pub(in crate::server) fn open(io: Io, session: Handle) -> Box<dyn SessionHandler> {
    let protocol = session.protocol();
    let mut connection = Connection::open(io, session);
    match protocol {
        Protocol::V4 => Box::new(connection),
        Protocol::V3 => {
            connection.on_message(Message::Text("0"));
            Box::new(Revision4(connection))
        }
    }
}

struct Revision4(Connection);

impl SessionHandler for Revision4 {
    fn on_message(&mut self, message: Message<'_>) {
        match message {
            Message::Text(text) => self.0.on_message(Message::Text(&upgrade(text))),
            binary @ Message::Binary(_) => self.0.on_message(binary),
        }
    }

    fn on_close(&mut self, reason: CloseReason) {
        self.0.on_close(reason);
    }
}

/// A packet of a client in the words of revision 5.
fn upgrade(text: &str) -> Cow<'_, str> {
    let Some(connect) = text.strip_prefix('0') else { return Cow::Borrowed(text) };
    let asked = connect.split_once(',').map_or(connect, |(asked, _)| asked);
    let (namespace, query) = asked.split_once('?').unwrap_or((asked, ""));
    let mut auth = Map::new();
    for (name, value) in url_pairs(query) {
        auth.entry(name).or_insert(Value::String(value));
    }
    Cow::Owned(match auth.is_empty() {
        true => format!("0{namespace},"),
        false => format!("0{namespace},{}", Value::Object(auth)),
    })
}

/// A packet of the server in the words of revision 4; `None` if they are the same. Type digits of Engine.IO stand in front.
pub(in crate::server) fn downgrade(packet: &Outgoing) -> Option<Outgoing> {
    let text = packet.as_text()?;
    let (kind, rest) = (text.get(..2)?, text.get(2..)?);
    if !matches!(kind, "40" | "44") {
        return None;
    }
    let (namespace, payload) = match rest.strip_prefix('/') {
        Some(_) => rest.split_once(',').unwrap_or((rest, "")),
        None => ("", rest),
    };
    let mut words = format!("{}{namespace}", &kind[1..]);
    if kind == "44" {
        let refusal: Value = serde_json::from_str(payload).ok()?;
        let told = refusal.get("data").or_else(|| refusal.get("message"))?;
        if !namespace.is_empty() {
            words.push(',');
        }
        words.push_str(&told.to_string());
    }
    Some(Outgoing::text(|text| text.push_str(&words)))
}

/// The pairs of a query, decoded; without those that can't be.
fn url_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = super::handshake::decode;
        Some((decode(name)?.into_owned(), decode(value)?.into_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_21_a_query_becomes_the_auth_payload() {
        for (text, upgraded) in [
            ("0/admin", "0/admin,"),
            ("0/admin,", "0/admin,"),
            ("0/admin?token=x,", r#"0/admin,{"token":"x"}"#),
            ("0/admin?a=b%20%26c&d&a=no", r#"0/admin,{"a":"b &c","d":""}"#),
            ("0/admin?%zz=1", "0/admin,"),
            (r#"2["event","0/admin?x"]"#, r#"2["event","0/admin?x"]"#),
            ("1/admin,", "1/admin,"),
            ("", ""),
        ] {
            assert_eq!(upgrade(text), upgraded, "{text}");
        }
    }

    #[test]
    fn rule_21_connect_without_payload_and_errors_without_an_object() {
        let down = |text: &str| downgrade(&Outgoing::text(|out| out.push_str(text)));
        for (text, downgraded) in [
            (r#"0{"sid":"x"}"#, "40"),
            (r#"0/admin,{"sid":"x"}"#, "40/admin"),
            (r#"4/admin,{"message":"no"}"#, r#"44/admin,"no""#),
            (r#"4/admin,{"message":"no","data":{"a":1}}"#, r#"44/admin,{"a":1}"#),
            (r#"4{"message":"no"}"#, r#"44"no""#),
        ] {
            assert_eq!(
                down(text).map(|packet| packet.bytes()).as_deref(),
                Some(downgraded.as_bytes())
            );
        }
        for text in ["1/admin,", r#"2["a"]"#, r#"2/admin,["4"]"#, "", "4nonsense"] {
            assert!(down(text).is_none(), "{text}");
        }
        assert!(downgrade(&Outgoing::binary(b"40")).is_none());
    }
}
