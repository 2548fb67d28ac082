//! How an event is sent.

/// What the operators `volatile` and `compress` say, and whether the caller waits for room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct How {
    /// Only if it leaves at once.
    pub(crate) volatile: bool,
    /// A transport may compress it.
    pub(crate) compress: bool,
    /// Whoever sends it would rather wait than have something dropped for it.
    pub(crate) waits: bool,
}

impl How {
    /// When nothing is said.
    pub(crate) const USUAL: Self = Self { volatile: false, compress: true, waits: false };
}

impl Default for How {
    fn default() -> Self {
        Self::USUAL
    }
}
