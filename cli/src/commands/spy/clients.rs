//! Which connections are of one client, and which response answers which request.
//!
//! The two connections of a client of this library name their session. Those of libzmq say nothing:
//! a response on a connection of its own belongs to the only client of its host that waits for a
//! response with exactly this header. Where several do, nobody can tell, and nothing is claimed.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use rogue_mem::peer::Origin;
use rogue_mem::proto::bridge::{Header, PeerInfo, SessionId, TYPE_POST};
use rogue_mem::proto::zmtp::Role;

/// Requests of a client that are remembered until they are answered. Rogue's clients have some
/// hundreds, those of this library some ten thousands at most.
const OPEN_COUNT_MAX: usize = 1 << 16;

/// What a response answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A request, so long after it.
    Of(Duration),
    /// No request that is known.
    Nothing,
    /// One of several requests that look the same.
    OneOfSeveral,
}

#[derive(Debug)]
struct Client {
    /// The host, if it is told from others by nothing else.
    host: Option<Origin>,
    session: Option<SessionId>,
    connections: u32,
    requests: Requests,
}

/// The clients that have a connection.
#[derive(Debug, Default)]
pub struct Clients {
    all: BTreeMap<u64, Client>,
    sessions: HashMap<SessionId, u64>,
    /// Clients so far.
    pub count: u64,
}

impl Clients {
    /// The client of a connection from `host` whose client has sent this READY; `None` for one that
    /// only hears, and does not say to whom it belongs.
    pub fn join(&mut self, host: Origin, info: &PeerInfo, role: Option<Role>) -> Option<u64> {
        if let Some(number) = info.session.and_then(|session| self.sessions.get(&session)) {
            if let Some(client) = self.all.get_mut(number) {
                client.connections += 1;
            }
            return Some(*number);
        }
        if info.session.is_none() && role == Some(Role::Pull) {
            return None;
        }
        self.count += 1;
        let host = info.session.is_none().then_some(host);
        let requests = Requests::default();
        let client = Client { host, session: info.session, connections: 1, requests };
        self.all.insert(self.count, client);
        if let Some(session) = info.session {
            self.sessions.insert(session, self.count);
        }
        Some(self.count)
    }

    /// A connection of the client has ended. Returns how many of its requests stay without an
    /// answer, once it was the last.
    pub fn leave(&mut self, number: u64) -> u64 {
        let Some(client) = self.all.get_mut(&number) else { return 0 };
        client.connections -= 1;
        if client.connections > 0 {
            return 0;
        }
        let unanswered = client.requests.unanswered();
        if let Some(session) = client.session {
            self.sessions.remove(&session);
        }
        self.all.remove(&number);
        unanswered
    }

    /// A client has sent a request.
    pub fn ask(&mut self, client: u64, header: &Header, now: Instant) {
        if let Some(client) = self.all.get_mut(&client) {
            client.requests.add(header, now);
        }
    }

    /// A response has come on a connection of `client`, or on one of this host whose client is not
    /// known. Returns whose request it answers.
    pub fn answer(
        &mut self,
        client: Option<u64>,
        host: Origin,
        header: &Header,
        now: Instant,
    ) -> (Option<u64>, Answer) {
        let number = match client {
            Some(number) => number,
            None => {
                let of_host = self.all.iter().filter(|(_, client)| client.host == Some(host));
                let mut asking = of_host.filter(|(_, client)| client.requests.has(header));
                match (asking.next(), asking.next()) {
                    (None, _) => return (None, Answer::Nothing),
                    (Some(_), Some(_)) => return (None, Answer::OneOfSeveral),
                    (Some((number, _)), None) => *number,
                }
            }
        };
        let asked = self.all.get_mut(&number).and_then(|client| client.requests.take(header));
        match asked {
            Some(asked) => (Some(number), Answer::Of(now.saturating_duration_since(asked))),
            None => (Some(number), Answer::Nothing),
        }
    }
}

/// Requests without an answer.
#[derive(Debug, Default)]
struct Requests {
    open: HashMap<(bool, u32), Request>,
    /// Their order. What has been answered stays until it comes first.
    order: VecDeque<((bool, u32), u64)>,
    count: u64,
    /// Of those that are forgotten.
    unanswered: u64,
}

#[derive(Debug)]
struct Request {
    header: Header,
    asked: Instant,
    serial: u64,
}

/// Probes count their ids on their own.
fn key(header: &Header) -> (bool, u32) {
    (header.is_probe(), header.id)
}

impl Requests {
    fn add(&mut self, header: &Header, asked: Instant) {
        self.count += 1;
        let request = Request { header: *header, asked, serial: self.count };
        if let Some(former) = self.open.insert(key(header), request) {
            self.forget(&former);
        }
        self.order.push_back((key(header), self.count));
        while let Some((first, serial)) = self.order.front() {
            let is_open = self.open.get(first).is_some_and(|request| request.serial == *serial);
            if is_open && self.order.len() <= OPEN_COUNT_MAX {
                break;
            }
            if let Some(request) = is_open.then(|| self.open.remove(first)).flatten() {
                self.forget(&request);
            }
            self.order.pop_front();
        }
    }

    /// Nobody waits for the answer to a posted write.
    fn forget(&mut self, request: &Request) {
        self.unanswered += u64::from(request.header.ty != TYPE_POST);
    }

    fn has(&self, header: &Header) -> bool {
        self.open.get(&key(header)).is_some_and(|request| request.header == *header)
    }

    fn take(&mut self, header: &Header) -> Option<Instant> {
        if !self.has(header) {
            return None;
        }
        self.open.remove(&key(header)).map(|request| request.asked)
    }

    fn unanswered(&self) -> u64 {
        let open = self.open.values().filter(|request| request.header.ty != TYPE_POST);
        self.unanswered + open.count() as u64
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use rogue_mem::proto::bridge::{TYPE_READ, TYPE_WRITE};

    use super::*;

    impl Clients {
        fn unanswered(&self) -> u64 {
            self.all.values().map(|client| client.requests.unanswered()).sum()
        }
    }

    const HOST: Origin = Origin::Ip(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    const OTHER: Origin = Origin::User(1);

    fn read(id: u32, address: u64) -> Header {
        Header { id, address, size: 4, ty: TYPE_READ }
    }

    fn session(octet: u8) -> PeerInfo {
        PeerInfo { session: Some(SessionId([octet; 16])), ..PeerInfo::default() }
    }

    #[test]
    fn both_connections_of_a_session_are_of_one_client() {
        let mut clients = Clients::default();
        let now = Instant::now();
        let first = clients.join(HOST, &session(1), Some(Role::Pull)).unwrap();
        let other = clients.join(HOST, &session(2), Some(Role::Push)).unwrap();
        assert_eq!(clients.join(HOST, &session(1), Some(Role::Push)), Some(first));
        clients.ask(first, &read(1, 0), now);
        clients.ask(other, &read(1, 0), now);
        let (client, answer) = clients.answer(Some(first), HOST, &read(1, 0), now);
        assert_eq!((client, answer), (Some(first), Answer::Of(Duration::ZERO)));
        assert_eq!(clients.answer(Some(first), HOST, &read(1, 0), now).1, Answer::Nothing);
        assert_eq!((clients.leave(first), clients.leave(first)), (0, 0));
        assert_eq!(clients.leave(other), 1);
        assert_ne!(clients.join(HOST, &session(1), None), Some(first), "a new one");
    }

    #[test]
    fn responses_of_libzmq_go_to_the_only_one_that_waits_for_them() {
        let (mut clients, legacy, now) = (Clients::default(), PeerInfo::default(), Instant::now());
        assert_eq!(clients.join(HOST, &legacy, Some(Role::Pull)), None);
        let one = clients.join(HOST, &legacy, Some(Role::Push)).unwrap();
        let two = clients.join(HOST, &legacy, Some(Role::Push)).unwrap();
        for (client, address) in [(one, 0), (two, 4)] {
            clients.ask(client, &read(1, address), now);
            clients.ask(client, &read(2, 8), now);
        }
        assert_eq!(clients.answer(None, OTHER, &read(1, 4), now), (None, Answer::Nothing));
        let (client, answer) = clients.answer(None, HOST, &read(1, 4), now);
        assert_eq!((client, answer), (Some(two), Answer::Of(Duration::ZERO)));
        assert_eq!(clients.answer(None, HOST, &read(2, 8), now), (None, Answer::OneOfSeveral));
        assert_eq!((clients.leave(one), clients.leave(two)), (2, 1));
    }

    #[test]
    fn a_server_that_never_answers_costs_a_bounded_memory() {
        let mut clients = Clients::default();
        let now = Instant::now();
        let client = clients.join(HOST, &session(1), None).unwrap();
        let late = read(0, 0x1000);
        clients.ask(client, &late, now);
        let count = 3 * OPEN_COUNT_MAX as u32;
        for id in 1..=count {
            clients.ask(client, &read(id, 0), now);
        }
        let requests = &clients.all[&client].requests;
        assert!(requests.open.len() <= OPEN_COUNT_MAX && requests.order.len() <= OPEN_COUNT_MAX);
        assert_eq!(clients.answer(Some(client), HOST, &late, now).1, Answer::Nothing);
        assert_eq!(clients.unanswered(), u64::from(count) + 1);
        // One that is answered is forgotten, and so is its place.
        clients.answer(Some(client), HOST, &read(count, 0), now);
        assert_eq!(clients.unanswered(), u64::from(count));
    }

    #[test]
    fn posted_writes_and_probes_are_told_from_others() {
        let (mut clients, now) = (Clients::default(), Instant::now());
        let client = clients.join(HOST, &session(1), None).unwrap();
        let post = Header { ty: TYPE_POST, ..read(1, 0) };
        let write = Header { ty: TYPE_WRITE, ..read(2, 0) };
        let probe = Header { ty: 0xffff_fffe, size: 0, ..read(2, 0) };
        for header in [post, write, probe] {
            clients.ask(client, &header, now);
        }
        assert_eq!(clients.unanswered(), 2);
        assert!(matches!(clients.answer(Some(client), HOST, &probe, now).1, Answer::Of(_)));
        assert!(matches!(clients.answer(Some(client), HOST, &write, now).1, Answer::Of(_)));
        assert_eq!(clients.unanswered(), 0);
    }
}
