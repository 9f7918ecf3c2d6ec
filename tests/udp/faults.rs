//! A network that loses, duplicates, reorders and delays.

use std::collections::BTreeMap;
use std::time::Duration;

use rogue_mem::protocols::{UdpEndpoint, UdpOptions};
use testkit::relay::{Faults, Relay};
use testkit::wait::wait_until;

use crate::peer::{address, observed, server};

const SEED: u64 = 20_261_129;

#[test]
fn what_the_network_passes_arrives_whole_as_often_and_in_the_order_in_which_it_passes_it() {
    const FRAMES: u32 = 400;
    let faults = Faults {
        drop_percent: 5,
        duplicate_percent: 5,
        reorder_percent: 5,
        delay: Duration::from_millis(2),
    };
    let (server, at_server) = server();
    let relay = Relay::start(address(&server), faults, SEED);
    let port = relay.address().port();
    let client = UdpEndpoint::client("127.0.0.1", port, UdpOptions::default()).unwrap();
    let (client, at_client) = observed(client);
    for n in 0..FRAMES {
        at_client.send(&[&n.to_le_bytes()[..], &vec![n as u8; n as usize]].concat());
        // No more at once than every receive buffer holds.
        wait_until("the relay has it", || relay.counts().received == u64::from(n) + 1);
    }
    let counts = relay.counts();
    let expected = counts.received - counts.dropped + counts.duplicated;
    let seen = at_server.wait(expected as usize);
    assert_eq!(server.stats().datagrams_in, expected, "seed {SEED}");
    let mut times = BTreeMap::new();
    for seen in &seen {
        let (number, rest) = seen.bytes.split_first_chunk().unwrap();
        let n = u32::from_le_bytes(*number);
        assert_eq!(rest, vec![n as u8; n as usize], "seed {SEED}");
        *times.entry(n).or_insert(0_u64) += 1;
    }
    assert_eq!(times.len() as u64, counts.received - counts.dropped, "seed {SEED}");
    assert_eq!(times.values().filter(|&&times| times == 2).count() as u64, counts.duplicated);
    assert_eq!(client.stats().datagrams_out, u64::from(FRAMES));
    assert!(counts.dropped > 0 && counts.duplicated > 0 && counts.reordered > 0, "{counts:?}");
}

#[test]
fn a_cut_link_that_is_restored_works_without_a_restart() {
    let (server, at_server) = server();
    let relay = Relay::start(address(&server), Faults::default(), SEED);
    let port = relay.address().port();
    let client = UdpEndpoint::client("127.0.0.1", port, UdpOptions::default()).unwrap();
    let (_client, at_client) = observed(client);
    at_client.send(&[1]);
    at_server.wait(1);
    relay.set_faults(Faults { drop_percent: 100, ..Faults::default() });
    at_client.send(&[2]);
    wait_until("the relay drops it", || relay.counts().dropped == 1);
    relay.set_faults(Faults::default());
    at_client.send(&[3]);
    let seen: Vec<Vec<u8>> = at_server.wait(2).into_iter().map(|seen| seen.bytes).collect();
    assert_eq!(seen, [[1], [3]]);
    at_server.send(&[4]);
    assert_eq!(at_client.wait(1)[0].bytes, [4]);
}
