//! Whom the built-in client trusts, and by whose cryptography.

use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt as _;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use super::list_error::InvalidUpstream;

pub(super) fn system() -> Result<ClientConfig, InvalidUpstream> {
    let failed =
        |error| InvalidUpstream::caused("the system's root certificates cannot be loaded", error);
    let trusting = builder()?.with_native_roots().map_err(failed)?;
    Ok(trusting.with_no_client_auth())
}

pub(super) fn from_pem(pem: &[u8]) -> Result<ClientConfig, InvalidUpstream> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let invalid = "the root certificates are not valid PEM";
        let certificate = certificate.map_err(|error| InvalidUpstream::caused(invalid, error))?;
        let added = roots.add(certificate);
        added.map_err(|error| InvalidUpstream::caused("a certificate cannot be a root", error))?;
    }
    if roots.is_empty() {
        return Err(InvalidUpstream::new("no root certificate in the PEM text"));
    }
    trusting(roots)
}

pub(super) fn nobody() -> Result<ClientConfig, InvalidUpstream> {
    trusting(RootCertStore::empty())
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig, InvalidUpstream> {
    Ok(builder()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// By the provider of the process, else by that of a feature.
fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, InvalidUpstream> {
    let provider = CryptoProvider::get_default().map(Arc::clone);
    #[cfg(feature = "ring")]
    let provider = provider.or_else(|| Some(rustls::crypto::ring::default_provider().into()));
    #[cfg(feature = "aws-lc-rs")]
    let provider = provider.or_else(|| Some(rustls::crypto::aws_lc_rs::default_provider().into()));
    let provider = provider.ok_or_else(|| {
        InvalidUpstream::new(
            "no TLS provider: install one with rustls::crypto::CryptoProvider::install_default, or enable the feature `ring` or `aws-lc-rs`",
        )
    })?;
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| InvalidUpstream::caused("the TLS provider cannot be used", error))
}
