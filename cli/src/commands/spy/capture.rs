//! A capture of what passes, in pcapng: each connection as the TCP connection between the client
//! and the spy, with packets made up from the octets.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use etherparse::{PacketBuilder, PacketBuilderStep, TcpHeader, TcpOptionElement};
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::{DataLink, Endianness, PcapError};

use super::direction::Direction;
use super::outlet::Sink;
use crate::failure::{Failure, Outcome};

/// Octets of data in one packet: what an IP packet holds, rounded down.
const PAYLOAD_OCTETS_MAX: usize = 32 * 1024;
/// Octets of the longest headers.
const HEADERS_OCTETS_MAX: usize = 64;
/// Time stamps count units of 10 to the power of minus this many seconds.
const TIME_DIGITS: u8 = 9;
/// Hops that a packet may take: any number will do.
const HOP_LIMIT: u8 = 64;
/// The window of each end, by its option as large as can be: nobody reads less here.
const WINDOW: u16 = u16::MAX;
const WINDOW_SCALE: u8 = 14;
/// The port that stands for a path of a server.
const PATH_PORT: u16 = 1;
/// Ports that stand for the clients of a path.
const PATH_CLIENT_PORTS: std::ops::RangeInclusive<u16> = 49152..=65535;

/// A packet of the capture.
#[derive(Debug)]
pub struct Packet {
    at: SystemTime,
    octets: Vec<u8>,
}

impl Packet {
    /// The memory that it takes.
    pub fn octets(&self) -> usize {
        size_of::<Packet>() + self.octets.capacity()
    }
}

/// The flags of a packet beside ACK.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flag {
    Syn,
    Push,
    None,
    Fin,
    Reset,
}

/// The TCP connection that is made up.
#[derive(Debug)]
pub struct Conversation {
    /// The ends: the client, and the one that it has connected to.
    ends: [SocketAddr; 2],
    /// The number of the next octet from each of them.
    next: [u32; 2],
}

impl Conversation {
    /// Between these two ends.
    pub fn new(client: SocketAddr, server: SocketAddr) -> Conversation {
        let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
        Conversation { ends: [canonical(client), canonical(server)], next: [0; 2] }
    }

    /// For a connection through a path, which has no addresses: as one of this host.
    pub fn of_path(connection: u64, is_second: bool) -> Conversation {
        let (first, last) = PATH_CLIENT_PORTS.into_inner();
        let port = u64::from(first) + connection % (u64::from(last - first) + 1);
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let server = SocketAddr::new(host, PATH_PORT + u16::from(is_second));
        Conversation::new(SocketAddr::new(host, port as u16), server)
    }

    /// The handshake.
    pub fn open(&mut self, at: SystemTime) -> [Packet; 3] {
        let steps = [
            (Direction::ToServer, Flag::Syn),
            (Direction::ToClient, Flag::Syn),
            (Direction::ToServer, Flag::None),
        ];
        steps.map(|(direction, flag)| self.packet(at, direction, flag, &[]))
    }

    /// Octets in one direction.
    pub fn data<'a>(
        &'a mut self,
        at: SystemTime,
        direction: Direction,
        octets: &'a [u8],
    ) -> impl Iterator<Item = Packet> + 'a {
        let pieces = octets.chunks(PAYLOAD_OCTETS_MAX);
        pieces.map(move |piece| self.packet(at, direction, Flag::Push, piece))
    }

    /// The end of one direction, and its acknowledgement.
    pub fn end(&mut self, at: SystemTime, direction: Direction) -> [Packet; 2] {
        [(direction, Flag::Fin), (direction.reversed(), Flag::None)]
            .map(|(direction, flag)| self.packet(at, direction, flag, &[]))
    }

    /// A reset by the end that sends in this direction.
    pub fn reset(&mut self, at: SystemTime, direction: Direction) -> Packet {
        self.packet(at, direction, Flag::Reset, &[])
    }

    fn packet(
        &mut self,
        at: SystemTime,
        direction: Direction,
        flag: Flag,
        payload: &[u8],
    ) -> Packet {
        let (from, to) = (direction.index(), direction.reversed().index());
        let (source, destination) = (self.ends[from], self.ends[to]);
        let (sequence, acknowledged) = (self.next[from], self.next[to]);
        let step = ip_of(source.ip(), destination.ip());
        let mut tcp = TcpHeader::new(source.port(), destination.port(), sequence, WINDOW);
        let is_first = flag == Flag::Syn && direction == Direction::ToServer;
        if !is_first {
            (tcp.ack, tcp.acknowledgment_number) = (true, acknowledged);
        }
        match flag {
            Flag::Syn => {
                tcp.syn = true;
                let option = TcpOptionElement::WindowScale(WINDOW_SCALE);
                tcp.set_options(&[option]).expect("a header has room for one option");
            }
            Flag::Push => tcp.psh = true,
            Flag::Fin => tcp.fin = true,
            Flag::Reset => tcp.rst = true,
            Flag::None => {}
        }
        // An octet that counts and is none.
        let counted = u32::from(matches!(flag, Flag::Syn | Flag::Fin));
        self.next[from] = sequence.wrapping_add(payload.len() as u32).wrapping_add(counted);
        let mut octets = Vec::with_capacity(HEADERS_OCTETS_MAX + payload.len());
        let written = step.tcp_header(tcp).write(&mut octets, payload);
        written.expect("a piece fits into a packet, and a vector takes it");
        Packet { at, octets }
    }
}

fn ip_of(source: IpAddr, destination: IpAddr) -> PacketBuilderStep<etherparse::IpHeaders> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            PacketBuilder::ipv4(source.octets(), destination.octets(), HOP_LIMIT)
        }
        (source, destination) => {
            let [source, destination] = [source, destination].map(as_v6);
            PacketBuilder::ipv6(source.octets(), destination.octets(), HOP_LIMIT)
        }
    }
}

fn as_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// The file.
pub struct CaptureFile {
    path: PathBuf,
    file: PcapNgWriter<BufWriter<File>>,
}

impl CaptureFile {
    /// Creates the file, with a word about what is in it.
    pub fn create(path: &Path, comment: String) -> Outcome<CaptureFile> {
        let failed = |error: &io::Error| Failure::of_file(path, "creating the capture", error);
        let file = BufWriter::new(File::create(path).map_err(|error| failed(&error))?);
        let program = concat!("rogue-mem spy ", env!("CARGO_PKG_VERSION"));
        let section = SectionHeaderBlock {
            endianness: Endianness::native(),
            options: vec![
                SectionHeaderOption::UserApplication(program.into()),
                SectionHeaderOption::Comment(comment.into()),
            ],
            ..SectionHeaderBlock::default()
        };
        let interface = InterfaceDescriptionBlock {
            linktype: DataLink::RAW,
            snaplen: 0,
            options: vec![
                InterfaceDescriptionOption::IfName("spy".into()),
                InterfaceDescriptionOption::IfTsResol(TIME_DIGITS),
            ],
        };
        let begun = PcapNgWriter::with_section_header(file, section)
            .and_then(|mut file| file.write_pcapng_block(interface).map(|_| file));
        let file = begun.map_err(|error| failed(&system_error(error)))?;
        Ok(CaptureFile { path: path.to_owned(), file })
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::of_file(&self.path, "writing the capture", error)
    }
}

impl Sink<Packet> for CaptureFile {
    fn take(&mut self, packet: Packet, lost: u64) -> Outcome {
        let options = match lost {
            0 => Vec::new(),
            count => vec![EnhancedPacketOption::DropCount(count)],
        };
        let block = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: packet.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO),
            original_len: packet.octets.len() as u32,
            data: Cow::Borrowed(&packet.octets),
            options,
        };
        let written = self.file.write_pcapng_block(block);
        written.map(|_| ()).map_err(|error| self.failed(&system_error(error)))
    }

    fn flush(&mut self) -> Outcome {
        let flushed = self.file.get_mut().flush();
        flushed.map_err(|error| self.failed(&error))
    }
}

fn system_error(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other),
    }
}
