//! The server of a command, connected.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rogue_mem::bridge::ServerAddress;
use rogue_mem::bridge::{ClientOptions, TcpClient};
use rogue_mem::memory::Master;
use rogue_mem::security::keys::{KeyPair, PublicKey};
use rogue_mem::security::CurveClient;

use crate::arguments::Server;
use crate::failure::{Failure, Kind, Outcome};

/// The period of probes until the server is ready.
const PROBE_PERIOD: Duration = Duration::from_millis(50);

/// A connected server.
pub struct Target {
    /// Creates the accesses.
    pub master: Arc<Master>,
    client: Arc<TcpClient>,
}

impl Target {
    /// Connects to a server.
    pub fn connect(server: &Server) -> Outcome<Target> {
        let (host, port) = split(&server.addr)?;
        let options = ClientOptions { curve: curve_of(server)?, ..ClientOptions::default() };
        let client =
            TcpClient::new(&host, port, options).map_err(Failure::of(Kind::Unreachable))?;
        client.wait_ready(server.timeout, PROBE_PERIOD).map_err(|error| {
            Failure::new(Kind::Unreachable, format!("{}: {}", server.addr, error.text()))
        })?;
        let master = Arc::new(Master::new());
        master.set_slave(client.clone());
        master.set_timeout(server.timeout);
        Ok(Target { master, client })
    }

    /// Reaches the server. Once it is stopped every access fails at once.
    pub fn client(&self) -> Arc<TcpClient> {
        self.client.clone()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.client.stop();
    }
}

/// Host and port of a server, or its path and 0.
pub fn split(server: &str) -> Outcome<(String, u16)> {
    let address = ServerAddress::parse(server).map_err(|error| {
        Failure::new(
            Kind::Usage,
            format!("{server:?} is no server: {}; HOST:PORT or unix:PATH", error.text()),
        )
    })?;
    Ok(match &address {
        ServerAddress::Tcp { text, port } => (text.clone(), *port),
        ServerAddress::Unix(_) => (server.to_owned(), 0),
    })
}

fn curve_of(server: &Server) -> Outcome<Option<Arc<CurveClient>>> {
    let Some(key) = &server.server_key else { return Ok(None) };
    let key = match PublicKey::from_text(key) {
        Ok(key) => key,
        Err(error) if !Path::new(key).exists() => return Err(Failure::of(Kind::Usage)(error)),
        Err(_) => key_in(Path::new(key))?,
    };
    let keys = server.keys.as_deref().map(load_keys).transpose()?;
    CurveClient::new(key, keys).map(Some).map_err(Failure::of(Kind::Usage))
}

/// The only public key in a file.
fn key_in(path: &Path) -> Outcome<PublicKey> {
    match PublicKey::load_all(path).map_err(Failure::of(Kind::File))?[..] {
        [key] => Ok(key),
        ref keys => Err(Failure::new(
            Kind::File,
            format!(
                "{}: {} public keys, where that of one server is needed",
                path.display(),
                keys.len()
            ),
        )),
    }
}

/// The key pair in a file.
pub fn load_keys(path: &Path) -> Outcome<KeyPair> {
    KeyPair::load(path).map_err(Failure::of(Kind::File))
}
