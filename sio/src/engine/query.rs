//! The query of an Engine.IO request (rule 1). Total: any text gives a `Query`.

/// What an Engine.IO request says in its query.
///
/// Values are taken as they stand: no legal value of these parameters needs percent-encoding. Of a repeated parameter the
/// first one counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query<'a> {
    /// `EIO`: protocol version, `4` for the only one that is served.
    pub eio: Option<&'a str>,
    /// `transport`: `polling` or `websocket`.
    pub transport: Option<&'a str>,
    /// `sid`: the session; absent in a handshake.
    pub sid: Option<&'a str>,
    /// `t`: cache buster of the client; means nothing.
    pub t: Option<&'a str>,
    /// `b64`: the client can't take binary; polling never sends any.
    pub b64: Option<&'a str>,
    /// `j`: JSONP callback number, gone since version 4.
    pub j: Option<&'a str>,
}

impl<'a> Query<'a> {
    /// Reads the part of a URI after `?`.
    #[must_use]
    pub fn parse(query: &'a str) -> Self {
        let mut parsed = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let field = match name {
                "EIO" => &mut parsed.eio,
                "transport" => &mut parsed.transport,
                "sid" => &mut parsed.sid,
                "t" => &mut parsed.t,
                "b64" => &mut parsed.b64,
                "j" => &mut parsed.j,
                _ => continue,
            };
            field.get_or_insert(value);
        }
        parsed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rule_1_parameters() {
        let query = Query::parse("EIO=4&transport=polling&t=Oz1&sid=abc&b64=1&j=0&x=y");
        assert_eq!(
            query,
            Query {
                eio: Some("4"),
                transport: Some("polling"),
                sid: Some("abc"),
                t: Some("Oz1"),
                b64: Some("1"),
                j: Some("0")
            }
        );
    }

    #[test]
    fn rule_1_odd_queries() {
        assert_eq!(Query::parse(""), Query::default());
        assert_eq!(Query::parse("&&=&==&a"), Query::default());
        assert_eq!(Query::parse("sid"), Query { sid: Some(""), ..Query::default() });
        assert_eq!(Query::parse("sid=a=b&sid=c"), Query { sid: Some("a=b"), ..Query::default() });
        assert_eq!(Query::parse("eio=4&SID=x"), Query::default(), "names are case-sensitive");
    }

    proptest! {
        #[test]
        fn total(text in "\\PC*") {
            let _ = Query::parse(&text);
        }
    }
}
