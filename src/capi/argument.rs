//! The checks of what comes from C. Nothing is written through an out-parameter before the call
//! has succeeded.

use std::ffi::{c_char, CStr};
use std::marker::PhantomData;
use std::mem::{size_of, MaybeUninit};
use std::ptr::NonNull;
use std::str::Utf8Error;
use std::sync::atomic::AtomicU32;
use std::sync::Arc;

use super::call::Call;
use super::handle::{borrow, c_type_name, Borrowed, Handle};
use crate::error::{Error, Result, Status};

/// A structure with a larger `size` than this is taken for one that was not initialised.
const STRUCT_BYTES_MAX: usize = 4096;

/// A structure that may grow in later releases.
///
/// # Safety
///
/// `#[repr(C)]`, begins with `size: usize`, and all zeros is a value of it.
pub(super) unsafe trait Versioned: Copy {
    /// Size in bytes as of the first release that had this structure.
    const SIZE_FIRST_BYTES: usize;

    /// The members that later releases may give a meaning to, one or-ed with the other.
    fn reserved(&self) -> u32 {
        0
    }
}

/// A structure of options, in each of whose members 0 or null stands for the default.
pub(super) trait Options: Versioned {
    /// The options as the library takes them.
    type Chosen: Default;

    /// What has been chosen; what is zero is left at its default.
    ///
    /// # Safety
    ///
    /// Handles among the members must be null or live.
    unsafe fn chosen(&self, call: Call) -> Result<Self::Chosen>;
}

impl Call {
    /// What a pointer is refused with that is null.
    #[cold]
    #[inline(never)]
    pub(super) fn null(self, name: &str) -> Error {
        self.error(Status::NullArgument, format!("Argument `{name}` is a null pointer"))
    }

    /// The object of a handle.
    ///
    /// # Safety
    ///
    /// `handle` must be null or live, and the caller of the C function keeps it so for `'a`, the
    /// duration of the call.
    pub(super) unsafe fn handle<'a, H: Handle>(self, handle: *const H) -> Result<Borrowed<'a, H>> {
        // SAFETY: promised by the caller.
        unsafe { borrow(handle) }.ok_or_else(|| self.null_handle(c_type_name::<H>))
    }

    /// What a handle is refused with that is null.
    #[cold]
    #[inline(never)]
    fn null_handle(self, type_name: fn() -> &'static str) -> Error {
        let text = format!(
            "The argument of type {} is a null pointer; pass the handle that made it",
            type_name()
        );
        self.error(Status::NullArgument, text)
    }

    /// The objects of several handles.
    ///
    /// # Safety
    ///
    /// `handles` must be null or valid for reading `count` handles, each of which is null or live.
    pub(super) unsafe fn handles<H: Handle>(
        self,
        handles: *const *mut H,
        count: usize,
        name: &str,
    ) -> Result<Vec<Arc<H::Object>>> {
        // SAFETY: promised by the caller.
        let handles = unsafe { self.values(handles, count, name) }?;
        // SAFETY: as above.
        let object = |handle: &*mut H| Ok(Arc::clone(&*unsafe { self.handle(*handle) }?));
        handles.iter().map(object).collect()
    }

    /// A place for a result.
    ///
    /// # Safety
    ///
    /// `place` must be null or valid for writing one `T` during `'a`.
    pub(super) unsafe fn out<'a, T>(self, place: *mut T, name: &str) -> Result<Out<'a, T>> {
        let place = NonNull::new(place).ok_or_else(|| self.null(name))?;
        Ok(Out { place, lifetime: PhantomData })
    }

    /// A text of any encoding.
    ///
    /// # Safety
    ///
    /// `text` must be null or end in NUL, and not change during `'a`.
    pub(super) unsafe fn c_string<'a>(self, text: *const c_char, name: &str) -> Result<&'a CStr> {
        if text.is_null() {
            return Err(self.null(name));
        }
        // SAFETY: promised by the caller.
        Ok(unsafe { CStr::from_ptr(text) })
    }

    /// A text.
    ///
    /// # Safety
    ///
    /// As for [`c_string`](Self::c_string).
    pub(super) unsafe fn text<'a>(self, text: *const c_char, name: &str) -> Result<&'a str> {
        // SAFETY: promised by the caller.
        let text = unsafe { self.c_string(text, name) }?;
        text.to_str().map_err(|error| self.no_text(name, error))
    }

    #[cold]
    #[inline(never)]
    fn no_text(self, name: &str, error: Utf8Error) -> Error {
        let text = format!("Argument `{name}` is not valid UTF-8: {error}");
        self.error(Status::InvalidText, text)
    }

    /// A place for a text.
    ///
    /// # Safety
    ///
    /// `buffer` must be null or valid for writing `capacity` bytes during `'a`; `length` null or
    /// valid for writing.
    pub(super) unsafe fn text_out<'a>(
        self,
        buffer: *mut c_char,
        capacity: usize,
        length: *mut usize,
    ) -> Result<TextOut<'a>> {
        // SAFETY: promised by the caller.
        let bytes = unsafe { self.bytes_mut(buffer.cast::<u8>(), capacity, "buffer") }?;
        Ok(TextOut { bytes, length: NonNull::new(length) })
    }

    /// Checks that `start` may be that of `count` bytes; a pointer that is good to build a slice
    /// from, also where `count` is 0.
    #[inline]
    pub(super) fn start(self, start: *const u8, count: usize, name: &str) -> Result<NonNull<u8>> {
        if count == 0 {
            return Ok(NonNull::new(start.cast_mut()).unwrap_or(NonNull::dangling()));
        }
        if count > isize::MAX as usize {
            let text = format!("{count} bytes at `{name}` are more than there can be in memory");
            return Err(self.error(Status::InvalidArgument, text));
        }
        NonNull::new(start.cast_mut()).ok_or_else(|| self.null(name))
    }

    /// A flag that threads may look at together; `None` for null.
    ///
    /// # Safety
    ///
    /// `flag` must be null or valid.
    pub(super) unsafe fn flag<'a>(self, flag: *mut u32) -> Option<&'a AtomicU32> {
        // SAFETY: promised by the caller; the library touches it by this alone.
        (!flag.is_null()).then(|| unsafe { AtomicU32::from_ptr(flag) })
    }

    /// Bytes that are written. Null is fine for none.
    ///
    /// # Safety
    ///
    /// `start` must be null or valid for reading and writing `count` bytes during `'a`.
    pub(super) unsafe fn bytes_mut<'a>(
        self,
        start: *mut u8,
        count: usize,
        name: &str,
    ) -> Result<&'a mut [u8]> {
        let start = self.start(start, count, name)?;
        // SAFETY: promised by the caller, and just checked as far as it can be.
        Ok(unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), count) })
    }

    /// Values that are read. Null is fine for none.
    ///
    /// # Safety
    ///
    /// `start` must be null or valid for reading `count` values during `'a`.
    pub(super) unsafe fn values<'a, T: Copy>(
        self,
        start: *const T,
        count: usize,
        name: &str,
    ) -> Result<&'a [T]> {
        let bytes = count.saturating_mul(size_of::<T>());
        if bytes == 0 {
            return Ok(&[]);
        }
        let start = self.start(start.cast::<u8>(), bytes, name)?;
        // SAFETY: promised by the caller, and just checked as far as it can be.
        Ok(unsafe { std::slice::from_raw_parts(start.as_ptr().cast::<T>(), count) })
    }

    /// Places for values. Null is fine for none.
    ///
    /// # Safety
    ///
    /// `start` must be null or valid for writing `count` values during `'a`.
    pub(super) unsafe fn values_out<'a, T: Copy>(
        self,
        start: *mut T,
        count: usize,
        name: &str,
    ) -> Result<&'a mut [MaybeUninit<T>]> {
        let bytes = count.saturating_mul(size_of::<T>());
        if bytes == 0 {
            return Ok(&mut []);
        }
        let start = self.start(start.cast::<u8>(), bytes, name)?.cast::<MaybeUninit<T>>();
        // SAFETY: promised by the caller, and just checked as far as it can be.
        Ok(unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), count) })
    }

    /// A structure of options or callbacks: what its `size` covers, the rest being zero. A larger
    /// one than this release knows is fine as long as what is unknown is zero.
    ///
    /// # Safety
    ///
    /// `place` must be null or valid for reading a `usize`, and as many bytes as that says.
    pub(super) unsafe fn versioned<T: Versioned>(self, place: *const T, name: &str) -> Result<T> {
        if place.is_null() {
            return Err(self.null(name));
        }
        // SAFETY: promised by the caller.
        let size = unsafe { place.cast::<usize>().read_unaligned() };
        self.check_size::<T>(size, name)?;
        let known = size.min(size_of::<T>());
        // SAFETY: promised by the caller; `size` is not absurd.
        let unknown =
            unsafe { std::slice::from_raw_parts(place.cast::<u8>().add(known), size - known) };
        let is_of_later_release = unknown.iter().any(|&byte| byte != 0);
        let mut value = MaybeUninit::<T>::zeroed();
        // SAFETY: both sides hold `known` bytes, and they are apart.
        unsafe {
            std::ptr::copy_nonoverlapping(
                place.cast::<u8>(),
                value.as_mut_ptr().cast::<u8>(),
                known,
            );
        }
        // SAFETY: all zeros is a value of `T`, and so are the caller's members.
        let value = unsafe { value.assume_init() };
        if is_of_later_release || value.reserved() != 0 {
            return Err(self.unknown_members(name));
        }
        Ok(value)
    }

    #[cold]
    #[inline(never)]
    fn unknown_members(self, name: &str) -> Error {
        let text = format!(
            "`{name}` uses members that this release ({}) does not know: it was compiled for a \
             later one, or not all of it was set to zero first",
            env!("CARGO_PKG_VERSION")
        );
        self.error(Status::InvalidArgument, text)
    }

    /// As [`versioned`](Self::versioned), for a structure that may be missing.
    ///
    /// # Safety
    ///
    /// As for `versioned`.
    pub(super) unsafe fn versioned_or_none<T: Versioned>(
        self,
        place: *const T,
        name: &str,
    ) -> Result<Option<T>> {
        if place.is_null() {
            return Ok(None);
        }
        // SAFETY: promised by the caller.
        unsafe { self.versioned(place, name) }.map(Some)
    }

    /// What has been chosen in a structure of options, which may be missing.
    ///
    /// # Safety
    ///
    /// As for `versioned`; handles among the members must be null or live.
    pub(super) unsafe fn options<T: Options>(
        self,
        place: *const T,
        name: &str,
    ) -> Result<T::Chosen> {
        // SAFETY: promised by the caller.
        match unsafe { self.versioned_or_none(place, name) }? {
            // SAFETY: promised by the caller.
            Some(given) => unsafe { given.chosen(self) },
            None => Ok(T::Chosen::default()),
        }
    }

    /// A place for a structure of results, of which as much is filled as its `size` covers; what
    /// this release does not know becomes zero.
    ///
    /// # Safety
    ///
    /// `place` must be null or valid for reading a `usize`, and for writing as many bytes as that
    /// says during `'a`.
    pub(super) unsafe fn versioned_out<'a, T: Versioned>(
        self,
        place: *mut T,
        name: &str,
    ) -> Result<VersionedOut<'a, T>> {
        let place = NonNull::new(place).ok_or_else(|| self.null(name))?;
        // SAFETY: promised by the caller.
        let size = unsafe { place.cast::<usize>().as_ptr().read_unaligned() };
        self.check_size::<T>(size, name)?;
        Ok(VersionedOut { place, size, lifetime: PhantomData })
    }

    fn check_size<T: Versioned>(self, size: usize, name: &str) -> Result<()> {
        if (T::SIZE_FIRST_BYTES..=STRUCT_BYTES_MAX).contains(&size) {
            return Ok(());
        }
        Err(self.odd_size(size, name, c_type_name::<T>, size_of::<T>()))
    }

    #[cold]
    #[inline(never)]
    fn odd_size(
        self,
        size: usize,
        name: &str,
        type_name: fn() -> &'static str,
        right: usize,
    ) -> Error {
        let text = format!(
            "`{name}`->size is {size}; set it to sizeof({}), which is {right}",
            type_name()
        );
        self.error(Status::InvalidArgument, text)
    }
}

/// A place for a result, known to be there.
pub(super) struct Out<'a, T> {
    place: NonNull<T>,
    lifetime: PhantomData<&'a mut T>,
}

impl<T> Out<'_, T> {
    /// Puts the result there.
    pub(super) fn set(self, value: T) {
        // SAFETY: valid for writing, as promised where this was made.
        unsafe { self.place.as_ptr().write(value) };
    }
}

/// A place for a structure of results.
pub(super) struct VersionedOut<'a, T> {
    place: NonNull<T>,
    size: usize,
    lifetime: PhantomData<&'a mut T>,
}

impl<T: Versioned> VersionedOut<'_, T> {
    /// Puts the results there, all but `size`, which stays as it is.
    pub(super) fn set(self, value: &T) {
        let known = self.size.min(size_of::<T>());
        let (from, into) = (std::ptr::from_ref(value).cast::<u8>(), self.place.as_ptr());
        let into = into.cast::<u8>();
        let first = size_of::<usize>();
        // SAFETY: `into` is valid for writing `size` bytes, as promised where this was made, and
        // `from` has `known`; both begin with a `usize`.
        unsafe {
            std::ptr::copy_nonoverlapping(from.add(first), into.add(first), known - first);
            std::ptr::write_bytes(into.add(known), 0, self.size - known);
        }
    }
}

/// A place for a text.
pub(super) struct TextOut<'a> {
    bytes: &'a mut [u8],
    length: Option<NonNull<usize>>,
}

impl TextOut<'_> {
    /// Writes as much of `text` as has room, without parting a character, and a NUL; and its
    /// full length.
    pub(super) fn set(self, text: &str) {
        let room = self.bytes.len().saturating_sub(1);
        let mut count = room.min(text.len());
        while !text.is_char_boundary(count) {
            count -= 1;
        }
        self.put(text.as_bytes(), count);
    }

    /// As [`set`](Self::set), with text of an unknown encoding.
    pub(super) fn set_bytes(self, text: &[u8]) {
        let room = self.bytes.len().saturating_sub(1);
        self.put(text, room.min(text.len()));
    }

    /// Writes the first `count` bytes of `text`, which have room.
    fn put(self, text: &[u8], count: usize) {
        if let Some(length) = self.length {
            // SAFETY: valid for writing, as promised where this was made.
            unsafe { length.as_ptr().write(text.len()) };
        }
        if let Some(end) = self.bytes.get_mut(count) {
            *end = 0;
            self.bytes[..count].copy_from_slice(&text[..count]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::guard;
    use super::*;

    /// A structure as it may look after it has grown by `added`.
    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Grown {
        size: usize,
        first: u64,
        added: u64,
    }

    // SAFETY: integers in C order, `size` first.
    unsafe impl Versioned for Grown {
        const SIZE_FIRST_BYTES: usize = std::mem::offset_of!(Grown, added);
    }

    fn read(words: &[u64]) -> std::result::Result<(u64, u64), i32> {
        let mut result = (0, 0);
        let status = guard::status(|call| {
            // SAFETY: the tests give as many words as their first one says, on 64-bit hosts; on
            // 32-bit ones `size` is its lower half.
            let grown = unsafe { call.versioned(words.as_ptr().cast::<Grown>(), "options") }?;
            result = (grown.first, grown.added);
            Ok(())
        });
        if status == 0 {
            Ok(result)
        } else {
            Err(status)
        }
    }

    #[test]
    fn a_structure_of_an_earlier_release_reads_as_zero_beyond_its_end() {
        let first = Grown::SIZE_FIRST_BYTES as u64;
        assert_eq!(read(&[first, 7, u64::MAX]), Ok((7, 0)));
        assert_eq!(read(&[size_of::<Grown>() as u64, 7, 8]), Ok((7, 8)));
    }

    #[test]
    fn a_structure_of_a_later_release_is_taken_as_long_as_it_asks_for_nothing_new() {
        let size = size_of::<Grown>() as u64 + 8;
        assert_eq!(read(&[size, 7, 8, 0]), Ok((7, 8)));
        assert_eq!(read(&[size, 7, 8, 1]), Err(Status::InvalidArgument as i32));
    }

    #[test]
    fn a_structure_without_a_sensible_size_is_refused() {
        for size in [0, 1, Grown::SIZE_FIRST_BYTES as u64 - 1, STRUCT_BYTES_MAX as u64 + 1] {
            assert_eq!(read(&[size, 7, 8]), Err(Status::InvalidArgument as i32), "{size}");
        }
    }

    #[test]
    fn results_fill_what_the_program_knows_and_the_rest_is_zero() {
        let fill = |size: usize| {
            let mut words = [size as u64, 1, 2, 3];
            let status = guard::status(|call| {
                let place = words.as_mut_ptr().cast::<Grown>();
                // SAFETY: four words, and `size` is never that of more.
                let out = unsafe { call.versioned_out(place, "out") }?;
                out.set(&Grown { size: 99, first: 10, added: 20 });
                Ok(())
            });
            (status, words)
        };
        let (first, now) = (Grown::SIZE_FIRST_BYTES, size_of::<Grown>());
        assert_eq!(fill(first), (0, [first as u64, 10, 2, 3]));
        assert_eq!(fill(now), (0, [now as u64, 10, 20, 3]));
        assert_eq!(fill(now + 8), (0, [now as u64 + 8, 10, 20, 0]));
        assert_eq!(fill(0), (Status::InvalidArgument as i32, [0, 1, 2, 3]));
    }

    fn cut(text: &str, capacity: usize) -> (Vec<u8>, usize) {
        let mut bytes = vec![0xAA; capacity];
        let mut length = 0;
        TextOut { bytes: &mut bytes, length: Some(NonNull::from(&mut length)) }.set(text);
        (bytes, length)
    }

    #[test]
    fn a_text_is_cut_between_characters_and_its_full_length_is_told() {
        assert_eq!(cut("abc", 4), (b"abc\0".to_vec(), 3));
        assert_eq!(cut("abc", 3), (b"ab\0".to_vec(), 3));
        assert_eq!(cut("aµ", 3), (b"a\0\xAA".to_vec(), 3));
        assert_eq!(cut("abc", 1), (b"\0".to_vec(), 3));
        assert_eq!(cut("abc", 0), (Vec::new(), 3));
        assert_eq!(cut("", 2), (b"\0\xAA".to_vec(), 0));
    }
}
