//! Which proxy a server is reached through, as the environment says it: `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`.
//!
//! No specification has them; this is what curl does, and most others.

use std::net::IpAddr;

use super::{Proxy, ProxyError};

/// The proxies of an environment.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Environment {
    /// For `ws` and `http`.
    plain: Option<Proxy>,
    /// For `wss` and `https`.
    secure: Option<Proxy>,
    /// Who is reached without one.
    exceptions: Vec<Exception>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    Everybody,
    /// A host and all below it, at this port or at any.
    Name(Box<str>, Option<u16>),
    /// Addresses that begin with these bits.
    Network(IpAddr, u8),
}

impl Environment {
    /// That of this process.
    pub(in crate::client) fn of_process() -> Result<Self, ProxyError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Small letters come before capitals. `HTTP_PROXY` in capitals is not looked at where a program serves CGI: there a client sets
    /// it, by a header `Proxy`.
    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let either = |name: &str| {
            let capitals = name.to_ascii_uppercase();
            let trusted = capitals != "HTTP_PROXY" || variable("REQUEST_METHOD").is_none();
            let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
            set(name).or_else(|| set(&capitals).filter(|_| trusted))
        };
        let proxy = |name| either(name).or_else(|| either("all_proxy")).map(|url| parse(&url));
        Ok(Self {
            plain: proxy("http_proxy").transpose()?,
            secure: proxy("https_proxy").transpose()?,
            exceptions: exceptions(&either("no_proxy").unwrap_or_default()),
        })
    }

    /// The proxy for this server, if there is one. `host` has no brackets.
    pub(in crate::client) fn proxy(
        &self,
        is_secure: bool,
        host: &str,
        port: u16,
    ) -> Option<&Proxy> {
        let proxy = if is_secure { &self.secure } else { &self.plain };
        proxy.as_ref().filter(|_| !self.exceptions.iter().any(|e| e.applies(host, port)))
    }
}

/// Without a scheme it is an HTTP proxy.
fn parse(url: &str) -> Result<Proxy, ProxyError> {
    let url = url.trim();
    if url.contains("://") { Proxy::new(url) } else { Proxy::new(&format!("http://{url}")) }
}

/// Commas or spaces stand between them.
fn exceptions(list: &str) -> Vec<Exception> {
    let names = list.split([',', ' ', '\t']).filter(|name| !name.is_empty());
    names.map(Exception::parse).collect()
}

impl Exception {
    fn parse(text: &str) -> Self {
        if text == "*" {
            return Self::Everybody;
        }
        if let Some(network) = network(text) {
            return network;
        }
        let port = |(name, port): (_, &str)| Some((name, port.parse().ok()?));
        let (name, port) = match text.rsplit_once(':').and_then(port) {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let name = name.trim_start_matches('*').trim_matches('.').to_ascii_lowercase();
        Self::Name(name.into(), port)
    }

    fn applies(&self, host: &str, port: u16) -> bool {
        match self {
            Self::Everybody => true,
            Self::Name(name, only) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                let below = host.strip_suffix(&**name).is_some_and(|rest| rest.ends_with('.'));
                (host == **name || (below && !name.is_empty()))
                    && only.is_none_or(|only| only == port)
            }
            Self::Network(network, bits) => {
                host.parse().is_ok_and(|address| begins_alike(*network, address, *bits))
            }
        }
    }
}

/// `10.0.0.0/8`, or an address alone.
fn network(text: &str) -> Option<Exception> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(all);
    (bits <= all).then_some(Exception::Network(address, bits))
}

fn begins_alike(a: IpAddr, b: IpAddr, bits: u8) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            (a.to_bits() ^ b.to_bits()).leading_zeros() >= bits.into()
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            (a.to_bits() ^ b.to_bits()).leading_zeros() >= bits.into()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Result<Environment, ProxyError> {
        Environment::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn through(variables: &[(&str, &str)], is_secure: bool) -> Option<String> {
        let environment = environment(variables).unwrap();
        environment.proxy(is_secure, "a.test", 80).map(ToString::to_string)
    }

    #[test]
    fn each_scheme_has_its_proxy_and_small_letters_come_first() {
        let both = [("http_proxy", "http://p.test:1"), ("HTTPS_PROXY", "socks5h://q.test")];
        assert_eq!(through(&both, false).as_deref(), Some("http://p.test:1"));
        assert_eq!(through(&both, true).as_deref(), Some("socks5://q.test:1080"));
        let twice = [("HTTPS_PROXY", "http://capital.test"), ("https_proxy", "small.test:3128")];
        assert_eq!(through(&twice, true).as_deref(), Some("http://small.test:3128"));
        let all = [("ALL_PROXY", "http://all.test"), ("https_proxy", " ")];
        assert_eq!(through(&all, true).as_deref(), Some("http://all.test:80"));
        assert_eq!(through(&[], false), None);
    }

    #[test]
    fn a_client_of_a_cgi_program_does_not_choose_its_proxy() {
        let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil.test")];
        assert_eq!(through(&cgi, false), None);
        assert!(through(&cgi[1..], false).is_some());
    }

    #[test]
    fn exceptions_are_names_ports_and_networks() {
        let list = "exact.test, .below.test,*.star.test port.test:8080\tCAPITAL.test,10.0.0.0/8,::1,[fd00::]/8,1.2.3.4";
        let all = [("all_proxy", "http://p.test"), ("no_proxy", list)];
        let environment = environment(&all).unwrap();
        for (host, port, direct) in [
            ("exact.test", 80, true),
            ("www.exact.test", 80, true),
            ("inexact.test", 80, false),
            ("below.test", 80, true),
            ("a.b.below.test", 80, true),
            ("www.star.test", 80, true),
            ("port.test", 8080, true),
            ("port.test", 80, false),
            ("capital.TEST.", 80, true),
            ("10.255.0.1", 80, true),
            ("11.0.0.1", 80, false),
            ("::1", 80, true),
            ("::2", 80, false),
            ("fd12::1", 80, true),
            ("1.2.3.4", 80, true),
            ("11.2.3.4", 80, false),
        ] {
            let found = environment.proxy(false, host, port);
            assert_eq!(found.is_none(), direct, "{host}:{port}");
        }
        let nobody = [("all_proxy", "http://p.test"), ("NO_PROXY", "*")];
        assert_eq!(through(&nobody, true), None);
    }

    #[test]
    fn what_is_odd_in_the_list_of_exceptions_lets_nobody_by() {
        let odd = [("all_proxy", "http://p.test"), ("no_proxy", ", . :: 10.0.0.0/33 a.test:99999")];
        assert!(through(&odd, false).is_some());
    }

    #[test]
    fn a_proxy_that_is_none_is_told() {
        let bad = environment(&[("http_proxy", "socks4://p.test")]);
        assert!(matches!(bad, Err(ProxyError::Url(_))));
    }
}
