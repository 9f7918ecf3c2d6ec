//! The functions of `include/rogue_mem_binding.h`: what only bindings to languages with an
//! interpreter need.

pub mod block;
pub mod frame;
pub mod gate;
pub mod master;
pub mod transaction;
pub mod variable;
pub mod watch;
