//! Streams with an access list: it decides who comes in.

use rogue_mem::security::AccessList;

use super::*;

#[test]
fn peers_with_any_right_exchange_frames_and_others_find_a_closed_connection() {
    let list = AccessList::from_text("127.0.0.1 read 0x0..0xff").unwrap();
    let access_list = Some(list.clone());
    let options = StreamServerOptions { access_list, ..StreamServerOptions::default() };
    let server = server_with(options);
    let (at_server, at_client) = (testkit::frames::Peer::silent(), testkit::frames::Peer::silent());
    connect(&*server, &*at_server).unwrap();
    let client = client(server.port());
    connect(&*client, &*at_client).unwrap();
    wait_connected(&server, 1);
    at_client.send(b"in");
    at_server.send(b"out");
    assert_eq!(at_server.wait(1)[0].bytes, b"in");
    assert_eq!(at_client.wait(1)[0].bytes, b"out");
    list.set_rules("192.0.2.0/24 read-write").unwrap();
    wait_connected(&server, 0);
    wait_until("the client knows why", || {
        client.state_text().contains("does not let 127.0.0.1 in")
    });
    assert!(testkit::raw::Raw::connect(server.port()).rest().is_empty());
    assert!(server.stats().refused_peers > 0);
    list.set_rules("* read-write").unwrap();
    at_client.send(b"again");
    assert_eq!(at_server.wait(2)[1].bytes, b"again");
}
