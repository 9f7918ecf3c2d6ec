//! Two ends on a virtual network: seeded, in virtual time, without sockets.
//!
//! Each case runs for many seeds, see `testkit::seeds`.

mod packets;

use std::collections::{BTreeSet, VecDeque};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::proto::rssi::{
    Closure, Connection, Event, Header, Parameters, Role, Sequence, Timer, Transmit, HEADER_BYTES,
    NUL, SYN_BYTES,
};
use testkit::datagrams::{Conditions, Road};
use testkit::seeds::for_every_seed;

const MS: u64 = 1_000_000;
/// The smallest segment size that an end proposes.
const SEGMENT_BYTES_MIN: usize = 12;
/// Messages that each end sends.
const MESSAGES_COUNT: u32 = 300;
/// Steps after which a run counts as hung.
const STEPS_MAX: u64 = 200_000;
/// A datagram is lost when an end has used so many numbers since it was sent: its own might then be
/// taken for later ones. They have 8 bits; of those a window is ahead, and what it says may have been
/// a window behind when it was sent.
const NUMBERS_OF_AGE_MAX: u64 = 256 - 2 * 34;
/// Datagrams that an end takes together, as UDP endpoints do.
const TOGETHER_COUNT_MAX: usize = 32;
/// At the end of a datagram on the road: how many numbers its sender had used, and its receiver.
const MARKS_BYTES: usize = 16;

/// What an end acts by.
struct Context<'a> {
    now: u64,
    /// Numbers that the other end has used.
    others_count: u64,
    cancels_per_mille: u32,
    rng: &'a mut ChaCha8Rng,
}

/// One end with its application.
struct End {
    /// The number that it began with.
    first: Sequence,
    connection: Connection<Vec<u8>>,
    /// Messages not yet sent; each begins with its number.
    to_send: VecDeque<Vec<u8>>,
    expected: Vec<Vec<u8>>,
    received: Vec<Vec<u8>>,
    events: Vec<Event>,
    /// Numbers that it has used.
    numbers_count: u64,
    /// Messages that have left, or were to leave, and those of the segments under way.
    messages_count: usize,
    message_of: [usize; 256],
    /// Messages that leave no more.
    cancelled: BTreeSet<usize>,
    /// The application takes and sends nothing before.
    asleep_until: u64,
}

impl End {
    fn new(role: Role, parameters: Parameters, first: Sequence) -> End {
        let mut connection = Connection::new(role, parameters, first);
        connection.start(0);
        End {
            first,
            connection,
            to_send: VecDeque::new(),
            expected: Vec::new(),
            received: Vec::new(),
            events: Vec::new(),
            numbers_count: 0,
            messages_count: 0,
            message_of: [0; 256],
            cancelled: BTreeSet::new(),
            asleep_until: 0,
        }
    }

    /// Starts it again with nothing of what it was. Its numbers are far from the former ones: where
    /// they are not, an old segment can be taken for one of the new link, because they have 8 bits.
    fn restart(&mut self, rng: &mut ChaCha8Rng) {
        let first = self.first.plus(rng.random_range(100..156));
        *self = End::new(self.connection.role(), *self.connection.local(), first);
    }

    fn has_sent_all(&self) -> bool {
        self.to_send.is_empty() && self.connection.outstanding() == 0
    }

    fn is_done(&self) -> bool {
        self.has_sent_all() && self.received.len() == self.expected.len()
    }

    fn hear(&mut self, now: u64, datagram: Vec<u8>) {
        let start = datagram[..datagram.len().min(SYN_BYTES)].to_vec();
        let bytes = datagram.len();
        let _ = self.connection.receive(now, &start, bytes, datagram);
    }

    /// Whether the message of a segment that is about to leave is cancelled, or is so from now on:
    /// `cancels` asks.
    fn is_cancelled(&mut self, transmit: &Transmit<Vec<u8>>, cancels: bool) -> bool {
        let message = &mut self.message_of[usize::from(transmit.header.sequence.0)];
        if !transmit.is_repeated {
            *message = self.messages_count;
            self.messages_count += 1;
        }
        if cancels {
            self.cancelled.insert(*message);
        }
        self.cancelled.contains(message)
    }

    /// Does everything that can be done now; what is sent goes to `road`.
    fn act(&mut self, road: &mut Road, context: Context<'_>) {
        let Context { now, others_count, cancels_per_mille, rng } = context;
        Timer::ALL.into_iter().for_each(|timer| self.connection.timeout(timer, now));
        self.events.extend(std::iter::from_fn(|| self.connection.poll_event()));
        if now >= self.asleep_until {
            while let Some(datagram) = self.connection.poll_deliver(now) {
                self.received.push(datagram[HEADER_BYTES..].to_vec());
                self.connection.delivered(now);
            }
            while let Some(message) = self.to_send.pop_front() {
                if let Err((_, message)) = self.connection.send(message) {
                    self.to_send.push_front(message);
                    break;
                }
            }
        }
        while let Some(mut transmit) = self.connection.poll_transmit(now) {
            let cancels = rng.random_range(0..1000) < cancels_per_mille;
            if transmit.payload.is_some() && self.is_cancelled(&transmit, cancels) {
                (transmit.header.flags, transmit.payload) = (transmit.header.flags | NUL, None);
            }
            let mut header = [0; SYN_BYTES];
            let count = transmit.header.encode(&mut header);
            let is_new = transmit.payload.is_some() || header[0] & NUL != 0;
            self.numbers_count += u64::from(is_new && !transmit.is_repeated);
            let payload = transmit.payload.unwrap_or_default();
            let marks = [self.numbers_count, others_count].map(u64::to_le_bytes);
            road.send(now, [&header[..count], &payload, marks.as_flattened()].concat(), rng);
        }
        while self.connection.poll_released().is_some() {}
        let window = self.connection.current().window();
        assert!(self.connection.outstanding() <= window.max(1), "its window is {window}");
        assert!(self.connection.deliverable() <= window + 2);
    }

    /// When something happens here without a datagram.
    fn next_at(&self, now: u64) -> Option<u64> {
        let wakes = (self.asleep_until > now).then_some(self.asleep_until);
        self.connection.next_deadline().into_iter().chain(wakes).min()
    }
}

/// A client and a server, and the two directions of the road between them.
struct Pair {
    ends: [End; 2],
    /// Index: the end that sends.
    roads: [Road; 2],
    now: u64,
    rng: ChaCha8Rng,
    steps: u64,
    /// Pauses of an application, of a thousand steps.
    pauses_per_mille: u32,
    /// Messages that are cancelled before a transmission, of a thousand.
    cancels_per_mille: u32,
}

impl Pair {
    fn new(seed: u64) -> Pair {
        Pair::with_segments(seed, SEGMENT_BYTES_MIN)
    }

    /// With segments that have room for `bytes_min` bytes, of the header too.
    fn with_segments(seed: u64, bytes_min: usize) -> Pair {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (parameters, conditions) = choose(&mut rng, bytes_min);
        let roles = [Role::Client, Role::Server];
        let ends =
            [0, 1].map(|index| End::new(roles[index], parameters[index], Sequence(rng.random())));
        let roads = [Road::new(conditions[0]), Road::new(conditions[1])];
        let pauses_per_mille = [0, 0, 5, 20][rng.random_range(0..4)];
        Pair { ends, roads, now: 0, rng, steps: 0, pauses_per_mille, cancels_per_mille: 0 }
    }

    /// Largest payload of a segment in both directions.
    fn payload_max(&self) -> usize {
        let bytes_max = self.ends.each_ref().map(|end| end.connection.local().payload_max());
        bytes_max[0].min(bytes_max[1])
    }

    /// Gives each end `count` messages more to send.
    fn load(&mut self, count: u32) {
        let bytes_max = self.payload_max();
        for index in [0, 1] {
            for number in 0..count {
                let bytes = self.rng.random_range(1..=bytes_max);
                let mut message: Vec<u8> = (0..bytes).map(|_| self.rng.random()).collect();
                let mark = number.to_le_bytes();
                message.iter_mut().zip(mark).for_each(|(byte, mark)| *byte = mark);
                self.ends[index].to_send.push_back(message.clone());
                self.ends[1 - index].expected.push(message);
            }
        }
    }

    /// Advances to the next moment at which something happens.
    fn step(&mut self) {
        self.steps += 1;
        assert!(self.steps < STEPS_MAX, "it does not end: {self:?}");
        for index in [0, 1] {
            loop {
                let together = self.roads[1 - index].receive_together(self.now, TOGETHER_COUNT_MAX);
                if together.is_empty() {
                    break;
                }
                self.hear_together(index, together);
                self.act(index);
            }
            if self.rng.random_range(0..1000) < self.pauses_per_mille {
                let pause = self.rng.random_range(1..200 * MS);
                self.ends[index].asleep_until = self.now + pause;
            }
            self.act(index);
        }
        let arrivals = self.roads.iter().filter_map(Road::next_arrival);
        let wakes = self.ends.iter().filter_map(|end| end.next_at(self.now));
        let next = arrivals.chain(wakes).min().expect("an end without a timer");
        self.now = self.now.max(next);
    }

    /// Hands datagrams to the end `index` that has received them together. What follows from them
    /// goes together too, unless the peer is to be told of a loss.
    fn hear_together(&mut self, index: usize, together: Vec<Vec<u8>>) {
        for datagram in together {
            let (datagram, is_too_old) = self.unmarked(1 - index, datagram);
            if !is_too_old {
                self.ends[index].hear(self.now, datagram);
                if self.ends[index].connection.asks_for_segment() {
                    self.act(index);
                }
            }
        }
    }

    fn act(&mut self, index: usize) {
        let road = &mut self.roads[index];
        let context = Context {
            now: self.now,
            others_count: self.ends[1 - index].numbers_count,
            cancels_per_mille: self.cancels_per_mille,
            rng: &mut self.rng,
        };
        self.ends[index].act(road, context);
    }

    /// A datagram of the end `sender` without its marks, and whether it is beyond what the protocol
    /// can tell from a later one.
    fn unmarked(&self, sender: usize, mut datagram: Vec<u8>) -> (Vec<u8>, bool) {
        let marks = datagram.split_off(datagram.len() - MARKS_BYTES);
        let ends = [&self.ends[sender], &self.ends[1 - sender]];
        let is_too_old = marks.chunks_exact(8).zip(ends).any(|(mark, end)| {
            let then = u64::from_le_bytes(mark.try_into().unwrap());
            // One that was restarted has used fewer.
            end.numbers_count.saturating_sub(then) > NUMBERS_OF_AGE_MAX
        });
        (datagram, is_too_old)
    }

    fn step_until(&mut self, is_over: impl Fn(&Pair) -> bool) {
        while !is_over(self) {
            self.step();
        }
    }

    fn is_done(&self) -> bool {
        self.ends.iter().all(End::is_done)
    }
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "time {} ms", self.now / MS)?;
        for (end, road) in self.ends.iter().zip(&self.roads) {
            let (to_send, received) = (end.to_send.len(), end.received.len());
            let of = end.expected.len();
            writeln!(f, "{to_send} to send, {received} of {of} received, {:?}", end.events)?;
            let statistics = end.connection.statistics(self.now);
            writeln!(f, "{:?} {statistics:?}", end.connection.current())?;
            writeln!(f, "{} sent, {} lost", road.sent_count(), road.lost_count())?;
        }
        Ok(())
    }
}

/// Parameters of both ends, and conditions of both directions, which carry `bytes_min` bytes.
fn choose(rng: &mut ChaCha8Rng, bytes_min: usize) -> ([Parameters; 2], [Conditions; 2]) {
    let losses = [0, 0, 10, 50, 100, 200, 300];
    let bytes_max = rng.random_range(bytes_min + 4..=1472);
    let conditions = [0, 1].map(|_| Conditions {
        loss_per_mille: losses[rng.random_range(0..losses.len())],
        duplicates_per_mille: [0, 10, 200][rng.random_range(0..3)],
        reorders_per_mille: [0, 10, 200][rng.random_range(0..3)],
        overtakers_max: rng.random_range(1..=32),
        delay: [0, 100_000, MS, 30 * MS][rng.random_range(0..4)],
        jitter: [0, 10_000, 5 * MS, 20 * MS][rng.random_range(0..4)],
        spacing: 0,
        coalescing: [0, 0, 100_000, 3 * MS][rng.random_range(0..4)],
        // A SYN must pass.
        bytes_max: bytes_max.max(SYN_BYTES) + MARKS_BYTES,
    });
    let loss = conditions[0].loss_per_mille.max(conditions[1].loss_per_mille);
    let parameters = [0, 1].map(|_| Parameters {
        max_buffers: [1, 2, 8, 32, 127, 255][rng.random_range(0..6)],
        max_segment: rng.random_range(bytes_min..=bytes_max) as u16,
        cum_ack_timeout_ms: rng.random_range(1..=10),
        retran_timeout_ms: rng.random_range(20..=50),
        max_cum_ack: rng.random_range(1..=4),
        // At 30 % in both directions half of all attempts fail; 15 in a row then do not take long.
        max_retran: if loss >= 100 { 100 } else { 15 },
        ..Parameters::default()
    });
    (parameters, conditions)
}

#[test]
fn every_message_arrives_once_and_in_order_on_every_road() {
    for_every_seed(|seed| {
        let mut pair = Pair::new(seed);
        pair.load(MESSAGES_COUNT);
        pair.step_until(Pair::is_done);
        for end in &pair.ends {
            assert!(end.received == end.expected, "the messages differ");
            assert_eq!(end.events, [Event::Opened], "the link was lost meanwhile");
        }
    });
}

/// Sends `count` messages from the client to the server over a road that loses 1 %. Returns how many
/// were lost, and sent again, and how long all took beyond what the road needs for them.
fn repair(seed: u64, count: u32, spacing: u64, coalescing: u64) -> (u64, u64, u64) {
    let mut pair = Pair::new(seed);
    let (delay, jitter) = (100_000, 20_000);
    let road = Conditions { delay, jitter, spacing, coalescing, ..Conditions::perfect() };
    pair.roads = [Road::new(road), Road::new(road)];
    let end = |role| End::new(role, Parameters::default(), Sequence(seed as u8));
    pair.ends = [end(Role::Client), end(Role::Server)];
    pair.pauses_per_mille = 0;
    pair.step_until(|pair| pair.ends.iter().all(|end| end.connection.is_open()));
    let messages = (0..count).map(|number| number.to_le_bytes().to_vec());
    pair.ends[0].to_send = messages.clone().collect();
    pair.ends[1].expected = messages.collect();
    let lossy = Conditions { loss_per_mille: 10, ..road };
    pair.roads = [Road::new(lossy), Road::new(lossy)];
    let (begin, mut end) = (pair.now, pair.now);
    while pair.ends[1].received.len() < count as usize {
        end = pair.now;
        pair.step();
    }
    assert!(pair.ends[1].received == pair.ends[1].expected);
    let repeated = pair.ends[0].connection.statistics(pair.now).retran_count;
    (pair.roads[0].lost_count(), repeated, end - begin - u64::from(count) * spacing)
}

/// A timeout is 20 ms here, and sends up to 32 segments again.
#[test]
fn f40_a_loss_costs_about_one_repetition_and_hardly_ever_a_timeout() {
    let (lost, repeated, delay) = repairs(0);
    assert!(repeated <= 2 * lost, "{repeated} repetitions for {lost} losses");
    assert!(delay <= lost * MS, "{} ms for {lost} losses", delay / MS);
}

/// The sums of many runs of [`repair`].
fn repairs(coalescing: u64) -> (u64, u64, u64) {
    let runs: Vec<_> = (0..30).map(|seed| repair(seed, 1000, 40_000, coalescing)).collect();
    let sum = |of: fn(&(u64, u64, u64)) -> u64| runs.iter().map(of).sum::<u64>();
    (sum(|run| run.0), sum(|run| run.1), sum(|run| run.2))
}

/// One acknowledge for each 25 segments would leave nearly every loss to the timeout: 5080
/// repetitions for 366 losses.
#[test]
fn f75_a_loss_among_segments_that_come_together_costs_no_timeout_either() {
    let (lost, repeated, delay) = repairs(MS);
    assert!(repeated <= 2 * lost, "{repeated} repetitions for {lost} losses");
    // Both ends look once in a millisecond.
    assert!(delay <= 6 * lost * MS, "{} ms for {lost} losses", delay / MS);
}

#[test]
fn a_message_that_is_cancelled_on_its_way_disturbs_no_other() {
    for_every_seed(|seed| {
        let mut pair = Pair::new(seed);
        pair.cancels_per_mille = 200;
        pair.load(MESSAGES_COUNT);
        pair.step_until(|pair| pair.ends.iter().all(End::has_sent_all));
        for index in [0, 1] {
            let (end, other) = (&pair.ends[index], &pair.ends[1 - index]);
            let mut received = end.received.iter();
            let mut next = received.next();
            for (number, expected) in end.expected.iter().enumerate() {
                // One that was cancelled may have come before.
                if next == Some(expected) {
                    next = received.next();
                } else {
                    assert!(other.cancelled.contains(&number), "message {number} is missing");
                }
            }
            assert_eq!(next, None, "the messages differ");
            assert_eq!(end.events, [Event::Opened], "the link was lost meanwhile");
        }
    });
}

#[test]
fn a_link_that_was_cut_is_closed_and_opens_again_by_itself() {
    for_every_seed(|seed| {
        let mut pair = Pair::new(seed);
        pair.pauses_per_mille = 0;
        pair.load(20);
        pair.step_until(|pair| pair.ends.iter().any(|end| end.received.len() >= 5));
        pair.roads.iter_mut().for_each(|road| road.set_cut(true));
        let is_closed = |end: &End| matches!(end.events.last(), Some(Event::Closed(_)));
        pair.step_until(|pair| pair.ends.iter().all(is_closed));
        for end in &mut pair.ends {
            let silent = matches!(end.events[1], Event::Closed(Closure::PeerSilent { .. }));
            assert!(silent, "{:?}", end.events);
            // What was under way is lost, and reported so.
            let end_number = end.received.len();
            assert!(end.received == end.expected[..end_number], "those that came are in order");
            (end.received, end.expected, end.events) = Default::default();
            end.to_send.clear();
        }
        pair.roads.iter_mut().for_each(|road| road.set_cut(false));
        pair.step_until(|pair| pair.ends.iter().all(|end| end.connection.is_open()));
        for end in &mut pair.ends {
            end.events.clear();
        }
        pair.load(20);
        pair.step_until(Pair::is_done);
        for end in &pair.ends {
            assert!(end.received == end.expected);
        }
    });
}

#[test]
fn a_client_that_was_restarted_gets_in_again() {
    for_every_seed(|seed| {
        let mut pair = Pair::new(seed);
        pair.load(5);
        pair.step_until(Pair::is_done);
        // Without a word: its process is gone.
        pair.ends[0].restart(&mut pair.rng);
        pair.step_until(|pair| {
            let is_again = |end: &End| end.connection.is_open();
            let was_told = pair.ends[1].events.iter().any(|event| *event != Event::Opened);
            pair.ends.iter().all(is_again) && was_told
        });
        for end in &mut pair.ends {
            (end.received, end.expected) = Default::default();
        }
        pair.load(5);
        pair.step_until(Pair::is_done);
        assert!(pair.ends.iter().all(|end| end.received == end.expected));
    });
}

#[test]
fn a_server_that_was_restarted_is_found_again() {
    for_every_seed(|seed| {
        let mut pair = Pair::new(seed);
        pair.load(5);
        pair.step_until(Pair::is_done);
        pair.ends[1].restart(&mut pair.rng);
        pair.step_until(|pair| {
            let was_told = pair.ends[0].events.iter().any(|event| *event != Event::Opened);
            was_told && pair.ends.iter().all(|end| end.connection.is_open())
        });
        for end in &mut pair.ends {
            (end.received, end.expected) = Default::default();
        }
        pair.load(5);
        pair.step_until(Pair::is_done);
        assert!(pair.ends.iter().all(|end| end.received == end.expected));
    });
}

#[test]
fn datagrams_of_a_stranger_do_no_harm() {
    for_every_seed(|seed| {
        let mut pair = Pair::new(seed);
        pair.load(50);
        let mut stranger = ChaCha8Rng::seed_from_u64(!seed);
        while !pair.is_done() {
            pair.step();
            for end in &mut pair.ends {
                let bytes = stranger.random_range(0..40);
                let mut datagram: Vec<u8> = (0..bytes).map(|_| stranger.random()).collect();
                if bytes >= HEADER_BYTES {
                    datagram[1] = 8;
                    datagram[0] &= 0x7F;
                    // One of 65 000 has a right checksum by chance, and may say anything.
                    if Header::decode(&datagram, bytes).is_ok() {
                        datagram[7] ^= 1;
                    }
                }
                end.hear(pair.now, datagram);
            }
            // From another address, and right.
            let server = &mut pair.ends[1].connection;
            if server.is_open() && stranger.random_range(0..8) == 0 {
                let flags = stranger.random::<u8>() & !0x20;
                let syn = (flags & 0x80 != 0).then(|| server.local().to_syn(0));
                let [sequence, acknowledge] = [(); 2].map(|()| Sequence(stranger.random()));
                let mut start = [0; SYN_BYTES];
                let header = Header { flags, sequence, acknowledge, syn };
                let bytes = header.encode(&mut start);
                assert!(!server.admits(pair.now, &start[..bytes], bytes), "{header:?}");
            }
        }
        for end in &pair.ends {
            assert!(end.received == end.expected);
            assert_eq!(end.events, [Event::Opened]);
        }
    });
}
