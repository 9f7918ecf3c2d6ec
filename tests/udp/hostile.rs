//! Peers and networks that misbehave.

use rogue_mem::logging::{set_filter, Level};
use rogue_mem::protocols::{UdpEndpoint, UdpOptions};
use testkit::frames::Peer;
use testkit::log;
use testkit::wait::wait_until;

use crate::peer::{address, client_of, observed, receive, send, server, socket};

/// Keeps what endpoints log.
fn capture() {
    log::capture();
    set_filter("udp", Level::WARNING);
}

#[test]
#[cfg(target_os = "linux")]
fn a_peer_that_is_not_there_is_reported_in_words_and_reached_as_soon_as_it_is() {
    capture();
    let a = socket();
    let at = a.local_addr().unwrap();
    let (client, peer) = client_of(&a);
    drop(a);
    for _ in 0..3 {
        peer.send(&[1]);
    }
    wait_until("the network reports", || client.stats().network_errors >= 1);
    let says =
        |text: &String| text.contains(&at.to_string()) && text.contains("Connection refused");
    wait_until("it is logged", || log::texts_of("pyrogue.udp").iter().any(says));
    // A report of an earlier datagram costs no later one.
    assert_eq!((client.stats().datagrams_out, client.stats().unsent), (3, 0));
    let a = std::net::UdpSocket::bind(at).unwrap();
    peer.send(&[2]);
    assert_eq!(receive(&a).0, [2]);
    a.send_to(&[3], address(&client)).unwrap();
    assert_eq!(peer.wait(1)[0].bytes, [3]);
}

#[test]
fn a_datagram_that_the_system_refuses_is_reported_and_the_next_one_goes() {
    capture();
    let a = socket();
    let (client, _) = client_of(&a);
    // More than UDP can carry.
    send(&client, &vec![0; 70_000]);
    send(&client, &[1]);
    assert_eq!(receive(&a).0, [1]);
    assert_eq!((client.stats().datagrams_out, client.stats().unsent), (1, 1));
    let says = |text: &String| text.contains("70000 bytes") && text.contains("smaller frames");
    wait_until("it is logged", || log::texts_of("pyrogue.udp").iter().any(says));
}

#[test]
fn random_datagrams_from_strangers_are_counted_and_logged_at_a_limited_rate() {
    capture();
    let a = socket();
    let (client, peer) = client_of(&a);
    let stranger = socket();
    let port = stranger.local_addr().unwrap().port();
    for n in 0..500_usize {
        stranger.send_to(&vec![n as u8; n], address(&client)).unwrap();
        // No more at once than every receive buffer holds.
        let received = n as u64;
        wait_until("it is dropped", || client.stats().strangers == received);
    }
    a.send_to(&[1], address(&client)).unwrap();
    assert_eq!(peer.wait(1)[0].bytes, [1]);
    assert_eq!(peer.seen().len(), 1);
    let texts = log::texts_of("pyrogue.udp");
    let about = texts.iter().filter(|text| text.contains(&format!(":{port} is dropped"))).count();
    assert!((1..=10).contains(&about), "{about}");
}

#[test]
fn datagrams_beyond_the_receive_buffer_are_counted() {
    // A receiver that is busy, so that the system has to keep what arrives.
    let gate = testkit::wait::Gate::new();
    let server = UdpEndpoint::server("127.0.0.1", 0, UdpOptions::default()).unwrap();
    let busy = gate.clone();
    let peer = Peer::new(move |_, _| busy.pass());
    rogue_mem::stream::connect(&*server, &*peer).unwrap();
    let a = socket();
    a.send_to(&[0], address(&server)).unwrap();
    gate.wait_arrived(1);
    let held = server.stats().receive_buffer_bytes as usize;
    for _ in 0..held / 1000 + 1 {
        a.send_to(&[1; 1000], address(&server)).unwrap();
    }
    if cfg!(target_os = "linux") {
        wait_until("the system drops some", || server.stats().overflows > 0);
    }
    gate.open();
    let sent = held / 1000 + 2;
    let lost = server.stats().overflows as usize;
    if cfg!(target_os = "linux") {
        assert_eq!(peer.wait(sent - lost).len(), sent - lost);
    }
    server.stop();
    assert_eq!(server.stats().overflows as usize, lost, "the count outlives the socket");
}

#[test]
fn a_jumbo_frame_to_an_end_without_jumbo_says_what_to_do() {
    capture();
    let (server, _peer) = server();
    let client = UdpEndpoint::client("127.0.0.1", server.port(), crate::peer::jumbo()).unwrap();
    let (_client, at_client) = observed(client);
    at_client.send(&[0; 5000]);
    wait_until("it is dropped", || server.stats().oversized == 1);
    let says = |text: &String| text.contains("1472 bytes") && text.contains("jumbo frames at both");
    wait_until("it is logged", || log::texts_of("pyrogue.udp").iter().any(says));
}
