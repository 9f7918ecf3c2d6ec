use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use testkit_base::vectors::{from_hex, lines};

use super::*;

/// A record as it goes in and comes out.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Plain {
    data: Vec<u8>,
    info: RecordInfo,
}

fn layouts() -> impl Iterator<Item = Layout> {
    (0..=WIDTH_CODE_MAX).filter_map(Layout::v1).chain([Layout::v2()])
}

/// Packs over old bytes.
fn packed(layout: Layout, sequence: u8, records: &[Plain]) -> Vec<u8> {
    let bytes = records.iter().map(|record| layout.record_bytes(record.data.len() as u64));
    let mut frame = vec![0xA5; layout.header_bytes() + bytes.sum::<u64>() as usize];
    let mut packer = Packer::new(layout, sequence, &mut frame);
    for Plain { data, info } in records {
        packer.record(data.chunks(5), data.len() as u32, *info);
    }
    frame
}

fn parsed(version: Version, bytes: &[u8]) -> Result<Vec<Plain>, Fault> {
    let super_frame = parse(version, bytes)?;
    assert_eq!(super_frame.layout().version(), version);
    let plain = |record: Record<'_>| Plain { data: record.data.to_vec(), info: record.info };
    Ok(super_frame.records().map(plain).collect())
}

fn random_records(rng: &mut impl Rng, count: usize) -> Vec<Plain> {
    let record = |_| {
        let mut data = vec![0; rng.random_range(0..70)];
        rng.fill_bytes(&mut data);
        let info =
            RecordInfo { dest: rng.random(), first_user: rng.random(), last_user: rng.random() };
        Plain { data, info }
    };
    (0..count).map(record).collect()
}

fn byte(row: &Value, key: &str) -> u8 {
    row[key].as_u64().unwrap_or_else(|| panic!("{key} in {row}")) as u8
}

fn hex(value: &Value) -> Vec<u8> {
    from_hex(value.as_str().unwrap())
}

fn recorded(rows: &Value) -> Vec<Plain> {
    let record = |row: &Value| {
        let users = row["flags"].as_u64().map(|flags| (flags as u8, (flags >> 8) as u8));
        let (first_user, last_user) =
            users.unwrap_or_else(|| (byte(row, "first_user"), byte(row, "last_user")));
        let info = RecordInfo { dest: byte(row, "channel"), first_user, last_user };
        Plain { data: hex(&row["payload"]), info }
    };
    rows.as_array().unwrap().iter().map(record).collect()
}

fn version(row: &Value) -> Version {
    [Version::V1, Version::V2][usize::from(byte(row, "version")) - 1]
}

#[test]
fn super_frames_are_made_read_and_inverted_as_recorded() {
    let (mut combined, mut split, mut below_minimum) = (0, 0, 0);
    for line in lines("batcher") {
        let row: Value = serde_json::from_str(&line).unwrap();
        let version = version(&row);
        if row["kind"] == "split" {
            // The frame's error is the node's business.
            if byte(&row, "error") == 0 {
                let found = parsed(version, &hex(&row["input"])).unwrap_or_default();
                assert_eq!(found, recorded(&row["splitter_output"]), "{row}");
            }
            split += 1;
            continue;
        }
        let layout = match row["width"].as_u64() {
            Some(code) => Layout::v1(code as u8).unwrap(),
            None => Layout::v2(),
        };
        let (records, bytes) = (recorded(&row["records"]), hex(&row["super_frame"]["payload"]));
        assert_eq!(packed(layout, bytes[1], &records), bytes, "{row}");
        // The reference drops what is smaller, although it makes it.
        let least = if version == Version::V1 { 16 } else { 10 };
        if bytes.len() < least {
            assert_eq!(row["splitter_output"], serde_json::json!([]));
            below_minimum += 1;
        } else {
            assert_eq!(recorded(&row["splitter_output"]), records, "{row}");
            let mut inverted = bytes.clone();
            let expected = row["inverter_output"].as_array().unwrap();
            match invert(version, &mut inverted) {
                Ok(count) => assert_eq!(inverted[..count], hex(&expected[0]["payload"]), "{row}"),
                Err(fault) => {
                    assert!(matches!(fault, Fault::NotInvertible { .. }), "{fault}: {row}");
                    assert!(expected.is_empty() && inverted == bytes, "{row}");
                }
            }
        }
        assert_eq!(parse(version, &bytes).unwrap().sequence(), bytes[1]);
        assert_eq!(parsed(version, &bytes).unwrap(), records, "{row}");
        combined += 1;
    }
    assert_eq!((combined, split, below_minimum), (19, 10, 3));
}

#[test]
fn what_is_packed_comes_out_again() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for layout in layouts() {
        for count in [1, 2, 3, 40] {
            let records = random_records(&mut rng, count);
            let bytes = packed(layout, count as u8, &records);
            assert_eq!(parsed(layout.version(), &bytes).unwrap(), records, "{layout:?}");
            let super_frame = parse(layout.version(), &bytes).unwrap();
            for (index, record) in super_frame.records().enumerate() {
                assert_eq!(&bytes[record.start..record.start + record.data.len()], record.data);
                assert_eq!(super_frame.record(index), Some(record));
            }
            assert_eq!((super_frame.count(), super_frame.record(count)), (count, None));
        }
    }
}

#[test]
fn a_code_above_the_largest_is_no_width() {
    assert_eq!(Layout::v1(WIDTH_CODE_MAX + 1), None);
    assert_eq!(Layout::v1(255), None);
}

#[test]
fn every_shorter_length_is_refused_or_is_a_super_frame_of_its_own() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for layout in layouts() {
        let records = random_records(&mut rng, 6);
        let bytes = packed(layout, 0, &records);
        let (mut end, mut ends) = (layout.header_bytes(), Vec::new());
        for record in &records {
            end += layout.record_bytes(record.data.len() as u64) as usize;
            ends.push(end);
        }
        for length in 0..=bytes.len() {
            let whole = ends.iter().position(|end| *end == length);
            match (parsed(layout.version(), &bytes[..length]), whole) {
                (Ok(found), Some(last)) => assert_eq!(found, records[..=last]),
                // Data may look like a tail; then all of it is within the super-frame.
                (Ok(found), None) => {
                    assert!(!found.is_empty(), "{layout:?} {length}");
                }
                (Err(fault), None) => assert!(!fault.to_string().is_empty()),
                (Err(fault), Some(_)) => panic!("{layout:?} {length}: {fault}"),
            }
        }
    }
}

#[test]
fn corrupted_super_frames_are_refused_or_read_within_their_bounds() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (mut refused, mut read) = (0, 0);
    for round in 0..20_000 {
        let all: Vec<Layout> = layouts().collect();
        let layout = all[round % all.len()];
        let count = rng.random_range(1..8);
        let records = random_records(&mut rng, count);
        let mut bytes = packed(layout, 7, &records);
        for _ in 0..rng.random_range(1..6) {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = [rng.random(), 0, 0xFF][rng.random_range(0..3)];
        }
        bytes.truncate(rng.random_range(0..=bytes.len() + 10));
        match parse(layout.version(), &bytes) {
            Err(fault) => {
                refused += 1;
                let before = bytes.clone();
                assert_eq!(invert(layout.version(), &mut bytes), Err(fault));
                assert_eq!(bytes, before, "a refused one stays as it is");
            }
            Ok(super_frame) => {
                read += 1;
                let data: usize = super_frame.records().map(|record| record.data.len()).sum();
                assert!(data < bytes.len() && super_frame.count() <= bytes.len() / 7);
                let mut inverted = bytes.clone();
                if let Ok(count) = invert(layout.version(), &mut inverted) {
                    assert!(count < bytes.len());
                }
            }
        }
    }
    assert!(refused > 1000 && read > 1000, "{refused} {read}");
}

#[test]
fn sizes_near_the_end_of_their_range_do_not_wrap() {
    for layout in layouts() {
        for size in [u32::MAX, u32::MAX - 1, u32::MAX - 62, 1 << 31] {
            let mut bytes =
                packed(layout, 0, &[Plain { data: vec![1; 8], info: RecordInfo::default() }]);
            let tail = bytes.len() - layout.tail_bytes();
            bytes[tail..tail + 4].copy_from_slice(&size.to_le_bytes());
            let fault = parse(layout.version(), &bytes).unwrap_err();
            assert!(matches!(fault, Fault::NoRoomForData { .. }), "{fault}");
            assert!(fault.to_string().starts_with("Not enough space ("), "{fault}");
        }
    }
}
