//! No descriptor of this library has the number of a standard stream.
//!
//! If a program closes its standard output, a new socket could get that number, and the program
//! would write its next line into the socket. The system assigns the lowest free number. So while
//! code here creates a descriptor, [`hold_standard`] occupies the three numbers. The code then
//! checks the number that it got, because the program may have closed a stream at that moment.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;

use mio::unix::{pipe, SourceFd};
use mio::{Interest, Poll, Registry, Token};

use super::cause::is_shortage;
use super::sys;
use crate::process::process_state;

/// The lowest number after those of the standard streams.
const FIRST: RawFd = 3;
/// Upper bound on the pipes below it.
const PIPES_COUNT_MAX: usize = 2;

/// The occupied numbers of standard streams, for all threads that create descriptors.
struct Standard {
    holders: usize,
    /// Ends of pipes, each with its inode number, which is unique in the process.
    low: Vec<(File, u64)>,
}

process_state! {
    fn lock() -> Standard = Standard { holders: 0, low: Vec::new() },
    in child |standard| {
        // The threads that create descriptors at this moment are the parent's.
        standard.holders = 0;
        standard.release();
    }
}

impl Standard {
    /// Occupies the free numbers.
    fn occupy(&mut self) {
        if (0..FIRST).all(sys::is_open) {
            return;
        }
        for _ in 0..PIPES_COUNT_MAX {
            let Ok((sender, receiver)) = pipe::new() else { break };
            let ends = [OwnedFd::from(sender), OwnedFd::from(receiver)];
            let is_low = |end: &OwnedFd| end.as_raw_fd() < FIRST;
            let is_last = !ends.iter().all(is_low);
            for end in ends.into_iter().filter(is_low) {
                let end = File::from(end);
                if let Ok(inode) = end.metadata().map(|file| file.ino()) {
                    self.low.push((end, inode));
                }
            }
            if is_last {
                break;
            }
        }
    }

    fn release(&mut self) {
        for (end, inode) in self.low.drain(..) {
            // The program may have put a stream of its own there, which stays.
            if end.metadata().map(|file| file.ino()).ok() != Some(inode) {
                let _ = end.into_raw_fd();
            }
        }
    }
}

/// Keeps the free numbers of standard streams occupied until it and all others like it have been
/// dropped: a descriptor of one thread must not take the number that another thread releases.
pub(super) struct StandardHold(());

/// To be kept while descriptors are created. If the system has none left, nothing is occupied, and
/// the creation fails too.
pub(super) fn hold_standard() -> StandardHold {
    let mut standard = lock();
    standard.occupy();
    standard.holders += 1;
    StandardHold(())
}

impl Drop for StandardHold {
    fn drop(&mut self) {
        let mut standard = lock();
        // A child by `fork` starts with no holders.
        standard.holders = standard.holders.saturating_sub(1);
        if standard.holders == 0 {
            standard.release();
        }
    }
}

/// A duplicate of the program's descriptor with that number, above the numbers of the standard
/// streams. Fails if there is no such descriptor.
pub(crate) fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    sys::duplicate_number(number, FIRST)
}

/// `made`, or a duplicate of it in its place, above the numbers of the standard streams.
pub(super) fn above_standard<T>(made: T) -> io::Result<T>
where
    T: AsRawFd + Into<OwnedFd> + From<OwnedFd>,
{
    if made.as_raw_fd() >= FIRST {
        return Ok(made);
    }
    renumbered(made)
}

/// What `make` makes, above the numbers of the standard streams.
pub(crate) fn make_descriptor<T>(make: impl FnOnce() -> io::Result<T>) -> io::Result<T>
where
    T: AsRawFd + Into<OwnedFd> + From<OwnedFd>,
{
    let _held = hold_standard();
    above_standard(make()?)
}

/// A duplicate of `made` in its place, with the lowest free number.
pub(crate) fn renumbered<T>(made: T) -> io::Result<T>
where
    T: Into<OwnedFd> + From<OwnedFd>,
{
    sys::duplicate_from(&made.into(), FIRST).map(T::from)
}

/// The error of a process that has no descriptors left; `None` where it has some. For calls of the
/// system that need one and give another reason.
pub(super) fn shortage() -> Option<io::Error> {
    make_descriptor(|| File::open("/")).err().filter(is_shortage)
}

/// One in this many descriptors is reserved for the program by default; and the minimum number.
const RESERVED_SHARE: u64 = 10;
const RESERVED_MIN: u64 = 32;

/// Whether this number is among the last ones of the process, of which `reserved` belong to the
/// program. The system assigns the lowest free number, so all below are in use.
pub(crate) fn is_reserved(descriptor: &impl AsRawFd, reserved: Option<u32>) -> bool {
    let Some(limit) = sys::descriptors_max() else { return false };
    let number = u64::try_from(descriptor.as_raw_fd()).unwrap_or(0);
    number >= ceiling(limit, reserved)
}

/// The first number that is reserved for the program.
fn ceiling(limit: u64, reserved: Option<u32>) -> u64 {
    let reserved = match reserved {
        Some(reserved) => reserved.into(),
        None => RESERVED_MIN.max(limit / RESERVED_SHARE),
    };
    limit - reserved.min(limit / 2)
}

/// A new poll descriptor.
pub(crate) fn new_poll() -> io::Result<Poll> {
    let _held = hold_standard();
    // `mio` accepts no duplicate. One with a low number, because the program has closed a stream at
    // this moment, is replaced.
    let mut low = Vec::new();
    loop {
        let poll = Poll::new()?;
        if poll.as_raw_fd() >= FIRST {
            return Ok(poll);
        }
        low.push(poll);
    }
}

/// Wakes the thread that waits in a [`Poll`]. Like `mio::Waker`, which offers no control over the
/// number of its descriptor.
#[derive(Debug)]
pub(crate) struct Waker {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    counter: File,
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    inner: mio::Waker,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Waker {
    /// A waker that makes `token` readable.
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Waker> {
        let counter = {
            let _held = hold_standard();
            above_standard(File::from(sys::event_counter()?))?
        };
        let descriptor = counter.as_raw_fd();
        registry.register(&mut SourceFd(&descriptor), token, Interest::READABLE)?;
        Ok(Waker { counter })
    }

    /// Callable from any thread.
    pub(crate) fn wake(&self) -> io::Result<()> {
        let mut counter = &self.counter;
        loop {
            match counter.write(&1_u64.to_ne_bytes()) {
                // The counter is full, after 2^64 - 2 calls: reset it.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match counter.read(&mut [0; 8]) {
                        Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                            return Err(error);
                        }
                        _ => {}
                    }
                }
                outcome => return outcome.map(drop),
            }
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Waker {
    /// A waker that makes `token` readable.
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Waker> {
        mio::Waker::new(registry, token).map(|inner| Waker { inner })
    }

    /// Callable from any thread.
    pub(crate) fn wake(&self) -> io::Result<()> {
        self.inner.wake()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f15_a_tenth_of_the_descriptors_is_left_to_the_program_or_what_is_asked_for() {
        for (limit, reserved, first) in [
            (1024, None, 922),
            (256, None, 224),
            (1_000_000, None, 900_000),
            (40, None, 20),
            (1024, Some(0), 1024),
            (1024, Some(500), 524),
            (1024, Some(1000), 512),
            (0, None, 0),
        ] {
            assert_eq!(ceiling(limit, reserved), first, "{limit}, {reserved:?}");
        }
    }
}
