//! The connecting end of the handshake: the one that knows the other's key.

use zeroize::{Zeroize, Zeroizing};

use super::keys::{KeyPair, PublicKey, SecretKey};
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
enum Stage {
    /// Nothing has been sent: many an attempt to connect ends before.
    Silent { keys: KeyPair, random: Zeroizing<ClientRandom> },
    /// HELLO has been sent; these are the metadata of INITIATE.
    Greeted { secrets: Secrets, metadata: Vec<u8> },
    /// INITIATE has been sent.
    Initiated,
    /// The server's READY has arrived.
    Complete(Metadata),
    /// The handshake has failed.
    Failed,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Stage::Silent { .. } => "Silent",
            Stage::Greeted { .. } => "Greeted",
            Stage::Initiated => "Initiated",
            Stage::Complete(_) => "Complete",
            Stage::Failed => "Failed",
        })
    }
}

/// The secrets of the handshake, wiped at its end.
struct Secrets {
    /// The client's own long-term keys.
    keys: KeyPair,
    /// Those of this connection.
    transient: KeyPair,
    /// Of boxes between this connection's key and the server's long-term key.
    hello_key: BoxKey,
    vouch_nonce: [u8; 16],
}

impl Secrets {
    /// `None` if `server` belongs to no key pair.
    fn new(keys: &KeyPair, random: &ClientRandom, server: &PublicKey) -> Option<Secrets> {
        let (secret, nonce) = random.split_first_chunk::<32>()?;
        let transient = KeyPair::new(SecretKey::new(secret));
        let hello_key = BoxKey::between(transient.secret(), server)?;
        Some(Secrets {
            keys: keys.clone(),
            transient,
            hello_key,
            vouch_nonce: nonce.try_into().ok()?,
        })
    }
}

/// The CURVE mechanism of an end that knows the public key of the other one.
///
/// HELLO is sent when READY is asked for, and the properties go out with INITIATE, encrypted.
#[derive(Debug)]
pub struct CurveClient {
    role: Role,
    server: PublicKey,
    own: PublicKey,
    stage: Stage,
    traffic: Traffic,
}

impl CurveClient {
    /// For an end with this role and these long-term keys, towards the owner of the public key
    /// `server`. `random` is used for nothing else, and wiped.
    pub fn new(
        role: Role,
        keys: KeyPair,
        server: PublicKey,
        random: &mut ClientRandom,
    ) -> CurveClient {
        let own = *keys.public();
        let stage = Stage::Silent { keys, random: Zeroizing::new(*random) };
        random.zeroize();
        CurveClient { role, server, own, stage, traffic: Traffic::new(End::Client) }
    }

    fn hello(&mut self, secrets: &Secrets, out: &mut Vec<u8>) {
        let counter = self.traffic.next_counter();
        let mut proof = Vec::new();
        let key = secrets.hello_key.with_prefix(HELLO_NONCE);
        key.seal(counter, &[&[0; PROOF_OCTETS]], &mut proof);
        let transient = secrets.transient.public();
        let data = [&VERSION[..], &[0; PADDING_OCTETS], &transient.0, &counter, &proof];
        command::encode(HELLO, &data, out);
    }

    /// Takes WELCOME, and answers with INITIATE.
    fn welcomed(
        &mut self,
        data: &[u8],
        secrets: &Secrets,
        metadata: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let (nonce, sealed) = data.split_first_chunk::<16>()?;
        let contents = secrets.hello_key.open_long(WELCOME_NONCE, nonce, sealed)?;
        let (transient, cookie) = contents.split_first_chunk::<32>()?;
        let cookie: &[u8; COOKIE_OCTETS] = cookie.try_into().ok()?;
        let server = PublicKey(*transient);
        let own = &secrets.transient;
        let key = BoxKey::between(own.secret(), &server)?;
        let vouch_key = BoxKey::between(secrets.keys.secret(), &server)?;
        let mut vouch = Vec::with_capacity(VOUCH_OCTETS);
        let vouched = [own.public().0, self.server.0].concat();
        vouch_key.seal_long(VOUCH_NONCE, &secrets.vouch_nonce, &vouched, &mut vouch);
        let counter = self.traffic.next_counter();
        let contents = [&secrets.keys.public().0[..], &secrets.vouch_nonce, &vouch, metadata];
        let mut sealed = Vec::new();
        key.with_prefix(INITIATE_NONCE).seal(counter, &contents, &mut sealed);
        command::encode(INITIATE, &[cookie, &counter, &sealed], out);
        self.traffic.set_key(key);
        Some(())
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
        let Stage::Silent { keys, random } = &self.stage else { return Err(SendError::ReadySent) };
        let octets_max = READY_OCTETS_MAX - INITIATE_OVERHEAD_OCTETS;
        let metadata = encode_ready(self.role, properties, octets_max)?;
        let secrets = Secrets::new(keys, random, &self.server).ok_or(SendError::NotReady)?;
        self.hello(&secrets, out);
        self.stage = Stage::Greeted { secrets, metadata };
        Ok(())
    }

    fn ready_sent(&self) -> bool {
        matches!(self.stage, Stage::Initiated | Stage::Complete(_))
    }

    fn receive(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), ZmtpError> {
        match (command::split(body), std::mem::replace(&mut self.stage, Stage::Failed)) {
            (Some((WELCOME, data)), Stage::Greeted { secrets, metadata }) => {
                let welcomed = self.welcomed(data, &secrets, &metadata, out);
                welcomed.ok_or(ZmtpError::NotAuthentic { command: "WELCOME" })?;
                self.stage = Stage::Initiated;
                Ok(())
            }
            (Some((command::READY, data)), Stage::Initiated) => self.accepted(data),
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
            Stage::Initiated => Some(format!(
                "it may not accept the client's public key {}: have it added to those that the \
                 server allows",
                self.own
            )),
            Stage::Silent { .. } | Stage::Complete(_) | Stage::Failed => None,
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
