//! Offers and responses (RFC 7692 §5, §7.1): what the client asks for, what the server makes of it, and whether the client
//! can live with that.

use std::fmt;
use std::sync::Arc;

use super::config::DeflateConfig;
use super::pool::Pool;
use crate::proto::{Extension, Role};

const NAME: &str = "permessage-deflate";
/// The window that holds where no parameter says less (§7.1.2.1, §7.1.2.2).
const DEFAULT_BITS: u8 = 15;

/// permessage-deflate as client and server agreed on it for one connection. Its `Display` is the server's response.
#[derive(Debug, Clone)]
pub struct Deflate {
    parameters: Parameters,
    server: Direction,
    client: Direction,
    pub(super) level: u8,
    pub(super) threshold: usize,
    pub(super) pool: Arc<Pool>,
}

/// What holds for the messages of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Direction {
    pub(super) no_context_takeover: bool,
    pub(super) max_window_bits: u8,
}

/// The parameters of an offer or a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// In an offer the value may be missing (§7.1.2.2).
    client_max_window_bits: Option<Option<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Offer,
    Response,
}

impl Deflate {
    fn new(config: &DeflateConfig, parameters: Parameters, client: Direction) -> Self {
        let server = Direction {
            no_context_takeover: parameters.server_no_context_takeover,
            max_window_bits: parameters.server_max_window_bits.unwrap_or(DEFAULT_BITS),
        };
        let DeflateConfig { level, threshold, .. } = *config;
        Self { parameters, server, client, level, threshold, pool: config.pool.clone() }
    }

    /// What holds for the messages that `role` sends.
    pub(super) const fn direction(&self, role: Role) -> Direction {
        match role {
            Role::Server => self.server,
            Role::Client => self.client,
        }
    }
}

/// By what was agreed on, and what this side makes of it.
impl PartialEq for Deflate {
    fn eq(&self, other: &Self) -> bool {
        let what = |deflate: &Self| {
            let &Self { parameters, server, client, level, threshold, .. } = deflate;
            (parameters, server, client, level, threshold)
        };
        what(self) == what(other)
    }
}

impl Eq for Deflate {}

#[cfg(test)]
impl Deflate {
    /// How many codec states of each kind nobody has.
    pub(in crate::proto) fn kept(&self) -> (usize, usize) {
        self.pool.kept()
    }
}

impl fmt::Display for Deflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parameters.fmt(f)
    }
}

impl DeflateConfig {
    /// The client's offer, as it stands in `Sec-WebSocket-Extensions`.
    pub(crate) fn offer(&self) -> String {
        self.parameters().to_string()
    }

    fn parameters(&self) -> Parameters {
        let limit = |bits: u8| Some(bits.clamp(8, 15)).filter(|bits| *bits < DEFAULT_BITS);
        Parameters {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: limit(self.server_max_window_bits),
            // Always there, so that the server may limit our window.
            client_max_window_bits: Some(limit(self.client_max_window_bits)),
        }
    }

    /// The server's choice: the first offer that it can accept (§5: they stand in order of preference).
    pub(crate) fn accept<'a>(
        &self,
        offers: impl IntoIterator<Item = Extension<'a>>,
    ) -> Option<Deflate> {
        let offers = offers.into_iter().filter(|extension| extension.name == NAME);
        // §7.1: "MUST decline" an offer with a parameter that is unknown, invalid, or there twice.
        let offer = { offers }.find_map(|extension| Parameters::parse(&extension, Kind::Offer))?;
        let ours = self.parameters();
        // §7.1.2.2: without the parameter in the offer the response must not have it; the window is the default one then.
        let client_bits = offer.client_max_window_bits.map(|offered| {
            let ours = ours.client_max_window_bits.flatten();
            offered.into_iter().chain(ours).min()
        });
        let response = Parameters {
            // §7.1.1: either side can ask for these, and the server may do so unasked.
            server_no_context_takeover: offer.server_no_context_takeover
                || ours.server_no_context_takeover,
            client_no_context_takeover: offer.client_no_context_takeover
                || ours.client_no_context_takeover,
            // §7.1.2.1: "the same or smaller value as the offer", or unasked.
            server_max_window_bits: offer
                .server_max_window_bits
                .into_iter()
                .chain(ours.server_max_window_bits)
                .min(),
            // In a response the parameter has a value.
            client_max_window_bits: client_bits.filter(Option::is_some),
        };
        let client = Direction {
            no_context_takeover: response.client_no_context_takeover,
            max_window_bits: client_bits.flatten().unwrap_or(DEFAULT_BITS),
        };
        Some(Deflate::new(self, response, client))
    }

    /// The client's judgement of the response: `None` without permessage-deflate in it.
    ///
    /// # Errors
    ///
    /// A response that answers none of `offers`: the client must fail the connection (§7.1).
    pub(crate) fn verify<'a>(
        offers: &[Self],
        response: impl IntoIterator<Item = Extension<'a>>,
    ) -> Result<Option<Deflate>, Unacceptable> {
        let mut response = response.into_iter().filter(|extension| extension.name == NAME);
        let Some(extension) = response.next() else { return Ok(None) };
        // One bit can't mark two extensions (RFC 6455 §9.2).
        if response.next().is_some() {
            return Err(Unacceptable);
        }
        let response = Parameters::parse(&extension, Kind::Response).ok_or(Unacceptable)?;
        // It does not say which offer it accepts: the first one that it fits.
        offers
            .iter()
            .find(|offer| response.answers(&offer.parameters()))
            .map(|offer| Some(offer.agree(response)))
            .ok_or(Unacceptable)
    }

    /// What the client does under a response to this offer.
    fn agree(&self, response: Parameters) -> Deflate {
        let ours = self.parameters();
        let limits = [ours.client_max_window_bits, response.client_max_window_bits];
        let client = Direction {
            // §7.1.1.2, §7.1.2.2: what we said of ourselves holds even if the server did not repeat it.
            no_context_takeover: response.client_no_context_takeover
                || ours.client_no_context_takeover,
            max_window_bits: limits.into_iter().flatten().flatten().min().unwrap_or(DEFAULT_BITS),
        };
        Deflate::new(self, response, client)
    }
}

/// The response answers none of our offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unacceptable;

impl Parameters {
    /// `None` if a parameter is not defined for this kind, has a bad value, or is there twice (§7.1).
    fn parse(extension: &Extension<'_>, kind: Kind) -> Option<Self> {
        let mut found = Self::default();
        for (name, value) in &extension.parameters {
            let is_first = match (*name, value.as_deref()) {
                ("server_no_context_takeover", None) => {
                    !std::mem::replace(&mut found.server_no_context_takeover, true)
                }
                ("client_no_context_takeover", None) => {
                    !std::mem::replace(&mut found.client_no_context_takeover, true)
                }
                ("server_max_window_bits", Some(value)) => {
                    found.server_max_window_bits.replace(window_bits(value)?).is_none()
                }
                ("client_max_window_bits", Some(value)) => {
                    found.client_max_window_bits.replace(Some(window_bits(value)?)).is_none()
                }
                ("client_max_window_bits", None) if kind == Kind::Offer => {
                    found.client_max_window_bits.replace(None).is_none()
                }
                _ => false,
            };
            if !is_first {
                return None;
            }
        }
        Some(found)
    }

    /// Whether this response accepts `offer`.
    fn answers(&self, offer: &Self) -> bool {
        // §7.1.1.1, §7.1.2.1: a server accepts an offer with these by repeating them, the window the same or smaller.
        let takeover = self.server_no_context_takeover || !offer.server_no_context_takeover;
        let server = offer
            .server_max_window_bits
            .is_none_or(|offered| self.server_max_window_bits.is_some_and(|bits| bits <= offered));
        // §7.1.2.2: "the same or smaller value as the offer", and not without one.
        let client = match (self.client_max_window_bits.flatten(), offer.client_max_window_bits) {
            (None, _) => true,
            (Some(bits), Some(offered)) => offered.is_none_or(|offered| bits <= offered),
            (Some(_), None) => false,
        };
        takeover && server && client
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        if self.server_no_context_takeover {
            f.write_str("; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            f.write_str("; client_no_context_takeover")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; server_max_window_bits={bits}")?;
        }
        match self.client_max_window_bits {
            Some(Some(bits)) => write!(f, "; client_max_window_bits={bits}"),
            Some(None) => f.write_str("; client_max_window_bits"),
            None => Ok(()),
        }
    }
}

/// §7.1.2.1: "a decimal integer value without leading zeroes between 8 to 15, inclusive".
fn window_bits(value: &str) -> Option<u8> {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit()) && !value.starts_with('0');
    value.parse().ok().filter(|bits| is_plain && (8..=15).contains(bits))
}
