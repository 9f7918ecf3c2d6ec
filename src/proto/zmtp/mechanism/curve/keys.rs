//! Keys of Curve25519, and their text form Z85 (RFC 32).

use std::fmt;

use x25519_dalek::StaticSecret;
use zeroize::{Zeroize, Zeroizing};

/// Octets of a key.
pub const KEY_OCTETS: usize = 32;
/// Characters of a key's text form.
pub const KEY_TEXT_OCTETS: usize = KEY_OCTETS / Z85_OCTETS * Z85_DIGITS;

/// Octets that become [`Z85_DIGITS`] digits of base 85.
const Z85_OCTETS: usize = 4;
const Z85_DIGITS: usize = 5;
const Z85_ALPHABET: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// Writes a key in Z85.
fn encode(key: &[u8; KEY_OCTETS], text: &mut [u8; KEY_TEXT_OCTETS]) {
    for (octets, digits) in key.chunks(Z85_OCTETS).zip(text.chunks_mut(Z85_DIGITS)) {
        let mut number = octets.iter().fold(0u32, |number, &octet| number << 8 | u32::from(octet));
        for digit in digits.iter_mut().rev() {
            *digit = Z85_ALPHABET[number as usize % 85];
            number /= 85;
        }
    }
}

/// Reads a key in Z85 to `key`. False if the text has another length, has a character that is none of
/// Z85, or a group of digits of more than 32 bits.
fn decode(text: &str, key: &mut [u8; KEY_OCTETS]) -> bool {
    if text.len() != KEY_TEXT_OCTETS {
        return false;
    }
    let groups = text.as_bytes().chunks(Z85_DIGITS);
    groups.zip(key.chunks_mut(Z85_OCTETS)).all(|(digits, octets)| {
        let number = digits.iter().try_fold(0u32, |number, digit| {
            let value = Z85_ALPHABET.iter().position(|one| one == digit)?;
            number.checked_mul(85)?.checked_add(value as u32)
        });
        number.map(|number| octets.copy_from_slice(&number.to_be_bytes())).is_some()
    })
}

/// The public half of a key pair: what others know its owner by. `Display` gives its text form of
/// 40 characters, Z85.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; KEY_OCTETS]);

impl PublicKey {
    /// From its text form; `None` if that is none.
    pub fn parse(text: &str) -> Option<PublicKey> {
        let mut key = [0; KEY_OCTETS];
        decode(text, &mut key).then_some(PublicKey(key))
    }

    /// Whether there may be a key pair with it. With the few points of small order every secret gives
    /// the same key, which is none.
    pub fn is_usable(&self) -> bool {
        SecretKey::new(&[1; KEY_OCTETS]).shared_with(self).is_some()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; KEY_TEXT_OCTETS];
        encode(&self.0, &mut text);
        f.pad(&String::from_utf8_lossy(&text))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// The secret half of a key pair. Wiped when it is dropped; no formatting shows it.
#[derive(Clone)]
pub struct SecretKey(StaticSecret);

impl SecretKey {
    /// From 32 random octets. The caller wipes its own copy.
    pub fn new(octets: &[u8; KEY_OCTETS]) -> SecretKey {
        SecretKey(StaticSecret::from(*octets))
    }

    /// From its text form; `None` if that is none. The caller wipes the text.
    pub fn parse(text: &str) -> Option<SecretKey> {
        let mut key = Zeroizing::new([0; KEY_OCTETS]);
        decode(text, &mut key).then(|| SecretKey::new(&key))
    }

    /// The 32 octets.
    pub(super) fn octets(&self) -> &[u8; KEY_OCTETS] {
        self.0.as_bytes()
    }

    /// The text form of 40 characters, Z85. It is wiped when it is dropped.
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new([0; KEY_TEXT_OCTETS]);
        encode(self.octets(), &mut text);
        // Of one allocation, so that no copy stays behind.
        let mut owned = Zeroizing::new(String::with_capacity(KEY_TEXT_OCTETS));
        owned.extend(text.iter().map(|&digit| char::from(digit)));
        owned
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(x25519_dalek::PublicKey::from(&self.0).to_bytes())
    }

    /// The point that the two owners share; `None` if it does not depend on the secret.
    pub(super) fn shared_with(&self, public: &PublicKey) -> Option<Zeroizing<[u8; KEY_OCTETS]>> {
        let shared = self.0.diffie_hellman(&x25519_dalek::PublicKey::from(public.0));
        shared.was_contributory().then(|| Zeroizing::new(*shared.as_bytes()))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// A key pair. The secret half is wiped when it is dropped.
#[derive(Clone, Debug)]
pub struct KeyPair {
    public: PublicKey,
    secret: SecretKey,
}

impl KeyPair {
    /// The key pair of this secret half.
    pub fn new(secret: SecretKey) -> KeyPair {
        KeyPair { public: secret.public(), secret }
    }

    /// From 32 random octets, which it wipes.
    pub fn from_random(random: &mut [u8; KEY_OCTETS]) -> KeyPair {
        let secret = SecretKey::new(random);
        random.zeroize();
        KeyPair::new(secret)
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The secret half.
    pub fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn z85_is_that_of_libzmq() {
        // The keys of the captures; README-zmtp.md of the vectors.
        for (secret, public) in [
            (b'S', "clgZ-e%xUjbVPRmFBC3.xni{%HKPKMCq)ULs9%EC"),
            (b'C', "=f%qfi*3^swdyjlM06V:upWV*ALiJEV:HqG62s#}"),
        ] {
            let keys = KeyPair::new(SecretKey::new(&[secret; KEY_OCTETS]));
            assert_eq!(keys.public().to_string(), public);
            assert_eq!(PublicKey::parse(public), Some(*keys.public()));
        }
    }

    #[test]
    fn every_key_survives_its_text_form() {
        for seed in 0..=0xffu8 {
            let octets: [u8; KEY_OCTETS] =
                std::array::from_fn(|at| seed.wrapping_mul(at as u8 | 1) ^ seed);
            let key = SecretKey::new(&octets);
            let text = key.text();
            assert_eq!(text.len(), KEY_TEXT_OCTETS);
            assert_eq!(SecretKey::parse(&text).unwrap().octets(), &octets);
            assert_eq!(PublicKey::parse(&text), Some(PublicKey(octets)));
            assert_eq!(*PublicKey(octets).to_string(), **text);
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let good = PublicKey([0xff; KEY_OCTETS]).to_string();
        assert!(PublicKey::parse(&good).is_some());
        for at in 0..good.len() {
            assert_eq!(PublicKey::parse(&good[..at]), None, "{at} characters");
            for bad in ["\"", "'", ",", ";", "_", "`", "|", "~", "\\", " ", "\0", "\n"] {
                let mut text = good.clone();
                text.replace_range(at..=at, bad);
                assert_eq!(PublicKey::parse(&text), None, "{text:?}");
            }
        }
        assert_eq!(PublicKey::parse(&format!("{good}0")), None);
        // The first group is 2^32: one more than four octets hold.
        assert_eq!(PublicKey::parse(&format!("%nSc1{}", &good[5..])), None);
        assert_eq!(PublicKey::parse(&"#".repeat(40)), None);
        assert_eq!(PublicKey::parse(&"é".repeat(20)), None);
    }

    #[test]
    fn no_formatting_shows_a_secret() {
        let secret = SecretKey::new(&[7; KEY_OCTETS]);
        let text = secret.text();
        let shown = format!("{:?} {:?}", KeyPair::new(secret.clone()), secret);
        assert!(!shown.contains(&**text) && !shown.contains("7, 7"), "{shown}");
    }

    #[test]
    fn a_point_that_gives_everybody_the_same_key_is_refused() {
        let secret = SecretKey::new(&[7; KEY_OCTETS]);
        let mut one = [0; KEY_OCTETS];
        one[0] = 1;
        for point in [[0; KEY_OCTETS], one] {
            assert!(secret.shared_with(&PublicKey(point)).is_none());
        }
        assert!(secret.shared_with(&SecretKey::new(&[8; KEY_OCTETS]).public()).is_some());
    }
}
