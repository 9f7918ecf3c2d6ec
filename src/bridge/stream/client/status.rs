//! The state of a client's connection, for other threads.

use crate::bridge::link::connector::Obstacle;
use crate::bridge::link::dialer::ClientState;

/// The state of the connection, with the reason why there is none.
#[derive(Default)]
pub(super) struct LinkStatus {
    pub(super) state: ClientState,
    pub(super) obstacle: Obstacle,
}
