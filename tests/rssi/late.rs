//! Requests whose time passes while the link is stuck: they are not carried out when it goes on.

use std::sync::Arc;
use std::time::Duration;

use rogue_mem::memory::{Master, TransactionType};
use rogue_mem::protocols::{
    Packetizer, PacketizerOptions, PacketizerVersion, RssiEndpoint, RssiOptions, RssiParameters,
    SrpV3, SrpV3Emulation,
};
use rogue_mem::stream::{self, Port};
use testkit::bus::{master_of, text_of};
use testkit::frames::Peer;
use testkit::wait::{let_pass, wait_until, LONG};

use crate::wire::{pair_with, start, Wire};

/// Of a request that is to be late.
const SHORT: Duration = Duration::from_millis(30);

/// A device that is reached over a wire that can be cut. The link bears that for some seconds.
struct Road {
    client: Arc<RssiEndpoint>,
    _server: Arc<RssiEndpoint>,
    wire: Wire,
    packetizers: Option<[Arc<Packetizer>; 2]>,
    /// What the server hands to the layer above.
    received: Arc<Peer>,
    srp: Arc<SrpV3>,
    device: Arc<SrpV3Emulation>,
}

impl Road {
    fn new(window: u8, max_segment: u16, version: Option<PacketizerVersion>) -> Road {
        let parameters = RssiParameters {
            max_buffers: window,
            max_segment,
            max_retran: 255,
            ..RssiParameters::default()
        };
        let (client, server) = pair_with(&RssiOptions { parameters, ..RssiOptions::default() });
        let wire = Wire::between(&client, &server, 1, 0);
        let received = Peer::silent();
        stream::connect(&server.application(), &*received).unwrap();
        let packetizers = version.map(|version| {
            [&client, &server].map(|endpoint| {
                let packetizer = Packetizer::new(version, PacketizerOptions::default());
                stream::connect(&packetizer.transport(), &endpoint.application()).unwrap();
                packetizer
            })
        });
        let port = |index: usize, endpoint: &RssiEndpoint| -> Port {
            match &packetizers {
                Some(packetizers) => packetizers[index].application(0),
                None => endpoint.application(),
            }
        };
        let (srp, device) = (SrpV3::new(), SrpV3Emulation::new().unwrap());
        stream::connect(&*srp, &port(0, &client)).unwrap();
        stream::connect(&port(1, &server), &*device).unwrap();
        start(&client, &server);
        Road { client, _server: server, wire, packetizers, received, srp, device }
    }

    fn patient(&self) -> Master {
        master_of(self.srp.clone())
    }

    fn impatient(&self) -> Master {
        let master = self.patient();
        master.set_timeout(SHORT);
        master
    }

    fn read(&self, address: u64, size: u32) -> Vec<u8> {
        self.patient().read(address, size).unwrap()
    }

    /// Packets that the far packetizer has dropped.
    fn dropped(&self) -> u32 {
        self.packetizers.as_ref().map_or(0, |packetizers| packetizers[1].drop_count())
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.device.stop();
    }
}

/// Payload of a write of one word.
const WORD: [u8; 4] = [1, 2, 3, 4];

fn request(master: &Master, address: u64, ty: TransactionType) -> u32 {
    master.request(address, WORD.to_vec().into(), ty).unwrap()
}

/// What firmware takes of packets of version 1: those whose number follows the last one's. After one
/// that does not it begins anew.
fn taken_by_firmware(received: &Peer) -> Vec<u8> {
    let (mut expected, mut taken) = (None, Vec::new());
    for packet in received.seen() {
        let bytes = packet.bytes;
        let frame = u16::from_le_bytes([bytes[0], bytes[1]]) >> 4;
        let is_first = bytes[2..5] == [0; 3];
        let is_next = is_first && expected.is_none_or(|expected| expected == frame);
        expected = is_next.then_some((frame + 1) % (1 << 12));
        if is_next {
            // The lowest byte of the address in the request.
            taken.push(bytes[8 + 8]);
        }
    }
    taken
}

#[test]
fn f77_requests_whose_time_passes_while_the_link_is_stuck_are_not_carried_out() {
    for version in [None, Some(PacketizerVersion::V1), Some(PacketizerVersion::V2)] {
        let road = Road::new(2, 1464, version);
        let (impatient, patient) = (road.impatient(), road.patient());
        road.wire.set_cut(true);
        // The first two are sent, and lost: they may have been carried out. They are not repeated.
        let late = [0x10, 0x20].map(|address| request(&impatient, address, TransactionType::Write));
        let posted = request(&patient, 0x30, TransactionType::Post);
        let cancelled = request(&patient, 0x40, TransactionType::Write);
        assert_eq!((road.client.stats().outstanding, road.client.stats().queued), (2, 2));
        // This thread waits for room, until the time of the request has passed.
        let last = request(&impatient, 0x50, TransactionType::Write);
        let text = text_of(impatient.wait(last));
        assert!(text.contains("never sent"), "{text}");
        assert!(patient.cancel(Some(&[cancelled]), LONG));
        patient.wait(posted).unwrap();
        for id in late {
            let text = text_of(impatient.wait(id));
            assert!(text.starts_with("Timeout waiting for register transaction"), "{text}");
        }
        road.wire.set_cut(false);
        assert_eq!(road.read(0x30, 4), WORD, "{version:?}: it was posted in time");
        for address in [0x10, 0x20, 0x40, 0x50] {
            assert_eq!(road.read(address, 4), [0; 4], "{version:?} {address:x}");
        }
        assert!(road.client.is_open() && road.client.stats().down_count == 0);
        assert_eq!(road.client.stats().unsent, 2, "{version:?}: the cancelled and the last one");
        if version == Some(PacketizerVersion::V1) {
            assert_eq!(taken_by_firmware(&road.received), [0x30, 0x30, 0x10, 0x20, 0x40, 0x50]);
        } else {
            assert_eq!(road.dropped(), 0);
        }
    }
}

/// More than three segments of [`SMALL_SEGMENT`].
const BLOCK_BYTES: usize = 300;
const SMALL_SEGMENT: u16 = 108;

#[test]
fn f77_a_frame_of_several_packets_that_is_late_does_not_leave() {
    for version in [PacketizerVersion::V1, PacketizerVersion::V2] {
        let road = Road::new(1, SMALL_SEGMENT, Some(version));
        road.wire.set_cut(true);
        let first = request(&road.patient(), 0x10, TransactionType::Post);
        let text = text_of(road.impatient().write(0x100, &[7; BLOCK_BYTES]));
        assert!(text.contains("never sent"), "{text}");
        road.wire.set_cut(false);
        assert_eq!(road.read(0x10, 4), WORD, "{first}");
        assert_eq!(road.read(0x100, BLOCK_BYTES as u32), [0; BLOCK_BYTES]);
        match version {
            PacketizerVersion::V1 => {
                let packets = taken_by_firmware(&road.received);
                assert_eq!(packets, [0x10, 0x10, 0x00], "{version:?}");
            }
            PacketizerVersion::V2 => assert_eq!(road.dropped(), 0),
        }
    }
}

#[test]
fn a_frame_of_several_packets_that_has_begun_to_leave_leaves_whole() {
    for version in [PacketizerVersion::V1, PacketizerVersion::V2] {
        let road = Road::new(1, SMALL_SEGMENT, Some(version));
        road.wire.set_cut(true);
        let impatient = road.impatient();
        std::thread::scope(|scope| {
            // Whether the answer is in time depends on who looks first.
            scope.spawn(|| impatient.write(0x100, &[7; BLOCK_BYTES]).is_ok());
            wait_until("the second packet waits", || road.client.stats().queued == 1);
            let_pass(2 * SHORT);
            road.wire.set_cut(false);
        });
        assert_eq!(road.read(0x100, BLOCK_BYTES as u32), [7; BLOCK_BYTES]);
        assert_eq!(road.dropped(), 0);
    }
}
