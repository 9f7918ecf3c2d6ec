use super::*;

fn syn() -> Syn {
    Syn {
        version: VERSION,
        has_checksum: true,
        max_buffers: 32,
        max_segment: 1464,
        retran_timeout: 20,
        cum_ack_timeout: 5,
        null_timeout: 1000,
        max_retran: 15,
        max_cum_ack: 2,
        max_out_of_sequence: 0,
        unit: UNIT_MS,
        connection_id: CONNECTION_ID,
    }
}

/// Headers of both lengths.
fn headers() -> [Header; 2] {
    let (sequence, acknowledge) = (Sequence(0xC3), Sequence(0x5A));
    let plain = Header::plain(ACK | BUSY, sequence, acknowledge);
    [plain, Header { flags: SYN, syn: Some(syn()), ..plain }]
}

#[test]
fn a_header_is_decoded_as_it_was_encoded_whatever_the_buffer_held() {
    for header in headers() {
        let mut bytes = [0xFF; SYN_BYTES];
        let count = header.encode(&mut bytes);
        assert_eq!(count, header.bytes());
        assert_eq!(Header::decode(&bytes[..count], count), Ok(header));
        // A payload follows the short one.
        assert_eq!(Header::decode(&bytes, 2000), Ok(header));
    }
}

#[test]
fn no_shorter_length_is_a_header_and_none_panics() {
    for header in headers() {
        let mut bytes = [0; SYN_BYTES];
        let count = header.encode(&mut bytes);
        for shorter in 0..count {
            let result = Header::decode(&bytes[..shorter], shorter);
            assert!(matches!(result, Err(Malformed::Short { bytes, .. }) if bytes == shorter));
            // The datagram ends within the header, whatever is in memory behind it.
            let result = Header::decode(&bytes, shorter);
            assert!(matches!(result, Err(Malformed::Short { bytes, .. }) if bytes == shorter));
        }
    }
}

#[test]
fn every_changed_bit_of_a_header_is_noticed() {
    for header in headers() {
        let mut bytes = [0; SYN_BYTES];
        let count = header.encode(&mut bytes);
        for bit in 0..8 * count {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&changed[..count], count).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_length_that_does_not_belong_to_the_flags_is_refused() {
    for header in headers() {
        for length in (0..=255).filter(|length| usize::from(*length) != header.bytes()) {
            let mut bytes = [0; SYN_BYTES];
            let count = header.encode(&mut bytes);
            bytes[1] = length;
            let flags = header.flags;
            let expected = Malformed::HeaderLength { flags, length };
            assert_eq!(Header::decode(&bytes[..count], 100), Err(expected));
        }
    }
}

#[test]
fn both_checksums_are_accepted_and_an_ambiguous_header_is_known() {
    let mut ambiguous = 0;
    for sequence in 0..=255 {
        for max_segment in (0..=u16::MAX).step_by(97) {
            let syn = Syn { max_segment, retran_timeout: 0xFFFF, null_timeout: 0xFFF0, ..syn() };
            let sequence = Sequence(sequence);
            let acknowledge = Sequence(0);
            let header = Header { flags: SYN, sequence, acknowledge, syn: Some(syn) };
            if header.is_unambiguous() {
                continue;
            }
            ambiguous += 1;
            let mut bytes = [0; SYN_BYTES];
            let count = header.encode(&mut bytes);
            assert_eq!(Header::decode(&bytes, count), Ok(header));
            // As software computes it: one more.
            let checksum = u16::from_be_bytes([bytes[22], bytes[23]]).wrapping_add(1);
            bytes[22..].copy_from_slice(&checksum.to_be_bytes());
            assert_eq!(Header::decode(&bytes, count), Ok(header));
            let checksum = checksum.wrapping_add(1);
            bytes[22..].copy_from_slice(&checksum.to_be_bytes());
            assert!(matches!(Header::decode(&bytes, count), Err(Malformed::Checksum { .. })));
        }
    }
    assert!(ambiguous > 0, "no header was ambiguous");
}
