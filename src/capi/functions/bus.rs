//! Functions of the register bus.

use super::{functions, Function, Group};

functions! {
    transaction {
        /// The transaction's id, unique among the pending transactions of this process.
        /// @return the id, never 0.
        fn id(self) -> u32 { transaction.id() }

        /// The byte address, as adjusted by the hubs passed so far.
        /// @return the address.
        fn address(self) -> u64 { transaction.address() }

        /// The number of bytes to read or write.
        /// @return size in bytes.
        fn size(self) -> u32 { transaction.size() }

        /// The transaction's type.
        /// @return ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
        fn type(self) -> u32 { transaction.ty().into() }

        /// Whether a result would be too late: the transaction, or the one that it is a part of,
        /// has ended or has been given up. Its data must not be touched then. The answer stays
        /// valid while the transaction's lock is held. A transaction of a server may expire
        /// meanwhile, which is harmless: its data stays until the lock is released.
        /// @return true if it has expired.
        fn expired(self) -> bool { transaction.expired() }

        /// Whether the transaction has ended, successfully or not.
        /// @return true if it has ended.
        fn is_done(self) -> bool { transaction.is_done() }

        /// Takes the lock that guards the data, waiting if necessary. While it is held, the
        /// requester neither times out nor takes its buffer back. A server, however, answers its
        /// client when the time has passed, and keeps the data, which then has no reader, until the
        /// lock is released. All parts of one request share one lock. It is not recursive: a second
        /// lock in one thread deadlocks.
        /// @param transaction the transaction; NULL is an error and nothing is locked.
        fn lock(self) { transaction.lock_data() }

        /// Completes the transaction successfully. The first completion counts, later ones are
        /// ignored. The transaction's lock may be held or not.
        fn done(self) { transaction.done() }

        /// Declares that all parts have been made. The transaction ends at once if all of them have
        /// ended.
        /// @param transaction the whole; NULL is an error.
        fn done_subs(self) { transaction.done_subs() }
    }

    slave {
        /// The slave's own id, unique in this process.
        /// @return the id; 0 for the slave of an unconnected master.
        fn id(self) -> u32 { slave.base().id() }

        /// The smallest access that the slave was made with.
        /// @return bytes.
        fn min(self) -> u32 { slave.base().min() }

        /// The largest access that the slave was made with.
        /// @return bytes.
        fn max(self) -> u32 { slave.base().max() }

        /// The slave's own name: "Unnamed_" and its id, unless rogue_mem_slave_set_name has changed
        /// it.
        fn name(self) -> text { slave.base().name() }

        /// Names the slave.
        /// @param name its name, UTF-8, copied.
        /// @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
        fn set_name(self, name: text) -> status { slave.base().set_name(name) }

        /// Asks for the id of the slave at the end of the path, through the slave_id callback if it
        /// has one.
        /// @return the id.
        fn do_slave_id(self) -> u32 { slave.slave_id() }

        /// Asks for the name of the slave at the end of the path, through the slave_name callback
        /// if it has one.
        fn do_slave_name(self) -> text { slave.slave_name() }

        /// Asks for the smallest access, through the min_access callback if the slave has one.
        /// @return bytes.
        fn do_min_access(self) -> u32 { slave.min_access() }

        /// Asks for the largest access, through the max_access callback if the slave has one.
        /// @return bytes, 0 = not limited.
        fn do_max_access(self) -> u32 { slave.max_access() }

        /// Asks for the base address, through the address callback if the slave has one.
        /// @return byte address as seen from the end of the path.
        fn do_address(self) -> u64 { slave.address() }

        /// Passes a transaction to the slave unchanged, in this thread. The transaction's lock must
        /// not be held.
        /// @param slave the slave; NULL is an error, and the transaction stays pending.
        /// @param transaction the transaction, borrowed; NULL is an error.
        fn do_transaction(self, transaction: transaction) { slave.do_transaction(&transaction) }

        /// Keeps a transaction, by its id, until rogue_mem_slave_take_transaction removes it or its
        /// requester gives it up. An expired transaction is not kept.
        /// @param transaction the transaction; the slave takes a reference of its own.
        ///
        /// The transaction's lock may be held or not.
        fn add_transaction(self, transaction: transaction) -> status {
            slave.base().add_transaction(&transaction)
        }

        /// Ends the slave's own activity, if it has any: a bridge client closes its connection and
        /// fails all outstanding requests. Returns without waiting for a peer. Further calls do
        /// nothing.
        fn stop(self) { slave.stop() }
    }

    /// Memory that exists only in this process, for tests, examples and simulations.
    emulate {
        /// Makes a slave with sparse byte memory in the whole 64-bit address space. Memory that was
        /// never written reads as zero. Transactions complete at once.
        /// @param min smallest access in bytes, advertised only.
        /// @param max largest access in bytes, advertised only; 0 = not limited.
        fn new(min: u32, max: u32) -> new slave { crate::memory::Emulate::new(min, max) }

        /// As rogue_mem_emulate_new, with a limit of the memory. A write that needs more fails, and
        /// writes nothing.
        /// @param min smallest access in bytes, advertised only.
        /// @param max largest access in bytes, advertised only; 0 = not limited.
        /// @param memory_bytes_max bytes that the memory may take, with the tables that lead to it;
        /// each written page takes 4 KiB. 0 = as rogue_mem_emulate_new: a quarter of what the process
        /// may have (control group, address space, memory of the host), at most 1 GiB.
        fn new_limited(min: u32, max: u32, memory_bytes_max: u64) -> new slave {
            crate::memory::Emulate::with_limit(min, max, memory_bytes_max)
        }
    }

    master {
        /// Makes a master. Until rogue_mem_master_set_slave connects it, every request fails with
        /// "Unsupported transaction using unconnected memory bus".
        fn new() -> new master { Arc::new(crate::memory::Master::new()) }

        /// Connects the master to a slave, in place of a former one.
        /// @param slave the slave; the master takes a reference of its own.
        fn set_slave(self, slave: slave) -> status { master.set_slave(slave.0.clone()) }

        /// The slave that the master is connected to.
        /// @return the slave, a new reference, whose address may differ from that of the handle
        /// passed to rogue_mem_master_set_slave.
        fn slave(self) -> slave { master.slave() }

        /// Asks for the id of the slave at the end of the path.
        /// @return the id; 0 if there is none.
        fn req_slave_id(self) -> u32 { master.req_slave_id() }

        /// Asks for the name of the slave at the end of the path.
        fn req_slave_name(self) -> text { master.req_slave_name() }

        /// Asks for the smallest access.
        /// @return bytes.
        fn req_min_access(self) -> u32 { master.req_min_access() }

        /// Asks for the largest access. A master does not split its requests, a hub does.
        /// @return bytes, 0 = not limited.
        fn req_max_access(self) -> u32 { master.req_max_access() }

        /// Asks for the address at the end of the path that corresponds to address 0 of the master.
        /// @return byte address.
        fn req_address(self) -> u64 { master.req_address() }

        /// The text of the last error of a wait on this master, by any thread. Prefer the result of
        /// rogue_mem_master_wait, which belongs to one transaction.
        /// @param buffer receives the text, "" if there was no error; see "Texts" above.
        fn error(self) -> text { master.last_error() }

        /// Forgets the master's last error.
        fn clear_error(self) { master.clear_error() }

        /// Sets the timeout of later transactions, counted from their last sign of life. The
        /// default is one second.
        /// @param timeout_us the timeout, in microseconds; 0 leaves it unchanged.
        fn set_timeout(self, timeout_us: u64) { master.set_timeout(convert::microseconds(timeout_us)) }

        /// The timeout of transactions.
        /// @return microseconds.
        fn timeout(self) -> u64 { master.timeout().as_micros() as u64 }

        /// Waits until a transaction has ended, at most for its timeout. After this has returned,
        /// no slave touches its buffer.
        /// @param master the master that made the transaction.
        /// @param id the transaction's id; 0 = all that are outstanding now; the result is then
        /// that of the failed one with the highest id.
        /// @return ROGUE_MEM_OK, also for an id that is unknown or has been waited for;
        /// ROGUE_MEM_ERROR_TRANSACTION if the slave reported an error or the transaction was
        /// cancelled; ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT if it was not completed in time;
        /// ROGUE_MEM_ERROR_NOT_FOUND if it has been forgotten, see
        /// rogue_mem_master_forgotten_count; ROGUE_MEM_ERROR_NULL_ARGUMENT. The error's text is
        /// both that of rogue_mem_last_error and of rogue_mem_master_error.
        ///
        /// A failed read over TCP leaves the buffer unchanged, with one exception: a read of more
        /// than 64 KiB may have filled it in part if the connection broke, or the time ran out,
        /// while its data was arriving.
        ///
        /// Several threads may wait for one transaction. Its lock must not be held.
        fn wait(self, id: u32) -> result { master.wait(id) }

        /// Counts the transactions of this master that have ended and were forgotten because too
        /// many had no waiter: the library keeps 131072 failures, and at least as many ids of
        /// successes. A wait for a forgotten transaction is an error.
        /// @return the number since the master was made.
        fn forgotten_count(self) -> u64 { master.forgotten_count() }
    }

    hub {
        /// Makes a hub.
        /// @param offset in bytes, added to the address of each transaction.
        /// @param min smallest access in bytes.
        /// @param max largest access in bytes. If min and max are both other than 0, the hub is the
        /// root of an address space of its own: it reports its own id, name and limits, and address
        /// 0.
        fn new(offset: u64, min: u32, max: u32) -> new hub {
            crate::memory::Hub::new(offset, min, max)
        }

        /// The hub's master half, to be connected to a slave downstream. Requests made through it
        /// are relative to the next layer: the hub's offset is not added.
        /// @return the master, a new reference.
        fn master(self) -> master { hub.master().clone() }

        /// The hub's slave half, for masters upstream to connect to.
        /// @return the slave, a new reference, which keeps the whole hub alive.
        fn slave(self) -> slave { hub.clone() }

        /// The hub's own offset.
        /// @return bytes.
        fn offset(self) -> u64 { hub.offset() }

        /// The address at the end of the path that corresponds to the hub's own address 0; also for
        /// the root of an address space.
        /// @return byte address.
        fn address(self) -> u64 { hub.full_address() }

        /// Adds the hub's offset to a transaction's address and forwards it, in parts if necessary,
        /// in this thread. The transaction's lock must not be held.
        /// @param hub the hub; NULL is an error, and the transaction stays pending.
        /// @param transaction the transaction, borrowed; NULL is an error.
        fn forward(self, transaction: transaction) { hub.forward(&transaction) }
    }
}
