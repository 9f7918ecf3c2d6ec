use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A fake `/proc`, removed when dropped.
struct FakeProc(PathBuf);

impl FakeProc {
    fn new() -> FakeProc {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rogue-mem-proc-{}-{number}", std::process::id());
        let root = std::env::temp_dir().join(name);
        fs::create_dir_all(root.join("net")).unwrap();
        FakeProc(root)
    }

    /// A table with a header and one socket per line, from words in memory order.
    fn table(&self, name: &str, sockets: &[(&str, &str, u64)]) {
        let mut text = String::from("  sl  local_address rem_address   st tx_queue rx_queue\n");
        for (number, (own, remote, inode)) in sockets.iter().enumerate() {
            text += &format!(
                "{number:4}: {own} {remote} 01 00000000:00000000 00:00000000 00000000  1000 \
                       0 {inode} 1 0000000000000000 20 4 30 10 -1\n"
            );
        }
        fs::write(self.0.join("net").join(name), text).unwrap();
    }

    fn process(&self, pid: u32, name: &str, start_ticks: u64, inodes: &[u64]) {
        let directory = self.0.join(pid.to_string());
        fs::create_dir_all(directory.join("fd")).unwrap();
        let zeros = "0 ".repeat(18);
        let stat = format!("{pid} ({name}) S {zeros}{start_ticks} 0 0\n");
        fs::write(directory.join("stat"), stat).unwrap();
        for (number, inode) in inodes.iter().enumerate() {
            let target = format!("socket:[{inode}]");
            std::os::unix::fs::symlink(target, directory.join("fd").join(number.to_string()))
                .unwrap();
        }
    }

    /// Epoll descriptors of a process, each with the descriptors in its list.
    fn epolls(&self, pid: u32, epolls: &[(u32, &[u32])]) {
        let directory = self.0.join(pid.to_string());
        fs::create_dir_all(directory.join("fdinfo")).unwrap();
        for (epoll, listed) in epolls {
            let link = directory.join(format!("fd/{epoll}"));
            std::os::unix::fs::symlink("anon_inode:[eventpoll]", link).unwrap();
            let mut text = String::from("pos:\t0\nflags:\t02000002\nmnt_id:\t17\n");
            for fd in *listed {
                text += &format!("tfd: {fd:8} events:       19 data:     55cba728b260\n");
            }
            fs::write(directory.join(format!("fdinfo/{epoll}")), text).unwrap();
        }
    }

    fn threads(&self, pid: u32, names: &[&str]) {
        let tasks = self.0.join(format!("{pid}/task"));
        let _ = fs::remove_dir_all(&tasks);
        for (number, name) in names.iter().enumerate() {
            let task = tasks.join(number.to_string());
            fs::create_dir_all(&task).unwrap();
            fs::write(task.join("comm"), format!("{name}\n")).unwrap();
        }
    }

    fn owner(&self, local: &str, peer: &str) -> Owner {
        owners_in(&self.0, &[(local.parse().unwrap(), peer.parse().unwrap())])[0]
    }
}

impl Drop for FakeProc {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An IPv4 address and a port, as the kernel of this machine prints them.
fn v4(address: [u8; 4], port: u16) -> String {
    format!("{:08X}:{port:04X}", u32::from_ne_bytes(address))
}

const LOCAL: &str = "127.0.0.1:8000";
const PEER: &str = "127.0.0.1:40000";

fn peer_socket(inode: u64) -> FakeProc {
    let proc = FakeProc::new();
    let (own, remote) = (v4([127, 0, 0, 1], 40_000), v4([127, 0, 0, 1], 8_000));
    // Our own end is listed too, and must not be taken.
    proc.table("tcp", &[(&remote, &own, 5), (&own, &remote, inode)]);
    proc
}

#[test]
fn of_several_holders_the_first_started_counts_and_then_the_lowest_id() {
    let proc = peer_socket(77);
    proc.process(900, "late", 5_000, &[77]);
    proc.process(100, "early (but ) oddly) named", 4_000, &[1, 77]);
    proc.process(50, "server", 10, &[5]);
    assert_eq!(proc.owner(LOCAL, PEER), Owner::Process(Process { pid: 100, start_ticks: 4_000 }));
    proc.process(99, "same time", 4_000, &[77]);
    assert_eq!(proc.owner(LOCAL, PEER), Owner::Process(Process { pid: 99, start_ticks: 4_000 }));
}

#[test]
fn a_socket_without_visible_holder_is_hidden() {
    let proc = peer_socket(77);
    proc.process(50, "server", 10, &[5]);
    // A process whose open files may not be listed.
    fs::create_dir_all(proc.0.join("60")).unwrap();
    assert_eq!(proc.owner(LOCAL, PEER), Owner::User(1000));
}

/// Two clients of one process: descriptors 0 and 1 are the sockets of the first, 2 and 3 of the
/// second. Returns what is found for each of the four.
fn two_clients(epolls: &[(u32, &[u32])], threads: &[&str]) -> Vec<Owner> {
    let proc = FakeProc::new();
    let ports = [40_000, 40_001, 40_002, 40_003];
    let server = v4([127, 0, 0, 1], 8_000);
    let sockets = ports.map(|port| v4([127, 0, 0, 1], port));
    let lines: Vec<_> =
        (71..).zip(&sockets).map(|(inode, own)| (&**own, &*server, inode)).collect();
    proc.table("tcp", &lines);
    proc.process(9, "client", 3, &[71, 72, 73, 74]);
    proc.epolls(9, epolls);
    proc.threads(9, threads);
    let pair = |port: u16| (LOCAL.parse().unwrap(), SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    owners_in(&proc.0, &ports.map(pair))
}

const CLIENT: Process = Process { pid: 9, start_ticks: 3 };

#[test]
fn f21_clients_of_one_process_are_told_apart_by_their_contexts() {
    let threads = ["client", "ZMQbg/Reaper", "ZMQbg/IO/0", "ZMQbg/Reaper", "own/ZMQbg/IO/0"];
    let found = two_clients(&[(10, &[4]), (11, &[5, 0, 1]), (12, &[2, 6, 3])], &threads);
    let contexts = [11, 11, 12, 12].map(|epoll| Owner::Context(CLIENT, epoll));
    assert_eq!(found, contexts);
    // Both in one context: the same epoll descriptor lists all four.
    let found = two_clients(&[(11, &[0, 1, 2, 3])], &threads);
    assert_eq!(found, [Owner::Context(CLIENT, 11); 4]);
}

/// A context with two I/O threads may have one socket of each client on either: the epoll
/// descriptors then suggest the opposite of the truth.
#[test]
fn f21_no_context_is_named_where_one_may_have_several_io_threads() {
    let crossed: &[(u32, &[u32])] = &[(11, &[0, 3]), (12, &[1, 2])];
    for threads in [
        &["client", "ZMQbg/Reaper", "ZMQbg/IO/0", "ZMQbg/IO/1"][..],
        &["client", "ZMQbg/IO/0", "ZMQbg/IO/0", "ZMQbg/IO/0", "prefix/ZMQbg/IO"],
        // A thread without its name yet, or an older libzmq.
        &["client", "ZMQbg/Reaper", "ZMQbg/IO/0", "client"],
        &["client", "ZMQbg/0", "ZMQbg/1"],
        // Not libzmq, or not Linux's threads.
        &["client", "client"],
        &[],
    ] {
        let found = two_clients(crossed, threads);
        assert_eq!(found, [Owner::Process(CLIENT); 4], "{threads:?}");
    }
}

#[test]
fn f21_a_socket_in_no_list_or_in_two_has_no_context() {
    let threads = ["ZMQbg/IO/0"; 3];
    let found = two_clients(&[(11, &[0, 1, 2]), (12, &[2, 6])], &threads);
    let context = Owner::Context(CLIENT, 11);
    assert_eq!(found, [context, context, Owner::Process(CLIENT), Owner::Process(CLIENT)]);
}

#[test]
fn f21_a_list_names_descriptors_and_newer_kernels_also_what_is_behind_them() {
    assert_eq!(
        contexts::parse_listed(
            "tfd:       20 events: 19 data: 7fa234001a40  pos:0 ino:8ab0 sdev:9"
        ),
        Some((20, Some(0x8ab0)))
    );
    let old = "tfd:        4 events:       19 data:     55cba728b260";
    assert_eq!(contexts::parse_listed(old), Some((4, None)));
    for line in ["", "tfd:", "tfd: x", "pos:\t0"] {
        assert_eq!(contexts::parse_listed(line), None, "{line}");
    }
}

#[test]
fn a_dead_predecessor_with_the_same_addresses_does_not_count() {
    let proc = FakeProc::new();
    let (own, remote) = (v4([127, 0, 0, 1], 40_000), v4([127, 0, 0, 1], 8_000));
    proc.process(9, "client", 3, &[77]);
    for order in [[0, 77], [77, 0]] {
        proc.table("tcp", &order.map(|inode| (own.as_str(), remote.as_str(), inode)));
        assert_eq!(proc.owner(LOCAL, PEER), Owner::Process(Process { pid: 9, start_ticks: 3 }));
    }
}

#[test]
fn a_process_that_ended_while_it_was_looked_at_is_passed_over() {
    let proc = peer_socket(77);
    proc.process(9, "client", 3, &[77]);
    fs::remove_file(proc.0.join("9/stat")).unwrap();
    assert_eq!(proc.owner(LOCAL, PEER), Owner::User(1000));
}

#[test]
fn without_proc_no_owner_is_known() {
    assert_eq!(FakeProc::new().owner(LOCAL, PEER), Owner::Unknown);
}

#[test]
fn malformed_lines_are_passed_over() {
    let word = "0".repeat(8);
    for line in [
        String::new(),
        "0:".into(),
        format!("0: {word}:1F90"),
        format!("0: {word} {word}:1 01 0 0 0 0 0 7"),
        format!("0: {word}:10000 {word}:1 01 0 0 0 0 0 7"),
        format!("0: XYZ{word}:1 {word}:1 01 0 0 0 0 0 7"),
        format!("0: {word}é:1 {word}:1 01 0 0 0 0 0 7"),
        format!("0: {word}:1 {word}:1 01 0 0 0 0 0 many"),
        format!("0: {word}:1 {word}:1 01 0 0 0 0"),
    ] {
        assert_eq!(parse_socket(&line), None, "{line}");
    }
    let good = format!("0: {word}:1F90 {word}:1 01 0 0 0 1 0 7");
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    assert_eq!(parse_socket(&good), Some((((any, 8080), (any, 1)), Socket { inode: 7, user: 1 })));
}

#[test]
fn ipv6_ends_are_read_word_by_word() {
    let address: Ipv6Addr = "2001:db8:1:2:3:4:5:6".parse().unwrap();
    let text: String = address
        .octets()
        .chunks_exact(4)
        .map(|word| format!("{:08X}", u32::from_ne_bytes(word.try_into().unwrap())))
        .collect();
    assert_eq!(parse_end(&format!("{text}:0050")), Some((IpAddr::V6(address), 80)));
}
