//! Secrets at rest: XChaCha20-Poly1305 with a fresh nonce each, bound to the table and row they lie in.
//!
//! Refuses to know what the secrets are. The database never sees the key, so its dump alone opens nothing.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

/// Length of the nonce in front of each sealed value, in bytes.
const NONCE: usize = 24;

/// The key in use, and what is sealed with it.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
    /// Names the key in each sealed value, so that another key is told from a damaged value.
    key_id: [u8; KEY_ID],
}

const KEY_ID: usize = 4;

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configured key is not one.
    #[error("the key must be 32 bytes in base64: make one with `openssl rand -base64 32`")]
    NotAKey,
    /// Sealed with another key.
    #[error("sealed with another key: start with the key that was in use when it was written")]
    OtherKey,
    /// Damaged, or moved here from another row.
    #[error("damaged or moved from another row")]
    Damaged,
}

/// Reads a key of 32 bytes from base64.
///
/// # Errors
/// [`Error::NotAKey`] for anything else.
pub fn parse_key(text: &SecretString) -> Result<SecretSlice<u8>, Error> {
    let bytes = STANDARD.decode(text.expose_secret().trim()).map_err(|_| Error::NotAKey)?;
    if bytes.len() == 32 { Ok(bytes.into()) } else { Err(Error::NotAKey) }
}

impl Vault {
    /// A vault with the key given in base64.
    pub fn new(key: &SecretString) -> Result<Self, Error> {
        let key = parse_key(key)?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.expose_secret());
        let mut key_id = [0; KEY_ID];
        key_id.copy_from_slice(&digest.as_ref()[..KEY_ID]);
        let key = Key::try_from(key.expose_secret()).map_err(|_| Error::NotAKey)?;
        Ok(Self { cipher: XChaCha20Poly1305::new(&key), key_id })
    }

    /// Seals `plain` for the row `row` of `table`: key id, nonce, ciphertext with tag.
    ///
    /// # Panics
    /// When the operating system has no randomness, or `plain` has more than 256 GiB.
    pub fn seal(&self, table: &str, row: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = random();
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &place(table, row) })
            .expect("the plaintext is within the limit of the cipher");
        [&self.key_id[..], &nonce, &sealed].concat()
    }

    /// Opens what was sealed for this very row.
    pub fn open(&self, table: &str, row: &str, sealed: &[u8]) -> Result<SecretSlice<u8>, Error> {
        let (key_id, rest) = sealed.split_at_checked(KEY_ID).ok_or(Error::Damaged)?;
        if key_id != self.key_id {
            return Err(Error::OtherKey);
        }
        let (nonce, sealed) = rest.split_at_checked(NONCE).ok_or(Error::Damaged)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| Error::Damaged)?;
        self.cipher
            .decrypt(&nonce, Payload { msg: sealed, aad: &place(table, row) })
            .map(Into::into)
            .map_err(|_| Error::Damaged)
    }
}

/// What a mark is sealed for.
const MARK: (&str, &str) = ("installation_key", "mark");

impl Vault {
    /// A mark that [`Vault::knows`] opens with the same key alone.
    pub fn mark(&self) -> Vec<u8> {
        self.seal(MARK.0, MARK.1, b"")
    }

    /// Whether a mark was made with this key.
    ///
    /// # Errors
    /// [`Error::OtherKey`] or [`Error::Damaged`] where it was not.
    pub fn knows(&self, mark: &[u8]) -> Result<(), Error> {
        self.open(MARK.0, MARK.1, mark).map(drop)
    }
}

/// Table and row as associated data; the zero byte keeps `a`+`bc` apart from `ab`+`c`.
fn place(table: &str, row: &str) -> Vec<u8> {
    [table.as_bytes(), b"\0", row.as_bytes()].concat()
}

/// Stands for these bytes: the first half of their SHA-256, in base64 as addresses may hold it.
pub fn fingerprint(bytes: &[u8]) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

/// Bytes from the operating system's generator.
///
/// # Panics
/// When the operating system has none: nothing secret can be made then.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(byte: u8) -> Vault {
        Vault::new(&STANDARD.encode([byte; 32]).into()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_own_row_only() {
        let vault = vault(1);
        let sealed = vault.seal("principal", "7", b"canary");
        assert!(!sealed.windows(6).any(|w| w == b"canary"));
        assert_eq!(vault.open("principal", "7", &sealed).unwrap().expose_secret(), b"canary");
        assert!(matches!(vault.open("principal", "8", &sealed), Err(Error::Damaged)));
        assert!(matches!(vault.open("dead_letter", "7", &sealed), Err(Error::Damaged)));
    }

    #[test]
    fn another_key_and_damage_are_told_apart() {
        let sealed = vault(1).seal("t", "1", b"x");
        assert!(matches!(vault(2).open("t", "1", &sealed), Err(Error::OtherKey)));
        let mut damaged = sealed.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(matches!(vault(1).open("t", "1", &damaged), Err(Error::Damaged)));
        assert!(matches!(vault(1).open("t", "1", &sealed[..20]), Err(Error::Damaged)));
    }

    #[test]
    fn a_key_has_32_bytes() {
        for bad in ["", "AAAA", "not base64!"] {
            assert!(matches!(Vault::new(&bad.to_owned().into()), Err(Error::NotAKey)), "{bad}");
        }
    }
}
