//! One end against segments that a test makes, in virtual time.

use super::*;
use crate::proto::rssi::header::{RST, SYN, SYN_BYTES};
use crate::proto::rssi::WINDOW_SEGMENTS_MAX;

const MS: u64 = 1_000_000;

/// One end, and what it has said so far.
struct End {
    connection: Connection<u32>,
    now: u64,
    delivered: Vec<u32>,
    events: Vec<Event>,
}

impl End {
    fn new(role: Role, parameters: Parameters) -> End {
        let mut connection = Connection::new(role, parameters, Sequence(0x80));
        connection.start(0);
        End { connection, now: 0, delivered: Vec::new(), events: Vec::new() }
    }

    /// A server with a link that a client has opened, which counts from 100.
    fn server() -> End {
        let mut end = End::new(Role::Server, Parameters::default());
        end.hear(syn(100));
        let answer = end.says();
        assert_eq!((answer.len(), answer[0].flags), (1, SYN | ACK));
        end.hear(Header::plain(ACK, Sequence(101), answer[0].sequence));
        assert_eq!(end.says(), []);
        assert!(end.connection.is_open());
        end
    }

    /// A client with a link to a server that counts from 200.
    fn client() -> End {
        let mut end = End::new(Role::Client, Parameters::default());
        end.connection.timeout(Timer::Open, 0);
        let own = end.says()[0];
        assert_eq!(own.flags, SYN);
        end.hear(syn_ack(200, own.sequence));
        let thanks = end.says();
        assert_eq!(thanks, [Header::plain(ACK, own.sequence.next(), Sequence(200))]);
        assert!(end.connection.is_open());
        end
    }

    fn hear(&mut self, header: Header) {
        self.hear_payload(header, 0, 0);
    }

    /// A segment with `bytes` bytes of payload, known as `payload`.
    fn hear_payload(&mut self, header: Header, bytes: usize, payload: u32) {
        let mut start = [0; SYN_BYTES];
        let count = header.encode(&mut start);
        self.connection.receive(self.now, &start[..count], count + bytes, payload).unwrap();
    }

    /// A segment of data with one byte.
    fn hear_data(&mut self, sequence: u8, acknowledge: Sequence) {
        self.hear_payload(Header::plain(ACK, Sequence(sequence), acknowledge), 1, sequence.into());
    }

    /// Everything that is to be sent now; delivers everything before.
    fn says(&mut self) -> Vec<Header> {
        while let Some(payload) = self.connection.poll_deliver(self.now) {
            self.delivered.push(payload);
            self.connection.delivered(self.now);
        }
        while let Some(event) = self.connection.poll_event() {
            self.events.push(event);
        }
        while self.connection.poll_released().is_some() {}
        let sent = std::iter::from_fn(|| self.connection.poll_transmit(self.now));
        sent.map(|transmit| transmit.header).collect()
    }

    /// Lets `time` pass with every timer on time; what is said meanwhile, with its time.
    fn wait(&mut self, time: u64) -> Vec<(u64, Header)> {
        let end = self.now + time;
        let mut said: Vec<(u64, Header)> = Vec::new();
        while let Some(deadline) = self.connection.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(deadline);
            Timer::ALL.into_iter().for_each(|timer| self.connection.timeout(timer, self.now));
            said.extend(self.says().into_iter().map(|header| (self.now, header)));
            assert!(said.len() < 10_000, "it talks for ever");
        }
        self.now = end;
        said
    }

    /// Sends payloads with these names.
    fn send(&mut self, payloads: impl IntoIterator<Item = u32>) -> Vec<Header> {
        payloads.into_iter().for_each(|payload| self.connection.send(payload).unwrap());
        self.says()
    }

    fn next(&self) -> Sequence {
        self.connection.send.next()
    }

    fn drops(&self) -> super::super::statistics::Drops {
        self.connection.statistics(self.now).drops
    }
}

fn syn(sequence: u8) -> Header {
    let syn = Some(Parameters::default().to_syn(7));
    Header { flags: SYN, sequence: Sequence(sequence), acknowledge: Sequence(0), syn }
}

fn syn_ack(sequence: u8, acknowledge: Sequence) -> Header {
    Header { flags: SYN | ACK, acknowledge, ..syn(sequence) }
}

#[test]
fn a_server_acknowledges_the_number_of_the_syn_and_echoes_its_connection_id() {
    let mut end = End::new(Role::Server, Parameters::default());
    let connection_id = 0x1234_5678;
    let proposal = Parameters { max_buffers: 8, ..Parameters::default() };
    end.hear(Header { syn: Some(proposal.to_syn(connection_id)), ..syn(33) });
    let answer = end.says()[0];
    assert_eq!((answer.flags, answer.acknowledge), (SYN | ACK, Sequence(33)));
    assert_eq!(answer.syn, Some(proposal.to_syn(connection_id)));
    assert!(!end.connection.is_open());
}

#[test]
fn syn_ack_is_repeated_until_the_client_acknowledges_or_sends_data() {
    for is_data in [false, true] {
        let mut end = End::new(Role::Server, Parameters::default());
        end.hear(syn(100));
        let answer = end.says()[0];
        let repeated = end.wait(350 * MS);
        let times: Vec<_> = repeated.iter().map(|(at, _)| at / MS).collect();
        assert_eq!(times, [100, 200, 300]);
        assert!(repeated.iter().all(|(_, header)| *header == answer));
        end.hear(syn(100));
        assert_eq!(end.says(), [answer], "a repeated SYN is answered at once");
        match is_data {
            true => end.hear_payload(Header::plain(0, Sequence(101), Sequence(0)), 1, 5),
            false => end.hear(Header::plain(ACK, Sequence(101), answer.sequence)),
        }
        end.says();
        assert!(end.connection.is_open());
        assert_eq!((end.events.len(), end.delivered.len()), (1, usize::from(is_data)));
    }
}

#[test]
fn a_server_whose_client_stays_away_waits_for_another_one() {
    let mut end = End::new(Role::Server, Parameters::default());
    end.hear(syn(100));
    assert_eq!(end.wait(60_000 * MS).len(), 10);
    assert!(matches!(end.connection.state, State::Listening(_)));
    assert_eq!((end.connection.next_deadline(), end.events.len()), (None, 0));
}

/// A server that has given up its answer, which is the other result, to a SYN with the number 100.
fn tired_server() -> (End, Header) {
    let mut end = End::new(Role::Server, Parameters::default());
    end.hear(syn(100));
    let answer = end.says()[0];
    assert_eq!(end.wait(60_000 * MS).len(), 9);
    (end, answer)
}

#[test]
fn f36_a_client_whose_road_is_slower_than_all_answers_gets_in_without_a_loss() {
    let (mut end, answer) = tired_server();
    end.hear(Header::plain(0, Sequence(101), Sequence(0)));
    for (sequence, acknowledge) in [
        (Sequence(100), answer.sequence),
        (Sequence(102), answer.sequence),
        (Sequence(101), answer.sequence.next()),
        (Sequence(101), answer.sequence.previous()),
    ] {
        end.hear_payload(Header::plain(ACK, sequence, acknowledge), 1, 9);
        assert!(!end.connection.is_open(), "{sequence:?} {acknowledge:?}");
    }
    end.hear_data(101, answer.sequence);
    end.hear_data(102, answer.sequence);
    assert_eq!(end.says(), [Header::plain(ACK, answer.sequence.next(), Sequence(102))]);
    assert_eq!((end.delivered, end.events), (vec![101, 102], vec![Event::Opened]));
}

#[test]
fn an_answer_that_was_reset_or_superseded_opens_no_link() {
    let (mut end, answer) = tired_server();
    end.hear(Header::plain(RST, Sequence(180), answer.sequence));
    end.hear(Header::plain(RST, Sequence(101), answer.sequence));
    end.hear_data(101, answer.sequence);
    assert!(!end.connection.is_open());
    for stops in [false, true] {
        let (mut end, answer) = tired_server();
        match stops {
            true => {
                end.connection.stop(end.now);
                end.connection.start(end.now);
            }
            false => end.hear(syn(40)),
        }
        end.says();
        end.hear_data(101, answer.sequence);
        assert!(!end.connection.is_open());
    }
}

#[test]
fn a_client_pauses_for_longer_than_the_null_timeout_after_some_syns() {
    let mut end = End::new(Role::Client, Parameters::default());
    let said = end.wait(5_000 * MS);
    let times: Vec<_> = said.iter().map(|(at, _)| at / MS).collect();
    assert_eq!(times, [0, 100, 200, 300, 400, 2400, 2500, 2600, 2700, 2800, 4800, 4900, 5000]);
    assert!(said.iter().all(|(_, header)| *header == said[0].1), "all are the same");
}

#[test]
fn a_client_that_hears_of_an_old_link_resets_it_with_the_number_expected_there() {
    let mut end = End::new(Role::Client, Parameters::default());
    end.wait(150 * MS);
    for _ in 0..3 {
        end.hear(Header::plain(ACK, Sequence(9), Sequence(77)));
    }
    assert_eq!(end.says(), [Header::plain(RST, Sequence(78), Sequence(9))], "once");
    // It answers with RST, and the client does not pause.
    end.wait(300 * MS);
    end.hear(Header::plain(RST, Sequence(9), Sequence(77)));
    let said = end.wait(100 * MS);
    assert_eq!(said.iter().map(|(_, header)| header.flags).collect::<Vec<_>>(), [SYN]);
}

#[test]
fn a_client_takes_any_acknowledge_number_but_no_answer_of_its_last_link() {
    let mut end = End::client();
    let old = syn_ack(200, Sequence(0x80));
    end.hear(Header::plain(RST, Sequence(201), Sequence(0)));
    end.says();
    assert_eq!(end.events.last(), Some(&Event::Closed(Closure::PeerReset)));
    end.wait(100 * MS);
    end.hear(old);
    assert!(!end.connection.is_open());
    assert_eq!(end.drops().unexpected_syn, 1);
    end.hear(syn_ack(7, Sequence(0)));
    assert!(end.connection.is_open());
}

#[test]
fn a_server_that_acknowledges_old_numbers_at_first_is_understood() {
    let mut end = End::new(Role::Client, Parameters::default());
    end.connection.timeout(Timer::Open, 0);
    end.says();
    end.hear(syn_ack(200, Sequence(0)));
    end.hear_data(201, Sequence(0));
    let sent = end.send([1])[0].sequence;
    end.hear_data(202, sent);
    end.hear_data(203, Sequence(0));
    end.says();
    assert_eq!((end.delivered.clone(), end.drops().out_of_window), (vec![201, 202], 1));
}

#[test]
fn a_replayed_syn_ack_does_not_disturb_an_open_link() {
    let mut end = End::client();
    end.hear_data(201, end.next().previous());
    end.says();
    let expected = end.connection.receive.next();
    end.hear(syn_ack(200, Sequence(0x80)));
    assert_eq!(end.connection.receive.next(), expected);
    let said = end.says();
    assert_eq!(said, [Header::plain(ACK, end.next(), Sequence(201))], "it may ask for it");
    end.hear_data(202, end.next().previous());
    end.says();
    assert_eq!(end.delivered, [201, 202]);
}

#[test]
fn a_duplicate_is_acknowledged_again() {
    let mut end = End::server();
    let last = end.next().previous();
    end.hear_data(101, last);
    end.wait(10 * MS);
    for _ in 0..3 {
        end.hear_data(101, last);
        assert_eq!(end.says(), [Header::plain(ACK, end.next(), Sequence(101))]);
    }
    assert_eq!((end.delivered.clone(), end.drops().duplicate), (vec![101], 3));
}

#[test]
fn a_stale_acknowledge_discards_no_data() {
    let mut end = End::server();
    let first = end.send([1, 2, 3])[0].sequence;
    for wrong in [first.plus(3), first.plus(100), first.plus(200), first.previous().previous()] {
        end.hear(Header::plain(ACK, Sequence(101), wrong));
        end.hear_data(101, wrong);
        assert_eq!(end.connection.outstanding(), 3, "{wrong:?}");
    }
    assert_eq!((end.drops().out_of_window, end.connection.deliverable()), (8, 0));
    end.hear(Header::plain(ACK, Sequence(101), first));
    end.hear(Header::plain(ACK, Sequence(101), first.previous()));
    assert_eq!((end.connection.statistics(0).stale_acks, end.connection.outstanding()), (1, 2));
    end.hear(Header::plain(ACK, Sequence(101), first.next()));
    assert_eq!(end.connection.outstanding(), 1);
}

#[test]
fn a_silent_peer_is_given_up_after_the_agreed_number_of_transmissions() {
    let mut end = End::server();
    let sequence = end.send([1])[0].sequence;
    let said = end.wait(2_000 * MS);
    let data = said.iter().filter(|(_, header)| header.flags == ACK);
    let times: Vec<_> = data.map(|(at, _)| at / MS).collect();
    assert_eq!(times, (1..15).map(|count| 20 * count).collect::<Vec<_>>());
    let resets: Vec<_> = said.iter().filter(|(_, header)| header.has(RST)).collect();
    assert_eq!(resets.len(), 2, "with the next number, and with the one that is expected");
    assert_eq!((resets[0].0, resets[0].1.sequence), (300 * MS, sequence.next()));
    assert_eq!(resets[1].1.sequence, sequence);
    let closure = Closure::PeerSilent { transmissions: 15, within_ms: 300 };
    assert_eq!(end.events, [Event::Opened, Event::Closed(closure)]);
    assert_eq!(end.connection.statistics(0).retran_count, 14);
}

#[test]
fn an_idle_link_sends_null_segments_and_nothing_else() {
    let mut end = End::server();
    for _ in 0..10 {
        let deadline = end.connection.next_deadline().unwrap();
        assert_eq!(deadline, end.now + 1000 * MS / 3);
        let said = end.wait(deadline - end.now);
        assert_eq!(said.len(), 1);
        let null = said[0].1;
        assert_eq!(null.flags, ACK | NUL);
        end.hear(Header::plain(ACK, Sequence(101), null.sequence));
        assert_eq!(end.says(), []);
    }
}

#[test]
fn a_null_segment_is_acknowledged_at_once_and_its_payload_is_not_delivered() {
    let mut end = End::server();
    let last = end.next().previous();
    end.hear_payload(Header::plain(ACK | NUL, Sequence(101), last), 8, 1);
    assert_eq!(end.says(), [Header::plain(ACK, end.next(), Sequence(101))]);
    end.hear_payload(Header::plain(0, Sequence(102), Sequence(0)), 1, 2);
    end.says();
    assert_eq!(end.delivered, [2], "data counts without ACK too");
}

#[test]
fn acknowledges_wait_for_company_but_not_for_long() {
    let mut end = End::server();
    let last = end.next().previous();
    end.send([9]);
    end.hear_data(101, last);
    assert_eq!(end.says(), [], "one waits, as a segment was sent just now");
    end.hear_data(102, last);
    assert_eq!(end.says(), [Header::plain(ACK, end.next(), Sequence(102))], "two do not");
    end.hear_data(103, last);
    assert_eq!(end.says(), []);
    let said = end.wait(5 * MS);
    assert_eq!(said, [(5 * MS, Header::plain(ACK, end.next(), Sequence(103)))]);
    end.hear_data(104, last);
    let said = end.send([10]);
    assert_eq!((said.len(), said[0].acknowledge), (1, Sequence(104)), "data carries it");
}

#[test]
fn an_end_whose_application_takes_nothing_says_that_it_is_busy() {
    let mut end = End::server();
    let last = end.next().previous();
    for number in 101..104 {
        end.hear_data(number, last);
    }
    let taken = end.connection.poll_deliver(end.now);
    assert_eq!(taken, Some(101));
    end.now += 5 * MS;
    Timer::ALL.into_iter().for_each(|timer| end.connection.timeout(timer, end.now));
    assert!(end.connection.is_local_busy());
    let said: Vec<_> = std::iter::from_fn(|| end.connection.poll_transmit(end.now)).collect();
    let busy = Header::plain(ACK | BUSY, end.next(), Sequence(100));
    assert_eq!(said[0].header, busy, "with the last acknowledge number");
    end.connection.delivered(end.now);
    let free = end.says();
    assert!(!end.connection.is_local_busy());
    assert_eq!(free, [Header::plain(ACK, end.next(), Sequence(103))]);
    let statistics = end.connection.statistics(end.now);
    assert_eq!((statistics.local_busy_count, statistics.local_busy_ns), (1, 0));
}

#[test]
fn a_busy_peer_gets_no_repetitions_until_it_is_free_or_silent() {
    let mut end = End::server();
    let last = end.next().previous();
    let first = end.send([1])[0].sequence;
    for _ in 0..100 {
        end.hear(Header::plain(ACK | BUSY, Sequence(101), last));
        let said = end.wait(6 * MS);
        assert!(said.iter().all(|(_, header)| header.sequence != first), "{said:?}");
    }
    assert!(end.connection.is_remote_busy() && end.connection.is_open());
    end.hear(Header::plain(ACK, Sequence(101), last));
    assert_eq!(end.says()[0].sequence, first, "at once");
    end.hear(Header::plain(ACK | BUSY, Sequence(101), last));
    let said = end.wait(3_000 * MS);
    assert!(said.iter().any(|(_, header)| header.has(RST)), "it is gone");
    assert_eq!(end.connection.statistics(end.now).remote_busy_count, 2);
}

#[test]
fn three_acknowledges_in_a_row_repeat_the_segment_that_they_ask_for() {
    let mut end = End::server();
    let last = end.next().previous();
    let sent = end.send(0..6);
    for count in 1..=5 {
        end.hear(Header::plain(ACK, Sequence(101), last));
        let said = end.says();
        assert_eq!(said.len(), usize::from(count == 3), "{count}");
        assert!(said.iter().all(|header| header.sequence == sent[0].sequence));
    }
    // It was not the only one that was lost.
    end.hear(Header::plain(ACK, Sequence(101), sent[1].sequence));
    let said = end.says();
    assert_eq!(said.iter().map(|header| header.sequence).collect::<Vec<_>>(), [sent[2].sequence]);
    end.hear(Header::plain(ACK, Sequence(101), sent[5].sequence));
    assert_eq!((end.says(), end.connection.outstanding()), (vec![], 0));
}

#[test]
fn an_rst_counts_only_with_a_number_that_the_peer_can_have_sent() {
    for number in 0..=255u8 {
        let mut end = End::server();
        end.hear(Header::plain(RST, Sequence(number), Sequence(0)));
        let is_near = number.wrapping_sub(100) <= 35;
        assert_eq!(end.connection.is_open(), !is_near, "{number}");
        assert_eq!(end.drops().forged_reset, u64::from(!is_near));
        let said = end.says();
        assert_eq!(said.len(), usize::from(is_near));
        assert!(said.iter().all(|header| header.has(RST)), "it is answered");
    }
}

#[test]
fn a_syn_on_an_open_link_is_believed_if_the_peer_does_not_answer() {
    for number in [100, 150, 5] {
        let mut end = End::server();
        end.hear(syn(number));
        let null = end.says()[0];
        assert_eq!(null.flags, ACK | NUL, "it is asked");
        end.hear(Header::plain(ACK, Sequence(101), null.sequence));
        end.wait(320 * MS);
        assert!(end.connection.is_open(), "it has answered");
        end.hear(syn(number));
        assert_eq!(end.says()[0].flags, ACK | NUL, "it is asked again");
        let said = end.wait(320 * MS);
        // The SYN that has opened the link may have been a replay.
        let is_other = number != 100;
        assert_eq!(said.iter().any(|(_, header)| header.has(RST)), !is_other, "{said:?}");
        let closure = Event::Closed(Closure::PeerRestarted);
        assert_eq!(end.events.last() == Some(&closure), is_other);
        assert!(!end.connection.is_open());
        end.hear(syn(number));
        let said = end.says();
        assert_eq!((said.len(), said[0].flags), (1, SYN | ACK), "{said:?}");
        assert_eq!(said[0].acknowledge, Sequence(number));
    }
}

/// Whether `end` admits the sender of `header`.
fn admits(end: &mut End, header: Header) -> bool {
    let mut start = [0; SYN_BYTES];
    let count = header.encode(&mut start);
    end.connection.admits(end.now, &start[..count], count)
}

#[test]
fn f41_only_a_syn_brings_another_client_in_and_only_without_an_open_link() {
    let mut end = End::new(Role::Server, Parameters::default());
    let all = (0..=u8::MAX).filter(|flags| flags & 0x20 == 0);
    let headers = all.map(|flags| {
        let syn = syn(0).syn.filter(|_| flags & SYN != 0);
        Header { flags, sequence: Sequence(101), acknowledge: Sequence(0x80), syn }
    });
    for header in headers.clone() {
        let is_syn = header.flags & (SYN | ACK | RST | NUL) == SYN;
        assert_eq!(admits(&mut end, header), is_syn, "{header:?}");
    }
    let malformed = [0x80, 24, 0, 0];
    assert!(!end.connection.admits(0, &malformed, 4));
    let mut end = End::server();
    let now = end.connection.statistics(0);
    for header in headers {
        assert!(!admits(&mut end, header), "{header:?}");
    }
    assert_eq!((end.connection.statistics(0), end.connection.is_open()), (now, true));
    let null = end.says();
    assert_eq!((null.len(), null[0].flags), (1, ACK | NUL), "the peer is asked");
    end.hear(Header::plain(ACK, Sequence(101), null[0].sequence));
    end.wait(320 * MS);
    assert!(end.connection.is_open(), "it has answered");
    assert!(!admits(&mut end, syn(101)));
    assert_eq!(end.says().len(), 1, "the peer is asked again");
    end.wait(320 * MS);
    let closure = Closure::PeerSilent { transmissions: 15, within_ms: 300 };
    assert_eq!(end.events.last(), Some(&Event::Closed(closure)), "it has not");
    assert!(admits(&mut end, syn(101)));
    end.hear(syn(101));
    assert_eq!(end.says()[0].acknowledge, Sequence(101));
}

#[test]
fn another_client_gets_an_answer_of_its_own_while_one_is_answered() {
    let mut end = End::new(Role::Server, Parameters::default());
    end.hear(syn(100));
    let former = end.says()[0];
    // From the peer's address it would be an older one of the same client.
    assert!(admits(&mut end, syn(40)));
    end.hear(syn(40));
    let answer = end.says()[0];
    assert_eq!((answer.acknowledge, answer.sequence), (Sequence(40), former.sequence.next()));
    end.hear(Header::plain(ACK, Sequence(41), answer.sequence));
    assert!(end.connection.is_open());
}

#[test]
fn a_client_takes_whoever_answers_until_its_link_is_open() {
    let mut end = End::new(Role::Client, Parameters::default());
    assert!(admits(&mut end, syn_ack(200, Sequence(0x80))));
    let mut end = End::client();
    assert!(!admits(&mut end, syn_ack(200, Sequence(0x80))));
    end.connection.stop(0);
    assert!(admits(&mut end, Header::plain(ACK, Sequence(1), Sequence(2))));
}

#[test]
fn the_answer_to_a_syn_is_the_same_until_it_has_opened_a_link() {
    let mut end = End::new(Role::Server, Parameters::default());
    end.hear(syn(100));
    let answer = end.says()[0];
    end.wait(10_000 * MS);
    end.hear(syn(100));
    assert_eq!(end.says(), [answer]);
    end.hear(syn(99));
    assert_eq!(end.says(), [], "it is older");
    end.hear(Header::plain(ACK, Sequence(103), answer.sequence));
    assert!(!end.connection.is_open(), "it is not that of the SYN");
    end.hear(syn(102));
    assert_eq!(end.says(), [Header { acknowledge: Sequence(102), ..answer }]);
    end.hear(Header::plain(ACK, Sequence(103), answer.sequence));
    assert!(end.connection.is_open());
}

#[test]
fn a_late_syn_of_the_same_opening_takes_its_place_in_the_sequence() {
    let mut end = End::server();
    let last = end.next().previous();
    end.hear_data(103, last);
    end.hear(syn(102));
    assert_eq!(end.says(), [Header::plain(ACK, end.next(), Sequence(103))]);
    assert_eq!(end.delivered, [103]);
}

#[test]
fn the_window_is_as_wide_as_agreed_and_what_is_queued_follows_in_order() {
    let mut end = End::server();
    for payload in 0..32 {
        end.connection.send(payload).unwrap();
    }
    assert_eq!(end.connection.send(99), Err((Refusal::Full, 99)));
    (32..40).for_each(|payload| end.connection.queue(payload).unwrap());
    let sent = end.says();
    assert_eq!((sent.len(), end.connection.queued()), (32, 8));
    end.hear(Header::plain(ACK, Sequence(101), sent[3].sequence));
    assert!(!end.connection.has_room(), "the queue is first");
    let next: Vec<_> =
        std::iter::from_fn(|| end.connection.poll_transmit(0)).map(|sent| sent.payload).collect();
    assert_eq!(next, [Some(32), Some(33), Some(34), Some(35)]);
}

#[test]
fn every_payload_comes_back_when_the_link_is_lost() {
    let mut end = End::server();
    let last = end.next().previous();
    (0..32).for_each(|payload| end.connection.send(payload).unwrap());
    (32..40).for_each(|payload| end.connection.queue(payload).unwrap());
    for number in [102, 104, 150] {
        end.hear_data(number, last);
    }
    end.connection.stop(end.now);
    let mut released: Vec<_> = std::iter::from_fn(|| end.connection.poll_released()).collect();
    released.sort_unstable();
    // 0 is the payload of the bare acknowledge and the SYN that have opened the link.
    released.retain(|payload| *payload != 0);
    assert_eq!(released, (1..40).chain([102, 104, 150]).collect::<Vec<_>>());
    assert_eq!(end.connection.send(1), Err((Refusal::Closed, 1)));
    assert_eq!(end.connection.queue(1), Err(1));
}

#[test]
fn a_stopped_end_starts_again_with_its_next_number() {
    let mut end = End::client();
    let before = end.next();
    end.connection.stop(end.now);
    let said = end.says();
    assert_eq!(said, [Header::plain(RST, before, Sequence(200))]);
    end.connection.stop(end.now);
    assert_eq!((end.says(), end.connection.next_deadline()), (vec![], None));
    end.hear(syn_ack(200, before));
    assert_eq!(end.says(), []);
    end.connection.start(end.now);
    let said = end.wait(1);
    assert_eq!((said[0].1.flags, said[0].1.sequence), (SYN, before.plus(1)));
    assert_eq!(end.events, [Event::Opened, Event::Closed(Closure::Stopped)]);
}

#[test]
fn the_timeout_grows_with_the_round_trip() {
    let mut end = End::server();
    for _ in 0..40 {
        let sent = end.send([1])[0].sequence;
        end.now += 15 * MS;
        end.hear(Header::plain(ACK, Sequence(101), sent));
        end.now += 30 * MS;
    }
    assert_eq!(end.connection.retransmission_timeout(), 20 * MS, "as agreed");
    for _ in 0..40 {
        let sent = end.send([1])[0].sequence;
        // Later than the timer would be: it has not been polled.
        end.now += 60 * MS;
        end.hear(Header::plain(ACK, Sequence(101), sent));
    }
    let timeout = end.connection.retransmission_timeout();
    assert!((60 * MS..=200 * MS).contains(&timeout), "{timeout}");
}

#[test]
fn no_datagram_panics_or_is_kept_without_bound() {
    // A generator of its own: the library's unit tests have no need of another.
    let mut random = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for role in [Role::Client, Role::Server] {
        let mut end = End::new(role, Parameters::default());
        for _ in 0..20_000 {
            let mut start = [0; SYN_BYTES];
            start.fill_with(|| next() as u8);
            let bits = next();
            let flags = [SYN, SYN | ACK, ACK, ACK | NUL, RST, 0, ACK | BUSY, bits as u8];
            let flags = flags[(bits >> 8) as usize % flags.len()];
            let sequence = Sequence((bits >> 16) as u8);
            let acknowledge = Sequence((bits >> 24) as u8);
            let header = Header { flags, sequence, acknowledge, syn: syn(0).syn };
            let header = if flags & SYN == 0 { Header { syn: None, ..header } } else { header };
            if bits >> 32 & 7 != 0 {
                header.encode(&mut start);
            }
            let bytes = (bits >> 40) as usize % 40;
            let start = &start[..bytes.min(SYN_BYTES)];
            let _ = end.connection.receive(end.now, start, bytes, 1);
            let _ = end.connection.send(2);
            let held = end.connection.receive.payloads() + end.connection.outstanding();
            assert!(
                held <= 2 * WINDOW_SEGMENTS_MAX
                    && end.connection.control.len() <= CONTROL_COUNT_MAX
            );
            end.says();
            end.events.clear();
            end.delivered.clear();
            end.wait((bits >> 48) % (30 * MS));
        }
        assert!(end.drops().checksum > 0 && end.drops().malformed > 0);
    }
}
