//! One connection of a raw peer.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::message::response_of;
use super::{greeting, Item, Request, Response, COMMAND, LARGE, MORE};
use crate::wait::LONG;

/// Long enough for a peer to say what it should not; nobody waits so long for what should come.
const A_MOMENT: Duration = Duration::from_millis(100);

/// One connection, with what has been received on it.
pub struct Raw {
    /// The socket: for what a test does to a connection beside speaking on it.
    pub stream: TcpStream,
    input: Vec<u8>,
}

impl Raw {
    /// Takes a socket that is connected.
    pub fn new(stream: TcpStream) -> Raw {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        Raw { stream, input: Vec::new() }
    }

    /// Connects to this host.
    pub fn connect(port: u16) -> Raw {
        Raw::connect_to("127.0.0.1", port)
    }

    /// Connects to `host`.
    pub fn connect_to(host: &str, port: u16) -> Raw {
        Raw::new(TcpStream::connect((host, port)).unwrap())
    }

    /// Connects to this host from one of its loopback addresses: to the server, each is another peer.
    pub fn connect_from(source: [u8; 4], port: u16) -> Raw {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
        socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()).unwrap();
        Raw::new(socket.into())
    }

    /// Connects to a path. The socket is used as a TCP one is, which differs in its options only.
    pub fn connect_path(path: &Path) -> Raw {
        Raw::of_path(UnixStream::connect(path).unwrap())
    }

    /// Takes a Unix-domain socket that is connected.
    pub fn of_path(stream: UnixStream) -> Raw {
        let stream = TcpStream::from(OwnedFd::from(stream));
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        Raw { stream, input: Vec::new() }
    }

    /// Sends octets as they are.
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

    /// The next command or whole message.
    #[track_caller]
    pub fn item(&mut self) -> Item {
        self.try_item().expect("the connection was closed")
    }

    /// The clock that the other side's READY announces, which comes next and stays there.
    #[track_caller]
    pub fn peek_clock(&mut self) -> String {
        const NAME: &[u8] = b"X-Rogue-Deadline";
        let (_, head, len) = loop {
            match self.head().filter(|(_, head, len)| self.input.len() >= head + len) {
                Some(whole) => break whole,
                None => assert!(self.fill(), "closed after {:?}", self.input),
            }
        };
        let body = &self.input[head..head + len];
        let at = body.windows(NAME.len()).position(|part| part == NAME).expect("it is announced");
        let value = &body[at + NAME.len()..];
        let len = u32::from_be_bytes(value[..4].try_into().unwrap()) as usize;
        String::from_utf8(value[4..4 + len].to_vec()).unwrap()
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

    /// Waits for a request.
    #[track_caller]
    pub fn take_request(&mut self) -> Request {
        let Item::Message(parts) = self.item() else { panic!("a command instead of a request") };
        Request::of(&parts)
    }

    /// Waits for a response.
    #[track_caller]
    pub fn take_response(&mut self) -> Response {
        response_of(self.item())
    }

    /// Takes the server's greeting and READY if both are there, without waiting for them.
    pub fn try_ready(&mut self) -> bool {
        const GREETING_LEN: usize = 64;
        let head = self.input.get(GREETING_LEN..).and_then(head_of);
        if head.is_none_or(|(_, head, len)| self.input.len() < GREETING_LEN + head + len) {
            return false;
        }
        self.input.drain(..GREETING_LEN);
        self.take_ready();
        true
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

/// Flags, octets of the head and octets of the body of a frame.
fn head_of(input: &[u8]) -> Option<(u8, usize, usize)> {
    let &flags = input.first()?;
    if flags & LARGE == 0 {
        return Some((flags, 2, usize::from(*input.get(1)?)));
    }
    let len = u64::from_be_bytes(input.get(1..9)?.try_into().unwrap());
    Some((flags, 9, usize::try_from(len).unwrap()))
}
