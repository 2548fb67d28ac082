//! The client that the fuzzing server examines: it asks for the number of cases, for each of them, and for the report.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use ws::Client;
use ws::rustls::crypto::ring::default_provider;
use ws::rustls::pki_types::CertificateDer;
use ws::rustls::pki_types::pem::PemObject;
use ws::rustls::{ClientConfig, RootCertStore};

use crate::{Api, Options, Result, echo};

/// The server writes the report of all cases before it answers the handshake that asks for it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(120);
/// The suite gives a case 480 s at most.
const CASE_TIMEOUT: Duration = Duration::from_secs(500);

/// Goes through all cases. That a case ends in an error says nothing: the verdict is the suite's.
pub async fn run(
    api: Api,
    url: &str,
    agent: &str,
    tls: Option<&Path>,
    options: &Options,
) -> Result {
    let tls = tls.map(trust).transpose()?;
    let deflate = options.deflate();
    let client = |path: String| {
        let mut client = Client::builder(format!("{url}{path}"))
            .config(options.config())
            .handshake_timeout(HANDSHAKE_TIMEOUT);
        if let Some(offer) = &deflate {
            client = client.deflate(offer.clone());
        }
        match &tls {
            Some(tls) => client.tls(tls.clone()),
            None => client,
        }
    };
    let mut socket = client("/getCaseCount".into()).connect().await?;
    let count = socket.recv().await?.ok_or("no number of cases")?;
    let count: usize = count.as_text().ok_or("the number of cases is not a text")?.parse()?;
    drop(socket);
    for case in 1..=count {
        let client = client(format!("/runCase?case={case}&agent={agent}"));
        match timeout(CASE_TIMEOUT, run_case(api, &client)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("case number {case}: {error}"),
            Err(_) => eprintln!("case number {case}: not done in {CASE_TIMEOUT:?}"),
        }
    }
    let mut socket = client(format!("/updateReports?agent={agent}")).connect().await?;
    while socket.recv().await?.is_some() {}
    Ok(())
}

async fn run_case(api: Api, client: &Client) -> Result {
    match api {
        Api::Pull => echo::pull(client.connect().await?).await,
        Api::Split => echo::split(client.connect().await?).await,
        Api::Push => {
            let (handler, ended) = echo::Push::watched();
            client.connect_with(handler).await?;
            let _ = ended.await; // nothing is ever sent
            Ok(())
        }
    }
}

/// A configuration that trusts one certificate and nothing else.
fn trust(certificate: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate)?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
