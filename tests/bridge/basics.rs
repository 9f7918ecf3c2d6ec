//! A client and a server of this library, over real sockets.

use std::time::Duration;

use rogue_mem::bridge::{ClientState, ServerOptions};
use testkit::bridge::{memory, server, server_at, Client};
use testkit::wait::LONG;

#[test]
fn what_is_written_through_the_bridge_is_read_back() {
    let server = server();
    let Client { tcp, master } = Client::ready(server.port());
    assert_eq!(tcp.state(), ClientState::Connected);
    master.write(0x1000, &[1, 2, 3, 4]).unwrap();
    assert_eq!(master.read(0x1000, 4).unwrap(), [1, 2, 3, 4]);
    master.post(0x1002, &[9]).unwrap();
    assert_eq!(master.verify(0x1000, 4).unwrap(), [1, 2, 9, 4]);
    let block: Vec<u8> = (0..3_000_000u32).map(|n| (n >> 7) as u8).collect();
    master.write(0x7FFF_FFFF_0003, &block).unwrap();
    assert!(master.read(0x7FFF_FFFF_0003, 3_000_000).unwrap() == block);
}

#[test]
fn a_hundred_thousand_reads_at_once_are_all_answered() {
    let server = server();
    let master = Client::ready(server.port()).master;
    let ids: Vec<u32> = (0..100_000)
        .map(|n| master.request(n * 4, vec![0xAA; 4].into(), 1.into()).unwrap())
        .collect();
    for id in ids {
        assert_eq!(master.wait_buffer(id).unwrap(), [0; 4]);
    }
}

#[test]
fn a_request_made_before_the_server_exists_waits_for_it() {
    let probe = server();
    let port = probe.port();
    probe.stop();
    let master = Client::new(port).master;
    master.set_timeout(Duration::from_millis(100));
    let error = master.read(0, 4).unwrap_err();
    assert!(error.text().contains("never sent"), "{error}");
    assert!(error.text().contains("Connection refused"), "{error}");
    master.set_timeout(LONG);
    let id = master.request(0, vec![0; 4].into(), 1.into()).unwrap();
    let _server = server_at(port, memory(), ServerOptions::default());
    assert_eq!(master.wait_buffer(id).unwrap(), [0; 4]);
}
