//! How much one address may have: clients that are no browsers come from as many programs as they like, but seldom from many
//! addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::RateLimit;

/// Limits of what comes from one address. The 2^64 addresses of one IPv6 network, which one customer has, count as one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressLimits {
    /// TCP connections at a time, of listeners that are our own; more are closed at once. Default 1,000, because an office or a
    /// mobile network may stand behind one address.
    pub max_connections: usize,
    /// Sessions at a time; a handshake beyond them is answered with 429. Default 1,000.
    pub max_sessions: usize,
    /// How often sessions may be opened; a handshake beyond that is answered with 429. Default 100 per second and 1,000 at once, as
    /// after a restart of this server.
    pub handshakes: Option<RateLimit>,
    /// Addresses to which none of this applies. Default those that are not of the Internet ([`Network::private`]): proxies, tests and
    /// neighbours.
    pub exempt: Vec<Network>,
    /// Proxies whose `X-Forwarded-For` is believed: the address that counts is the last one in it that is none of these. Default
    /// none, since anybody can write such a header. What is forwarded by an exempt proxy that is not in this list is not limited.
    pub trusted_proxies: Vec<Network>,
}

/// An address, or all that begin with the same bits; written `10.0.0.0/8`, `2001:db8::/32` or `192.0.2.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Whom an address belongs to, as far as limits are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Household(IpAddr);

/// Not an address with, at most, a length of its prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkError(Box<str>);

impl AddressLimits {
    /// Whose limits apply to this address; `None` if it is exempt.
    #[must_use]
    pub fn household(&self, address: IpAddr) -> Option<Household> {
        let is_in = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
        (!is_in(&self.exempt) && !is_in(&self.trusted_proxies)).then(|| Household::of(address))
    }

    /// The client behind the peer of a connection, by the values of `X-Forwarded-For` in the order in which they came.
    pub fn client<'a>(
        &self,
        peer: IpAddr,
        forwarded_for: impl DoubleEndedIterator<Item = &'a str>,
    ) -> IpAddr {
        let trusts = |address| self.trusted_proxies.iter().any(|proxy| proxy.contains(address));
        let mut client = peer;
        // Each proxy appends whom it heard; the first that is not believed may have invented all before.
        for hop in forwarded_for.rev().flat_map(|value| value.rsplit(',')) {
            if !trusts(client) {
                break;
            }
            let Some(address) = parse_hop(hop.trim()) else { break };
            client = address;
        }
        client
    }
}

impl Default for AddressLimits {
    fn default() -> Self {
        Self {
            max_connections: 1000,
            max_sessions: 1000,
            handshakes: Some(RateLimit::new(100, 1000)),
            exempt: Network::private(),
            trusted_proxies: Vec::new(),
        }
    }
}

impl Network {
    /// The addresses that begin like this one; the prefix is cut to what the address has.
    #[must_use]
    pub const fn new(address: IpAddr, prefix: u8) -> Self {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self { address, prefix: if prefix < bits { prefix } else { bits } }
    }

    /// Does this address belong to it?
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            _ => false,
        }
    }

    /// This machine and private networks: loopback, RFC 1918, link-local, RFC 6598, RFC 4193.
    #[must_use]
    pub fn private() -> Vec<Self> {
        let v4 = |a, b, prefix| Self::new(IpAddr::V4(Ipv4Addr::new(a, b, 0, 0)), prefix);
        let v6 = |first, prefix| {
            Self::new(IpAddr::V6(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0)), prefix)
        };
        vec![
            v4(127, 0, 8),
            v4(10, 0, 8),
            v4(172, 16, 12),
            v4(192, 168, 16),
            v4(169, 254, 16),
            v4(100, 64, 10),
            Self::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
            v6(0xfc00, 7),
            v6(0xfe80, 10),
        ]
    }
}

impl Household {
    fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// An address as proxies write it: alone, in brackets, or with a port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.split_once(']')).map_or(hop, |(ip, _)| ip);
    bare.parse().ok().or_else(|| Some(hop.parse::<std::net::SocketAddr>().ok()?.ip()))
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || NetworkError(text.into());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), |prefix| prefix.parse().map_err(|_| error()))?;
        if prefix > bits { Err(error()) } else { Ok(Self { address, prefix }) }
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no address or network like 10.0.0.0/8", self.0)
    }
}

impl std::error::Error for NetworkError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_and_what_is_in_them() {
        let network = |text: &str| text.parse::<Network>().unwrap();
        assert!(network("10.0.0.0/8").contains(ip("10.255.1.2")));
        assert!(!network("10.0.0.0/8").contains(ip("11.0.0.1")));
        assert!(network("10.0.0.0/8").contains(ip("::ffff:10.1.1.1")), "IPv4 in IPv6");
        assert!(
            network("0.0.0.0/0").contains(ip("1.2.3.4"))
                && !network("0.0.0.0/0").contains(ip("::1"))
        );
        assert!(network("2001:db8::/32").contains(ip("2001:db8:1::1")));
        assert!(network("::/0").contains(ip("2001:db8::1")));
        assert!(
            network("192.0.2.1").contains(ip("192.0.2.1"))
                && !network("192.0.2.1").contains(ip("192.0.2.2"))
        );
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/-1", "host/8"]
        {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn private_addresses_are_exempt_by_default_and_those_of_the_internet_are_not() {
        let limits = AddressLimits::default();
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
        ] {
            assert_eq!(limits.household(ip(address)), None, "{address}");
        }
        for address in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1"] {
            assert!(limits.household(ip(address)).is_some(), "{address}");
        }
    }

    #[test]
    fn an_ipv6_network_of_one_customer_is_one_household() {
        let limits = AddressLimits::default();
        let household = |address| limits.household(ip(address));
        assert_eq!(household("2001:db8:0:1::1"), household("2001:db8:0:1:ffff::2"));
        assert_ne!(household("2001:db8:0:1::1"), household("2001:db8:0:2::1"));
        assert_ne!(household("8.8.8.8"), household("8.8.8.9"));
        assert_eq!(household("8.8.8.8"), household("::ffff:8.8.8.8"));
    }

    #[test]
    fn forwarded_addresses_are_believed_as_far_as_the_proxies_are() {
        let limits = AddressLimits {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..AddressLimits::default()
        };
        let client =
            |peer, values: &[&str]| limits.client(ip(peer), values.iter().copied()).to_string();
        assert_eq!(client("8.8.8.8", &["1.1.1.1"]), "8.8.8.8", "anybody can write a header");
        assert_eq!(client("10.0.0.1", &["1.1.1.1"]), "1.1.1.1");
        assert_eq!(
            client("10.0.0.1", &["6.6.6.6, 1.1.1.1"]),
            "1.1.1.1",
            "what the client wrote itself"
        );
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"]), "1.1.1.1");
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "10.0.0.2"]), "1.1.1.1", "several lines");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client("10.0.0.1", &["1.1.1.1:80"]), "1.1.1.1");
        assert_eq!(client("10.0.0.1", &["unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }
}
