//! Which certificate authorities are trusted.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tower_goproxy::upstream::Client;
use tracing::{info, warn};

use crate::BoxError;

/// Those of the system, or built-in ones where it has none, and those of a file.
#[derive(Debug)]
pub(crate) struct Roots {
    pem: String,
    /// Whether the go command and git do not know them by themselves.
    has_own: bool,
}

impl Roots {
    /// # Errors
    ///
    /// The file cannot be read, or has no certificate of an authority.
    pub(crate) fn load(ca_file: Option<&Path>) -> Result<Self, BoxError> {
        let mut store = RootCertStore::empty();
        let mut pem = String::new();
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            warn!(%error, "some of the system's root certificates cannot be read");
        }
        let mut system = found.certs;
        if system.is_empty() {
            info!("the system has no root certificates: using built-in ones");
            system = webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec();
        }
        for certificate in system {
            // Systems have old ones that no TLS library takes any more.
            if store.add(certificate.clone()).is_ok() {
                push(&mut pem, &certificate);
            }
        }
        if let Some(file) = ca_file {
            let named =
                |error: &dyn std::fmt::Display| format!("--ca-file {}: {error}", file.display());
            let own = CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| named(&error))?;
            if own.is_empty() {
                return Err(named(&"no certificate in it").into());
            }
            for certificate in own {
                store
                    .add(certificate.clone())
                    .map_err(|error| named(&error))?;
                push(&mut pem, &certificate);
            }
        }
        Ok(Self {
            pem,
            has_own: ca_file.is_some(),
        })
    }

    pub(crate) fn client(&self) -> Result<Client, BoxError> {
        Ok(Client::with_roots(&self.pem)?)
    }

    /// All of them in a file for commands, if these do not know them.
    pub(crate) fn bundle(&self, folder: &Path) -> Result<Option<PathBuf>, BoxError> {
        if !self.has_own {
            return Ok(None);
        }
        let file = std::path::absolute(folder.join("ca-bundle.pem"))?;
        // The folder is for clones of private repositories.
        let mut private = fs::DirBuilder::new();
        let made = private.recursive(true).mode(0o700).create(folder);
        let written = made.and_then(|()| fs::write(&file, &self.pem));
        written.map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Some(file))
    }
}

fn push(pem: &mut String, certificate: &CertificateDer<'_>) {
    let encoded = BASE64_STANDARD.encode(certificate);
    pem.push_str("-----BEGIN CERTIFICATE-----\n");
    let mut rest = &*encoded;
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        // Writing into a string never fails.
        let _ = writeln!(pem, "{line}");
        rest = more;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
}
