//! Buffers of transactions that have been answered, to be used again.

use std::collections::TryReserveError;

/// Room of the largest buffer that is kept among the small ones.
const SMALL_BYTES_MAX: usize = 4096;
const SMALL_COUNT_MAX: usize = 1024;

/// The buffers. Which bytes one of them held before is never seen by who gets it.
#[derive(Default)]
pub(super) struct BufferPool {
    small: Vec<Vec<u8>>,
}

impl BufferPool {
    /// A buffer of `size` zeros.
    pub(super) fn zeroed(&mut self, size: usize) -> Result<Vec<u8>, TryReserveError> {
        let mut buffer = self.empty(size)?;
        buffer.resize(size, 0);
        Ok(buffer)
    }

    /// A buffer with these bytes.
    pub(super) fn copied(&mut self, bytes: &[u8]) -> Result<Vec<u8>, TryReserveError> {
        let mut buffer = self.empty(bytes.len())?;
        buffer.extend_from_slice(bytes);
        Ok(buffer)
    }

    /// An empty buffer with room for `size` bytes.
    fn empty(&mut self, size: usize) -> Result<Vec<u8>, TryReserveError> {
        let mut buffer = match size {
            1..=SMALL_BYTES_MAX => self.small.pop().unwrap_or_default(),
            _ => Vec::new(),
        };
        buffer.clear();
        buffer.try_reserve_exact(size)?;
        Ok(buffer)
    }

    /// Takes a buffer that is not needed any more.
    pub(super) fn keep(&mut self, buffer: Vec<u8>) {
        let is_small = (1..=SMALL_BYTES_MAX).contains(&buffer.capacity());
        if is_small && self.small.len() < SMALL_COUNT_MAX {
            self.small.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_buffer_comes_back_zeroed_or_overwritten_and_in_the_same_place() {
        let mut pool = BufferPool::default();
        let mut first = pool.zeroed(16).unwrap();
        first.fill(0xEE);
        let place = first.as_ptr();
        pool.keep(first);
        let second = pool.zeroed(12).unwrap();
        assert_eq!((second.as_ptr(), &second[..]), (place, &[0; 12][..]));
        pool.keep(second);
        let third = pool.copied(&[1, 2, 3]).unwrap();
        assert_eq!((third.as_ptr(), &third[..]), (place, &[1, 2, 3][..]));
        let fourth = pool.zeroed(3).unwrap();
        assert_ne!(fourth.as_ptr(), place, "it is in use");
    }

    #[test]
    fn few_and_small_buffers_are_kept() {
        let mut pool = BufferPool::default();
        for _ in 0..2 * SMALL_COUNT_MAX {
            pool.keep(vec![0; 8]);
            pool.keep(vec![0; SMALL_BYTES_MAX + 1]);
            pool.keep(Vec::new());
        }
        assert_eq!(pool.small.len(), SMALL_COUNT_MAX);
        assert!(pool.small.iter().all(|buffer| buffer.capacity() == 8));
    }
}
