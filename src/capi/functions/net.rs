//! Functions of event loops.

use super::{functions, Function, Group};

functions! {
    /// A thread that several objects share, such as the layers of a road to a board, or many boards:
    /// give it to each of them by its option event_loop. Without one each has a thread of its own.
    ///
    /// The receivers of frames run on the thread, one at a time. One that blocks stalls all objects
    /// of the loop, and must not wait for any of them.
    event_loop {
        /// Starts an event loop.
        /// @param name the name of its thread, of which the system may show the first 15 bytes.
        /// @param options_or_null the options; NULL: the defaults.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
        /// an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if
        /// the system refuses descriptors, memory or the thread.
        fn new(name: text, options_or_null: options) -> new event_loop {
            crate::net::EventLoop::with_options(name, options_or_null)?
        }
    }
}
