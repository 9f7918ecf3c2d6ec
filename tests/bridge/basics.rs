//! A client and a server of this library, over real sockets.

use std::sync::Arc;
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ClientState, ServerOptions, TcpClient, TcpServer};
use rogue_mem::memory::{Emulate, Master};

const TEN_SECONDS: Duration = Duration::from_secs(10);

fn server() -> Arc<TcpServer> {
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.master().set_slave(Emulate::new(4, 0xFFFF_FFFF));
    server
}

fn client(server: &TcpServer) -> (Arc<TcpClient>, Master) {
    let client = TcpClient::new("127.0.0.1", server.port(), ClientOptions::default()).unwrap();
    let master = Master::new();
    master.set_slave(client.clone());
    (client, master)
}

#[test]
fn what_is_written_through_the_bridge_is_read_back() {
    let server = server();
    let (client, master) = client(&server);
    client.wait_ready(TEN_SECONDS, Duration::from_millis(50)).unwrap();
    assert_eq!(client.state(), ClientState::Connected);
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
    let (client, master) = client(&server);
    client.wait_ready(TEN_SECONDS, Duration::from_millis(50)).unwrap();
    master.set_timeout(20_000_000);
    let ids: Vec<u32> =
        (0..100_000).map(|n| master.request(n * 4, vec![0xAA; 4].into(), 1).unwrap()).collect();
    for id in ids {
        assert_eq!(master.wait_buffer(id).unwrap(), [0; 4]);
    }
}

#[test]
fn a_request_made_before_the_server_exists_waits_for_it() {
    let probe = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    let port = probe.port();
    probe.stop();
    let client = TcpClient::new("127.0.0.1", port, ClientOptions::default()).unwrap();
    let master = Master::new();
    master.set_slave(client.clone());
    master.set_timeout(100_000);
    let error = master.read(0, 4).unwrap_err();
    assert!(error.text().contains("never sent"), "{error}");
    assert!(error.text().contains("Connection refused"), "{error}");
    master.set_timeout(20_000_000);
    let id = master.request(0, vec![0; 4].into(), 1).unwrap();
    let server = TcpServer::new("127.0.0.1", port, ServerOptions::default()).unwrap();
    server.master().set_slave(Emulate::new(4, 0xFFFF_FFFF));
    assert_eq!(master.wait_buffer(id).unwrap(), [0; 4]);
}
