//! A socket without room, which no loopback interface has.

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread;
use std::time::Duration;

use testkit_base::wait::{wait_until, LONG};

use super::*;
use crate::process::Duty;
use crate::protocols::udp::QUEUE_BYTES_MAX;
use crate::stream::{Dispatch, Frame};

fn receiver() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket
}

fn client_of(socket: &UdpSocket, send: SendFunction) -> Arc<UdpEndpoint> {
    let port = socket.local_addr().unwrap().port();
    UdpEndpoint::client_with("127.0.0.1", port, UdpOptions::default(), send).unwrap()
}

fn accept(client: &UdpEndpoint, bytes: Vec<u8>) {
    client.stream_slave().accept_frame(Arc::new(Frame::from(bytes)));
}

fn received(socket: &UdpSocket) -> u8 {
    let mut room = [0; 2000];
    socket.recv_from(&mut room).unwrap();
    room[0]
}

#[test]
fn datagrams_without_room_are_sent_by_the_event_loop_in_order_as_soon_as_there_is_some() {
    /// The sender's own attempt, and the first one of the loop, which then watches for room.
    static FULL_TIMES: AtomicUsize = AtomicUsize::new(2);
    fn send(socket: &UdpSocket, datagrams: &[&[u8]], to: SocketAddr) -> io::Result<usize> {
        let count_down = |left: usize| left.checked_sub(1);
        match FULL_TIMES.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count_down) {
            Ok(_) => Err(io::ErrorKind::WouldBlock.into()),
            Err(_) => udp::send(socket, datagrams, to),
        }
    }
    let socket = receiver();
    let client = client_of(&socket, send);
    for n in 0..10 {
        accept(&client, vec![n; 100]);
    }
    for n in 0..10 {
        assert_eq!(received(&socket), n);
    }
    wait_until("none waits", || client.stats().queued == 0);
    let stats = client.stats();
    assert_eq!((stats.datagrams_out, stats.bytes_out, stats.unsent), (10, 1000, 0));
}

fn never(_: &UdpSocket, _: &[&[u8]], _: SocketAddr) -> io::Result<usize> {
    Err(io::ErrorKind::WouldBlock.into())
}

/// Sends so much that no more may wait.
fn fill(client: &UdpEndpoint) -> u64 {
    let count = QUEUE_BYTES_MAX / 1024;
    (0..count).for_each(|_| accept(client, vec![0; 1024]));
    assert_eq!(client.stats().queued, count as u64);
    count as u64
}

#[test]
fn a_thread_of_the_program_waits_for_room_until_its_timeout_and_then_drops() {
    let client = client_of(&receiver(), never);
    let count = fill(&client);
    client.set_timeout(Duration::from_millis(1));
    accept(&client, vec![0; 1024]);
    let stats = client.stats();
    assert_eq!((stats.unsent, stats.queued, stats.datagrams_out), (1, count, 0));
}

#[test]
fn a_thread_that_others_depend_on_does_not_wait() {
    let client = client_of(&receiver(), never);
    fill(&client);
    client.set_timeout(Duration::MAX);
    let _duty = Duty::begin();
    accept(&client, vec![0; 1024]);
    assert_eq!(client.stats().unsent, 1);
}

#[test]
fn the_end_drops_what_waits_and_releases_the_threads_that_wait() {
    let client = client_of(&receiver(), never);
    let count = fill(&client);
    client.set_timeout(Duration::MAX);
    let sender = client.clone();
    let waiting = thread::spawn(move || accept(&sender, vec![0; 1024]));
    client.stop();
    waiting.join().unwrap();
    assert_eq!((client.stats().unsent, client.stats().queued), (count + 1, 0));
}

#[test]
fn an_error_about_an_earlier_datagram_does_not_cost_this_one() {
    static REPORTS: AtomicBool = AtomicBool::new(true);
    fn send(socket: &UdpSocket, datagrams: &[&[u8]], to: SocketAddr) -> io::Result<usize> {
        match REPORTS.swap(false, Ordering::SeqCst) {
            true => Err(io::ErrorKind::ConnectionRefused.into()),
            false => udp::send(socket, datagrams, to),
        }
    }
    let socket = receiver();
    let client = client_of(&socket, send);
    accept(&client, vec![7]);
    assert_eq!(received(&socket), 7);
    assert_eq!(client.stats().unsent, 0);
}

/// Frames of one byte each: these.
fn frames(range: std::ops::Range<u8>) -> Vec<Dispatch> {
    range.map(|n| Arc::new(Frame::from(vec![n])).into()).collect()
}

/// Indices and texts of those that were dropped.
fn drops(frames: &[Dispatch]) -> Vec<(usize, &str)> {
    assert!(frames.iter().all(|dispatch| dispatch.frame.is_none()), "all are taken");
    let dropped = frames.iter().map(|dispatch| dispatch.dropped.as_deref()).enumerate();
    dropped.filter_map(|(index, text)| Some((index, text?))).collect()
}

#[test]
fn frames_that_are_sent_together_leave_with_few_system_calls_and_in_their_order() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    fn send(socket: &UdpSocket, datagrams: &[&[u8]], to: SocketAddr) -> io::Result<usize> {
        CALLS.fetch_add(1, Ordering::SeqCst);
        udp::send(socket, datagrams, to)
    }
    let socket = receiver();
    let client = client_of(&socket, send);
    let mut sent = frames(0..70);
    sent[40].frame.as_ref().unwrap().set_error(3);
    client.stream_slave().accept_frames(&mut sent);
    assert!(matches!(drops(&sent)[..], [(40, text)] if text.contains("error 0x3")));
    for n in (0..70).filter(|n| *n != 40) {
        assert_eq!(received(&socket), n);
    }
    // 32 of them; those up to the one with an error; those behind it.
    assert_eq!(CALLS.load(Ordering::SeqCst), 3);
    let stats = client.stats();
    assert_eq!((stats.datagrams_out, stats.bytes_out, stats.unsent), (69, 69, 1));
    assert_eq!(client.stream_slave().base().frame_count(), 69);
}

#[test]
fn of_frames_that_are_sent_together_only_those_that_the_system_refuses_are_dropped() {
    fn send(socket: &UdpSocket, datagrams: &[&[u8]], to: SocketAddr) -> io::Result<usize> {
        match datagrams.iter().position(|datagram| datagram[0] % 4 == 3) {
            Some(0) => Err(io::ErrorKind::PermissionDenied.into()),
            first => udp::send(socket, &datagrams[..first.unwrap_or(datagrams.len())], to),
        }
    }
    let socket = receiver();
    let client = client_of(&socket, send);
    let mut sent = frames(0..8);
    client.stream_slave().accept_frames(&mut sent);
    let dropped = drops(&sent);
    assert_eq!(dropped.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [3, 7]);
    assert!(dropped.iter().all(|(_, text)| text.contains("was not sent")), "{dropped:?}");
    for n in [0, 1, 2, 4, 5, 6] {
        assert_eq!(received(&socket), n);
    }
}

#[test]
fn of_frames_that_are_sent_together_those_without_room_wait_and_the_last_ones_are_dropped() {
    static ROOM: AtomicUsize = AtomicUsize::new(2);
    fn send(socket: &UdpSocket, datagrams: &[&[u8]], to: SocketAddr) -> io::Result<usize> {
        match ROOM.swap(0, Ordering::SeqCst).min(datagrams.len()) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => udp::send(socket, &datagrams[..count], to),
        }
    }
    const BYTES: usize = QUEUE_BYTES_MAX / 4;
    let socket = receiver();
    let client = client_of(&socket, send);
    let _duty = Duty::begin();
    let large = |n| Dispatch::from(Arc::new(Frame::from(vec![n; BYTES])));
    let mut sent = frames(0..2);
    sent.extend((2..8).map(large));
    client.stream_slave().accept_frames(&mut sent);
    let dropped = drops(&sent);
    assert_eq!(dropped.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [6, 7]);
    assert!(dropped.iter().all(|(_, text)| text.contains("more slowly")), "{dropped:?}");
    assert_eq!((received(&socket), received(&socket)), (0, 1));
    assert_eq!((client.stats().queued, client.stats().unsent), (4, 2));
}
