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
    /// None are left of one whose responses may still come.
    connections: u32,
    requests: Requests,
}

/// Whose connection it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// This client.
    Client(u64),
    /// One of this host that does not say who it is: the connection only hears.
    Listener(Origin),
}

impl Owner {
    /// The client, if it is known.
    pub fn client(self) -> Option<u64> {
        match self {
            Owner::Client(number) => Some(number),
            Owner::Listener(_) => None,
        }
    }
}

/// The clients that have a connection, or whose responses may still come.
#[derive(Debug, Default)]
pub struct Clients {
    all: BTreeMap<u64, Client>,
    sessions: HashMap<SessionId, u64>,
    /// How many connections of a host only hear.
    listeners: HashMap<Origin, usize>,
    /// Clients so far.
    pub count: u64,
}

impl Clients {
    /// The owner of a connection from `host` whose client has sent this READY.
    pub fn join(&mut self, host: Origin, info: &PeerInfo, role: Option<Role>) -> Owner {
        if let Some(number) = info.session.and_then(|session| self.sessions.get(&session)) {
            if let Some(client) = self.all.get_mut(number) {
                client.connections += 1;
            }
            return Owner::Client(*number);
        }
        if info.session.is_none() && role == Some(Role::Pull) {
            *self.listeners.entry(host).or_default() += 1;
            return Owner::Listener(host);
        }
        self.count += 1;
        let host = info.session.is_none().then_some(host);
        let requests = Requests::default();
        let client = Client { host, session: info.session, connections: 1, requests };
        self.all.insert(self.count, client);
        if let Some(session) = info.session {
            self.sessions.insert(session, self.count);
        }
        Owner::Client(self.count)
    }

    /// A connection of `owner` has ended. Returns how many requests stay without an answer because
    /// none can come any more.
    pub fn leave(&mut self, owner: Owner) -> u64 {
        let number = match owner {
            Owner::Client(number) => number,
            Owner::Listener(host) => {
                if let Some(count) = self.listeners.get_mut(&host) {
                    *count -= 1;
                    if *count == 0 {
                        self.listeners.remove(&host);
                    }
                }
                return self.forget_former(host);
            }
        };
        let Some(client) = self.all.get_mut(&number) else { return 0 };
        client.connections -= 1;
        if client.connections > 0 {
            return 0;
        }
        if let Some(host) = client.host {
            return self.forget_former(host);
        }
        if let Some(session) = client.session {
            self.sessions.remove(&session);
        }
        self.all.remove(&number).map_or(0, |client| client.requests.unanswered())
    }

    /// Forgets the former clients of `host` whose connections for responses have ended too: each
    /// present one has one such connection, so the others are theirs. Returns how many of their
    /// requests stay without an answer.
    fn forget_former(&mut self, host: Origin) -> u64 {
        let of_host = self.all.iter().filter(|(_, client)| client.host == Some(host));
        let (present, former): (Vec<_>, Vec<_>) =
            of_host.partition(|(_, client)| client.connections > 0);
        let listeners = self.listeners.get(&host).copied().unwrap_or_default();
        let kept = listeners.saturating_sub(present.len());
        // The oldest come first.
        let count = former.len().saturating_sub(kept);
        let ended: Vec<u64> = former.iter().take(count).map(|(number, _)| **number).collect();
        let ended = ended.iter().filter_map(|number| self.all.remove(number));
        ended.map(|client| client.requests.unanswered()).sum()
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

        fn client(&mut self, info: &PeerInfo, role: Role) -> u64 {
            self.join(HOST, info, Some(role)).client().expect("it says who it is")
        }

        fn left(&mut self, client: u64) -> u64 {
            self.leave(Owner::Client(client))
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
        let first = clients.client(&session(1), Role::Pull);
        let other = clients.client(&session(2), Role::Push);
        assert_eq!(clients.client(&session(1), Role::Push), first);
        clients.ask(first, &read(1, 0), now);
        clients.ask(other, &read(1, 0), now);
        let (client, answer) = clients.answer(Some(first), HOST, &read(1, 0), now);
        assert_eq!((client, answer), (Some(first), Answer::Of(Duration::ZERO)));
        assert_eq!(clients.answer(Some(first), HOST, &read(1, 0), now).1, Answer::Nothing);
        assert_eq!((clients.left(first), clients.left(first)), (0, 0));
        assert_eq!(clients.left(other), 1);
        assert_ne!(clients.client(&session(1), Role::Push), first, "a new one");
    }

    #[test]
    fn responses_of_libzmq_go_to_the_only_one_that_waits_for_them() {
        let (mut clients, legacy, now) = (Clients::default(), PeerInfo::default(), Instant::now());
        for _ in 0..2 {
            let listener = clients.join(HOST, &legacy, Some(Role::Pull));
            assert_eq!(listener, Owner::Listener(HOST));
        }
        let one = clients.client(&legacy, Role::Push);
        let two = clients.client(&legacy, Role::Push);
        for (client, address) in [(one, 0), (two, 4)] {
            clients.ask(client, &read(1, address), now);
            clients.ask(client, &read(2, 8), now);
        }
        assert_eq!(clients.answer(None, OTHER, &read(1, 4), now), (None, Answer::Nothing));
        let (client, answer) = clients.answer(None, HOST, &read(1, 4), now);
        assert_eq!((client, answer), (Some(two), Answer::Of(Duration::ZERO)));
        assert_eq!(clients.answer(None, HOST, &read(2, 8), now), (None, Answer::OneOfSeveral));
        assert_eq!((clients.left(one), clients.left(two)), (0, 0));
        let [first, second] = [(); 2].map(|()| clients.leave(Owner::Listener(HOST)));
        assert_eq!((first, second), (2, 1));
    }

    #[test]
    fn f162_responses_that_come_after_the_connection_for_requests_has_ended_are_known() {
        let (mut clients, legacy, now) = (Clients::default(), PeerInfo::default(), Instant::now());
        let stays = clients.client(&legacy, Role::Push);
        let heard = clients.join(HOST, &legacy, Some(Role::Pull));
        for id in 0..100 {
            // Either connection comes first, and the next two before the end of the last one.
            let (ears, client) = if id % 2 == 0 {
                (clients.join(HOST, &legacy, Some(Role::Pull)), clients.client(&legacy, Role::Push))
            } else {
                let client = clients.client(&legacy, Role::Push);
                (clients.join(HOST, &legacy, Some(Role::Pull)), client)
            };
            for address in [0, 4] {
                clients.ask(client, &read(2 * id + address, address.into()), now);
            }
            assert_eq!(clients.left(client), 0, "answers may still come");
            let (found, answer) = clients.answer(None, HOST, &read(2 * id, 0), now);
            assert_eq!((found, answer), (Some(client), Answer::Of(Duration::ZERO)));
            assert_eq!(clients.leave(ears), 1);
            assert_eq!(clients.answer(None, HOST, &read(2 * id + 4, 4), now).1, Answer::Nothing);
            assert_eq!(clients.all.len(), 1, "nothing is kept of a client that is gone");
        }
        assert_eq!((clients.left(stays), clients.leave(heard)), (0, 0));
        assert!(clients.all.is_empty() && clients.listeners.is_empty());
    }

    #[test]
    fn a_server_that_never_answers_costs_a_bounded_memory() {
        let mut clients = Clients::default();
        let now = Instant::now();
        let client = clients.client(&session(1), Role::Push);
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
        let client = clients.client(&session(1), Role::Push);
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
