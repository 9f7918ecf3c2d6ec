//! `FileReader`.

use std::sync::Mutex;
use std::time::Duration;

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rogue_mem::stream::Sink;
use rogue_mem::Status;

use testkit::wait::{wait_until_freed, Gate};

use super::*;

fn recorded(rows: &Value) -> Vec<Seen> {
    let seen = |row: &Value| Seen {
        bytes: hex(&row["payload"]),
        flags: number(row, "flags") as u16,
        channel: number(row, "channel") as u8,
        error: number(row, "error") as u8,
    };
    rows.as_array().unwrap().iter().map(seen).collect()
}

#[test]
fn files_are_read_as_recorded() {
    let rows = rows("read");
    let mut faults = 0;
    for row in &rows {
        let folder = Folder::new();
        let (reading, seen) = Reading::all(&folder.file("data", &hex(&row["file"])));
        assert_eq!(seen, recorded(&row["frames"]), "{row}");
        let stats = reading.reader.stats();
        assert_eq!(stats.frames as usize, seen.len());
        assert_eq!(stats.faults == 1, !reading.reader.error().is_empty(), "{row}");
        faults += stats.faults;
    }
    assert_eq!((rows.len(), faults), (7, 4));
}

#[test]
fn every_shorter_length_gives_the_records_before_it_and_one_fault() {
    let folder = Folder::new();
    let records: Vec<_> = [&b"abc"[..], b"", b"0123456789", b"z"]
        .iter()
        .zip(1..)
        .map(|(payload, channel)| record(payload, channel))
        .collect();
    let whole = records.concat();
    for length in 0..=whole.len() {
        let (reading, seen) = Reading::all(&folder.file("data", &whole[..length]));
        let (mut end, mut expected) = (0, Vec::new());
        for (record, channel) in records.iter().zip(1..) {
            let is_whole = end + record.len() <= length;
            if is_whole && record.len() > 8 {
                let bytes = record[8..].to_vec();
                expected.push(Seen { bytes, channel, ..Seen::default() });
            }
            if !is_whole {
                // Of a payload that is cut a frame with an error tells, without bytes.
                if length >= end + 8 {
                    expected.push(Seen { channel, error: 1, ..Seen::default() });
                }
                break;
            }
            end += record.len();
        }
        assert_eq!(seen, expected, "{length}");
        let is_cut = end != length;
        assert_eq!(reading.reader.stats().faults, u64::from(is_cut), "{length}");
        let text = reading.reader.error();
        assert_eq!(text.contains(&format!("record at byte {end}")), is_cut, "{length}: {text}");
    }
}

#[test]
fn damaged_files_are_read_to_an_end_and_ask_for_no_more_than_they_have() {
    let folder = Folder::new();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut faults = 0;
    for round in 0..600 {
        let mut bytes = Vec::new();
        for channel in 1..rng.random_range(2..8) {
            let mut payload = vec![0; rng.random_range(0..100)];
            rng.fill_bytes(&mut payload);
            bytes.extend(record(&payload, channel));
        }
        for _ in 0..rng.random_range(1..5) {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = [rng.random(), 0, 0xFF][rng.random_range(0..3)];
        }
        bytes.truncate(rng.random_range(0..=bytes.len() + 5));
        let reading = Reading::new(FileReaderOptions::default());
        if round % 2 == 0 {
            reading.peer.pool().set_fixed_size(16);
        }
        reading.reader.open(&folder.file("data", &bytes)).unwrap();
        let seen = reading.rest();
        let sum: usize = seen.iter().map(|seen| seen.bytes.len()).sum();
        assert!(sum <= bytes.len());
        let stats = reading.reader.stats();
        assert_eq!((stats.frames as usize, stats.bytes as usize), (seen.len(), sum));
        faults += stats.faults;
    }
    assert!(faults > 200, "{faults}");
}

#[test]
fn a_size_that_lies_costs_no_memory() {
    struct Meter {
        base: rogue_mem::stream::SlaveBase,
        asked: Mutex<Vec<u32>>,
    }
    impl rogue_mem::stream::Slave for Meter {
        fn base(&self) -> &rogue_mem::stream::SlaveBase {
            &self.base
        }
        fn accept_frame(&self, frame: Arc<Frame>) {
            self.base.receive(&frame);
        }
        fn accept_req(&self, size: u32, _zero_copy: bool) -> rogue_mem::error::Result<Arc<Frame>> {
            self.asked.lock().unwrap().push(size);
            self.base.pool().request(size)
        }
    }
    let folder = Folder::new();
    for claim in [1 << 20, u32::MAX] {
        let bytes = [&claim.to_le_bytes()[..], &[0; 4], b"some bytes"].concat();
        let meter = Arc::new(Meter { base: Default::default(), asked: Mutex::default() });
        let reader = FileReader::new(FileReaderOptions::default());
        reader.stream_master().add_slave(meter.clone()).unwrap();
        reader.open(&folder.file("data", &bytes)).unwrap();
        assert!(reader.wait(Some(LONG)));
        assert_eq!(*meter.asked.lock().unwrap(), [10]);
        let claimed = claim - 4;
        let text = format!("Short read: the file ends after 10 of the {claimed} bytes of payload");
        assert!(reader.error().contains(&text), "{}", reader.error());
    }
}

#[test]
fn of_a_record_that_is_cut_the_filled_buffers_are_sent() {
    let folder = Folder::new();
    let bytes = record(&[1; 100], 9);
    for (left, sent) in [(0, 0), (15, 0), (16, 0), (17, 16), (31, 16), (32, 32), (99, 96)] {
        let reading = Reading::new(FileReaderOptions::default());
        reading.peer.pool().set_fixed_size(16);
        reading.reader.open(&folder.file("data", &bytes[..8 + left])).unwrap();
        let seen = reading.rest();
        let expected = Seen { bytes: vec![1; sent], channel: 9, error: 1, ..Seen::default() };
        assert_eq!(seen, [expected], "{left}");
    }
}

#[test]
fn records_above_the_limit_are_left_out_and_the_rest_is_read() {
    let folder = Folder::new();
    let bytes = [record(b"abc", 1), record(&[0; 101], 2), record(&[7; 100], 3)].concat();
    let options = FileReaderOptions { frame_bytes_max: 100, ..FileReaderOptions::default() };
    let reading = Reading::new(options);
    reading.reader.open(&folder.file("data", &bytes)).unwrap();
    assert_eq!(payloads(&reading.rest()), [&b"abc"[..], &[7; 100]]);
    let stats = reading.reader.stats();
    assert_eq!((stats.frames, stats.left_out, stats.faults), (2, 1, 0));
    let text = reading.reader.error();
    assert!(text.contains("record at byte 11: A record of 101 bytes is left out"), "{text}");
}

#[test]
fn only_a_name_that_ends_in_1_is_the_first_of_a_series() {
    let folder = Folder::new();
    for (name, payload) in [("data.1", b"one"), ("data.2", b"two"), ("data.4", b"for")] {
        folder.file(name, &record(payload, 1));
    }
    folder.file("data", &record(b"all", 1));
    let cases: [(&str, &[&[u8]]); 4] = [
        ("data.1", &[b"one", b"two"]),
        ("data.2", &[b"two"]),
        ("data.4", &[b"for"]),
        ("data", &[b"all"]),
    ];
    for (name, expected) in cases {
        let (reading, seen) = Reading::all(&folder.path(name));
        assert_eq!(payloads(&seen), expected, "{name}");
        assert_eq!(reading.reader.stats().files as usize, expected.len());
    }
    folder.file("data.3", b"");
    assert_eq!(payloads(&Reading::all(&folder.path("data.1")).1), [b"one", b"two", b"for"]);
    std::fs::remove_file(folder.path("data.2")).unwrap();
    std::fs::create_dir(folder.path("data.2")).unwrap();
    let (reading, seen) = Reading::all(&folder.path("data.1"));
    assert_eq!(payloads(&seen), [b"one"]);
    assert!(reading.reader.error().starts_with("Failed to open file "));
}

#[test]
fn files_that_cannot_be_read_are_errors_in_words_and_leave_nothing_open() {
    let folder = Folder::new();
    let reader = FileReader::new(FileReaderOptions::default());
    let pipe = folder.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    for path in [folder.path("absent"), folder.path(""), pipe, "/dev/zero".to_owned()] {
        let error = reader.open(&path).unwrap_err();
        assert_eq!((error.status(), error.origin()), (Status::File, "StreamReader::open"));
        let start = format!("Failed to open data file: {path}: ");
        assert!(error.text().starts_with(&start), "{error}");
        assert!(!reader.is_open() && reader.wait(None));
    }
}

/// A file of many records, and a reader whose receiver waits in the first one.
fn held(folder: &Folder) -> (Arc<FileReader>, Arc<Peer>, Arc<Gate>) {
    let path = folder.file("data", &record(b"abc", 1).repeat(1000));
    let (gate, reader) = (Gate::new(), FileReader::new(FileReaderOptions::default()));
    let closed = gate.clone();
    let peer = Peer::new(move |_, _| closed.pass());
    reader.stream_master().add_slave(peer.stream_slave()).unwrap();
    reader.open(&path).unwrap();
    peer.wait(1);
    (reader, peer, gate)
}

#[test]
fn close_ends_the_reading_after_the_record_that_is_being_sent() {
    let folder = Folder::new();
    let (reader, peer, gate) = held(&folder);
    assert!(reader.is_open() && !reader.wait(Some(Duration::from_millis(1))));
    // Although its receiver does not return.
    reader.close();
    assert!(!reader.is_open());
    gate.open();
    assert!(reader.wait(Some(LONG)));
    assert_eq!(peer.seen().len(), 1);
    reader.close();
    reader.open(&folder.path("data")).unwrap();
    assert!(reader.wait(Some(LONG)));
    assert_eq!((peer.seen().len(), reader.stats().frames), (1001, 1000));
}

#[test]
fn open_ends_an_earlier_reading() {
    let folder = Folder::new();
    let other = folder.file("other", &record(b"other", 2));
    let (reader, peer, gate) = held(&folder);
    reader.open(&other).unwrap();
    gate.open();
    assert!(reader.wait(Some(LONG)));
    let seen = peer.wait(2);
    assert_eq!(seen.iter().filter(|seen| seen.bytes == b"other").count(), 1);
    assert!(seen.len() <= 2);
}

#[test]
fn the_last_drop_ends_the_thread_which_keeps_nothing() {
    let folder = Folder::new();
    let (reader, peer, gate) = held(&folder);
    let master = Arc::downgrade(&reader.stream_master());
    drop(reader);
    gate.open();
    wait_until_freed(&master);
    assert_eq!(peer.seen().len(), 1);
}

#[test]
fn a_receiver_may_use_the_reader_in_a_delivery() {
    let folder = Folder::new();
    let path = folder.file("data", &record(b"abc", 1).repeat(1000));
    let reader = FileReader::new(FileReaderOptions::default());
    let (own, told) = (reader.clone(), Arc::new(Mutex::new(None)));
    let tell = told.clone();
    let peer = Peer::new(move |_, _| {
        let was = (own.is_open(), own.wait(None), own.stats().frames);
        own.close();
        *tell.lock().unwrap() = Some(was);
    });
    reader.stream_master().add_slave(peer.stream_slave()).unwrap();
    reader.open(&path).unwrap();
    assert!(reader.wait(Some(LONG)));
    assert_eq!(*told.lock().unwrap(), Some((true, true, 1)));
    assert_eq!(peer.seen().len(), 1);
    reader.stop();
}

#[test]
fn without_a_receiver_all_is_read_and_dropped() {
    let folder = Folder::new();
    let reader = FileReader::new(FileReaderOptions::default());
    reader.open(&folder.file("data", &record(b"abc", 1).repeat(10))).unwrap();
    assert!(reader.wait(Some(LONG)));
    assert_eq!((reader.stats().frames, reader.stats().bytes), (10, 30));
    let sink = Sink::new();
    reader.stream_master().add_slave(sink.clone()).unwrap();
    reader.open(&folder.path("data")).unwrap();
    assert!(reader.wait(Some(LONG)));
    assert_eq!(rogue_mem::stream::Slave::base(&*sink).frame_count(), 10);
}

#[test]
fn a_file_that_grows_while_it_is_read_is_read_as_far_as_it_has_come() {
    let folder = Folder::new();
    let path = folder.file("data", &record(b"abc", 1));
    let (gate, reader) = (Gate::new(), FileReader::new(FileReaderOptions::default()));
    let closed = gate.clone();
    let peer = Peer::new(move |_, _| closed.pass());
    reader.stream_master().add_slave(peer.stream_slave()).unwrap();
    reader.open(&path).unwrap();
    peer.wait(1);
    folder.file("data", &[record(b"abc", 1), record(b"more", 1)].concat());
    gate.open();
    assert!(reader.wait(Some(LONG)));
    assert_eq!(payloads(&peer.seen()), [&b"abc"[..], b"more"]);
}
