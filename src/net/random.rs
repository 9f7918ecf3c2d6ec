//! The operating system's random numbers.

use crate::error::{Error, Result, Status};

/// Random octets from the operating system's generator: unique without coordination, and
/// unpredictable. Callable from any thread.
///
/// # Errors
///
/// [`Status::OutOfResources`] if the system has no generator or refuses a descriptor for it.
pub fn random<const OCTETS: usize>() -> Result<[u8; OCTETS]> {
    let mut bits = [0; OCTETS];
    getrandom::fill(&mut bits).map_err(|cause| {
        Error::new(
            Status::OutOfResources,
            "net::random",
            format!("The system returned no random numbers: {cause}"),
        )
    })?;
    Ok(bits)
}

/// 128 random bits, see [`random`].
///
/// # Errors
///
/// Those of `random`.
pub fn random_128() -> Result<[u8; 16]> {
    random()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_draws_are_equal_and_every_bit_moves() {
        let draws: Vec<[u8; 16]> = (0..64).map(|_| random_128().unwrap()).collect();
        let distinct: std::collections::HashSet<_> = draws.iter().collect();
        assert_eq!(distinct.len(), draws.len());
        // A bit that stays the same in 64 draws is a fault (by chance: 2^-56 overall).
        let seen_set =
            draws.iter().fold([0u8; 16], |seen, draw| std::array::from_fn(|i| seen[i] | draw[i]));
        let seen_clear =
            draws.iter().fold([0u8; 16], |seen, draw| std::array::from_fn(|i| seen[i] | !draw[i]));
        assert_eq!((seen_set, seen_clear), ([0xFF; 16], [0xFF; 16]));
    }
}
