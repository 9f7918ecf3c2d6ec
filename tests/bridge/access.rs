//! Access lists: who comes in, what each may do, and what each is told.

use std::sync::Arc;

use rogue_mem::bridge::{ClientOptions, ClientState, ServerOptions, TcpServer};
use rogue_mem::memory::{Hub, Master, Slave, TransactionType};
use rogue_mem::security::keys::KeyPair;
use rogue_mem::security::{AccessList, AllowedClients, CurveClient, CurveServer};

use testkit::bridge::{memory, server_at_path, server_of, Client};
use testkit::bus::master_of;
use testkit::directory::Directory;
use testkit::raw::{self, properties_of, Raw, RawClient, POST, READ, WRITE};
use testkit::slaves::{answer, calling, Keeper};
use testkit::wait::wait_until;

/// A server of memory with these rules, and the list.
fn listed(rules: &str) -> (Arc<TcpServer>, Arc<AccessList>) {
    listed_of(memory(), rules)
}

fn listed_of(slave: Arc<dyn Slave>, rules: &str) -> (Arc<TcpServer>, Arc<AccessList>) {
    let list = AccessList::from_text(rules).unwrap();
    let access_list = Some(list.clone());
    (server_of(slave, ServerOptions { access_list, ..ServerOptions::default() }), list)
}

fn write_error(client: &Client, address: u64, size: usize) -> String {
    client.error_of(client.start_write(address, &vec![9; size]))
}

fn read_error(client: &Client, address: u64, size: usize) -> String {
    client.error_of(client.start_read(address, size))
}

/// Waits until a client says why it is not connected.
#[track_caller]
fn wait_told(client: &Client, words: &[&str]) {
    let shown = words.join("\", \"");
    wait_until(&format!("the client says \"{shown}\""), || {
        let text = client.tcp.state_text();
        words.iter().all(|word| text.contains(word))
    });
    assert_ne!(client.tcp.state(), ClientState::Connected);
}

#[test]
#[cfg(target_os = "linux")]
fn an_address_without_a_right_finds_a_closed_connection_and_no_word() {
    let (server, list) = listed("127.0.0.3 none\n127.0.0.0/30 read-write\n");
    for source in [[127, 0, 0, 3], [127, 0, 0, 4]] {
        for port in [server.port(), server.port() + 1] {
            assert!(Raw::connect_from(source, port).rest().is_empty());
        }
    }
    let stats = server.stats();
    assert_eq!((stats.accepted, stats.held, stats.refused_peers), (0, 0, 4));
    let refused = Client::at("127.0.0.1", server.port());
    list.set_rules("127.0.0.2 read-write").unwrap();
    wait_told(
        &refused,
        &["closed by the server: no greeting has come: its access list may not let"],
    );
    refused.tcp.stop();
    list.set_rules("127.0.0.3 none\n127.0.0.0/30 read-write").unwrap();
    let mut admitted = RawClient::announce_from([127, 0, 0, 2], server.port(), &[]);
    admitted.wait_served();
    admitted.request.send(&raw::request(1, 0x40, 4, WRITE, Some(&[1, 2, 3, 4])));
    assert_eq!(admitted.response.take_response().result, b"OK");
    assert_eq!(admitted.read(2, 0x40).payload, [1, 2, 3, 4]);
    // The list is that of the server, and not of its start.
    list.set_rules("127.0.0.4 read").unwrap();
    admitted.request.wait_closed();
    let mut next = RawClient::announce_from([127, 0, 0, 4], server.port(), &[]);
    next.wait_served();
    assert_eq!(next.read(1, 0x40).payload, [1, 2, 3, 4]);
}

#[test]
#[cfg(target_os = "linux")]
fn strangers_without_a_right_take_no_place_and_send_nobody_away() {
    let list = AccessList::from_text("127.0.0.1 read-write").unwrap();
    let options =
        ServerOptions { access_list: Some(list), clients_max: 1, ..ServerOptions::default() };
    let server = server_of(memory(), options);
    let client = Client::ready(server.port());
    for _ in 0..20 {
        assert!(Raw::connect_from([127, 0, 0, 9], server.port()).rest().is_empty());
    }
    client.master.write(0, &[1; 4]).unwrap();
    assert_eq!(client.tcp.stats().disconnects, 0);
    let stats = server.stats();
    assert_eq!(
        (stats.refused_peers, stats.clients_evicted, stats.connections_displaced),
        (20, 0, 0)
    );
}

#[test]
fn a_request_outside_of_its_clients_windows_is_answered_with_the_reason() {
    let (server, _) = listed("127.0.0.1 read 0x0..0xfff read-write 0x1000..0x1fff");
    let client = Client::ready(server.port());
    client.master.write(0x1000, &[1; 0x1000]).unwrap();
    assert_eq!(client.master.read(0xffc, 8).unwrap(), [0, 0, 0, 0, 1, 1, 1, 1]);
    assert_eq!(client.master.read(0, 0x2000).unwrap().len(), 0x2000);
    let address = format!("127.0.0.1:{}", server.port());
    assert_eq!(
        write_error(&client, 0x800, 4),
        format!(
            "Write of 4 bytes at 0x800 refused: the access list of {address} lets 127.0.0.1 read \
             only 0x0..0x1fff, and write only 0x1000..0x1fff; ask its operator for the right"
        )
    );
    for (address, size) in [(0xffc, 8), (0x1ffc, 8), (0x1ffd, 4), (0x2000, 4), (0x1000, 200_000)] {
        let text = write_error(&client, address, size);
        assert!(text.starts_with(&format!("Write of {size} bytes at {address:#x} ref")), "{text}");
    }
    for (address, size) in [(0x1ffc, 8), (0x2000, 4), (u64::MAX - 3, 4), (0x1000, 200_000)] {
        let text = read_error(&client, address, size);
        assert!(text.starts_with(&format!("Read of {size} bytes at {address:#x} ref")), "{text}");
    }
    let verify = client.master.verify(0x2000, 4).unwrap_err();
    assert!(verify.text().starts_with("Read of 4 bytes at 0x2000 refused"), "{verify}");
    let stats = server.stats();
    assert_eq!((stats.refused_windows, stats.refused_writes, stats.refused), (11, 0, 11));
    assert_eq!(client.master.read(0x1ffc, 4).unwrap(), [1; 4]);
}

#[test]
fn windows_at_both_ends_of_the_address_space_hold_its_last_byte() {
    let rules = "127.0.0.1 read-write 0x0..0x3 0xfffffffffffffffc..0xffffffffffffffff";
    let (server, _) = listed_of(calling(answer), rules);
    let client = Client::ready(server.port());
    for address in [0, u64::MAX - 3] {
        client.master.write(address, &[1; 4]).unwrap();
        client.master.read(address, 4).unwrap();
    }
    assert!(write_error(&client, 1, 4).contains("0x0..0x3, 0xfffffffffffffffc..0xfff"));
    assert!(read_error(&client, u64::MAX - 4, 4).contains("refused"));
    assert_eq!(server.stats().refused_windows, 2);
    // A request without bytes needs the right for one.
    let mut peer = RawClient::legacy(server.port());
    for (id, address, is_allowed) in [(1, 3, true), (2, 4, false), (3, u64::MAX, true)] {
        peer.request.send(&raw::request(id, address, 0, READ, None));
        let response = peer.response.take_response();
        let text = String::from_utf8_lossy(&response.result).into_owned();
        assert_eq!(text.contains("the access list"), !is_allowed, "{address:#x}: {text}");
    }
}

#[test]
fn posted_writes_and_those_of_any_client_are_refused_where_it_may_only_read() {
    let (server, _) = listed("127.0.0.1 read");
    let client = Client::ready(server.port());
    let posted = client.master.request(0x10, vec![9; 4].into(), TransactionType::Post).unwrap();
    // It ends when it is sent, unless its answer is faster.
    let _ = client.master.wait(posted);
    assert!(write_error(&client, 0x10, 4).contains("lets 127.0.0.1 read only; ask its operator"));
    let mut legacy = RawClient::legacy(server.port());
    for (id, ty) in [(1, WRITE), (2, POST)] {
        legacy.request.send(&raw::request(id, 0x10, 4, ty, Some(&[9; 4])));
        let response = legacy.response.take_response();
        assert!(String::from_utf8_lossy(&response.result).contains("read only"));
    }
    assert_eq!(client.master.read(0x10, 4).unwrap(), [0; 4]);
    let stats = server.stats();
    assert_eq!((stats.refused_writes, stats.refused_windows), (4, 0));
}

#[test]
fn an_access_that_a_hub_splits_fails_where_a_part_is_outside() {
    let (server, _) = listed("127.0.0.1 read read-write 0x1000..0x1fff");
    let client = Client::ready(server.port());
    let (hub, small) = (Hub::new(0x1000, 0, 0), Hub::new(0, 4, 0x100));
    small.master().set_slave(client.tcp.clone());
    hub.master().set_slave(small);
    let master: Master = master_of(hub);
    master.write(0, &[3; 0x1000]).unwrap();
    let error = master.write(0xf00, &[4; 0x200]).unwrap_err();
    assert!(error.text().contains("Write of 256 bytes at 0x2000 refused"), "{error}");
    assert_eq!(master.read(0x1000, 4).unwrap(), [0; 4]);
    assert_eq!(server.stats().refused_windows, 1);
}

#[test]
fn a_change_of_the_rules_holds_for_clients_that_are_connected() {
    let (server, list) = listed("127.0.0.1 read-write");
    let client = Client::ready(server.port());
    client.master.write(0x10, &[1; 4]).unwrap();
    list.set_rules("127.0.0.1 read 0x0..0xff").unwrap();
    wait_until("the right is gone", || {
        let write = client.start_write(0x10, &[1; 4]);
        client.master.wait(write).is_err()
    });
    assert!(write_error(&client, 0x10, 4).contains("read only 0x0..0xff;"));
    assert!(read_error(&client, 0x100, 4).contains("refused"));
    client.master.read(0x10, 4).unwrap();
    list.set_rules("127.0.0.1 nonsense").unwrap_err();
    assert!(write_error(&client, 0x10, 4).contains("refused"), "nothing has changed");
    assert_eq!(client.tcp.stats().disconnects, 0);
    // The last right is gone: so is the client, and a request of its waits for its return.
    list.set_rules("127.0.0.0/8 none\n* read-write").unwrap();
    wait_told(&client, &["the server's access list does not let 127.0.0.1 in", "added"]);
    wait_until("it has gone", || server.stats().clients == 0);
    let waiting = client.start_read(0x10, 4);
    list.set_rules("* read-write").unwrap();
    client.master.wait(waiting).unwrap();
    client.master.write(0x10, &[2; 4]).unwrap();
}

#[test]
fn a_request_that_the_slave_has_got_is_answered_after_its_right_has_gone() {
    let keeper = Keeper::new();
    let (server, list) = listed_of(keeper.clone(), "127.0.0.1 read-write");
    let client = Client::ready(server.port());
    let write = client.start_write(0x10, &[1; 4]);
    keeper.wait_seen(1);
    list.set_rules("127.0.0.1 read 0x80..0xff").unwrap();
    wait_until("the right is gone", || {
        client.start_read(0x10, 4);
        server.stats().refused_windows > 0
    });
    keeper.answer_all();
    client.master.wait(write).unwrap();
}

#[test]
fn a_read_only_server_gives_nobody_more_than_that() {
    let list = AccessList::from_text("127.0.0.1 read 0x0..0xff read-write 0x100..0x1ff").unwrap();
    let options =
        ServerOptions { access_list: Some(list), read_only: true, ..ServerOptions::default() };
    let server = server_of(memory(), options);
    let client = Client::ready(server.port());
    assert!(write_error(&client, 0x100, 4).contains("which is read-only besides"));
    assert!(read_error(&client, 0x1ff, 2).contains("read only 0x0..0x1ff"));
    client.master.read(0, 0x200).unwrap();
    assert_eq!((server.stats().refused_writes, server.stats().refused_windows), (1, 1));
}

#[test]
fn users_of_a_path_have_their_own_rights() {
    // SAFETY: it has no precondition.
    let own = unsafe { libc::geteuid() };
    let other = own.wrapping_add(1);
    let directory = Directory::new();
    let address = directory.address("board.sock");
    let list = AccessList::from_text(&format!("uid:{other} read-write\nuid:{own} read")).unwrap();
    let access_list = Some(list.clone());
    let options = ServerOptions { access_list, ..ServerOptions::default() };
    let server = server_at_path(&address, memory(), options);
    let client = Client::at(&address, 0);
    client.wait_ready();
    client.master.read(0, 4).unwrap();
    let text = write_error(&client, 0, 4);
    let expected = format!("the access list of {address} lets user {own} read only;");
    assert!(text.contains(&expected), "{text}");
    list.set_rules(&format!("uid:{other} read-write\n0.0.0.0/0 read-write")).unwrap();
    wait_told(&client, &[&format!("does not let user {own} in")]);
    client.tcp.stop();
    let stranger = Raw::connect_path(&directory.file("board.sock"));
    assert!(stranger.rest().is_empty());
    assert!(server.stats().refused_peers > 0);
    list.set_rules("* read-write").unwrap();
    let client = Client::at(&address, 0);
    client.master.write(0, &[1; 4]).unwrap();
}

#[test]
fn keys_have_their_own_rights_and_one_without_is_told_so() {
    let [writer, reader, other] = [(); 3].map(|()| KeyPair::generate().unwrap());
    let (reads, writes) = (reader.public(), writer.public());
    let rules = format!("key:{writes} read-write # the crew\nkey:{reads} read 0x0..0xff\n");
    let list = AccessList::from_text(&rules).unwrap();
    let curve = CurveServer::new(KeyPair::generate().unwrap(), AllowedClients::Any);
    let options = ServerOptions {
        access_list: Some(list.clone()),
        curve: Some(curve.clone()),
        ..ServerOptions::default()
    };
    let server = server_of(memory(), options);
    let client_of = |keys: &KeyPair| {
        let curve = Some(CurveClient::new(curve.public_key(), Some(keys.clone())).unwrap());
        Client::with(server.port(), ClientOptions { curve, ..ClientOptions::default() })
    };
    let [writing, reading, neither] = [&writer, &reader, &other].map(client_of);
    writing.master.write(0x80, &[1; 4]).unwrap();
    assert_eq!(reading.master.read(0x80, 4).unwrap(), [1; 4]);
    let text = write_error(&reading, 0x80, 4);
    assert!(text.contains(&format!("lets the key {reads} read only 0x0..0xff;")), "{text}");
    let key = other.public().to_string();
    wait_told(&neither, &["access list does not let 127.0.0.1 with the key", &key]);
    let stats = server.stats();
    assert!(stats.refused_peers > 0 && stats.refused_keys == 0);
    // Both lists have to let a key in.
    curve.set_clients(AllowedClients::These([*reads].into()));
    wait_told(&writing, &["does not allow the client's key"]);
    curve.set_clients(AllowedClients::Any);
    list.set_rules(&format!("{rules}key:{key} read-write")).unwrap();
    neither.master.write(0x80, &[2; 4]).unwrap();
    assert_eq!(reading.tcp.stats().disconnects, 0);
    // A rule for the address before those for keys: no greeting.
    list.set_rules(&format!("127.0.0.1 none\n{rules}")).unwrap();
    wait_told(&reading, &["does not let 127.0.0.1 with the key"]);
    [writing, reading, neither].iter().for_each(|client| client.tcp.stop());
    assert!(Raw::connect(server.port()).rest().is_empty());
}

#[test]
fn a_session_is_of_no_use_from_an_address_without_a_right() {
    let (server, _) = listed("127.0.0.1 read-write");
    let session = format!("{:032x}", 5);
    let mut owner = RawClient::connect(server.port(), &properties_of(&session));
    #[cfg(target_os = "linux")]
    assert!(Raw::connect_from([127, 0, 0, 2], server.port()).rest().is_empty());
    owner.request.send(&raw::read(1, 0));
    assert_eq!(owner.response.take_response().result, b"OK");
    assert_eq!(server.stats().clients, 1);
}

#[test]
fn ipv4_peers_of_a_listener_for_both_have_the_rules_of_their_ipv4_address() {
    let list = AccessList::from_text("::/0 none\n127.0.0.1 read").unwrap();
    let options = ServerOptions { access_list: Some(list), ..ServerOptions::default() };
    // Not where the system has no IPv6.
    let Ok(server) = TcpServer::new("::", 0, options) else { return };
    server.master().set_slave(memory());
    let client = Client::ready(server.port());
    assert!(write_error(&client, 0, 4).contains("lets 127.0.0.1 read only"));
    assert!(Raw::connect_to("::1", server.port()).rest().is_empty());
}

#[test]
fn the_list_in_the_documentation_is_one() {
    let text = include_str!("../../docs/security.md");
    let (_, section) = text.split_once("## Access lists").unwrap();
    let block = section.lines().skip_while(|line| !line.starts_with("    ")).map(str::trim);
    let rules: Vec<&str> = block.take_while(|line| !line.is_empty()).collect();
    assert!(rules.len() > 5, "{rules:?}");
    AccessList::from_text(&rules.join("\n")).unwrap();
}
