//! The client's half of SCRAM (RFC 5802) with SHA-256 (RFC 7677) and SHA-512, as Kafka speaks it.
//!
//! Kafka does not prepare names and passwords (no `SASLprep`), so neither is done here. Channel binding is
//! not offered by Kafka.

use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2, rand};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

/// The hash of a SCRAM credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

impl Mechanism {
    /// Its name in SASL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    /// Its number in Kafka (`ScramMechanism`).
    pub fn number(self) -> i8 {
        match self {
            Self::Sha256 => 1,
            Self::Sha512 => 2,
        }
    }

    /// The mechanism with this number, if this client knows it.
    pub fn from_number(number: i8) -> Option<Self> {
        match number {
            1 => Some(Self::Sha256),
            2 => Some(Self::Sha512),
            _ => None,
        }
    }

    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}

/// Computes the `SaltedPassword` of RFC 5802 (PBKDF2): what Kafka wants for a SCRAM user in place of the password.
///
/// Takes milliseconds of CPU (4,096 iterations of SHA-512: 1.6 to 3.5 ms), so keep it off the threads of async
/// code. The result is as long as the hash, and as good as the password for whoever gets it.
pub fn salted_password(
    mechanism: Mechanism,
    password: &SecretString,
    salt: &[u8],
    iterations: NonZeroU32,
) -> SecretSlice<u8> {
    let mut salted = vec![0; mechanism.digest().output_len()];
    pbkdf2::derive(mechanism.pbkdf2(), iterations, salt, password.expose_secret().as_bytes(), &mut salted);
    salted.into()
}

/// Why an exchange ends without a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(pub(crate) &'static str);

/// The fewest and the most iterations a server may ask for: the bounds of Kafka 4.x's broker
/// (`ScramMechanism` and `ScramFormatter`). Fewer would make a stolen exchange cheap to guess, more would let
/// a hostile server burn our CPU.
const ITERATIONS: std::ops::RangeInclusive<u32> = 4096..=16384;

/// An exchange that has sent nothing yet.
pub(crate) struct Start {
    nonce: String,
    first_bare: String,
}

impl Start {
    /// Begins an exchange with a nonce of 192 random bits.
    pub(crate) fn new(user: &str) -> Result<Self, Broken> {
        let mut nonce = [0; 24];
        rand::fill(&mut nonce).map_err(|_| Broken("the system has no random numbers"))?;
        Ok(Self::with_nonce(user, BASE64.encode(nonce)))
    }

    fn with_nonce(user: &str, nonce: String) -> Self {
        let escaped = user.replace('=', "=3D").replace(',', "=2C");
        Self { first_bare: format!("n={escaped},r={nonce}"), nonce }
    }

    /// The first message to the server.
    pub(crate) fn client_first(&self) -> Vec<u8> {
        format!("n,,{}", self.first_bare).into_bytes()
    }

    /// Reads the server's answer to it.
    pub(crate) fn challenge(self, server_first: &[u8]) -> Result<Challenge, Broken> {
        let server_first =
            str::from_utf8(server_first).map_err(|_| Broken("the server's first message is not UTF-8"))?;
        // The order is fixed; an `m=` before it would be an extension that must not be passed over.
        let mut parts = server_first.split(',');
        let mut part = |key| {
            parts
                .next()
                .and_then(|part| part.strip_prefix(key))
                .ok_or(Broken("the server's first message is malformed"))
        };
        let (nonce, salt, iterations) = (part("r=")?, part("s=")?, part("i=")?);
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(Broken("the server's nonce does not go on from ours"));
        }
        let salt = BASE64.decode(salt).map_err(|_| Broken("the server's salt is not base64"))?;
        let iterations = iterations
            .parse()
            .ok()
            .filter(|count| ITERATIONS.contains(count))
            .and_then(NonZeroU32::new)
            .ok_or(Broken("the server asks for an iteration count outside 4096 to 16384"))?;
        if salt.is_empty() {
            return Err(Broken("the server's salt is empty"));
        }
        Ok(Challenge {
            salt,
            iterations,
            nonce: nonce.to_owned(),
            so_far: format!("{},{server_first}", self.first_bare),
        })
    }
}

/// What the server asks.
#[derive(Debug)]
pub(crate) struct Challenge {
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: NonZeroU32,
    nonce: String,
    so_far: String,
}

impl Challenge {
    /// The last message to the server, and what it has to answer to prove that it knows the password too.
    pub(crate) fn answer(self, mechanism: Mechanism, salted_password: &SecretSlice<u8>) -> (Vec<u8>, ServerProof) {
        let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(mechanism.hmac(), key), text);
        // "biws" is base64 of "n,,": no channel binding.
        let without_proof = format!("c=biws,r={}", self.nonce);
        let signed = format!("{},{without_proof}", self.so_far);

        let client_key = sign(salted_password.expose_secret(), b"Client Key");
        let stored_key = digest::digest(mechanism.digest(), client_key.as_ref());
        let signature = sign(stored_key.as_ref(), signed.as_bytes());
        let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(key, mask)| key ^ mask).collect();

        let server_key = sign(salted_password.expose_secret(), b"Server Key");
        let expected = sign(server_key.as_ref(), signed.as_bytes());
        (format!("{without_proof},p={}", BASE64.encode(proof)).into_bytes(), ServerProof(expected.as_ref().to_vec()))
    }
}

/// The signature only a server that knows the password can make.
#[derive(Debug)]
pub(crate) struct ServerProof(Vec<u8>);

impl ServerProof {
    /// Checks the server's last message, in constant time.
    pub(crate) fn verify(&self, server_final: &[u8]) -> Result<(), Broken> {
        let text = str::from_utf8(server_final).map_err(|_| Broken("the server's last message is not UTF-8"))?;
        let signature = text
            .split(',')
            .next()
            .and_then(|part| part.strip_prefix("v="))
            .and_then(|part| BASE64.decode(part).ok())
            .ok_or(Broken("the server's last message has no signature"))?;
        constant_time::verify_slices_are_equal(&self.0, &signature)
            .map_err(|_| Broken("the server did not prove that it knows the password"))
    }
}

#[cfg(test)]
mod tests;
