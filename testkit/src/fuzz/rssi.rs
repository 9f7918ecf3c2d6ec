//! RSSI: headers, and both ends of a link with a network between them that does what the bytes say.

use std::collections::{BTreeMap, VecDeque};

use rogue_mem::proto::rssi::header::SYN;
use rogue_mem::proto::rssi::{
    Connection, Event, Header, Parameter, Parameters, Role, Sequence, Timer, HEADER_BYTES,
    SYN_BYTES,
};

use super::input::Input;

/// Headers: what is decoded is encoded to the same, and an end agrees to what it can do.
pub fn header(data: &[u8]) {
    let (length, datagram) = data.split_first().unwrap_or((&0, &[]));
    let bytes = datagram.len().max(usize::from(*length));
    let start = &datagram[..datagram.len().min(SYN_BYTES)];
    let header = match Header::decode(start, bytes) {
        Ok(header) => header,
        Err(malformed) => return assert!(!malformed.to_string().is_empty()),
    };
    assert_eq!(header.syn.is_some(), header.has(SYN));
    assert!(header.bytes() <= start.len());
    let mut again = [0; SYN_BYTES];
    let count = header.encode(&mut again);
    assert_eq!((count, Header::decode(&again[..count], count)), (header.bytes(), Ok(header)));
    assert!(header.syn.is_some() || header.is_unambiguous());
    if let Some(syn) = header.syn {
        let own = Parameters::default();
        let agreed = own.agreed(&syn);
        assert!((1..=own.window()).contains(&agreed.window()));
        assert!(agreed.max_segment <= own.max_segment && agreed.payload_max() > 0);
        assert_eq!(own.agreed(&agreed.to_syn(0)).window(), agreed.window());
    }
}

const MS: u64 = 1_000_000;
/// The most operations of one run.
const OPERATIONS_MAX: usize = 200;
/// The most datagrams under way in one direction; more are lost.
const UNDER_WAY_MAX: usize = 24;
/// The most data that waits for room in a window.
const QUEUED_MAX: usize = 32;
/// The most steps in which a link has to recover on a road that loses nothing.
const RECOVERY_STEPS_MAX: usize = 4000;
/// The most segments that an end says at once: a window, its acknowledges and those of the opening.
const SAID_MAX: usize = 100;

/// One end of the link, with what the road to it carries.
struct End {
    connection: Connection<u32>,
    /// Handles that the connection has; of received ones the number of the data in them.
    inside: BTreeMap<u32, Option<u32>>,
    next_handle: u32,
    /// The number of the next data to send.
    next_data: u32,
    /// The last number that was delivered here.
    delivered: Option<u32>,
    /// Received and not taken by the application yet.
    is_taking: bool,
    incoming: VecDeque<Vec<u8>>,
}

impl End {
    fn new(role: Role, parameters: Parameters, first: u8) -> End {
        End {
            connection: Connection::new(role, parameters, Sequence(first)),
            inside: BTreeMap::new(),
            next_handle: 0,
            next_data: 0,
            delivered: None,
            is_taking: true,
            incoming: VecDeque::new(),
        }
    }

    fn handle(&mut self, data: Option<u32>) -> u32 {
        self.next_handle += 1;
        self.inside.insert(self.next_handle, data);
        self.next_handle
    }

    fn hear(&mut self, now: u64, datagram: &[u8]) {
        let data = datagram.get(HEADER_BYTES..).and_then(|data| data.first_chunk::<4>());
        let handle = self.handle(data.map(|data| u32::from_le_bytes(*data)));
        let start = &datagram[..datagram.len().min(SYN_BYTES)];
        // A malformed one is counted; its handle is released as any other's.
        let _ = self.connection.receive(now, start, datagram.len(), handle);
    }

    fn send(&mut self, is_queued: bool) -> bool {
        let data = self.next_data;
        let handle = self.handle(Some(data));
        let result = match is_queued {
            true => self.connection.queue(handle),
            false => self.connection.send(handle).map_err(|(_, handle)| handle),
        };
        match result {
            Ok(()) => self.next_data += 1,
            Err(back) => {
                assert_eq!(back, handle);
                self.inside.remove(&back);
            }
        }
        result.is_ok()
    }
}

struct Link {
    ends: [End; 2],
    now: u64,
    /// Nothing has been forged or damaged: data arrives in order and once.
    is_honest: bool,
    /// Nothing is lost any more.
    is_recovering: bool,
}

impl Link {
    /// Takes everything that `index` has to say; the other end's road carries its segments.
    fn poll(&mut self, index: usize) {
        let Link { ends, now, .. } = self;
        let mut said = Vec::new();
        let mut is_closed = false;
        let end = &mut ends[index];
        while let Some(event) = end.connection.poll_event() {
            is_closed |= matches!(event, Event::Closed(_));
        }
        while end.is_taking {
            let Some(handle) = end.connection.poll_deliver(*now) else { break };
            let data = end.inside.remove(&handle).expect("a handle comes out once");
            let data = data.filter(|_| self.is_honest);
            if let Some(data) = data {
                let last = end.delivered.replace(data);
                assert!(last.is_none_or(|last| last < data), "{data} after {last:?}");
            }
            end.connection.delivered(*now);
        }
        while let Some(handle) = end.connection.poll_released() {
            assert!(end.inside.remove(&handle).is_some(), "a handle comes out once");
        }
        while let Some(transmit) = end.connection.poll_transmit(*now) {
            let mut datagram = [0; SYN_BYTES];
            let count = transmit.header.encode(&mut datagram);
            let mut datagram = datagram[..count].to_vec();
            if let Some(handle) = transmit.payload {
                let data = end.inside[&handle].expect("own data has a number");
                datagram.extend_from_slice(&data.to_le_bytes());
            }
            said.push(datagram);
            assert!(said.len() <= SAID_MAX, "it talks for ever");
        }
        let held = end.connection.outstanding() + end.connection.queued();
        assert!(held + 4 * 32 + 64 >= end.inside.len(), "{} handles", end.inside.len());
        if is_closed {
            // Nothing is under way for longer than a link needs to open again.
            ends.iter_mut().for_each(|end| end.incoming.clear());
        }
        let road = &mut ends[1 - index].incoming;
        road.extend(said);
        if !self.is_recovering {
            road.truncate(UNDER_WAY_MAX);
        }
    }

    fn arrive(&mut self, index: usize, at: usize, repeat: bool) {
        let end = &mut self.ends[index];
        if end.incoming.is_empty() {
            return;
        }
        let at = at % end.incoming.len();
        let datagram = match repeat {
            true => end.incoming[at].clone(),
            false => end.incoming.remove(at).expect("it is there"),
        };
        end.hear(self.now, &datagram);
        self.poll(index);
    }

    /// Lets time pass until the next deadline of an end, or for `ns`.
    fn wait(&mut self, ns: Option<u64>) {
        let deadlines = self.ends.iter().filter_map(|end| end.connection.next_deadline());
        match (ns, deadlines.min()) {
            (Some(ns), _) => self.now += ns,
            (None, Some(deadline)) => self.now = self.now.max(deadline),
            (None, None) => return,
        }
        for index in 0..2 {
            let connection = &mut self.ends[index].connection;
            Timer::ALL.into_iter().for_each(|timer| connection.timeout(timer, self.now));
            self.poll(index);
        }
    }

    /// On a road that loses nothing both ends find each other, and data arrives.
    fn recover(&mut self) {
        self.is_recovering = true;
        for index in 0..2 {
            let end = &mut self.ends[index];
            end.is_taking = true;
            if !end.connection.is_started() {
                end.connection.start(self.now);
            }
            self.poll(index);
        }
        let mut wanted = [None, None];
        for _ in 0..RECOVERY_STEPS_MAX {
            for index in 0..2 {
                let data = self.ends[index].next_data;
                let is_lost = wanted[index].is_some_and(|wanted| {
                    let loss_count = self.ends[index].connection.loss_count();
                    wanted != (data - 1, loss_count)
                });
                if wanted[index].is_none() || is_lost {
                    let sent = self.ends[index].send(true);
                    let loss_count = self.ends[index].connection.loss_count();
                    wanted[index] = sent.then_some((data, loss_count));
                    self.poll(index);
                }
            }
            let has_arrived = |index: usize| {
                wanted[index].is_some_and(|(data, _)| self.ends[1 - index].delivered == Some(data))
            };
            if has_arrived(0) && has_arrived(1) {
                return;
            }
            match (0..2).find(|index| !self.ends[*index].incoming.is_empty()) {
                Some(index) => self.arrive(index, 0, false),
                None => self.wait(None),
            }
        }
        panic!("no data arrives at {} ms, wanted {wanted:?}", self.now / MS);
    }
}

fn parameters(input: &mut Input<'_>) -> Parameters {
    let mut parameters = Parameters::default();
    let choices = [
        (Parameter::MaxBuffers, &[1, 2, 8, 32][..]),
        (Parameter::RetranTimeout, &[2, 10, 40]),
        (Parameter::CumAckTimeout, &[1, 5, 50]),
        (Parameter::NullTimeout, &[20, 200, 3000]),
        (Parameter::MaxRetran, &[1, 3, 15]),
        (Parameter::MaxCumAck, &[1, 2, 4]),
        (Parameter::TryPeriod, &[10, 100]),
    ];
    for (parameter, values) in choices {
        let value = values[input.below(values.len())];
        parameters.set(parameter, value).expect("within its range");
    }
    parameters
}

/// Drives both ends.
pub fn link(data: &[u8]) {
    let mut input = Input(data);
    let (first, other) = (input.u8(), input.u8());
    let client = End::new(Role::Client, parameters(&mut input), first);
    let server = End::new(Role::Server, parameters(&mut input), other);
    let mut link = Link { ends: [client, server], now: MS, is_honest: true, is_recovering: false };
    for end in &mut link.ends {
        end.connection.start(link.now);
    }
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        step(&mut link, &mut input);
    }
    if link.is_honest {
        link.recover();
    }
    for index in 0..2 {
        link.ends[index].connection.stop(link.now);
        link.ends[index].is_taking = true;
        link.poll(index);
        assert!(link.ends[index].inside.is_empty(), "a stopped end keeps nothing");
    }
}

fn step(link: &mut Link, input: &mut Input<'_>) {
    let operation = input.u8();
    let index = usize::from(operation & 1);
    let argument = usize::from(operation >> 4);
    match operation >> 1 & 7 {
        0 => link.arrive(index, 0, false),
        1 => link.arrive(index, argument, false),
        2 => link.arrive(index, argument, true),
        3 => {
            let road = &mut link.ends[index].incoming;
            if !road.is_empty() {
                road.remove(argument % road.len());
            }
        }
        4 => {
            for _ in 0..=argument {
                if link.ends[index].connection.queued() < QUEUED_MAX {
                    link.ends[index].send(argument & 1 == 0);
                }
            }
            link.poll(index);
        }
        5 if argument < 8 => link.wait(None),
        5 => link.wait(Some(MS << (argument - 8))),
        6 => seldom(link, index, argument),
        _ => forge(link, index, argument, input),
    }
}

fn seldom(link: &mut Link, index: usize, argument: usize) {
    let (now, end) = (link.now, &mut link.ends[index]);
    match argument {
        0..=3 => end.is_taking = !end.is_taking,
        4 | 5 => end.connection.stop(now),
        6..=8 => end.connection.start(now),
        9 => end.connection.lose_transport(now),
        10 => end.connection.fail_frame(now),
        11 => end.connection.reset_statistics(now),
        _ => {
            let statistics = end.connection.statistics(now);
            assert!(statistics.round_trip_p50_ns <= statistics.round_trip_p99_ns);
        }
    }
    link.poll(index);
}

/// A datagram that no end has sent: any bytes, a header of any flags, or one of a stranger.
fn forge(link: &mut Link, index: usize, argument: usize, input: &mut Input<'_>) {
    link.is_honest = false;
    let datagram = match argument {
        0..=3 => input.chunk().to_vec(),
        _ => {
            let (flags, sequence, acknowledge) = (input.u8(), input.u8(), input.u8());
            let mut header = Header::plain(flags, Sequence(sequence), Sequence(acknowledge));
            if flags & SYN != 0 {
                header.flags |= SYN;
                header.syn = Some(parameters(input).to_syn(7));
            }
            let mut bytes = [0; SYN_BYTES];
            let count = header.encode(&mut bytes);
            let mut datagram = bytes[..count].to_vec();
            datagram.extend_from_slice(&[0xEE; 4][..usize::from(flags & 4)]);
            datagram
        }
    };
    let (now, end) = (link.now, &mut link.ends[index]);
    let start = &datagram[..datagram.len().min(SYN_BYTES)];
    if argument & 1 == 0 || end.connection.admits(now, start, datagram.len()) {
        end.hear(now, &datagram);
    }
    link.poll(index);
}
