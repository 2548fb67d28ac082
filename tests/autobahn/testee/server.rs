//! The server that the fuzzing client examines.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ws::net::TlsAcceptor;
use ws::{Server, ServerConfig};

use crate::{Api, Options, Result, certificate, echo};

/// Serves until it is killed.
pub async fn run(api: Api, tls: Option<&Path>, options: &Options) -> Result {
    let mut config = ServerConfig::default();
    config.websocket = options.config();
    config.deflate = options.deflate();
    if let Some(folder) = tls {
        let (certificate, key) = (certificate::chain(folder), certificate::key(folder));
        config.secure = Some(Arc::new(TlsAcceptor::from_pem_files(certificate, key)?));
    }
    let scheme = if config.secure.is_some() { "wss" } else { "ws" };
    let server = Server::bind_with("127.0.0.1:0", config).await?;
    writeln!(std::io::stdout(), "{scheme}://{}", server.local_addr()?)?;
    match api {
        Api::Pull => server.serve(echo::pull).await,
        Api::Push => server.serve_with(|_| echo::Push::default()).await,
        Api::Split => server.serve(echo::split).await,
    }
    Ok(())
}
