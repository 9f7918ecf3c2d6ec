//! Images of memory as files: bytes, lines of text, Intel HEX.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::arguments::Format;
use crate::failure::{Failure, Kind, Outcome};
use crate::number;

/// Bytes of a line of text.
const LINE_BYTES: usize = 16;
/// Bytes of a record of Intel HEX.
const RECORD_BYTES: usize = 16;
/// Addresses of Intel HEX.
pub const IHEX_BYTES_MAX: u64 = 1 << 32;

/// Bytes that follow each other, from an offset on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Offset of the first byte.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The format that a file's name says.
pub fn format_of(path: &Path) -> Format {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "hex" | "ihex" | "ihx" | "mcs" => Format::Ihex,
        _ => Format::Bin,
    }
}

/// Lines of text: an address, bytes, and their characters.
pub fn hex_lines(address: u64, bytes: &[u8]) -> String {
    let mut text = String::new();
    for (index, line) in bytes.chunks(LINE_BYTES).enumerate() {
        let at = address + (index * LINE_BYTES) as u64;
        let digits: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = |byte: &u8| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        };
        let characters: String = line.iter().map(shown).collect();
        // To a string nothing fails.
        let _ = writeln!(text, "{at:08x}: {:47}  {characters}", digits.join(" "));
    }
    text
}

/// An image is larger than [`IHEX_BYTES_MAX`].
pub fn too_large() -> Failure {
    Failure::new(Kind::Usage, "Intel HEX has room for 4 GiB; use --format bin")
}

/// The text of an image in Intel HEX, whose addresses begin with 0.
pub fn ihex(bytes: &[u8]) -> Outcome<String> {
    use ihex::Record;
    if bytes.len() as u64 > IHEX_BYTES_MAX {
        return Err(too_large());
    }
    let mut records = Vec::new();
    let mut upper = 0;
    for (index, value) in bytes.chunks(RECORD_BYTES).enumerate() {
        let address = (index * RECORD_BYTES) as u32;
        if address >> 16 != upper {
            upper = address >> 16;
            records.push(Record::ExtendedLinearAddress(upper as u16));
        }
        records.push(Record::Data { offset: address as u16, value: value.to_vec() });
    }
    records.push(Record::EndOfFile);
    let text = ihex::create_object_file_representation(&records);
    Ok(text.map_err(|error| Failure::new(Kind::Usage, error.to_string()))? + "\n")
}

/// What a file has, in the order of its offsets.
pub fn read(path: &Path, format: Format) -> Outcome<Vec<Segment>> {
    let of_file = |error| Failure::of_file(path, "reading it", &error);
    let wrong = |text: String| Failure::new(Kind::File, format!("{}: {text}", path.display()));
    let segments = match format {
        Format::Bin => Ok(vec![Segment { offset: 0, bytes: fs::read(path).map_err(of_file)? }]),
        Format::Hex => from_hex_lines(&fs::read_to_string(path).map_err(of_file)?),
        Format::Ihex => from_ihex(&fs::read_to_string(path).map_err(of_file)?),
    };
    segments.and_then(joined).map_err(wrong)
}

/// The segments of lines of text; their offsets count from the first line's address.
fn from_hex_lines(text: &str) -> Result<Vec<Segment>, String> {
    let mut segments = Vec::new();
    let mut first = None;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |what: &str| format!("line {}: {what}: {line:?}", index + 1);
        let (address, rest) = line.split_once(':').ok_or_else(|| wrong("no address"))?;
        let address = number::address(&format!("0x{}", address.trim()))
            .map_err(|_| wrong("the address is no hexadecimal number"))?;
        let digits = rest.trim_start().split("  ").next().unwrap_or_default();
        let bytes: Result<Vec<u8>, _> = digits
            .split_whitespace()
            .map(|byte| match byte.len() {
                // The standard library takes a sign too.
                2 if !byte.starts_with('+') => u8::from_str_radix(byte, 16).map_err(|_| ()),
                _ => Err(()),
            })
            .collect();
        let bytes = bytes.map_err(|()| wrong("not only bytes of two hexadecimal digits"))?;
        let offset = address
            .checked_sub(*first.get_or_insert(address))
            .ok_or_else(|| wrong("the address is below that of the first line"))?;
        segments.push(Segment { offset, bytes });
    }
    Ok(segments)
}

fn from_ihex(text: &str) -> Result<Vec<Segment>, String> {
    use ihex::Record;
    let mut segments = Vec::new();
    let mut base = 0;
    let mut has_ended = false;
    let options = ihex::ReaderOptions { stop_after_eof: false, ..Default::default() };
    for (index, record) in ihex::Reader::new_with_options(text, options).enumerate() {
        let record = record.map_err(|error| format!("record {}: {error}", index + 1))?;
        if has_ended {
            return Err(format!(
                "record {} is behind the end record: are these two files?",
                index + 1
            ));
        }
        match record {
            Record::Data { offset, value } => {
                segments.push(Segment { offset: base + u64::from(offset), bytes: value });
            }
            Record::ExtendedLinearAddress(upper) => base = u64::from(upper) << 16,
            Record::ExtendedSegmentAddress(segment) => base = u64::from(segment) << 4,
            Record::EndOfFile => has_ended = true,
            // Where a processor begins to run: nothing of memory.
            Record::StartSegmentAddress { .. } | Record::StartLinearAddress(_) => {}
        }
    }
    match has_ended {
        true => Ok(segments),
        false => Err("the end record is missing: the file is cut off".to_owned()),
    }
}

/// Neighbours as one, so that they can be written together.
fn joined(mut segments: Vec<Segment>) -> Result<Vec<Segment>, String> {
    segments.retain(|segment| !segment.bytes.is_empty());
    segments.sort_by_key(|segment| segment.offset);
    let mut all: Vec<Segment> = Vec::new();
    for segment in segments {
        let Segment { offset, bytes } = &segment;
        if offset.checked_add(bytes.len() as u64 - 1).is_none() {
            return Err(format!("the bytes from 0x{offset:x} on reach beyond the last address"));
        }
        // The last byte of a segment has an address, and the one behind it may have none.
        match all.last_mut() {
            Some(before) if *offset - before.offset < before.bytes.len() as u64 => {
                return Err(format!("two values for the byte at 0x{offset:x}"));
            }
            Some(before) if *offset - before.offset == before.bytes.len() as u64 => {
                before.bytes.extend(segment.bytes);
            }
            _ => all.push(segment),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index * 7 + index / 251) as u8).collect()
    }

    #[test]
    fn every_format_gives_back_what_was_written() {
        for length in [1, 16, 17, 70_000] {
            let bytes = image(length);
            let whole = vec![Segment { offset: 0, bytes: bytes.clone() }];
            let text = hex_lines(0x1000, &bytes);
            assert_eq!(from_hex_lines(&text).and_then(joined).as_ref(), Ok(&whole));
            let text = ihex(&bytes).unwrap();
            assert_eq!(from_ihex(&text).and_then(joined), Ok(whole));
        }
        assert_eq!(from_ihex(&ihex(&[]).unwrap()).and_then(joined), Ok(Vec::new()));
    }

    #[test]
    fn characters_that_look_like_bytes_are_no_bytes() {
        let bytes = b"ab cd ef".to_vec();
        let found = from_hex_lines(&hex_lines(0, &bytes)).and_then(joined);
        assert_eq!(found, Ok(vec![Segment { offset: 0, bytes }]));
    }

    #[test]
    fn damaged_files_are_refused_with_the_place() {
        for (text, part) in [
            ("0000: 00 1\n", "line 1"),
            ("0000 00\n", "no address"),
            ("10: 00\n00: 11\n", "line 2"),
            ("zz: 00\n", "hexadecimal"),
            ("00: +1\n", "line 1"),
        ] {
            assert!(from_hex_lines(text).unwrap_err().contains(part), "{text}");
        }
        let text = ihex(&image(40)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(from_ihex(&lines[..2].join("\n")).unwrap_err().contains("cut off"));
        let damaged = text.replacen(":10", ":11", 1);
        assert!(from_ihex(&damaged).unwrap_err().contains("record 1"));
        let twice = format!("{}\n{text}", lines[0]);
        assert!(from_ihex(&twice).and_then(joined).unwrap_err().contains("two values"));
        assert!(from_ihex(&format!("{text}{text}")).unwrap_err().contains("behind the end record"));
    }

    #[test]
    fn f151_an_image_ends_at_the_last_address_and_does_not_begin_again() {
        let read = |text: &str| from_hex_lines(text).and_then(joined);
        let last = "ffffffffffffffff";
        for (text, part) in [
            (format!("0: 00\nfffffffffffffff8: {}\n", "00 ".repeat(16)), "beyond the last address"),
            (format!("0: 00\n{last}: 00 11\n"), "beyond the last address"),
            (format!("0: 00\n{last}: 00\n{last}: 11\n"), "two values"),
        ] {
            assert!(read(&text).unwrap_err().contains(part), "{text}");
        }
        let found = read(&format!("0: 00\n{last}: 11\n")).unwrap();
        assert_eq!(found[1], Segment { offset: u64::MAX, bytes: vec![0x11] });
    }

    #[test]
    fn the_name_of_a_file_says_its_format() {
        for (name, format) in [
            ("a.hex", Format::Ihex),
            ("a.MCS", Format::Ihex),
            ("a.bin", Format::Bin),
            ("hex", Format::Bin),
        ] {
            assert_eq!(format_of(Path::new(name)), format, "{name}");
        }
    }
}
