//! WebSocket (RFC 6455), server and client, written from scratch.
#![deny(unsafe_code)]
