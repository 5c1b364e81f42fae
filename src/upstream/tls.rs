//! Whom the built-in client trusts.

use std::io;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt as _;
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use super::list_error::InvalidUpstream;

pub(super) fn system() -> Result<ClientConfig, InvalidUpstream> {
    let trusting = builder()?
        .with_native_roots()
        .map_err(InvalidUpstream::roots)?;
    Ok(anonymous(trusting))
}

pub(super) fn from_pem(pem: &[u8]) -> Result<ClientConfig, InvalidUpstream> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| {
            InvalidUpstream::certificates("the root certificates are not valid PEM")
        })?;
        roots
            .add(certificate)
            .map_err(|_| InvalidUpstream::certificates("a certificate cannot be a root"))?;
    }
    if roots.is_empty() {
        return Err(InvalidUpstream::certificates(
            "no root certificate in the PEM text",
        ));
    }
    Ok(anonymous(builder()?.with_root_certificates(roots)))
}

pub(super) fn nobody() -> Result<ClientConfig, InvalidUpstream> {
    Ok(anonymous(
        builder()?.with_root_certificates(RootCertStore::empty()),
    ))
}

/// Names the provider, since a process with two of them in it has no default.
fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, InvalidUpstream> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| InvalidUpstream::roots(io::Error::other(error)))
}

fn anonymous(config: ConfigBuilder<ClientConfig, WantsClientCert>) -> ClientConfig {
    config.with_no_client_auth()
}
