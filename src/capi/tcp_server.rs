//! A bridge server listens on two consecutive ports, for requests and for responses, and serves the
//! slave of its master. Requests of one client reach the slave in the order of their arrival, in
//! the server's own thread, several outstanding at once; each answer goes to the client that asked.
//! A slave that blocks stalls only its own server.

use super::convert::{PROGRESS_ANY, SPIN_NEVER};

/// Value of spin_us: do not poll before a sleep.
pub const ROGUE_MEM_SPIN_NEVER: u32 = u32::MAX;

const _: () = assert!(ROGUE_MEM_SPIN_NEVER == SPIN_NEVER);

/// Value of progress_per_second_min: clients may be as slow as they like.
pub const ROGUE_MEM_PROGRESS_ANY: u32 = u32::MAX;

const _: () = assert!(ROGUE_MEM_PROGRESS_ANY == PROGRESS_ANY);
