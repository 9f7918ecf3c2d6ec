//! A connection to the server: two TCP connections. At most one thread sends requests, and at most
//! one reads responses, at a time.

use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::sync::atomic::AtomicU32;
use std::sync::Arc;

use mio::unix::SourceFd;
use mio::{Interest, Token};

use super::arbiter::ReadAction;
use super::receive::ReceiveHalf;
use super::send::SendHalf;
use super::ClientOptions;
use crate::bridge::link::channel::Channel;
use crate::net::{ByteStream, Registry};
use crate::proto::bridge::PeerInfo;
use crate::sync::Mutex;

/// The two halves of a connection. Their locks are only tried, under the lock of the client's
/// state, and released under it, after the holder's last check for work that other threads have
/// left. Nobody waits for these locks, so a holder may run user code.
pub(super) struct Connection {
    /// Token of the channel for requests.
    pub(super) request_token: usize,
    /// Token of the channel for responses; the same with duplex.
    pub(super) response_token: usize,
    response_stream: Arc<ByteStream>,
    /// That of the other channel: for requests, or with duplex the one without responses.
    other_stream: Arc<ByteStream>,
    pub(super) send: Mutex<SendHalf>,
    pub(super) receive: Mutex<ReceiveHalf>,
    /// Id of the transaction, the next request, whose unlocked data will wake the event loop, or 0.
    pub(super) awaited_data: Arc<AtomicU32>,
}

impl Connection {
    /// Makes a connection from the channels for responses and for requests. The server has accepted
    /// the client on both, and the event loop watches both. Also returns the channel without
    /// responses: the one for responses with duplex, otherwise the one for requests.
    pub(super) fn new(
        [response, mut request]: [Channel; 2],
        peer: &PeerInfo,
        options: &ClientOptions,
    ) -> (Arc<Connection>, Channel) {
        let request_token = request.token;
        let out = request.wire.take_outgoing();
        let send = SendHalf::new(request.wire.stream.clone(), out, peer.clock.is_some());
        let is_duplex = peer.duplex && options.duplex;
        let (channel, other) = match is_duplex {
            true => (request, response),
            false => (response, request),
        };
        let is_announced = peer.bridge_level.is_some();
        let receive = ReceiveHalf::new(channel, is_duplex, is_announced, options.spin);
        let connection = Connection {
            request_token,
            response_token: receive.channel.token,
            response_stream: receive.channel.wire.stream.clone(),
            other_stream: other.wire.stream.clone(),
            send: Mutex::new(send),
            receive: Mutex::new(receive),
            awaited_data: Arc::default(),
        };
        (Arc::new(connection), other)
    }

    /// Ends both TCP connections at once, also those that a thread in the user's code keeps.
    pub(super) fn close(&self) {
        for stream in [&self.response_stream, &self.other_stream] {
            // Fails if it has ended already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Whether requests and responses use the same channel.
    pub(super) fn is_duplex(&self) -> bool {
        self.request_token == self.response_token
    }

    /// Applies `action` to the event loop's registration of the channel for responses.
    pub(super) fn register(&self, registry: &Registry, action: ReadAction) -> std::io::Result<()> {
        let descriptor = self.response_stream.as_raw_fd();
        let mut source = SourceFd(&descriptor);
        let token = Token(self.response_token);
        let interest = Interest::READABLE | Interest::WRITABLE;
        match action {
            ReadAction::Watch => registry.register(&mut source, token, interest),
            ReadAction::WatchAgain => registry.reregister(&mut source, token, interest),
            ReadAction::Unwatch => registry.deregister(&mut source),
            ReadAction::Nothing | ReadAction::WakeLoop | ReadAction::Interrupt => Ok(()),
        }
    }
}
