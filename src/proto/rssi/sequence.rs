//! Numbers of segments.

/// The number of a segment: 8 bits, 255 is followed by 0. Numbers have no order; distances do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Sequence(pub u8);

impl Sequence {
    /// The number `count` after this one.
    pub fn plus(self, count: u8) -> Sequence {
        Sequence(self.0.wrapping_add(count))
    }

    /// The next number.
    pub fn next(self) -> Sequence {
        self.plus(1)
    }

    /// The number before this one.
    pub fn previous(self) -> Sequence {
        Sequence(self.0.wrapping_sub(1))
    }

    /// How many steps lead from `earlier` to this one: 0 to 255.
    pub fn since(self, earlier: Sequence) -> u8 {
        self.0.wrapping_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_exact_from_every_number_to_every_other() {
        for start in 0..=255 {
            let start = Sequence(start);
            assert_eq!(start.next().previous(), start);
            for distance in 0..=255 {
                assert_eq!(start.plus(distance).since(start), distance);
                assert_eq!(start.since(start.plus(distance)), distance.wrapping_neg());
            }
        }
        assert_eq!((Sequence(255).next(), Sequence(0).previous()), (Sequence(0), Sequence(255)));
    }
}
