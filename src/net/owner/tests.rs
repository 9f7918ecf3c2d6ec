use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A made-up `/proc`, removed when dropped.
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

    /// A table with the header and one socket per line, from words in memory order.
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

    fn owner(&self, local: &str, peer: &str) -> Owner {
        owners_in(&self.0, &[(local.parse().unwrap(), peer.parse().unwrap())])[0]
    }
}

impl Drop for FakeProc {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How the kernel of this machine prints an IPv4 address and a port.
fn v4(address: [u8; 4], port: u16) -> String {
    format!("{:08X}:{port:04X}", u32::from_ne_bytes(address))
}

const LOCAL: &str = "127.0.0.1:8000";
const PEER: &str = "127.0.0.1:40000";

fn peer_socket(inode: u64) -> FakeProc {
    let proc = FakeProc::new();
    let (own, remote) = (v4([127, 0, 0, 1], 40_000), v4([127, 0, 0, 1], 8_000));
    // Our own end is listed too, and is not the one.
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
    assert_eq!(proc.owner(LOCAL, PEER), Owner::Unknown(Unknown::Hidden));
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
    assert_eq!(proc.owner(LOCAL, PEER), Owner::Unknown(Unknown::Hidden));
}

#[test]
fn without_proc_only_foreign_addresses_are_certain() {
    let nowhere = FakeProc::new();
    assert_eq!(nowhere.owner(LOCAL, PEER), Owner::Unknown(Unknown::NoProcFs));
    assert_eq!(nowhere.owner("192.0.2.9:1", "192.0.2.1:2"), Owner::Remote);
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
    let good = format!("0: {word}:1F90 {word}:1 01 0 0 0 0 0 7");
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    assert_eq!(parse_socket(&good), Some((((any, 8080), (any, 1)), 7)));
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
