//! Times of the system's clock, as text.

use std::time::SystemTime;

use clap::ValueEnum;
use jiff::tz::TimeZone;
use jiff::Timestamp;

/// By which clock a time is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Zone {
    /// UTC
    Utc,
    /// The local time: that of TZ, or of the system
    Local,
}

/// A time of RFC 3339 with this many digits behind the second: `2026-12-01T01:02:03.123Z`, or
/// `2026-12-01T02:02:03.123+01:00` in local time.
pub fn stamp(at: SystemTime, zone: Zone, digits: u8) -> String {
    let time = match digits {
        0 => "%Y-%m-%dT%H:%M:%S".to_owned(),
        _ => format!("%Y-%m-%dT%H:%M:%S%.{digits}f"),
    };
    show(at, zone, &time, "%:z")
}

/// The time of the day: `01:02:03Z`, or `02:02:03` in local time.
pub fn time_of_day(at: SystemTime, zone: Zone) -> String {
    show(at, zone, "%H:%M:%S", "")
}

fn show(at: SystemTime, zone: Zone, time: &str, offset: &str) -> String {
    // The years of a clock that is set so that they do not fit are no time to speak of.
    let at = Timestamp::try_from(at).unwrap_or_default();
    match zone {
        Zone::Utc => format!("{}Z", at.strftime(time)),
        Zone::Local => {
            let local = at.to_zoned_datetime(TimeZone::system());
            local.strftime(&format!("{time}{offset}")).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_time_has_the_digits_that_are_asked_for() {
        let at = UNIX_EPOCH + Duration::from_micros(1_796_086_923_123_456);
        let stamps = [0, 3, 6].map(|digits| stamp(at, Zone::Utc, digits));
        let second = "2026-12-01T01:02:03";
        let expected = ["Z", ".123Z", ".123456Z"].map(|end| format!("{second}{end}"));
        assert_eq!(stamps, expected);
        assert_eq!(time_of_day(at, Zone::Utc), "01:02:03Z");
    }
}
