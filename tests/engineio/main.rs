//! Engine.IO over real sockets: an engine on a port of its own against requests written by hand and our own WebSocket. A test is
//! named after the wire rule that it holds the server to.

mod client;
mod compression;
mod connection;
mod hooks;
mod http;
mod lifecycle;
mod limits;
mod polling;
mod rig;
mod sending;
mod upgrade;
mod version3;
mod websocket;
