//! Both ends at a path of this host.

use super::*;

use testkit::directory::Directory;
use testkit::raw::RawClient;

fn at_path() -> (Directory, String, Arc<StreamServer>) {
    let directory = Directory::new();
    let address = directory.address("stream.sock");
    let server = StreamServer::new(&address, 0, StreamServerOptions::default()).unwrap();
    (directory, address, server)
}

#[test]
fn frames_go_both_ways_over_a_path() {
    let (_directory, address, server) = at_path();
    assert_eq!((server.port(), server.address()), (0, &*address));
    let client = StreamClient::new(&address, 0, StreamClientOptions::default()).unwrap();
    let (at_server, at_client) = (Counter::new(), Counter::new());
    server.stream_master().add_slave(at_server.clone()).unwrap();
    client.stream_master().add_slave(at_client.clone()).unwrap();
    sending(client.stream_slave(), 300, 100_000).join().unwrap();
    sending(server.stream_slave(), 300, 100_000).join().unwrap();
    at_server.wait(300);
    at_client.wait(300);
    assert_eq!(client.state_text(), format!("connected to {address}"));
    server.stop();
    wait_until("it is cut", || client.stats().disconnects == 1);
    let later = StreamServer::new(&address, 0, StreamServerOptions::default()).unwrap();
    wait_connected(&later, 1);
}

/// A PULL connection is the one for frames to the client, wherever it is made.
#[test]
fn libzmq_peers_find_both_sockets_at_a_path() {
    let (directory, _, server) = at_path();
    for suffix in ["", ".1"] {
        let path = directory.file("stream.sock");
        let other = directory.file(&format!("stream.sock{suffix}"));
        let mut peer = RawClient::announce_at(&path, &other, &[]);
        peer.wait_served();
        sending(server.stream_slave(), 1, 8).join().unwrap();
        peer.response.item();
        drop(peer);
        wait_connected(&server, 0);
    }
}

#[test]
fn frames_of_all_addresses_of_a_server_meet() {
    let directory = Directory::new();
    let path = directory.address("stream.sock");
    let addresses = vec!["127.0.0.1:0".to_owned(), path.clone()];
    let server = server_with(StreamServerOptions { addresses, ..StreamServerOptions::default() });
    let at_server = Counter::new();
    server.stream_master().add_slave(at_server.clone()).unwrap();
    let ports = server.addresses()[..2].iter().map(|address| address.port());
    let mut clients: Vec<_> = ports.map(client).collect();
    clients.push(StreamClient::new(&path, 0, StreamClientOptions::default()).unwrap());
    wait_connected(&server, 3);
    for (number, client) in clients.iter().enumerate() {
        client.stream_slave().accept_frame(numbered(number, 100));
        at_server.wait(number + 1);
    }
}
