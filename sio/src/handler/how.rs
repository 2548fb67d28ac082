//! How an event is sent.

/// What the operators `volatile` and `compress` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct How {
    /// Only if it leaves at once.
    pub(crate) volatile: bool,
    /// A transport may compress it.
    pub(crate) compress: bool,
}

impl Default for How {
    fn default() -> Self {
        Self { volatile: false, compress: true }
    }
}
