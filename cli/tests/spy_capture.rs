//! The captures of `spy`: read back by another crate than the one that writes them, and by
//! Wireshark's tshark with the dissector, where that is installed.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pcap_parser::pcapng::{parse_pcapng, Block};
use pcap_parser::Linktype;
use socket2::SockRef;
use support::{file, program, Server};
use testkit_base::directory::Directory;
use testkit_base::wait::LONG;

const DISSECTOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/wireshark/rogue_mem.lua");
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// The fields of a packet that a TCP connection needs.
#[derive(Debug)]
struct Packet {
    at_ns: u64,
    ports: (u16, u16),
    sequence: u32,
    acknowledged: u32,
    flags: u8,
    payload: Vec<u8>,
}

/// The sum of 16-bit words in ones' complement, which is all ones over what has its checksum in it.
fn sum(octets: &[u8], start: u32) -> u32 {
    let words = octets
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from));
    words.fold(start, |sum, word| {
        let sum = sum + word;
        (sum & 0xffff) + (sum >> 16)
    })
}

fn packet(at_ns: u64, octets: &[u8]) -> Packet {
    let (start, total, addresses) = match octets[0] >> 4 {
        4 => {
            let start = usize::from(octets[0] & 15) * 4;
            assert_eq!(sum(&octets[..start], 0), 0xffff, "the checksum of IP");
            (start, usize::from(u16::from_be_bytes([octets[2], octets[3]])), &octets[12..20])
        }
        6 => {
            let payload = usize::from(u16::from_be_bytes([octets[4], octets[5]]));
            (40, 40 + payload, &octets[8..40])
        }
        other => panic!("IP of version {other}"),
    };
    assert_eq!(total, octets.len());
    let tcp = &octets[start..];
    let pseudo = sum(addresses, 6 + tcp.len() as u32);
    assert_eq!(sum(tcp, pseudo), 0xffff, "the checksum of TCP");
    let word = |at: usize| u32::from_be_bytes(tcp[at..at + 4].try_into().unwrap());
    let port = |at: usize| u16::from_be_bytes(tcp[at..at + 2].try_into().unwrap());
    Packet {
        at_ns,
        ports: (port(0), port(2)),
        sequence: word(4),
        acknowledged: word(8),
        flags: tcp[13],
        payload: tcp[usize::from(tcp[12] >> 4) * 4..].to_vec(),
    }
}

fn packets(path: &Path) -> Vec<Packet> {
    let octets = fs::read(path).unwrap();
    let (rest, capture) = parse_pcapng(&octets).unwrap();
    assert!(rest.is_empty());
    let mut packets = Vec::new();
    for block in &capture.sections[0].blocks {
        match block {
            Block::InterfaceDescription(interface) => {
                assert_eq!((interface.linktype, interface.if_tsresol), (Linktype::RAW, 9));
            }
            Block::EnhancedPacket(block) => {
                assert_eq!(block.caplen, block.origlen);
                let at = u64::from(block.ts_high) << 32 | u64::from(block.ts_low);
                packets.push(packet(at, &block.data[..block.caplen as usize]));
            }
            Block::SectionHeader(_) => {}
            other => panic!("{other:?}"),
        }
    }
    packets
}

/// What both ends of each connection have sent, by their ports; checks what Wireshark would.
fn streams(packets: &[Packet]) -> BTreeMap<(u16, u16), Vec<u8>> {
    let mut streams = BTreeMap::<_, Vec<u8>>::new();
    let mut next = BTreeMap::<_, u32>::new();
    let mut last = 0;
    for packet in packets {
        let (from, to) = packet.ports;
        assert!(packet.at_ns >= last, "{packet:?}");
        last = packet.at_ns;
        if packet.flags & SYN != 0 {
            next.insert((from, to), packet.sequence);
        }
        assert_eq!(packet.sequence, next[&(from, to)], "{packet:?}");
        if packet.flags & ACK != 0 {
            assert_eq!(packet.acknowledged, next[&(to, from)], "{packet:?}");
        }
        let counted = u32::from(packet.flags & (SYN | FIN) != 0);
        let after = packet.sequence.wrapping_add(packet.payload.len() as u32 + counted);
        next.insert((from, to), after);
        streams.entry((from, to)).or_default().extend_from_slice(&packet.payload);
    }
    streams
}

fn port_of(address: &str) -> u16 {
    address.rsplit(':').next().unwrap().parse().unwrap()
}

fn end(spy: &mut Server) {
    spy.signal("-INT");
    let mut text = String::new();
    spy.output.read_to_string(&mut text).unwrap();
    assert_eq!(spy.process.wait().unwrap().code(), Some(0), "{text}");
}

/// A capture of some accesses, one of them large and one refused, and the port of the spy.
fn captured(folder: &Directory) -> (String, u16) {
    let server = Server::memory();
    let (_, capture) = file(folder, "capture.pcapng");
    let words = format!("spy --listen 0 --to {} --quiet --pcap {capture}", server.addr);
    let mut spy = Server::of(&mut program(&words));
    spy.run("poke 0x1000 0x01020304 --verify");
    let (source, image) = file(folder, "image.bin");
    fs::write(&source, vec![0x5a; 200_000]).unwrap();
    spy.run(&format!("load 0x2000 {image} --chunk 100000"));
    spy.fail("peek 0x100000");
    let port = port_of(&spy.addr);
    end(&mut spy);
    (capture, port)
}

#[test]
fn a_capture_holds_every_octet_as_tcp_connections() {
    let folder = Directory::new();
    let (capture, port) = captured(&folder);
    let packets = packets(Path::new(&capture));
    let streams = streams(&packets);
    // Two connections of each of three commands, in both directions.
    assert_eq!(streams.len(), 12);
    for ((from, to), octets) in &streams {
        assert!([*from, *to].iter().any(|one| *one == port || *one == port + 1));
        assert_eq!((octets[0], octets[9] & 1), (0xff, 1), "a greeting");
    }
    let filled = |octets: &Vec<u8>| octets.iter().filter(|octet| **octet == 0x5a).count();
    assert!(streams.values().map(filled).max() >= Some(200_000));
    let syns = packets.iter().filter(|packet| packet.flags == SYN).count();
    assert_eq!(syns, 6);
}

#[test]
fn a_reset_is_in_the_capture() {
    let folder = Directory::new();
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let (_, capture) = file(&folder, "capture.pcapng");
    let to = listener.local_addr().unwrap();
    let words = format!("spy --listen [::1]:0 --to {to} --quiet --pcap {capture}");
    let mut spy = Server::of(&mut program(&words));
    let client = TcpStream::connect(&spy.addr).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(LONG)).unwrap();
    SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    assert!(server.read(&mut [0]).is_err());
    end(&mut spy);
    let packets = packets(Path::new(&capture));
    streams(&packets);
    assert_eq!(packets.last().unwrap().flags, RST | ACK);
}

/// What tshark prints of these fields in the packets that a filter lets pass.
fn tshark(capture: &str, filter: &str, fields: &[&str]) -> String {
    let script = format!("lua_script:{DISSECTOR}");
    let mut command = Command::new("tshark");
    command.args(["-r", capture, "-X", &script, "-Y", filter, "-T", "fields"]);
    command.args(["-E", "separator=;", "-E", "aggregator=,"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !errors.contains("Lua:"), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn wireshark_reads_the_capture_with_the_dissector() {
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("skipped: there is no tshark here (Debian: apt install tshark)");
        return;
    }
    let folder = Directory::new();
    let (capture, _) = captured(&folder);
    let of = |filter: &str, fields: &[&str]| tshark(&capture, filter, fields);
    let writes = of(
        "rogue_mem.type == 2 && rogue_mem.request == 1 && rogue_mem.address == 0x1000",
        &["rogue_mem.id", "rogue_mem.size", "rogue_mem.data", "rogue_mem.remaining"],
    );
    let fields: Vec<&str> = writes.trim().split(';').collect();
    assert_eq!((fields[1], fields[2]), ("4", "04030201"), "{writes}");
    assert!(fields[3].parse::<u64>().unwrap() > 0, "{writes}");
    let errors = of("rogue_mem.error", &["rogue_mem.address", "rogue_mem.result"]);
    assert!(errors.contains("0x0000000000100000;") && errors.contains("outside"), "{errors}");
    let answered = of("rogue_mem.response_to && rogue_mem.type == 2", &["rogue_mem.time"]);
    let times = answered.trim().split(['\n', ',']);
    assert!(times.map(|time| time.parse::<f64>().unwrap()).all(|time| time >= 0.0), "{answered}");
    assert_eq!(of("rogue_mem.command == \"READY\"", &["rogue_mem.mechanism"]).lines().count(), 12);
    let trouble = "rogue_mem.malformed || tcp.analysis.flags || _ws.malformed || _ws.lua.error";
    assert_eq!(of(trouble, &["frame.number", "_ws.col.Info"]), "");
    assert_eq!(of("tcp.checksum_bad.expert", &["frame.number"]), "");
}
