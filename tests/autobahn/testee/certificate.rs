//! The certificate of whoever is the server, us or the suite.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;

pub fn chain(folder: &Path) -> PathBuf {
    folder.join("cert.pem")
}

pub fn key(folder: &Path) -> PathBuf {
    folder.join("key.pem")
}

/// Makes a self-signed certificate for 127.0.0.1.
pub fn write(folder: &Path) -> Result {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    fs::create_dir_all(folder)?;
    fs::write(chain(folder), made.cert.pem())?;
    fs::write(key(folder), made.signing_key.serialize_pem())?;
    Ok(())
}
