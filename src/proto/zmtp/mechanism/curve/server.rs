//! The listening end of the handshake: the one whose key the other knows.

use zeroize::{Zeroize, Zeroizing};

use super::keys::{KeyPair, PublicKey, SecretKey};
use super::secretbox::BoxKey;
use super::traffic::{End, Traffic};
use super::{COOKIE_NONCE, HELLO_NONCE, INITIATE_NONCE, READY_NONCE, VOUCH_NONCE, WELCOME_NONCE};
use super::{COOKIE_OCTETS, HELLO, INITIATE, NAME, VERSION, VOUCH_OCTETS, WELCOME};
use super::{HELLO_OCTETS, PADDING_OCTETS, PROOF_OCTETS};
use crate::proto::zmtp::command;
use crate::proto::zmtp::error::{SendError, ZmtpError};
use crate::proto::zmtp::mechanism::{Mechanism, Opener, Sealer};
use crate::proto::zmtp::metadata::{encode_ready, Metadata};
use crate::proto::zmtp::session::READY_OCTETS_MAX;
use crate::proto::zmtp::Role;

/// The random octets of one connection: its secret key, the cookie's nonce and key, and the nonce of
/// WELCOME.
pub type ServerRandom = [u8; 96];

/// Octets of READY around its metadata: name, counter, and what its box adds.
const READY_OVERHEAD_OCTETS: usize = 30;

/// How far the handshake has come.
enum Stage {
    /// HELLO is awaited.
    Listening { random: Zeroizing<ServerRandom> },
    /// WELCOME has been sent. The connection's keys are in the client's cookie, which this key
    /// opens: a connection whose INITIATE never comes holds no other secret. The key is of this
    /// connection alone, so that nothing that was recorded on another one can be replayed here.
    Welcomed { cookie_key: BoxKey },
    /// INITIATE has arrived.
    Initiated { client: PublicKey, metadata: Metadata },
    /// The handshake has failed.
    Failed,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Stage::Listening { .. } => "Listening",
            Stage::Welcomed { .. } => "Welcomed",
            Stage::Initiated { .. } => "Initiated",
            Stage::Failed => "Failed",
        })
    }
}

/// The CURVE mechanism of an end whose public key the other one knows.
#[derive(Debug)]
pub struct CurveServer {
    /// `None`: that which the client's INITIATE will need.
    role: Option<Role>,
    /// Until INITIATE.
    keys: Option<KeyPair>,
    stage: Stage,
    ready_sent: bool,
    traffic: Traffic,
}

impl CurveServer {
    /// For an end with this role, or with the one that its peer needs, and these long-term keys.
    /// `random` is used for nothing else, and wiped.
    pub fn new(
        role: impl Into<Option<Role>>,
        keys: KeyPair,
        random: &mut ServerRandom,
    ) -> CurveServer {
        let stage = Stage::Listening { random: Zeroizing::new(*random) };
        random.zeroize();
        CurveServer {
            role: role.into(),
            keys: Some(keys),
            stage,
            ready_sent: false,
            traffic: Traffic::new(End::Server),
        }
    }

    /// Takes HELLO, and answers with WELCOME.
    fn greeted(&mut self, data: &[u8], random: &ServerRandom, out: &mut Vec<u8>) -> Option<BoxKey> {
        let data: &[u8; HELLO_OCTETS] = data.try_into().ok()?;
        let (version, rest) = data.split_first_chunk::<2>()?;
        let (padding, rest) = rest.split_first_chunk::<PADDING_OCTETS>()?;
        let (client, rest) = rest.split_first_chunk::<32>()?;
        let (counter, proof) = rest.split_first_chunk::<8>()?;
        if *version != VERSION || *padding != [0; PADDING_OCTETS] {
            return None;
        }
        let client = PublicKey(*client);
        let key = BoxKey::between(self.keys.as_ref()?.secret(), &client)?;
        let proof = key.with_prefix(HELLO_NONCE).opened(*counter, proof)?;
        if proof[..] != [0; PROOF_OCTETS] || !self.traffic.take_counter(*counter) {
            return None;
        }
        let (transient, rest) = random.split_first_chunk::<32>()?;
        let (cookie_nonce, rest) = rest.split_first_chunk::<16>()?;
        let (cookie_key, welcome_nonce) = rest.split_first_chunk::<32>()?;
        let welcome_nonce: &[u8; 16] = welcome_nonce.try_into().ok()?;
        let transient = SecretKey::new(transient);
        let cookie_key = BoxKey::new(*cookie_key);
        let mut contents = transient.public().0.to_vec();
        contents.extend_from_slice(cookie_nonce);
        let kept = Zeroizing::new([client.0, *transient.octets()].concat());
        cookie_key.seal_long(COOKIE_NONCE, cookie_nonce, &kept, &mut contents);
        let mut sealed = Vec::new();
        key.seal_long(WELCOME_NONCE, welcome_nonce, &contents, &mut sealed);
        command::encode(WELCOME, &[welcome_nonce, &sealed], out);
        Some(cookie_key)
    }

    /// Takes INITIATE. Returns the client's long-term key, which it has proved to have, and its
    /// metadata.
    fn initiated(
        &mut self,
        data: &[u8],
        cookie_key: &BoxKey,
    ) -> Option<(PublicKey, Zeroizing<Vec<u8>>)> {
        let (cookie, rest) = data.split_first_chunk::<COOKIE_OCTETS>()?;
        let (counter, sealed) = rest.split_first_chunk::<8>()?;
        let (cookie_nonce, cookie) = cookie.split_first_chunk::<16>()?;
        let cookie = cookie_key.open_long(COOKIE_NONCE, cookie_nonce, cookie)?;
        let (transient_client, secret) = cookie.split_first_chunk::<32>()?;
        let secret = SecretKey::new(secret.try_into().ok()?);
        let key = BoxKey::between(&secret, &PublicKey(*transient_client))?;
        let contents = key.with_prefix(INITIATE_NONCE).opened(*counter, sealed)?;
        let (client, rest) = contents.split_first_chunk::<32>()?;
        let (vouch_nonce, rest) = rest.split_first_chunk::<16>()?;
        let (vouch, metadata) = rest.split_first_chunk::<VOUCH_OCTETS>()?;
        let client = PublicKey(*client);
        let vouch_key = BoxKey::between(&secret, &client)?;
        let vouched = vouch_key.open_long(VOUCH_NONCE, vouch_nonce, vouch)?;
        // The owner of C vouches for this connection's key, and towards this server: neither another
        // connection's vouch nor one for another server counts.
        let expected = [*transient_client, self.keys.as_ref()?.public().0].concat();
        if *vouched != expected || !self.traffic.take_counter(*counter) {
            return None;
        }
        self.traffic.set_key(key);
        Some((client, Zeroizing::new(metadata.to_vec())))
    }
}

impl Mechanism for CurveServer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn is_server(&self) -> bool {
        true
    }

    fn send_ready(
        &mut self,
        properties: &[(&str, &[u8])],
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        if self.ready_sent {
            return Err(SendError::ReadySent);
        }
        if !matches!(self.stage, Stage::Initiated { .. }) {
            return Err(SendError::NotReady);
        }
        let role = self.role.ok_or(SendError::NotReady)?;
        let octets_max = READY_OCTETS_MAX - READY_OVERHEAD_OCTETS;
        let metadata = encode_ready(role, properties, octets_max)?;
        let (counter, sealed) = self.traffic.seal_ready(READY_NONCE, &metadata);
        command::encode(command::READY, &[&counter, &sealed], out);
        self.ready_sent = true;
        Ok(())
    }

    fn ready_sent(&self) -> bool {
        self.ready_sent
    }

    fn receive(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), ZmtpError> {
        match (command::split(body), std::mem::replace(&mut self.stage, Stage::Failed)) {
            (Some((HELLO, data)), Stage::Listening { random }) => {
                let cookie_key = self.greeted(data, &random, out);
                let cookie_key = cookie_key.ok_or(ZmtpError::NotAuthentic { command: "HELLO" })?;
                self.stage = Stage::Welcomed { cookie_key };
                Ok(())
            }
            (Some((INITIATE, data)), Stage::Welcomed { cookie_key }) => {
                let proved = self.initiated(data, &cookie_key);
                self.keys = None;
                let (client, metadata) =
                    proved.ok_or(ZmtpError::NotAuthentic { command: "INITIATE" })?;
                let metadata = Metadata::decode(&metadata)?;
                self.role = Some(Role::matching(self.role, &metadata)?);
                self.stage = Stage::Initiated { client, metadata };
                Ok(())
            }
            _ => Err(command::unexpected(body)),
        }
    }

    fn peer(&self) -> Option<&Metadata> {
        match &self.stage {
            Stage::Initiated { metadata, .. } => Some(metadata),
            _ => None,
        }
    }

    fn peer_key(&self) -> Option<&PublicKey> {
        match &self.stage {
            Stage::Initiated { client, .. } => Some(client),
            _ => None,
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
