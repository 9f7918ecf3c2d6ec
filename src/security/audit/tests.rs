//! The queue, its thread, and files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::Mutex;

use super::*;

use testkit_base::directory::Directory;
use testkit_base::wait::{wait_until, Gate, LONG};

fn client() -> Arc<AuditClient> {
    Arc::new(AuditClient {
        server: "127.0.0.1:9000".to_owned(),
        address: "192.0.2.1:40123".to_owned(),
        number: 7,
        key: None,
        uid: None,
        pid: None,
    })
}

fn entry(address: u64) -> Entry {
    Entry {
        client: client(),
        latency: Duration::from_nanos(1500),
        ty: 2,
        address,
        size: 4,
        result: AuditResult::Ok,
        status: Status::Ok,
        is_answered: true,
    }
}

/// Sends the addresses of records, and passes a gate before each.
struct Told {
    told: Sender<u64>,
    lost: Sender<u64>,
    gate: Arc<Gate>,
}

impl AuditSink for Told {
    fn record(&mut self, record: &AuditRecord<'_>) {
        self.gate.pass();
        assert!(record.address != 0xBAD, "this address makes the sink panic");
        self.told.send(record.address).unwrap();
    }

    fn lost(&mut self, count: u64) {
        self.lost.send(count).unwrap();
    }
}

fn telling() -> (Box<Told>, Receiver<u64>, Receiver<u64>, Arc<Gate>) {
    let ((told, told_of), (lost, lost_of)) = (mpsc::channel(), mpsc::channel());
    let gate = Gate::new();
    (Box::new(Told { told, lost, gate: gate.clone() }), told_of, lost_of, gate)
}

#[test]
fn records_come_in_order_and_a_flush_waits_for_them() {
    let (sink, told, _, gate) = telling();
    gate.open();
    let audit = Audit::new(sink, AuditOptions::default()).unwrap();
    for address in 0..1000 {
        audit.push(entry(address), &[1; 4], "");
    }
    audit.flush(LONG).unwrap();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), (0..1000).collect::<Vec<_>>());
    let stats = audit.stats();
    assert_eq!((stats.records, stats.delivered, stats.lost, stats.queued), (1000, 1000, 0, 0));
}

#[test]
fn a_sink_that_blocks_costs_records_that_are_counted_exactly() {
    let (sink, told, lost, gate) = telling();
    let options = AuditOptions { records_max: 10, ..AuditOptions::default() };
    let audit = Audit::new(sink, options).unwrap();
    audit.push(entry(0), &[], "");
    gate.wait_arrived(1);
    for address in 1..100 {
        audit.push(entry(address), &[], "");
    }
    let stats = audit.stats();
    assert_eq!((stats.records, stats.delivered, stats.lost, stats.queued), (100, 0, 89, 11));
    assert_eq!(audit.flush(Duration::from_millis(1)).unwrap_err().status(), Status::Timeout);
    gate.open();
    audit.flush(LONG).unwrap();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), (0..11).collect::<Vec<_>>());
    assert_eq!(lost.try_iter().sum::<u64>(), 89);
    let stats = audit.stats();
    assert_eq!((stats.delivered, stats.lost, stats.queued), (11, 89, 0));
}

#[test]
fn bytes_limit_the_queue_too() {
    let (sink, _told, lost, gate) = telling();
    let options =
        AuditOptions { data_bytes_max: 1000, queue_bytes_max: 2500, ..AuditOptions::default() };
    let audit = Audit::new(sink, options).unwrap();
    audit.push(entry(0), &[], "");
    gate.wait_arrived(1);
    for _ in 0..3 {
        audit.push(entry(1), &[7; 5000], "");
    }
    assert_eq!(audit.stats().lost, 1);
    gate.open();
    audit.flush(LONG).unwrap();
    assert_eq!(lost.try_iter().sum::<u64>(), 1);
}

#[test]
fn a_panic_of_the_sink_goes_no_further() {
    let (sink, told, _, gate) = telling();
    gate.open();
    let audit = Audit::new(sink, AuditOptions::default()).unwrap();
    for address in [1, 0xBAD, 2] {
        audit.push(entry(address), &[], "");
    }
    audit.flush(LONG).unwrap();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn the_last_reference_passes_the_last_records_on_and_drops_the_sink() {
    let (sink, told, _, gate) = telling();
    gate.open();
    let audit = Audit::new(sink, AuditOptions::default()).unwrap();
    audit.push(entry(5), &[], "");
    drop(audit);
    assert_eq!(told.recv_timeout(LONG), Ok(5));
    assert_eq!(told.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
}

/// Drops the audit that it belongs to.
struct Dropping(Arc<Mutex<Option<Arc<Audit>>>>, Sender<Status>);

impl AuditSink for Dropping {
    fn record(&mut self, _: &AuditRecord<'_>) {
        let Some(audit) = self.0.lock().unwrap().take() else { return };
        self.1.send(audit.flush(LONG).unwrap_err().status()).unwrap();
    }
}

#[test]
fn a_sink_may_drop_its_audit_and_is_refused_a_wait_for_itself() {
    let (place, (sender, status)) = (Arc::new(Mutex::new(None)), mpsc::channel());
    let sink = Box::new(Dropping(place.clone(), sender));
    let audit = Audit::new(sink, AuditOptions::default()).unwrap();
    let mut held = place.lock().unwrap();
    audit.push(entry(0), &[], "");
    *held = Some(audit);
    drop(held);
    assert_eq!(status.recv_timeout(LONG), Ok(Status::InvalidArgument));
    assert_eq!(status.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn a_queue_without_room_for_one_record_is_refused() {
    for options in [
        AuditOptions { queue_bytes_max: 1000, ..AuditOptions::default() },
        AuditOptions { records_max: 0, ..AuditOptions::default() },
        AuditOptions { files_max: 0, ..AuditOptions::default() },
        AuditOptions { file_mode: 0o1000, ..AuditOptions::default() },
    ] {
        let (sink, ..) = telling();
        assert_eq!(Audit::new(sink, options).unwrap_err().status(), Status::InvalidArgument);
    }
}

// ---------------------------------------------------------------------- files

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// The addresses in the lines of a file, and the sum of its missing records.
fn addresses(path: &Path) -> (Vec<u64>, u64) {
    let (mut found, mut lost) = (Vec::new(), 0);
    for line in lines(path) {
        assert!(line.starts_with("{\"time\":\"") && line.ends_with('}'), "{line}");
        match line.split_once("\"lost\":") {
            Some((_, count)) => lost += count.trim_end_matches('}').parse::<u64>().unwrap(),
            None => {
                let (_, rest) = line.split_once("\"address\":\"0x").unwrap();
                found.push(u64::from_str_radix(rest.split_once('"').unwrap().0, 16).unwrap());
            }
        }
    }
    (found, lost)
}

#[test]
fn a_file_has_a_line_for_each_record_and_only_its_owner_reads_it() {
    let directory = Directory::new();
    let path = directory.file("audit");
    let audit = Audit::to_file(&path, AuditOptions::default()).unwrap();
    audit.push(entry(0x1000), &[0x12, 0xAB], "");
    let failed = Entry {
        client: Arc::new(AuditClient {
            key: Some("abc".to_owned()),
            uid: Some(1000),
            pid: Some(42),
            ..(*client()).clone()
        }),
        result: AuditResult::Refused,
        status: Status::Transaction,
        is_answered: false,
        ty: 3,
        ..entry(0x20)
    };
    audit.push(failed, &[], "not \"you\"");
    audit.flush(LONG).unwrap();
    let found = lines(&path);
    let (time, rest) = found[0].split_at("{\"time\":\"2026-11-30T22:40:00.000000000Z\"".len());
    assert!(time.starts_with("{\"time\":\"2") && time.ends_with("Z\""), "{time}");
    assert_eq!(
        rest,
        ",\"server\":\"127.0.0.1:9000\",\"client\":\"192.0.2.1:40123\",\"number\":7,\
         \"type\":\"write\",\"address\":\"0x1000\",\"size\":4,\"data\":\"12ab\",\
         \"result\":\"ok\",\"latency_ns\":1500}"
    );
    let end = "\"number\":7,\"key\":\"abc\",\"uid\":1000,\"pid\":42,\"type\":\"post\",\
               \"address\":\"0x20\",\"size\":4,\"data\":\"\",\"result\":\"refused\",\"status\":100,\
               \"text\":\"not \\\"you\\\"\",\"answered\":false,\"latency_ns\":1500}";
    assert!(found[1].ends_with(end), "{}", found[1]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let stats = audit.stats();
    assert_eq!(stats.bytes_written, fs::metadata(&path).unwrap().len());
    assert_eq!((stats.delivered, stats.write_errors, stats.files_rotated), (2, 0, 0));
}

#[test]
fn a_file_is_continued_and_a_part_of_a_line_stays_apart() {
    let directory = Directory::new();
    let path = directory.file("audit");
    for address in [1, 2] {
        let audit = Audit::to_file(&path, AuditOptions::default()).unwrap();
        audit.push(entry(address), &[], "");
        drop(audit);
        wait_until("it is written", || lines(&path).len() == address as usize);
    }
    assert_eq!(addresses(&path), (vec![1, 2], 0));
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"time")).unwrap();
    let audit = Audit::to_file(&path, AuditOptions::default()).unwrap();
    audit.push(entry(3), &[], "");
    audit.flush(LONG).unwrap();
    let found = lines(&path);
    assert_eq!((found.len(), &found[2][..]), (4, "{\"time"));
    assert!(found[3].contains("\"0x3\""));
}

#[test]
fn files_are_renamed_when_they_are_full_and_the_oldest_goes() {
    let directory = Directory::new();
    let path = directory.file("audit");
    let numbered = |number: u32| directory.file(&format!("audit.{number}"));
    let options = AuditOptions {
        file_bytes_max: 1000,
        files_max: 3,
        file_mode: 0o640,
        ..AuditOptions::default()
    };
    let audit = Audit::to_file(&path, options).unwrap();
    for address in 0..100 {
        audit.push(entry(address), &[], "");
    }
    audit.flush(LONG).unwrap();
    let files: Vec<PathBuf> = vec![numbered(2), numbered(1), path.clone()];
    let mut kept = Vec::new();
    for file in &files {
        let length = fs::metadata(file).unwrap().len();
        assert!((1..=1000).contains(&length), "{length}");
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o137, 0);
        kept.extend(addresses(file).0);
    }
    let first = kept[0];
    assert!(first > 50, "the oldest have gone: {first}");
    assert_eq!(kept, (first..100).collect::<Vec<_>>());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
    assert!(audit.stats().files_rotated > 10);
}

#[test]
fn one_file_begins_again_when_it_is_full() {
    let directory = Directory::new();
    let path = directory.file("audit");
    let options = AuditOptions { file_bytes_max: 500, files_max: 1, ..AuditOptions::default() };
    let audit = Audit::to_file(&path, options).unwrap();
    for address in 0..10 {
        audit.push(entry(address), &[], "");
    }
    audit.flush(LONG).unwrap();
    assert!(addresses(&path).0.ends_with(&[9]) && fs::metadata(&path).unwrap().len() <= 500);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn f102_one_file_begins_again_without_a_new_descriptor_which_the_system_may_refuse() {
    let directory = Directory::new();
    let path = directory.file("audit");
    let options = AuditOptions { file_bytes_max: 500, files_max: 1, ..AuditOptions::default() };
    let audit = Audit::to_file(&path, options).unwrap();
    let file = fs::metadata(&path).unwrap().ino();
    // So that no other file gets its number.
    fs::hard_link(&path, directory.file("held")).unwrap();
    for address in 0..10 {
        audit.push(entry(address), &[], "");
    }
    audit.flush(LONG).unwrap();
    assert!(audit.stats().files_rotated > 0);
    assert_eq!(fs::metadata(&path).unwrap().ino(), file, "a removed file takes records silently");
}

#[test]
fn f102_the_file_after_one_that_ends_within_a_line_begins_with_a_line() {
    let directory = Directory::new();
    let path = directory.file("audit");
    fs::write(&path, format!("{}{{\"time", "\n".repeat(500))).unwrap();
    let options = AuditOptions { file_bytes_max: 500, ..AuditOptions::default() };
    let audit = Audit::to_file(&path, options).unwrap();
    audit.push(entry(1), &[], "");
    audit.flush(LONG).unwrap();
    assert_eq!(addresses(&path), (vec![1], 0));
    assert_eq!(lines(&path).len(), 1);
}

#[test]
fn a_file_that_cannot_be_renamed_is_gone_on_with() {
    let directory = Directory::new();
    let path = directory.file("audit");
    // A directory that is not empty is in the way.
    fs::create_dir_all(directory.file("audit.1/in the way")).unwrap();
    let options = AuditOptions { file_bytes_max: 500, files_max: 2, ..AuditOptions::default() };
    let audit = Audit::to_file(&path, options).unwrap();
    for address in 0..10 {
        audit.push(entry(address), &[], "");
    }
    audit.flush(LONG).unwrap();
    assert_eq!(addresses(&path), ((0..10).collect(), 0));
    let stats = audit.stats();
    assert_eq!((stats.delivered, stats.files_rotated), (10, 0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_costs_records_that_are_counted() {
    let audit = Audit::to_file("/dev/full", AuditOptions::default()).unwrap();
    for address in 0..10 {
        audit.push(entry(address), &[], "");
        let error = audit.flush(LONG).unwrap_err();
        assert_eq!(error.status(), Status::File);
        let words = ["/dev/full", "No space left", "make room"];
        assert!(words.iter().all(|word| error.text().contains(word)), "{error}");
    }
    let stats = audit.stats();
    assert_eq!((stats.delivered, stats.lost, stats.queued, stats.bytes_written), (0, 10, 0, 0));
    assert!(stats.write_errors >= 10);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_goes_on_when_the_disk_has_room_again_and_says_what_is_missing() {
    let directory = Directory::new();
    let path = directory.file("audit");
    // The present file is full, and the next ones are not.
    let options = AuditOptions { file_bytes_max: 1000, ..AuditOptions::default() };
    let counters = Arc::new(Counters::default());
    let mut sink = FileSink::open(&path, &options, counters.clone()).unwrap();
    sink.fill_disk(Some(1));
    let queue = Queue::new(100, 10_000, counters.clone()).unwrap();
    let write = |sink: &mut FileSink, addresses: std::ops::Range<u64>| {
        for address in addresses {
            queue.push(entry(address), &[], "");
        }
        let work = queue.next();
        sink.write(&work.batch);
        queue.finish(work, Ok(()));
    };
    write(&mut sink, 0..3);
    assert_eq!((counters.stats().delivered, counters.stats().lost), (0, 3));
    assert_eq!(fs::read_to_string(&path).unwrap(), "", "half a line is cut off");
    write(&mut sink, 3..5);
    sink.fill_disk(None);
    write(&mut sink, 5..7);
    assert_eq!(addresses(&path), (vec![5, 6], 5));
    assert!(lines(&path)[0].contains("\"lost\":5"));
    let stats = counters.stats();
    assert_eq!((stats.delivered, stats.lost, stats.write_errors), (2, 5, 2));
}

#[cfg(target_os = "linux")]
#[test]
fn f112_a_flush_fails_where_the_disk_was_full_and_once_only() {
    let directory = Directory::new();
    let path = directory.file("audit");
    let counters = Arc::new(Counters::default());
    let mut sink = FileSink::open(&path, &AuditOptions::default(), counters.clone()).unwrap();
    let queue = Queue::new(100, 10_000, counters).unwrap();
    queue.push(entry(1), &[], "");
    sink.fill_disk(Some(1));
    sink.write(&queue.next().batch);
    sink.fill_disk(None);
    let why = sink.sync().unwrap_err();
    assert!(why.contains("audit") && why.contains("No space left"), "{why}");
    assert_eq!(sink.sync(), Ok(()));
    assert_eq!(addresses(&path), (vec![], 1));
}

#[test]
fn f112_a_flush_that_comes_too_late_leaves_the_failure_to_the_next_one() {
    let queue = Queue::new(100, 10_000, Arc::default()).unwrap();
    let late = |queue: &Queue| queue.flush(clock::now());
    assert_eq!(late(&queue), WaitEnd::Late);
    queue.finish(queue.next(), Err("full".to_owned()));
    let serve = |outcome| {
        std::thread::scope(|scope| {
            let flush = scope.spawn(|| queue.flush(clock::now() + LONG));
            queue.finish(queue.next(), outcome);
            flush.join().unwrap()
        })
    };
    assert_eq!(serve(Ok(())), WaitEnd::Failed("full".to_owned()));
    assert_eq!(serve(Ok(())), WaitEnd::Done);
    assert_eq!(serve(Err("full".to_owned())), WaitEnd::Failed("full".to_owned()));
    assert_eq!(serve(Ok(())), WaitEnd::Done);
}

#[cfg(target_os = "linux")]
#[test]
fn f113_a_file_that_is_emptied_while_the_disk_is_full_gets_no_zeros() {
    let directory = Directory::new();
    let path = directory.file("audit");
    let counters = Arc::new(Counters::default());
    let mut sink = FileSink::open(&path, &AuditOptions::default(), counters.clone()).unwrap();
    let queue = Queue::new(100, 10_000, counters).unwrap();
    let write = |sink: &mut FileSink, address: u64| {
        queue.push(entry(address), &[], "");
        let work = queue.next();
        sink.write(&work.batch);
        queue.finish(work, Ok(()));
    };
    (0..10).for_each(|address| write(&mut sink, address));
    // As `logrotate` does with copytruncate.
    fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    sink.fill_disk(Some(1));
    write(&mut sink, 10);
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
    sink.fill_disk(None);
    write(&mut sink, 11);
    assert_eq!(addresses(&path), (vec![11], 1));
}

#[test]
fn f114_a_file_that_others_rename_or_remove_is_begun_anew_and_a_new_one_gone_on_with() {
    let directory = Directory::new();
    let path = directory.file("audit");
    let audit = Audit::to_file(&path, AuditOptions::default()).unwrap();
    let write = |address: u64| {
        audit.push(entry(address), &[], "");
        audit.flush(LONG).unwrap();
    };
    write(1);
    let old = directory.file("old");
    fs::rename(&path, &old).unwrap();
    write(2);
    assert_eq!((addresses(&old), addresses(&path)), ((vec![1], 0), (vec![2], 0)));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::remove_file(&path).unwrap();
    write(3);
    assert_eq!(addresses(&path), (vec![3], 0));
    fs::rename(&path, &old).unwrap();
    fs::write(&path, "{\"time").unwrap();
    write(4);
    assert_eq!(lines(&path)[0], "{\"time");
    assert!(lines(&path)[1].contains("\"0x4\""));
    assert_eq!((audit.stats().delivered, audit.stats().files_rotated), (4, 3));
}

#[test]
fn f114_where_a_removed_file_cannot_be_begun_anew_records_are_lost_and_counted() {
    let directory = Directory::new();
    let path = directory.file("audit");
    let audit = Audit::to_file(&path, AuditOptions::default()).unwrap();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    audit.push(entry(1), &[], "");
    assert_eq!(audit.flush(LONG).unwrap_err().status(), Status::File);
    assert_eq!((audit.stats().delivered, audit.stats().lost), (0, 1));
    fs::remove_dir(&path).unwrap();
    audit.push(entry(2), &[], "");
    audit.flush(LONG).unwrap();
    assert_eq!(addresses(&path), (vec![2], 1));
}

#[test]
fn what_is_no_file_for_an_audit_is_refused() {
    let directory = Directory::new();
    let missing = directory.file("none/audit");
    for path in [directory.path(), &missing] {
        let error = Audit::to_file(path, AuditOptions::default()).unwrap_err();
        assert_eq!(error.status(), Status::File);
        assert!(error.text().contains(&path.display().to_string()), "{error}");
    }
}
