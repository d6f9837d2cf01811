//! TLS: rustls with ring. Trusts the system's certificate authorities and the files in the
//! settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::error::FetchError;

/// A client's TLS configuration, and whether it trusts any authority.
#[derive(Debug)]
pub struct Tls {
    /// For a client with HTTP/2 and HTTP/1.1.
    pub config: ClientConfig,
    /// False on a machine without certificate authorities. Plain HTTP works there.
    pub has_authorities: bool,
}

/// Sets up TLS with HTTP/2 and HTTP/1.1 by ALPN. Trusts `ca` (PEM files) and the system's
/// authorities.
///
/// # Errors
/// [`FetchError::Ca`] if a file cannot be used; [`FetchError::Setup`] if rustls cannot be set up.
pub fn client_tls(ca: &[PathBuf]) -> Result<Tls, FetchError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut extra = Vec::new();
    for path in ca {
        extra.extend(read_authorities(path)?);
    }
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| FetchError::Setup { reason: error.to_string() })?;
    let (builder, has_authorities) = match Verifier::new_with_extra_roots(extra, provider) {
        Ok(verifier) => (builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)), true),
        Err(error) => {
            tracing::warn!(%error, "no certificate authorities on this machine: {error}");
            (builder.with_root_certificates(RootCertStore::empty()), false)
        }
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls { config, has_authorities })
}

fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, FetchError> {
    let cannot = |reason: String| FetchError::Ca { path: path.to_owned(), reason };
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| cannot(error.to_string()))?;
    if found.is_empty() {
        return Err(cannot("there is no certificate in it".to_owned()));
    }
    for certificate in &found {
        RootCertStore::empty().add(certificate.clone()).map_err(|error| cannot(error.to_string()))?;
    }
    Ok(found)
}

/// A TLS failure in plain words.
pub(crate) fn plain_reason(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return error.to_string();
    };
    match certificate {
        CertificateError::UnknownIssuer => {
            "its certificate is not signed by an authority that this machine trusts; if that is intended, name its authority with --ca FILE"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; check this machine's clock"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        CertificateError::Revoked => "its certificate was revoked",
        _ => return error.to_string(),
    }
    .to_owned()
}
