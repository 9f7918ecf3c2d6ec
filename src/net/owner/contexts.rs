//! The ZeroMQ context of a process that a socket belongs to.
//!
//! libzmq gives each I/O thread of a context an epoll descriptor, which lists the sockets of that
//! thread. The kernel shows the list (`tfd` in `/proc/<pid>/fdinfo/<fd>`). A context with one I/O
//! thread, which is libzmq's default and what Rogue's clients have, is identified by that
//! descriptor. A context with several threads spreads the sockets of one client over them, and so
//! may mix those of two clients. If a process has such a context, or may have one, no context is
//! returned.
//!
//! The names of libzmq's threads tell, since 4.3.4 at the latest: `ZMQbg/IO/0` is the first I/O
//! thread of a context, and `ZMQbg/IO/1` its second.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use super::shortage::{has_memory, noted};
use crate::headroom::STEP_BYTES;

/// The descriptors of a process, as far as they matter here.
#[derive(Default)]
pub(super) struct Descriptors {
    pub(super) epolls: Vec<u32>,
    /// The descriptors of wanted sockets, with their inodes.
    pub(super) sockets: Vec<(u32, u64)>,
}

/// Part of the names of all threads of libzmq.
const THREAD_OF_LIBZMQ: &str = "ZMQbg";
/// Ends of the thread names that every context has, whatever prefix the program sets.
const THREADS_OF_EVERY_CONTEXT: [&str; 2] = ["/Reaper", FIRST_IO_THREAD];
const FIRST_IO_THREAD: &str = "/IO/0";

/// The epoll descriptors of the contexts of a process's sockets, by the inodes of the sockets, as
/// far as they are known.
pub(super) fn contexts_of(process: &Path, descriptors: &Descriptors) -> HashMap<u64, u32> {
    let mut found: HashMap<u64, Option<u32>> = HashMap::new();
    for &epoll in &descriptors.epolls {
        let Ok(text) = noted(fs::read_to_string(process.join(format!("fdinfo/{epoll}")))) else {
            continue;
        };
        // Each line has more bytes than its entry.
        if !has_memory(STEP_BYTES + text.len()) {
            continue;
        }
        let listed: HashMap<u32, Option<u64>> = text.lines().filter_map(parse_listed).collect();
        for &(fd, inode) in &descriptors.sockets {
            let is_listed = listed.get(&fd).is_some_and(|known| known.is_none_or(|it| it == inode));
            if is_listed {
                // A socket in several lists is not libzmq's.
                found.entry(inode).and_modify(|known| *known = None).or_insert(Some(epoll));
            }
        }
    }
    let named: HashMap<u64, u32> =
        found.into_iter().filter_map(|(inode, epoll)| Some((inode, epoll?))).collect();
    let epolls: BTreeSet<u32> = named.values().copied().collect();
    match has_one_io_thread_for_each(process, epolls.len()) {
        true => named,
        false => HashMap::new(),
    }
}

/// Parses `tfd: 20 events: 19 data: 7fa234001a40 pos:0 ino:8ab0 sdev:9`: the descriptor and its
/// inode, which older kernels do not show.
pub(super) fn parse_listed(line: &str) -> Option<(u32, Option<u64>)> {
    let mut words = line.strip_prefix("tfd:")?.split_ascii_whitespace();
    let fd = words.next()?.parse().ok()?;
    let inode = words.find_map(|word| u64::from_str_radix(word.strip_prefix("ino:")?, 16).ok());
    Some((fd, inode))
}

/// Whether the process has at least that many contexts, each with one I/O thread.
fn has_one_io_thread_for_each(process: &Path, contexts: usize) -> bool {
    let Ok(threads) = noted(fs::read_dir(process.join("task"))) else { return false };
    let mut io_threads = 0;
    for thread in threads.flatten() {
        // A thread that has ended in the meantime serves no socket.
        let Ok(name) = noted(fs::read_to_string(thread.path().join("comm"))) else { continue };
        let name = name.trim_end();
        if !name.contains(THREAD_OF_LIBZMQ) {
            continue;
        }
        if !THREADS_OF_EVERY_CONTEXT.iter().any(|end| name.ends_with(end)) {
            return false;
        }
        io_threads += usize::from(name.ends_with(FIRST_IO_THREAD));
    }
    io_threads >= contexts
}
