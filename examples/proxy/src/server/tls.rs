//! Certificates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::BoxError;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsArgs {
    /// Certificate chain in PEM, for HTTPS. Requires --tls-key.
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM. Requires --tls-cert.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
}

/// Where certificate and key are.
#[derive(Clone, Debug)]
pub(crate) struct TlsConfig {
    cert: PathBuf,
    key: PathBuf,
}

impl TlsArgs {
    pub(crate) fn config(&self) -> Result<Option<TlsConfig>, BoxError> {
        match (self.tls_cert.clone(), self.tls_key.clone()) {
            (Some(cert), Some(key)) => Ok(Some(TlsConfig { cert, key })),
            (None, None) => Ok(None),
            (Some(_), None) => Err("--tls-cert needs --tls-key".into()),
            (None, Some(_)) => Err("--tls-key needs --tls-cert".into()),
        }
    }
}

impl TlsConfig {
    pub(crate) fn files(&self) -> [&Path; 2] {
        [&self.cert, &self.key]
    }

    /// # Errors
    ///
    /// A file cannot be read, or the key is not that of the certificate.
    pub(crate) fn read(&self) -> Result<Arc<ServerConfig>, BoxError> {
        let (cert, key) = (self.cert.display(), self.key.display());
        let chain = CertificateDer::pem_file_iter(&self.cert)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| format!("--tls-cert {cert}: {error}"))?;
        if chain.is_empty() {
            return Err(format!("--tls-cert {cert}: no certificate in it").into());
        }
        let private = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| format!("--tls-key {key}: {error}"))?;
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(|error| format!("--tls-cert {cert}, --tls-key {key}: {error}"))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
