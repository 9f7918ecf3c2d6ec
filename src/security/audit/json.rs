//! The form of records in files: a line of JSON each.

use std::fmt::Write;
use std::time::Duration;

use super::record::AuditRecord;

/// Appends the line of a record.
pub(super) fn append_record(line: &mut String, record: &AuditRecord<'_>) {
    let client = record.client;
    line.push_str("{\"time\":\"");
    append_time(line, record.time);
    line.push_str("\",\"server\":");
    append_text(line, &client.server);
    line.push_str(",\"client\":");
    append_text(line, &client.address);
    let _ = write!(line, ",\"number\":{}", client.number);
    if let Some(key) = &client.key {
        line.push_str(",\"key\":");
        append_text(line, key);
    }
    for (name, number) in [("uid", client.uid), ("pid", client.pid)] {
        if let Some(number) = number {
            let _ = write!(line, ",\"{name}\":{number}");
        }
    }
    line.push_str(",\"type\":");
    let _ = write!(line, "\"{}\"", record.ty);
    let AuditRecord { address, size, .. } = record;
    let _ = write!(line, ",\"address\":\"0x{address:x}\",\"size\":{size},\"data\":\"");
    for byte in record.data {
        let _ = write!(line, "{byte:02x}");
    }
    let _ = write!(line, "\",\"result\":\"{}\"", record.result.name());
    if !record.text.is_empty() {
        let _ = write!(line, ",\"status\":{},\"text\":", record.status as i32);
        append_text(line, record.text);
    }
    if !record.is_answered {
        line.push_str(",\"answered\":false");
    }
    let _ = writeln!(line, ",\"latency_ns\":{}}}", record.latency.as_nanos());
}

/// Appends the line for records that are missing.
pub(super) fn append_lost(line: &mut String, time: Duration, count: u64) {
    line.push_str("{\"time\":\"");
    append_time(line, time);
    let _ = writeln!(line, "\",\"lost\":{count}}}");
}

/// Appends a time since 1970 as `2026-11-30T22:50:01.123456789Z`.
fn append_time(line: &mut String, since_1970: Duration) {
    let seconds = since_1970.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let nanoseconds = since_1970.subsec_nanos();
    let _ = write!(
        line,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanoseconds:09}Z"
    );
}

/// Year, month and day of the day with this number since 1970, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    // Years from March on, so that the leap day is the last one; 719 468 days lie between 0000-03-01
    // and 1970-01-01, and 146 097 are 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months + 2) / 5 + 1;
    let month = if months < 10 { months + 3 } else { months - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// Appends a text in quotation marks.
fn append_text(line: &mut String, text: &str) {
    line.push('"');
    for character in text.chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            // Those that JSON does not allow, and those that a terminal would obey.
            '\0'..='\x1F' | '\x7F'..='\u{9F}' => {
                let _ = write!(line, "\\u{:04x}", character as u32);
            }
            _ => line.push(character),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time_of(seconds: u64, nanoseconds: u32) -> String {
        let mut text = String::new();
        append_time(&mut text, Duration::new(seconds, nanoseconds));
        text
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000000Z"),
            (951_868_800, "2000-03-01T00:00:00.000000000Z"),
            (1_796_078_400, "2026-11-30T22:40:00.000000000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000000Z"),
        ] {
            assert_eq!(time_of(seconds, 0), text);
        }
        assert_eq!(&time_of(0, 123_456_789)[19..], ".123456789Z");
    }

    #[test]
    fn texts_are_escaped() {
        let mut text = String::new();
        append_text(&mut text, "a\"b\\c\nd\u{1b}[0m\u{9b}é\u{7f}");
        assert_eq!(text, r#""a\"b\\c\nd\u001b[0m\u009bé\u007f""#);
    }
}
