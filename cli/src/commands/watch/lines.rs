//! Samples as lines with time stamps: one for each change, or one for each sample.

use serde_json::{json, Value};

use super::sampler::{Reading, Sample};
use crate::arguments::Watch;
use crate::clock::{self, Zone};
use crate::number::{Form, Register};

/// The form of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// For people.
    Text,
    /// Comma-separated values, after RFC 4180.
    Csv,
    /// An object.
    Json,
}

/// Writes lines.
pub struct Lines {
    style: Style,
    zone: Zone,
    every_sample: bool,
    addresses: Vec<u64>,
    register: Register,
    form: Form,
    /// What was told last.
    told: Vec<Reading>,
}

impl Lines {
    /// Lines of the registers of a command line.
    pub fn new(watch: &Watch, style: Style) -> Lines {
        Lines {
            style,
            // For programs, and for logs of several machines, unless people ask.
            zone: watch.time.unwrap_or(Zone::Utc),
            every_sample: watch.every_sample,
            addresses: watch.addresses.clone(),
            register: watch.word.register(),
            form: watch.format,
            told: Vec::new(),
        }
    }

    /// The line before all others.
    pub fn header(&self) -> Option<String> {
        match (self.style, self.every_sample) {
            (Style::Csv, false) => Some("time,address,value,error".to_owned()),
            (Style::Csv, true) => {
                let addresses = self.addresses.iter().map(|address| format!("0x{address:08x}"));
                Some(format!("time,{},error", addresses.collect::<Vec<_>>().join(",")))
            }
            _ => None,
        }
    }

    /// The lines of a sample: none if nothing has changed, and each change has a line.
    pub fn of(&mut self, sample: &Sample) -> Vec<String> {
        let time = clock::stamp(sample.time, self.zone, 3);
        let all: Vec<_> = self.addresses.iter().copied().zip(&sample.readings).collect();
        if self.every_sample {
            return vec![self.line_of_all(&time, &all)];
        }
        let told = |index| self.told.get(index);
        let is_new =
            |(index, (_, reading)): &(usize, (u64, &Reading))| told(*index) != Some(*reading);
        let new = all.into_iter().enumerate().filter(is_new);
        let lines = new.map(|(_, (address, reading))| self.line_of(&time, address, reading));
        let lines = lines.collect();
        self.told.clone_from(&sample.readings);
        lines
    }

    fn line_of(&self, time: &str, address: u64, reading: &Reading) -> String {
        match self.style {
            Style::Text => format!("{time} {}", self.named(address, reading)),
            Style::Csv => {
                let (value, error) = match reading {
                    Ok(value) => (self.register.show(*value, self.form), ""),
                    Err(text) => (String::new(), text.as_str()),
                };
                format!("{time},0x{address:08x},{value},{}", quoted(error))
            }
            Style::Json => {
                let mut object = self.object(address, reading);
                object["time"] = json!(time);
                object.to_string()
            }
        }
    }

    fn line_of_all(&self, time: &str, all: &[(u64, &Reading)]) -> String {
        let each = all.iter();
        match self.style {
            Style::Text => {
                let named = each.map(|(address, reading)| self.named(*address, reading));
                format!("{time} {}", named.collect::<Vec<_>>().join(", "))
            }
            Style::Csv => {
                let shown = |value: &u64| self.register.show(*value, self.form);
                let values =
                    each.map(|(_, reading)| reading.as_ref().map_or_else(|_| String::new(), shown));
                let values: Vec<_> = values.collect();
                let failed = all.iter().filter(|(_, reading)| reading.is_err());
                let errors: Vec<_> =
                    failed.map(|(address, reading)| self.named(*address, reading)).collect();
                format!("{time},{},{}", values.join(","), quoted(&errors.join("; ")))
            }
            Style::Json => {
                let objects = each.map(|(address, reading)| self.object(*address, reading));
                json!({ "time": time, "registers": objects.collect::<Vec<_>>() }).to_string()
            }
        }
    }

    fn named(&self, address: u64, reading: &Reading) -> String {
        match reading {
            Ok(value) => format!("0x{address:08x}: {}", self.register.show(*value, self.form)),
            Err(text) => format!("0x{address:08x}: error: {text}"),
        }
    }

    fn object(&self, address: u64, reading: &Reading) -> Value {
        match reading {
            Ok(value) => {
                json!({ "address": address, "value": self.register.json(*value, self.form) })
            }
            Err(text) => json!({ "address": address, "error": text }),
        }
    }
}

/// A field, in quotation marks if it needs them.
fn quoted(field: &str) -> String {
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::number::Endian;

    const TIME: &str = "1970-01-01T00:00:01.500Z";

    fn lines(style: Style, every_sample: bool) -> Lines {
        let register = Register { width: 2, endian: Endian::Little };
        let (addresses, told) = (vec![0, 0x10], Vec::new());
        let zone = Zone::Utc;
        Lines { style, zone, every_sample, addresses, register, form: Form::Hex, told }
    }

    fn sample(one: u64, other: Reading) -> Sample {
        let time = UNIX_EPOCH + Duration::from_millis(1500);
        Sample { time, readings: vec![Ok(one), other] }
    }

    #[test]
    fn each_change_has_a_line_and_an_error_is_one() {
        let mut lines = lines(Style::Text, false);
        let all = |time: &str, lines: &[&str]| -> Vec<String> {
            lines.iter().map(|line| format!("{time} {line}")).collect()
        };
        let first = all(TIME, &["0x00000000: 0x0001", "0x00000010: 0x0002"]);
        assert_eq!(lines.of(&sample(1, Ok(2))), first);
        assert_eq!(lines.of(&sample(1, Ok(2))), [""; 0]);
        assert_eq!(lines.of(&sample(1, Ok(3))), all(TIME, &["0x00000010: 0x0003"]));
        let failed = sample(1, Err("no answer".to_owned()));
        assert_eq!(lines.of(&failed), all(TIME, &["0x00000010: error: no answer"]));
        assert_eq!(lines.of(&failed), [""; 0]);
        assert_eq!(lines.of(&sample(1, Ok(3))), all(TIME, &["0x00000010: 0x0003"]));
    }

    #[test]
    fn comma_separated_values_have_a_header_and_quoted_texts() {
        let failed = sample(1, Err("it said \"no\", twice".to_owned()));
        let mut changes = lines(Style::Csv, false);
        assert_eq!(changes.header().unwrap(), "time,address,value,error");
        let expected = [
            format!("{TIME},0x00000000,0x0001,"),
            format!("{TIME},0x00000010,,\"it said \"\"no\"\", twice\""),
        ];
        assert_eq!(changes.of(&failed), expected);
        let mut all = lines(Style::Csv, true);
        assert_eq!(all.header().unwrap(), "time,0x00000000,0x00000010,error");
        for _ in 0..2 {
            assert_eq!(all.of(&sample(1, Ok(2))), [format!("{TIME},0x0001,0x0002,")]);
        }
        let error = "\"0x00000010: error: it said \"\"no\"\", twice\"";
        assert_eq!(all.of(&failed), [format!("{TIME},0x0001,,{error}")]);
    }

    #[test]
    fn objects_have_the_same_names_in_both_forms() {
        let failed = sample(1, Err("no".to_owned()));
        let read = |line: &String| serde_json::from_str::<Value>(line).unwrap();
        let changes: Vec<Value> = lines(Style::Json, false).of(&failed).iter().map(read).collect();
        let value = json!({ "time": TIME, "address": 0, "value": 1 });
        assert_eq!(changes, [value, json!({ "time": TIME, "address": 16, "error": "no" })]);
        let registers = json!([{ "address": 0, "value": 1 }, { "address": 16, "error": "no" }]);
        let all: Vec<Value> = lines(Style::Json, true).of(&failed).iter().map(read).collect();
        assert_eq!(all, [json!({ "time": TIME, "registers": registers })]);
        assert_eq!(lines(Style::Json, true).header(), None);
    }
}
