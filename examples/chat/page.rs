//! The page: its files are part of the program, the Socket.IO client is the project's own if it is installed.

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{Request, Response, StatusCode};

/// Where `npm ci` in `tests/interop` puts the official client. Without it the page takes the one from its public address.
const CLIENT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/interop/node_modules/socket.io-client/dist/socket.io.min.js"
);

/// Scripts from here and from the client's public address, nothing else from anywhere.
const POLICY: &str = "default-src 'self'; script-src 'self' https://cdn.socket.io; img-src data:; \
    connect-src 'self' ws: wss: https://cdn.socket.io; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Answers everything that is not Socket.IO.
pub async fn answer<B>(request: Request<B>) -> Response<Vec<u8>> {
    match request.uri().path() {
        "/" => file(HTML, include_bytes!("index.html")),
        "/style.css" => file(CSS, include_bytes!("style.css")),
        "/chat.js" => file(JAVASCRIPT, include_bytes!("chat.js")),
        "/view.js" => file(JAVASCRIPT, include_bytes!("view.js")),
        "/socket.io/socket.io.js" => match tokio::fs::read(CLIENT).await {
            Ok(client) => file(JAVASCRIPT, &client),
            Err(_) => not_found(),
        },
        _ => not_found(),
    }
}

fn file(kind: &'static str, content: &[u8]) -> Response<Vec<u8>> {
    Response::builder()
        .header(CONTENT_TYPE, kind)
        .header(CACHE_CONTROL, "no-cache")
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(CONTENT_SECURITY_POLICY, POLICY)
        .body(content.to_vec())
        .expect("these are valid headers")
}

fn not_found() -> Response<Vec<u8>> {
    let mut response = Response::new(b"There is no such page here.\n".to_vec());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
