//! NaCl's authenticated encryption, X25519 with XSalsa20 and Poly1305, in the places where the
//! octets are.

use cryptoxide::poly1305::Tag;
use cryptoxide::salsa20::hsalsa20;
use zeroize::Zeroizing;

use super::authenticator::Authenticator;
// By as many a box is longer than its contents: the Poly1305 tag comes first.
pub use super::authenticator::TAG_OCTETS;
use super::keys::{PublicKey, SecretKey};
use super::salsa::{KeyStream, BATCH_OCTETS};

/// Octets of the key stream that are the key of Poly1305.
const KEY_OCTETS: usize = 32;
/// Octets that are encrypted and authenticated in one go, while they are in the processor's cache:
/// a multiple of the key stream's batches of either size.
const CHUNK_OCTETS: usize = 16 * BATCH_OCTETS;
/// Octets of the first chunk: what is left of the first batch, so that the others begin with one.
const FIRST_CHUNK_OCTETS: usize = CHUNK_OCTETS + BATCH_OCTETS - KEY_OCTETS;

/// A key of boxes between two key pairs, or of secret boxes. Wiped when it is dropped.
#[derive(Clone)]
pub struct BoxKey(Zeroizing<[u8; 32]>);

impl BoxKey {
    /// A key for secret boxes.
    pub fn new(key: [u8; 32]) -> BoxKey {
        BoxKey(Zeroizing::new(key))
    }

    /// The key of the boxes between the owner of `secret` and that of `public`. `None` if `public`
    /// is one of the few points with which every secret gives the same key.
    pub fn between(secret: &SecretKey, public: &PublicKey) -> Option<BoxKey> {
        Some(BoxKey(Zeroizing::new(hsalsa20(&*secret.shared_with(public)?, &[0; 16]))))
    }

    /// The key for nonces that begin with these octets.
    pub fn with_prefix(&self, prefix: &[u8; 16]) -> NonceKey {
        NonceKey(Zeroizing::new(hsalsa20(&self.0, prefix)))
    }

    /// Appends a box with these contents. The nonce consists of `prefix` and `random`.
    pub fn seal_long(&self, prefix: &[u8; 8], random: &[u8; 16], text: &[u8], out: &mut Vec<u8>) {
        let (key, rest) = self.long(prefix, random);
        key.seal(rest, &[text], out);
    }

    /// Opens a box as [`seal_long`](Self::seal_long) makes it.
    pub fn open_long(
        &self,
        prefix: &[u8; 8],
        random: &[u8; 16],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (key, rest) = self.long(prefix, random);
        key.opened(rest, sealed)
    }

    fn long(&self, prefix: &[u8; 8], random: &[u8; 16]) -> (NonceKey, [u8; 8]) {
        let mut first = [0; 16];
        let mut rest = [0; 8];
        first[..8].copy_from_slice(prefix);
        first[8..].copy_from_slice(&random[..8]);
        rest.copy_from_slice(&random[8..]);
        (self.with_prefix(&first), rest)
    }
}

/// A key for nonces whose first 16 octets are given: what XSalsa20 computes from them, which is half
/// of the work for a small box, is done once for all boxes of a connection.
#[derive(Clone)]
pub struct NonceKey(Zeroizing<[u8; 32]>);

impl NonceKey {
    /// Appends a box with the concatenated `parts`. No two boxes may have the same nonce.
    pub fn seal(&self, nonce: [u8; 8], parts: &[&[u8]], out: &mut Vec<u8>) {
        let len = parts.iter().map(|part| part.len()).sum();
        let (mut stream, mut mac) = self.begin(nonce, len);
        let start = out.len();
        out.reserve(TAG_OCTETS + len);
        out.extend_from_slice(&[0; TAG_OCTETS]);
        let (mut begun, mut end) = (out.len(), out.len() + FIRST_CHUNK_OCTETS);
        for part in parts {
            let mut rest = *part;
            while !rest.is_empty() {
                if out.len() == end {
                    stream.apply(&mut out[begun..]);
                    mac.update(&out[begun..]);
                    (begun, end) = (end, end + CHUNK_OCTETS);
                }
                let (now, later) = rest.split_at(rest.len().min(end - out.len()));
                out.extend_from_slice(now);
                rest = later;
            }
        }
        stream.apply(&mut out[begun..]);
        let tag = mac.finish(&out[begun..]);
        out[start..start + TAG_OCTETS].copy_from_slice(&tag.0);
    }

    /// Appends the contents of a box to `out`. False, and nothing is appended, if it was altered or
    /// made with another key or nonce.
    #[must_use]
    pub fn open(&self, nonce: [u8; 8], sealed: &[u8], out: &mut Vec<u8>) -> bool {
        let Some((tag, text)) = sealed.split_first_chunk::<TAG_OCTETS>() else { return false };
        let start = out.len();
        out.extend_from_slice(text);
        let is_genuine = self.decrypt(nonce, *tag, &mut out[start..]);
        if !is_genuine {
            out.truncate(start);
        }
        is_genuine
    }

    /// Decrypts the rest of a box behind its tag, where it is. False, and all of it is zero, if it was
    /// altered or made with another key or nonce. That takes the same time for every wrong tag.
    #[must_use]
    pub fn decrypt(&self, nonce: [u8; 8], tag: [u8; TAG_OCTETS], text: &mut [u8]) -> bool {
        let (mut stream, mut mac) = self.begin(nonce, text.len());
        let (mut rest, mut chunk_octets) = (&mut *text, FIRST_CHUNK_OCTETS);
        while rest.len() > chunk_octets {
            let (chunk, later) = rest.split_at_mut(chunk_octets);
            mac.update(chunk);
            stream.apply(chunk);
            (rest, chunk_octets) = (later, CHUNK_OCTETS);
        }
        // The comparison of tags does not depend on where they differ.
        let is_genuine = mac.finish(rest) == Tag(tag);
        if is_genuine {
            stream.apply(rest);
        } else {
            text.fill(0);
        }
        is_genuine
    }

    /// What encrypts and what authenticates a text of that many octets.
    fn begin(&self, nonce: [u8; 8], len: usize) -> (KeyStream, Authenticator) {
        let mut stream = KeyStream::new(&self.0, &nonce, KEY_OCTETS + len);
        let mac = Authenticator::new(&stream.next_key::<KEY_OCTETS>(), len);
        (stream, mac)
    }

    /// The contents of a box; see [`open`](Self::open).
    pub fn opened(&self, nonce: [u8; 8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut contents = Zeroizing::new(Vec::with_capacity(sealed.len()));
        self.open(nonce, sealed, &mut contents).then_some(contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of NaCl's own documentation ("Cryptography in NaCl", section 10).
    #[test]
    fn the_box_is_that_of_nacl() {
        let key = hex(b"1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
        let nonce = hex(b"69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
        let text = hex(
            b"be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d\
              45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b131\
              8a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705",
        );
        let sealed = hex(
            b"f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c\
              531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc\
              8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f6\
              22a43d14a6599b1f654cb45a74e355a5",
        );
        let key = BoxKey::new(key.try_into().unwrap()).with_prefix(nonce[..16].try_into().unwrap());
        let nonce: [u8; 8] = nonce[16..].try_into().unwrap();
        let mut out = vec![7];
        key.seal(nonce, &[&text[..10], b"", &text[10..]], &mut out);
        assert_eq!(out[1..], sealed);
        assert_eq!(key.opened(nonce, &sealed).as_deref(), Some(&text));
    }

    #[test]
    fn a_box_of_any_length_opens_and_one_altered_bit_is_noticed() {
        let key = BoxKey::new([9; 32]).with_prefix(b"sixteen  octets!");
        let sizes = [0, 1, 31, 32, 33, 223, 224, 225, CHUNK_OCTETS - 1, CHUNK_OCTETS]
            .into_iter()
            .chain([FIRST_CHUNK_OCTETS, FIRST_CHUNK_OCTETS + 1, 5999, 6000, 10_001])
            .chain([FIRST_CHUNK_OCTETS + CHUNK_OCTETS, FIRST_CHUNK_OCTETS + CHUNK_OCTETS + 1]);
        for size in sizes {
            let text: Vec<u8> = (0..size).map(|at| (at * 7) as u8).collect();
            let mut sealed = Vec::new();
            key.seal([1; 8], &[&text], &mut sealed);
            assert_eq!(sealed.len(), size + TAG_OCTETS);
            assert_eq!(key.opened([1; 8], &sealed).as_deref(), Some(&text));
            assert_eq!(key.opened([2; 8], &sealed), None, "another nonce");
            for at in (0..sealed.len()).step_by(1 + size / 20) {
                sealed[at] ^= 1 << (at % 8);
                let mut out = vec![5];
                assert!(!key.open([1; 8], &sealed, &mut out), "{size}: octet {at}");
                assert_eq!(out, [5]);
                sealed[at] ^= 1 << (at % 8);
            }
            for cut in (0..sealed.len()).step_by(1 + size / 20) {
                assert_eq!(key.opened([1; 8], &sealed[..cut]), None, "{size}: cut at {cut}");
            }
        }
    }

    fn hex(digits: &[u8]) -> Vec<u8> {
        let value = |digit: u8| (digit as char).to_digit(16).unwrap() as u8;
        digits.chunks(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect()
    }
}
