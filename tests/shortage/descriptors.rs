//! A limit on descriptors, so close that the next calls find it.

use std::fs::{self, File};
use std::os::fd::{AsRawFd, RawFd};

/// A process that has no further descriptors, until it is dropped.
pub struct Shortage {
    former: libc::rlimit,
    /// Have the free numbers below the limit.
    plugs: Vec<File>,
}

/// Lets this process open `count` more descriptors, whichever numbers are free.
pub fn leave(count: u64) -> Shortage {
    let mut shortage = Shortage { former: limit(), plugs: Vec::new() };
    let highest = highest();
    shortage.plug(highest);
    set_limit(libc::rlimit { rlim_cur: (highest + 1) as u64 + count, ..shortage.former });
    shortage
}

impl Shortage {
    /// Takes the free numbers up to `highest`: the system assigns the lowest free one.
    fn plug(&mut self, highest: RawFd) {
        while let Ok(plug) = File::open("/dev/null") {
            if plug.as_raw_fd() > highest {
                break;
            }
            self.plugs.push(plug);
        }
    }
}

/// The highest number in use.
fn highest() -> RawFd {
    let numbers = fs::read_dir("/proc/self/fd").unwrap();
    let numbers = numbers.map(|one| one.unwrap().file_name().to_str().unwrap().parse().unwrap());
    let numbers: Vec<RawFd> = numbers.collect();
    // That of the directory itself has gone.
    // SAFETY: the call takes numbers only, and changes nothing.
    let is_open = |number: &&RawFd| unsafe { libc::fcntl(**number, libc::F_GETFD) } >= 0;
    *numbers.iter().filter(is_open).max().unwrap()
}

impl Drop for Shortage {
    fn drop(&mut self) {
        set_limit(self.former);
    }
}

fn limit() -> libc::rlimit {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the system writes to the local variable.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) }, 0);
    limit
}

fn set_limit(limit: libc::rlimit) {
    // SAFETY: the system reads the local variable.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
}
