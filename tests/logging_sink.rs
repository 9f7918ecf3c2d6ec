//! Messages on their way out: the program's sink, standard output, the global level.
//!
//! A test program of its own, because all of these belong to the whole process; its tests take
//! turns.

use std::io::{Read, Write};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, Receiver};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rogue_mem::bridge::{
    ClientOptions, ServerOptions, StreamServer, StreamServerOptions, TcpClient, TcpServer,
};
use rogue_mem::logging::{self, Level, Logger, Record};
use rogue_mem::memory::{Emulate, Master, TransactionType};
use rogue_mem::security::AccessList;
use testkit::raw::Raw;
use testkit::wait::LONG;

/// What a sink was given.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Seen {
    name: String,
    level: u32,
    text: String,
}

fn seen(record: &Record<'_>) -> Seen {
    let Record { name, level, text, .. } = *record;
    Seen { name: name.to_owned(), level: level.0, text: text.to_owned() }
}

/// Holds the process's logging settings for one test, and restores them.
struct Turn(#[allow(dead_code)] MutexGuard<'static, ()>);

fn turn() -> Turn {
    static TURN: Mutex<()> = Mutex::new(());
    Turn(TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

impl Drop for Turn {
    fn drop(&mut self) {
        logging::set_sink(None);
        logging::set_level(Level::ERROR);
        logging::set_emit_stdout(true);
    }
}

/// A sink that reports what it gets; standard output is off.
fn capture() -> Receiver<Seen> {
    let (sender, receiver) = channel();
    logging::set_emit_stdout(false);
    let sender = Mutex::new(sender);
    let sink = move |record: &Record<'_>| sender.lock().unwrap().send(seen(record)).unwrap();
    logging::set_sink(Some(Arc::new(sink)));
    receiver
}

fn drain(records: &Receiver<Seen>) -> Vec<Seen> {
    records.try_iter().collect()
}

fn entry(name: &str, level: u32, text: &str) -> Seen {
    Seen { name: name.to_owned(), level, text: text.to_owned() }
}

#[test]
fn sink_gets_name_exact_level_and_whole_text() {
    let _turn = turn();
    let records = capture();
    let logger = Logger::new("sink.Class");
    let long = "y".repeat(3_000);
    logger.log(Level(47), format_args!("{long}"));
    logger.log(Level::WARNING, format_args!("below the global level"));
    assert_eq!(drain(&records), [entry("pyrogue.sink.Class", 47, &long)]);
}

#[test]
fn sink_gets_time_and_ids() {
    let _turn = turn();
    logging::set_emit_stdout(false);
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let sink = move |record: &Record<'_>| {
        let Record { time, thread_id, process_id, .. } = *record;
        sender.lock().unwrap().send((time, thread_id, process_id)).unwrap();
    };
    logging::set_sink(Some(Arc::new(sink)));
    let unix = || std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let before = unix();
    Logger::new("times").log(Level::ERROR, format_args!("now"));
    let (time, thread_id, process_id) = receiver.recv().unwrap();
    assert!((before..=unix()).contains(&time.as_secs()));
    assert_eq!(process_id, std::process::id());
    #[cfg(target_os = "linux")]
    assert!(std::path::Path::new(&format!("/proc/self/task/{thread_id}")).exists());
    #[cfg(not(target_os = "linux"))]
    let _ = thread_id;
}

#[test]
fn thread_id_message_has_rogues_form_and_level() {
    let _turn = turn();
    let records = capture();
    let logger = Logger::new("thread_id");
    logger.log_thread_id();
    assert_eq!(drain(&records), []);
    logging::set_level(Level::THREAD);
    logger.log_thread_id();
    let seen = drain(&records);
    assert_eq!((seen.len(), seen[0].level), (1, 35));
    let prefix = format!("PID={}, TID=", std::process::id());
    let thread = seen[0].text.strip_prefix(&prefix).unwrap();
    assert!(thread.parse::<u64>().is_ok(), "{thread}");
}

#[test]
fn contract36_filter_set_later_lets_messages_through_at_once() {
    let _turn = turn();
    let records = capture();
    let logger = Logger::new("memory.Late");
    logger.log(Level::DEBUG, format_args!("before"));
    logging::set_filter("pyrogue.memory.Late", Level::DEBUG);
    logger.log(Level::DEBUG, format_args!("after"));
    assert_eq!(drain(&records), [entry("pyrogue.memory.Late", 10, "after")]);
}

#[test]
fn global_level_acts_on_live_loggers_that_no_filter_matches() {
    let _turn = turn();
    let records = capture();
    let (free, filtered) = (Logger::new("free"), Logger::new("filtered.Class"));
    logging::set_filter("filtered", Level::ERROR);
    logging::set_level(Level::INFO);
    for logger in [&free, &filtered] {
        logger.log(Level::INFO, format_args!("first"));
    }
    logging::set_level(Level(1000));
    for logger in [&free, &filtered] {
        logger.log(Level::ERROR, format_args!("second"));
    }
    let expected =
        [entry("pyrogue.free", 20, "first"), entry("pyrogue.filtered.Class", 40, "second")];
    assert_eq!(drain(&records), expected);
}

#[test]
fn d90_new_logger_announces_nothing() {
    let _turn = turn();
    logging::set_level(Level(0));
    let records = capture();
    drop(Logger::new("quiet"));
    assert_eq!(drain(&records), []);
}

#[test]
fn sink_that_logs_neither_deadlocks_nor_calls_itself() {
    let _turn = turn();
    logging::set_emit_stdout(false);
    let (sender, receiver) = channel();
    let inside = Logger::new("inside");
    let sender = Mutex::new(sender);
    logging::set_sink(Some(Arc::new(move |record: &Record<'_>| {
        inside.log(Level::ERROR, format_args!("from the sink"));
        // Settings, too, may be changed from inside.
        logging::set_filter("inside.other", Level::ERROR);
        drop(Logger::new("inside.made"));
        sender.lock().unwrap().send(seen(record)).unwrap();
    })));
    let logger = Logger::new("outside");
    logger.log(Level::ERROR, format_args!("one"));
    logger.log(Level::ERROR, format_args!("two"));
    let expected = [entry("pyrogue.outside", 40, "one"), entry("pyrogue.outside", 40, "two")];
    assert_eq!(drain(&receiver), expected);
}

#[test]
fn sink_may_take_itself_away() {
    let _turn = turn();
    let records = capture();
    logging::set_sink(Some(Arc::new(|_: &Record<'_>| logging::set_sink(None))));
    let logger = Logger::new("away");
    logger.log(Level::ERROR, format_args!("one"));
    logger.log(Level::ERROR, format_args!("two"));
    assert_eq!(drain(&records), []);
}

#[test]
fn contract37_panic_of_a_sink_disturbs_nobody() {
    let _turn = turn();
    logging::set_emit_stdout(false);
    logging::set_sink(Some(Arc::new(|_: &Record<'_>| panic!("a panic that this test wants"))));
    let logger = Logger::new("panics");
    logger.log(Level::ERROR, format_args!("lost"));
    let records = capture();
    logger.log(Level::ERROR, format_args!("not lost"));
    assert_eq!(drain(&records), [entry("pyrogue.panics", 40, "not lost")]);
}

#[test]
fn sinks_are_used_by_several_threads_at_a_time() {
    const THREADS: usize = 4;
    const MESSAGES_PER_THREAD: usize = 500;
    let _turn = turn();
    let records = capture();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for message in 0..MESSAGES_PER_THREAD {
                    // A logger each time: registering races with the settings below.
                    let logger = Logger::new(&format!("threads.{thread}"));
                    logger.log(Level::ERROR, format_args!("{message}"));
                }
            });
        }
        for level in 0..200 {
            logging::set_filter("threads", Level(level % 40));
        }
    });
    assert_eq!(drain(&records).len(), THREADS * MESSAGES_PER_THREAD);
}

#[test]
fn contract35_output_switch_is_readable() {
    let _turn = turn();
    assert!(logging::emit_stdout(), "on at first");
    logging::set_emit_stdout(false);
    assert!(!logging::emit_stdout());
    logging::set_emit_stdout(true);
    assert!(logging::emit_stdout());
}

/// Runs like every other test, and once more as a program of its own for the test below, which
/// reads what it writes.
#[test]
fn sink_works_beside_standard_output_and_without_it() {
    let _turn = turn();
    let logger = Logger::new("printer");
    logger.log(Level::ERROR, format_args!("shown {}", 1));
    logger.log(Level::WARNING, format_args!("not shown"));
    let (sender, records) = channel();
    let sender = Mutex::new(sender);
    logging::set_sink(Some(Arc::new(move |record: &Record<'_>| {
        sender.lock().unwrap().send(seen(record)).unwrap();
    })));
    logger.log(Level::ERROR, format_args!("shown with a sink"));
    logging::set_emit_stdout(false);
    logger.log(Level::ERROR, format_args!("switched off"));
    let texts: Vec<String> = drain(&records).into_iter().map(|seen| seen.text).collect();
    assert_eq!(texts, ["shown with a sink", "switched off"]);
}

#[test]
fn standard_output_gets_rogues_lines_with_and_without_a_sink() {
    let program = std::env::current_exe().unwrap();
    let test = "sink_works_beside_standard_output_and_without_it";
    let output = Command::new(program)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    // The test runner has left its own words at the beginning of the first line.
    let lines = text.lines().map(|line| line.rsplit_once(" ... ").map_or(line, |parts| parts.1));
    let lines: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(":pyrogue.")).collect();
    let tails: Vec<&str> = lines.iter().map(|(_, tail)| *tail).collect();
    assert_eq!(tails, ["printer: shown 1", "printer: shown with a sink"], "{text}");
    for (time, _) in lines {
        let (seconds, microseconds) = time.split_once('.').unwrap();
        assert!(seconds.parse::<u64>().is_ok(), "{time}");
        assert!(microseconds.len() == 6 && microseconds.parse::<u32>().is_ok(), "{time}");
    }
}

/// The sink stops at the first request that the client speaks of; what another thread requests
/// meanwhile must reach the server.
#[test]
fn f09_a_sink_that_blocks_keeps_no_other_thread_from_sending() {
    let _turn = turn();
    let far = Emulate::new(4, 0);
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.master().set_slave(far.clone());
    let options = ClientOptions::default();
    let client = TcpClient::new("127.0.0.1", server.port(), options).unwrap();
    client.wait_ready(LONG, Duration::from_millis(20)).unwrap();
    let master = Master::new();
    master.set_timeout(LONG);
    master.set_slave(client.clone());

    let (told, is_told) = channel();
    let (release, may_return) = channel::<()>();
    let (told, may_return) = (Mutex::new(told), Mutex::new(may_return));
    let blocked = AtomicBool::new(false);
    logging::set_emit_stdout(false);
    logging::set_sink(Some(Arc::new(move |record: &Record<'_>| {
        let is_first = || !blocked.swap(true, Ordering::SeqCst);
        if record.text.starts_with("Forwarding transaction") && is_first() {
            told.lock().unwrap().send(()).unwrap();
            let _ = may_return.lock().unwrap().recv();
        }
    })));
    logging::set_level(Level::DEBUG);
    thread::scope(|scope| {
        let first = scope.spawn(|| master.write(0, &[1, 2, 3, 4]));
        is_told.recv_timeout(LONG).unwrap();
        let id = master.request(16, vec![5; 4].into(), TransactionType::Write).unwrap();
        master.wait(id).unwrap();
        assert!(!first.is_finished());
        drop(release);
        first.join().unwrap().unwrap();
    });
}

/// The sink stops at the first thing that the server's own thread says; the server goes on.
#[test]
fn f16_a_sink_that_blocks_does_not_stop_a_server() {
    let _turn = turn();
    let (told, is_told) = channel();
    let (release, may_return) = channel::<()>();
    let (told, may_return) = (Mutex::new(told), Mutex::new(may_return));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let texts = seen.clone();
    logging::set_emit_stdout(false);
    logging::set_filter("memory.TcpServer", Level::DEBUG);
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.master().set_slave(Emulate::new(4, 0));
    logging::set_sink(Some(Arc::new(move |record: &Record<'_>| {
        texts.lock().unwrap().push(record.text.to_owned());
        let _ = told.lock().unwrap().send(());
        let _ = may_return.lock().unwrap().recv();
    })));
    for count in 1..=3 {
        let options = ClientOptions::default();
        let client = TcpClient::new("127.0.0.1", server.port(), options).unwrap();
        client.wait_ready(LONG, Duration::from_millis(20)).unwrap();
        let master = Master::new();
        master.set_timeout(LONG);
        master.set_slave(client);
        master.write(0, &[1, 2, 3, 4]).unwrap();
        if count == 1 {
            is_told.recv_timeout(LONG).unwrap();
        }
        assert_eq!(seen.lock().unwrap().len(), 1, "the first call of the sink has not returned");
    }
    drop(release);
    logging::flush(LONG);
    let seen = seen.lock().unwrap();
    let said = |text: &str| seen.iter().filter(|seen| seen.starts_with(text)).count();
    assert_eq!(said("READY from "), 6, "{seen:?}");
    assert!(seen[0].starts_with("Connection from "), "in order: {seen:?}");
    logging::remove_filter("memory.TcpServer");
}

/// A peer that says the same again and again is told of ten times, and then counted.
#[test]
fn f16_what_a_peer_causes_without_end_is_counted() {
    let _turn = turn();
    let records = capture();
    logging::set_level(Level::WARNING);
    let server = TcpServer::new("127.0.0.1", 0, ServerOptions::default()).unwrap();
    server.master().set_slave(Emulate::new(4, 0));
    const TIMES: usize = 200;
    for _ in 0..TIMES {
        let mut stranger = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        stranger.write_all(&[b'?'; 64]).unwrap();
        // Closed by the server, which has said why.
        let _ = stranger.read_to_end(&mut Vec::new());
    }
    server.stop();
    logging::flush(LONG);
    let said = drain(&records);
    let count = said.iter().filter(|seen| seen.text.starts_with("Closing a connection")).count();
    assert!((1..TIMES / 4).contains(&count), "{count} lines: {said:?}");
}

/// Warnings of both bridges' servers at `address`, by their kinds.
fn warnings_at(address: &str, list: Option<&str>) -> [Vec<Seen>; 2] {
    let access_list = list.map(|rules| AccessList::from_text(rules).unwrap());
    let records = capture();
    let options = ServerOptions { access_list: access_list.clone(), ..ServerOptions::default() };
    TcpServer::new(address, 0, options).unwrap();
    let memory = drain(&records);
    let options = StreamServerOptions { access_list, ..StreamServerOptions::default() };
    StreamServer::new(address, 0, options).unwrap();
    [memory, drain(&records)]
}

#[test]
fn a_server_that_is_open_to_the_network_says_so_once() {
    let _turn = turn();
    logging::set_level(Level::WARNING);
    let names = ["pyrogue.memory.TcpServer.*.", "pyrogue.stream.TcpCore.*.Server."];
    let rights = ["may read and write its memory", "may exchange frames with it"];
    for ((seen, name), may) in warnings_at("*", None).into_iter().zip(names).zip(rights) {
        let [Seen { name: logger, level, text }] = &seen[..] else { panic!("{seen:?}") };
        assert!(logger.starts_with(name) && *level == Level::WARNING.0, "{seen:?}");
        let words = ["open to the network: every host that reaches *:", may, "option access_list"];
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
    assert_eq!(warnings_at("*", Some("* read")), [[], []]);
    assert_eq!(warnings_at("127.0.0.1", None), [[], []]);
}

#[test]
fn peers_that_may_not_come_in_are_named_at_a_limited_rate() {
    const COUNT: u64 = 100;
    let _turn = turn();
    logging::set_level(Level::WARNING);
    let records = capture();
    let access_list = Some(AccessList::from_text("192.0.2.1 read").unwrap());
    let options = ServerOptions { access_list, ..ServerOptions::default() };
    let server = TcpServer::new("127.0.0.1", 0, options).unwrap();
    for _ in 0..COUNT {
        assert!(Raw::connect(server.port()).rest().is_empty());
    }
    assert_eq!(server.stats().refused_peers, COUNT);
    let seen = drain(&records);
    assert!((seen.len() as u64) < COUNT, "{} lines", seen.len());
    let why = "the server's access list does not let 127.0.0.1 in: have a rule for it added";
    assert!(seen[0].text.starts_with("Closing the connection from 127.0.0.1:"), "{seen:?}");
    assert!(seen[0].text.ends_with(why), "{seen:?}");
}
