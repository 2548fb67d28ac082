//! A tunnel through a SOCKS proxy, version 5 (RFC 1928), with name and password (RFC 1929) if it asks for them.

use std::net::IpAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::ProxyError;
use crate::client::error::ConnectError;
use crate::handshake::Target;
use crate::net::Stream;

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USERNAME_PASSWORD: u8 = 2;
const COMMAND_CONNECT: u8 = 1;
const ADDRESS_V4: u8 = 1;
const ADDRESS_NAME: u8 = 3;
const ADDRESS_V6: u8 = 4;

pub(super) async fn tunnel(
    mut stream: Stream,
    target: &Target,
    credentials: Option<(&str, &str)>,
) -> Result<Stream, ConnectError> {
    authenticate(&mut stream, credentials).await?;
    stream.write_all(&request(target)?).await.map_err(ProxyError::Io)?;
    read_reply(&mut stream).await?;
    Ok(stream)
}

/// RFC 1928 §3, RFC 1929 §2.
async fn authenticate(
    stream: &mut Stream,
    credentials: Option<(&str, &str)>,
) -> Result<(), ProxyError> {
    let offer: &[u8] = match credentials {
        None => &[VERSION, 1, NO_AUTHENTICATION],
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USERNAME_PASSWORD],
    };
    stream.write_all(offer).await?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await?;
    match (chosen, credentials) {
        ([VERSION, NO_AUTHENTICATION], _) => Ok(()),
        ([VERSION, USERNAME_PASSWORD], Some((name, word))) => {
            let mut message = vec![1];
            for part in [name, word] {
                message.push(length(part)?);
                message.extend_from_slice(part.as_bytes());
            }
            stream.write_all(&message).await?;
            let mut status = [0; 2];
            stream.read_exact(&mut status).await?;
            if status[1] == 0 { Ok(()) } else { Err(ProxyError::Authentication) }
        }
        ([VERSION, _], _) => Err(ProxyError::Authentication),
        _ => Err(ProxyError::Protocol),
    }
}

/// RFC 1928 §4.
fn request(target: &Target) -> Result<Vec<u8>, ProxyError> {
    let mut request = vec![VERSION, COMMAND_CONNECT, 0];
    match target.host().parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(ADDRESS_V4);
            request.extend_from_slice(&address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(ADDRESS_V6);
            request.extend_from_slice(&address.octets());
        }
        Err(_) => {
            request.extend_from_slice(&[ADDRESS_NAME, length(target.host())?]);
            request.extend_from_slice(target.host().as_bytes());
        }
    }
    request.extend_from_slice(&target.port().to_be_bytes());
    Ok(request)
}

/// RFC 1928 §6. The address that the proxy uses is nothing to us, but has to be read.
async fn read_reply(stream: &mut Stream) -> Result<(), ProxyError> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let [version, code, _, kind] = head;
    if version != VERSION {
        return Err(ProxyError::Protocol);
    }
    if code != 0 {
        return Err(ProxyError::Socks(code));
    }
    let address = match kind {
        ADDRESS_V4 => 4,
        ADDRESS_V6 => 16,
        ADDRESS_NAME => stream.read_u8().await?.into(),
        _ => return Err(ProxyError::Protocol),
    };
    let mut rest = vec![0; address + 2];
    stream.read_exact(&mut rest).await?;
    Ok(())
}

fn length(part: &str) -> Result<u8, ProxyError> {
    u8::try_from(part.len())
        .map_err(|_| ProxyError::Url("a name or password is too long for SOCKS"))
}
