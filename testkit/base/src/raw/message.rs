//! Requests and responses of the memory bridge, as their parts.

use super::message;

/// The first four parts of a request or response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Chosen by the client, echoed by the server.
    pub id: u32,
    /// The address of its first octet.
    pub address: u64,
    /// Octets read or written.
    pub size: u32,
    /// One of the constants of this module, or anything a test sends.
    pub ty: u32,
}

impl Header {
    #[track_caller]
    pub(super) fn of(parts: &[Vec<u8>]) -> Header {
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
    /// Its first four parts.
    pub header: Header,
    /// Its data part, where it has one.
    pub data: Option<Vec<u8>>,
}

impl Request {
    /// Of a message of four or five parts.
    #[track_caller]
    pub fn of(parts: &[Vec<u8>]) -> Request {
        assert!((4..=5).contains(&parts.len()), "{} parts", parts.len());
        Request { header: Header::of(parts), data: parts.get(4).cloned() }
    }

    /// One with its times, in nanoseconds: sent, remaining, timeout.
    #[track_caller]
    pub fn of_timed(parts: &[Vec<u8>]) -> (Request, [u64; 3]) {
        assert!((5..=6).contains(&parts.len()), "{} parts", parts.len());
        assert_eq!(parts[4].len(), 24);
        let time = |at: usize| u64::from_le_bytes(parts[4][at..at + 8].try_into().unwrap());
        let request = Request { header: Header::of(parts), data: parts.get(5).cloned() };
        (request, [time(0), time(8), time(16)])
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
    /// Its first four parts.
    pub header: Header,
    /// The data read, or the echo of what was written.
    pub payload: Vec<u8>,
    /// `OK` or an error.
    pub result: Vec<u8>,
}

impl Response {
    /// The result as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.result.clone()).unwrap()
    }
}

/// What comes after the handshake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// The parts of a whole message.
    Message(Vec<Vec<u8>>),
    /// The body of a command, its name included.
    Command(Vec<u8>),
}

/// The response that a client has received as `item`.
#[track_caller]
pub(super) fn response_of(item: Item) -> Response {
    let Item::Message(mut parts) = item else { panic!("no response but a command") };
    assert_eq!(parts.len(), 6);
    let header = Header::of(&parts);
    let result = parts.pop().unwrap();
    Response { header, payload: parts.pop().unwrap(), result }
}
