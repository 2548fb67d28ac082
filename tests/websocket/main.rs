//! `ws` over real sockets.
