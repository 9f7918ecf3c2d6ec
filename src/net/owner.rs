//! Which process of this host holds the other end of an accepted connection.
//!
//! The kernel lists every TCP socket of the network namespace with its two addresses and its inode
//! (`/proc/net/tcp`, `/proc/net/tcp6`), and every process's open files (`/proc/<pid>/fd`). The
//! other end of our connection is the socket whose addresses are ours exchanged, and its owner the
//! process that has its inode open. No special rights are needed to see processes of the same
//! user; others take root or `CAP_SYS_PTRACE`.
//!
//! A process is named by its id and its start time, so that a reused id is not mistaken for the
//! former process. Where several processes hold one socket, because a program has been started or
//! forked with it, the one that started first counts (among equals the lowest id): the connections
//! that one process has opened keep one owner while it lives, whatever it starts.
//!
//! The answer is a snapshot. It costs one pass over the socket table and one over the open files of
//! all processes, some milliseconds on a usual machine, so ask for several connections at once.
//!
//! On systems other than Linux every connection within the host is [`Unknown::Unsupported`].

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::address;

/// How many sockets of the table one lookup reads.
const SOCKETS_MAX: usize = 4_000_000;

/// How many open files one lookup looks at, over all processes.
const OPEN_FILES_MAX: usize = 2_000_000;

/// How often the table is read when a socket that must be there is not: it is no snapshot, and may
/// miss an entry while others come and go.
const TABLE_READS_MAX: usize = 2;

/// A process, told apart from any other that has had or will have its id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Process {
    /// When it started, in the kernel's clock ticks since the machine did.
    pub start_ticks: u64,
    /// Its id, as seen in this process's namespace.
    pub pid: u32,
}

/// Who holds the other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    /// A process of this host.
    Process(Process),
    /// The other end has an address that is none of this host's.
    Remote,
    /// The other end is on this host, but its owner cannot be told.
    Unknown(Unknown),
}

/// Why an owner within this host cannot be told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unknown {
    /// The kernel lists no such socket here: it is in another network namespace, or gone.
    NotListed,
    /// The other end has been closed and belongs to nobody.
    Closed,
    /// No process that may be inspected holds the socket: its process belongs to another user or
    /// another process namespace, or has just ended.
    Hidden,
    /// The host has more sockets or open files than one lookup reads.
    TooMany,
    /// The `/proc` file system is not there or not readable.
    NoProcFs,
    /// The operating system gives no such information.
    Unsupported,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unknown::NotListed => "the socket is in another network namespace, or gone",
            Unknown::Closed => "the other end has been closed",
            Unknown::Hidden => "the process may not be inspected (another user or namespace)",
            Unknown::TooMany => "the host has too many sockets or open files to look through",
            Unknown::NoProcFs => "the /proc file system cannot be read",
            Unknown::Unsupported => "this operating system does not tell",
        })
    }
}

/// The owners of the other ends of accepted connections, each given by our own address and the
/// peer's, as `local_addr` and `peer_addr` report them; in the order asked. Callable from any
/// thread; blocks for as long as the kernel needs to list sockets and open files.
pub fn owners(connections: &[(SocketAddr, SocketAddr)]) -> Vec<Owner> {
    if cfg!(any(target_os = "linux", target_os = "android")) {
        return owners_in(Path::new("/proc"), connections);
    }
    let unsupported = |&(_, peer): &(SocketAddr, SocketAddr)| absent(peer, Unknown::Unsupported);
    connections.iter().map(unsupported).collect()
}

/// The owner of the other end of one accepted connection; see [`owners`].
pub fn owner(local: SocketAddr, peer: SocketAddr) -> Owner {
    owners(&[(local, peer)])[0]
}

/// What to say of a peer whose socket was not found.
fn absent(peer: SocketAddr, why: Unknown) -> Owner {
    if address::is_of_this_host(peer.ip()) {
        Owner::Unknown(why)
    } else {
        Owner::Remote
    }
}

/// Address and port; IPv4 also where the kernel shows its embedded IPv6 form.
type End = (IpAddr, u16);

fn end(address: SocketAddr) -> End {
    (address.ip().to_canonical(), address.port())
}

/// The inodes of the wanted sockets, by their own end and the remote one. 0 is the kernel's mark
/// for a socket that no process holds.
type Inodes = HashMap<(End, End), Option<u64>>;

fn owners_in(proc: &Path, connections: &[(SocketAddr, SocketAddr)]) -> Vec<Owner> {
    let key = |&(local, peer): &(SocketAddr, SocketAddr)| (end(peer), end(local));
    let mut inodes: Inodes = connections.iter().map(|pair| (key(pair), None)).collect();
    let mut table = Ok(());
    for _ in 0..TABLE_READS_MAX {
        table = read_tables(proc, &mut inodes);
        let retry = |pair: &(SocketAddr, SocketAddr)| {
            inodes[&key(pair)].is_none() && address::is_of_this_host(pair.1.ip())
        };
        if table.is_err() || !connections.iter().any(retry) {
            break;
        }
    }
    let wanted = inodes.values().flatten().filter(|&&inode| inode != 0);
    let mut holders: Holders = wanted.map(|&inode| (inode, None)).collect();
    let scan = if holders.is_empty() { Ok(()) } else { find_holders(proc, &mut holders) };
    let verdict = |pair: &(SocketAddr, SocketAddr)| match inodes[&key(pair)] {
        None => absent(pair.1, table.err().unwrap_or(Unknown::NotListed)),
        Some(0) => Owner::Unknown(Unknown::Closed),
        Some(inode) => match (scan, holders[&inode]) {
            (Err(why), _) => Owner::Unknown(why),
            (Ok(()), Some(process)) => Owner::Process(process),
            (Ok(()), None) => Owner::Unknown(Unknown::Hidden),
        },
    };
    connections.iter().map(verdict).collect()
}

fn read_tables(proc: &Path, inodes: &mut Inodes) -> Result<(), Unknown> {
    let mut read = Err(Unknown::NoProcFs);
    // A kernel without IPv6 has only the first.
    for name in ["net/tcp", "net/tcp6"] {
        let Ok(file) = File::open(proc.join(name)) else { continue };
        read_table(BufReader::new(file), inodes)?;
        read = Ok(());
    }
    read
}

fn read_table(table: impl BufRead, inodes: &mut Inodes) -> Result<(), Unknown> {
    for (count, line) in table.lines().skip(1).enumerate() {
        if count >= SOCKETS_MAX {
            return Err(Unknown::TooMany);
        }
        let line = line.map_err(|_| Unknown::NoProcFs)?;
        let Some((ends, inode)) = parse_socket(&line) else { continue };
        if let Some(known) = inodes.get_mut(&ends) {
            // A dead predecessor with the same addresses may still be listed, with inode 0.
            *known = Some(known.unwrap_or(0).max(inode));
        }
    }
    Ok(())
}

/// Reads a line of the socket table: number, own end, remote end, state, queues, timer,
/// retransmissions, user, timeout, inode (Linux `Documentation/networking/proc_net_tcp.rst`).
fn parse_socket(line: &str) -> Option<((End, End), u64)> {
    let mut fields = line.split_ascii_whitespace();
    let own = parse_end(fields.nth(1)?)?;
    let remote = parse_end(fields.next()?)?;
    let inode = fields.nth(6)?.parse().ok()?;
    Some(((own, remote), inode))
}

/// Reads `0100007F:1F90`: the address as the host's words, the port as a number.
fn parse_end(text: &str) -> Option<End> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| -> Option<[u8; 4]> {
        // The kernel prints the words as it holds them; back in memory they are in network order.
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

/// The process that counts as the owner, by inode.
type Holders = HashMap<u64, Option<Process>>;

fn find_holders(proc: &Path, holders: &mut Holders) -> Result<(), Unknown> {
    let mut budget = OPEN_FILES_MAX;
    let processes = fs::read_dir(proc).map_err(|_| Unknown::NoProcFs)?;
    for entry in processes.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        budget = find_in_process(&entry.path(), pid, holders, budget)?;
    }
    Ok(())
}

/// Looks through the open files of one process; one that may not be inspected has none to show.
fn find_in_process(
    process: &Path,
    pid: u32,
    holders: &mut Holders,
    mut budget: usize,
) -> Result<usize, Unknown> {
    let Ok(files) = fs::read_dir(process.join("fd")) else { return Ok(budget) };
    for file in files.flatten() {
        budget = budget.checked_sub(1).ok_or(Unknown::TooMany)?;
        let link = file.path();
        let Some(inode) = socket_inode(&link) else { continue };
        let Some(holder) = holders.get_mut(&inode) else { continue };
        let Ok(start_ticks) = start_ticks(process) else { continue };
        // The id might have passed to a new process between the two readings. If this one still
        // shows the socket, it is the one that holds it, whichever it is.
        if socket_inode(&link) != Some(inode) {
            continue;
        }
        let candidate = Process { start_ticks, pid };
        *holder = Some(holder.map_or(candidate, |known| known.min(candidate)));
    }
    Ok(budget)
}

/// The inode of the socket that `link` of `/proc/<pid>/fd` stands for: `socket:[12345]`.
fn socket_inode(link: &Path) -> Option<u64> {
    let target = fs::read_link(link).ok()?;
    let text = std::str::from_utf8(target.as_os_str().as_bytes()).ok()?;
    text.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Field 22 of `/proc/<pid>/stat`. The second field is the program's name in parentheses, which
/// may itself hold blanks and parentheses.
fn start_ticks(process: &Path) -> io::Result<u64> {
    let stat = fs::read(process.join("stat"))?;
    let after_name = stat.iter().rposition(|&byte| byte == b')').map(|end| &stat[end + 1..]);
    after_name
        .and_then(|rest| std::str::from_utf8(rest).ok())
        .and_then(|rest| rest.split_ascii_whitespace().nth(19))
        .and_then(|ticks| ticks.parse().ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
