//! A tunnel through an HTTP proxy (RFC 9110 §9.3.6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ProxyError;
use crate::client::error::ConnectError;
use crate::client::exchange;
use crate::handshake::Target;
use crate::net::Stream;

pub(super) async fn tunnel(
    stream: Stream,
    target: &Target,
    credentials: Option<(&str, &str)>,
) -> Result<Stream, ConnectError> {
    let answer = exchange::exchange(stream, request(target, credentials).as_bytes()).await;
    let answer = answer.map_err(|error| match error {
        ConnectError::Io(error) => ProxyError::Io(error),
        _ => ProxyError::Protocol,
    })?;
    // "Any 2xx (Successful) response indicates that the sender will switch to tunnel mode."
    let status = answer.response.status();
    if !status.is_success() {
        return Err(ProxyError::Status(status.as_u16()).into());
    }
    // In HTTP and TLS the client speaks first.
    if !answer.leftover.is_empty() {
        return Err(ProxyError::Protocol.into());
    }
    Ok(answer.stream)
}

fn request(target: &Target, credentials: Option<(&str, &str)>) -> String {
    let host = target.host();
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let authority = format!("{host}:{}", target.port());
    let authorization = credentials.map_or_else(String::new, |(name, word)| {
        // RFC 7617 §2.
        let encoded = STANDARD.encode(format!("{name}:{word}"));
        format!("Proxy-Authorization: Basic {encoded}\r\n")
    });
    format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_names_host_and_port_and_who_asks() {
        let target = "ws://[::1]/path".parse().unwrap();
        let expected = "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n";
        assert_eq!(request(&target, None), expected);
        let target = "wss://a.test".parse().unwrap();
        let head = request(&target, Some(("Aladdin", "open sesame")));
        assert!(head.starts_with("CONNECT a.test:443 HTTP/1.1\r\n"));
        assert!(head.contains("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
    }
}
