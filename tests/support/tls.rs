//! A certificate authority made for one test, and a server certificate for 127.0.0.1, localhost and two names.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// What a server needs to speak TLS, and what a client needs to trust it.
#[derive(Debug)]
pub struct Tls {
    authority: CertificateDer<'static>,
    dir: TempDir,
    server: ServerConfig,
}

impl Tls {
    /// HTTP/2 is offered first, then HTTP/1.1, as any public registry does.
    pub fn new() -> Self {
        Self::with_alpn(&["h2", "http/1.1"])
    }

    pub fn http1_only() -> Self {
        Self::with_alpn(&["http/1.1"])
    }

    fn with_alpn(protocols: &[&str]) -> Self {
        let (authority, pem, server) =
            make(protocols).expect("fixed certificate settings are good");
        let dir = TempDir::new().expect("a temporary folder can be made");
        std::fs::write(dir.path().join("authority.pem"), pem)
            .expect("a temporary file is writable");
        Self {
            authority,
            dir,
            server,
        }
    }

    /// A PEM file with the authority, for `SSL_CERT_FILE`.
    pub fn authority_file(&self) -> PathBuf {
        self.dir.path().join("authority.pem")
    }

    /// A client's settings that trust this authority and nothing else.
    pub fn client_config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.authority.clone())
            .expect("a certificate just made is well-formed");
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring offers the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.server.clone()))
    }
}

type Made = (CertificateDer<'static>, String, ServerConfig);

fn make(protocols: &[&str]) -> Result<Made, Box<dyn std::error::Error>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "test authority");
    let key = KeyPair::generate()?;
    let authority = params.self_signed(&key)?;
    let issuer = Issuer::new(params, key);

    let names = ["127.0.0.1", "localhost", "one.example", "two.example"];
    let names = names.map(str::to_owned);
    let server_key = KeyPair::generate()?;
    let certificate = CertificateParams::new(names)?.signed_by(&server_key, &issuer)?;
    let server_key = PrivatePkcs8KeyDer::from(server_key.serialize_der());
    let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], server_key.into())?;
    server.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    Ok((authority.der().clone(), authority.pem(), server))
}
