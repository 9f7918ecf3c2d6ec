//! The two ends of the memory bridge.

pub mod client;
pub mod server;

#[cfg(test)]
mod tests;
