use std::net::TcpListener as StdListener;
use std::os::unix::net::UnixListener as StdUnixListener;

use super::*;

fn pair() -> (StdListener, StdListener, u16) {
    let socket::PortPair { first, second, port } = socket::bind_pair("127.0.0.1", 0).unwrap();
    (OwnedFd::from(first).into(), OwnedFd::from(second).into(), port)
}

fn refusal(sockets: Vec<ListeningSockets>) -> String {
    let error = adopt_all(sockets, &[], 0o600).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    error.text().to_owned()
}

#[test]
fn two_sockets_at_consecutive_ports_are_adopted_under_their_address() {
    let (requests, responses, port) = pair();
    let adopted =
        adopt_all(vec![ListeningSockets::Tcp { requests, responses }], &[], 0o600).unwrap();
    assert_eq!(adopted[0].address.to_string(), format!("127.0.0.1:{port}"));
    // Nobody waits there, and nothing blocks.
    assert!(adopted[0].first.accept().unwrap().is_none());
    assert!(adopted[0].second.as_ref().unwrap().accept().unwrap().is_none());
}

#[test]
fn sockets_that_do_not_belong_together_are_refused_with_their_addresses() {
    let ((first, second, port), (other, _rest, far)) = (pair(), pair());
    let text = refusal(vec![ListeningSockets::Tcp { requests: second, responses: first }]);
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    let (first, _second, _) = pair();
    let text = refusal(vec![ListeningSockets::Tcp { requests: first, responses: other }]);
    assert!(text.contains(&format!("127.0.0.1:{far}")), "{text}");
    assert!(refusal(Vec::new()).contains("one address at least"));
}

#[test]
fn sockets_of_a_list_are_put_together_by_their_addresses() {
    let folder = std::env::temp_dir().join(format!("in-order-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let unix = |name: &str| OwnedFd::from(StdUnixListener::bind(folder.join(name)).unwrap());
    let (requests, responses, port) = pair();
    let list = vec![unix("a"), requests.into(), responses.into(), unix("b"), unix("b.1")];
    let adopted = adopt_all(ListeningSockets::in_order(list).unwrap(), &[], 0o600).unwrap();
    let found = adopted.iter().map(|pair| (pair.address.to_string(), pair.second.is_some()));
    let path = |name| format!("unix:{}", folder.join(name).display());
    let expected = [(path("a"), false), (format!("127.0.0.1:{port}"), true), (path("b"), true)];
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let (requests, _responses, port) = pair();
    let refused = |list| ListeningSockets::in_order(list).unwrap_err().text().to_owned();
    let text = refused(vec![requests.into(), unix("c")]);
    assert!(text.contains(&format!("127.0.0.1:{port} is followed by none")), "{text}");
    let file = OwnedFd::from(std::fs::File::open(&folder).unwrap());
    let text = refused(vec![unix("d"), file]);
    assert!(text.contains("Socket 2 of 2 is neither"), "{text}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_socket_that_does_not_listen_is_refused() {
    let (_, responses, port) = pair();
    let connected = std::net::TcpStream::connect(("127.0.0.1", port + 1)).unwrap();
    let requests = StdListener::from(OwnedFd::from(connected));
    let text = refusal(vec![ListeningSockets::Tcp { requests, responses }]);
    assert!(text.contains("does not listen"), "{text}");
}

#[test]
fn the_files_of_adopted_paths_stay() {
    let folder = std::env::temp_dir().join(format!("adopted-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let [path, beside, other] = ["a", "a.1", "b"].map(|name| folder.join(name));
    let listen = |path| StdUnixListener::bind(path).unwrap();
    let sockets = ListeningSockets::Unix { first: listen(&path), second: Some(listen(&beside)) };
    let adopted = adopt_all(vec![sockets], &[], 0o600).unwrap();
    assert_eq!(adopted[0].address.to_string(), format!("unix:{}", path.display()));
    drop(adopted);
    assert!(path.exists() && beside.exists());
    std::fs::remove_file(&path).unwrap();
    let sockets = ListeningSockets::Unix { first: listen(&path), second: Some(listen(&other)) };
    assert!(refusal(vec![sockets]).contains("does not belong"));
    let nameless =
        StdUnixListener::from(OwnedFd::from(std::os::unix::net::UnixStream::pair().unwrap().0));
    let sockets = ListeningSockets::Unix { first: nameless, second: None };
    assert!(refusal(vec![sockets]).contains("no path"));
    std::fs::remove_dir_all(folder).unwrap();
}
