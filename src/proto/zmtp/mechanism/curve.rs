//! The CURVE mechanism (RFC 25, RFC 26; `CurveZMQ` 1.0): both ends prove the possession of a
//! long-term key, and every frame after the handshake is encrypted and authenticated.
//!
//! ```text
//! client                                  server
//! HELLO     C', proof of c'          ->
//!                                    <-   WELCOME   S', cookie
//! INITIATE  cookie, C, vouch, metadata ->
//!                                    <-   READY     metadata, or ERROR in the clear
//! MESSAGE                           <->   MESSAGE
//! ```
//!
//! The client knows the server's public key S beforehand. C is its own, c and s are the secrets, and
//! those with a stroke are of this connection only. The mechanism proves which key the
//! peer owns. Its owner decides from [`Mechanism::peer_key`](super::Mechanism::peer_key) whether that
//! peer may come in, before it sends READY.
//!
//! A box that does not open, a counter that does not grow, or a frame in the clear ends the
//! connection. Random octets are handed in, so that a connection can be repeated in a test.

mod authenticator;
mod block;
mod client;
pub mod keys;
mod salsa;
mod secretbox;
mod server;
mod sys;
mod traffic;

pub use client::{ClientRandom, CurveClient};
pub use server::{CurveServer, ServerRandom};

/// The name in the greeting.
const NAME: &str = "CURVE";

/// Names of the commands of the handshake.
const HELLO: &[u8] = b"HELLO";
const WELCOME: &[u8] = b"WELCOME";
const INITIATE: &[u8] = b"INITIATE";
/// Data of HELLO: version, padding, C', counter, box of zeros.
const HELLO_OCTETS: usize = 194;
/// Major and minor version of `CurveZMQ`.
const VERSION: [u8; 2] = [1, 0];
/// Zeros in HELLO, by which it is longer than its answer: nobody can have a server send more than he
/// sends himself.
const PADDING_OCTETS: usize = 72;
/// Contents of HELLO's box, all zero.
const PROOF_OCTETS: usize = 64;
/// Octets of a cookie: a nonce, and a box with C' and s'.
const COOKIE_OCTETS: usize = 96;
/// Octets of a vouch, a box with C' and S.
const VOUCH_OCTETS: usize = 80;

/// Beginnings of nonces, before a counter or random octets.
const HELLO_NONCE: &[u8; 16] = b"CurveZMQHELLO---";
const INITIATE_NONCE: &[u8; 16] = b"CurveZMQINITIATE";
const READY_NONCE: &[u8; 16] = b"CurveZMQREADY---";
const WELCOME_NONCE: &[u8; 8] = b"WELCOME-";
const COOKIE_NONCE: &[u8; 8] = b"COOKIE--";
const VOUCH_NONCE: &[u8; 8] = b"VOUCH---";

/// Octets of INITIATE around its metadata: name, cookie, counter, and what its box adds.
const INITIATE_OVERHEAD_OCTETS: usize = 257;
