use proptest::prelude::*;

use super::*;

const USER: &str = "user";
const PASSWORD: &str = "pencil";

fn secret() -> SecretString {
    PASSWORD.to_owned().into()
}

#[test]
fn the_exchange_of_rfc_7677_is_ours() {
    let start = Start::with_nonce(USER, "rOprNGfwEbeRWgbNEkqO".into());
    assert_eq!(start.client_first(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    let server_first = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    let challenge = start.challenge(server_first).unwrap();
    let salted = salted_password(Mechanism::Sha256, &secret(), &challenge.salt, challenge.iterations);
    let (client_final, proof) = challenge.answer(Mechanism::Sha256, &salted);
    assert_eq!(
        String::from_utf8(client_final).unwrap(),
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    assert_eq!(proof.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
    for wrong in ["v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "v=", "v=6rri", "e=other-error", "", "x"] {
        assert!(proof.verify(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

/// Expected values from Python's `hashlib.pbkdf2_hmac`.
#[test]
fn salted_passwords_are_pbkdf2() {
    let hex = |mechanism| {
        let salted = salted_password(mechanism, &secret(), b"sixteen bytes of", NonZeroU32::new(4096).unwrap());
        salted.expose_secret().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    };
    assert_eq!(hex(Mechanism::Sha256), "9914459588081ca5ccc1dad013983d7206f3696e066a11c86a0de49c0ae4df0f");
    assert_eq!(
        hex(Mechanism::Sha512),
        "7a258a204dbb5e37694b4b71712a06b502d8a9ac702e061feffbf5a0340df385d578a0f4b8d41ed0a0d1bc060296049eb807ff43a7e27028fc042bd233fa8cde"
    );
}

#[test]
fn a_name_with_commas_and_equals_signs_is_escaped() {
    let start = Start::with_nonce("a=b,c", "x".into());
    assert_eq!(start.client_first(), b"n,,n=a=3Db=2Cc,r=x");
}

#[test]
fn two_exchanges_have_different_nonces() {
    let nonce = || Start::new(USER).unwrap().nonce;
    assert_ne!(nonce(), nonce());
    assert_eq!(nonce().len(), 32);
}

#[test]
fn a_server_that_breaks_the_rules_is_refused() {
    for server_first in [
        "",
        "r=abc,s=c2FsdA==,i=4096",
        // The nonce is not ours, or nothing was added to it.
        "r=xyzDEF,s=c2FsdA==,i=4096",
        "m=ext,r=abcDEF,s=c2FsdA==,i=4096",
        "r=abcDEF,i=4096,s=c2FsdA==",
        "r=abcDEF,s=?,i=4096",
        "r=abcDEF,s=,i=4096",
        "r=abcDEF,s=c2FsdA==",
        "r=abcDEF,s=c2FsdA==,i=0",
        "r=abcDEF,s=c2FsdA==,i=4095",
        "r=abcDEF,s=c2FsdA==,i=16385",
        "r=abcDEF,s=c2FsdA==,i=-4096",
        "r=abcDEF,s=c2FsdA==,i=99999999999999",
        "e=invalid-encoding",
    ] {
        let start = Start::with_nonce(USER, "abc".into());
        assert!(start.challenge(server_first.as_bytes()).is_err(), "{server_first}");
    }
    let start = Start::with_nonce(USER, "abc".into());
    assert_eq!(start.challenge(b"r=abcDEF,s=c2FsdA==,i=16384").unwrap().salt, b"salt");
}

proptest! {
    #[test]
    fn no_bytes_of_a_server_make_it_panic(noise in any::<Vec<u8>>(), text in "r=abc[a-z,=]{0,30}") {
        for bytes in [noise.as_slice(), text.as_bytes()] {
            let _ = Start::with_nonce(USER, "abc".into()).challenge(bytes);
            let _ = ServerProof(vec![1; 32]).verify(bytes);
        }
    }
}
