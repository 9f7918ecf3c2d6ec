//! Peers that speak ZMTP octet by octet, so that they can misbehave. Written against the protocol
//! (RFC 23, RFC 37) and not with the library's own codec: a shared mistake would go unseen.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use super::{wait_until, LONG};

pub const READ: u32 = 1;
pub const WRITE: u32 = 2;
pub const POST: u32 = 3;
pub const VERIFY: u32 = 4;
pub const PROBE: u32 = 0xFFFF_FFFE;

/// Long enough for a peer to say what it should not; nobody waits so long for what should come.
const A_MOMENT: Duration = Duration::from_millis(100);

const MORE: u8 = 1;
const LARGE: u8 = 2;
const COMMAND: u8 = 4;

/// The greeting of ZMTP 3.1 with this mechanism, padded to its 20 octets.
pub fn greeting_with(mechanism: &[u8]) -> Vec<u8> {
    let mut octets = vec![0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1];
    octets.extend_from_slice(mechanism);
    octets.resize(64, 0);
    octets
}

pub fn greeting() -> Vec<u8> {
    greeting_with(b"NULL")
}

/// One frame of a message.
pub fn frame(body: &[u8], more: bool) -> Vec<u8> {
    with_header(if more { MORE } else { 0 }, body)
}

fn with_header(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = match u8::try_from(body.len()) {
        Ok(len) => vec![flags, len],
        Err(_) => frame_head(flags, body.len() as u64),
    };
    octets.extend_from_slice(body);
    octets
}

/// The head of a frame that announces `len` octets in the long form.
pub fn frame_head(flags: u8, len: u64) -> Vec<u8> {
    let mut octets = vec![flags | LARGE];
    octets.extend_from_slice(&len.to_be_bytes());
    octets
}

pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let mut body = vec![name.len() as u8];
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    with_header(COMMAND, &body)
}

pub fn ping(context: &[u8]) -> Vec<u8> {
    command("PING", &[&[0, 0], context].concat())
}

pub fn ready(socket_type: &str, properties: &[(&str, &str)]) -> Vec<u8> {
    let mut data = Vec::new();
    for (name, value) in [("Socket-Type", socket_type)].iter().chain(properties) {
        data.push(name.len() as u8);
        data.extend_from_slice(name.as_bytes());
        data.extend_from_slice(&(value.len() as u32).to_be_bytes());
        data.extend_from_slice(value.as_bytes());
    }
    command("READY", &data)
}

/// A message of these parts.
pub fn message(parts: &[&[u8]]) -> Vec<u8> {
    let last = parts.len() - 1;
    parts.iter().enumerate().flat_map(|(index, part)| frame(part, index < last)).collect()
}

/// A request; `data` only where it is `Some`.
pub fn request(id: u32, address: u64, size: u32, ty: u32, data: Option<&[u8]>) -> Vec<u8> {
    let (id, address) = (id.to_le_bytes(), address.to_le_bytes());
    let (size, ty) = (size.to_le_bytes(), ty.to_le_bytes());
    let mut parts: Vec<&[u8]> = vec![&id, &address, &size, &ty];
    parts.extend(data);
    message(&parts)
}

/// A read of 4 octets.
pub fn read(id: u32, address: u64) -> Vec<u8> {
    request(id, address, 4, READ, None)
}

/// The first four parts of a request or response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    pub id: u32,
    pub address: u64,
    pub size: u32,
    pub ty: u32,
}

impl Header {
    #[track_caller]
    fn of(parts: &[Vec<u8>]) -> Header {
        let number = |part: &Vec<u8>| u32::from_le_bytes(part[..].try_into().unwrap());
        let address = u64::from_le_bytes(parts[1][..].try_into().unwrap());
        let (size, ty) = (number(&parts[2]), number(&parts[3]));
        Header { id: number(&parts[0]), address, size, ty }
    }

    /// Of the first octets of a message.
    pub fn of_octets(octets: &[u8]) -> Header {
        let part = |from: usize, to: usize| octets[from..to].to_vec();
        Header::of(&[part(2, 6), part(8, 16), part(18, 22), part(24, 28)])
    }

    /// The response to a request with this header.
    pub fn response(&self, payload: &[u8], result: &[u8]) -> Vec<u8> {
        let (id, address) = (self.id.to_le_bytes(), self.address.to_le_bytes());
        let (size, ty) = (self.size.to_le_bytes(), self.ty.to_le_bytes());
        message(&[&id, &address, &size, &ty, payload, result])
    }
}

/// A request as a raw server receives it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    pub header: Header,
    pub data: Option<Vec<u8>>,
}

impl Request {
    #[track_caller]
    pub fn of(parts: &[Vec<u8>]) -> Request {
        assert!((4..=5).contains(&parts.len()), "{} parts", parts.len());
        Request { header: Header::of(parts), data: parts.get(4).cloned() }
    }

    /// The usual answer: zeros for a read, an echo for a write.
    pub fn answer(&self) -> Vec<u8> {
        let zeros = vec![0; self.header.size as usize];
        self.header.response(self.data.as_ref().unwrap_or(&zeros), b"OK")
    }
}

/// A response as a raw client receives it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    pub header: Header,
    pub payload: Vec<u8>,
    pub result: Vec<u8>,
}

impl Response {
    pub fn text(&self) -> String {
        String::from_utf8(self.result.clone()).unwrap()
    }
}

/// What comes after the handshake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    Message(Vec<Vec<u8>>),
    Command(Vec<u8>),
}

/// One connection, with what has been received on it.
pub struct Raw {
    pub stream: TcpStream,
    input: Vec<u8>,
}

impl Raw {
    pub fn new(stream: TcpStream) -> Raw {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        Raw { stream, input: Vec::new() }
    }

    pub fn connect(port: u16) -> Raw {
        Raw::connect_to("127.0.0.1", port)
    }

    pub fn connect_to(host: &str, port: u16) -> Raw {
        Raw::new(TcpStream::connect((host, port)).unwrap())
    }

    #[track_caller]
    pub fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).unwrap();
    }

    /// Sends; whether the other side is still there.
    pub fn try_send(&mut self, octets: &[u8]) -> bool {
        self.stream.write_all(octets).is_ok()
    }

    /// Waits for more octets; `false` at the end of the connection.
    fn fill(&mut self) -> bool {
        let mut buffer = [0; 65536];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    self.input.extend_from_slice(&buffer[..count]);
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return false,
                Err(error) => panic!("nothing comes: {error}"),
            }
        }
    }

    /// The next `count` octets.
    #[track_caller]
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        while self.input.len() < count {
            assert!(self.fill(), "closed after {:?}", self.input);
        }
        self.input.drain(..count).collect()
    }

    /// The next `count` octets, which stay there.
    #[track_caller]
    pub fn peek(&mut self, count: usize) -> Vec<u8> {
        while self.input.len() < count {
            assert!(self.fill(), "closed after {:?}", self.input);
        }
        self.input[..count].to_vec()
    }

    /// Exchanges greetings.
    #[track_caller]
    pub fn greet(&mut self) {
        self.send(&greeting());
        let other = self.take(64);
        assert_eq!((other[0], other[9] & 1, other[10]), (0xFF, 1, 3));
        assert_eq!(&other[12..17], b"NULL\0");
    }

    /// The next frame: its flags and its body; `None` at the end of the connection.
    fn try_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((flags, head, len)) = self.head() {
                if self.input.len() >= head + len {
                    let body = self.input[head..head + len].to_vec();
                    self.input.drain(..head + len);
                    return Some((flags, body));
                }
            }
            if !self.fill() {
                return None;
            }
        }
    }

    fn head(&self) -> Option<(u8, usize, usize)> {
        head_of(&self.input)
    }

    /// The next command or whole message; `None` at the end of the connection. Commands between
    /// the parts of a message would be returned as an error: the library never sends such.
    pub fn try_item(&mut self) -> Option<Item> {
        let mut parts = Vec::new();
        loop {
            let (flags, body) = self.try_frame()?;
            if flags & COMMAND != 0 {
                assert!(parts.is_empty(), "a command in the middle of a message");
                return Some(Item::Command(body));
            }
            parts.push(body);
            if flags & MORE == 0 {
                return Some(Item::Message(parts));
            }
        }
    }

    #[track_caller]
    pub fn item(&mut self) -> Item {
        self.try_item().expect("the connection was closed")
    }

    /// Waits for the other side's READY and returns its properties.
    #[track_caller]
    pub fn take_ready(&mut self) -> Vec<(String, String)> {
        let Item::Command(body) = self.item() else { panic!("a message instead of READY") };
        let mut rest = body.strip_prefix(b"\x05READY").expect("READY");
        let mut properties = Vec::new();
        while !rest.is_empty() {
            let (name, after) = rest[1..].split_at(usize::from(rest[0]));
            let (len, after) = after.split_at(4);
            let len = u32::from_be_bytes(len.try_into().unwrap()) as usize;
            let (value, after) = after.split_at(len);
            let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
            properties.push((text(name), text(value)));
            rest = after;
        }
        properties
    }

    #[track_caller]
    pub fn take_request(&mut self) -> Request {
        let Item::Message(parts) = self.item() else { panic!("a command instead of a request") };
        Request::of(&parts)
    }

    #[track_caller]
    pub fn take_response(&mut self) -> Response {
        response_of(self.item())
    }

    /// The server's greeting and READY; `None` when the connection ends or `is_over`.
    pub fn try_ready(&mut self, is_over: &dyn Fn() -> bool) -> Option<()> {
        while self.input.len() < 64 {
            self.try_fill(is_over)?;
        }
        self.input.drain(..64);
        while !self.has_frame() {
            self.try_fill(is_over)?;
        }
        self.take_ready();
        Some(())
    }

    /// The next response; `None` when the connection ends or `is_over`.
    pub fn try_response(&mut self, is_over: &dyn Fn() -> bool) -> Option<Response> {
        while !self.has_message() {
            self.try_fill(is_over)?;
        }
        Some(response_of(self.item()))
    }

    /// Waits for more octets as [`set_patience`](Self::set_patience) says, again and again.
    fn try_fill(&mut self, is_over: &dyn Fn() -> bool) -> Option<()> {
        let mut buffer = [0; 65536];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(count @ 1..) => {
                    self.input.extend_from_slice(&buffer[..count]);
                    return Some(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock && !is_over() => {}
                _ => return None,
            }
        }
    }

    /// How long a single read waits.
    pub fn set_patience(&self, time: Duration) {
        self.stream.set_read_timeout(Some(time)).unwrap();
    }

    /// The requests that lie there already, without waiting for more.
    pub fn items_to_come(&mut self) -> Vec<Request> {
        let mut found = Vec::new();
        while self.has_message() {
            found.push(self.take_request());
        }
        found
    }

    /// Whether a whole message lies there already.
    fn has_message(&mut self) -> bool {
        self.has_frame();
        let mut at = 0;
        loop {
            let Some((flags, head, len)) = head_of(&self.input[at..]) else { return false };
            at += head + len;
            if at > self.input.len() {
                return false;
            }
            if flags & (MORE | COMMAND) != MORE {
                return true;
            }
        }
    }

    /// Whether a whole frame lies there already, without waiting for one.
    pub fn has_frame(&mut self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let mut buffer = [0; 65536];
        while let Ok(count @ 1..) = self.stream.read(&mut buffer) {
            self.input.extend_from_slice(&buffer[..count]);
        }
        self.stream.set_nonblocking(false).unwrap();
        self.head().is_some_and(|(_, head, len)| self.input.len() >= head + len)
    }

    /// Whether neither octets nor the end of the connection come for a moment. What has not come
    /// by then may still come: this finds what is sent wrongly, it proves nothing.
    pub fn is_quiet(&mut self) -> bool {
        self.stream.set_read_timeout(Some(A_MOMENT)).unwrap();
        let answer = self.stream.read(&mut [0]);
        self.stream.set_read_timeout(Some(LONG)).unwrap();
        self.input.is_empty() && answer.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Waits for the other side to close the connection, throwing away what still comes.
    #[track_caller]
    pub fn wait_closed(&mut self) {
        while self.fill() {
            self.input.clear();
        }
    }

    /// Octets that come until the other side closes the connection.
    pub fn rest(mut self) -> Vec<u8> {
        while self.fill() {}
        self.input
    }

    /// Whether the other side has closed the connection, as far as is known by now.
    pub fn is_closed(&mut self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let mut buffer = [0; 65536];
        let end = loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break true,
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error) => break error.kind() != ErrorKind::WouldBlock,
            }
        };
        self.stream.set_nonblocking(false).unwrap();
        end
    }

    /// Says that nothing more will be sent.
    pub fn end(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

fn response_of(item: Item) -> Response {
    let Item::Message(mut parts) = item else { panic!("no response but a command") };
    assert_eq!(parts.len(), 6);
    let header = Header::of(&parts);
    let result = parts.pop().unwrap();
    Response { header, payload: parts.pop().unwrap(), result }
}

/// Flags, octets of the head and octets of the body of a frame.
fn head_of(input: &[u8]) -> Option<(u8, usize, usize)> {
    let &flags = input.first()?;
    if flags & LARGE == 0 {
        return Some((flags, 2, usize::from(*input.get(1)?)));
    }
    let len = u64::from_be_bytes(input.get(1..9)?.try_into().unwrap());
    Some((flags, 9, usize::try_from(len).unwrap()))
}

/// A client of two raw connections: a legacy one unless it has properties.
pub struct RawClient {
    pub request: Raw,
    pub response: Raw,
}

impl RawClient {
    /// Connects and says everything that a client says, without waiting for the server's READY.
    pub fn announce(port: u16, properties: &[(&str, &str)]) -> RawClient {
        RawClient::announce_to("127.0.0.1", port, properties)
    }

    fn announce_to(host: &str, port: u16, properties: &[(&str, &str)]) -> RawClient {
        let mut response = Raw::connect_to(host, port + 1);
        let mut request = Raw::connect_to(host, port);
        response.greet();
        request.greet();
        response.send(&ready("PULL", properties));
        request.send(&ready("PUSH", properties));
        RawClient { request, response }
    }

    /// One that is served.
    #[track_caller]
    pub fn connect(port: u16, properties: &[(&str, &str)]) -> RawClient {
        let mut client = RawClient::announce(port, properties);
        client.wait_served();
        client
    }

    #[track_caller]
    pub fn legacy(port: u16) -> RawClient {
        RawClient::connect(port, &[])
    }

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

pub fn properties_of(session: &str) -> [(&str, &str); 2] {
    [("X-Rogue-Session", session), ("X-Rogue-Bridge", "1")]
}

/// Two listeners at consecutive ports.
pub struct RawServer {
    pub request: TcpListener,
    pub response: TcpListener,
    pub port: u16,
}

impl RawServer {
    pub fn new() -> RawServer {
        for _ in 0..1000 {
            let request = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = request.local_addr().unwrap().port();
            let Some(next) = port.checked_add(1) else { continue };
            if let Ok(response) = TcpListener::bind((Ipv4Addr::LOCALHOST, next)) {
                return RawServer { request, response, port };
            }
        }
        panic!("no two free ports in a row");
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
