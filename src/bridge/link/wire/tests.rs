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
        outgoing.end(0).unwrap().extend_from_slice(&[7; CHUNK_OCTETS]);
        outgoing.send(&sender).unwrap();
    }
    let mut chunk = vec![0; CHUNK_OCTETS];
    for _ in 0..500 {
        reader.read_exact(&mut chunk).unwrap();
        outgoing.end(0).unwrap().extend_from_slice(&chunk);
        outgoing.send(&sender).unwrap();
        let kept = outgoing.backlog() + outgoing.sent;
        assert!(kept <= 2 * outgoing.backlog() + SENT_KEPT_OCTETS_MAX, "{kept}");
    }
    assert!(chunk.iter().all(|&octet| octet == 7));
}

/// Makes frames whose octets tell what was sealed.
#[derive(Debug)]
struct Marking;

impl Sealer for Marking {
    fn seal(&mut self, header: FrameHeader, body: &[u8], out: &mut Vec<u8>) {
        assert_eq!(header.len, body.len() as u64);
        out.extend_from_slice(b"<");
        header.encode(out);
        out.extend_from_slice(body);
        out.extend_from_slice(b">");
    }
}

#[test]
fn a_block_is_sealed_as_if_it_had_been_copied_to_its_message() {
    let block: Vec<u8> = (0..200_000_u32).map(|at| (at / 3) as u8).collect();
    let header = |len: usize, out: &mut Vec<u8>| {
        FrameHeader { len: len as u64, more: true, command: false }.encode(out);
    };
    let sizes = [0, 1, 300, BLOCK_OCTETS_MIN - 1, BLOCK_OCTETS_MIN, 70_000, 200_000];
    for (size, cut) in sizes.into_iter().flat_map(|size| [(size, size), (size, size / 2)]) {
        let sealed = |append: &dyn Fn(&mut Outgoing, &[u8])| {
            let mut out = Outgoing { sealer: Some(Box::new(Marking)), ..Outgoing::default() };
            // Two messages, of which the first waits; a frame before and one behind the block.
            for len in [5, 100] {
                header(len, out.end(0).unwrap());
                out.end(0).unwrap().extend_from_slice(&block[..len]);
                header(size, out.end(0).unwrap());
                for part in [&block[..cut], &block[cut..size]] {
                    append(&mut out, part);
                }
                header(2, out.end(0).unwrap());
                out.end(0).unwrap().extend_from_slice(b"OK");
            }
            out.appended(0);
            std::mem::take(out.end(0).unwrap())
        };
        let copied = sealed(&|out, part| out.end(0).unwrap().extend_from_slice(part));
        let appended = sealed(&|out, part| drop(out.append(part.to_vec())));
        assert!(copied == appended, "{size} octets, cut at {cut}");
        let foreign = sealed(&|out, part| out.append_foreign(part.to_vec()));
        assert!(copied == foreign, "{size} octets, cut at {cut}");
    }
}

#[test]
fn f164_small_messages_leave_a_small_buffer_to_an_idle_connection() {
    const MESSAGE_OCTETS: usize = 64;
    let mut outgoing = Outgoing::default();
    for _ in 0..10 {
        outgoing.end(4).unwrap().extend_from_slice(&[0; MESSAGE_OCTETS]);
        assert!(
            outgoing.end_of_answers(4).unwrap().capacity() - outgoing.end.len()
                >= HEADS_OCTETS_MAX + 4
        );
    }
    let kept = outgoing.end.capacity();
    assert!(kept <= 2 * (10 * MESSAGE_OCTETS + HEADS_OCTETS_MAX + 4), "{kept} octets");
}

#[test]
fn f165_nothing_is_encoded_where_there_is_no_memory_for_it() {
    let mut outgoing = Outgoing::default();
    outgoing.end(4).unwrap().extend_from_slice(&[0; 64]);
    // More than any system has.
    assert!(outgoing.end(isize::MAX as usize - HEADS_OCTETS_MAX).is_none());
    assert!(outgoing.end(4).is_none() && outgoing.end_of_answers(4).is_none());
    outgoing.append_copy(&[0; 64]);
    assert_eq!(outgoing.backlog(), 1, "the connection ends with the next flush");
}
