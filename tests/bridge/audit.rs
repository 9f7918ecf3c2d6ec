//! Servers that record what their clients do.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rogue_mem::bridge::{ClientOptions, ServerOptions, TcpServer};
use rogue_mem::memory::TransactionType;
use rogue_mem::security::keys::KeyPair;
use rogue_mem::security::{
    AllowedClients, Audit, AuditOptions, AuditRecord, AuditResult, AuditSink, CurveClient,
    CurveServer,
};
use rogue_mem::Status;

use testkit::bridge::{memory, server_at_path, server_of, Client};
use testkit::directory::Directory;
use testkit::raw::{self, RawClient};
use testkit::slaves::{answer, calling, Keeper};
use testkit::wait::{wait_until, Gate, LONG};

/// A record, kept.
#[derive(Clone, Debug)]
struct Kept {
    server: String,
    address_of_client: String,
    number: u64,
    key: Option<String>,
    uid: Option<u32>,
    ty: TransactionType,
    address: u64,
    size: u32,
    data: Vec<u8>,
    result: AuditResult,
    status: Status,
    text: String,
    is_answered: bool,
}

/// Passes records on.
struct Keeping(Sender<Kept>);

impl AuditSink for Keeping {
    fn record(&mut self, record: &AuditRecord<'_>) {
        assert!(record.time > Duration::from_secs(1_700_000_000), "{record:?}");
        let client = record.client.clone();
        let kept = Kept {
            server: client.server,
            address_of_client: client.address,
            number: client.number,
            key: client.key,
            uid: client.uid,
            ty: record.ty,
            address: record.address,
            size: record.size,
            data: record.data.to_vec(),
            result: record.result,
            status: record.status,
            text: record.text.to_owned(),
            is_answered: record.is_answered,
        };
        // At its end the test takes no more.
        let _ = self.0.send(kept);
    }
}

fn keeping(options: AuditOptions) -> (Arc<Audit>, Receiver<Kept>) {
    let (sender, kept) = mpsc::channel();
    (Audit::new(Box::new(Keeping(sender)), options).unwrap(), kept)
}

fn audited(audit: &Arc<Audit>) -> ServerOptions {
    ServerOptions { audit: Some(audit.clone()), ..ServerOptions::default() }
}

/// The next record.
#[track_caller]
fn next(kept: &Receiver<Kept>) -> Kept {
    kept.recv_timeout(LONG).expect("a record comes")
}

/// The next record, of an access at `address` that ended so.
#[track_caller]
fn assert_next(kept: &Receiver<Kept>, address: u64, result: AuditResult) -> Kept {
    let record = next(kept);
    assert_eq!((record.address, record.result), (address, result), "{record:?}");
    record
}

#[track_caller]
fn assert_no_more(audit: &Audit, kept: &Receiver<Kept>) {
    audit.flush(LONG).unwrap();
    assert!(kept.try_recv().is_err());
}

#[test]
fn a_record_says_who_wrote_what_where_and_how_it_ended() {
    let (audit, kept) = keeping(AuditOptions::default());
    let server = server_of(memory(), audited(&audit));
    let client = Client::ready(server.port());
    client.master.write(0x100, &[1, 2, 3, 4]).unwrap();
    let record = assert_next(&kept, 0x100, AuditResult::Ok);
    assert_eq!(record.server, format!("127.0.0.1:{}", server.port()));
    assert!(record.address_of_client.starts_with("127.0.0.1:"), "{record:?}");
    assert_eq!((record.number, record.key, record.uid), (1, None, None));
    assert_eq!(
        (record.ty, record.size, &record.data[..]),
        (TransactionType::Write, 4, &[1, 2, 3, 4][..])
    );
    assert_eq!((record.status, &record.text[..], record.is_answered), (Status::Ok, "", true));
    // The beginning of a larger one, whose data comes in pieces.
    client.master.write(0x200, &[7; 200_000]).unwrap();
    let record = assert_next(&kept, 0x200, AuditResult::Ok);
    assert_eq!((record.size, &record.data[..]), (200_000, &[7; 64][..]));
    let posted = client.master.request(0x300, vec![9; 4].into(), TransactionType::Post).unwrap();
    client.master.wait(posted).unwrap();
    assert_eq!(assert_next(&kept, 0x300, AuditResult::Ok).ty, TransactionType::Post);
    // Reads are not recorded.
    client.master.read(0x100, 4).unwrap();
    assert_no_more(&audit, &kept);
}

#[test]
fn reads_are_recorded_where_that_is_asked_for() {
    let (audit, kept) = keeping(AuditOptions { reads: true, ..AuditOptions::default() });
    let server = server_of(memory(), audited(&audit));
    let client = Client::ready(server.port());
    client.master.write(0x100, &[1, 2, 3, 4]).unwrap();
    client.master.read(0x100, 4).unwrap();
    client.master.verify(0x100, 4).unwrap();
    assert_next(&kept, 0x100, AuditResult::Ok);
    let read = assert_next(&kept, 0x100, AuditResult::Ok);
    assert_eq!((read.ty, &read.data[..]), (TransactionType::Read, &[1, 2, 3, 4][..]));
    assert_eq!(assert_next(&kept, 0x100, AuditResult::Ok).ty, TransactionType::Verify);
    assert_no_more(&audit, &kept);
}

#[test]
fn what_a_slave_ends_later_is_recorded_then_and_with_what_was_sent() {
    let (audit, kept) = keeping(AuditOptions::default());
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), audited(&audit));
    let client = Client::ready(server.port());
    let ids = [client.start_write(0, &[1; 4]), client.start_write(8, &[2; 4])];
    let posted = client.master.request(16, vec![3; 4].into(), TransactionType::Post).unwrap();
    keeper.wait_seen(3);
    assert_no_more(&audit, &kept);
    let [first, second, third] = [keeper.next(), keeper.next(), keeper.next()];
    third.done();
    let record = assert_next(&kept, 16, AuditResult::Ok);
    assert_eq!((record.ty, &record.data[..]), (TransactionType::Post, &[3; 4][..]));
    second.error("the magnet quenched".to_owned());
    let record = assert_next(&kept, 8, AuditResult::Error);
    assert_eq!((record.status, &record.data[..]), (Status::Transaction, &[2; 4][..]));
    assert!(record.text.contains("the magnet quenched"), "{record:?}");
    answer(&first);
    assert_eq!(assert_next(&kept, 0, AuditResult::Ok).data, [1; 4]);
    client.master.wait(ids[0]).unwrap();
    client.error_of(ids[1]);
    client.master.wait(posted).unwrap();
}

#[test]
fn what_a_slave_does_not_end_in_time_is_an_error() {
    let (audit, kept) = keeping(AuditOptions::default());
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), audited(&audit));
    server.master().set_timeout(Duration::from_millis(1));
    let client = Client::ready(server.port());
    let id = client.start_write(0, &[1; 4]);
    let record = assert_next(&kept, 0, AuditResult::Error);
    assert_eq!((record.status, &record.data[..]), (Status::TransactionTimeout, &[1; 4][..]));
    client.error_of(id);
}

#[test]
fn refused_writes_are_recorded_with_the_reason() {
    let (audit, kept) = keeping(AuditOptions::default());
    let options = ServerOptions { read_only: true, transaction_bytes_max: 1000, ..audited(&audit) };
    let server = server_of(memory(), options);
    let client = Client::ready(server.port());
    client.master.write(0x10, &[1; 4]).unwrap_err();
    let record = assert_next(&kept, 0x10, AuditResult::Refused);
    assert_eq!((record.status, &record.data[..]), (Status::Transaction, &[1; 4][..]));
    assert!(record.text.contains("read only") && record.is_answered, "{record:?}");
    client.master.write(0x20, &[1; 2000]).unwrap_err();
    assert!(assert_next(&kept, 0x20, AuditResult::Refused).text.contains("1000 bytes"));
    let mut legacy = RawClient::legacy(server.port());
    legacy.request.send(&raw::request(1, 0x30, 8, raw::WRITE, Some(&[1; 4])));
    legacy.response.take_response();
    let record = assert_next(&kept, 0x30, AuditResult::Refused);
    assert_eq!((record.number, record.size), (2, 8));
    assert_eq!(server.drain(LONG).unwrap(), 0);
    client.master.write(0x40, &[1; 4]).unwrap_err();
    assert!(assert_next(&kept, 0x40, AuditResult::Refused).text.contains("drains"));
    // What is refused of reads is not recorded either.
    client.master.read(0x40, 4).unwrap_err();
    assert_no_more(&audit, &kept);
    assert_eq!(audit.stats().records, server.stats().refused - 1);
}

#[test]
fn a_write_whose_time_has_passed_is_late() {
    let (audit, kept) = keeping(AuditOptions::default());
    let server = server_of(memory(), audited(&audit));
    let mut client = RawClient::connect(
        server.port(),
        &[
            ("X-Rogue-Session", "0123456789abcdef0123456789abcdef"),
            ("X-Rogue-Bridge", "1"),
            ("X-Rogue-Deadline", "5000000000000"),
        ],
    );
    // By the client's clock it was sent ten seconds before its READY, and is good for one.
    let times = [4_990_000_000_000, 1_000_000_000, 1_000_000_000];
    client.request.send(&raw::timed(1, 0x50, raw::WRITE, times, Some(&[5; 4])));
    let late = assert_next(&kept, 0x50, AuditResult::Late);
    assert_eq!((late.status, &late.data[..]), (Status::TransactionTimeout, &[5; 4][..]));
    assert!(late.text.contains("not carried out"), "{late:?}");
}

#[test]
fn writes_of_clients_that_have_gone_are_recorded_as_unanswered() {
    let (audit, kept) = keeping(AuditOptions::default());
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), audited(&audit));
    let client = Client::ready(server.port());
    client.start_write(0, &[1; 4]);
    client.start_write(8, &[2; 4]);
    keeper.wait_seen(2);
    client.tcp.stop();
    wait_until("it has left", || server.stats().clients == 0);
    answer(&keeper.next());
    let record = assert_next(&kept, 0, AuditResult::Ok);
    assert_eq!((record.is_answered, &record.data[..]), (false, &[1; 4][..]));
    keeper.next().error("no".to_owned());
    let record = assert_next(&kept, 8, AuditResult::Error);
    assert!(!record.is_answered && record.text.contains("no"), "{record:?}");
}

#[test]
fn writes_that_a_stopped_server_leaves_with_its_slave_are_abandoned() {
    let (audit, kept) = keeping(AuditOptions::default());
    let keeper = Keeper::new();
    let server = server_of(keeper.clone(), audited(&audit));
    let client = Client::ready(server.port());
    let id = client.start_write(0, &[1; 4]);
    keeper.wait_seen(1);
    server.stop();
    let record = assert_next(&kept, 0, AuditResult::Abandoned);
    assert_eq!((record.status, record.is_answered), (Status::Stopped, false));
    assert!(record.text.contains("stopped"), "{record:?}");
    client.error_of(id);
    assert_no_more(&audit, &kept);
}

#[test]
fn keys_and_users_are_recorded() {
    let (audit, kept) = keeping(AuditOptions::default());
    let (keys, own) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let key = own.public().to_string();
    let curve = CurveServer::new(keys.clone(), AllowedClients::Any);
    let server = server_of(memory(), ServerOptions { curve: Some(curve), ..audited(&audit) });
    let curve = CurveClient::from_text(&keys.public().to_string(), &own).unwrap();
    let client =
        Client::with(server.port(), ClientOptions { curve: Some(curve), ..Default::default() });
    client.wait_ready();
    client.master.write(0, &[1; 4]).unwrap();
    assert_eq!(next(&kept).key, Some(key));

    let directory = Directory::new();
    let address = directory.address("socket");
    let server = server_at_path(&address, memory(), audited(&audit));
    let client = Client::at(&address, 0);
    client.wait_ready();
    client.master.write(0, &[1; 4]).unwrap();
    let record = next(&kept);
    assert!(record.uid.is_some() && record.address_of_client.contains("user"), "{record:?}");
    assert_eq!(record.server, server.addresses()[0].to_string());
}

#[test]
fn servers_share_an_audit_and_the_last_of_them_ends_it() {
    let (audit, kept) = keeping(AuditOptions::default());
    let servers = [server_of(memory(), audited(&audit)), server_of(memory(), audited(&audit))];
    drop(audit);
    let mut found = Vec::new();
    for server in &servers {
        let client = Client::ready(server.port());
        client.master.write(0, &[1; 4]).unwrap();
        found.push(next(&kept).server);
    }
    assert_ne!(found[0], found[1]);
    drop(servers);
    assert_eq!(kept.recv_timeout(LONG).map(|_| ()), Err(mpsc::RecvTimeoutError::Disconnected));
}

/// A sink that takes nothing until its gate is open.
struct Blocking {
    gate: Arc<Gate>,
    taken: Arc<Mutex<(u64, u64)>>,
}

impl AuditSink for Blocking {
    fn record(&mut self, _: &AuditRecord<'_>) {
        self.gate.pass();
        self.taken.lock().unwrap().0 += 1;
    }

    fn lost(&mut self, count: u64) {
        self.taken.lock().unwrap().1 += count;
    }
}

#[test]
fn a_sink_that_blocks_stops_no_bus_and_what_is_lost_is_counted() {
    let (gate, taken) = (Gate::new(), Arc::new(Mutex::new((0, 0))));
    let sink = Box::new(Blocking { gate: gate.clone(), taken: taken.clone() });
    let options = AuditOptions { records_max: 16, ..AuditOptions::default() };
    let audit = Audit::new(sink, options).unwrap();
    let server = server_of(memory(), audited(&audit));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let client = Client::ready(server.port());
                for address in 0..500 {
                    client.master.write(8 * address, &[1; 4]).unwrap();
                }
            });
        }
    });
    let stats = audit.stats();
    assert_eq!((stats.records, stats.delivered), (2000, 0));
    assert!(stats.queued <= 32 && stats.lost == 2000 - stats.queued, "{stats:?}");
    gate.open();
    audit.flush(LONG).unwrap();
    let (records, lost) = *taken.lock().unwrap();
    assert_eq!(records + lost, 2000);
    let stats = audit.stats();
    assert_eq!((stats.delivered, stats.lost, stats.queued), (records, lost, 0));
}

#[test]
fn a_panicking_slave_is_an_error_and_the_server_goes_on() {
    let (audit, kept) = keeping(AuditOptions::default());
    let slave = calling(|tran| match tran.address() {
        0 => panic!("a panic that this test wants"),
        _ => answer(tran),
    });
    let server = server_of(slave, audited(&audit));
    let client = Client::ready(server.port());
    client.master.write(0, &[1; 4]).unwrap_err();
    assert!(assert_next(&kept, 0, AuditResult::Error).text.contains("panicked"));
    client.master.write(8, &[1; 4]).unwrap();
    assert_next(&kept, 8, AuditResult::Ok);
}

#[test]
fn a_file_has_what_all_clients_wrote() {
    let directory = Directory::new();
    let path = directory.file("audit.jsonl");
    let audit = Audit::to_file(&path, AuditOptions::default()).unwrap();
    let server: Arc<TcpServer> = server_of(memory(), audited(&audit));
    std::thread::scope(|scope| {
        for number in 0..4 {
            let port = server.port();
            scope.spawn(move || {
                let client = Client::ready(port);
                for index in 0..250 {
                    client.master.write(0x1000 * number + 4 * index, &[number as u8; 4]).unwrap();
                }
            });
        }
    });
    audit.flush(LONG).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 1000);
    for number in 0..4u64 {
        let data = format!("\"data\":\"{}\"", format!("{number:02x}").repeat(4));
        assert_eq!(text.lines().filter(|line| line.contains(&data)).count(), 250);
    }
    assert_eq!((audit.stats().delivered, audit.stats().lost), (1000, 0));
}
