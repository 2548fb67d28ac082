//! Why a client is not connected.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::DisconnectReason;
use crate::engine::{self, ConfigError};

/// Why a namespace was not joined.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL leads nowhere; what is wrong with it.
    Url(&'static str),
    /// The auth payload can't be had, has no JSON form, or is no object.
    Auth(Box<str>),
    /// Whoever was asked for the URL or the headers has none.
    Provider(Box<str>),
    /// The configuration can't work.
    Config(ConfigError),
    /// There is no session: nobody listens, TLS failed, the server refused or speaks something else.
    Session(engine::client::ConnectError),
    /// The server does not let this client into the namespace (CONNECT_ERROR).
    Refused(Refusal),
    /// The server answered CONNECT without an id, as those before version 3 do.
    OldServer,
    /// This connection is in the namespace already.
    AlreadyJoined,
    /// It took longer than [`Config::timeout`](super::Config::timeout).
    Timeout,
    /// The connection ended before the namespace had answered.
    Disconnected(DisconnectReason),
}

impl ConnectError {
    /// Whether trying again, with nothing changed, can't help: the caller's mistake.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Url(_) | Self::Config(_) | Self::AlreadyJoined => true,
            Self::Session(error) => error.is_permanent(),
            _ => false,
        }
    }
}

/// What a server says when it does not let a client into a namespace.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Refusal {
    /// For people.
    pub message: String,
    /// For programs; see [`Self::data`].
    #[serde(default)]
    pub data: Option<Value>,
}

impl Refusal {
    /// Reads the data that came with the refusal; `null` if there was none.
    ///
    /// # Errors
    /// Those of `T`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(self.data.clone().unwrap_or(Value::Null))
    }

    /// Reads the payload of a CONNECT_ERROR, which is an object, or a string from old servers (rule 24).
    pub(super) fn parse(payload: &str) -> Self {
        serde_json::from_str(payload).unwrap_or_else(|_| Self {
            message: serde_json::from_str(payload).unwrap_or_default(),
            data: None,
        })
    }
}

impl From<engine::client::ConnectError> for ConnectError {
    fn from(error: engine::client::ConnectError) -> Self {
        Self::Session(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(problem) => write!(f, "bad URL: {problem}"),
            Self::Auth(problem) => write!(f, "bad auth payload: {problem}"),
            Self::Provider(problem) => write!(f, "nowhere to connect to: {problem}"),
            Self::Config(error) => error.fmt(f),
            Self::Session(error) => error.fmt(f),
            Self::Refused(refusal) => write!(f, "the server refused: {refusal}"),
            Self::OldServer => f.write_str("the server speaks an older protocol than version 5"),
            Self::AlreadyJoined => f.write_str("this connection is in the namespace already"),
            Self::Timeout => f.write_str("the server took too long"),
            Self::Disconnected(reason) => {
                write!(f, "disconnected before the server answered: {reason}")
            }
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Session(error) => Some(error),
            Self::Config(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_26_refusals_with_and_without_data() {
        let refusal = Refusal::parse(r#"{"message":"Not authorized","data":{"retry":3}}"#);
        assert_eq!(refusal.message, "Not authorized");
        assert_eq!(refusal.data::<std::collections::HashMap<String, u8>>().unwrap()["retry"], 3);
        let refusal = Refusal::parse(r#"{"message":"Invalid namespace"}"#);
        assert_eq!(
            (refusal.message.as_str(), refusal.data::<Option<u8>>().unwrap()),
            ("Invalid namespace", None)
        );
        assert_eq!(Refusal::parse(r#""old""#).message, "old");
        assert_eq!(Refusal::parse("{}").message, "");
    }
}
