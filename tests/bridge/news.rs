//! What a client tells of its connection.

use std::sync::{mpsc, Arc, Mutex};
use std::time::Duration;

use rogue_mem::bridge::{ClientState, ConnectionChange, ConnectionObserver, ServerOptions};

use testkit::bridge::{memory, server, server_at, Client};
use testkit::raw::RawServer;
use testkit::wait::{wait_until, LONG};

/// Passes on what it is told.
struct Reporter(Mutex<mpsc::Sender<ConnectionChange>>);

impl ConnectionObserver for Reporter {
    fn changed(&self, change: &ConnectionChange) {
        let _ = self.0.lock().unwrap().send(change.clone());
    }
}

fn observe(client: &Client) -> mpsc::Receiver<ConnectionChange> {
    let (sender, changes) = mpsc::channel();
    client.tcp.observe(Some(Arc::new(Reporter(Mutex::new(sender)))));
    changes
}

#[test]
fn f22_a_connection_that_comes_and_goes_is_told_with_the_reason() {
    let server = RawServer::new();
    let port = server.port;
    let client = Client::new(port);
    let changes = observe(&client);
    for _ in 0..3 {
        let peer = server.serve(&[]);
        let came = changes.recv_timeout(LONG).unwrap();
        assert_eq!((came.reason, came.bridge_level), (None, None));
        assert_eq!(came.server.to_string(), format!("127.0.0.1:{port}"));
        drop(peer);
        let went = changes.recv_timeout(LONG).unwrap();
        assert_eq!(went.server, came.server);
        let reason = went.reason.expect("a reason");
        assert!(reason.starts_with("127.0.0.1:"), "{reason}");
        assert!(reason.contains("closed by the server") || reason.contains("reset"), "{reason}");
    }
    drop(server);
    let server = server_at(port, memory(), ServerOptions::default());
    let came = changes.recv_timeout(LONG).unwrap();
    assert_eq!((came.reason, came.bridge_level), (None, Some(1)));
    server.stop();
    assert!(changes.recv_timeout(LONG).unwrap().reason.is_some());
    client.tcp.stop();
    assert!(changes.recv_timeout(LONG).is_err(), "dropped, and not told of the end");
}

#[test]
fn f22_an_observer_that_comes_late_is_told_of_the_connection_there_is() {
    let server = server();
    let client = Client::ready(server.port());
    let changes = observe(&client);
    assert_eq!(changes.recv_timeout(LONG).unwrap().reason, None);
}

/// Waits in its first call until it is allowed to go on.
struct Blocking {
    entered: Mutex<mpsc::Sender<()>>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl ConnectionObserver for Blocking {
    fn changed(&self, _change: &ConnectionChange) {
        let _ = self.entered.lock().unwrap().send(());
        let _ = self.go_on.lock().unwrap().recv_timeout(LONG);
    }
}

#[test]
fn f22_an_observer_that_blocks_holds_up_neither_requests_nor_reconnection_nor_stop() {
    let server = server();
    let port = server.port();
    let client = Client::ready(port);
    let ((entered, calls), (permit, go_on)) = (mpsc::channel(), mpsc::channel());
    let blocking = Blocking { entered: Mutex::new(entered), go_on: Mutex::new(go_on) };
    client.tcp.observe(Some(Arc::new(blocking)));
    calls.recv_timeout(LONG).unwrap();
    client.master.write(0, &[1, 2, 3, 4]).unwrap();
    server.stop();
    drop(server);
    wait_until("lost", || client.tcp.state() != ClientState::Connected);
    let _server = server_at(port, memory(), ServerOptions::default());
    client.wait_ready();
    client.master.write(0, &[1, 2, 3, 4]).unwrap();
    client.tcp.stop();
    assert_eq!(client.tcp.state(), ClientState::Stopped);
    permit.send(()).unwrap();
    assert!(calls.recv_timeout(LONG).is_err(), "dropped, and called no more");
}

#[test]
fn f22_an_observer_may_use_and_stop_its_client() {
    struct Stopping(Mutex<Option<Arc<rogue_mem::bridge::TcpClient>>>);
    impl ConnectionObserver for Stopping {
        fn changed(&self, _change: &ConnectionChange) {
            let Some(client) = self.0.lock().unwrap().take() else { return };
            client.wait_ready(LONG, Duration::from_millis(20)).unwrap();
            client.observe(None);
            client.stop();
        }
    }
    let server = server();
    let client = Client::new(server.port());
    client.tcp.observe(Some(Arc::new(Stopping(Mutex::new(Some(client.tcp.clone()))))));
    wait_until("stopped", || client.tcp.state() == ClientState::Stopped);
}
