//! Sets of addresses.

use std::fmt;

/// Windows that a text names; of further ones it says how many there are.
const SHOWN_MAX: usize = 4;

/// The addresses from `first` to `last`, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    pub first: u64,
    pub last: u64,
}

/// A set of addresses: windows in ascending order, which neither overlap nor touch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Windows(Vec<Window>);

impl Windows {
    /// All addresses.
    pub fn all() -> Windows {
        Windows(vec![Window { first: 0, last: u64::MAX }])
    }

    /// The addresses of any of these windows.
    pub fn of(mut windows: Vec<Window>) -> Windows {
        windows.sort_unstable_by_key(|window| window.first);
        let mut merged: Vec<Window> = Vec::with_capacity(windows.len());
        for window in windows {
            match merged.last_mut() {
                // Those that touch are one: a request may cross the border.
                Some(before) if window.first <= before.last.saturating_add(1) => {
                    before.last = before.last.max(window.last);
                }
                _ => merged.push(window),
            }
        }
        Windows(merged)
    }

    /// The addresses of either set.
    pub fn union(&self, other: &Windows) -> Windows {
        Windows::of(self.0.iter().chain(&other.0).copied().collect())
    }

    /// Whether the set has no address.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the set has all addresses.
    pub fn is_all(&self) -> bool {
        matches!(self.0[..], [Window { first: 0, last: u64::MAX }])
    }

    /// Whether all of `size` bytes from `first` on are in the set. An access without bytes counts as
    /// one of a single byte.
    #[inline]
    pub fn contain(&self, first: u64, size: u32) -> bool {
        let Some(last) = first.checked_add(u64::from(size.saturating_sub(1))) else { return false };
        let before = self.0.partition_point(|window| window.first <= first);
        before > 0 && last <= self.0[before - 1].last
    }
}

/// `everything`, `nothing`, or the first windows: `0x0..0xffff, 0x20000..0x2ffff`.
impl fmt::Display for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("everything");
        }
        if self.is_empty() {
            return f.write_str("nothing");
        }
        for (at, Window { first, last }) in self.0.iter().take(SHOWN_MAX).enumerate() {
            let separator = if at > 0 { ", " } else { "" };
            write!(f, "{separator}{first:#x}..{last:#x}")?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more windows"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u64 = u64::MAX;

    fn set(windows: &[(u64, u64)]) -> Windows {
        Windows::of(windows.iter().map(|&(first, last)| Window { first, last }).collect())
    }

    #[test]
    fn an_access_lies_wholly_in_one_contiguous_part() {
        let set = set(&[(0x100, 0x1ff), (0x400, 0x4ff)]);
        for (first, size, is_in) in [
            (0x100, 0x100, true),
            (0x100, 0x101, false),
            (0xff, 1, false),
            (0xff, 2, false),
            (0x1ff, 1, true),
            (0x1ff, 2, false),
            (0x200, 1, false),
            (0x1fc, 0x208, false),
            (0x400, 4, true),
            (0x4fc, 4, true),
            (0x4fd, 4, false),
            (0x500, 4, false),
            (0, 4, false),
            (END, 1, false),
        ] {
            assert_eq!(set.contain(first, size), is_in, "{first:#x}, {size} bytes");
        }
    }

    #[test]
    fn windows_that_overlap_or_touch_are_one() {
        let merged = set(&[(0x200, 0x2ff), (0x100, 0x1ff), (0x280, 0x3ff), (0x500, 0x500)]);
        assert_eq!(merged, set(&[(0x100, 0x3ff), (0x500, 0x500)]));
        assert!(merged.contain(0x100, 0x300));
        assert_eq!(merged.to_string(), "0x100..0x3ff, 0x500..0x500");
        assert_eq!(set(&[(0x100, 0x8ff), (0x200, 0x2ff)]), set(&[(0x100, 0x8ff)]));
        assert_eq!(set(&[(0, 0xff)]).union(&set(&[(0x100, END)])), Windows::all());
    }

    #[test]
    fn both_ends_of_the_address_space_belong_to_it() {
        let all = set(&[(0, END)]);
        assert!(all.is_all() && all.contain(0, u32::MAX) && all.contain(END, 1));
        let edges = set(&[(0, 0), (END, END)]);
        assert!(edges.contain(0, 1) && !edges.contain(0, 2));
        assert!(edges.contain(END, 1) && !edges.contain(END - 1, 2));
        assert!(!edges.contain(END, 2) && !all.contain(END, 2), "it would end beyond");
        let top = set(&[(END - 3, END)]);
        assert!(top.contain(END - 3, 4) && !top.contain(END - 4, 4) && !top.contain(END - 3, 5));
        assert_eq!(set(&[(END, END), (END - 1, END)]), set(&[(END - 1, END)]));
    }

    #[test]
    fn an_access_without_bytes_counts_as_one_byte() {
        let set = set(&[(0x100, 0x1ff), (END, END)]);
        for (first, is_in) in [(0x100, true), (0x1ff, true), (0x200, false), (0xff, false)] {
            assert_eq!(set.contain(first, 0), is_in, "{first:#x}");
        }
        assert!(set.contain(END, 0));
        assert!(!Windows::default().contain(0, 0) && Windows::all().contain(0, 0));
    }

    #[test]
    fn texts_have_the_first_windows() {
        assert_eq!(Windows::all().to_string(), "everything");
        assert_eq!(Windows::default().to_string(), "nothing");
        let many = set(&[0, 2, 4, 6, 8, 10].map(|at| (at, at)));
        assert!(many.to_string().ends_with("0x6..0x6 and 2 more windows"), "{many}");
    }
}
