//! `ping` and `bench` as a user runs them. No test looks at how long anything took.

mod support;

use std::fs;
use std::process::Output;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;

use rogue_mem::bridge::{ServerOptions, TcpServer};
use rogue_mem::memory::{Slave, SlaveBase, Transaction, TransactionType};
use serde_json::{json, Value};
use testkit_base::directory::Directory;

use support::{file, program, Server};

/// The object that a command prints.
fn said(server: &Server, words: &str) -> Value {
    serde_json::from_str(&server.run(words)).unwrap()
}

/// The sum of the bars of a histogram in JSON.
fn counted(histogram: &Value) -> u64 {
    histogram.as_array().unwrap().iter().map(|bar| bar["reads"].as_u64().unwrap()).sum()
}

/// The sum of the bars of a histogram in text.
fn drawn(text: &str) -> u64 {
    let bars = text.lines().filter(|line| line.contains('█'));
    bars.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[test]
fn round_trips_are_counted_and_drawn() {
    let server = Server::memory();
    let text = server.run("ping 0 -c 50");
    assert_eq!(drawn(&text), 50, "{text}");
    assert!(text.contains("50 reads: min") && text.contains("p99.9"), "{text}");
    let said = said(&server, "ping 0x10 -c 50 -w 2 --json");
    assert_eq!(
        (&said["reads"], &said["address"], &said["width"]),
        (&json!(50), &json!(16), &json!(2))
    );
    assert_eq!(counted(&said["histogram"]), 50);
    let times = ["min_us", "p50_us", "p90_us", "p99_us", "p999_us", "max_us"];
    let times = times.map(|name| said[name].as_f64().unwrap_or_else(|| panic!("{name}: {said}")));
    assert!(times.is_sorted(), "{said}");
    assert!(said["mean_us"].is_f64() && said["seconds"].is_f64(), "{said}");
}

#[test]
fn a_bench_reads_registers_one_at_a_time_and_many_outstanding() {
    let server = Server::start("--bind 127.0.0.1:0 --emulate 4 --read-only");
    let text = server.run("bench 0 --count 200");
    assert_eq!(drawn(&text), 200, "{text}");
    for part in [
        "4-byte reads, one at a time: ",
        "4-byte reads, 64 outstanding: ",
        "4-byte reads, 128 outstanding: ",
        "k/s (200 in ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("block"), "{text}");
    let said = said(&server, "bench 2 --width 1 --count 200 --json");
    let [one, many] = ["one_at_a_time", "outstanding"].map(|name| &said[name]);
    assert_eq!((&one["reads"], counted(&one["histogram"])), (&json!(200), 200));
    let windows: Vec<_> = many.as_array().unwrap().iter().map(|rate| &rate["window"]).collect();
    assert_eq!(windows, [&json!(64), &json!(128)]);
    assert!(many[0]["reads_per_second"].is_f64(), "{said}");
    assert_eq!((&said["block_read"], &said["block_write"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_bench_reads_blocks_of_the_range_that_it_is_given() {
    let server = Server::start("--bind 127.0.0.1:0 --emulate 4k --read-only");
    let text = server.run("bench 0 4k --duration 0.01");
    assert!(text.contains("block reads of 4096 bytes, one at a time: "), "{text}");
    let said = said(&server, "bench 0 4k --block 1k --count 9 --json");
    let read = &said["block_read"];
    assert_eq!((&read["blocks"], &read["block_bytes"]), (&json!(9), &json!(1024)), "{said}");
    assert!(read["bytes_per_second"].is_f64(), "{said}");
}

#[test]
fn a_bench_writes_only_where_it_is_told_to_and_leaves_what_was_there() {
    let folder = Directory::new();
    let (record, audit) = file(&folder, "audit.jsonl");
    let (source, word) = file(&folder, "source.bin");
    let bytes: Vec<u8> = (0..=255).cycle().take(8192).collect();
    fs::write(source, &bytes).unwrap();
    let mut server = Server::start(&format!("--bind 127.0.0.1:0 --emulate 8k --audit {audit}"));
    server.run("bench 0 8k --count 10");
    server.run(&format!("load 0 {word} --chunk 8192"));
    let text = server.run("bench 0 --count 10 --write 0x400 2k --block 512");
    assert!(text.contains("block writes of 512 bytes, one at a time: "), "{text}");
    assert!(text.contains("0x400..0xbff: the bytes that were there"), "{text}");
    let (copy, word) = file(&folder, "copy.bin");
    server.run(&format!("dump 0 8k -o {word}"));
    assert_eq!(fs::read(copy).unwrap(), bytes);
    server.signal("-TERM");
    assert_eq!(server.process.wait().unwrap().code(), Some(0));
    let text = fs::read_to_string(record).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let writes: Vec<_> = lines.iter().filter(|line| !line["address"].is_null()).collect();
    // That of `load`, and ten.
    assert_eq!(writes.len(), 11, "{text}");
}

/// A command's exit code and what it says on standard error; it may have printed results.
fn failed(words: &str, addr: &str) -> (Option<i32>, String, String) {
    let mut command = program(words);
    let Output { status, stdout, stderr } = command.env("ROGUE_MEM_ADDR", addr).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_bench_tells_what_it_has_measured_before_it_fails() {
    let server = Server::start("--bind 127.0.0.1:0 --emulate 4k --read-only");
    let words = "bench 0 --count 5 --write 0 4k";
    let (code, text, error) = failed(words, &server.addr);
    assert_eq!(code, Some(1), "{error}");
    assert!(text.contains("128 outstanding"), "{text}");
    assert!(error.contains("only the bytes that were there have been written"), "{error}");
    let (code, text, error) = failed(&format!("{words} --json"), &server.addr);
    let said: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &said["one_at_a_time"]["reads"]), (Some(1), &json!(5)), "{error}");
    assert_eq!(said["block_write"], Value::Null);
    for (words, part) in [
        ("bench 0 0", "no range"),
        ("bench 0 4k --block 8k", "1 to 4096 bytes"),
        ("bench 0 --write 0", "2 values"),
        ("bench 0 --write 0 1G", "at most 67108864 bytes"),
        ("bench 0 --count 5 --duration 1", "cannot be used with"),
    ] {
        let (code, _, error) = failed(words, &server.addr);
        assert_eq!(code, Some(2), "{words}: {error}");
        assert!(error.contains(part), "{words}: {error}");
    }
}

/// A register that counts its reads.
struct Counter {
    base: SlaveBase,
    reads: AtomicU8,
}

impl Slave for Counter {
    fn base(&self) -> &SlaveBase {
        &self.base
    }

    fn do_transaction(&self, tran: &Arc<Transaction>) {
        if let Some(mut data) = tran.data().filter(|_| tran.ty() == TransactionType::Read) {
            data.fill(self.reads.fetch_add(1, Ordering::Relaxed));
        }
        tran.done();
    }
}

#[test]
fn a_bench_says_where_a_range_does_not_hold_what_it_has_held() {
    let counter = Counter { base: SlaveBase::new(1, 4096), reads: AtomicU8::new(0) };
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.master().set_slave(Arc::new(counter));
    let addr = server.addresses()[0].to_string();
    let (code, _, error) = failed("bench 0 --count 1 --write 0x40 4", &addr);
    assert_eq!(code, Some(4), "{error}");
    assert!(error.contains("0x40: 0x") && error.contains("is there now"), "{error}");
}
