//! The records of data files: frames, one after the other, without a header of the file.
//!
//! | offset | bytes | content, little-endian |
//! |---:|---:|---|
//! | 0 | 4 | bytes that follow: those of the payload and 4 |
//! | 4 | 4 | bits 15:0 flags, 23:16 error, 31:24 channel |
//! | 8 | n | payload |

/// Bytes of the size word, with which a record begins.
pub const SIZE_BYTES: usize = 4;

/// Bytes of the word of flags, error and channel, which the size word counts.
pub const METADATA_BYTES: usize = 4;

/// Bytes of a record before its payload.
pub const HEADER_BYTES: usize = SIZE_BYTES + METADATA_BYTES;

/// Upper bound on the payload of a record.
pub const PAYLOAD_BYTES_MAX: u32 = u32::MAX - METADATA_BYTES as u32;

/// What a record says of its frame, beside the size.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Metadata {
    /// The flags of the frame.
    pub flags: u16,
    /// The error of the frame.
    pub error: u8,
    /// The channel of the frame.
    pub channel: u8,
}

impl Metadata {
    /// The word in a file.
    pub fn encode(self) -> [u8; METADATA_BYTES] {
        let [low, high] = self.flags.to_le_bytes();
        [low, high, self.error, self.channel]
    }

    /// The meaning of a word in a file.
    pub fn decode(word: [u8; METADATA_BYTES]) -> Metadata {
        let [low, high, error, channel] = word;
        Metadata { flags: u16::from_le_bytes([low, high]), error, channel }
    }
}

/// What comes before a payload of `payload_bytes`; `None` beyond [`PAYLOAD_BYTES_MAX`].
pub fn header(payload_bytes: u64, metadata: Metadata) -> Option<[u8; HEADER_BYTES]> {
    let payload_bytes = u32::try_from(payload_bytes).ok()?;
    let size = payload_bytes.checked_add(METADATA_BYTES as u32)?;
    let mut header = [0; HEADER_BYTES];
    header[..SIZE_BYTES].copy_from_slice(&size.to_le_bytes());
    header[SIZE_BYTES..].copy_from_slice(&metadata.encode());
    Some(header)
}

/// Bytes of payload of a record that begins with the size word `word`: 0 also for a record that
/// claims less than its metadata; `None` for the size 0, which no record has.
pub fn payload_bytes(word: [u8; SIZE_BYTES]) -> Option<u32> {
    let size = u32::from_le_bytes(word);
    (size != 0).then(|| size.saturating_sub(METADATA_BYTES as u32))
}

/// The whole records at the start of `bytes`: their number, and their bytes.
pub fn whole_records(bytes: &[u8]) -> (usize, usize) {
    let (mut count, mut at) = (0, 0);
    while let Some((word, _)) = bytes[at..].split_first_chunk::<SIZE_BYTES>() {
        let end = payload_bytes(*word).and_then(|payload| {
            let end = at.checked_add(HEADER_BYTES)?.checked_add(payload as usize)?;
            (end <= bytes.len()).then_some(end)
        });
        let Some(end) = end else { break };
        (count, at) = (count + 1, end);
    }
    (count, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_as_documented() {
        let metadata = Metadata { flags: 0x1234, error: 0x56, channel: 3 };
        let header = header(3, metadata).unwrap();
        assert_eq!(header, [7, 0, 0, 0, 0x34, 0x12, 0x56, 3]);
        assert_eq!(payload_bytes([7, 0, 0, 0]), Some(3));
        assert_eq!(Metadata::decode([0x34, 0x12, 0x56, 3]), metadata);
    }

    #[test]
    fn sizes_at_the_ends_of_their_range_are_exact() {
        assert_eq!(payload_bytes([0; 4]), None);
        for size in 1..=4 {
            assert_eq!(payload_bytes([size, 0, 0, 0]), Some(0));
        }
        assert_eq!(payload_bytes([0xFF; 4]), Some(PAYLOAD_BYTES_MAX));
        let largest = header(PAYLOAD_BYTES_MAX.into(), Metadata::default()).unwrap();
        assert_eq!(largest[..4], [0xFF; 4]);
        for payload in [u64::from(PAYLOAD_BYTES_MAX) + 1, u64::from(u32::MAX) + 1, u64::MAX] {
            assert_eq!(header(payload, Metadata::default()), None);
        }
    }

    #[test]
    fn whole_records_end_where_the_bytes_do() {
        let record = |payload: &[u8]| {
            let header = header(payload.len() as u64, Metadata::default()).unwrap();
            [&header[..], payload].concat()
        };
        let bytes = [record(b"abc"), record(b""), record(b"z")].concat();
        let ends = [(1, 11), (2, 19), (3, 28)];
        for length in 0..=bytes.len() {
            let expected = ends.iter().rfind(|(_, end)| *end <= length).copied().unwrap_or((0, 0));
            assert_eq!(whole_records(&bytes[..length]), expected, "{length}");
        }
        assert_eq!(whole_records(&[0xFF; 16]), (0, 0));
        assert_eq!(whole_records(&[0; 16]), (0, 0));
    }
}
