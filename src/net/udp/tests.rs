use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

fn at(ip: impl Into<std::net::IpAddr>) -> SocketAddr {
    SocketAddr::new(ip.into(), 0)
}

fn pair(address: SocketAddr) -> (UdpSocket, UdpSocket) {
    (bind(address).unwrap(), bind(address).unwrap())
}

/// A datagram that has arrived.
struct Seen {
    bytes: Vec<u8>,
    is_truncated: bool,
    source: Option<SocketAddr>,
}

/// Receives until `count` datagrams have come, and returns how many arrivals they were; the sockets
/// of a test wait for nothing.
fn receive_all(socket: &UdpSocket, count: usize, room_bytes: usize) -> (Vec<Seen>, usize) {
    let (mut rooms, mut arrivals) = (vec![vec![0xA5; room_bytes]; count], Vec::new());
    let mut spill = vec![0x5A; count * SPILL_BYTES];
    let (mut all, mut together) = (Vec::new(), 0);
    while all.len() < count {
        let places = rooms.iter_mut().map(Vec::as_mut_slice);
        match receive::<BATCH_COUNT_MAX>(socket, places, &mut spill, &mut arrivals) {
            Ok(()) => {
                for (arrival, (room, spill)) in
                    arrivals.iter().zip(rooms.iter().zip(spill.chunks(SPILL_BYTES)))
                {
                    let bytes = [&room[..], spill].concat();
                    let Arrival { is_truncated, source, .. } = *arrival;
                    all.extend(arrival.datagrams().map(|range| {
                        let bytes = bytes[range].to_vec();
                        Seen { bytes, is_truncated, source }
                    }));
                    together += 1;
                }
            }
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    (all, together)
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
        let (all, _) = receive_all(&other, 40, 64);
        for (seen, text) in all.iter().zip(&texts) {
            assert_eq!(&seen.bytes, text);
            assert_eq!(seen.source, Some(one.local_addr().unwrap()));
            assert!(!seen.is_truncated);
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
        // What is joined goes on behind a room of any size.
        for (sizes, room_bytes) in batches.into_iter().flat_map(|it| [(it, 9000), (it, 5)]) {
            let texts = (0..).zip(sizes).map(|(n, &size)| vec![n; size]);
            let texts: Vec<Vec<u8>> = texts.collect();
            let datagrams: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
            let mut done = 0;
            while done < datagrams.len() {
                let sent = send(&one, &datagrams[done..], to).unwrap();
                assert!(sent > 0);
                done += sent;
            }
            let (all, _) = receive_all(&other, texts.len(), room_bytes);
            assert!(all.iter().map(|seen| &seen.bytes).eq(&texts), "{sizes:?}");
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn datagrams_of_one_size_that_are_sent_together_are_received_together() {
    let (one, other) = pair(at(Ipv4Addr::LOCALHOST));
    let sent: Vec<&[u8]> = vec![&[7; 1400]; 32];
    assert_eq!(send(&one, &sent, other.local_addr().unwrap()).unwrap(), 32);
    let (all, together) = receive_all(&other, 32, 1472);
    assert_eq!(together, 1, "by one arrival");
    assert!(all.iter().all(|seen| seen.bytes == [7; 1400]));
}

#[test]
fn an_arrival_says_where_its_datagrams_lie() {
    let datagrams = |bytes, datagram_bytes| {
        let arrival = Arrival { bytes, datagram_bytes, is_truncated: false, source: None };
        arrival.datagrams().map(|range| (range.start, range.end)).collect::<Vec<_>>()
    };
    assert_eq!(datagrams(0, 0), [(0, 0)]);
    assert_eq!(datagrams(9, 9), [(0, 9)]);
    assert_eq!(datagrams(20, 9), [(0, 9), (9, 18), (18, 20)]);
}

#[test]
fn a_datagram_longer_than_its_room_is_cut_and_says_so() {
    let (one, other) = pair(at(Ipv4Addr::LOCALHOST));
    let (mut rooms, mut arrivals) = ([[0; 8]; 2], Vec::new());
    for datagram in [&[1; 9][..], &[2; 8]] {
        send(&one, &[datagram], other.local_addr().unwrap()).unwrap();
    }
    let places = rooms.iter_mut().map(|room| &mut room[..]);
    receive::<BATCH_COUNT_MAX>(&other, places, &mut [], &mut arrivals).unwrap();
    assert_eq!(rooms, [[1; 8], [2; 8]]);
    assert_eq!(arrivals.iter().map(|it| it.is_truncated).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn an_empty_datagram_is_one() {
    let (one, other) = pair(at(Ipv4Addr::LOCALHOST));
    send(&one, &[&[]], other.local_addr().unwrap()).unwrap();
    assert_eq!(receive_all(&other, 1, 8).0[0].bytes.len(), 0);
}

#[test]
fn without_a_datagram_or_a_room_nothing_is_received() {
    let (one, _other) = pair(at(Ipv4Addr::LOCALHOST));
    let (mut room, mut received) = ([0; 4], Vec::new());
    let rooms = [&mut room[..]].into_iter();
    let outcome = receive::<BATCH_COUNT_MAX>(&one, rooms, &mut [], &mut received);
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
    let left = 100 - dropped as usize;
    assert_eq!(receive_all(&other, left, 1000).0.len(), left);
}
