//! Servers that let their clients read only.

use rogue_mem::bridge::ServerOptions;

use testkit::bridge::{server_of, Client};
use testkit::raw::{self, RawClient, POST, WRITE};
use testkit::slaves::{answer, calling};

#[test]
fn a_read_only_server_answers_writes_with_an_error_that_reach_no_slave() {
    let options = ServerOptions { read_only: true, ..ServerOptions::default() };
    let server = server_of(calling(answer), options);
    let client = Client::ready(server.port());
    client.master.read(0x10, 4).unwrap();
    let text = client.error_of(client.start_write(0x10, &[1, 2, 3, 4]));
    assert!(text.contains("Write of 4 bytes at 0x10 refused"), "{text}");
    assert!(text.contains("read only"), "{text}");
    let large = client.error_of(client.start_write(0x10, &[1; 200_000]));
    assert!(large.contains("read only"), "{large}");
    let mut legacy = RawClient::legacy(server.port());
    for (id, ty) in [(1, WRITE), (2, POST)] {
        legacy.request.send(&raw::request(id, 0x20, 4, ty, Some(&[1; 4])));
        let response = legacy.response.take_response();
        assert!(String::from_utf8_lossy(&response.result).contains("read only"));
    }
    assert_eq!(server.stats().refused, 4);
    client.master.read(0x10, 4).unwrap();
}
