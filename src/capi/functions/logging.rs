//! Functions of logging.

use super::{functions, Function, Group};

functions! {
    logger {
        /// Makes a logger.
        /// @param name its name; "pyrogue." is put before it unless it is there.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
        fn new(name: text) -> new logger { Arc::new(crate::logging::Logger::new(name)) }

        /// The logger's full name.
        fn name(self) -> text { logger.name().to_owned() }

        /// Whether a message of this logger has an output. If not, the caller can skip its
        /// construction. Cheap.
        /// @param level level of the message.
        /// @return true if it does.
        fn enabled(self, level: u32) -> bool { logger.enabled(crate::logging::Level(level)) }
    }
}
