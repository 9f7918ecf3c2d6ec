/* rogue_mem_binding.h: what bindings to other languages need beside rogue_mem.h.
 *
 * Generated from the library's sources; do not edit. For C99 and later, and C++.
 *
 * Programs in C and C++ need none of it. An interpreter does: it looks after signals between two
 * slices of a wait, may raise an exception between any two of its steps, pays for every call and
 * every pointer, and ends before the process does. The rules of rogue_mem.h hold here as well, and
 * both parts are versioned together.
 *
 * Waits. What waits for as long as it takes has a form here that ends after a time, or in
 * rogue_mem.h: rogue_mem_master_wait_many, rogue_mem_master_cancel. A wait for a transaction of a
 * block asks the watch of its thread instead.
 *
 * Locks. A lock that is taken in such a wait notes that it is held, and that it is not any more,
 * together with the taking and the giving back.
 *
 * Callbacks. A gate before them is closed when the interpreter ends.
 */

/* clang-format off */

#ifndef ROGUE_MEM_BINDING_H
#define ROGUE_MEM_BINDING_H

#include "rogue_mem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- Gates ------------------------------------------------------------------------------------ */

/* A gate switches callbacks off. It is for bindings to languages whose interpreter ends before the
 * process does, and must not be called after that.
 *
 * Sets of callbacks name their gate in the member gate. While it is open, callbacks are called as
 * if there were none. After it is closed, only drop is still called; in place of another callback
 * the library behaves as documented for a member that is NULL. */

/**
 * Makes an open gate.
 *
 * @param out receives the gate, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_gate_new(rogue_mem_gate_t **out);

/**
 * Closes the gate for good, and waits for running callbacks. A callback behind the gate must not
 * call this, because it would wait for itself.
 *
 * @param gate the gate.
 * @param timeout_us the time limit, in microseconds; 0 does not wait.
 * @return true if no callback runs, so that none ever will; false if one still runs, and, with the
 * last error set, if gate is NULL.
 *
 * May be called again, to wait longer.
 */
bool rogue_mem_gate_close(rogue_mem_gate_t *gate, uint64_t timeout_us);

/**
 * Adds a reference.
 *
 * @param gate the gate; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_gate_t *rogue_mem_gate_retain(rogue_mem_gate_t *gate);

/**
 * Gives a reference back. Sets of callbacks keep their gate alive.
 *
 * @param gate the gate; NULL is allowed and ignored.
 */
void rogue_mem_gate_release(rogue_mem_gate_t *gate);

/* --- Transactions ----------------------------------------------------------------------------- */

/* Variants of a transaction's lock, and of the copies of its data, with a time limit, and with a
 * record that the lock is held. */

/**
 * Takes the lock like rogue_mem_transaction_lock, within a time limit.
 *
 * @param transaction the transaction.
 * @param timeout_us the time limit, in microseconds; 0 only tries.
 * @param held_or_null set to 1 together with the lock, for languages in which an exception can
 * occur between any two steps; see rogue_mem_transaction_unlock_held. If it is not 0 already, the
 * caller has the lock, and nothing is locked.
 * @return true if the caller has the lock, which it releases with rogue_mem_transaction_unlock or
 * rogue_mem_transaction_unlock_held; false if not, and, with the last error set, if transaction is
 * NULL.
 *
 * Each thread needs a held_or_null of its own.
 */
bool rogue_mem_transaction_lock_for(rogue_mem_transaction_t *transaction,
                                    uint64_t timeout_us,
                                    uint32_t *held_or_null);

/**
 * Releases the lock if rogue_mem_transaction_lock_for has recorded that it is held.
 *
 * @param transaction the transaction; NULL is an error and nothing is unlocked.
 * @param held the record of rogue_mem_transaction_lock_for; set to 0 together with the release.
 * NULL is an error.
 *
 * Any thread may release the lock.
 */
void rogue_mem_transaction_unlock_held(rogue_mem_transaction_t *transaction, uint32_t *held);

/**
 * Copies bytes as rogue_mem_transaction_copy_from_requester does, within a time limit for the
 * lock.
 *
 * @param transaction the transaction.
 * @param offset first byte, counted from the start of the data.
 * @param into where to copy to; may be NULL if count is 0. Untouched on failure.
 * @param count number of bytes.
 * @param timeout_us how long to wait for the lock at most, in microseconds; 0 only tries.
 * @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
 * ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_copy_from_requester;
 * ROGUE_MEM_ERROR_TIMEOUT if the lock has not come free in time.
 */
rogue_mem_status_t rogue_mem_transaction_copy_from_requester_for(
    rogue_mem_transaction_t *transaction,
    uint32_t offset,
    uint8_t *into,
    uint32_t count,
    uint64_t timeout_us);

/**
 * Copies bytes as rogue_mem_transaction_copy_to_requester does, within a time limit for the lock.
 *
 * @param transaction the transaction.
 * @param offset first byte, counted from the start of the data.
 * @param from where to copy from; may be NULL if count is 0.
 * @param count number of bytes.
 * @param timeout_us how long to wait for the lock at most, in microseconds; 0 only tries.
 * @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
 * ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_copy_to_requester; ROGUE_MEM_ERROR_TIMEOUT
 * if the lock has not come free in time.
 */
rogue_mem_status_t rogue_mem_transaction_copy_to_requester_for(rogue_mem_transaction_t *transaction,
                                                               uint32_t offset,
                                                               const uint8_t *from,
                                                               uint32_t count,
                                                               uint64_t timeout_us);

/* --- Masters ---------------------------------------------------------------------------------- */

/* A wait with a time limit, and requests that copy written data and return their result in one
 * number. */

/**
 * Flag in the result of rogue_mem_master_start: the transaction has succeeded, and needs no wait.
 * It is 1 << 32.
 */
#define ROGUE_MEM_STARTED_DONE 4294967296

/**
 * Waits like rogue_mem_master_wait, but with a time limit, so that an interpreter can handle
 * signals in between. A transaction that has not ended by then remains outstanding.
 *
 * @param master the master that made the transaction.
 * @param id the transaction's id; 0 = all that are outstanding now.
 * @param timeout_us the time limit, in microseconds; 0 does not wait.
 * @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_TRANSACTION, ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT and
 * ROGUE_MEM_ERROR_NULL_ARGUMENT as for rogue_mem_master_wait; ROGUE_MEM_ERROR_TIMEOUT if the
 * transaction, or with 0 one of them, has not ended yet, or its slave still holds its lock: wait
 * for it again. ROGUE_MEM_ERROR_TIMEOUT does not set the master's error.
 *
 * Several threads may wait for one transaction. Its lock must not be held.
 */
rogue_mem_status_t rogue_mem_master_wait_for(rogue_mem_master_t *master,
                                             uint32_t id,
                                             uint64_t timeout_us);

/**
 * Starts a transaction: the single-call variant of rogue_mem_master_request. It copies written
 * data and returns the result. A transaction that has succeeded by then is collected at once,
 * which is usual for a slave that answers in this thread.
 *
 * @param master the master.
 * @param address byte address.
 * @param size number of bytes.
 * @param data size bytes. If type is ROGUE_MEM_WRITE or ROGUE_MEM_POST they are copied before this
 * returns. Otherwise they must remain valid, and untouched by the caller, until
 * rogue_mem_master_wait has returned for this transaction or the master is gone, unless the result
 * has ROGUE_MEM_STARTED_DONE. NULL is allowed if size is 0.
 * @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
 * @return bits 31 to 0: the transaction's id, which is never 0; bit 32, ROGUE_MEM_STARTED_DONE: it
 * has succeeded already, and a wait for it is harmless. Without that bit the caller has to wait
 * for it, even if it has already failed; for a posted write the wait is optional. 0 if nothing was
 * started: rogue_mem_last_error_status is then ROGUE_MEM_ERROR_NULL_ARGUMENT or
 * ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
uint64_t rogue_mem_master_start(rogue_mem_master_t *master,
                                uint64_t address,
                                uint32_t size,
                                void *data,
                                uint32_t type);

/**
 * Starts a burst like rogue_mem_master_request_many, but copies written data, like
 * rogue_mem_master_start.
 *
 * @param master the master.
 * @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
 * @param count number of transactions.
 * @param addresses count byte addresses.
 * @param sizes count numbers of bytes.
 * @param data the bytes of all transactions, one after the other. If type is ROGUE_MEM_WRITE or
 * ROGUE_MEM_POST they are copied before this returns; otherwise as for rogue_mem_master_request.
 * NULL is allowed if there are none.
 * @param ids receives count ids, for the wait functions; for posted writes the wait is optional.
 * On failure it is untouched, and nothing has been started.
 * @return ROGUE_MEM_OK, also if transactions have already failed; ROGUE_MEM_ERROR_NULL_ARGUMENT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if the number of bytes is impossible;
 * ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_master_start_many(rogue_mem_master_t *master,
                                               uint32_t type,
                                               size_t count,
                                               const uint64_t *addresses,
                                               const uint32_t *sizes,
                                               void *data,
                                               uint32_t *ids);

/* --- Blocks ----------------------------------------------------------------------------------- */

/* Transactions of blocks that return their result in one number, and the place of staged bytes. */

/**
 * Mask of the status in the result of rogue_mem_block_start_packed.
 */
#define ROGUE_MEM_PACKED_STATUS 65535

/**
 * Flag in the result of rogue_mem_block_start_packed: variables that are notified may have changed.
 */
#define ROGUE_MEM_PACKED_UPDATED 65536

/**
 * How far ROGUE_MEM_SKIP_... is shifted left in the result of rogue_mem_block_start_packed.
 */
#define ROGUE_MEM_PACKED_SKIP_SHIFT 24

/**
 * Added to the type for rogue_mem_block_try_start_packed: write also if nothing is stale.
 */
#define ROGUE_MEM_PACKED_FORCED 256

/**
 * How far the number of an element is shifted left in an argument of
 * rogue_mem_block_try_start_packed.
 */
#define ROGUE_MEM_PACKED_ELEMENT_SHIFT 16

/**
 * Result of rogue_mem_block_try_start_packed and rogue_mem_block_try_check_packed: nothing has
 * happened, because the call would have to wait, or to run code of the program.
 */
#define ROGUE_MEM_PACKED_WOULD_WAIT 131072

/**
 * Starts a transaction: the single-call variant of rogue_mem_block_start.
 *
 * @param block the block.
 * @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
 * @param forced a flag: whether to write also if nothing is stale.
 * @param check a flag: whether to wait for the end.
 * @param variable_or_null a variable of the block; NULL: the block.
 * @param index the element to read; -1, or any other one that does not exist: all.
 * @return bits 15 to 0, ROGUE_MEM_PACKED_STATUS: what rogue_mem_block_start would return; if it is
 * ROGUE_MEM_OK, bit 16, ROGUE_MEM_PACKED_UPDATED: variables that are notified may have changed; and
 * from ROGUE_MEM_PACKED_SKIP_SHIFT on, ROGUE_MEM_SKIP_...: why nothing was sent.
 */
uint32_t rogue_mem_block_start_packed(rogue_mem_block_t *block,
                                      uint32_t type,
                                      uint32_t forced,
                                      uint32_t check,
                                      rogue_mem_variable_t *variable_or_null,
                                      int32_t index);

/**
 * Waits for the transaction that is under way: the single-call variant of rogue_mem_block_check.
 *
 * @param block the block.
 * @return bits 15 to 0, ROGUE_MEM_PACKED_STATUS: what rogue_mem_block_check would return; if it is
 * ROGUE_MEM_OK, bit 16, ROGUE_MEM_PACKED_UPDATED: variables that are notified may have changed.
 */
uint32_t rogue_mem_block_check_packed(rogue_mem_block_t *block);

/**
 * Starts a transaction as rogue_mem_block_start_packed does without a wait, if that takes a moment:
 * the block has no other transaction under way and no retries, the transaction has at most 4096
 * bytes, and what carries it out is an emulated memory or a client of the bridge, reached directly
 * or through hubs, and none of these is made from callbacks. For interpreters that keep their lock
 * during the call. Code of the program that is to be called meanwhile, such as observers of other
 * transactions and sinks of the log, is called in other threads.
 *
 * @param block the block.
 * @param variable_or_null a variable of the block; NULL: the block.
 * @param what ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY; plus
 * ROGUE_MEM_PACKED_FORCED to write also if nothing is stale; plus the element to read, counted from
 * 1 and shifted left by ROGUE_MEM_PACKED_ELEMENT_SHIFT, or 0: all.
 * @return as rogue_mem_block_start_packed; ROGUE_MEM_PACKED_WOULD_WAIT if it would have to wait:
 * nothing has happened then.
 */
uint32_t rogue_mem_block_try_start_packed(rogue_mem_block_t *block,
                                          rogue_mem_variable_t *variable_or_null,
                                          uint32_t what);

/**
 * Checks as rogue_mem_block_check_packed does, if that takes a moment: nothing is under way, or
 * that has ended, or it is with a client of the bridge whose answer comes while this thread polls
 * for it, which it does for some microseconds at most. For interpreters that keep their lock during
 * the call, as rogue_mem_block_try_start_packed.
 *
 * @param block the block.
 * @return as rogue_mem_block_check_packed; ROGUE_MEM_PACKED_WOULD_WAIT if it would have to wait, or
 * to call the observer of the block: nothing has happened then.
 */
uint32_t rogue_mem_block_try_check_packed(rogue_mem_block_t *block);

/**
 * The first staged byte of a block. The bytes stay where they are as long as the block exists. They
 * may only be looked at: values are staged through variables. A transaction or a store in another
 * thread may change them at the same time, so a value of several bytes may be half old and half
 * new.
 *
 * @param block the block.
 * @return rogue_mem_block_size bytes; NULL if block is NULL.
 */
const uint8_t *rogue_mem_block_staged_start(const rogue_mem_block_t *block);

/* --- Watches of waits ------------------------------------------------------------------------- */

/* A wait for a transaction of a block, in a function of a variable, of a block, or of many blocks,
 * has no form with a time limit: what has begun could not be continued by the next call. Instead a
 * thread has a watch, which is asked about ten times a second while the thread waits, so that an
 * interpreter can handle signals. */

/**
 * Callbacks of the waits of a thread. Zero-initialise it, set size, and then the rest.
 */
typedef struct rogue_mem_watch_t {
    /**
     * sizeof(rogue_mem_watch_t).
     */
    size_t size;
    /**
     * Passed to every callback.
     */
    void *ctx;
    /**
     * Called exactly once, after the last call of is_interrupted: when the thread gets another
     * watch, or ends. Not called if rogue_mem_thread_watch fails. NULL: nothing is called.
     */
    void (*drop)(void *ctx);
    /**
     * Whether the present wait is to be given up: a flag; must not be NULL. Called in the thread
     * that waits, with no lock held. A wait that is given up fails with
     * ROGUE_MEM_ERROR_INTERRUPTED; a call for many blocks waits for no further one then. The
     * transaction stays under way, and the next one of the block waits for it.
     */
    uint32_t (*is_interrupted)(void *ctx);
    /**
     * The gate of all callbacks but drop; the library takes a reference. NULL: none.
     */
    rogue_mem_gate_t *gate;
} rogue_mem_watch_t;

/**
 * Gives the calling thread a watch, in place of the present one.
 *
 * @param watch_or_null the callbacks, copied; NULL: none from now on.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT if is_interrupted is NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size. On failure drop is not called.
 *
 * Each thread has its own.
 */
rogue_mem_status_t rogue_mem_thread_watch(const rogue_mem_watch_t *watch_or_null);

/* --- Variables -------------------------------------------------------------------------------- */

/* Staged values in the result of a call, without a place for them: an interpreter pays for each
 * argument. A failure, which sets the last error, gives a value that is a rare one otherwise;
 * rogue_mem_variable_staged_uint and its like tell which it was. Also lists of values that the
 * program converts. */

/**
 * The staged value of an unsigned integer of at most 64 bits.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @return the value; 2^63 on failure.
 */
uint64_t rogue_mem_variable_peek_uint(const rogue_mem_variable_t *variable, int32_t index);

/**
 * The staged value of a signed integer of at most 64 bits.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @return the value; INT64_MIN on failure.
 */
int64_t rogue_mem_variable_peek_int(const rogue_mem_variable_t *variable, int32_t index);

/**
 * A staged truth value.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @return a flag; 2 on failure.
 */
uint32_t rogue_mem_variable_peek_bool(const rogue_mem_variable_t *variable, int32_t index);

/**
 * A staged number that single precision holds.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @return the value; -DBL_MAX on failure.
 */
double rogue_mem_variable_peek_float(const rogue_mem_variable_t *variable, int32_t index);

/**
 * A staged number of double precision or fixed point.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @return the value; -DBL_MAX on failure.
 */
double rogue_mem_variable_peek_double(const rogue_mem_variable_t *variable, int32_t index);

/**
 * Checks that a variable has room for values, as rogue_mem_variable_stage_values does first, for
 * interpreters whose values are to be converted.
 *
 * @param variable the variable.
 * @param count number of values.
 * @param index the first element; -1 means 0.
 * @param is_list a flag: whether the error calls the values a list, otherwise an array.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if there
 * are more values than elements.
 */
rogue_mem_status_t rogue_mem_variable_check_count(const rogue_mem_variable_t *variable,
                                                  size_t count,
                                                  int32_t index,
                                                  uint32_t is_list);

/**
 * Stages what the program has made of values of a list, each as rogue_mem_variable_stage_raw does.
 * All are checked before the first is staged.
 *
 * @param variable the variable.
 * @param bytes the bytes of all values, one after the other. NULL is allowed if there are none.
 * @param sizes count numbers of bytes.
 * @param count number of values.
 * @param index the first element; -1 means 0.
 * @return ROGUE_MEM_OK; the errors of values; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_variable_stage_raw_values(rogue_mem_variable_t *variable,
                                                       const uint8_t *bytes,
                                                       const size_t *sizes,
                                                       size_t count,
                                                       int32_t index);

/* --- Frames ----------------------------------------------------------------------------------- */

/* Variants of a frame's lock, and of the copies of its payload, with a time limit, and with a
 * record that the lock is held. */

/**
 * Locks the frame's payload like rogue_mem_frame_lock, within a time limit.
 *
 * @param frame the frame, which is kept alive until it is unlocked.
 * @param timeout_us the time limit, in microseconds; 0 only tries.
 * @param held_or_null set to 1 together with the lock, for languages in which an exception can
 * occur between any two steps; see rogue_mem_frame_unlock_held. If it is not 0 already, nothing is
 * locked again.
 * @return true if this thread has the lock, which it releases with rogue_mem_frame_unlock or
 * rogue_mem_frame_unlock_held; false if not, and, with the last error set, if frame is NULL.
 *
 * Each thread needs a held_or_null of its own.
 */
bool rogue_mem_frame_lock_for(rogue_mem_frame_t *frame,
                              uint64_t timeout_us,
                              uint32_t *held_or_null);

/**
 * Unlocks the frame's payload if rogue_mem_frame_lock_for has recorded that it is locked.
 *
 * @param frame the frame; NULL is an error, and so is a frame that held records as locked but this
 * thread has not locked.
 * @param held the record of rogue_mem_frame_lock_for; set to 0 together with the unlock. NULL is
 * an error.
 *
 * To be called by the thread that locked it.
 */
void rogue_mem_frame_unlock_held(rogue_mem_frame_t *frame, uint32_t *held);

/**
 * The sizes of the frame, like rogue_mem_frame_size and rogue_mem_frame_payload, within a time
 * limit for the lock.
 *
 * @param frame the frame.
 * @param timeout_us how long to wait for the lock at most, in microseconds; 0 only tries.
 * @param size receives the maximum size of the payload in bytes. Untouched on failure.
 * @param payload receives the size of the payload in bytes. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_TIMEOUT if the lock has not
 * come free in time.
 */
rogue_mem_status_t rogue_mem_frame_measure_for(const rogue_mem_frame_t *frame,
                                               uint64_t timeout_us,
                                               uint32_t *size,
                                               uint32_t *payload);

/**
 * Copies bytes from the payload like rogue_mem_frame_read_data, within a time limit for the lock.
 *
 * @param frame the frame.
 * @param offset first byte, counted from the start of the payload.
 * @param into the destination, outside of the frame; may be NULL if count is 0. Untouched on
 * failure.
 * @param count number of bytes.
 * @param timeout_us how long to wait for the lock at most, in microseconds; 0 only tries.
 * @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT and ROGUE_MEM_ERROR_FRAME as
 * rogue_mem_frame_read_data; ROGUE_MEM_ERROR_TIMEOUT if the lock has not come free in time.
 */
rogue_mem_status_t rogue_mem_frame_read_data_for(const rogue_mem_frame_t *frame,
                                                 uint32_t offset,
                                                 uint8_t *into,
                                                 uint32_t count,
                                                 uint64_t timeout_us);

/**
 * Copies bytes into the frame, whose payload grows to their end if it is smaller, within a time
 * limit for the lock.
 *
 * @param frame the frame.
 * @param offset first byte, counted from the start of the payload. Bytes between the former
 * payload and this one have the values left in the frame's memory.
 * @param from the source, outside of the frame; may be NULL if count is 0.
 * @param count number of bytes.
 * @param timeout_us how long to wait for the lock at most, in microseconds; 0 only tries.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the range does not
 * lie within the frame, which is then unchanged; ROGUE_MEM_ERROR_TIMEOUT if the lock has not come
 * free in time.
 */
rogue_mem_status_t rogue_mem_frame_put_data_for(rogue_mem_frame_t *frame,
                                                uint32_t offset,
                                                const uint8_t *from,
                                                uint32_t count,
                                                uint64_t timeout_us);

#ifdef __cplusplus
}
#endif

#endif /* ROGUE_MEM_BINDING_H */
