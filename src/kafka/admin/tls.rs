//! TLS by rustls: whom to trust.

use std::{fmt, path::Path, sync::Arc};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::{Error, Result};

/// The authorities whose word is taken for a broker's certificate. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    pub(crate) config: Arc<ClientConfig>,
}

/// Where Linux distributions keep the authorities a machine trusts.
const PLATFORM_FILES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

impl Tls {
    /// Trusts the certificates of a PEM text and no others.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if it holds no certificate, or a broken one.
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        let broken = |why: &dyn fmt::Display| Error::Settings(format!("certificate authorities: {why}"));
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| broken(&error))?;
            roots.add(certificate).map_err(|error| broken(&error))?;
        }
        if roots.is_empty() {
            return Err(broken(&"no certificate found"));
        }
        // The provider is named, so that nothing depends on which one a process installed first.
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| broken(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config) })
    }

    /// Trusts the certificates of a PEM file and no others. Reads the file now, blocking.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if it cannot be read, or as [`Tls::from_pem`].
    pub fn from_file(path: &Path) -> Result<Self> {
        let pem = std::fs::read(path).map_err(|error| Error::Settings(format!("{}: {error}", path.display())))?;
        Self::from_pem(&pem)
    }

    /// Trusts what the machine trusts (the usual files of Linux distributions). Reads a file now, blocking.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if no such file is there, or as [`Tls::from_pem`].
    pub fn platform() -> Result<Self> {
        let file = PLATFORM_FILES.iter().map(Path::new).find(|path| path.exists());
        Self::from_file(
            file.ok_or_else(|| Error::Settings("this machine has no file of certificate authorities".into()))?,
        )
    }

    /// Trusts the certificates of this file, or where there is none what the machine trusts.
    ///
    /// # Errors
    ///
    /// As [`Tls::from_file`] and [`Tls::platform`].
    pub fn trusting(ca_file: Option<&Path>) -> Result<Self> {
        ca_file.map_or_else(Self::platform, Self::from_file)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_certificates_is_refused() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(Tls::from_pem(pem.as_bytes()), Err(Error::Settings(_))), "{pem:?}");
        }
    }
}
