//! The connecting end of the handshake: the one that knows the other's key.

use super::keys::{KeyPair, PublicKey};
use super::secretbox::BoxKey;
use super::traffic::{End, Traffic};
use super::{COOKIE_OCTETS, HELLO, INITIATE, NAME, PADDING_OCTETS, PROOF_OCTETS, VERSION, WELCOME};
use super::{HELLO_NONCE, INITIATE_NONCE, READY_NONCE, VOUCH_NONCE, WELCOME_NONCE};
use super::{INITIATE_OVERHEAD_OCTETS, VOUCH_OCTETS};
use crate::proto::zmtp::command;
use crate::proto::zmtp::error::{SendError, ZmtpError};
use crate::proto::zmtp::mechanism::{Mechanism, Opener, Sealer};
use crate::proto::zmtp::metadata::{encode_ready, Metadata};
use crate::proto::zmtp::session::READY_OCTETS_MAX;
use crate::proto::zmtp::Role;

/// The random octets of one connection: its secret key, and the nonce of its vouch.
pub type ClientRandom = [u8; 48];

/// How far the handshake has come.
#[derive(Debug)]
enum Stage {
    /// Nothing has been sent.
    Silent,
    /// HELLO has been sent; these are the metadata of INITIATE.
    Greeted { metadata: Vec<u8> },
    /// INITIATE has been sent.
    Initiated,
    /// The server's READY has arrived.
    Complete(Metadata),
}

/// The secrets of the handshake, wiped at its end.
struct Secrets {
    /// The client's own long-term keys.
    keys: KeyPair,
    /// Those of this connection.
    transient: KeyPair,
    /// Of boxes between this connection's key and the server's long-term key.
    hello_key: Option<BoxKey>,
    vouch_nonce: [u8; 16],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

/// The CURVE mechanism of an end that knows the public key of the other one.
///
/// HELLO is sent when READY is asked for, and the properties go out with INITIATE, encrypted.
#[derive(Debug)]
pub struct CurveClient {
    role: Role,
    server: PublicKey,
    stage: Stage,
    secrets: Option<Secrets>,
    traffic: Traffic,
}

impl CurveClient {
    /// For an end with this role and these long-term keys, towards the owner of the public key
    /// `server`. `random` is used for nothing else.
    pub fn new(
        role: Role,
        keys: KeyPair,
        server: PublicKey,
        random: &mut ClientRandom,
    ) -> CurveClient {
        let (secret, nonce) = random.split_first_chunk_mut::<32>().expect("48 octets");
        let transient = KeyPair::from_random(secret);
        let mut vouch_nonce = [0; 16];
        vouch_nonce.copy_from_slice(nonce);
        let hello_key = BoxKey::between(transient.secret(), &server);
        let secrets = Secrets { keys, transient, hello_key, vouch_nonce };
        CurveClient {
            role,
            server,
            stage: Stage::Silent,
            secrets: Some(secrets),
            traffic: Traffic::new(End::Client),
        }
    }

    fn hello(&mut self, out: &mut Vec<u8>) -> Result<(), SendError> {
        let secrets = self.secrets.as_ref().ok_or(SendError::ReadySent)?;
        let key = secrets.hello_key.as_ref().ok_or(SendError::NotReady)?;
        let counter = self.traffic.next_counter();
        let mut proof = Vec::new();
        key.with_prefix(HELLO_NONCE).seal(counter, &[&[0; PROOF_OCTETS]], &mut proof);
        let transient = secrets.transient.public();
        let data = [&VERSION[..], &[0; PADDING_OCTETS], &transient.0, &counter, &proof];
        command::encode(HELLO, &data, out);
        Ok(())
    }

    /// Takes WELCOME, and answers with INITIATE.
    fn welcomed(
        &mut self,
        data: &[u8],
        metadata: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), ZmtpError> {
        let not_genuine = || ZmtpError::NotAuthentic { command: "WELCOME" };
        let secrets = self.secrets.as_ref().ok_or_else(not_genuine)?;
        let hello_key = secrets.hello_key.as_ref().ok_or_else(not_genuine)?;
        let (nonce, sealed) = data.split_first_chunk::<16>().ok_or_else(not_genuine)?;
        let contents = hello_key.open_long(WELCOME_NONCE, nonce, sealed).ok_or_else(not_genuine)?;
        let Some((transient, cookie)) = contents.split_first_chunk::<32>() else {
            return Err(not_genuine());
        };
        if cookie.len() != COOKIE_OCTETS {
            return Err(not_genuine());
        }
        let server = PublicKey(*transient);
        let own = &secrets.transient;
        let key = BoxKey::between(own.secret(), &server).ok_or_else(not_genuine)?;
        let vouch_key = BoxKey::between(secrets.keys.secret(), &server).ok_or_else(not_genuine)?;
        let mut vouch = Vec::with_capacity(VOUCH_OCTETS);
        let vouched = [own.public().0, self.server.0].concat();
        vouch_key.seal_long(VOUCH_NONCE, &secrets.vouch_nonce, &vouched, &mut vouch);
        let counter = self.traffic.next_counter();
        let contents = [&secrets.keys.public().0[..], &secrets.vouch_nonce, &vouch, metadata];
        let mut sealed = Vec::new();
        key.with_prefix(INITIATE_NONCE).seal(counter, &contents, &mut sealed);
        command::encode(INITIATE, &[cookie, &counter, &sealed], out);
        self.traffic.set_key(key);
        self.secrets = None;
        self.stage = Stage::Initiated;
        Ok(())
    }

    fn accepted(&mut self, data: &[u8]) -> Result<(), ZmtpError> {
        let metadata = self.traffic.open_ready(READY_NONCE, data);
        let metadata = metadata.ok_or(ZmtpError::NotAuthentic { command: "READY" })?;
        let metadata = Metadata::decode(&metadata)?;
        Role::matching(Some(self.role), &metadata)?;
        self.stage = Stage::Complete(metadata);
        Ok(())
    }
}

impl Mechanism for CurveClient {
    fn name(&self) -> &'static str {
        NAME
    }

    fn send_ready(
        &mut self,
        properties: &[(&str, &[u8])],
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        if !matches!(self.stage, Stage::Silent) {
            return Err(SendError::ReadySent);
        }
        let octets_max = READY_OCTETS_MAX - INITIATE_OVERHEAD_OCTETS;
        let metadata = encode_ready(self.role, properties, octets_max)?;
        self.hello(out)?;
        self.stage = Stage::Greeted { metadata };
        Ok(())
    }

    fn ready_sent(&self) -> bool {
        matches!(self.stage, Stage::Initiated | Stage::Complete(_))
    }

    fn receive(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), ZmtpError> {
        let metadata = match &mut self.stage {
            Stage::Greeted { metadata } => Some(std::mem::take(metadata)),
            _ => None,
        };
        match (command::split(body), metadata, &self.stage) {
            (Some((WELCOME, data)), Some(metadata), _) => self.welcomed(data, &metadata, out),
            (Some((command::READY, data)), _, Stage::Initiated) => self.accepted(data),
            _ => Err(command::unexpected(body)),
        }
    }

    fn peer(&self) -> Option<&Metadata> {
        match &self.stage {
            Stage::Complete(metadata) => Some(metadata),
            _ => None,
        }
    }

    fn peer_key(&self) -> Option<&PublicKey> {
        self.peer().map(|_| &self.server)
    }

    fn if_closed(&self) -> Option<String> {
        match self.stage {
            Stage::Greeted { .. } => Some(format!(
                "it could not open the client's HELLO, so its public key is not {}: give the client \
                 the server's own",
                self.server
            )),
            Stage::Initiated => Some(
                "it does not accept the client's public key: have it added to those that the server \
                 allows"
                    .to_owned(),
            ),
            Stage::Silent | Stage::Complete(_) => None,
        }
    }

    fn seals(&self) -> bool {
        true
    }

    fn take_sealer(&mut self) -> Option<Box<dyn Sealer>> {
        self.traffic.take_sealer()
    }

    fn take_opener(&mut self) -> Option<Box<dyn Opener>> {
        self.traffic.take_opener()
    }
}
