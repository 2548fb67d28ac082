//! Which version of Engine.IO a client speaks, and how it wants its packets (rules 2 and 21).

use super::Query;

/// A version of Engine.IO. One server speaks both, each session one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Of Socket.IO 1.x and 2.x: the client pings. Served if [`Config::allow_eio3`](super::Config::allow_eio3) says so.
    V3,
    /// Of Socket.IO 3.x and 4.x: the server pings.
    V4,
}

/// A version of Engine.IO with what a client of version 3 may choose, once per session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Version 4, which leaves no choice.
    V4,
    /// Version 3.
    V3 {
        /// The client takes no binary, but base64 (`b64`).
        base64: bool,
        /// The client polls by `<script>` elements, and this is the number of its callback (`j`).
        jsonp: Option<u32>,
    },
}

impl Dialect {
    /// What the query of a handshake asks for. Rule 2: everything but `EIO=4` is version 3.
    #[must_use]
    pub fn of(query: &Query<'_>) -> Self {
        if query.eio == Some("4") {
            return Self::V4;
        }
        // The reference server takes the digits out of whatever stands there.
        let digits =
            |text: &str| text.chars().filter(char::is_ascii_digit).take(9).collect::<String>();
        let jsonp = query.j.map(|j| digits(j).parse().unwrap_or(0));
        Self::V3 { base64: query.b64.is_some_and(|b64| !b64.is_empty()) || jsonp.is_some(), jsonp }
    }

    /// Its version.
    #[must_use]
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::V4 => Protocol::V4,
            Self::V3 { .. } => Protocol::V3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_2_only_eio_4_is_version_4() {
        let of = |query| Dialect::of(&Query::parse(query));
        let v3 = |base64, jsonp| Dialect::V3 { base64, jsonp };
        for (query, dialect) in [
            ("EIO=4", Dialect::V4),
            ("EIO=4&b64=1&j=0", Dialect::V4),
            ("", v3(false, None)),
            ("EIO=3", v3(false, None)),
            ("EIO=5", v3(false, None)),
            ("EIO=3&b64=1", v3(true, None)),
            ("EIO=3&b64=", v3(false, None)),
            ("EIO=3&j=12", v3(true, Some(12))),
            ("EIO=3&j=1);alert(2", v3(true, Some(12))),
            ("EIO=3&j=", v3(true, Some(0))),
            ("EIO=3&j=99999999999999", v3(true, Some(999_999_999))),
        ] {
            assert_eq!(of(query), dialect, "{query}");
        }
    }
}
