//! The log of what a slave receives, which [`SlaveBase::set_debug`](super::SlaveBase::set_debug)
//! switches on.

use std::fmt::Write;

use super::frame::Buffers;
use crate::logging::{Level, Logger};

/// Bytes in the first line, after the text, and in each further one: the reference's layout.
const FIRST_LINE_BYTES: usize = 7;
const LINE_BYTES: usize = 8;
/// Starts a line of bytes.
const LINE_START: &str = "\n     ";

/// Which part of each frame is logged, and by which logger.
pub(super) struct Dump {
    bytes_max: usize,
    logger: Logger,
}

impl Dump {
    pub(super) fn new(bytes_max: u32, name: &str) -> Dump {
        Dump { bytes_max: bytes_max as usize, logger: Logger::new(name) }
    }

    /// The text about a frame, which is locked.
    pub(super) fn text(&self, buffers: &Buffers, error: u8) -> String {
        let payload = buffers.payload();
        let mut text = format!("Got Size={payload}, Error={error}, Data:{LINE_START}");
        let bytes = buffers.slices().flatten().take(self.bytes_max);
        for (index, byte) in bytes.enumerate() {
            if index >= FIRST_LINE_BYTES && (index - FIRST_LINE_BYTES) % LINE_BYTES == 0 {
                text.push_str(LINE_START);
            }
            // Writing to a string cannot fail.
            let _ = write!(text, " 0x{byte:02x}");
        }
        text
    }

    /// Logs a text. No lock may be held: a program's own sink may run here.
    pub(super) fn log(&self, text: &str) {
        self.logger.log(Level::CRITICAL, format_args!("{text}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Buffer;
    use super::*;

    fn text_of(parts: &[&[u8]], bytes_max: u32) -> String {
        let mut buffers = Buffers::default();
        parts.iter().for_each(|part| buffers.push(Buffer::from(part.to_vec())));
        Dump::new(bytes_max, "stream.test").text(&buffers, 3)
    }

    #[test]
    fn seven_bytes_stand_in_the_first_line_and_eight_in_each_further_one() {
        let bytes: Vec<u8> = (0..17).collect();
        let expected =
            "Got Size=17, Error=3, Data:\n      0x00 0x01 0x02 0x03 0x04 0x05 0x06\n      \
                        0x07 0x08 0x09 0x0a 0x0b 0x0c 0x0d 0x0e\n      0x0f 0x10";
        assert_eq!(text_of(&[&bytes], 100), expected);
        assert_eq!(text_of(&[&bytes[..3], &[], &bytes[3..]], 17), expected);
    }

    #[test]
    fn no_more_bytes_than_asked_for_are_shown() {
        let text = text_of(&[&[0xAB; 9]], 7);
        assert_eq!(text.matches("0xab").count(), 7);
        assert_eq!(text.lines().count(), 2);
        assert_eq!(text_of(&[], 7), "Got Size=0, Error=3, Data:\n     ");
    }
}
