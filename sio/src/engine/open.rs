//! The open packet: what a server tells about a new session (rule 11), and how a client reads it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Config, Sid, Transport};

/// Content of an open packet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Open {
    /// The session's id, of any shape if another server made it. A secret between the two peers.
    pub sid: String,
    /// Transports that the client may move to; empty on a WebSocket.
    pub upgrades: Vec<String>,
    /// Time between two pings of the server.
    pub ping_interval: Duration,
    /// Time in which a ping must be answered.
    pub ping_timeout: Duration,
    /// Largest payload in bytes that the server takes; early version 4 servers don't say.
    pub max_payload: Option<u64>,
}

/// The open packet is not JSON of the expected form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenError;

/// Bytes of an id; usual are 20.
const MAX_SID: usize = 1024;
/// There are three transports.
const MAX_UPGRADES: usize = 16;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    sid: std::borrow::Cow<'a, str>,
    upgrades: Vec<String>,
    ping_interval: u64,
    ping_timeout: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_payload: Option<u64>,
}

impl Open {
    /// Describes a new session on a server with this configuration.
    #[must_use]
    pub fn new(sid: Sid, transport: Transport, config: &Config) -> Self {
        let upgrade = transport == Transport::Polling && config.may_upgrade();
        Self {
            sid: sid.as_str().to_owned(),
            upgrades: if upgrade {
                vec![Transport::WebSocket.name().to_owned()]
            } else {
                Vec::new()
            },
            ping_interval: config.ping_interval,
            ping_timeout: config.ping_timeout,
            max_payload: u64::try_from(config.max_payload).ok(),
        }
    }

    /// The JSON that follows the type digit.
    #[must_use]
    pub fn to_json(&self) -> String {
        let wire = Wire {
            sid: self.sid.as_str().into(),
            upgrades: self.upgrades.clone(),
            ping_interval: milliseconds(self.ping_interval),
            ping_timeout: milliseconds(self.ping_timeout),
            max_payload: self.max_payload,
        };
        serde_json::to_string(&wire).expect("numbers and strings are always JSON")
    }

    /// Reads the data of an open packet.
    ///
    /// # Errors
    /// [`OpenError`] if it is not such JSON, or its id is empty or has more than 1,024 bytes, or its heartbeat is zero.
    pub fn parse(json: &str) -> Result<Self, OpenError> {
        let wire: Wire<'_> = serde_json::from_str(json).map_err(|_| OpenError)?;
        // The id goes with each request, and the client keeps all this.
        let sid = !wire.sid.is_empty() && wire.sid.len() <= MAX_SID;
        if !sid || wire.upgrades.len() > MAX_UPGRADES || wire.ping_interval == 0 {
            return Err(OpenError);
        }
        Ok(Self {
            sid: wire.sid.into_owned(),
            upgrades: wire.upgrades,
            ping_interval: Duration::from_millis(wire.ping_interval),
            ping_timeout: Duration::from_millis(wire.ping_timeout),
            max_payload: wire.max_payload,
        })
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed Engine.IO open packet")
    }
}

impl std::error::Error for OpenError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn sid() -> Sid {
        Sid::from_random([0; 15])
    }

    #[test]
    fn rule_11_open_packet_of_a_polling_session() {
        let open = Open::new(sid(), Transport::Polling, &Config::default());
        let json = r#"{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        assert_eq!(open.to_json(), json);
        assert_eq!(Open::parse(json), Ok(open));
    }

    #[test]
    fn rule_11_no_upgrades_on_a_websocket_or_when_forbidden() {
        assert!(Open::new(sid(), Transport::WebSocket, &Config::default()).upgrades.is_empty());
        let config = Config { allow_upgrades: false, ..Config::default() };
        assert!(Open::new(sid(), Transport::Polling, &config).upgrades.is_empty());
        let config = Config { transports: vec![Transport::Polling], ..Config::default() };
        assert!(Open::new(sid(), Transport::Polling, &config).upgrades.is_empty());
    }

    #[test]
    fn a_malformed_open_packet_is_an_error() {
        let json = Open::new(sid(), Transport::Polling, &Config::default()).to_json();
        for cut in 0..json.len() {
            assert_eq!(Open::parse(&json[..cut]), Err(OpenError));
        }
        for json in [
            "[]",
            r#"{"sid":"","upgrades":[],"pingInterval":1,"pingTimeout":1}"#,
            r#"{"sid":"x","upgrades":[],"pingInterval":0,"pingTimeout":1}"#,
            r#"{"sid":"x","upgrades":[],"pingInterval":-1,"pingTimeout":1}"#,
            r#"{"sid":1,"upgrades":[],"pingInterval":1,"pingTimeout":1}"#,
        ] {
            assert_eq!(Open::parse(json), Err(OpenError), "{json}");
        }
        let early = Open::parse(r#"{"sid":"x\n","upgrades":[],"pingInterval":1,"pingTimeout":1}"#);
        assert_eq!(early.map(|open| (open.sid, open.max_payload)), Ok(("x\n".into(), None)));
    }
}
