use super::*;

#[test]
fn what_has_been_sent_does_not_pile_up_in_front_of_what_waits() {
    const CHUNK_OCTETS: usize = 200_000;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut reader = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (sender, _) = listener.accept().unwrap();
    sender.set_nonblocking(true).unwrap();
    let sender = ByteStream::Tcp(mio::net::TcpStream::from_std(sender));
    let mut outgoing = Outgoing::default();
    // More than the system's buffers take, so that something is always queued.
    while outgoing.backlog() < 4 * CHUNK_OCTETS {
        outgoing.end().extend_from_slice(&[7; CHUNK_OCTETS]);
        outgoing.send(&sender).unwrap();
    }
    let mut chunk = vec![0; CHUNK_OCTETS];
    for _ in 0..500 {
        reader.read_exact(&mut chunk).unwrap();
        outgoing.end().extend_from_slice(&chunk);
        outgoing.send(&sender).unwrap();
        let kept = outgoing.backlog() + outgoing.sent;
        assert!(kept <= 2 * outgoing.backlog() + SENT_KEPT_OCTETS_MAX, "{kept}");
    }
    assert!(chunk.iter().all(|&octet| octet == 7));
}
