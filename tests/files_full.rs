//! A file system that takes a part of a write and then no more.
//!
//! The limit of a file's size is a process's, and holds for a file that is its standard output too.
//! So the process that has it writes to pipes.

#![cfg(unix)]

use std::sync::Arc;

use rogue_mem::files::FileWriter;
use rogue_mem::stream::{Frame, Slave as _};
use rogue_mem::Status;
use testkit::process::{self, program_as};

/// Not a multiple of what a record has.
const LIMIT_BYTES: u64 = 1000;
const RECORD_BYTES: u64 = 8 + 11;

fn limit_files() {
    let limit =
        libc::rlimit { rlim_cur: LIMIT_BYTES as libc::rlim_t, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: plain system calls; the signal would end the process instead of failing the write.
    unsafe {
        assert_ne!(libc::signal(libc::SIGXFSZ, libc::SIG_IGN), libc::SIG_ERR);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}

#[test]
fn a_write_that_fails_half_way_leaves_whole_records_and_counts_the_rest() {
    if process::role().is_some() {
        return write_with_a_limit();
    }
    let test = "a_write_that_fails_half_way_leaves_whole_records_and_counts_the_rest";
    let output = program_as("limited").args(["--exact", test, "--nocapture"]).output().unwrap();
    let printed = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{}: {}{}", output.status, printed[0], printed[1]);
    assert!(printed[0].contains("1 passed"), "{}", printed[0]);
}

fn write_with_a_limit() {
    limit_files();
    let path = std::env::temp_dir().join(format!("rogue-mem-full-{}", std::process::id()));
    let path = path.to_str().unwrap();
    for buffer_bytes in [0, 19 * 3, 500, 5000] {
        let writer = FileWriter::new();
        writer.set_buffer_bytes(buffer_bytes).unwrap();
        writer.open(path).unwrap();
        const FRAMES_COUNT: u64 = 100;
        for number in 0..FRAMES_COUNT {
            let frame = Arc::new(Frame::from(vec![number as u8; 11]));
            writer.channel(1).accept_frame(frame);
        }
        let error = writer.close().unwrap_err();
        assert_eq!(error.status(), Status::File);
        let whole = LIMIT_BYTES / RECORD_BYTES;
        let kept = format!("the file keeps {} bytes,", whole * RECORD_BYTES);
        assert!(error.text().contains(&kept), "{buffer_bytes}: {error}");
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(bytes.len() as u64, whole * RECORD_BYTES, "{buffer_bytes}");
        for (number, record) in (0..).zip(bytes.chunks(RECORD_BYTES as usize)) {
            assert_eq!(record[8..], [number; 11]);
        }
        let stats = writer.stats();
        assert_eq!(whole + stats.lost + stats.unopened, FRAMES_COUNT, "{buffer_bytes}: {stats:?}");
    }
    std::fs::remove_file(path).unwrap();
}
