//! Octets read from the socket of a connection, opened where its mechanism seals.

use std::io::{self, Read};

use super::buffers::{keep_spare, spare, SPARE_BYTES_MIN};
use crate::net::ByteStream;
use crate::proto::zmtp::{Session, ZmtpError};

/// Octets read from a socket at a time.
pub const READ_OCTETS: usize = 64 * 1024;

/// The result of a read from a socket.
pub enum Received {
    /// This many octets.
    Octets(usize),
    /// Nothing for now.
    Nothing,
    /// The peer closed the connection.
    Closed,
    /// The connection failed.
    Failed(io::Error),
}

impl Received {
    /// Octets received.
    pub fn count(&self) -> usize {
        match self {
            Received::Octets(count) => *count,
            Received::Nothing | Received::Closed | Received::Failed(_) => 0,
        }
    }
}

/// Received octets that the session has opened.
#[derive(Default)]
pub struct OpenedInput {
    octets: Vec<u8>,
    /// Number of octets that have been read.
    start: usize,
    scratch: Vec<u8>,
}

impl OpenedInput {
    /// Whether all of it has been read.
    pub fn is_read(&self) -> bool {
        self.start == self.octets.len()
    }

    /// Bytes of memory for it.
    pub fn held_bytes(&self) -> u64 {
        (self.octets.capacity() + self.scratch.capacity()) as u64
    }

    /// Reads received octets of `stream` to `buffer`, opened. Keeps only the rest of a frame that
    /// is larger than `buffer`.
    #[cold]
    pub fn read(
        &mut self,
        mut stream: &ByteStream,
        session: &mut Session,
        buffer: &mut [u8],
    ) -> Received {
        while self.is_read() {
            self.start = 0;
            if self.octets.capacity() < SPARE_BYTES_MIN {
                self.octets.clear();
            } else {
                // The session may give its memory for that.
                keep_spare(std::mem::take(&mut self.octets));
                self.octets = spare(session.held_octets().max(SPARE_BYTES_MIN));
            }
            let size = session.read_limit(buffer.len()).min(READ_OCTETS);
            if self.scratch.try_reserve(size.saturating_sub(self.scratch.len())).is_err() {
                return Received::Failed(io::ErrorKind::OutOfMemory.into());
            }
            self.scratch.resize(size, 0);
            match receive(|| stream.read(&mut self.scratch)) {
                Received::Octets(count) => {
                    match session.open(&self.scratch[..count], &mut self.octets) {
                        Ok(unused) => self.start = unused,
                        Err(ZmtpError::OutOfMemory { .. }) => {
                            return Received::Failed(io::ErrorKind::OutOfMemory.into());
                        }
                        Err(error) => {
                            let error = io::Error::new(io::ErrorKind::InvalidData, error);
                            return Received::Failed(error);
                        }
                    }
                }
                other => return other,
            }
        }
        let left = &self.octets[self.start..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.start += count;
        Received::Octets(count)
    }
}

/// The result of `read`, repeated after a signal.
pub fn receive(mut read: impl FnMut() -> io::Result<usize>) -> Received {
    loop {
        return match read() {
            Ok(0) => Received::Closed,
            Ok(count) => Received::Octets(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Received::Nothing,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Received::Failed(error),
        };
    }
}
