//! The mapping and the accesses to it: the only `unsafe` code of this room.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

/// A shared mapping of part of a file, unmapped when it is dropped.
pub(super) struct Mapping {
    /// The start of the first page.
    pages: NonNull<libc::c_void>,
    pages_bytes: usize,
    /// Offset of the first mapped byte in the first page.
    offset: usize,
    size: usize,
}

// SAFETY: the mapping has no owner among the threads; accesses are volatile, as to memory that
// others change at any time.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

/// Bytes of a page.
fn page_bytes() -> u64 {
    // SAFETY: the call takes and returns numbers.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(bytes).ok().filter(|bytes| bytes.is_power_of_two()).unwrap_or(4096)
}

macro_rules! accesses {
    ($write:ident, $read:ident, $word:ty) => {
        /// Stores `data` from `offset` on, word by word in ascending order. `offset` and the length
        /// are multiples of the word's size, and lie within the mapping.
        pub fn $write(&self, offset: usize, data: &[u8]) {
            let start = self.place::<$word>(offset, data.len());
            for (n, bytes) in data.chunks_exact(size_of::<$word>()).enumerate() {
                let word = <$word>::from_ne_bytes(bytes.try_into().expect("a chunk is a word"));
                // SAFETY: `place` has checked that this word lies within the mapping, aligned.
                unsafe { ptr::write_volatile(start.add(n), word) };
            }
        }

        /// Loads `data` from `offset` on, as the former stores it.
        pub fn $read(&self, offset: usize, data: &mut [u8]) {
            let start = self.place::<$word>(offset, data.len());
            for (n, bytes) in data.chunks_exact_mut(size_of::<$word>()).enumerate() {
                // SAFETY: as for a store.
                let word = unsafe { ptr::read_volatile(start.add(n)) };
                bytes.copy_from_slice(&word.to_ne_bytes());
            }
        }
    };
}

impl Mapping {
    /// Maps `size` bytes of `file` from `base` on, which the caller has checked to be representable.
    pub(super) fn new(file: &File, base: u64, size: u64) -> io::Result<Mapping> {
        let out_of_range = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let offset = base % page_bytes();
        let size = usize::try_from(size).map_err(out_of_range)?;
        let offset_of_pages = libc::off_t::try_from(base - offset).map_err(out_of_range)?;
        let offset = offset as usize;
        let pages_bytes = offset.checked_add(size).ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: the system chooses free addresses, so that no memory in use is replaced.
        let pages = unsafe {
            libc::mmap(
                ptr::null_mut(),
                pages_bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                offset_of_pages,
            )
        };
        if pages == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let pages = NonNull::new(pages).ok_or(io::ErrorKind::Other)?;
        Ok(Mapping { pages, pages_bytes, offset, size })
    }

    accesses!(write_by_4, read_by_4, u32);
    accesses!(write_by_8, read_by_8, u64);

    /// The address of `bytes` bytes from `offset` on, which are whole words.
    fn place<Word>(&self, offset: usize, bytes: usize) -> *mut Word {
        let end = offset.checked_add(bytes);
        assert!(end.is_some_and(|end| end <= self.size), "the caller checks the range");
        // SAFETY: within the mapping, as asserted.
        let start = unsafe { self.pages.as_ptr().cast::<u8>().add(self.offset + offset) };
        let start = start.cast::<Word>();
        assert!(start.is_aligned(), "the caller checks the alignment");
        start
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` and not unmapped since; no access can follow.
        unsafe { libc::munmap(self.pages.as_ptr(), self.pages_bytes) };
    }
}
