use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

fn at(ip: impl Into<std::net::IpAddr>) -> SocketAddr {
    SocketAddr::new(ip.into(), 0)
}

fn pair(address: SocketAddr) -> (UdpSocket, UdpSocket) {
    (bind(address).unwrap(), bind(address).unwrap())
}

/// Receives until `count` datagrams have come; the sockets of a test wait for nothing.
fn receive_all(socket: &UdpSocket, count: usize, room_bytes: usize) -> Vec<(Vec<u8>, Datagram)> {
    let (mut rooms, mut received) = (vec![vec![0xA5; room_bytes]; count], Vec::new());
    let mut all = Vec::new();
    while all.len() < count {
        match receive::<BATCH_COUNT_MAX>(
            socket,
            rooms.iter_mut().map(Vec::as_mut_slice),
            &mut received,
        ) {
            Ok(()) => {
                let seen = received.iter().zip(&rooms);
                all.extend(seen.map(|(seen, room)| (room[..seen.bytes].to_vec(), *seen)));
            }
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    all
}

#[test]
fn datagrams_arrive_whole_in_order_and_with_their_source() {
    for address in [at(Ipv4Addr::LOCALHOST), at(Ipv6Addr::LOCALHOST)] {
        let (one, other) = pair(address);
        let texts: Vec<Vec<u8>> = (0..40).map(|n| vec![n; usize::from(n) + 1]).collect();
        let datagrams: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let to = other.local_addr().unwrap();
        let sent = send(&one, &datagrams, to).unwrap();
        assert_eq!(sent, BATCH_COUNT_MAX, "one call takes no more");
        assert_eq!(send(&one, &datagrams[sent..], to).unwrap(), 40 - sent);
        let all = receive_all(&other, 40, 64);
        for ((bytes, datagram), text) in all.iter().zip(&texts) {
            assert_eq!(bytes, text);
            assert_eq!(datagram.source, Some(one.local_addr().unwrap()));
            assert!(!datagram.is_truncated);
        }
    }
}

#[test]
fn datagrams_of_one_size_arrive_one_by_one_however_the_system_sends_them() {
    // Equal ones, equal ones with a shorter last one, growing ones, large ones, and a mixture.
    let batches: [&[usize]; 6] = [
        &[1472; 32],
        &[1472, 1472, 56],
        &[10, 20, 30],
        &[8972; 10],
        &[100, 100, 50, 100, 100, 7, 200],
        &[1; 5],
    ];
    for address in [at(Ipv4Addr::LOCALHOST), at(Ipv6Addr::LOCALHOST)] {
        let (one, other) = pair(address);
        let to = other.local_addr().unwrap();
        for sizes in batches {
            let texts = (0..).zip(sizes).map(|(n, &size)| vec![n; size]);
            let texts: Vec<Vec<u8>> = texts.collect();
            let datagrams: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
            let mut done = 0;
            while done < datagrams.len() {
                let sent = send(&one, &datagrams[done..], to).unwrap();
                assert!(sent > 0);
                done += sent;
            }
            let all = receive_all(&other, texts.len(), 9000);
            assert!(all.iter().map(|(bytes, _)| bytes).eq(&texts), "{sizes:?}");
        }
    }
}

#[test]
fn a_datagram_longer_than_its_room_is_cut_and_says_so() {
    let (one, other) = pair(at(Ipv4Addr::LOCALHOST));
    send(&one, &[&[1; 9], &[2; 8]], other.local_addr().unwrap()).unwrap();
    let all = receive_all(&other, 2, 8);
    assert_eq!((all[0].0.as_slice(), all[0].1.is_truncated), (&[1; 8][..], true));
    assert_eq!((all[1].0.as_slice(), all[1].1.is_truncated), (&[2; 8][..], false));
}

#[test]
fn an_empty_datagram_is_one() {
    let (one, other) = pair(at(Ipv4Addr::LOCALHOST));
    send(&one, &[&[]], other.local_addr().unwrap()).unwrap();
    assert_eq!(receive_all(&other, 1, 8)[0].1.bytes, 0);
}

#[test]
fn without_a_datagram_or_a_room_nothing_is_received() {
    let (one, _other) = pair(at(Ipv4Addr::LOCALHOST));
    let (mut room, mut received) = ([0; 4], Vec::new());
    let outcome = receive::<BATCH_COUNT_MAX>(&one, [&mut room[..]].into_iter(), &mut received);
    assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(send(&one, &[], one.local_addr().unwrap()).unwrap(), 0);
}

#[test]
fn a_second_socket_cannot_be_bound_to_the_same_port() {
    let one = bind(at(Ipv4Addr::LOCALHOST)).unwrap();
    let error = bind(one.local_addr().unwrap()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[test]
#[cfg(target_os = "linux")]
fn the_network_reports_that_nobody_listens_and_to_which_address() {
    for address in [at(Ipv4Addr::LOCALHOST), at(Ipv6Addr::LOCALHOST)] {
        let (one, other) = pair(address);
        let nobody = other.local_addr().unwrap();
        drop(other);
        send(&one, &[&[1]], nobody).unwrap();
        let error = network_error(&one).expect("loopback answers within the call");
        assert_eq!(error.destination, Some(nobody));
        assert_eq!(error.cause.kind(), io::ErrorKind::ConnectionRefused);
        assert!(network_error(&one).is_none());
    }
}

#[test]
fn a_receive_buffer_is_as_large_as_stated() {
    let one = bind(at(Ipv4Addr::LOCALHOST)).unwrap();
    let granted = set_receive_buffer(&one, 100_000).unwrap();
    assert!(granted >= 100_000, "{granted}");
    assert_eq!(receive_buffer(&one).unwrap(), granted);
    // No system gives that.
    assert!(set_receive_buffer(&one, usize::MAX).map_or(true, |granted| granted < 1 << 40));
}

#[test]
#[cfg(target_os = "linux")]
fn datagrams_that_found_no_room_are_counted() {
    let (one, other) = pair(at(Ipv4Addr::LOCALHOST));
    set_receive_buffer(&other, 1).unwrap();
    let to = other.local_addr().unwrap();
    for _ in 0..100 {
        send(&one, &[&[0; 1000]], to).unwrap();
    }
    let dropped = overflow_count(&other);
    assert!((1..100).contains(&dropped), "{dropped}");
    assert_eq!(receive_all(&other, 100 - dropped as usize, 1000).len(), 100 - dropped as usize);
}
