//! Finds the process of this host that owns the other end of an accepted connection.
//!
//! The kernel lists every TCP socket of the network namespace with its two addresses and its inode
//! (`/proc/net/tcp`, `/proc/net/tcp6`), and every process's open files (`/proc/<pid>/fd`). The
//! other end of our connection is the socket with our two addresses exchanged; its owner is the
//! process that has its inode open. Processes of the same user are visible without special rights;
//! others need root or `CAP_SYS_PTRACE`. For an invisible process the socket table still gives the
//! user. Within a process, `contexts` distinguishes clients by their ZeroMQ contexts.
//!
//! A process is identified by its id and its start time, so that a reused id is not mistaken for
//! the former process. If several processes hold one socket, because a program was started or
//! forked with it, the owner is the one that started first (among equals, the one with the lowest
//! id): the connections of a process keep their owner while it lives, whatever it starts.
//!
//! The answer is a snapshot. It costs one pass over the socket table and one over the open files of
//! all processes: some milliseconds on a usual machine and far more on a busy one. Ask for several
//! connections at once, and from an event loop use [`OwnerLookup`].
//!
//! On systems other than Linux every owner is [`Owner::Unknown`].

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

mod contexts;
mod shortage;

use self::contexts::{contexts_of, Descriptors};
use self::shortage::noted;
use super::descriptors::hold_standard;
use super::event_loop::DriverHandle;
use crate::error::caught;
use crate::headroom::STEP_BYTES;
use crate::process::{self, STACK_BYTES_MIN};
use crate::sync::Mutex;

/// Upper bound on the sockets that one lookup reads from the table.
const SOCKETS_MAX: usize = 4_000_000;

/// Upper bound on the open files that one lookup reads, over all processes.
const OPEN_FILES_MAX: usize = 2_000_000;

/// How often the table is read until an existing socket is found: it is no snapshot, and may miss
/// an entry while others come and go.
const TABLE_READS_MAX: usize = 2;

/// Delay before a lookup is repeated that has lacked descriptors or memory.
const SHORTAGE_RETRY: Duration = Duration::from_millis(100);

/// A process, distinguished from every other that had or will have its id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Process {
    /// Start time, in the kernel's clock ticks since boot.
    pub start_ticks: u64,
    /// Id in this process's namespace.
    pub pid: u32,
}

/// The owner of the other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    /// A process of this host.
    Process(Process),
    /// A ZeroMQ context of a process of this host, identified by the epoll descriptor of its I/O
    /// thread.
    Context(Process, u32),
    /// A process of this host that is not visible: another user's, one in another process
    /// namespace, or one that has just ended. The id of its user.
    User(u32),
    /// The other end is not on this host, or its owner cannot be determined: its socket is gone, or
    /// in another network namespace; `/proc` is missing, or lists too many sockets.
    Unknown,
}

/// The owners of the other ends of accepted connections, in the order of the argument. Each
/// connection is given by our address and the peer's, as `local_addr` and `peer_addr` report them.
/// Callable from any thread; blocks while the kernel lists sockets and open files.
pub fn owners(connections: &[(SocketAddr, SocketAddr)]) -> Vec<Owner> {
    if cfg!(any(target_os = "linux", target_os = "android")) {
        if !shortage::has_memory(STEP_BYTES + LOOKUP_BYTES * connections.len()) {
            return vec![Owner::Unknown; connections.len()];
        }
        let _held = hold_standard();
        return owners_in(Path::new("/proc"), connections);
    }
    vec![Owner::Unknown; connections.len()]
}

/// More than a line of a table has: some 150 bytes, or 200 with IPv6.
const LINE_BYTES_MAX: usize = 512;
/// Bytes that are read of a table at once: little, because it is not known whether there is memory.
const TABLE_READ_BYTES: usize = 2048;
/// More than a pass takes for each connection.
const LOOKUP_BYTES: usize = 512;

/// The function that finds owners: [`owners`], or a test's.
pub type Finder = fn(&[(SocketAddr, SocketAddr)]) -> Vec<Owner>;

/// One pass of [`owners`] on a thread of its own, for an event loop, which must not block. Dropping
/// it discards the answer.
pub struct OwnerLookup {
    answer: Arc<Mutex<Option<Vec<Owner>>>>,
}

impl OwnerLookup {
    /// Starts the pass; the loop of `handle` is woken when [`take`](Self::take) has the answer.
    /// Never blocks. The thread ends with the pass.
    ///
    /// # Errors
    ///
    /// The system refuses a thread.
    pub fn start(
        find: Finder,
        connections: Vec<(SocketAddr, SocketAddr)>,
        handle: DriverHandle,
    ) -> io::Result<OwnerLookup> {
        let answer = Arc::new(Mutex::new(None));
        let place = Arc::downgrade(&answer);
        process::spawn("owners", STACK_BYTES_MIN, move || {
            let found = loop {
                let found = caught(|| find(&connections));
                // An owner that is not found for that would be taken for another one.
                if !shortage::take() || place.strong_count() == 0 {
                    break found;
                }
                thread::sleep(SHORTAGE_RETRY);
            };
            let Some(place) = place.upgrade() else { return };
            let unknown = || vec![Owner::Unknown; connections.len()];
            *place.lock() = Some(found.unwrap_or_else(|_| unknown()));
            handle.wake();
        })?;
        Ok(OwnerLookup { answer })
    }

    /// The owners, in the order of the argument; `None` while the pass runs, and once they have
    /// been taken.
    pub fn take(&mut self) -> Option<Vec<Owner>> {
        self.answer.lock().take()
    }
}

/// Address and port; IPv4 also if the kernel shows its IPv6 form.
type SocketEnd = (IpAddr, u16);

fn end(address: SocketAddr) -> SocketEnd {
    (address.ip().to_canonical(), address.port())
}

/// A socket of the table. The kernel lists a socket that no process holds with inode 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Socket {
    inode: u64,
    user: u32,
}

/// The wanted sockets, keyed by their own and their remote end.
type Sockets = HashMap<(SocketEnd, SocketEnd), Option<Socket>>;

fn owners_in(proc: &Path, connections: &[(SocketAddr, SocketAddr)]) -> Vec<Owner> {
    let key = |&(local, peer): &(SocketAddr, SocketAddr)| (end(peer), end(local));
    let mut sockets: Sockets = connections.iter().map(|pair| (key(pair), None)).collect();
    for _ in 0..TABLE_READS_MAX {
        let is_read = read_tables(proc, &mut sockets);
        if !is_read || sockets.values().all(Option::is_some) {
            break;
        }
    }
    let wanted = sockets.values().flatten().filter(|socket| socket.inode != 0);
    let mut holders: Holders = wanted.map(|socket| (socket.inode, None)).collect();
    if !holders.is_empty() {
        find_holders(proc, &mut holders);
    }
    let verdict = |pair: &(SocketAddr, SocketAddr)| match sockets[&key(pair)] {
        // Not listed, or no process has it open.
        None | Some(Socket { inode: 0, .. }) => Owner::Unknown,
        Some(Socket { inode, user }) => match holders[&inode] {
            Some(SocketHolder { process, context: Some(epoll) }) => Owner::Context(process, epoll),
            Some(SocketHolder { process, context: None }) => Owner::Process(process),
            None => Owner::User(user),
        },
    };
    connections.iter().map(verdict).collect()
}

/// Reads the tables, and returns whether that was possible.
fn read_tables(proc: &Path, sockets: &mut Sockets) -> bool {
    // A kernel without IPv6 has only the first.
    let files = ["net/tcp", "net/tcp6"].map(|name| noted(File::open(proc.join(name))));
    let mut is_read = false;
    for file in files.into_iter().flatten() {
        if !read_table(BufReader::with_capacity(TABLE_READ_BYTES, file), sockets) {
            return false;
        }
        is_read = true;
    }
    is_read
}

/// Reads a table, and returns whether that was possible. Its lines share one memory: meanwhile other
/// threads may take what the system had left when the lookup began.
fn read_table(mut table: impl BufRead, sockets: &mut Sockets) -> bool {
    if !shortage::has_memory(STEP_BYTES) {
        return false;
    }
    let mut line = Vec::with_capacity(LINE_BYTES_MAX);
    for count in 0.. {
        line.clear();
        let read = table.by_ref().take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line);
        match noted(read) {
            Ok(0) => break,
            Ok(_) if count <= SOCKETS_MAX => {}
            Ok(_) | Err(_) => return false,
        }
        let text = std::str::from_utf8(&line).unwrap_or_default();
        // The first line has the names of the columns.
        let Some((ends, socket)) = parse_socket(text).filter(|_| count > 0) else { continue };
        if let Some(known) = sockets.get_mut(&ends) {
            // A closed predecessor with the same addresses may still be listed, with inode 0.
            *known = Some(known.map_or(socket, |known| known.max(socket)));
        }
    }
    true
}

/// Parses a line of the socket table: number, own end, remote end, state, queues, timer,
/// retransmissions, user, timeout, inode (Linux `Documentation/networking/proc_net_tcp.rst`).
fn parse_socket(line: &str) -> Option<((SocketEnd, SocketEnd), Socket)> {
    let mut fields = line.split_ascii_whitespace();
    let own = parse_end(fields.nth(1)?)?;
    let remote = parse_end(fields.next()?)?;
    let user = fields.nth(4)?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    Some(((own, remote), Socket { inode, user }))
}

/// Parses `0100007F:1F90`: the address in the host's word order, the port as a number.
fn parse_end(text: &str) -> Option<SocketEnd> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| -> Option<[u8; 4]> {
        // The kernel prints words in host order; in memory they are in network order.
        Some(u32::from_str_radix(address.get(at..at + 8)?, 16).ok()?.to_ne_bytes())
    };
    let ip = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(8 * index)?);
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some((ip.to_canonical(), u16::from_str_radix(port, 16).ok()?))
}

/// The process that owns a socket, and its context there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct SocketHolder {
    process: Process,
    context: Option<u32>,
}

/// The owners of the wanted sockets, by inode.
type Holders = HashMap<u64, Option<SocketHolder>>;

/// Reads all processes, as far as they are visible.
fn find_holders(proc: &Path, holders: &mut Holders) {
    let mut budget = OPEN_FILES_MAX;
    let Ok(processes) = noted(fs::read_dir(proc)) else { return };
    for entry in processes.flatten() {
        // Of names and paths, which cannot be tried.
        if budget == 0 || !shortage::has_memory(STEP_BYTES) {
            budget = 0;
            break;
        }
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        find_in_process(&entry.path(), pid, holders, &mut budget);
    }
    if budget == 0 {
        // Of an incomplete pass nothing counts: a process not yet read may be the owner.
        holders.values_mut().for_each(|holder| *holder = None);
    }
}

/// Reads the open files of one process; an invisible one shows none.
fn find_in_process(process: &Path, pid: u32, holders: &mut Holders, budget: &mut usize) {
    let Ok(files) = noted(fs::read_dir(process.join("fd"))) else { return };
    let mut descriptors = Descriptors::default();
    for file in files.flatten() {
        *budget = budget.saturating_sub(1);
        if *budget == 0 || !shortage::has_memory(STEP_BYTES) {
            *budget = 0;
            return;
        }
        let name = file.file_name();
        let Some(fd) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        match file_behind(&file.path()) {
            Some(OpenFile::Epoll) => descriptors.epolls.push(fd),
            Some(OpenFile::Socket(inode)) if holders.contains_key(&inode) => {
                descriptors.sockets.push((fd, inode));
            }
            _ => {}
        }
    }
    if descriptors.sockets.is_empty() {
        return;
    }
    let Ok(start_ticks) = start_ticks(process) else { return };
    let candidate = Process { start_ticks, pid };
    let contexts = contexts_of(process, &descriptors);
    for &(fd, inode) in &descriptors.sockets {
        // The id may have passed to a new process between the two readings. If the process still
        // shows the socket, it is an owner, whichever process it is.
        let link = process.join(format!("fd/{fd}"));
        if file_behind(&link) != Some(OpenFile::Socket(inode)) {
            continue;
        }
        let Some(holder) = holders.get_mut(&inode) else { continue };
        if holder.is_none_or(|known| candidate < known.process) {
            let context = contexts.get(&inode).copied();
            *holder = Some(SocketHolder { process: candidate, context });
        }
    }
}

/// The meaning of an entry of `/proc/<pid>/fd`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum OpenFile {
    /// `socket:[12345]`, by its inode.
    Socket(u64),
    /// `anon_inode:[eventpoll]`.
    Epoll,
}

fn file_behind(link: &Path) -> Option<OpenFile> {
    let target = noted(fs::read_link(link)).ok()?;
    let text = std::str::from_utf8(target.as_os_str().as_bytes()).ok()?;
    if text == "anon_inode:[eventpoll]" {
        return Some(OpenFile::Epoll);
    }
    let inode = text.strip_prefix("socket:[")?.strip_suffix(']')?;
    inode.parse().ok().map(OpenFile::Socket)
}

/// Field 22 of `/proc/<pid>/stat`. The second field is the program's name in parentheses, which may
/// itself contain blanks and parentheses.
fn start_ticks(process: &Path) -> io::Result<u64> {
    let stat = noted(fs::read(process.join("stat")))?;
    let after_name = stat.iter().rposition(|&byte| byte == b')').map(|end| &stat[end + 1..]);
    after_name
        .and_then(|rest| std::str::from_utf8(rest).ok())
        .and_then(|rest| rest.split_ascii_whitespace().nth(19))
        .and_then(|ticks| ticks.parse().ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
