//! Servers that are open to the network, and the warning of that.

use crate::logging::{log_warning, Logger};
use crate::net::server_address::ServerAddress;

/// Warns of a server that listens at all interfaces and accepts every peer, unless it `is_guarded`.
/// `peers_may` is what these can do.
pub fn warn_if_open(log: &Logger, addresses: &[ServerAddress], is_guarded: bool, peers_may: &str) {
    if is_guarded {
        return;
    }
    let open: Vec<String> = addresses
        .iter()
        .filter(|address| address.is_every_interface())
        .map(ToString::to_string)
        .collect();
    if !open.is_empty() {
        log_warning!(
            log,
            "This server is open to the network: every host that reaches {} may {peers_may}. Set its \
             option access_list or curve, or have it listen at 127.0.0.1, at an address of a private \
             network, or at a path",
            open.join(", ")
        );
    }
}
