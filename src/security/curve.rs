//! What a bridge needs for CURVE: the keys of one end, and what it knows of the other.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::changes::{Changes, Subscription};
use super::keys::{KeyPair, PublicKey};
use crate::error::Result;
use crate::sync::Mutex;

/// The clients that a server with CURVE accepts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AllowedClients {
    /// Those with any key: a client needs no more than the server's public key.
    Any,
    /// Those with these keys.
    These(BTreeSet<PublicKey>),
}

impl AllowedClients {
    /// Those whose keys are in a file, see [`PublicKey::load_all`].
    ///
    /// # Errors
    ///
    /// Those of reading the file.
    pub fn load(path: impl AsRef<Path>) -> Result<AllowedClients> {
        Ok(AllowedClients::These(PublicKey::load_all(path)?.into_iter().collect()))
    }

    /// Those with the keys in a text, which are separated by white space.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) if a word of it is no public key.
    pub fn from_text(text: &str) -> Result<AllowedClients> {
        let keys = text.split_ascii_whitespace().map(PublicKey::from_text);
        Ok(AllowedClients::These(keys.collect::<Result<_>>()?))
    }

    fn contain(&self, key: &PublicKey) -> bool {
        match self {
            AllowedClients::Any => true,
            AllowedClients::These(keys) => keys.contains(key),
        }
    }
}

/// The keys of one or more servers, and the clients that they accept. Both may change while they
/// serve: what is set holds for new connections at once, and clients that are not allowed any more
/// are disconnected. All methods may be called from any thread.
pub struct CurveServer {
    state: Mutex<State>,
    /// Those of the allowed clients.
    changes: Arc<Changes>,
}

struct State {
    keys: KeyPair,
    clients: Arc<AllowedClients>,
}

impl CurveServer {
    /// With these keys and clients.
    pub fn new(keys: KeyPair, clients: AllowedClients) -> Arc<CurveServer> {
        let state = State { keys, clients: Arc::new(clients) };
        Arc::new(CurveServer { state: Mutex::new(state), changes: Arc::default() })
    }

    /// With these keys, and no clients until they are set.
    pub fn closed(keys: KeyPair) -> Arc<CurveServer> {
        CurveServer::new(keys, AllowedClients::These(BTreeSet::new()))
    }

    /// As [`set_clients`](Self::set_clients), with those of [`AllowedClients::from_text`].
    ///
    /// # Errors
    ///
    /// Those of reading the text: then nothing has changed.
    pub fn set_clients_from_text(&self, text: &str) -> Result<()> {
        self.set_clients(AllowedClients::from_text(text)?);
        Ok(())
    }

    /// As [`set_clients`](Self::set_clients), with those of [`AllowedClients::load`].
    ///
    /// # Errors
    ///
    /// Those of reading the file: then nothing has changed.
    pub fn load_clients(&self, path: impl AsRef<Path>) -> Result<()> {
        self.set_clients(AllowedClients::load(path)?);
        Ok(())
    }

    /// The server's public key, which its clients have to know.
    pub fn public_key(&self) -> PublicKey {
        *self.state.lock().keys.public()
    }

    /// Sets the keys for new connections. Those that exist remain.
    pub fn set_keys(&self, keys: KeyPair) {
        self.state.lock().keys = keys;
    }

    /// Sets the clients that are accepted from now on. Others are disconnected, as soon as the
    /// threads of their servers are free.
    pub fn set_clients(&self, clients: AllowedClients) {
        self.state.lock().clients = Arc::new(clients);
        self.changes.announce();
    }

    /// The keys for a new connection.
    pub(crate) fn keys(&self) -> KeyPair {
        self.state.lock().keys.clone()
    }

    /// Whether the owner of this key is accepted.
    pub(crate) fn allows(&self, client: &PublicKey) -> bool {
        let clients = self.state.lock().clients.clone();
        clients.contain(client)
    }

    /// A number that is another one after each change of the allowed clients.
    pub(crate) fn revision(&self) -> u64 {
        self.changes.revision()
    }

    /// Has `wake` called after each change of the allowed clients, until the subscription is
    /// dropped.
    pub(crate) fn subscribe(&self, wake: impl Fn() + Send + Sync + 'static) -> Subscription {
        self.changes.subscribe(wake)
    }
}

impl std::fmt::Debug for CurveServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (key, clients) = {
            let state = self.state.lock();
            (*state.keys.public(), state.clients.clone())
        };
        f.debug_struct("CurveServer").field("key", &key).field("clients", &clients).finish()
    }
}

/// What a client needs for a server with CURVE.
#[derive(Clone, Debug)]
pub struct CurveClient {
    /// The server's public key.
    pub server: PublicKey,
    /// The client's own keys, by which the server may know it.
    pub keys: KeyPair,
}

impl CurveClient {
    /// For the server with this public key. Without `keys` the client has new ones, which is enough
    /// for a server that accepts any.
    ///
    /// # Errors
    ///
    /// [`Status::OutOfResources`](crate::Status::OutOfResources) if the system has no generator for
    /// them.
    pub fn new(server: PublicKey, keys: Option<KeyPair>) -> Result<Arc<CurveClient>> {
        let keys = keys.map_or_else(KeyPair::generate, Ok)?;
        Ok(Arc::new(CurveClient { server, keys }))
    }

    /// For the server with the public key in a text, and clients with these keys.
    ///
    /// # Errors
    ///
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument) if the text is no public key.
    pub fn from_text(server: &str, keys: &KeyPair) -> Result<Arc<CurveClient>> {
        CurveClient::new(PublicKey::from_text(server)?, Some(keys.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn clients_are_allowed_by_their_keys_until_that_changes() {
        let [one, two] = [(); 2].map(|()| *KeyPair::generate().unwrap().public());
        let server = CurveServer::new(KeyPair::generate().unwrap(), AllowedClients::Any);
        assert!(server.allows(&one) && server.allows(&two));
        let before = server.revision();
        server.set_clients(AllowedClients::These([one].into()));
        assert!(server.allows(&one) && !server.allows(&two));
        assert_ne!(server.revision(), before);
        server.set_clients(AllowedClients::These(BTreeSet::new()));
        assert!(!server.allows(&one));
    }

    #[test]
    fn servers_learn_of_changes_as_long_as_they_are_interested() {
        let server = CurveServer::new(KeyPair::generate().unwrap(), AllowedClients::Any);
        let calls: [Arc<AtomicUsize>; 2] = Default::default();
        let [first, second] = calls.each_ref().map(|count| {
            let count = count.clone();
            server.subscribe(move || {
                count.fetch_add(1, Ordering::Relaxed);
            })
        });
        let counts = || calls.each_ref().map(|count| count.load(Ordering::Relaxed));
        server.set_clients(AllowedClients::Any);
        assert_eq!(counts(), [1, 1]);
        drop(first);
        server.set_clients(AllowedClients::Any);
        assert_eq!(counts(), [1, 2]);
        let keys = KeyPair::generate().unwrap();
        server.set_keys(keys.clone());
        assert_eq!(server.public_key(), *keys.public());
        assert_eq!(counts(), [1, 2], "keys are for new connections");
        drop(server);
        drop(second);
    }

    #[test]
    fn what_is_shown_has_no_secret() {
        let keys = KeyPair::generate().unwrap();
        let secret = keys.secret().text();
        let server = CurveServer::new(keys.clone(), AllowedClients::Any);
        let client = CurveClient::new(server.public_key(), Some(keys.clone())).unwrap();
        let shown = format!("{server:?} {client:?}");
        assert!(
            shown.contains(&keys.public().to_string()) && !shown.contains(&**secret),
            "{shown}"
        );
    }
}
