//! A certificate for servers on this machine, that only the load generator trusts.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// Where `cert.pem` and `key.pem` lie.
pub(crate) fn folder(benches: &Path) -> PathBuf {
    benches.join("target/tls")
}

/// Makes them, unless they are there.
pub(crate) fn make(benches: &Path) -> Result<(), Box<dyn Error>> {
    let folder = folder(benches);
    if folder.join("key.pem").exists() {
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    fs::write(folder.join("cert.pem"), pair.cert.pem())?;
    fs::write(folder.join("key.pem"), pair.signing_key.serialize_pem())?;
    Ok(())
}
