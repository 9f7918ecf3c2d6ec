//! Servers that listen at several addresses, and the addresses of IPv6.

use std::fs;

use rogue_mem::bridge::{ServerOptions, TcpServer};
use rogue_mem::Status;

use testkit::bridge::{memory, Client};
use testkit::directory::Directory;
use testkit::raw::RawClient;

fn listening(
    first: &str,
    addresses: &[&str],
) -> rogue_mem::error::Result<std::sync::Arc<TcpServer>> {
    let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
    let server = TcpServer::new(first, 0, ServerOptions { addresses, ..ServerOptions::default() })?;
    server.master().set_slave(memory());
    Ok(server)
}

/// Connects to an address as a server tells it.
fn client_of(address: &str) -> Client {
    if address.starts_with("unix:") {
        return Client::at(address, 0);
    }
    let (host, port) = address.rsplit_once(':').unwrap();
    Client::at(host, port.parse().unwrap())
}

fn has_ipv6() -> bool {
    std::net::TcpListener::bind("[::1]:0").is_ok()
}

#[test]
fn clients_reach_one_slave_by_any_of_a_servers_addresses() {
    let directory = Directory::new();
    let path = directory.address("board.sock");
    let mut further = vec!["127.0.0.1:0", &path];
    further.extend(has_ipv6().then_some("[::1]:0"));
    let server = listening("127.0.0.1", &further).unwrap();
    let addresses: Vec<String> = server.addresses().iter().map(ToString::to_string).collect();
    assert_eq!(addresses.len(), 1 + further.len());
    assert_eq!(addresses[0], format!("127.0.0.1:{}", server.port()));
    assert!(addresses[1..].iter().all(|address| !address.ends_with(":0")), "{addresses:?}");
    let clients: Vec<Client> = addresses.iter().map(|address| client_of(address)).collect();
    for (n, client) in (0_u8..).zip(&clients) {
        client.wait_ready();
        client.master.write(0x10, &[n; 4]).unwrap();
        for other in &clients {
            assert_eq!(other.master.read(0x10, 4).unwrap(), [n; 4]);
        }
    }
    assert_eq!(server.stats().clients, clients.len() as u64);
    let mut legacy = RawClient::legacy(server.addresses()[1].port());
    legacy.read(1, 0x10);
    server.stop();
    testkit::wait::wait_until("the files are gone", || {
        fs::read_dir(directory.path()).unwrap().count() == 0
    });
}

#[test]
fn a_server_listens_at_all_of_its_addresses_or_at_none() {
    let directory = Directory::new();
    let path = directory.address("board.sock");
    let other = listening("127.0.0.1", &[]).unwrap();
    let taken = format!("127.0.0.1:{}", other.port());
    let error = listening("127.0.0.1", &[&path, &taken]).unwrap_err();
    assert_eq!(error.status(), Status::Bind);
    assert!(error.text().contains("Failed to bind server to port"), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    for (address, word) in [
        ("127.0.0.1", "add the port"),
        ("::1:9000", "brackets"),
        ("unix:board.sock", "absolute"),
        ("unix:/tmp/none/", "directory"),
    ] {
        let error = listening("127.0.0.1", &[address]).unwrap_err();
        assert_eq!(error.status(), Status::InvalidArgument, "{error}");
        assert!(error.text().contains(word), "{error}");
    }
    let many = vec!["127.0.0.1:0"; 32];
    let error = listening("127.0.0.1", &many).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    assert!(error.text().contains("32 addresses at most, not at 33"), "{error}");
    let most = listening("127.0.0.1", &many[1..]).unwrap();
    for address in most.addresses() {
        Client::at("127.0.0.1", address.port()).wait_ready();
    }
}

/// The link-local addresses of this host with their zones, as the kernel lists them.
fn link_local_addresses() -> Vec<String> {
    let list = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let address = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [digits, _, _, "20", _, interface] = fields[..] else { return None };
        let groups: Vec<&str> = (0..8).map(|group| &digits[4 * group..4 * group + 4]).collect();
        Some(format!("{}%{interface}", groups.join(":")))
    };
    list.lines().filter_map(address).collect()
}

#[test]
fn a_zone_names_the_interface_of_an_address_at_both_ends() {
    if !has_ipv6() {
        return println!("skipped: this host has no IPv6");
    }
    let loopback = ["::1%lo", "[::1%1]"].map(str::to_owned);
    let link_local = link_local_addresses();
    if link_local.is_empty() {
        println!("without a link-local address: this host has none");
    }
    for address in loopback.iter().chain(&link_local) {
        let server =
            listening("127.0.0.1", &[&format!("[{}]:0", address.trim_matches(['[', ']']))]);
        let server = server.unwrap();
        let port = server.addresses()[1].port();
        for host in [address.clone(), format!("[{}]", address.trim_matches(['[', ']']))] {
            let client = Client::at(&host, port);
            client.wait_ready();
            client.master.write(0, &[1, 2, 3, 4]).unwrap();
            assert_eq!(client.master.read(0, 4).unwrap(), [1, 2, 3, 4]);
        }
    }
}
