//! Super-frames of the batcher, both versions.

use rogue_mem::proto::batcher::{invert, parse, Fault, Packer, Version};

use super::heap::bounded;

/// Reads a super-frame, makes it again, and inverts it.
pub fn batcher(data: &[u8]) {
    let (&options, bytes) = data.split_first().unwrap_or((&0, &[]));
    let version = if options & 1 == 0 { Version::V1 } else { Version::V2 };
    // Four bytes for each tail of seven or more, in a vector that doubles.
    let parsed = bounded(2 * bytes.len() + 64, || parse(version, bytes));
    let super_frame = match parsed {
        Ok(super_frame) => super_frame,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            assert_eq!(invert(version, &mut bytes.to_vec()), Err(fault));
            return;
        }
    };
    let layout = super_frame.layout();
    let (header, tail) = (layout.header_bytes(), layout.tail_bytes());
    let records: Vec<_> = super_frame.records().collect();
    assert_eq!(records.len(), super_frame.count());
    // Records follow each other without a gap, from the header to the end.
    let mut at = header;
    for record in &records {
        assert_eq!((record.start, &bytes[at..at + record.data.len()]), (at, record.data));
        at += layout.record_bytes(record.data.len() as u64) as usize;
        assert_eq!(record.tail + tail, at);
    }
    assert_eq!(at, bytes.len());

    let mut again = vec![0xA5; bytes.len()];
    let mut packer = Packer::new(layout, super_frame.sequence(), &mut again);
    for record in &records {
        packer.record([record.data], record.data.len() as u32, record.info);
    }
    let found = parse(version, &again).expect("what is packed can be read");
    assert_eq!((found.layout(), found.sequence()), (layout, super_frame.sequence()));
    let same = |one: &[_], other: &[_]| one == other;
    let found: Vec<_> = found.records().collect();
    assert!(same(&found, &records));

    let mut inverted = bytes.to_vec();
    match invert(version, &mut inverted) {
        Ok(length) => {
            assert_eq!(length + header, bytes.len());
            // Each tail stands where the header or the tail before it was.
            let mut into = 0;
            for record in &records {
                assert_eq!(inverted[into..into + header], bytes[record.tail..record.tail + header]);
                let data = record.start..record.start + record.data.len();
                assert_eq!(inverted[data.clone()], bytes[data]);
                into = record.tail;
            }
        }
        Err(fault) => {
            assert_eq!(fault, Fault::NotInvertible { header, tail });
            assert_eq!(inverted, bytes);
        }
    }
}
