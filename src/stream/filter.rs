//! `Filter`: passes on the frames of one channel.

use std::sync::Arc;

use super::frame::Frame;
use super::node::Node;
use super::ports::{Master, Slave};
use super::relay::{Relay, Rule};
use crate::debug::impl_debug;
use crate::logging::{log_debug, static_logger};

static_logger!(LOG, "stream.Filter");

/// Passes on the frames of one channel, in the sender's thread and without a copy.
///
/// Frames of other channels are dropped, and those with an error too if that is chosen. It works
/// while there is a handle, or a master connected to its slave. Frames that are requested from it
/// come from the node behind it.
pub struct Filter {
    relay: Arc<Relay<FilterRule>>,
}

impl_debug!(Filter);

struct FilterRule {
    drop_errors: bool,
    channel: u8,
}

impl Rule for FilterRule {
    fn passes(&self, frame: &Frame) -> bool {
        if frame.channel() != self.channel {
            return false;
        }
        let error = frame.error();
        if self.drop_errors && error != 0 {
            log_debug!(LOG, "Dropping errored frame: Channel={}, Error=0x{error:x}", self.channel);
            return false;
        }
        true
    }
}

impl Filter {
    /// A filter for frames of `channel`; with `drop_errors` those whose error is not 0 are dropped.
    pub fn new(drop_errors: bool, channel: u8) -> Arc<Filter> {
        Arc::new(Filter { relay: Relay::new(FilterRule { drop_errors, channel }) })
    }
}

impl Node for Filter {
    fn stream_master(&self) -> Arc<Master> {
        self.relay.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn Slave> {
        self.relay.clone()
    }
}
