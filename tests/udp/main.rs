//! Streams over UDP: the endpoints against what Rogue's do, against each other, and against peers
//! and networks that misbehave.

mod endpoint;
mod faults;
mod hostile;
mod peer;
mod registers;
mod vectors;
