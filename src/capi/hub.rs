//! A hub is a master and a slave in one. Its master half forwards the transactions of its slave
//! half with the hub's offset added to the address, in parts if they are larger than the largest
//! access downstream.
//!
//! Hubs must not be connected in a cycle. A request that has passed 64 nested hubs fails with
//! ROGUE_MEM_ERROR_TRANSACTION and a text that says so; a query is then answered as that of
//! an unconnected master. A slave made from callbacks counts as a hub.
//!
//! A hub that translates is a slave made from callbacks (rogue_mem_slave_new), whose do_transaction
//! makes requests through rogue_mem_hub_master, or calls rogue_mem_hub_forward.

use crate::memory::HUBS_COUNT_MAX;

// The number is written in the header.
const _: () = assert!(HUBS_COUNT_MAX == 64);
