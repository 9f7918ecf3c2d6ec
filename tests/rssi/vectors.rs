//! Every recorded datagram, through the codec and through the state machine.
//!
//! `tests/vectors/rssi_sessions.jsonl` and `compose.jsonl` were recorded between two ends of Rogue,
//! with a proxy between them that drops, holds back and adds datagrams.

use rogue_mem::proto::rssi::header::{Malformed, ACK, BUSY, EACK, NUL, RST, SYN};
use rogue_mem::proto::rssi::{Connection, Header, Parameters, Role, Sequence, SYN_BYTES};
use serde_json::Value;
use testkit::vectors::{from_hex, lines};

fn rows(capture: &str) -> Vec<Value> {
    lines(capture).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_else(|| panic!("{key} in {row}"))
}

fn bytes(row: &Value) -> Vec<u8> {
    from_hex(text(row, "hex"))
}

fn decode(datagram: &[u8]) -> Result<Header, Malformed> {
    Header::decode(&datagram[..datagram.len().min(SYN_BYTES)], datagram.len())
}

fn encode(header: &Header) -> Vec<u8> {
    let mut bytes = [0xA5; SYN_BYTES];
    let count = header.encode(&mut bytes);
    bytes[..count].to_vec()
}

fn number(row: &Value, key: &str) -> u64 {
    row[key].as_u64().unwrap_or_else(|| panic!("{key} in {row}"))
}

/// The flags as the recordings name them.
fn flags(names: &str) -> u8 {
    let names = names.split('|').filter(|name| !name.is_empty());
    names.fold(0, |flags, name| {
        flags
            | match name {
                "SYN" => SYN,
                "ACK" => ACK,
                "EACK" => EACK,
                "RST" => RST,
                "NUL" => NUL,
                "BUSY" => BUSY,
                "b2" => 4,
                "b1" => 2,
                other => panic!("flag {other}"),
            }
    })
}

#[test]
fn recorded_segments_are_decoded_and_encoded_bit_for_bit() {
    let mut count = 0;
    for row in rows("rssi_sessions").iter().filter(|row| row["kind"] == "datagram") {
        let datagram = bytes(row);
        let decoded = &row["decoded"];
        if decoded.is_null() {
            // The only one that a peer of ours takes and Rogue drops.
            let is_other_fold = text(row, "scenario") == "checksum_fold_double";
            assert_eq!(decode(&datagram).is_ok(), is_other_fold, "{row}");
            continue;
        }
        let header = decode(&datagram).unwrap_or_else(|fault| panic!("{fault}: {row}"));
        assert_eq!(header.flags, flags(text(decoded, "flags")), "{row}");
        assert_eq!(u64::from(header.sequence.0), number(decoded, "seq"), "{row}");
        assert_eq!(u64::from(header.acknowledge.0), number(decoded, "ack"), "{row}");
        assert_eq!((datagram.len() - header.bytes()) as u64, number(decoded, "len"), "{row}");
        if let Some(syn) = header.syn {
            for (field, name) in [
                (u64::from(syn.version), "version"),
                (u64::from(syn.max_buffers), "maxOuts"),
                (u64::from(syn.max_segment), "maxSeg"),
                (u64::from(syn.retran_timeout), "retran"),
                (u64::from(syn.cum_ack_timeout), "cumAck"),
                (u64::from(syn.null_timeout), "null"),
                (u64::from(syn.max_retran), "maxRetran"),
                (u64::from(syn.max_cum_ack), "maxCum"),
                (u64::from(syn.max_out_of_sequence), "oos"),
                (u64::from(syn.unit), "unit"),
            ] {
                assert_eq!(field, number(decoded, name), "{name} in {row}");
            }
            assert_eq!(format!("{:08x}", syn.connection_id), text(decoded, "conn"));
        }
        if text(row, "scenario") != "checksum_fold_single" {
            assert_eq!(encode(&header), datagram[..header.bytes()], "{row}");
            count += 1;
        }
    }
    assert!(count > 250, "{count}");
}

/// A server with a link whose client counts on from `client`, and has acknowledged `server`.
fn opened_server(client: Sequence, server: Sequence) -> Connection<Vec<u8>> {
    let parameters = Parameters::default();
    let mut connection = Connection::new(Role::Server, parameters, server);
    connection.start(0);
    let syn = Some(parameters.to_syn(1));
    let sequence = client.previous();
    let syn = Header { flags: SYN, sequence, acknowledge: Sequence(0), syn };
    hear(&mut connection, 0, &encode(&syn));
    let answer = connection.poll_transmit(0).expect("an answer").header;
    assert_eq!(answer.sequence, server);
    hear(&mut connection, 0, &encode(&Header::plain(ACK, client, server)));
    assert!(connection.is_open());
    connection
}

fn hear(connection: &mut Connection<Vec<u8>>, now: u64, datagram: &[u8]) {
    let start = &datagram[..datagram.len().min(SYN_BYTES)];
    // A malformed one is counted.
    let _ = connection.receive(now, start, datagram.len(), datagram.to_vec());
}

/// What `connection` delivers when it hears `datagrams`.
fn delivered<'a>(
    connection: &mut Connection<Vec<u8>>,
    datagrams: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    for (now, datagram) in (1..).zip(datagrams) {
        hear(connection, now, datagram);
        while let Some(datagram) = connection.poll_deliver(now) {
            payloads.push(datagram[8..].to_vec());
            connection.delivered(now);
        }
    }
    payloads
}

/// The datagrams of a scenario that the server has received, in order.
fn heard_by_server(scenario: &str) -> Vec<Vec<u8>> {
    let rows = rows("rssi_sessions");
    let rows = rows.iter().filter(|row| row["kind"] == "datagram" && row["scenario"] == scenario);
    let heard = rows.filter(|row| {
        let is_lost = ["dropped by proxy", "held by proxy"].contains(&text(row, "note"));
        row["dir"] == "c2s" && !is_lost
    });
    heard.map(bytes).collect()
}

/// The header of the first segment of a scenario that the client has sent.
fn first_of_client(scenario: &str) -> Header {
    let rows = rows("rssi_sessions");
    let mut rows = rows.iter().filter(|row| row["kind"] == "datagram" && row["dir"] == "c2s");
    let row = rows.find(|row| row["scenario"] == scenario).expect("a datagram");
    decode(&bytes(row)).unwrap()
}

fn server_frames(scenario: &str) -> Vec<Vec<u8>> {
    let rows = rows("rssi_sessions");
    let mut rows = rows.iter().filter(|row| row["kind"] == "scenario");
    let row = rows.find(|row| row["scenario"] == scenario).expect("a scenario");
    let frames = row["server_frames"].as_array().expect("frames");
    frames.iter().map(|frame| from_hex(frame.as_str().unwrap())).collect()
}

#[test]
fn recorded_clients_are_understood_whatever_was_lost_repeated_or_exchanged() {
    for scenario in ["loss", "ack_loss", "reorder", "duplicate", "busy", "odd_data", "two_buffers"]
    {
        let heard = heard_by_server(scenario);
        let first = first_of_client(scenario);
        let mut server = opened_server(first.sequence, first.acknowledge);
        let payloads = delivered(&mut server, heard.iter().map(Vec::as_slice));
        assert_eq!(payloads, server_frames(scenario), "{scenario}");
    }
}

#[test]
fn the_first_data_of_a_client_that_acknowledges_nothing_opens_the_link() {
    let mut server = Connection::new(Role::Server, Parameters::default(), Sequence(100));
    server.start(0);
    let heard = heard_by_server("early_data");
    let payloads = delivered(&mut server, heard[..2].iter().map(Vec::as_slice));
    assert_eq!(payloads, server_frames("early_data"));
    assert_eq!((server.current().max_buffers, server.current().max_segment), (8, 500));
    delivered(&mut server, heard[2..].iter().map(Vec::as_slice));
    assert!(!server.is_open(), "its RST counts");
}

#[test]
fn malformed_and_foreign_segments_are_counted() {
    let heard = heard_by_server("bad_segments");
    let mut server = opened_server(Sequence(101), Sequence(100));
    assert_eq!(delivered(&mut server, heard.iter().map(Vec::as_slice)), [] as [Vec<u8>; 0]);
    let drops = server.statistics(0).drops;
    // Data with the number 200, and the one with EACK: both acknowledge a number that was not sent.
    assert_eq!((drops.checksum, drops.malformed, drops.out_of_window), (1, 2, 2));
    assert!(server.is_open());
}

#[test]
fn both_ways_to_add_carries_open_a_link() {
    for scenario in ["checksum_fold_single", "checksum_fold_double"] {
        let mut server = Connection::new(Role::Server, Parameters::default(), Sequence(100));
        server.start(0);
        delivered(&mut server, heard_by_server(scenario).iter().map(Vec::as_slice));
        let answer = server.poll_transmit(0).unwrap_or_else(|| panic!("no answer to {scenario}"));
        assert!(answer.header.has(SYN | ACK));
    }
}

#[test]
fn recorded_servers_open_a_link() {
    let rows = rows("rssi_sessions");
    let answers = rows.iter().filter(|row| {
        row["kind"] == "datagram"
            && row["dir"] == "s2c"
            && row["decoded"]["flags"] == "SYN|ACK"
            && row["note"] == ""
    });
    let mut count = 0;
    for row in answers {
        let mut client = Connection::new(Role::Client, Parameters::default(), Sequence(100));
        client.start(0);
        client.timeout(rogue_mem::proto::rssi::Timer::Open, 0);
        let syn = client.poll_transmit(0).unwrap().header;
        assert_eq!(encode(&syn)[4..22], from_hex("1c2005b80014000503e80f02000378000000"));
        hear(&mut client, 1, &bytes(row));
        assert!(client.is_open(), "{row}");
        let thanks = client.poll_transmit(1).unwrap().header;
        let start = decode(&bytes(row)).unwrap().sequence;
        assert_eq!(thanks, Header::plain(ACK, syn.sequence.next(), start));
        count += 1;
    }
    assert!(count > 5, "{count}");
}

#[test]
fn the_datagrams_of_whole_stacks_carry_their_packets_in_order() {
    let rows = rows("compose");
    let mut count = 0;
    // Each row of that kind begins a session.
    let sessions: Vec<_> = rows.split(|row| row["kind"] == "config").collect();
    for rows in sessions.into_iter().filter(|rows| !rows.is_empty()) {
        let name = text(&rows[0], "name");
        let rows = rows.iter().filter(|row| row["kind"] == "transaction");
        let datagrams: Vec<_> =
            rows.flat_map(|row| row["datagrams"].as_array().unwrap().clone()).collect();
        for direction in ["c2s", "s2c"] {
            let first = |is_heard: bool| {
                let mut rows = datagrams.iter();
                let row = rows.find(|row| (row["dir"] == direction) == is_heard).unwrap();
                decode(&bytes(row)).unwrap().sequence
            };
            let mut end = opened_server(first(true), first(false).previous());
            for row in &datagrams {
                count += usize::from(exchange(&mut end, &bytes(row), row["dir"] == direction));
            }
            assert_eq!(end.statistics(0).drops.total(), 0, "{name} {direction}");
        }
    }
    assert!(count > 60, "{count}");
}

/// Lets `end` hear a datagram, and deliver what it carries; or send what it carries. Whether it
/// carries anything.
fn exchange(end: &mut Connection<Vec<u8>>, datagram: &[u8], is_heard: bool) -> bool {
    let payload = &datagram[8..];
    let header = decode(datagram).unwrap();
    assert_eq!(encode(&header), datagram[..8]);
    if is_heard {
        let delivered = delivered(end, [datagram]);
        let expected: Vec<_> =
            Some(payload.to_vec()).filter(|_| !payload.is_empty()).into_iter().collect();
        assert!(delivered == expected, "what was delivered differs");
    } else if !payload.is_empty() {
        end.send(payload.to_vec()).unwrap();
        let sent = std::iter::from_fn(|| end.poll_transmit(1));
        let sent = sent.filter(|sent| sent.payload.is_some()).last().expect("data");
        assert_eq!((sent.header.flags, sent.header.sequence), (ACK, header.sequence));
        assert!(sent.payload.as_deref() == Some(payload));
    }
    !payload.is_empty()
}
