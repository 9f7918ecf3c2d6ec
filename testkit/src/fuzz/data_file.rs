//! Data files: the records at the start of a file.

use rogue_mem::proto::data_file::{
    header, payload_bytes, whole_records, Metadata, HEADER_BYTES, METADATA_BYTES, SIZE_BYTES,
};

/// The records of `bytes` by a naive reading: offset of the payload, its length, and the metadata.
fn naive(bytes: &[u8]) -> Vec<(usize, usize, Metadata)> {
    let (mut found, mut at) = (Vec::new(), 0_u64);
    let length = bytes.len() as u64;
    while at + HEADER_BYTES as u64 <= length {
        let start = at as usize;
        let size = u32::from_le_bytes(bytes[start..start + SIZE_BYTES].try_into().expect("4"));
        let word = bytes[start + SIZE_BYTES..start + HEADER_BYTES].try_into().expect("4");
        let payload = u64::from(size).saturating_sub(METADATA_BYTES as u64);
        if size == 0 || at + HEADER_BYTES as u64 + payload > length {
            break;
        }
        found.push((start + HEADER_BYTES, payload as usize, Metadata::decode(word)));
        at += HEADER_BYTES as u64 + payload;
    }
    found
}

/// A file, and every beginning of it.
pub fn records(bytes: &[u8]) {
    let records = naive(bytes);
    let mut previous = (0, 0);
    for length in 0..=bytes.len() {
        let (count, end) = whole_records(&bytes[..length]);
        let expected = records.iter().take_while(|(start, payload, _)| start + payload <= length);
        assert_eq!(count, expected.count(), "{length}");
        assert!(end <= length && (count, end) >= previous);
        previous = (count, end);
    }
    for (start, payload, metadata) in records {
        assert_eq!(Metadata::decode(metadata.encode()), metadata);
        let again = header(payload as u64, metadata).expect("it was read");
        let word = [again[0], again[1], again[2], again[3]];
        assert_eq!(payload_bytes(word), Some(payload as u32));
        // Sizes below that of the metadata have several forms.
        if payload > 0 {
            assert_eq!(again, bytes[start - HEADER_BYTES..start]);
        }
    }
}
