//! Servers and clients at a path of this host, and the peers that find them there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use rogue_mem::bridge::{
    ClientOptions, ClientState, ServerOptions, StreamServer, StreamServerOptions, TcpClient,
    TcpServer,
};
use rogue_mem::Status;

use testkit::bridge::{memory, server_at_path, Client};
use testkit::directory::Directory;
use testkit::raw::{self, properties_of, Raw, RawClient};
use testkit::wait::wait_until;

/// A server of memory at a path of its own.
struct Board {
    directory: Directory,
    address: String,
    server: Arc<TcpServer>,
}

impl Board {
    fn new() -> Board {
        let directory = Directory::new();
        let address = directory.address("board.sock");
        let server = server_at_path(&address, memory(), ServerOptions::default());
        Board { directory, address, server }
    }

    fn client(&self) -> Client {
        let client = Client::at(&self.address, 0);
        client.wait_ready();
        client
    }

    /// Peers that announce `properties`, each with a connection at `PATH` and one at `PATH` with
    /// this suffix.
    fn peers(&self, suffix: &str, properties: &[(&str, &str)]) -> RawClient {
        let path = self.directory.file("board.sock");
        let other = self.directory.file(&format!("board.sock{suffix}"));
        RawClient::announce_at(&path, &other, properties)
    }
}

#[test]
fn a_path_takes_the_place_of_address_and_port() {
    let board = Board::new();
    assert_eq!((board.server.port(), board.server.address()), (0, &*board.address));
    for address in [&board.address, &board.address.replace("unix:", "ipc://")] {
        let client = Client::at(address, 0);
        client.wait_ready();
        client.master.write(0x10, &[1, 2, 3, 4]).unwrap();
        assert_eq!(client.master.read(0x10, 4).unwrap(), [1, 2, 3, 4]);
        assert_eq!(client.tcp.state_text(), format!("connected to {}", board.address));
    }
    let block: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let client = board.client();
    client.master.write(0x1000, &block).unwrap();
    assert_eq!(client.master.read(0x1000, block.len() as u32).unwrap(), block);
}

#[test]
fn many_clients_at_a_path_get_their_own_answers() {
    let board = Board::new();
    let clients: Vec<Client> = (0..16).map(|_| board.client()).collect();
    std::thread::scope(|scope| {
        for (n, client) in (0_u64..).zip(&clients) {
            scope.spawn(move || {
                for round in 0..100_u64 {
                    let value = (n << 32 | round).to_le_bytes();
                    client.master.write(n << 16, &value).unwrap();
                    assert_eq!(client.master.read(n << 16, 8).unwrap(), value);
                }
            });
        }
    });
    assert_eq!(board.server.stats().clients, 16);
}

/// What Socket-Type tells apart at one path, in either order and without a session too.
#[test]
fn both_connections_of_a_client_may_be_made_at_the_path_itself() {
    let board = Board::new();
    let session = format!("{:032x}", 7);
    let ours = properties_of(&session);
    for properties in [&ours[..], &[]] {
        for _ in 0..2 {
            let mut client = board.peers("", properties);
            client.wait_served();
            client.read(1, 0x40);
            drop(client);
            wait_until("it has left", || board.server.stats().clients == 0);
        }
    }
}

#[test]
fn the_file_beside_it_is_for_peers_with_one_path_for_each_socket() {
    let board = Board::new();
    let mut client = board.peers(".1", &[]);
    let ready = client.response.take_ready();
    assert_eq!(ready[0], ("Socket-Type".to_owned(), "PUSH".to_owned()));
    let ready = client.request.take_ready();
    assert_eq!(ready[0], ("Socket-Type".to_owned(), "PULL".to_owned()));
    client.read(1, 0x40);
    // It is none for requests.
    let mut stray = Raw::connect_path(&board.directory.file("board.sock.1"));
    stray.greet();
    stray.send(&raw::ready("PUSH", &[]));
    stray.wait_closed();
}

#[test]
fn a_peer_that_is_neither_push_nor_pull_is_closed() {
    let board = Board::new();
    let mut stray = Raw::connect_path(&board.directory.file("board.sock"));
    stray.greet();
    stray.send(&raw::ready("SUB", &[]));
    stray.wait_closed();
    board.client();
}

/// The kernel tells their process, so silent connections of others hold nobody up.
#[test]
fn two_legacy_clients_of_one_process_are_not_mixed_at_a_path() {
    let board = Board::new();
    let mut first = board.peers(".1", &[]);
    first.wait_served();
    let mut second = board.peers(".1", &[]);
    wait_until("it is held", || board.server.stats().held == 2);
    assert!(!second.is_served());
    first.read(1, 0);
    drop(first);
    second.wait_served();
    second.read(1, 0);
}

/// One file is all that a container may be given.
#[test]
fn a_client_that_finds_only_the_path_makes_both_connections_there() {
    let board = Board::new();
    let seen = board.directory.file("seen.sock");
    fs::hard_link(board.directory.file("board.sock"), &seen).unwrap();
    let client = Client::at(&board.directory.address("seen.sock"), 0);
    client.wait_ready();
    client.master.write(0, &[1]).unwrap();
}

#[test]
fn a_client_waits_for_its_server_and_says_why() {
    let directory = Directory::new();
    let address = directory.address("board.sock");
    let client = Client::at(&address, 0);
    wait_until("it has tried", || client.tcp.state_text().contains("not running"));
    assert_eq!(
        client.tcp.state_text(),
        format!(
            "not connected to {address}: {address}: No such file or directory; the server is not \
             running"
        )
    );
    let request = client.start_read(0, 4);
    let server = server_at_path(&address, memory(), ServerOptions::default());
    client.master.wait(request).unwrap();
    server.stop();
    wait_until("it is cut", || client.tcp.state() != ClientState::Connected);
    let _server = server_at_path(&address, memory(), ServerOptions::default());
    client.wait_ready();
    client.master.write(0, &[1]).unwrap();
}

#[test]
fn the_socket_of_a_dead_server_is_said_to_be_one_and_replaced() {
    let directory = Directory::new();
    let address = directory.address("board.sock");
    drop(UnixListener::bind(directory.file("board.sock")).unwrap());
    let client = Client::at(&address, 0);
    wait_until("it has tried", || client.tcp.state_text().contains("has ended"));
    let server = server_at_path(&address, memory(), ServerOptions::default());
    client.wait_ready();
    server.stop();
    wait_until("the files are gone", || fs::read_dir(directory.path()).unwrap().count() == 0);
}

#[test]
fn a_path_that_another_server_has_is_refused_in_words() {
    let board = Board::new();
    let refused = TcpServer::new(&board.address, 0, ServerOptions::default()).unwrap_err();
    assert_eq!(refused.status(), Status::Bind);
    let text = format!(
        "Failed to bind server to {}: another server listens there; stop it or choose another path",
        board.address
    );
    assert_eq!(refused.text(), text);
    let refused = StreamServer::new(&board.address, 0, StreamServerOptions::default()).unwrap_err();
    assert_eq!(refused.text(), text);
    board.client();
}

#[test]
fn an_address_that_is_no_path_is_refused_at_both_ends() {
    for (address, port, word) in [
        ("unix:/tmp/a.sock", 9000, "a path has no port; give 0 instead of 9000"),
        ("unix:a.sock", 0, "absolute path"),
        (&format!("unix:/{}", "x".repeat(120)), 0, "octets"),
    ] {
        for error in [
            TcpServer::new(address, port, ServerOptions::default()).unwrap_err(),
            TcpClient::new(address, port, ClientOptions::default()).unwrap_err(),
        ] {
            assert_eq!(error.status(), Status::InvalidArgument, "{error}");
            assert!(error.text().contains(word), "{error}");
        }
    }
}

#[test]
fn the_mode_of_the_files_is_an_option() {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let directory = Directory::new();
    let address = directory.address("board.sock");
    let path = directory.file("board.sock");
    let own = TcpServer::new(&address, 0, ServerOptions::default()).unwrap();
    assert_eq!(mode(&path), 0o600, "for this user unless all are let in");
    own.stop();
    wait_until("the files are gone", || !path.exists());
    let options = ServerOptions { unix_mode: 0o660, ..ServerOptions::default() };
    let _group = TcpServer::new(&address, 0, options).unwrap();
    assert_eq!(mode(&path), 0o660);
}
