//! What the system says about this process, and programs that start themselves.

use std::process::Command;
use std::{env, fs};

/// The variable that tells a program started by [`program_as`] what it is.
const ROLE: &str = "ROGUE_MEM_TEST_ROLE";

/// This test program once more, with a role to play instead of its tests.
pub fn program_as(role: &str) -> Command {
    let mut program = Command::new(env::current_exe().unwrap());
    program.env(ROLE, role);
    program
}

/// The role that this program is to play; `None` for a program that is to test.
pub fn role() -> Option<String> {
    env::var(ROLE).ok()
}

/// Open descriptors.
pub fn descriptor_count() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Raises the limit of this process's descriptors as far as it may be raised. Returns the limit.
pub fn raise_descriptor_limit() -> libc::rlim_t {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the system writes to the local variable, and reads it.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
    }
    limit.rlim_cur
}

/// Threads with this name.
pub fn threads_named(name: &str) -> Vec<u32> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let ids = tasks.filter_map(|task| task.file_name().to_str()?.parse().ok());
    let has_name = |id: &u32| {
        let path = format!("/proc/self/task/{id}/comm");
        fs::read_to_string(path).is_ok_and(|found| found.trim_end() == name)
    };
    ids.filter(has_name).collect()
}

/// How often a thread has gone to sleep by itself, or was sent to sleep.
pub fn context_switches(thread: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/self/task/{thread}/status")).unwrap();
    let switches = status.lines().filter(|line| line.contains("ctxt_switches"));
    switches.map(|line| line.split_whitespace().last().unwrap().parse::<u64>().unwrap()).sum()
}

/// Memory of this process in RAM, in bytes.
pub fn resident_bytes() -> u64 {
    field_of("/proc/self/status", "VmRSS:") * 1024
}

/// Memory of a process in RAM, in bytes, but for the files that it maps.
pub fn anonymous_bytes_of(process: u32) -> u64 {
    field_of(&format!("/proc/{process}/status"), "RssAnon:") * 1024
}

/// The most memory that this process has had in RAM since [`forget_peak`], in bytes.
pub fn peak_resident_bytes() -> u64 {
    field_of("/proc/self/status", "VmHWM:") * 1024
}

/// Begins anew with [`peak_resident_bytes`].
pub fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn field_of(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Whether a thread sleeps until something happens.
pub fn is_asleep(thread: i32) -> bool {
    let path = format!("/proc/self/task/{thread}/stat");
    // Behind the name, which may hold anything.
    fs::read_to_string(path).is_ok_and(|stat| {
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
    })
}
