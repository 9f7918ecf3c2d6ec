use std::io::{IoSlice, Read, Write};

use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};

use super::*;

/// Only against hangs.
const PATIENCE: Duration = Duration::from_secs(20);

const SILENCE: Silence =
    Silence { host_max: HOST_SILENCE_MAX, unread_max: Duration::from_millis(12_345) };

/// Addresses whose ports no other program takes, for tests that free a port and take it again.
const UNDISTURBED: [&str; 2] = if cfg!(target_os = "linux") {
    ["127.77.31.1", "127.77.31.2"]
} else {
    ["127.0.0.1", "127.0.0.1"]
};

/// A listener at `address` that swallows connection attempts: they get no answer, not even a
/// refusal. Keep both results. Linux only: it lets exactly one connection wait.
pub(crate) fn swallow(address: SocketAddr) -> io::Result<(std::net::TcpListener, TcpStream)> {
    let listener = std::net::TcpListener::bind(address)?;
    SockRef::from(&listener).listen(0)?;
    let waiting = std::net::TcpStream::connect(address)?;
    Ok((listener, TcpStream::from_std(waiting)))
}

fn expected_text(port: u16, address: &str) -> String {
    format!("Failed to bind server to port {port} at address {address}")
}

/// Waits until `stream` reports an event.
fn await_event(stream: &mut TcpStream, interest: Interest) {
    let mut poll = Poll::new().unwrap();
    poll.registry().register(stream, Token(0), interest).unwrap();
    let mut events = Events::with_capacity(4);
    poll.poll(&mut events, Some(PATIENCE)).unwrap();
    assert!(!events.is_empty(), "no event within {PATIENCE:?}");
    poll.registry().deregister(stream).unwrap();
}

fn await_outcome(stream: &mut TcpStream) -> io::Result<bool> {
    await_event(stream, Interest::WRITABLE);
    connect_outcome(stream)
}

/// A connected pair: the connecting end, the accepted end.
fn connected() -> (TcpStream, TcpStream) {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut stream = connect(listener.local_addr().unwrap()).unwrap();
    assert!(await_outcome(&mut stream).unwrap());
    let (accepted, peer) = accept(&listener).unwrap().expect("the connection is waiting");
    assert_eq!(peer, stream.local_addr().unwrap());
    (stream, accepted)
}

#[test]
fn f76_a_burst_of_connections_waits_for_a_busy_server() {
    // Of the usual limits of systems the lowest.
    const BURST: usize = 1000;
    let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn");
    let limit = limit.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(128);
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    // One that finds no room gets no answer, and tries again a second later at the earliest.
    let connect = |_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(900));
    let waiting: io::Result<Vec<_>> = (0..BURST.min(limit)).map(connect).collect();
    waiting.unwrap();
}

#[test]
fn port_zero_gives_two_consecutive_free_ports() {
    for _ in 0..32 {
        let pair = bind_pair("127.0.0.1", 0).unwrap();
        assert_ne!(pair.port, 0);
        assert_eq!(pair.first.local_addr().unwrap().port(), pair.port);
        assert_eq!(pair.second.local_addr().unwrap().port(), pair.port + 1);
        assert!(pair.first.local_addr().unwrap().ip().is_loopback());
    }
}

#[test]
fn a_taken_port_is_named_whichever_of_the_two_it_is() {
    let pair = bind_pair(UNDISTURBED[0], 0).unwrap();
    let port = pair.port;
    let both = bind_pair(UNDISTURBED[0], port).unwrap_err();
    let in_use = ", another process may be using this port: Address already in use; ";
    let remedy = "choose another port, or stop the program that has it";
    let expected = format!(
        "{}{in_use}port {port} was asked for, and a server also needs {}, the next one; {remedy}",
        expected_text(port + 1, UNDISTURBED[0]),
        port + 1
    );
    assert_eq!((both.status(), both.text()), (Status::Bind, expected.as_str()));
    let PortPair { first, second, .. } = pair;
    drop(second);
    let first_taken = bind_pair(UNDISTURBED[0], port).unwrap_err();
    let expected = format!("{}{in_use}{remedy}", expected_text(port, UNDISTURBED[0]));
    assert_eq!(first_taken.text(), expected);
    drop(first);
    bind_pair(UNDISTURBED[0], port).expect("nothing of the failed attempts is left open");
}

#[test]
fn a_port_can_be_bound_again_at_once_after_its_server_has_closed_a_connection() {
    let pair = bind_pair(UNDISTURBED[1], 0).unwrap();
    let mut stream = connect(pair.first.local_addr().unwrap()).unwrap();
    assert!(await_outcome(&mut stream).unwrap());
    let (accepted, _) = accept(&pair.first).unwrap().unwrap();
    let port = pair.port;
    // The server's end closes first, and so stays in TIME_WAIT.
    drop(accepted);
    await_event(&mut stream, Interest::READABLE);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    drop(stream);
    drop(pair);
    bind_pair(UNDISTURBED[1], port).unwrap();
}

#[test]
fn d95_port_65535_is_refused_before_anything_is_bound() {
    let error = bind_pair("127.0.0.1", 65_535).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    assert!(error.text().starts_with(&expected_text(65_535, "127.0.0.1")), "{error}");
    assert!(error.text().contains("65534"), "{error}");
}

#[test]
fn an_unusable_address_is_reported_in_the_words_of_a_failed_bind() {
    for (text, status, words) in [
        ("127.0.0.1:80", Status::InvalidArgument, "without protocol, port or path"),
        ("no-such-host.invalid", Status::Resolve, "neither an interface of this host, which has"),
        ("fe80::1%no-such-if", Status::InvalidArgument, "no interface \"no-such-if\", but "),
        ("192.0.2.1", Status::Bind, "no interface of this host has that address, but 127.0.0.1"),
    ] {
        let error = bind_pair(text, 9_000).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        let port = if status == Status::Bind { 9_001 } else { 9_000 };
        assert!(error.text().starts_with(&(expected_text(port, text) + ": ")), "{error}");
        assert!(error.text().contains(words), "{error}");
        // No other process is to blame.
        assert!(!error.text().contains("process"), "{error}");
    }
    let asked = bind_pair("192.0.2.1", 9_000).unwrap_err();
    assert!(asked.text().contains("port 9000 was asked for, and a server also needs 9001"));
    let error = bind_pair("192.0.2.1", 0).unwrap_err();
    assert!(error.text().contains("no interface of this host"), "{error}");
}

#[test]
fn an_interface_that_a_link_local_address_lacks_is_told() {
    // Numbers of interfaces are small.
    let cases = [
        ("fe80::1", "a link-local address needs its interface, as in fe80::1%eth0"),
        ("fe80::1%987654", "this host has no interface with the number 987654"),
    ];
    for (text, words) in cases {
        let error = bind_pair(text, 9_000).unwrap_err();
        assert_eq!(error.status(), Status::Bind, "{error}");
        // Where IPv6 is off, the system says that instead.
        let is_off = error.text().contains("IPv6");
        assert!(is_off || error.text().contains(words), "{error}");
    }
}

#[test]
fn star_and_interface_names_and_ipv6_can_be_bound() {
    assert!(bind_pair("*", 0).unwrap().first.local_addr().unwrap().ip().is_unspecified());
    assert!(bind_pair("localhost", 0).unwrap().first.local_addr().unwrap().ip().is_loopback());
    if address::is_of_this_host("::1".parse().unwrap()) {
        match bind_pair("[::1]", 0) {
            Ok(pair) => assert!(pair.first.local_addr().unwrap().is_ipv6()),
            // IPv6 may be off on this host.
            Err(error) => assert!(error.text().contains("[::1]"), "{error}"),
        }
    }
}

#[test]
fn accept_on_an_empty_queue_gives_nothing() {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    assert!(accept(&listener).unwrap().is_none());
}

#[test]
fn a_refused_connection_says_so() {
    // Taken by a socket that does not listen, so that no other program gets it.
    let holder = sys::tests::self_connected();
    let address = holder.local_addr().unwrap();
    let error = match connect(address) {
        Ok(mut stream) => await_outcome(&mut stream).unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(cause_text(&error), "Connection refused");
}

#[test]
fn a_connection_has_ended_when_all_of_it_has_been_read() {
    let (stream, mut accepted) = connected();
    assert!(!has_ended(&accepted) && !has_unread(&accepted));
    assert_eq!(send_vectored(&stream, &[IoSlice::new(b"x")]).unwrap(), 1);
    testkit_base::wait::wait_until("it has come", || has_unread(&accepted));
    drop(stream);
    assert!(!has_ended(&accepted));
    accepted.read_exact(&mut [0]).unwrap();
    testkit_base::wait::wait_until("it has ended", || has_ended(&accepted));
    assert!(!has_unread(&accepted));
}

#[test]
fn a_connection_to_itself_counts_as_refused() {
    let stream = sys::tests::self_connected();
    assert_eq!(stream.local_addr().unwrap(), stream.peer_addr().unwrap());
    let error = connect_outcome(&stream).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn configure_sets_every_option() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    configure(&socket, SILENCE).unwrap();
    assert_configured(&socket);
}

#[test]
fn f159_connections_within_a_host_exchange_no_probes() {
    let (stream, accepted) = connected();
    for socket in [&stream, &accepted] {
        // As accepted ones have it from their listener.
        SockRef::from(socket).set_keepalive(true).unwrap();
        configure(socket, SILENCE).unwrap();
        assert!(!SockRef::from(socket).keepalive().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(SockRef::from(socket).tcp_user_timeout().unwrap(), Some(SILENCE.unread_max));
    }
}

#[test]
fn listeners_pass_every_option_on_where_that_is_relied_upon() {
    if !LISTENERS_PASS_ON {
        return;
    }
    let PortPair { first, second, port } = bind_pair("127.0.0.1", 0).unwrap();
    for (listener, port) in [(first, port), (second, port + 1)] {
        configure(&listener, SILENCE).unwrap();
        let _stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut accepted = None;
        testkit_base::wait::wait_until("it is accepted", || {
            accepted = accept(&listener).unwrap();
            accepted.is_some()
        });
        assert_configured(&accepted.unwrap().0);
    }
}

fn assert_configured(socket: &impl AsFd) {
    let socket = SockRef::from(socket);
    assert!(socket.tcp_nodelay().unwrap());
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(7));
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(1));
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    #[cfg(target_os = "linux")]
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(SILENCE.unread_max));
}

#[test]
fn a_silent_host_is_given_up_when_it_was_asked_for() {
    for seconds in 0..100 {
        let host_max = Duration::from_secs(seconds);
        let silence = Silence { host_max, ..SILENCE };
        let (idle, interval) = silence.keepalive_seconds();
        assert_eq!(idle + u64::from(KEEPALIVE_COUNT) * interval, seconds.max(4));
        assert!(idle > 0 && interval > 0, "{seconds}");
    }
    let silence = Silence { host_max: Duration::MAX, ..SILENCE };
    let (stream, _accepted) = connected();
    configure(&stream, silence).unwrap();
}

#[test]
fn sockets_are_not_inherited_by_started_programs() {
    let (stream, accepted) = connected();
    let pair = bind_pair("127.0.0.1", 0).unwrap();
    for socket in [stream.as_fd(), accepted.as_fd(), pair.first.as_fd(), pair.second.as_fd()] {
        assert!(sys::tests::is_close_on_exec(socket));
    }
}

#[test]
fn a_vectored_send_joins_the_slices() {
    let (stream, mut accepted) = connected();
    let slices = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"and two")];
    assert_eq!(send_vectored(&stream, &slices).unwrap(), 11);
    drop(stream);
    let mut bytes = Vec::new();
    loop {
        match accepted.read_to_end(&mut bytes) {
            Ok(_) => break,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        await_event(&mut accepted, Interest::READABLE);
    }
    assert_eq!(bytes, b"one and two");
}

#[test]
fn more_slices_than_the_system_takes_are_sent_in_part() {
    let (stream, _accepted) = connected();
    let slices = vec![IoSlice::new(b"x"); 5_000];
    let sent = send_vectored(&stream, &slices).unwrap();
    assert!((16..5_000).contains(&sent), "{sent}");
}

#[test]
fn sending_to_a_closed_connection_is_an_error_and_no_signal() {
    let (mut stream, accepted) = connected();
    configure(&stream, SILENCE).unwrap();
    sys::tests::count_broken_pipe_signals();
    drop(accepted);
    // The first bytes cause a reset; the next ones find the connection broken.
    let error = loop {
        match send_vectored(&stream, &[IoSlice::new(b"x")]) {
            Ok(_) => await_event(&mut stream, Interest::WRITABLE),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(stream.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    let (near, far) = mio::net::UnixStream::pair().unwrap();
    drop(far);
    let near = crate::net::ByteStream::from(near);
    near.configure(SILENCE).unwrap();
    for outcome in [(&near).write(b"x"), (&near).write_vectored(&[IoSlice::new(b"x")])] {
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
    assert_eq!(sys::tests::broken_pipe_signals(), 0);
    // The counter works: this call makes no such promise.
    let error = stream.write_vectored(&[IoSlice::new(b"x")]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    #[cfg(not(target_vendor = "apple"))]
    assert_eq!(sys::tests::broken_pipe_signals(), 1);
}
