//! Takes what the relay passes on, and makes lines, packets and counts of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Instant, SystemTime};

use rogue_mem::peer::Origin;

use super::capture::{Conversation, Packet};
use super::clients::{Answer, Clients, Owner};
use super::direction::Direction;
use super::observer::{Observer, Seen};
use super::outlet::Outlet;
use super::record::{Record, What};
use super::summary::Summary;

/// The ends of a connection.
#[derive(Clone, Debug)]
pub struct Ends {
    /// The client, for people.
    pub from: String,
    /// Where the client has connected to.
    pub at: String,
    /// Where it is passed on to.
    pub to: String,
    /// Whose connection it is.
    pub host: Origin,
    /// It is one to the second port or path.
    pub is_second: bool,
    /// The addresses of the client and of the spy, unless it is one through a path.
    pub addresses: Option<[SocketAddr; 2]>,
}

/// How a connection has ended.
#[derive(Clone, Debug)]
pub enum End {
    /// Both ends have closed it, the sender of this direction first.
    Closed(Direction),
    /// The end that sends in this direction has reset it, or its host is gone.
    Broken(Direction, String),
    /// The spy ends.
    Stopped,
}

#[derive(Debug)]
struct Connection {
    observer: Observer,
    host: Origin,
    /// Known once the client has sent its READY.
    owner: Option<Owner>,
    octets: [u64; 2],
    conversation: Option<Conversation>,
    /// A malformed message was told of.
    is_malformed: bool,
}

/// What becomes of all that is seen.
#[derive(Debug)]
pub struct Recorder {
    connections: HashMap<u64, Connection>,
    clients: Clients,
    summary: Summary,
    /// Octets of data that are kept of a message.
    shown_max: usize,
    lines: Option<Outlet<Record>>,
    packets: Option<Outlet<Packet>>,
    /// Memory for what was seen in one piece.
    seen: Vec<Seen>,
}

impl Recorder {
    /// One that hands its lines and its packets to these, if they are wanted.
    pub fn new(
        shown_max: usize,
        lines: Option<Outlet<Record>>,
        packets: Option<Outlet<Packet>>,
    ) -> Recorder {
        Recorder {
            connections: HashMap::new(),
            clients: Clients::default(),
            summary: Summary::new(),
            shown_max,
            lines,
            packets,
            seen: Vec::new(),
        }
    }

    /// Whether nobody reads its lines any more.
    pub fn is_unread(&self) -> bool {
        self.lines.as_ref().is_some_and(Outlet::has_failed)
    }

    /// A connection of a client, and the one to the server, are there.
    pub fn opened(&mut self, number: u64, ends: &Ends) {
        let at = SystemTime::now();
        self.summary.connections += 1;
        let mut conversation = self.packets.is_some().then(|| match ends.addresses {
            Some([client, spy]) => Conversation::new(client, spy),
            None => Conversation::of_path(number, ends.is_second),
        });
        if let Some(conversation) = &mut conversation {
            capture(&self.packets, conversation.open(at));
        }
        let connection = Connection {
            observer: Observer::new(self.shown_max),
            host: ends.host,
            owner: None,
            octets: [0; 2],
            conversation,
            is_malformed: false,
        };
        self.connections.insert(number, connection);
        let Ends { from, at: listening, to, .. } = ends.clone();
        self.tell(at, Some(number), None, What::Opened { from, at: listening, to });
    }

    /// A connection could not be passed on.
    pub fn unreachable(&mut self) {
        self.summary.unreachable += 1;
    }

    /// Tells of connections that are not passed on.
    pub fn notice(&mut self, text: String) {
        self.tell(SystemTime::now(), None, None, What::Notice(text));
    }

    /// Octets have come in one direction.
    pub fn passed(&mut self, number: u64, direction: Direction, octets: &[u8]) {
        let (at, now) = (SystemTime::now(), Instant::now());
        let Some(connection) = self.connections.get_mut(&number) else { return };
        connection.octets[direction.index()] += octets.len() as u64;
        self.summary.octets[direction.index()] += octets.len() as u64;
        if let Some(conversation) = &mut connection.conversation {
            capture(&self.packets, conversation.data(at, direction, octets));
        }
        let mut all = std::mem::take(&mut self.seen);
        connection.observer.observe(direction, octets, &mut all);
        for seen in all.drain(..) {
            self.note(at, now, number, direction, seen);
        }
        self.seen = all;
    }

    /// The end that sends in this direction has sent everything.
    pub fn ended(&mut self, number: u64, direction: Direction) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        if let Some(conversation) = &mut connection.conversation {
            capture(&self.packets, conversation.end(SystemTime::now(), direction));
        }
    }

    /// A connection has ended.
    pub fn closed(&mut self, number: u64, end: End) {
        let at = SystemTime::now();
        let Some(mut connection) = self.connections.remove(&number) else { return };
        if let (Some(conversation), End::Broken(direction, _)) =
            (&mut connection.conversation, &end)
        {
            capture(&self.packets, [conversation.reset(at, *direction)]);
        }
        let unanswered = connection.owner.map_or(0, |owner| self.clients.leave(owner));
        self.summary.unanswered += unanswered;
        let how = match end {
            End::Closed(direction) => format!("ended by the {}", direction.sender()),
            End::Broken(direction, cause) => {
                format!("broken by the {}: {cause}", direction.sender())
            }
            End::Stopped => "ended with the spy".to_owned(),
        };
        let octets = connection.octets;
        let client = connection.owner.and_then(Owner::client);
        self.tell(at, Some(number), client, What::Closed { how, octets, unanswered });
    }

    /// The end of it: what has been counted, and who still writes.
    pub fn finish(mut self) -> (Summary, Option<Outlet<Record>>, Option<Outlet<Packet>>) {
        let mut open: Vec<u64> = self.connections.keys().copied().collect();
        open.sort_unstable();
        for number in open {
            self.closed(number, End::Stopped);
        }
        let mut summary = self.summary;
        summary.clients = self.clients.count;
        summary.lost = [
            self.lines.as_ref().map_or(0, Outlet::lost),
            self.packets.as_ref().map_or(0, Outlet::lost),
        ];
        (summary, self.lines, self.packets)
    }

    fn note(
        &mut self,
        at: SystemTime,
        now: Instant,
        number: u64,
        direction: Direction,
        seen: Seen,
    ) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let (owner, host) = (connection.owner, connection.host);
        let mut client = owner.and_then(Owner::client);
        let what = match seen {
            Seen::Ready(announced) => {
                if direction == Direction::ToServer && owner.is_none() {
                    let owner = self.clients.join(host, &announced.info, announced.role);
                    connection.owner = Some(owner);
                    client = owner.client();
                }
                What::Ready(direction, announced.properties)
            }
            Seen::Request { header, timing, data } => {
                self.summary.request(&header);
                if let Some(client) = client {
                    self.clients.ask(client, &header, now);
                }
                What::Request(header, timing, data)
            }
            Seen::Response { header, data, result, .. } => {
                let (found, answer) = self.clients.answer(client, host, &header, now);
                client = found;
                let latency = match answer {
                    Answer::Of(latency) => Some(latency),
                    Answer::Nothing | Answer::OneOfSeveral => None,
                };
                self.summary.unasked += u64::from(answer == Answer::Nothing);
                self.summary.response(&header, result.is_ok(), latency);
                What::Response(header, data, result, answer)
            }
            Seen::Mechanism(name) => {
                What::Remark(direction, format!("{name}: frames are counted, not opened"))
            }
            Seen::Frame { octets, is_command } => {
                self.summary.frames += 1;
                What::Frame(direction, octets, is_command)
            }
            Seen::Heartbeat => return,
            Seen::Malformed(text) => {
                self.summary.malformed += 1;
                if std::mem::replace(&mut connection.is_malformed, true) {
                    return;
                }
                What::Remark(direction, format!("{text} (passed on, as those that follow)"))
            }
            Seen::Undecodable(text) => {
                self.summary.undecodable += 1;
                What::Remark(direction, format!("not understood from here on: {text} (passed on)"))
            }
        };
        self.tell(at, Some(number), client, what);
    }

    fn tell(&self, at: SystemTime, connection: Option<u64>, client: Option<u64>, what: What) {
        if let Some(lines) = &self.lines {
            let record = Record { at, connection, client, what };
            lines.offer(record.octets(), record);
        }
    }
}

fn capture(outlet: &Option<Outlet<Packet>>, packets: impl IntoIterator<Item = Packet>) {
    for packet in packets {
        if let Some(outlet) = outlet {
            outlet.offer(packet.octets(), packet);
        }
    }
}
