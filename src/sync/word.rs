//! A number that threads wait to see changed.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use futex::Word;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) use portable::Word;

/// The system's own way.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod futex {
    use std::{io, ptr};

    use super::{AtomicU32, Duration};

    /// A time as this call takes it: in the machine's words, also where the C library's `timespec`
    /// has a wider one.
    #[repr(C)]
    struct Timespec {
        seconds: libc::c_long,
        nanoseconds: libc::c_long,
    }

    /// Who waits is known to the system alone. Four bytes: transactions have three of them.
    #[derive(Debug, Default)]
    pub(in super::super) struct Word(AtomicU32);

    impl Word {
        pub(in super::super) const fn new(value: u32) -> Word {
            Word(AtomicU32::new(value))
        }

        #[inline]
        pub(in super::super) fn value(&self) -> &AtomicU32 {
            &self.0
        }

        /// Sleeps unless the number is another one than `value`, until woken, no longer than
        /// `time`; whether that has passed. May return at any time for no reason.
        pub(in super::super) fn wait(&self, value: u32, time: Option<Duration>) -> bool {
            let time = time.map(|time| Timespec {
                seconds: libc::c_long::try_from(time.as_secs()).unwrap_or(libc::c_long::MAX),
                nanoseconds: time.subsec_nanos() as _,
            });
            let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
            let is_woken = self.call(libc::FUTEX_WAIT, value, time);
            !is_woken && io::Error::last_os_error().raw_os_error() == Some(libc::ETIMEDOUT)
        }

        #[cold]
        pub(in super::super) fn wake_one(&self) {
            self.call(libc::FUTEX_WAKE, 1, ptr::null());
        }

        #[cold]
        pub(in super::super) fn wake_all(&self) {
            self.call(libc::FUTEX_WAKE, i32::MAX as u32, ptr::null());
        }

        /// Errors say that there was nothing to wait for, or that the wait is over; whether there
        /// was none.
        fn call(&self, operation: libc::c_int, value: u32, time: *const Timespec) -> bool {
            let operation = operation | libc::FUTEX_PRIVATE_FLAG;
            // SAFETY: the number is aligned and borrowed for the whole call, and `time` is null or
            // points to a time that lives as long; the system writes to neither.
            unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), operation, value, time) >= 0 }
        }
    }
}

/// By means of the standard library, for systems without a call for it.
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
mod portable {
    use std::sync::atomic::Ordering;
    use std::sync::{Condvar, Mutex, PoisonError};

    use super::{AtomicU32, Duration};
    use crate::process;

    #[derive(Debug, Default)]
    pub(in super::super) struct Word {
        value: AtomicU32,
        gate: Mutex<()>,
        woken: Condvar,
    }

    impl Word {
        pub(in super::super) const fn new(value: u32) -> Word {
            let value = AtomicU32::new(value);
            Word { value, gate: Mutex::new(()), woken: Condvar::new() }
        }

        pub(in super::super) fn value(&self) -> &AtomicU32 {
            &self.value
        }

        pub(in super::super) fn wait(&self, value: u32, time: Option<Duration>) -> bool {
            let gate = process::lock(&self.gate);
            // Who changes the number comes through the gate before it wakes anybody.
            if self.value.load(Ordering::Relaxed) != value {
                return false;
            }
            match time {
                None => {
                    drop(self.woken.wait(gate).unwrap_or_else(PoisonError::into_inner));
                    false
                }
                Some(time) => {
                    let woken = self.woken.wait_timeout(gate, time);
                    woken.unwrap_or_else(PoisonError::into_inner).1.timed_out()
                }
            }
        }

        pub(in super::super) fn wake_one(&self) {
            drop(process::lock(&self.gate));
            self.woken.notify_one();
        }

        pub(in super::super) fn wake_all(&self) {
            drop(process::lock(&self.gate));
            self.woken.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    macro_rules! tests_of {
        ($word:ident) => {
            mod $word {
                use super::super::$word::Word;
                use super::*;

                #[test]
                fn a_changed_number_is_not_waited_for() {
                    let word = Word::new(1);
                    word.wait(2, None);
                    word.wait(1, Some(Duration::ZERO));
                    word.wake_one();
                    word.wake_all();
                }

                #[test]
                fn who_waits_is_woken() {
                    let word = Word::new(0);
                    thread::scope(|scope| {
                        let wait = |value: u32, time| {
                            let word = &word;
                            move || {
                                while word.value().load(Ordering::Acquire) == value {
                                    word.wait(value, time);
                                }
                            }
                        };
                        let one = scope.spawn(wait(0, None));
                        word.value().store(1, Ordering::Release);
                        word.wake_one();
                        one.join().unwrap();
                        let all = [None, Some(LONG), Some(Duration::MAX)];
                        let all = all.map(|time| scope.spawn(wait(1, time)));
                        word.value().store(2, Ordering::Release);
                        word.wake_all();
                        all.into_iter().for_each(|thread| thread.join().unwrap());
                    });
                }
            }
        };
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    tests_of!(futex);
    tests_of!(portable);
}
