//! How a request is refused: the numeric error codes and their answers (rules 2-3).

use std::fmt;

/// Why an Engine.IO request is refused. The answer is a status and `{"code":N,"message":"..."}` (rule 3).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Code 0: the transport does not exist or is disabled.
    TransportUnknown,
    /// Code 1: no such session, or no longer.
    SessionIdUnknown,
    /// Code 2: a handshake with another method than GET.
    BadHandshakeMethod,
    /// Code 3: anything else that a request can do wrong.
    BadRequest,
    /// Code 4: the application said no, with its words.
    Forbidden(String),
    /// Code 5: not `EIO=4`.
    UnsupportedProtocolVersion,
    /// Code 3 with status 503: there are as many sessions as there may be, or the server shuts down.
    Unavailable,
    /// Code 3 with status 429: the address has, or opens, too many sessions, or a session sends too many packets.
    TooMany,
}

impl Refusal {
    /// The numeric code of the error table.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::TransportUnknown => 0,
            Self::SessionIdUnknown => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest | Self::Unavailable | Self::TooMany => 3,
            Self::Forbidden(_) => 4,
            Self::UnsupportedProtocolVersion => 5,
        }
    }

    /// The message of the error table; for [`Refusal::Forbidden`] the application's own, if it has any.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::TransportUnknown => "Transport unknown",
            Self::SessionIdUnknown => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden(message) if message.is_empty() => "Forbidden",
            Self::Forbidden(message) => message,
            Self::UnsupportedProtocolVersion => "Unsupported protocol version",
            Self::Unavailable => "No more sessions",
            Self::TooMany => "Too many requests",
        }
    }

    /// HTTP status of the answer: 400, or 403 for [`Refusal::Forbidden`], or what [`Refusal::Unavailable`] and [`Refusal::TooMany`] say.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Forbidden(_) => 403,
            Self::Unavailable => 503,
            Self::TooMany => 429,
            _ => 400,
        }
    }

    /// JSON body of the answer.
    #[must_use]
    pub fn body(&self) -> String {
        serde_json::json!({ "code": self.code(), "message": self.message() }).to_string()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_3_codes_are_numbers() {
        let table = [
            (Refusal::TransportUnknown, 400, r#"{"code":0,"message":"Transport unknown"}"#),
            (Refusal::SessionIdUnknown, 400, r#"{"code":1,"message":"Session ID unknown"}"#),
            (Refusal::BadHandshakeMethod, 400, r#"{"code":2,"message":"Bad handshake method"}"#),
            (Refusal::BadRequest, 400, r#"{"code":3,"message":"Bad request"}"#),
            (Refusal::Forbidden(String::new()), 403, r#"{"code":4,"message":"Forbidden"}"#),
            (Refusal::Forbidden("no \"you\"".into()), 403, r#"{"code":4,"message":"no \"you\""}"#),
            (Refusal::Unavailable, 503, r#"{"code":3,"message":"No more sessions"}"#),
            (Refusal::TooMany, 429, r#"{"code":3,"message":"Too many requests"}"#),
            (
                Refusal::UnsupportedProtocolVersion,
                400,
                r#"{"code":5,"message":"Unsupported protocol version"}"#,
            ),
        ];
        for (refusal, status, body) in table {
            assert_eq!((refusal.status(), refusal.body().as_str()), (status, body));
        }
    }
}
