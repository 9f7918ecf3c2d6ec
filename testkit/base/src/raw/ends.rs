//! Both ends of a memory bridge, made of raw connections.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use super::{properties_of, read, ready, Raw, Response};
use crate::ports::listener_pair;
use crate::wait::wait_until;

/// A client of two raw connections: a legacy one unless it has properties.
pub struct RawClient {
    /// To the server's port: requests.
    pub request: Raw,
    /// To the port after it: responses.
    pub response: Raw,
}

impl RawClient {
    /// Connects and says everything that a client says, without waiting for the server's READY.
    pub fn announce(port: u16, properties: &[(&str, &str)]) -> RawClient {
        RawClient::announce_to("127.0.0.1", port, properties)
    }

    fn announce_to(host: &str, port: u16, properties: &[(&str, &str)]) -> RawClient {
        RawClient::announcing([port, port + 1].map(|port| Raw::connect_to(host, port)), properties)
    }

    /// As [`announce`](RawClient::announce), from one of this host's loopback addresses.
    pub fn announce_from(source: [u8; 4], port: u16, properties: &[(&str, &str)]) -> RawClient {
        let connections = [port, port + 1].map(|port| Raw::connect_from(source, port));
        RawClient::announcing(connections, properties)
    }

    /// Says everything on two connections: that for requests and that for responses.
    fn announcing([mut request, mut response]: [Raw; 2], properties: &[(&str, &str)]) -> RawClient {
        response.greet();
        request.greet();
        response.send(&ready("PULL", properties));
        request.send(&ready("PUSH", properties));
        RawClient { request, response }
    }

    /// Connects both at a path, or the one for responses at another, and says everything.
    pub fn announce_at(request: &Path, response: &Path, properties: &[(&str, &str)]) -> RawClient {
        RawClient::announcing([request, response].map(Raw::connect_path), properties)
    }

    /// One that is served.
    #[track_caller]
    pub fn connect(port: u16, properties: &[(&str, &str)]) -> RawClient {
        let mut client = RawClient::announce(port, properties);
        client.wait_served();
        client
    }

    /// One without properties that is served, as Rogue's own.
    #[track_caller]
    pub fn legacy(port: u16) -> RawClient {
        RawClient::connect(port, &[])
    }

    /// A legacy client of a server at `host`.
    #[track_caller]
    pub fn legacy_at(host: &str, port: u16) -> RawClient {
        let mut client = RawClient::announce_to(host, port, &[]);
        client.wait_served();
        client
    }

    /// One of our own kind, with a session of its own.
    #[track_caller]
    pub fn with_session(port: u16, session: u128) -> RawClient {
        RawClient::connect(port, &properties_of(&format!("{session:032x}")))
    }

    /// Waits for the READY of the server on both connections.
    #[track_caller]
    pub fn wait_served(&mut self) {
        self.response.take_ready();
        self.request.take_ready();
    }

    /// Whether the server has said that it serves this client.
    pub fn is_served(&mut self) -> bool {
        self.response.has_frame() && self.request.has_frame()
    }

    /// Asks for 4 octets and returns the answer.
    #[track_caller]
    pub fn read(&mut self, id: u32, address: u64) -> Response {
        self.request.send(&read(id, address));
        self.response.take_response()
    }
}

/// Two listeners at consecutive ports.
pub struct RawServer {
    /// At `port`: requests.
    pub request: TcpListener,
    /// At the port after it: responses.
    pub response: TcpListener,
    /// The port that a client is told.
    pub port: u16,
}

impl Default for RawServer {
    fn default() -> RawServer {
        RawServer::new()
    }
}

impl RawServer {
    /// Listens at two free ports of this host.
    pub fn new() -> RawServer {
        let (request, response, port) = listener_pair();
        RawServer { request, response, port }
    }

    /// Accepts both connections of a client.
    pub fn accept(&self) -> RawClient {
        let response = Raw::new(self.response.accept().unwrap().0);
        let request = Raw::new(self.request.accept().unwrap().0);
        RawClient { request, response }
    }

    /// Accepts a client and completes the handshake, as a legacy server without properties.
    #[track_caller]
    pub fn serve(&self, properties: &[(&str, &str)]) -> RawClient {
        let mut client = self.accept();
        client.response.greet();
        client.request.greet();
        client.response.take_ready();
        client.request.take_ready();
        client.response.send(&ready("PUSH", properties));
        client.request.send(&ready("PULL", properties));
        client
    }

    /// Opens the two listeners again at the same ports.
    pub fn at(port: u16) -> RawServer {
        let listen = |port: u16| {
            let mut listener = None;
            wait_until("the port can be bound again", || {
                listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
                listener.is_some()
            });
            listener.unwrap()
        };
        RawServer { response: listen(port + 1), request: listen(port), port }
    }
}
