//! Servers at sockets that somebody else has opened, as a service manager does.

use std::net::TcpStream;
use std::os::unix::net::UnixListener;

use rogue_mem::bridge::{ListeningSockets, ServerOptions, TcpServer};

use testkit::bridge::{memory, Client};
use testkit::directory::Directory;
use testkit::ports::listener_pair;

fn check(client: &Client) {
    client.wait_ready();
    client.master.write(0x10, &[1, 2, 3, 4]).unwrap();
    assert_eq!(client.master.read(0x10, 4).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn clients_wait_at_adopted_ports_before_the_server_and_after_it() {
    let (requests, responses, port) = listener_pair();
    let kept = requests.try_clone().unwrap();
    // It comes before the server does.
    let client = Client::at("127.0.0.1", port);
    let sockets = || ListeningSockets::Tcp {
        requests: requests.try_clone().unwrap(),
        responses: responses.try_clone().unwrap(),
    };
    for _ in 0..2 {
        let server = TcpServer::adopt(vec![sockets()], ServerOptions::default()).unwrap();
        server.master().set_slave(memory());
        assert_eq!((server.port(), server.address()), (port, "127.0.0.1"));
        check(&client);
        server.stop();
    }
    // Without a server connections wait in the sockets.
    TcpStream::connect(kept.local_addr().unwrap()).unwrap();
}

#[test]
fn a_path_is_adopted_without_the_file_beside_it_and_stays() {
    let folder = Directory::new();
    let first = UnixListener::bind(folder.file("board.sock")).unwrap();
    let sockets = ListeningSockets::Unix { first, second: None };
    let further = folder.address("further.sock");
    let options = ServerOptions { addresses: vec![further.clone()], ..Default::default() };
    let server = TcpServer::adopt(vec![sockets], options).unwrap();
    server.master().set_slave(memory());
    let address = folder.address("board.sock");
    let addresses: Vec<_> = server.addresses().iter().map(ToString::to_string).collect();
    assert_eq!(addresses, [address.clone(), further.clone()]);
    for address in [address, further] {
        check(&Client::at(&address, 0));
    }
    server.stop();
    drop(server);
    testkit::wait::wait_until("the server's own file goes", || {
        !folder.file("further.sock").exists()
    });
    assert!(folder.file("board.sock").exists());
}
