//! Which compression of a response a client takes: `Accept-Encoding` (RFC 9110 §12.5.3).

/// Compression of polling responses for clients that accept it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpCompression {
    /// From how many bytes on a response is compressed. Default 1,024.
    pub threshold: usize,
    /// How hard to try: 0 (not at all) to 9 (slow). Default 3.
    pub level: u32,
}

impl Default for HttpCompression {
    fn default() -> Self {
        Self { threshold: 1024, level: 3 }
    }
}

/// A content coding (RFC 9110 §8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `gzip`.
    Gzip,
    /// `deflate`: the zlib format.
    Deflate,
}

impl Coding {
    /// The best coding that a value of `Accept-Encoding` allows; `None` for none.
    #[must_use]
    pub fn accepted(value: &str) -> Option<Self> {
        let weight_of = |name: &str| {
            value.split(',').find_map(|element| {
                let mut parts = element.split(';').map(str::trim);
                let is_meant = parts.next()?.eq_ignore_ascii_case(name);
                is_meant.then(|| parts.find_map(weight).unwrap_or(1.0))
            })
        };
        let any = weight_of("*").unwrap_or(0.0);
        let gzip = weight_of("gzip").unwrap_or(any);
        let deflate = weight_of("deflate").unwrap_or(any);
        match gzip >= deflate {
            true if gzip > 0.0 => Some(Self::Gzip),
            false => Some(Self::Deflate),
            true => None,
        }
    }

    /// The value of `Content-Encoding`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }
}

/// The weight of a parameter `q=0.5`. What can't be read counts as "not at all".
fn weight(parameter: &str) -> Option<f32> {
    let (name, value) = parameter.split_once('=')?;
    let weight = || value.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight));
    name.trim().eq_ignore_ascii_case("q").then(|| weight().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_6_the_client_chooses_the_coding() {
        for (value, coding) in [
            ("gzip, deflate, br", Some(Coding::Gzip)),
            ("deflate", Some(Coding::Deflate)),
            ("GZIP", Some(Coding::Gzip)),
            ("gzip;q=0.2, deflate;q=0.5", Some(Coding::Deflate)),
            ("gzip;q=0, deflate", Some(Coding::Deflate)),
            ("gzip ; Q=0", None),
            ("gzip;q=nonsense", None),
            ("gzip;q=7", None),
            ("*", Some(Coding::Gzip)),
            ("*;q=0", None),
            ("gzip;q=0, *", Some(Coding::Deflate)),
            ("identity", None),
            ("br", None),
            ("", None),
            (",;=,;q", None),
        ] {
            assert_eq!(Coding::accepted(value), coding, "{value}");
        }
    }
}
