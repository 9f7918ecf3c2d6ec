//! `FileWriter` and its channels.

use std::sync::Arc;
use std::time::Duration;

use rogue_mem::files::FileWriter;
use rogue_mem::stream::{Frame, Master, Slave};
use rogue_mem::Status;
use serde_json::json;

use super::*;

/// One byte more than fits is to fit no more.
const FULL_DEVICE: &str = "/dev/full";

fn send(writer: &FileWriter, row: &Value, pieces: usize) {
    let frame = frame_in_pieces(&hex(&row["payload"]), pieces);
    frame.set_flags(number(row, "flags") as u16);
    frame.set_channel(number(row, "channel") as u8);
    frame.set_error(number(row, "error") as u8);
    writer.channel(number(row, "writer_channel") as u8).accept_frame(frame);
}

fn configured(row: &Value) -> Arc<FileWriter> {
    let writer = FileWriter::new();
    writer.set_raw(row["raw"] == true);
    writer.set_drop_errors(row["drop_errors"] == true);
    writer.set_file_bytes_max(number(row, "max_size"));
    writer.set_buffer_bytes(number(row, "buffer_size") as u32).unwrap();
    writer
}

#[test]
fn files_are_written_as_recorded() {
    let rows = rows("write");
    for row in &rows {
        for pieces in [1000, 1, 7] {
            let folder = Folder::new();
            let writer = configured(row);
            writer.open(&folder.path("data")).unwrap();
            for frame in row["frames"].as_array().unwrap() {
                send(&writer, frame, pieces);
            }
            let channels = row["status"]["channel_counts"].as_object().unwrap().keys();
            let counts = channels.map(|key| {
                (key.clone(), json!(writer.channel(key.parse().unwrap()).frame_count()))
            });
            let counts: serde_json::Map<_, _> = counts.collect();
            let status = json!({
                "frame_count": writer.frame_count(),
                "total_size": writer.total_bytes(),
                "current_size": writer.file_bytes(),
                "channel_counts": counts,
            });
            assert_eq!(status, row["status"], "{row}");
            writer.close().unwrap();
            let files = row["files"].as_object().unwrap();
            for (suffix, bytes) in files {
                let path = folder.path(&format!("data{suffix}"));
                assert_eq!(bytes_of(path), hex(bytes), "{row} {suffix}");
            }
            assert_eq!(folder.names().len(), files.len(), "{row}");
            assert_eq!(writer.stats().files as usize, files.len());
        }
    }
    assert_eq!(rows.len(), 7);
}

#[test]
fn an_existing_file_is_emptied_and_counts_begin_again() {
    let folder = Folder::new();
    let path = folder.file("data", &[7; 1000]);
    let writer = FileWriter::new();
    writer.open(&path).unwrap();
    write(&writer, 3, b"abc");
    assert_eq!((writer.frame_count(), writer.channel(3).frame_count()), (1, 1));
    assert!(writer.is_open() && writer.bandwidth() > 0.0);
    writer.open(&folder.path("other")).unwrap();
    assert_eq!(bytes_of(&path), record(b"abc", 3));
    assert_eq!((writer.frame_count(), writer.channel(3).frame_count()), (0, 0));
    assert_eq!((writer.total_bytes(), writer.file_bytes()), (0, 0));
    write(&writer, 3, b"abcd");
    writer.close().unwrap();
    writer.close().unwrap();
    assert!(!writer.is_open() && writer.bandwidth() == 0.0);
    assert_eq!((writer.total_bytes(), writer.frame_count()), (12, 1), "kept after the end");
}

#[test]
fn frames_that_come_while_no_file_is_open_are_counted_and_not_written() {
    let folder = Folder::new();
    let writer = FileWriter::new();
    write(&writer, 1, b"before");
    assert_eq!((writer.frame_count(), writer.channel(1).frame_count()), (0, 1));
    assert_eq!(writer.stats().unopened, 1);
    writer.channel(1).set_frame_count(40);
    write(&writer, 1, b"before");
    assert_eq!(writer.channel(1).frame_count(), 41);
    writer.open(&folder.path("data")).unwrap();
    write(&writer, 1, b"");
    write(&writer, 1, b"within");
    writer.close().unwrap();
    assert_eq!(bytes_of(folder.path("data")), record(b"within", 1));
    assert_eq!((writer.stats().skipped, writer.stats().unopened), (1, 0));
    assert_eq!(writer.channel(1).frame_count(), 2);
}

#[test]
fn what_is_in_the_buffer_is_written_by_close_by_a_new_size_and_by_the_last_drop() {
    let folder = Folder::new();
    let path = folder.path("data");
    let writer = FileWriter::new();
    for size in [0, 100, 0, 50] {
        writer.set_buffer_bytes(size).unwrap();
    }
    writer.open(&path).unwrap();
    write(&writer, 1, b"one");
    assert_eq!((bytes_of(&path).len(), writer.file_bytes()), (0, 11));
    writer.set_buffer_bytes(30).unwrap();
    assert_eq!(bytes_of(&path).len(), 11);
    write(&writer, 1, b"two");
    write(&writer, 1, b"six");
    assert_eq!(bytes_of(&path).len(), 11);
    write(&writer, 1, &[9; 30]);
    assert_eq!(bytes_of(&path).len(), 3 * 11 + 38, "larger than the buffer");
    write(&writer, 1, b"ten");
    writer.close().unwrap();
    assert_eq!(bytes_of(&path).len(), 4 * 11 + 38);

    writer.open(&path).unwrap();
    let channel = writer.channel(1);
    let master = Master::new();
    master.add_slave(channel.clone()).unwrap();
    drop((writer, channel));
    master.send_frame(Arc::new(Frame::from(b"last".to_vec())));
    assert_eq!(bytes_of(&path).len(), 0, "the channel keeps the file open");
    drop(master);
    assert_eq!(bytes_of(&path), record(b"last", 1));
}

#[test]
fn raw_and_other_records_keep_their_order_in_one_file() {
    let folder = Folder::new();
    let path = folder.path("data");
    let writer = FileWriter::new();
    writer.set_buffer_bytes(1000).unwrap();
    writer.open(&path).unwrap();
    let mut expected = Vec::new();
    for (index, payload) in [b"abc", b"def", b"ghi", b"jkl"].into_iter().enumerate() {
        let is_raw = index % 2 == 1;
        writer.set_raw(is_raw);
        assert_eq!(writer.is_raw(), is_raw);
        write(&writer, 1, payload);
        expected.extend(if is_raw { payload.to_vec() } else { record(payload, 1) });
    }
    writer.close().unwrap();
    assert_eq!(bytes_of(&path), expected);
}

#[test]
fn files_that_cannot_be_opened_are_errors_in_words() {
    let folder = Folder::new();
    let writer = FileWriter::new();
    for path in [folder.path("absent/data"), folder.path("")] {
        let error = writer.open(&path).unwrap_err();
        assert_eq!((error.status(), error.origin()), (Status::File, "StreamWriter::open"));
        let start = format!("Failed to open data file: {path}: ");
        assert!(error.text().starts_with(&start), "{error}");
        assert!(!writer.is_open());
    }
    // A failed open has closed the file before.
    writer.open(&folder.path("data")).unwrap();
    writer.open(&folder.path("absent/data")).unwrap_err();
    assert!(!writer.is_open());
    write(&writer, 1, b"abc");
    writer.close().unwrap();
    assert_eq!(bytes_of(folder.path("data")).len(), 0);
}

#[test]
fn f68_a_pipe_is_refused_whether_it_has_a_reader_or_not() {
    let folder = Folder::new();
    let pipe = folder.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let writer = FileWriter::new();
    let refused = || {
        let error = writer.open(&pipe).unwrap_err();
        assert!(error.text().contains("pipe, which a data file cannot be"), "{error}");
    };
    let reader = std::fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    refused();
    drop(reader);
    refused();
}

#[test]
fn a_full_disk_is_an_error_in_words_and_loses_nothing_silently() {
    for buffer_bytes in [0, 100] {
        let writer = FileWriter::new();
        writer.set_buffer_bytes(buffer_bytes).unwrap();
        writer.open(FULL_DEVICE).unwrap();
        (0..20).for_each(|_| write(&writer, 1, b"0123456789"));
        assert!(!writer.is_open());
        let stats = writer.stats();
        assert_eq!(stats.lost + stats.unopened, 20);
        assert_eq!(stats.lost, if buffer_bytes == 0 { 1 } else { 6 });
        assert_eq!(writer.channel(1).frame_count(), 20, "of the channel all are");
        let text = writer.error();
        let start = format!("Write failed, closing file! {FULL_DEVICE}: No space left on device");
        assert!(text.starts_with(&start), "{text}");
        let error = writer.close().unwrap_err();
        assert_eq!((error.status(), error.text()), (Status::File, text.as_str()));
        writer.close().unwrap();
        let folder = Folder::new();
        writer.open(&folder.path("data")).unwrap();
        assert_eq!(writer.error(), "");
        write(&writer, 1, b"abc");
        writer.close().unwrap();
        assert_eq!(bytes_of(folder.path("data")), record(b"abc", 1));
    }
    // What fails in the end is told by the end.
    let writer = FileWriter::new();
    writer.set_buffer_bytes(100).unwrap();
    writer.open(FULL_DEVICE).unwrap();
    write(&writer, 1, b"abc");
    assert!(writer.is_open());
    assert_eq!(writer.set_buffer_bytes(0).unwrap_err().status(), Status::File);
    assert!(!writer.is_open());
    writer.set_buffer_bytes(100).unwrap();
    writer.open(FULL_DEVICE).unwrap();
    write(&writer, 1, b"abc");
    assert_eq!(writer.close().unwrap_err().status(), Status::File);
    assert_eq!(writer.stats().lost, 1);
}

#[test]
fn a_series_goes_on_in_the_next_file_and_a_record_never_spans_two() {
    let folder = Folder::new();
    let writer = FileWriter::new();
    writer.set_file_bytes_max(22);
    writer.set_buffer_bytes(64).unwrap();
    writer.open(&folder.path("data")).unwrap();
    for payload in [b"one", b"two", b"six"] {
        write(&writer, 1, payload);
    }
    write(&writer, 1, &[0; 15]);
    write(&writer, 1, b"ten");
    assert_eq!((writer.total_bytes(), writer.file_bytes(), writer.stats().files), (44, 22, 2));
    assert_eq!(writer.stats().lost, 1, "larger than a file may be");
    let error = writer.close().unwrap_err();
    assert_eq!((error.status(), error.origin()), (Status::Frame, "StreamWriter::checkSize"));
    assert!(error.text().starts_with("Frame size is larger than file size limit"), "{error}");
    assert_eq!(folder.names(), ["data.1", "data.2"]);
    assert_eq!(bytes_of(folder.path("data.1")), [record(b"one", 1), record(b"two", 1)].concat());
    assert_eq!(bytes_of(folder.path("data.2")), [record(b"six", 1), record(b"ten", 1)].concat());

    // One that cannot be opened ends the recording, and what was written stays.
    std::fs::remove_file(folder.path("data.2")).unwrap();
    std::fs::create_dir(folder.path("data.2")).unwrap();
    writer.open(&folder.path("data")).unwrap();
    (0..4).for_each(|_| write(&writer, 1, b"one"));
    assert!(!writer.is_open());
    let error = writer.close().unwrap_err();
    assert!(error.text().starts_with("Failed to open file "), "{error}");
    assert_eq!(bytes_of(folder.path("data.1")).len(), 22);
    assert_eq!((writer.stats().lost, writer.stats().unopened), (1, 1));
}

#[test]
fn a_series_of_an_earlier_recording_is_not_appended_to() {
    let folder = Folder::new();
    folder.file("data.2", &[1; 500]);
    let writer = FileWriter::new();
    writer.set_file_bytes_max(11);
    writer.open(&folder.path("data")).unwrap();
    write(&writer, 1, b"one");
    write(&writer, 1, b"two");
    writer.close().unwrap();
    assert_eq!(bytes_of(folder.path("data.2")), record(b"two", 1));
}

#[test]
fn waits_for_counts_end_with_the_count_or_the_time() {
    let folder = Folder::new();
    let writer = FileWriter::new();
    writer.open(&folder.path("data")).unwrap();
    let channel = writer.channel(5);
    let short = Some(Duration::from_millis(1));
    assert!(writer.wait_frame_count(0, short) && channel.wait_frame_count(0, short));
    assert!(!writer.wait_frame_count(1, short) && !channel.wait_frame_count(1, short));
    std::thread::scope(|scope| {
        let (writer, channel) = (&writer, &channel);
        let waiting = [
            scope.spawn(move || writer.wait_frame_count(3, Some(LONG))),
            scope.spawn(move || writer.wait_frame_count(3, None)),
            scope.spawn(move || channel.wait_frame_count(4, Some(LONG))),
        ];
        write(writer, 5, b"");
        (0..3).for_each(|_| write(writer, 5, b"abc"));
        assert!(waiting.into_iter().all(|thread| thread.join().unwrap()));
    });
}

#[test]
fn channels_are_made_once_and_write_their_number_or_the_frames() {
    let folder = Folder::new();
    let writer = FileWriter::new();
    assert!(Arc::ptr_eq(&writer.channel(0), &writer.channel(0)));
    assert!(!Arc::ptr_eq(&writer.channel(0), &writer.channel(1)));
    writer.open(&folder.path("data")).unwrap();
    for number in [0, 1, 255] {
        let frame = Arc::new(Frame::from(b"abc".to_vec()));
        frame.set_channel(77);
        writer.channel(number).accept_frame(frame);
    }
    writer.close().unwrap();
    let expected = [77, 1, 255].map(|channel| record(b"abc", channel)).concat();
    assert_eq!(bytes_of(folder.path("data")), expected);
    assert_eq!(writer.channel(0).base().byte_count(), 3);
}

#[test]
fn records_of_many_threads_stay_whole() {
    let folder = Folder::new();
    let writer = FileWriter::new();
    writer.set_buffer_bytes(777).unwrap();
    writer.set_file_bytes_max(50_000);
    writer.open(&folder.path("data")).unwrap();
    std::thread::scope(|scope| {
        for thread in 1..=4_u8 {
            let writer = &writer;
            scope.spawn(move || {
                for size in 1..400 {
                    let frame = frame_in_pieces(&vec![thread; size], 100);
                    writer.channel(thread).accept_frame(frame);
                }
            });
        }
    });
    writer.close().unwrap();
    let (_, seen) = Reading::all(&folder.path("data.1"));
    assert_eq!(seen.len(), 4 * 399);
    for thread in 1..=4_u8 {
        let of_thread: Vec<_> = seen.iter().filter(|seen| seen.channel == thread).collect();
        for (size, seen) in (1..400).zip(of_thread) {
            assert_eq!(seen.bytes, vec![thread; size]);
        }
    }
}
