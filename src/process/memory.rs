//! How much memory the process may have, and how much of it this library takes by default.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{at_fork, nothing, spawn, sys, STACK_BYTES_MIN};

/// One part in this many of the process's memory is what a part of the library holds by default.
const SHARE_DIVISOR: u64 = 4;
/// Upper bound on that.
const SHARE_BYTES_MAX: u64 = 1 << 30;
/// Longest control group file that is read, in bytes.
const TEXT_BYTES_MAX: u64 = 16 * 1024;

/// The files of a control group with its limits. `memory.high` is no hard limit, but a process beyond
/// it makes next to no progress.
const VERSION_2: (&str, &[&str]) = ("/sys/fs/cgroup", &["memory.max", "memory.high"]);
const VERSION_1: (&str, &[&str]) = ("/sys/fs/cgroup/memory", &["memory.limit_in_bytes"]);

/// Upper bound, in bytes, on what one part of the library (the servers of the process together, one
/// emulated memory) holds for others by default: a quarter of the memory that the process may have,
/// at most 1 GiB. That memory is the smallest of the limits of its control group, of its address
/// space (`ulimit -v`), and of the host's memory, as they are at the first call.
pub(crate) fn memory_share() -> u64 {
    static SHARE: AtomicU64 = AtomicU64::new(0);
    match SHARE.load(Ordering::Relaxed) {
        0 => {
            // Several threads may compute it, with one result.
            let share = share_of(memory_limit());
            SHARE.store(share, Ordering::Relaxed);
            share
        }
        known => known,
    }
}

/// `limit` is `None` where the system tells nothing.
fn share_of(limit: Option<u64>) -> u64 {
    limit.map_or(SHARE_BYTES_MAX, |limit| (limit / SHARE_DIVISOR).clamp(1, SHARE_BYTES_MAX))
}

/// The memory that the process may have, in bytes.
fn memory_limit() -> Option<u64> {
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let of_groups = group_files(&groups).filter_map(|file| limit_in(&read(&file)?));
    of_groups.chain(sys::address_space_max()).chain(sys::physical_bytes()).min()
}

/// The files with the memory limits of the groups in `text`, a `/proc/<pid>/cgroup`, and of all groups
/// around them. In a container the named group may not be visible, but the container's own is the root.
fn group_files(text: &str) -> impl Iterator<Item = PathBuf> + '_ {
    text.lines().filter_map(group_of_line).flat_map(|((root, names), group)| {
        let groups: Vec<&Path> = Path::new(group).ancestors().collect();
        let folders = groups.into_iter().map(move |group| {
            Path::new(root).join(group.strip_prefix("/").unwrap_or(Path::new("")))
        });
        folders.flat_map(|folder| names.iter().map(move |name| folder.join(name)))
    })
}

/// The group of a line `hierarchy:controllers:group`, if it limits memory.
fn group_of_line(line: &str) -> Option<((&'static str, &'static [&'static str]), &str)> {
    let (_, rest) = line.split_once(':')?;
    let (controllers, group) = rest.split_once(':')?;
    let is_version_1 = controllers.split(',').any(|one| one == "memory");
    match controllers {
        "" => Some((VERSION_2, group)),
        _ => is_version_1.then_some((VERSION_1, group)),
    }
}

/// The limit in the text of such a file; `None` for `max`.
fn limit_in(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// The text of a file. A number of a standard stream that the program has closed is not used for it
/// longer than to find another one.
fn read(path: &Path) -> Option<String> {
    let file = sys::above_standard(File::open(path).ok()?).ok()?;
    let mut text = String::new();
    file.take(TEXT_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// A thread is giving memory back.
static IS_GIVING_BACK: AtomicBool = AtomicBool::new(false);
at_fork!(nothing, nothing, forget);

/// The thread is the parent's.
extern "C" fn forget() {
    IS_GIVING_BACK.store(false, Ordering::Relaxed);
}

/// Gives freed memory back to the system, where the C library keeps it for later: it would for ever
/// where a small block in use lies behind a large free one. That may take tens of milliseconds, so a
/// thread of its own does it, which then ends. Call it after much has been freed, and seldom.
pub(crate) fn give_back_memory() {
    if !sys::KEEPS_FREED_MEMORY || IS_GIVING_BACK.swap(true, Ordering::Relaxed) {
        return;
    }
    let body = || {
        sys::trim();
        IS_GIVING_BACK.store(false, Ordering::Relaxed);
    };
    if spawn("rogue_trim", STACK_BYTES_MIN, body).is_err() {
        IS_GIVING_BACK.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Vec<String> {
        group_files(text).map(|file| file.display().to_string()).collect()
    }

    #[test]
    fn the_limits_of_a_group_and_of_all_around_it_count_in_both_versions() {
        let text = "8:pids:/a\n4:cpu,memory:/docker/7\n0::/user.slice/run\n1:name=memory:/no\n";
        let expected = [
            "/sys/fs/cgroup/memory/docker/7/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/user.slice/run/memory.max",
            "/sys/fs/cgroup/user.slice/run/memory.high",
            "/sys/fs/cgroup/user.slice/memory.max",
            "/sys/fs/cgroup/user.slice/memory.high",
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/memory.high",
        ];
        assert_eq!(files(text), expected);
        for none in ["", "\n", "0", "0::", "3:cpu:/x", "::"] {
            assert!(files(none).iter().all(|file| file.starts_with("/sys/fs/cgroup/memory.")));
        }
    }

    #[test]
    fn a_limit_is_a_number_of_bytes_or_there_is_none() {
        assert_eq!(limit_in("536870912\n"), Some(512 << 20));
        for none in ["max\n", "", "-1\n", "12x"] {
            assert_eq!(limit_in(none), None);
        }
    }

    #[test]
    fn a_quarter_is_taken_and_no_more_than_a_gibibyte() {
        assert_eq!(share_of(Some(512 << 20)), 128 << 20);
        assert_eq!(share_of(Some(1 << 40)), 1 << 30);
        assert_eq!(share_of(None), 1 << 30);
        assert_eq!(share_of(Some(0)), 1, "a limit of nothing is no missing limit");
    }

    #[test]
    fn this_process_has_a_limit_and_one_share() {
        assert!(sys::physical_bytes().is_some_and(|bytes| bytes > 1 << 20));
        assert!((1..=SHARE_BYTES_MAX).contains(&memory_share()));
        assert_eq!(memory_share(), share_of(memory_limit()));
    }
}
