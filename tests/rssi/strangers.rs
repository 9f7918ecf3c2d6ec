//! Datagrams of others than the peer, at the ports of both ends of a link over real sockets.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::logging::{set_filter, Level};
use rogue_mem::memory::Master;
use rogue_mem::proto::rssi::{Header, Parameters, Sequence, SYN_BYTES};
use rogue_mem::protocols::{SrpV3, SrpV3Emulation, UdpEndpoint};
use rogue_mem::stream;
use testkit::bus::master_of;
use testkit::log;
use testkit::wait::{wait_until, LONG};

use crate::udp::Road;

const SYN: u8 = 0x80;
const ACK: u8 = 0x40;
const RST: u8 = 0x10;
const NUL: u8 = 0x08;

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket
}

fn address(endpoint: &UdpEndpoint) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, endpoint.port()).into()
}

fn segment(flags: u8, sequence: u8, acknowledge: u8) -> Vec<u8> {
    let syn = (flags & SYN != 0).then(|| Parameters::default().to_syn(0));
    let mut bytes = [0; SYN_BYTES];
    let (sequence, acknowledge) = (Sequence(sequence), Sequence(acknowledge));
    let count = Header { flags, sequence, acknowledge, syn }.encode(&mut bytes);
    bytes[..count].to_vec()
}

/// The next segment that comes, without its payload.
fn heard(socket: &UdpSocket) -> Header {
    let mut room = [0; 2000];
    let bytes = socket.recv(&mut room).expect("a segment comes");
    Header::decode(&room[..bytes.min(SYN_BYTES)], bytes).expect("it is one")
}

/// Sends `datagram` to `endpoint`, and waits until it has been dropped.
fn intrude(stranger: &UdpSocket, endpoint: &UdpEndpoint, datagram: &[u8]) {
    let before = endpoint.stats().strangers;
    stranger.send_to(datagram, address(endpoint)).unwrap();
    // No more at once than every receive buffer holds.
    wait_until("it is dropped", || endpoint.stats().strangers == before + 1);
}

/// Segments with every number and kind, truncated ones, ones with a wrong checksum, and noise.
fn intrusions() -> Vec<Vec<u8>> {
    let mut rng = ChaCha8Rng::seed_from_u64(37);
    let mut all: Vec<Vec<u8>> = Vec::new();
    for number in 0..=u8::MAX {
        all.push(segment(RST, number, rng.random()));
        let data = segment(ACK, number, rng.random());
        all.push([&data[..], b"forged"].concat());
    }
    for flags in [SYN, SYN | ACK, SYN | RST, NUL, ACK | NUL, ACK, 0] {
        let whole = segment(flags, rng.random(), rng.random());
        all.extend((1..whole.len()).map(|bytes| whole[..bytes].to_vec()));
        let mut wrong = whole.clone();
        wrong[2] ^= 0x55;
        all.extend([wrong, whole]);
    }
    all.extend((1..100).map(|bytes| (0..bytes).map(|_| rng.random()).collect()));
    all
}

/// A master of the registers behind `server`, by way of `client`.
fn registers(client: &Road) -> Master {
    let srp = SrpV3::new();
    stream::connect(&*srp, &client.rssi.application()).unwrap();
    client.rssi.start().unwrap();
    client.rssi.wait_open(LONG).unwrap();
    master_of(srp)
}

/// A server with registers behind it.
fn board() -> (Road, Arc<SrpV3Emulation>) {
    let (server, device) = (Road::new(None), SrpV3Emulation::new().unwrap());
    stream::connect(&server.rssi.application(), &*device).unwrap();
    server.rssi.start().unwrap();
    (server, device)
}

fn assert_works(master: &Master, value: u8) {
    master.write(0x40, &[value; 4]).unwrap();
    assert_eq!(master.read(0x40, 4).unwrap(), [value; 4]);
}

#[test]
fn f41_a_stranger_neither_closes_a_link_nor_gets_its_answers() {
    log::capture();
    set_filter("udp", Level::WARNING);
    let (server, device) = board();
    let client = Road::new(Some(server.udp.port()));
    let master = registers(&client);
    let stranger = socket();
    let intrusions = intrusions();
    for (count, datagram) in intrusions.iter().enumerate() {
        intrude(&stranger, &server.udp, datagram);
        intrude(&stranger, &client.udp, datagram);
        if count % 16 == 0 {
            assert_works(&master, count as u8);
        }
    }
    assert_works(&master, 1);
    for road in [&server, &client] {
        let (udp, rssi) = (road.udp.stats(), road.rssi.stats());
        assert_eq!((rssi.open, rssi.open_count, rssi.down_count), (1, 1, 0));
        // It has not even come so far.
        assert_eq!(
            (rssi.dropped_forged_reset, rssi.dropped_syn, rssi.dropped_malformed),
            (0, 0, 0)
        );
        assert_eq!(udp.strangers, intrusions.len() as u64);
    }
    stranger.set_nonblocking(true).unwrap();
    let error = stranger.recv(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "nobody answers it");
    let port = stranger.local_addr().unwrap().port();
    let texts = log::texts_of("pyrogue.udp");
    let about = texts.iter().filter(|text| text.contains(&format!(":{port} is dropped"))).count();
    assert!((1..=20).contains(&about), "{about} lines for {} datagrams", 2 * intrusions.len());
    device.stop();
}

#[test]
fn a_client_at_another_port_gets_in_after_one_that_has_closed_its_link_or_is_gone() {
    for is_gone in [false, true] {
        let (server, device) = board();
        let first = Road::new(Some(server.udp.port()));
        assert_works(&registers(&first), 1);
        if is_gone {
            // Its process was killed: it sends no RST.
            first.udp.stop();
        }
        drop(first);
        let second = Road::new(Some(server.udp.port()));
        let master = registers(&second);
        assert_works(&master, 2);
        assert_eq!(server.udp.peer().map(|peer| peer.port()), Some(second.udp.port()));
        let why = server.rssi.last_closure().expect("the first link is closed");
        assert_eq!(why.contains("the peer did not acknowledge"), is_gone, "{why}");
        assert_eq!((server.rssi.stats().open_count, server.rssi.stats().down_count), (2, 1));
        device.stop();
    }
}

#[test]
fn noise_does_not_redirect_the_answer_to_a_client_that_opens_a_link() {
    let (server, device) = board();
    let (client, stranger) = (socket(), socket());
    client.send_to(&segment(SYN, 100, 0), address(&server.udp)).unwrap();
    let answer = heard(&client);
    assert_eq!((answer.flags, answer.acknowledge), (SYN | ACK, Sequence(100)));
    for datagram in intrusions().iter().filter(|datagram| datagram[0] & SYN == 0) {
        intrude(&stranger, &server.udp, datagram);
    }
    for _ in 0..3 {
        assert_eq!(heard(&client), answer, "it is repeated");
    }
    client.send_to(&segment(ACK, 101, answer.sequence.0), address(&server.udp)).unwrap();
    server.rssi.wait_open(LONG).unwrap();
    assert_eq!(server.udp.peer(), Some(client.local_addr().unwrap()));
    device.stop();
}

#[test]
fn a_client_that_comes_while_another_is_answered_gets_in() {
    let (server, device) = board();
    let [first, second] = [socket(), socket()];
    first.send_to(&segment(SYN, 100, 0), address(&server.udp)).unwrap();
    heard(&first);
    // An older number than that of the first one: they are not of one client.
    second.send_to(&segment(SYN, 40, 0), address(&server.udp)).unwrap();
    let answer = heard(&second);
    assert_eq!((answer.flags, answer.acknowledge), (SYN | ACK, Sequence(40)));
    second.send_to(&segment(ACK, 41, answer.sequence.0), address(&server.udp)).unwrap();
    server.rssi.wait_open(LONG).unwrap();
    assert_eq!(server.udp.peer(), Some(second.local_addr().unwrap()));
    device.stop();
}
