//! What is master and slave in one.

use std::sync::Arc;

use super::ports::{Master, Slave};
use crate::debug::impl_debug;
use crate::error::Result;

/// A master and a slave in one; see [the module](super) about what the slave may own.
pub trait Node {
    /// The master that the node sends with.
    fn stream_master(&self) -> Arc<Master>;

    /// The slave that the node receives with.
    fn stream_slave(&self) -> Arc<dyn Slave>;
}

/// The two ends of a [`Node`], without the node.
pub struct Port {
    master: Arc<Master>,
    slave: Arc<dyn Slave>,
}

impl_debug!(Port);

impl Port {
    /// What sends by `master` and receives by `slave`.
    pub fn new(master: Arc<Master>, slave: Arc<dyn Slave>) -> Port {
        Port { master, slave }
    }

    /// The port of `node`. Keeps of it what its slave and its master keep.
    pub fn of(node: &(impl Node + ?Sized)) -> Port {
        Port::new(node.stream_master(), node.stream_slave())
    }
}

impl Node for Port {
    fn stream_master(&self) -> Arc<Master> {
        self.master.clone()
    }

    fn stream_slave(&self) -> Arc<dyn Slave> {
        self.slave.clone()
    }
}

/// Connects two nodes in both directions; a node with itself once, so that it receives what it
/// sends.
///
/// # Errors
///
/// As [`Master::add_slave`]; one direction may be connected by then.
pub fn connect(a: &(impl Node + ?Sized), b: &(impl Node + ?Sized)) -> Result<()> {
    let (from_a, from_b) = (a.stream_master(), b.stream_master());
    from_a.add_slave(b.stream_slave())?;
    match Arc::ptr_eq(&from_a, &from_b) {
        true => Ok(()),
        false => from_b.add_slave(a.stream_slave()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Frame, Sink};
    use super::*;

    #[test]
    fn ports_are_connected_in_both_directions_and_one_with_itself_once() {
        let sinks = [Sink::new(), Sink::new()];
        let ports = sinks.each_ref().map(|sink| Port::new(Master::new(), sink.clone()));
        connect(&ports[0], &ports[1]).unwrap();
        for port in &ports {
            assert_eq!(port.stream_master().send_frame(Frame::new(4).unwrap()), 1);
        }
        assert_eq!(sinks.each_ref().map(|sink| sink.base().frame_count()), [1, 1]);
        let own = Port::of(&Port::new(Master::new(), sinks[0].clone()));
        connect(&own, &own).unwrap();
        assert_eq!(own.stream_master().send_frame(Frame::new(4).unwrap()), 1);
        assert_eq!(sinks[0].base().frame_count(), 2);
    }
}
