//! Conversion of numbers and texts from C to options, and of lists to texts for C. `table.rs` names
//! the conversion of each option. 0 and NULL are not converted: they leave the option at its default.

use std::time::Duration;

use crate::clock;
use crate::net::Spin;

/// Number of microseconds that means: none.
pub(super) const SPIN_NEVER: u32 = u32::MAX;

/// A flag from C: an integer, because every value of it is valid, unlike those of a `bool`.
pub(super) fn is_set(flag: u32) -> bool {
    flag != 0
}

/// A flag that switches an option off.
pub(super) fn is_clear(flag: u32) -> bool {
    flag == 0
}

/// A number as it is.
pub(super) fn number<T: From<u32>>(number: u32) -> T {
    number.into()
}

/// A number of 64 bits as it is.
pub(super) fn number64(number: u64) -> u64 {
    number
}

/// Number of bytes per second that means: any.
pub(super) const PROGRESS_ANY: u32 = u32::MAX;

/// A speed in bytes per second, at least.
pub(super) fn progress(per_second: u32) -> u32 {
    match per_second {
        PROGRESS_ANY => 0,
        _ => per_second,
    }
}

/// Number of bytes of an access's data that means: none.
pub(super) const AUDIT_NO_DATA: u32 = u32::MAX;

/// A number of bytes of data.
pub(super) fn audit_data(bytes: u32) -> u32 {
    match bytes {
        AUDIT_NO_DATA => 0,
        _ => bytes,
    }
}

/// A number of things.
pub(super) fn count<T: From<usize>>(count: u32) -> T {
    (count as usize).into()
}

/// A time in milliseconds.
pub(super) fn milliseconds(milliseconds: u32) -> Duration {
    Duration::from_millis(milliseconds.into())
}

/// A time in microseconds.
pub(super) fn microseconds(microseconds: impl Into<u64>) -> Duration {
    Duration::from_micros(microseconds.into())
}

/// `time` in whole milliseconds.
pub(super) fn as_milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// `time` in whole microseconds.
pub(super) fn as_microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// `time` in nanoseconds.
pub(super) fn as_nanoseconds(time: Duration) -> u64 {
    clock::nanoseconds(time)
}

/// Number of milliseconds that means: no wait.
pub(super) const SEND_WAIT_NEVER: u32 = u32::MAX;

/// Limit of a wait, in milliseconds.
pub(super) fn wait(milliseconds: u32) -> Option<Duration> {
    match milliseconds {
        SEND_WAIT_NEVER => Some(Duration::ZERO),
        _ => Some(self::milliseconds(milliseconds)),
    }
}

/// Limit of a wait, in microseconds; 0 = none.
pub(super) fn limit(microseconds: u64) -> Option<Duration> {
    (microseconds > 0).then(|| Duration::from_micros(microseconds))
}

/// A number of bytes.
pub(super) fn bytes(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Polling time before a sleep, in microseconds.
pub(super) fn spin(microseconds: u32) -> Spin {
    match microseconds {
        SPIN_NEVER => Spin::Never,
        _ => Spin::Always(Duration::from_micros(microseconds.into())),
    }
}

/// The members of a list, between commas, without the blanks around them.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
}

/// The texts of things, one a line.
pub(super) fn lines(things: &[impl ToString]) -> String {
    things.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Bytes of a stack. No thread gets one that is larger than the address space.
pub(super) fn stack_bytes(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Size limit of a transaction, in bytes. No transaction is larger than 4 GiB.
pub(super) fn transaction_bytes(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_too_large_become_the_largest() {
        assert_eq!(transaction_bytes(1 << 40), u32::MAX);
        assert_eq!(transaction_bytes(1 << 20), 1 << 20);
        assert_eq!(stack_bytes(4096), 4096);
    }

    #[test]
    fn a_time_is_a_number_of_whole_units() {
        let time = Duration::from_nanos(1_234_567_890);
        let numbers = (as_milliseconds(time), as_microseconds(time), as_nanoseconds(time));
        assert_eq!(numbers, (1234, 1_234_567, 1_234_567_890));
        let numbers =
            [as_milliseconds, as_microseconds, as_nanoseconds].map(|of| of(Duration::MAX));
        assert_eq!(numbers, [u64::MAX; 3]);
    }

    #[test]
    fn a_wait_is_a_time_or_none() {
        assert_eq!(wait(7), Some(Duration::from_millis(7)));
        assert_eq!(wait(SEND_WAIT_NEVER), Some(Duration::ZERO));
        assert_eq!((limit(0), limit(7)), (None, Some(Duration::from_micros(7))));
        assert_eq!(bytes(7), 7);
    }

    #[test]
    fn a_list_has_its_members_between_commas() {
        assert_eq!(list("*:0, unix:/run/a b ,"), ["*:0", "unix:/run/a b"]);
        assert_eq!(list(" "), [""; 0]);
    }

    #[test]
    fn a_speed_is_a_number_or_any() {
        assert_eq!((progress(7), progress(PROGRESS_ANY)), (7, 0));
        assert_eq!((audit_data(7), audit_data(AUDIT_NO_DATA)), (7, 0));
    }

    #[test]
    fn a_spin_is_a_time_or_never() {
        assert_eq!(spin(7), Spin::Always(Duration::from_micros(7)));
        assert_eq!(spin(SPIN_NEVER), Spin::Never);
    }
}
