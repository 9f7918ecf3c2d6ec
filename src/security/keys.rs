//! Key pairs: made at random, and from texts.

use zeroize::Zeroizing;

use crate::error::{Error, Result, Status};
use crate::net::random;

pub use crate::proto::zmtp::mechanism::curve::keys::{KeyPair, PublicKey, SecretKey};

const SOURCE: &str = "security::Curve";

/// The error for something that is wrong with a key.
pub(super) fn invalid(text: String) -> Error {
    Error::new(Status::InvalidArgument, SOURCE, text)
}

/// The error for something that is wrong with a file.
pub(super) fn of_file(text: String) -> Error {
    Error::new(Status::File, SOURCE, text)
}

impl KeyPair {
    /// A new key pair, of the operating system's random numbers.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`] if the system has no generator.
    pub fn generate() -> Result<KeyPair> {
        let mut octets = Zeroizing::new(random::random()?);
        Ok(KeyPair::from_random(&mut octets))
    }

    /// The key pair with this secret key, in its text form: 40 characters, Z85 (RFC 32). The caller
    /// wipes the text.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`]; its text does not contain the key.
    pub fn from_secret_text(text: &str) -> Result<KeyPair> {
        let secret = SecretKey::parse(text.trim()).ok_or_else(|| {
            let len = text.trim().len();
            invalid(format!(
                "A secret key has 40 characters of Z85 (RFC 32); this text of {len} is none"
            ))
        })?;
        Ok(KeyPair::new(secret))
    }
}

impl PublicKey {
    /// The key with this text form: 40 characters, Z85 (RFC 32).
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`] if it is none, or one of the few that belong to no key pair.
    pub fn from_text(text: &str) -> Result<PublicKey> {
        let key = PublicKey::parse(text.trim()).ok_or_else(|| {
            invalid(format!(
                "A public key has 40 characters of Z85 (RFC 32); \"{}\" is none",
                crate::proto::text::escape(text.trim().as_bytes())
            ))
        })?;
        if !key.is_usable() {
            return Err(invalid(format!("{key} is the public key of no key pair")));
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_generated_keys_are_equal_and_each_survives_its_text() {
        let pairs: Vec<KeyPair> = (0..8).map(|_| KeyPair::generate().unwrap()).collect();
        let distinct: std::collections::BTreeSet<_> = pairs.iter().map(KeyPair::public).collect();
        assert_eq!(distinct.len(), pairs.len());
        for pair in &pairs {
            let again = KeyPair::from_secret_text(&pair.secret().text()).unwrap();
            assert_eq!(again.public(), pair.public());
            assert_eq!(&PublicKey::from_text(&pair.public().to_string()).unwrap(), pair.public());
        }
    }

    /// The pairs of libzmq's manual (`zmq_curve`); the first one is in docs/security.md.
    #[test]
    fn the_keys_of_libzmqs_manual_are_pairs() {
        for (public, secret) in [
            (
                "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
                "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
            ),
            (
                "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
                "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
            ),
        ] {
            assert_eq!(KeyPair::from_secret_text(secret).unwrap().public().to_string(), public);
        }
    }

    #[test]
    fn an_error_names_a_bad_public_key_and_never_a_secret_one() {
        let error = KeyPair::from_secret_text("almost a secret").unwrap_err();
        assert_eq!(error.status(), Status::InvalidArgument);
        assert!(!error.text().contains("almost"), "{error}");
        let error = PublicKey::from_text("no key").unwrap_err();
        assert!(error.text().contains("\"no key\""), "{error}");
        let error = PublicKey::from_text(&"0".repeat(40)).unwrap_err();
        assert!(error.text().contains("no key pair"), "{error}");
    }
}
