//! How bytes reach the server: TCP, with or without TLS; and the opening handshake on it.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use mio::net::TcpStream as Socket;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::{Target, failure};

/// A connection to the server.
pub(crate) struct Transport {
    pub(crate) socket: Socket,
    tls: Option<Box<ClientConnection>>,
}

/// Opens connections to one server.
pub(crate) struct Opener {
    target: Target,
    tls: Option<Arc<ClientConfig>>,
}

impl Opener {
    pub(crate) fn new(target: &Target) -> io::Result<Self> {
        let tls = target.tls.as_deref().map(|path| client_config(&fs::read(path)?)).transpose()?;
        Ok(Self { target: target.clone(), tls })
    }

    /// Connects and, unless the server speaks no WebSocket, does the opening handshake.
    pub(crate) fn open(&self) -> io::Result<Transport> {
        let mut stream = TcpStream::connect(self.target.addr)?;
        stream.set_nodelay(true)?;
        let mut tls = match &self.tls {
            None => None,
            Some(config) => {
                let name = ServerName::from(self.target.addr.ip());
                let tls = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
                Some(Box::new(tls))
            }
        };
        if !self.target.raw {
            match &mut tls {
                None => self.upgrade(&mut stream)?,
                Some(tls) => self.upgrade(&mut rustls::Stream::new(&mut **tls, &mut stream))?,
            }
        }
        stream.set_nonblocking(true)?;
        Ok(Transport { socket: Socket::from_std(stream), tls })
    }

    /// The request of the opening handshake.
    pub(crate) fn request(&self) -> Vec<u8> {
        let offer = if self.target.deflate {
            "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"
        } else {
            ""
        };
        let addr = self.target.addr;
        format!(
            "GET / HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
        )
        .into_bytes()
    }

    fn upgrade(&self, stream: &mut (impl Read + Write)) -> io::Result<()> {
        stream.write_all(&self.request())?;
        let head = read_head(stream)?;
        let has_deflate = head.to_ascii_lowercase().contains("permessage-deflate");
        if !head.starts_with("HTTP/1.1 101") || has_deflate != self.target.deflate {
            return Err(failure(head));
        }
        if self.target.deflate && head.contains("server_no_context_takeover") {
            return Err(failure("the server takes over no context"));
        }
        Ok(())
    }
}

/// The head of an answer.
pub(crate) fn read_head(stream: &mut impl Read) -> io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn client_config(certificate: &[u8]) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(certificate).map_err(io::Error::other)?;
    roots.add(certificate).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

impl Transport {
    /// Reads once; a buffer that was not filled means that there is no more for now.
    #[inline]
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.socket.read(buffer),
            Some(tls) => loop {
                match tls.reader().read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        if tls.read_tls(&mut self.socket)? == 0 {
                            return Ok(0);
                        }
                        tls.process_new_packets().map_err(io::Error::other)?;
                    }
                    result => return result,
                }
            },
        }
    }

    /// Whether a read that did not fill its buffer was the last.
    pub(crate) const fn short_read_is_last(&self) -> bool {
        self.tls.is_none()
    }

    #[inline]
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.socket.write(bytes) };
        while tls.wants_write() {
            tls.write_tls(&mut self.socket)?;
        }
        let taken = tls.writer().write(bytes)?;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    /// Writes what TLS has kept.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                tls.write_tls(&mut self.socket)?;
            }
        }
        Ok(())
    }
}
