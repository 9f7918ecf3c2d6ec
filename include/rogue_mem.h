/* rogue_mem.h: register transactions over TCP and SRPv3, wire compatible with SLAC Rogue.
 *
 * Generated from the library's sources; do not edit. For C99 and later, and C++.
 *
 * The rules below hold for every function, unless its own comment says otherwise.
 *
 * Results. A function that can fail returns rogue_mem_status_t: ROGUE_MEM_OK, which is 0, or one of
 * ROGUE_MEM_ERROR_.... Its results go to out-parameters, which come last and are untouched on
 * failure. rogue_mem_last_error() then tells in words what went wrong. A function that returns its
 * result itself returns 0, false or NULL where it fails, and sets the last error as well.
 *
 * Arguments. Every pointer is checked for NULL, every number for its range, every text for being
 * UTF-8. What cannot be checked is the caller's to see to: that a pointer which is not NULL points
 * to what the function asks for, for as long as it says; else for the duration of the call.
 *
 * Handles. Objects are known by pointers to opaque types. A handle stands for one reference:
 * ..._new, and every other function that returns a handle, gives a new one, to be given back by the
 * ..._release of its type. ..._retain adds one and returns its argument. Release of NULL does
 * nothing. A handle that a callback receives is borrowed, unless its set asks for references: it is
 * valid until the callback returns, or longer if the callback retains it. An object that another
 * one uses is kept alive by it.
 *
 * Texts. Text that goes in ends in NUL and is copied. Text that comes out goes to a buffer of
 * capacity bytes: at most capacity - 1 of the text, never a part of a UTF-8 character, and then a
 * NUL; *length, where length is not NULL, receives the full length in bytes without NUL. A text has
 * been cut if *length >= capacity. buffer may be NULL if capacity is 0, to ask for the length.
 *
 * Structures. Options, callbacks and statistics begin with a member size, to be set to the sizeof
 * of the structure; all other members that are not wanted are to be zero, as `= {0}` makes them. So
 * a program that was compiled with an older header works with a newer library: members that it does
 * not know are zero. One that was compiled with a newer header works with an older library as long
 * as it leaves at zero what the library does not know. Any other size, 0 among them, gives
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT.
 *
 * Callbacks. A set of callbacks has a pointer ctx, which is passed to each of them, and a function
 * drop, which is called exactly once, when none of them will be called any more; on any thread. It
 * is not called if the function that the set was passed to fails. Callbacks may call every function
 * of this header. A C++ exception, or longjmp, must not leave a callback: the process would be
 * aborted at best.
 *
 * Threads. Every function may be called from any thread, on one object from several at once. The
 * caller of a function must hold a reference to each object that it passes until the function has
 * returned. The last error is kept for each thread by itself.
 *
 * Versions. While the major version is 0, each minor version has a binary interface of its own, and
 * the library's soname carries both numbers. Values of statuses and other constants never change
 * their meaning.
 */

#ifndef ROGUE_MEM_H
#define ROGUE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Status and version ----------------------------------------------------------------------- */

/* What became of a call, and the version of the library. */

/**
 * Major version of this header.
 */
#define ROGUE_MEM_VERSION_MAJOR 0

/**
 * Minor version of this header.
 */
#define ROGUE_MEM_VERSION_MINOR 1

/**
 * Patch version of this header.
 */
#define ROGUE_MEM_VERSION_PATCH 0

/**
 * The version of this header as a number: 0xMMmmpp. rogue_mem_version_number() is that of
 * the library.
 */
#define ROGUE_MEM_VERSION_NUMBER \
    ((ROGUE_MEM_VERSION_MAJOR << 16) | (ROGUE_MEM_VERSION_MINOR << 8) | ROGUE_MEM_VERSION_PATCH)

/**
 * The version of this header as a text.
 */
#define ROGUE_MEM_VERSION "0.1.0"

/**
 * What became of a call: ROGUE_MEM_OK or one of ROGUE_MEM_ERROR_... Values are never
 * renumbered; later releases may add some.
 */
typedef int32_t rogue_mem_status_t;

/**
 * One constant sentence for a status, without details of the occurrence.
 *
 * @param status what a function returned.
 * @return static text, never NULL; "unknown status" for a number that is none.
 *
 * Thread safe.
 */
const char *rogue_mem_status_text(rogue_mem_status_t status);

/**
 * The name of a status in this header, for example "ROGUE_MEM_ERROR_TIMEOUT".
 *
 * @param status what a function returned.
 * @return static text, never NULL; "unknown status" for a number that is none.
 *
 * Thread safe.
 */
const char *rogue_mem_status_name(rogue_mem_status_t status);

/**
 * The status of the calling thread's last failure. Functions that return no status, but 0, false
 * or NULL where they fail, set it too. Success leaves it as it is.
 *
 * @return ROGUE_MEM_OK if nothing has failed on this thread.
 *
 * Thread safe; each thread has its own.
 */
rogue_mem_status_t rogue_mem_last_error_status(void);

/**
 * What went wrong at the calling thread's last failure, in words.
 *
 * @return text that is valid until the next failing call on this thread; "" if nothing has failed
 * on it. Never NULL.
 *
 * Thread safe; each thread has its own.
 */
const char *rogue_mem_last_error(void);

/**
 * Where the calling thread's last failure was found, for example
 * "memory::TcpServer::TcpServer", or the name of the function that refused an argument.
 *
 * @return text that is valid until the next failing call on this thread; "" if nothing has failed
 * on it. Never NULL.
 *
 * Thread safe; each thread has its own.
 */
const char *rogue_mem_last_error_source(void);

/**
 * The version of the library that is running, for example "0.1.0". ROGUE_MEM_VERSION is that of
 * the header.
 *
 * @return static text, never NULL.
 *
 * Thread safe.
 */
const char *rogue_mem_version(void);

/**
 * The version of the library that is running as a number, to be compared with
 * ROGUE_MEM_VERSION_NUMBER.
 *
 * @return 0xMMmmpp: major, minor and patch in 8 bits each.
 *
 * Thread safe.
 */
uint32_t rogue_mem_version_number(void);

/**
 * Success.
 */
#define ROGUE_MEM_OK 0

/**
 * A required pointer argument is null.
 */
#define ROGUE_MEM_ERROR_NULL_ARGUMENT 1

/**
 * An argument is out of range or malformed.
 */
#define ROGUE_MEM_ERROR_INVALID_ARGUMENT 2

/**
 * A text argument is not valid UTF-8.
 */
#define ROGUE_MEM_ERROR_INVALID_TEXT 3

/**
 * The system refused memory, a thread or a descriptor.
 */
#define ROGUE_MEM_ERROR_OUT_OF_RESOURCES 4

/**
 * Internal error of the library.
 */
#define ROGUE_MEM_ERROR_INTERNAL 5

/**
 * The object has been stopped.
 */
#define ROGUE_MEM_ERROR_STOPPED 6

/**
 * Timed out.
 */
#define ROGUE_MEM_ERROR_TIMEOUT 7

/**
 * The transaction's data is no longer available.
 */
#define ROGUE_MEM_ERROR_INVALID_DATA 8

/**
 * No such object.
 */
#define ROGUE_MEM_ERROR_NOT_FOUND 9

/**
 * The transaction failed.
 */
#define ROGUE_MEM_ERROR_TRANSACTION 100

/**
 * The transaction timed out.
 */
#define ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT 101

/**
 * A port could not be bound.
 */
#define ROGUE_MEM_ERROR_BIND 200

/**
 * A name could not be resolved.
 */
#define ROGUE_MEM_ERROR_RESOLVE 201

/**
 * A connection could not be made.
 */
#define ROGUE_MEM_ERROR_CONNECT 202

/**
 * A frame is unusable.
 */
#define ROGUE_MEM_ERROR_FRAME 300

/* --- Objects ---------------------------------------------------------------------------------- */

/* The objects of this interface. Each type is opaque: programs hold pointers to it and nothing
 * else. A pointer stands for one reference, or for more that somebody else keeps. */

/**
 * Bytes on their way through a stream, with what is said about them.
 */
typedef struct rogue_mem_frame_t rogue_mem_frame_t;

/**
 * What callbacks pass on their way to the program, until it is closed.
 */
typedef struct rogue_mem_gate_t rogue_mem_gate_t;

/**
 * A master and a slave in one: hands transactions on with its offset added to their address.
 */
typedef struct rogue_mem_hub_t rogue_mem_hub_t;

/**
 * A named source of log messages.
 */
typedef struct rogue_mem_logger_t rogue_mem_logger_t;

/**
 * The upstream end of the bus: makes transactions and waits for them.
 */
typedef struct rogue_mem_master_t rogue_mem_master_t;

/**
 * Something that carries out transactions: one of the library's own, or a set of callbacks. Two
 * handles of one slave need not have the same address; compare rogue_mem_slave_id.
 */
typedef struct rogue_mem_slave_t rogue_mem_slave_t;

/**
 * A device in software that answers SRP version 3.
 */
typedef struct rogue_mem_srp_v3_emulation_t rogue_mem_srp_v3_emulation_t;

/**
 * Register transactions carried over a stream by SRP version 3.
 */
typedef struct rogue_mem_srp_v3_t rogue_mem_srp_v3_t;

/**
 * Something that sends frames to stream slaves.
 */
typedef struct rogue_mem_stream_master_t rogue_mem_stream_master_t;

/**
 * Something that receives frames. Two handles of one stream slave need not have the same address.
 */
typedef struct rogue_mem_stream_slave_t rogue_mem_stream_slave_t;

/**
 * The requesting end of the memory TCP bridge: a slave whose other end is a server.
 */
typedef struct rogue_mem_tcp_client_t rogue_mem_tcp_client_t;

/**
 * The serving end of the memory TCP bridge: gives a slave to any number of clients.
 */
typedef struct rogue_mem_tcp_server_t rogue_mem_tcp_server_t;

/**
 * One register access on its way: what is asked, where the data lies, and how it ended. Made by
 * rogue_mem_master_request, handed to slaves.
 */
typedef struct rogue_mem_transaction_t rogue_mem_transaction_t;

/* --- Gates ------------------------------------------------------------------------------------ */

/* A gate can be put before callbacks, and closed: for bindings to languages whose interpreter ends
 * before the process does, and must not be called then.
 *
 * Sets of callbacks name the gate in their member gate. While it is open they are called as if
 * there were none. Once it is closed none of them is called any more, but for their drop; what
 * would have been asked of them is answered as each set says of a member that is NULL. */

/**
 * Makes a gate, which is open.
 *
 * @param out receives the gate, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_gate_new(rogue_mem_gate_t **out);

/**
 * Adds a reference.
 *
 * @param gate the gate; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_gate_t *rogue_mem_gate_retain(rogue_mem_gate_t *gate);

/**
 * Gives a reference back. Sets of callbacks keep their gate alive.
 *
 * @param gate the gate; NULL is allowed and ignored.
 *
 * Thread safe.
 */
void rogue_mem_gate_release(rogue_mem_gate_t *gate);

/**
 * Closes the gate for good, and waits for the callbacks that have passed it. Must not be called by
 * one of these, which would wait for itself.
 *
 * @param gate the gate.
 * @param microseconds how long to wait at most; 0 only looks.
 * @return true if no callback runs, and so none ever will; false if one still runs, and, with the
 * last error set, if gate is NULL.
 *
 * Thread safe; may be called again, to wait longer.
 */
bool rogue_mem_gate_close(rogue_mem_gate_t *gate, uint64_t microseconds);

/* --- Transactions ----------------------------------------------------------------------------- */

/* A transaction is handed to a slave's do_transaction callback, in the requester's thread and
 * with no lock held. The slave completes it exactly once, by rogue_mem_transaction_done or
 * rogue_mem_transaction_error: at once, or later and from any thread, in which case it keeps a
 * reference (rogue_mem_transaction_retain, or rogue_mem_slave_add_transaction).
 *
 * The data belongs to the requester and may be touched only under the transaction's lock and only
 * while it has not expired. rogue_mem_transaction_read_data and rogue_mem_transaction_write_data
 * see to both. */

/**
 * Transaction type: read into the requester's buffer.
 */
#define ROGUE_MEM_READ 1

/**
 * Transaction type: write; completed when the device has answered.
 */
#define ROGUE_MEM_WRITE 2

/**
 * Transaction type: posted write; may be completed as soon as it has been handed to the transport.
 */
#define ROGUE_MEM_POST 3

/**
 * Transaction type: read that checks an earlier write; every transport treats it as a read.
 */
#define ROGUE_MEM_VERIFY 4

/**
 * Adds a reference, for a slave that completes the transaction later.
 *
 * @param transaction the transaction; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_transaction_t *rogue_mem_transaction_retain(rogue_mem_transaction_t *transaction);

/**
 * Gives a reference back. A transaction that is released without having been completed is left to
 * its timeout.
 *
 * @param transaction the transaction; NULL is allowed and ignored.
 *
 * Thread safe.
 */
void rogue_mem_transaction_release(rogue_mem_transaction_t *transaction);

/**
 * The transaction's id, unique among those that are pending in this process.
 *
 * @param transaction the transaction.
 * @return the id, never 0; 0 if transaction is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_transaction_id(const rogue_mem_transaction_t *transaction);

/**
 * The byte address, as adjusted by the hubs passed so far.
 *
 * @param transaction the transaction.
 * @return the address; 0 if transaction is NULL.
 *
 * Thread safe.
 */
uint64_t rogue_mem_transaction_address(const rogue_mem_transaction_t *transaction);

/**
 * The number of bytes to read or write.
 *
 * @param transaction the transaction.
 * @return size in bytes; 0 if transaction is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_transaction_size(const rogue_mem_transaction_t *transaction);

/**
 * What is asked for.
 *
 * @param transaction the transaction.
 * @return ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY; 0 if transaction is
 * NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_transaction_type(const rogue_mem_transaction_t *transaction);

/**
 * Whether nobody will take a result any more: the transaction, or one that it is a part of, has
 * ended or been given up. Its data must not be touched then. The answer holds for as long as the
 * transaction's lock is held.
 *
 * @param transaction the transaction.
 * @return true if it has expired; false if transaction is NULL.
 *
 * Thread safe.
 */
bool rogue_mem_transaction_expired(const rogue_mem_transaction_t *transaction);

/**
 * Whether the transaction has ended, successfully or not.
 *
 * @param transaction the transaction.
 * @return true if it has ended; false if transaction is NULL.
 *
 * Thread safe.
 */
bool rogue_mem_transaction_is_done(const rogue_mem_transaction_t *transaction);

/**
 * Takes the lock that guards the data, waiting for it if need be. While it is held, the requester
 * neither times out nor takes its buffer back. All parts of one request share one lock, and it is
 * not recursive: taking it twice in one thread blocks for ever.
 *
 * @param transaction the transaction; NULL is an error and nothing is locked.
 *
 * Thread safe.
 */
void rogue_mem_transaction_lock(rogue_mem_transaction_t *transaction);

/**
 * Takes the lock as rogue_mem_transaction_lock does, unless that would take too long.
 *
 * @param transaction the transaction.
 * @param microseconds how long to wait at most; 0 only tries.
 * @param held_or_null set to true together with the taking of the lock, for languages in which an
 * exception can come between any two steps, and see rogue_mem_transaction_unlock_held. If it is
 * true already the lock is the caller's, and nothing is taken.
 * @return true if the lock is the caller's, to be given back by rogue_mem_transaction_unlock or
 * rogue_mem_transaction_unlock_held; false if it is not, and, with the last error set, if
 * transaction is NULL.
 *
 * Thread safe, with a held_or_null of its own for each thread.
 */
bool rogue_mem_transaction_lock_for(rogue_mem_transaction_t *transaction,
                                    uint64_t microseconds,
                                    bool *held_or_null);

/**
 * Gives back the lock if rogue_mem_transaction_lock_for has said that it is held.
 *
 * @param transaction the transaction; NULL is an error and nothing is unlocked.
 * @param held what rogue_mem_transaction_lock_for has set; set to false together with the giving
 * back. NULL is an error.
 *
 * Thread safe; another thread than the one that took the lock may give it back.
 */
void rogue_mem_transaction_unlock_held(rogue_mem_transaction_t *transaction, bool *held);

/**
 * Gives back the lock that rogue_mem_transaction_lock took. Without that having been called
 * before, the behaviour is undefined.
 *
 * @param transaction the transaction; NULL is an error and nothing is unlocked.
 *
 * Thread safe; another thread than the one that took the lock may give it back.
 */
void rogue_mem_transaction_unlock(rogue_mem_transaction_t *transaction);

/**
 * The data: rogue_mem_transaction_size bytes of the requester's buffer. To be called, and its
 * result to be used, only under the transaction's lock.
 *
 * @param transaction the transaction.
 * @return the first byte; NULL once the requester has given the transaction up, or if transaction
 * is NULL.
 *
 * Thread safe.
 */
uint8_t *rogue_mem_transaction_data(rogue_mem_transaction_t *transaction);

/**
 * Copies bytes of the data out, for example what is to be written. Takes the transaction's lock,
 * so the caller must not hold it.
 *
 * @param transaction the transaction.
 * @param offset first byte, counted from the start of the data.
 * @param into where to copy to; may be NULL if count is 0. Untouched on failure.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * range does not lie within the data; ROGUE_MEM_ERROR_INVALID_DATA if the requester has given the
 * transaction up.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_transaction_read_data(rogue_mem_transaction_t *transaction,
                                                   uint32_t offset,
                                                   uint8_t *into,
                                                   uint32_t count);

/**
 * Copies bytes of the data out as rogue_mem_transaction_read_data does, unless somebody holds the
 * transaction's lock for too long.
 *
 * @param transaction the transaction.
 * @param offset first byte, counted from the start of the data.
 * @param into where to copy to; may be NULL if count is 0. Untouched on failure.
 * @param count number of bytes.
 * @param microseconds how long to wait for the lock at most; 0 only tries.
 * @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
 * ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_read_data; ROGUE_MEM_ERROR_TIMEOUT if the
 * lock has not come free in time.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_transaction_read_data_for(rogue_mem_transaction_t *transaction,
                                                       uint32_t offset,
                                                       uint8_t *into,
                                                       uint32_t count,
                                                       uint64_t microseconds);

/**
 * Copies bytes of the data out as rogue_mem_transaction_read_data does, for a caller that holds
 * the transaction's lock. Without it the behaviour is undefined.
 *
 * @param transaction the transaction.
 * @param offset first byte, counted from the start of the data.
 * @param into where to copy to; may be NULL if count is 0. Untouched on failure.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
 * ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_read_data.
 *
 * Thread safe, through the lock.
 */
rogue_mem_status_t rogue_mem_transaction_read_locked(rogue_mem_transaction_t *transaction,
                                                     uint32_t offset,
                                                     uint8_t *into,
                                                     uint32_t count);

/**
 * Copies bytes into the data, for example what has been read. Takes the transaction's lock, so the
 * caller must not hold it.
 *
 * @param transaction the transaction.
 * @param offset first byte, counted from the start of the data.
 * @param from where to copy from; may be NULL if count is 0.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * range does not lie within the data, or the transaction is a write, whose data is the requester's
 * to keep; ROGUE_MEM_ERROR_INVALID_DATA if the requester has given the transaction up.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_transaction_write_data(rogue_mem_transaction_t *transaction,
                                                    uint32_t offset,
                                                    const uint8_t *from,
                                                    uint32_t count);

/**
 * Copies bytes into the data as rogue_mem_transaction_write_data does, unless somebody holds the
 * transaction's lock for too long.
 *
 * @param transaction the transaction.
 * @param offset first byte, counted from the start of the data.
 * @param from where to copy from; may be NULL if count is 0.
 * @param count number of bytes.
 * @param microseconds how long to wait for the lock at most; 0 only tries.
 * @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
 * ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_write_data; ROGUE_MEM_ERROR_TIMEOUT if the
 * lock has not come free in time.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_transaction_write_data_for(rogue_mem_transaction_t *transaction,
                                                        uint32_t offset,
                                                        const uint8_t *from,
                                                        uint32_t count,
                                                        uint64_t microseconds);

/**
 * Copies bytes into the data as rogue_mem_transaction_write_data does, for a caller that holds the
 * transaction's lock. Without it the behaviour is undefined.
 *
 * @param transaction the transaction.
 * @param offset first byte, counted from the start of the data.
 * @param from where to copy from; may be NULL if count is 0.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
 * ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_write_data.
 *
 * Thread safe, through the lock.
 */
rogue_mem_status_t rogue_mem_transaction_write_locked(rogue_mem_transaction_t *transaction,
                                                      uint32_t offset,
                                                      const uint8_t *from,
                                                      uint32_t count);

/**
 * Completes the transaction successfully. The first completion counts, later ones are ignored. The
 * transaction's lock may be held or not.
 *
 * @param transaction the transaction; NULL is an error.
 *
 * Thread safe.
 */
void rogue_mem_transaction_done(rogue_mem_transaction_t *transaction);

/**
 * Completes the transaction with an error. The first completion counts, later ones are ignored.
 * The transaction's lock may be held or not.
 *
 * @param transaction the transaction; NULL is an error.
 * @param text what the requester is told, copied; what is not UTF-8 in it is replaced. NULL or ""
 * says that there was an error without a text.
 *
 * Thread safe.
 */
void rogue_mem_transaction_error(rogue_mem_transaction_t *transaction, const char *text);

/**
 * Makes a transaction that is a part of another one, to be handed to a slave by
 * rogue_mem_slave_do_transaction. The whole ends when all its parts have and
 * rogue_mem_transaction_done_subs has been called; it fails if one of them failed.
 *
 * @param transaction the whole.
 * @param offset first byte of the part, counted from the start of the whole's data.
 * @param size bytes of the part.
 * @param address byte address that the part is for.
 * @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
 * @param out receives the part, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * range does not lie within the whole, type is none, or it is a read where the whole is a write;
 * ROGUE_MEM_ERROR_INVALID_DATA if the whole has already ended.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_transaction_create_sub(rogue_mem_transaction_t *transaction,
                                                    uint32_t offset,
                                                    uint32_t size,
                                                    uint64_t address,
                                                    uint32_t type,
                                                    rogue_mem_transaction_t **out);

/**
 * Says that no more parts will be made. The transaction ends at once if all of them have.
 *
 * @param transaction the whole; NULL is an error.
 *
 * Thread safe.
 */
void rogue_mem_transaction_done_subs(rogue_mem_transaction_t *transaction);

/**
 * Restarts the transaction's clock: it times out one timeout from now at the earliest.
 *
 * @param transaction the transaction; NULL is an error.
 * @param reference_or_null a transaction that has just been answered, which proves that the link
 * lives: the clock is then restarted only if transaction did not start before it. NULL: restarted
 * in any case.
 *
 * Thread safe.
 */
void rogue_mem_transaction_refresh_timer(rogue_mem_transaction_t *transaction,
                                         const rogue_mem_transaction_t *reference_or_null);

/* --- Slaves ----------------------------------------------------------------------------------- */

/* A slave carries out transactions. Programs make their own from a set of callbacks, or get one
 * from an object that is a slave too: rogue_mem_emulate_new, rogue_mem_hub_slave,
 * rogue_mem_tcp_client_slave, rogue_mem_srp_v3_slave.
 *
 * Callbacks run in the thread that makes the request, which for a slave behind a
 * rogue_mem_tcp_server_t is that server's thread, with no lock held, and several at once where
 * requests come from several threads. They may call every function of this header and may block;
 * blocking keeps the requester's thread, and no other. No exception may leave them. */

/**
 * What a slave made by rogue_mem_slave_new does. Zero-initialise it, set size, and then what is
 * wanted; a member that is NULL has the behaviour stated with it.
 */
typedef struct rogue_mem_slave_callbacks_t {
    /**
     * sizeof(rogue_mem_slave_callbacks_t).
     */
    size_t size;
    /**
     * Passed to every callback.
     */
    void *ctx;
    /**
     * Called exactly once, when the library will call none of the others any more; on any thread.
     * Not called if rogue_mem_slave_new fails. NULL: nothing is called.
     */
    void (*drop)(void *ctx);
    /**
     * Carries out a transaction, which is borrowed: call rogue_mem_transaction_retain or
     * rogue_mem_slave_add_transaction to keep it beyond the call; see gives_reference. NULL:
     * transactions fail with "Unsupported transaction using unconnected memory bus".
     */
    void (*do_transaction)(void *ctx, rogue_mem_transaction_t *transaction);
    /**
     * Smallest access in bytes. NULL: the one given to rogue_mem_slave_new.
     */
    uint32_t (*min_access)(void *ctx);
    /**
     * Largest access in bytes, 0 = not limited. NULL: the one given to rogue_mem_slave_new.
     */
    uint32_t (*max_access)(void *ctx);
    /**
     * Base address of the slave as seen from the end of the path. NULL: 0.
     */
    uint64_t (*address)(void *ctx);
    /**
     * Id of the slave at the end of the path. NULL: rogue_mem_slave_id.
     */
    uint32_t (*slave_id)(void *ctx);
    /**
     * Name of the slave at the end of the path: writes at most capacity - 1 bytes and a NUL to
     * buffer and returns the full length; called again with more room if that was too little.
     * NULL: rogue_mem_slave_name.
     */
    size_t (*slave_name)(void *ctx, char *buffer, size_t capacity);
    /**
     * Whether do_transaction is given a reference to the transaction, to be given back by
     * rogue_mem_transaction_release at any time, instead of borrowing it: for bindings that would
     * retain each one anyway.
     */
    bool gives_reference;
    /**
     * What all callbacks but drop pass, see above; a reference of its own is taken. NULL: nothing.
     */
    rogue_mem_gate_t *gate;
} rogue_mem_slave_callbacks_t;

/**
 * Makes a slave from callbacks.
 *
 * @param min smallest access in bytes, advertised only.
 * @param max largest access in bytes; what is larger reaches the slave in parts if a hub or a
 * server hands it on. 0 = not limited.
 * @param callbacks what the slave does, copied; may be NULL: every transaction fails.
 * @param out receives the slave, a new reference. Untouched on failure, and then ctx stays the
 * caller's: drop is not called.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
 * callbacks has a wrong size.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_slave_new(uint32_t min,
                                       uint32_t max,
                                       const rogue_mem_slave_callbacks_t *callbacks,
                                       rogue_mem_slave_t **out);

/**
 * Adds a reference.
 *
 * @param slave the slave; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_slave_t *rogue_mem_slave_retain(rogue_mem_slave_t *slave);

/**
 * Gives a reference back. Masters that the slave is connected to keep it alive.
 *
 * @param slave the slave; NULL is allowed and ignored.
 *
 * Thread safe.
 */
void rogue_mem_slave_release(rogue_mem_slave_t *slave);

/**
 * The slave's own id, unique in this process.
 *
 * @param slave the slave.
 * @return the id; 0 for what a master without a slave is connected to, and if slave is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_slave_id(const rogue_mem_slave_t *slave);

/**
 * The smallest access that the slave was made with.
 *
 * @param slave the slave.
 * @return bytes; 0 if slave is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_slave_min(const rogue_mem_slave_t *slave);

/**
 * The largest access that the slave was made with.
 *
 * @param slave the slave.
 * @return bytes; 0 if slave is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_slave_max(const rogue_mem_slave_t *slave);

/**
 * The slave's own name: "Unnamed_" and its id, unless rogue_mem_slave_set_name has changed it.
 *
 * @param slave the slave.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_slave_name(const rogue_mem_slave_t *slave,
                                        char *buffer,
                                        size_t capacity,
                                        size_t *length);

/**
 * Names the slave.
 *
 * @param slave the slave.
 * @param name its name, UTF-8, copied.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_slave_set_name(rogue_mem_slave_t *slave, const char *name);

/**
 * Asks for the id of the slave at the end of the path, through the slave_id callback if it has
 * one.
 *
 * @param slave the slave.
 * @return the id; 0 if slave is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_slave_do_slave_id(const rogue_mem_slave_t *slave);

/**
 * Asks for the name of the slave at the end of the path, through the slave_name callback if it
 * has one.
 *
 * @param slave the slave.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_slave_do_slave_name(const rogue_mem_slave_t *slave,
                                                 char *buffer,
                                                 size_t capacity,
                                                 size_t *length);

/**
 * Asks for the smallest access, through the min_access callback if the slave has one.
 *
 * @param slave the slave.
 * @return bytes; 0 if slave is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_slave_do_min_access(const rogue_mem_slave_t *slave);

/**
 * Asks for the largest access, through the max_access callback if the slave has one.
 *
 * @param slave the slave.
 * @return bytes, 0 = not limited; 0 if slave is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_slave_do_max_access(const rogue_mem_slave_t *slave);

/**
 * Asks for the base address, through the address callback if the slave has one.
 *
 * @param slave the slave.
 * @return byte address as seen from the end of the path; 0 if slave is NULL.
 *
 * Thread safe.
 */
uint64_t rogue_mem_slave_do_address(const rogue_mem_slave_t *slave);

/**
 * Hands a transaction to the slave as it is, in this thread. The transaction's lock must not be
 * held.
 *
 * @param slave the slave; NULL is an error, and the transaction stays pending.
 * @param transaction the transaction, borrowed; NULL is an error.
 *
 * Thread safe.
 */
void rogue_mem_slave_do_transaction(rogue_mem_slave_t *slave, rogue_mem_transaction_t *transaction);

/**
 * Keeps a transaction, under its id, until rogue_mem_slave_take_transaction fetches it or its
 * requester gives it up. One that has already expired is not kept.
 *
 * @param slave the slave.
 * @param transaction the transaction; the slave takes a reference of its own.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe; the transaction's lock may be held or not.
 */
rogue_mem_status_t rogue_mem_slave_add_transaction(rogue_mem_slave_t *slave,
                                                   rogue_mem_transaction_t *transaction);

/**
 * Looks up and removes a kept transaction for which an answer has just come. That proves that the
 * link lives, so the clocks of all kept transactions that started with it or later are restarted.
 * The caller then tests rogue_mem_transaction_expired under its lock before it touches the data.
 *
 * @param slave the slave.
 * @param id the transaction's id.
 * @return the transaction, a new reference; NULL if none with that id is kept, as is usual for an
 * answer that comes too late and no error; NULL as well if slave is NULL.
 *
 * Thread safe.
 */
rogue_mem_transaction_t *rogue_mem_slave_take_transaction(rogue_mem_slave_t *slave, uint32_t id);

/**
 * Ends the slave's activity, where it has any of its own: a bridge client closes its connection
 * and fails what is outstanding. Returns without waiting for a peer; further calls do nothing.
 *
 * @param slave the slave; NULL is an error.
 *
 * Thread safe; also from a callback.
 */
void rogue_mem_slave_stop(rogue_mem_slave_t *slave);

/* --- Emulated memory -------------------------------------------------------------------------- */

/* Memory that exists only in this process, for tests, examples and simulations. */

/**
 * Makes a slave that is sparse byte memory over the whole 64-bit address space. What was never
 * written reads as zero. Transactions complete at once.
 *
 * @param min smallest access in bytes, advertised only.
 * @param max largest access in bytes, advertised only; 0 = not limited.
 * @param out receives the slave, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_emulate_new(uint32_t min, uint32_t max, rogue_mem_slave_t **out);

/* --- Masters ---------------------------------------------------------------------------------- */

/* A master makes transactions and waits for them. Any number may be outstanding, made and waited
 * for by any threads. */

/**
 * Set beside the id that rogue_mem_master_start returns: the transaction has succeeded, and need
 * not be waited for. It is 1 << 32.
 */
#define ROGUE_MEM_STARTED_DONE 4294967296

/**
 * What is to happen when a transaction has ended. Zero-initialise it, set size, and then the rest.
 */
typedef struct rogue_mem_observer_t {
    /**
     * sizeof(rogue_mem_observer_t).
     */
    size_t size;
    /**
     * Passed to every callback.
     */
    void *ctx;
    /**
     * Called exactly once, when ended will be called no more; on any thread. Not called if
     * rogue_mem_master_observe fails. NULL: nothing is called.
     */
    void (*drop)(void *ctx);
    /**
     * Called at most once, with the transaction's id, when it has ended in whatever way; must not
     * be NULL. Runs on the thread that ends it, which may have its data locked: it must neither
     * wait for the transaction nor take its lock.
     */
    void (*ended)(void *ctx, uint32_t id);
    /**
     * What all callbacks but drop pass, see above; a reference of its own is taken. NULL: nothing.
     */
    rogue_mem_gate_t *gate;
} rogue_mem_observer_t;

/**
 * Makes a master. Until rogue_mem_master_set_slave connects it, every request fails with
 * "Unsupported transaction using unconnected memory bus".
 *
 * @param out receives the master, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_master_new(rogue_mem_master_t **out);

/**
 * Adds a reference.
 *
 * @param master the master; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_master_t *rogue_mem_master_retain(rogue_mem_master_t *master);

/**
 * Gives a reference back. When the last one goes, all transactions that are still pending are
 * given up: once this has returned, no slave touches their buffers.
 *
 * @param master the master; NULL is allowed and ignored.
 *
 * Thread safe. A transaction's lock must not be held.
 */
void rogue_mem_master_release(rogue_mem_master_t *master);

/**
 * Connects the master to a slave, in place of what it was connected to.
 *
 * @param master the master.
 * @param slave the slave; the master takes a reference of its own.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_master_set_slave(rogue_mem_master_t *master, rogue_mem_slave_t *slave);

/**
 * What the master is connected to.
 *
 * @param master the master.
 * @return the slave, a new reference, whose address need not be that of the handle it was
 * connected with; NULL only if master is NULL.
 *
 * Thread safe.
 */
rogue_mem_slave_t *rogue_mem_master_slave(const rogue_mem_master_t *master);

/**
 * Asks for the id of the slave at the end of the path.
 *
 * @param master the master.
 * @return the id; 0 if there is none, or master is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_master_req_slave_id(const rogue_mem_master_t *master);

/**
 * Asks for the name of the slave at the end of the path.
 *
 * @param master the master.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_master_req_slave_name(const rogue_mem_master_t *master,
                                                   char *buffer,
                                                   size_t capacity,
                                                   size_t *length);

/**
 * Asks for the smallest access.
 *
 * @param master the master.
 * @return bytes; 0 if master is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_master_req_min_access(const rogue_mem_master_t *master);

/**
 * Asks for the largest access. A master does not split its requests, a hub does.
 *
 * @param master the master.
 * @return bytes, 0 = not limited; 0 if master is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_master_req_max_access(const rogue_mem_master_t *master);

/**
 * Asks for the address of what the master sees at 0, as seen from the end of the path.
 *
 * @param master the master.
 * @return byte address; 0 if master is NULL.
 *
 * Thread safe.
 */
uint64_t rogue_mem_master_req_address(const rogue_mem_master_t *master);

/**
 * The text of the last error that a wait on this master has met, for all threads that use it. The
 * result of rogue_mem_master_wait is the better place to look, for it is of one transaction.
 *
 * @param master the master.
 * @param buffer receives the text, "" if there was no error; see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_master_error(const rogue_mem_master_t *master,
                                          char *buffer,
                                          size_t capacity,
                                          size_t *length);

/**
 * Forgets the master's last error.
 *
 * @param master the master; NULL is an error.
 *
 * Thread safe.
 */
void rogue_mem_master_clear_error(rogue_mem_master_t *master);

/**
 * Sets the time that later transactions get from their last sign of life; it is one second at
 * first.
 *
 * @param master the master; NULL is an error.
 * @param microseconds the time; 0 leaves it as it is.
 *
 * Thread safe.
 */
void rogue_mem_master_set_timeout(rogue_mem_master_t *master, uint64_t microseconds);

/**
 * The time that transactions get.
 *
 * @param master the master.
 * @return microseconds; 0 if master is NULL.
 *
 * Thread safe.
 */
uint64_t rogue_mem_master_timeout(const rogue_mem_master_t *master);

/**
 * Starts a transaction. The slave may be called in this thread.
 *
 * @param master the master.
 * @param address byte address.
 * @param size number of bytes.
 * @param data size bytes, which stay the caller's but must remain valid, and untouched by the
 * caller, until rogue_mem_master_wait has returned for this transaction or the master is gone.
 * They are only read if type is ROGUE_MEM_WRITE or ROGUE_MEM_POST. NULL is allowed if size is 0.
 * @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
 * @param id receives the transaction's id, to be waited for. Untouched on failure.
 * @return ROGUE_MEM_OK, also if the transaction has already failed, which rogue_mem_master_wait
 * tells; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if type is none.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_master_request(rogue_mem_master_t *master,
                                            uint64_t address,
                                            uint32_t size,
                                            void *data,
                                            uint32_t type,
                                            uint32_t *id);

/**
 * Waits until a transaction has ended, at most for its timeout. Once this has returned, no slave
 * touches its buffer.
 *
 * @param master the master that made the transaction.
 * @param id the transaction's id; 0 = all that are outstanding now, the result then being that of
 * the failed one with the highest id.
 * @return ROGUE_MEM_OK, also for an id that is unknown or has been waited for;
 * ROGUE_MEM_ERROR_TRANSACTION if the slave reported an error; ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT
 * if nobody completed it in time; ROGUE_MEM_ERROR_NULL_ARGUMENT. The error's text is both that of
 * rogue_mem_last_error and of rogue_mem_master_error.
 *
 * Of a read over TCP that fails, the buffer is as it was; but one of more than 64 KiB may have
 * been filled in part where the connection broke, or the time ran out, while its data was coming.
 *
 * Thread safe; several threads may wait for one transaction. Its lock must not be held.
 */
rogue_mem_status_t rogue_mem_master_wait(rogue_mem_master_t *master, uint32_t id);

/**
 * Waits as rogue_mem_master_wait does, but no longer than is said here, so that a program can look
 * after something else now and then. A transaction that has not ended by then stays as it is.
 *
 * @param master the master that made the transaction.
 * @param id the transaction's id; 0 = all that are outstanding now.
 * @param microseconds how long to wait at most; 0 only looks.
 * @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_TRANSACTION, ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT and
 * ROGUE_MEM_ERROR_NULL_ARGUMENT as for rogue_mem_master_wait; ROGUE_MEM_ERROR_TIMEOUT if the
 * transaction, or with 0 one of them, has not ended yet, or its slave still holds its lock: it may
 * be waited for again. That is not the master's error.
 *
 * Thread safe; several threads may wait for one transaction. Its lock must not be held.
 */
rogue_mem_status_t rogue_mem_master_wait_for(rogue_mem_master_t *master,
                                             uint32_t id,
                                             uint64_t microseconds);

/**
 * Starts a transaction as rogue_mem_master_request does, for those to whom every call and every
 * pointer is dear, as to the bindings of other languages: what is written is copied, what is to be
 * known is returned, and a transaction that has succeeded by then, as it mostly has with a slave
 * that answers in this thread, is collected at once.
 *
 * @param master the master.
 * @param address byte address.
 * @param size number of bytes.
 * @param data size bytes. If type is ROGUE_MEM_WRITE or ROGUE_MEM_POST they are copied before this
 * returns. Otherwise they must remain valid, and untouched by the caller, until
 * rogue_mem_master_wait has returned for this transaction or the master is gone, unless the result
 * says that it has succeeded. NULL is allowed if size is 0.
 * @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
 * @return in bits 31 to 0 the transaction's id, which is never 0, and ROGUE_MEM_STARTED_DONE
 * beside it if it has succeeded already; a wait for it does no harm then. Without that bit it is
 * to be waited for, also if it has already failed; a posted write need not be. 0 if nothing was
 * started: rogue_mem_last_error_status is then ROGUE_MEM_ERROR_NULL_ARGUMENT,
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if type is none, or ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 *
 * Thread safe.
 */
uint64_t rogue_mem_master_start(rogue_mem_master_t *master,
                                uint64_t address,
                                uint32_t size,
                                void *data,
                                uint32_t type);

/**
 * Starts several transactions of one type, in the order given.
 *
 * @param master the master.
 * @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
 * @param count number of transactions.
 * @param addresses count byte addresses.
 * @param sizes count numbers of bytes.
 * @param data the bytes of all transactions, one after the other; otherwise as for
 * rogue_mem_master_request. NULL is allowed if there are none.
 * @param ids receives count ids, to be waited for. Untouched on failure, when nothing has been
 * started.
 * @return ROGUE_MEM_OK, also if transactions have already failed; ROGUE_MEM_ERROR_NULL_ARGUMENT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if type is none, or there cannot be as many bytes.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_master_request_many(rogue_mem_master_t *master,
                                                 uint32_t type,
                                                 size_t count,
                                                 const uint64_t *addresses,
                                                 const uint32_t *sizes,
                                                 void *data,
                                                 uint32_t *ids);

/**
 * Tells the ids of all transactions that are outstanding now: requested, and not waited for.
 *
 * @param master the master.
 * @param ids_or_null receives the first capacity ids, lowest first; may be NULL if capacity is 0.
 * @param capacity number of ids that there is room for.
 * @param count receives the number of all of them.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if there
 * cannot be as much room.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_master_outstanding(rogue_mem_master_t *master,
                                                uint32_t *ids_or_null,
                                                size_t capacity,
                                                size_t *count);

/**
 * Waits for several transactions, in the order given, until the first of them that failed.
 *
 * @param master the master that made the transactions.
 * @param count number of ids.
 * @param ids count ids, none of them 0.
 * @param microseconds how long to wait at most, for all together; 0 only looks.
 * @param waited receives how many of them have ended, from the first on; the last of these is the
 * one that failed, if one did. Set whatever is returned but for the errors of an argument.
 * @return ROGUE_MEM_OK if all have ended well; ROGUE_MEM_ERROR_TRANSACTION or
 * ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT if one failed, as for rogue_mem_master_wait;
 * ROGUE_MEM_ERROR_TIMEOUT if the time has passed first; ROGUE_MEM_ERROR_NULL_ARGUMENT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if there cannot be as many ids.
 *
 * Thread safe. No lock of the transactions must be held.
 */
rogue_mem_status_t rogue_mem_master_wait_many(rogue_mem_master_t *master,
                                              size_t count,
                                              const uint32_t *ids,
                                              uint64_t microseconds,
                                              size_t *waited);

/**
 * Has a function called when a transaction has ended, for programs that do not block in a wait.
 * The transaction must be waited for nevertheless, which then does not block; and only a wait, as
 * rogue_mem_master_wait_for with 0 is one, looks whether its time has passed.
 *
 * @param master the master that made the transaction.
 * @param id the transaction's id.
 * @param observer what is to happen, copied; in this call if the transaction has ended already.
 * Takes the place of one that was set before, which is called no more.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if its ended is NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size; ROGUE_MEM_ERROR_NOT_FOUND if no such
 * transaction is outstanding.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_master_observe(rogue_mem_master_t *master,
                                            uint32_t id,
                                            const rogue_mem_observer_t *observer);

/**
 * Gives transactions up: once one has been, no slave touches its buffer, and it is not there to be
 * waited for any more.
 *
 * @param master the master that made the transactions.
 * @param count number of ids.
 * @param ids_or_null count ids; NULL: all transactions that are outstanding, whatever count is.
 * @param microseconds how long to wait at most, for all together, for slaves that hold the lock of
 * a transaction; 0 does not wait.
 * @return true if all have been given up or had ended and been collected; false if one has not
 * because its lock is held: it stays as it is, and with it its buffer is in use. Also false, with
 * the last error set, if master is NULL or there cannot be as many ids.
 *
 * Thread safe.
 */
bool rogue_mem_master_give_up_for(rogue_mem_master_t *master,
                                  size_t count,
                                  const uint32_t *ids_or_null,
                                  uint64_t microseconds);

/* --- Hubs ------------------------------------------------------------------------------------- */

/* A hub is a master and a slave in one. What reaches its slave half goes out of its master half
 * with the hub's offset added to the address, in parts where it is larger than the largest access
 * downstream.
 *
 * Hubs must not be connected in a circle: a request that has come through 64 of them, one calling
 * the other, fails with ROGUE_MEM_ERROR_TRANSACTION and a text that says so, and a query is
 * answered as that of a master without a slave. A slave of the program's own counts as a hub.
 *
 * A hub that translates is a slave of the program's own (rogue_mem_slave_new) whose do_transaction
 * callback makes requests through rogue_mem_hub_master, or ends by rogue_mem_hub_forward. */

/**
 * Makes a hub.
 *
 * @param offset in bytes, added to the address of what passes.
 * @param min smallest access in bytes.
 * @param max largest access in bytes. If min and max are both other than 0, the hub is the root of
 * an address space of its own: it reports its own id, name and limits, and address 0.
 * @param out receives the hub, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_hub_new(uint64_t offset,
                                     uint32_t min,
                                     uint32_t max,
                                     rogue_mem_hub_t **out);

/**
 * Adds a reference.
 *
 * @param hub the hub; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_hub_t *rogue_mem_hub_retain(rogue_mem_hub_t *hub);

/**
 * Gives a reference back. Its halves, and masters that it is connected to, keep what they need.
 *
 * @param hub the hub; NULL is allowed and ignored.
 *
 * Thread safe.
 */
void rogue_mem_hub_release(rogue_mem_hub_t *hub);

/**
 * The hub's master half, to be connected to what lies downstream. Requests made through it are
 * relative to the next layer: the hub's offset is not added to them.
 *
 * @param hub the hub.
 * @return the master, a new reference; NULL if hub is NULL.
 *
 * Thread safe.
 */
rogue_mem_master_t *rogue_mem_hub_master(const rogue_mem_hub_t *hub);

/**
 * The hub's slave half, to be given to masters upstream.
 *
 * @param hub the hub.
 * @return the slave, a new reference, which keeps the whole hub alive; NULL if hub is NULL.
 *
 * Thread safe.
 */
rogue_mem_slave_t *rogue_mem_hub_slave(const rogue_mem_hub_t *hub);

/**
 * The hub's own offset.
 *
 * @param hub the hub.
 * @return bytes; 0 if hub is NULL.
 *
 * Thread safe.
 */
uint64_t rogue_mem_hub_offset(const rogue_mem_hub_t *hub);

/**
 * The address of what the hub hands on from its own address 0, as seen from the end of the path;
 * also for the root of an address space.
 *
 * @param hub the hub.
 * @return byte address; 0 if hub is NULL.
 *
 * Thread safe.
 */
uint64_t rogue_mem_hub_address(const rogue_mem_hub_t *hub);

/**
 * Adds the hub's offset to a transaction's address and hands it on, in parts if need be, in this
 * thread. The transaction's lock must not be held.
 *
 * @param hub the hub; NULL is an error, and the transaction stays pending.
 * @param transaction the transaction, borrowed; NULL is an error.
 *
 * Thread safe.
 */
void rogue_mem_hub_forward(rogue_mem_hub_t *hub, rogue_mem_transaction_t *transaction);

/* --- Ranges of bits --------------------------------------------------------------------------- */

/* Ranges of bits. Bit n of a byte string is bit n % 8, counted from the least significant, of byte
 * n / 8. */

/**
 * Copies a range of bits; other bits of the destination keep their value. Source and destination
 * may overlap; the source is then copied aside first.
 *
 * @param dst bytes to copy to.
 * @param dst_size number of bytes at dst.
 * @param dst_lsb first bit to copy to.
 * @param src bytes to copy from.
 * @param src_size number of bytes at src.
 * @param src_lsb first bit to copy from.
 * @param bits number of bits.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if a range
 * does not lie within its bytes, and then nothing is changed.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_copy_bits(uint8_t *dst,
                                       size_t dst_size,
                                       uint64_t dst_lsb,
                                       const uint8_t *src,
                                       size_t src_size,
                                       uint64_t src_lsb,
                                       uint64_t bits);

/**
 * Sets a range of bits to one.
 *
 * @param dst bytes to change.
 * @param dst_size number of bytes at dst.
 * @param lsb first bit.
 * @param bits number of bits.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * range does not lie within the bytes, and then nothing is changed.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_set_bits(uint8_t *dst, size_t dst_size, uint64_t lsb, uint64_t bits);

/**
 * Asks whether any bit of a range is one.
 *
 * @param src bytes to look at.
 * @param src_size number of bytes at src.
 * @param lsb first bit.
 * @param bits number of bits.
 * @param any receives the answer, false for a range of no bits. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * range does not lie within the bytes.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_any_bits(const uint8_t *src,
                                      size_t src_size,
                                      uint64_t lsb,
                                      uint64_t bits,
                                      bool *any);

/* --- Memory TCP bridge: servers --------------------------------------------------------------- */

/* A bridge server listens on two consecutive ports, for requests and for responses, and serves the
 * slave that its master is connected to. Requests of one client reach the slave in the order of
 * their arrival, in the server's own thread, several outstanding at once; each answer goes to the
 * client that asked. A slave that blocks stalls its own server only. */

/**
 * Legacy clients, which announce no session, are told apart by the process that owns them on the
 * same host, and by their address elsewhere: one client for each.
 */
#define ROGUE_MEM_LEGACY_AUTO 0

/**
 * One legacy client is served for each source address.
 */
#define ROGUE_MEM_LEGACY_ONE_PER_ADDRESS 1

/**
 * Legacy clients are told apart by the process that owns them; those whose process cannot be seen
 * are not served.
 */
#define ROGUE_MEM_LEGACY_LOCAL_PID 2

/**
 * Legacy clients are not served.
 */
#define ROGUE_MEM_LEGACY_REFUSE 3

/**
 * In place of the time for which a server or a client looks again before it sleeps: none.
 */
#define ROGUE_MEM_SPIN_NEVER UINT32_MAX

/**
 * What may be chosen about a server. Zero-initialise it, set size, and then what is wanted.
 */
typedef struct rogue_mem_tcp_server_options_t {
    /**
     * sizeof(rogue_mem_tcp_server_options_t).
     */
    size_t size;
    /**
     * Requests of one client that may be outstanding at the slave; 1 = strictly one at a time,
     * 0 = 1024.
     */
    uint32_t window;
    /**
     * ROGUE_MEM_LEGACY_...: how clients that announce no session are told apart.
     */
    uint32_t legacy;
    /**
     * Milliseconds for which the connections of one address must have been unambiguous before they
     * are paired, where ports or processes do not tell; 0 = 400.
     */
    uint32_t settle_ms;
    /**
     * Clients served at once; 0 = 1024.
     */
    uint32_t clients_max;
    /**
     * Bytes of the largest transaction; larger requests are refused. 0 = 64 MiB.
     */
    uint64_t transaction_bytes_max;
    /**
     * Microseconds for which the server looks for the next request before it sleeps, which keeps
     * a processor busy. 0 = adaptive: up to 50, where that has been worth it lately.
     * ROGUE_MEM_SPIN_NEVER = none.
     */
    uint32_t spin_us;
    /**
     * Whether answers go out on a connection of their own to every client, as Rogue's do.
     * Otherwise they go back on that of the requests where the client agrees, which saves both
     * systems acknowledgements.
     */
    bool no_duplex;
} rogue_mem_tcp_server_options_t;

/**
 * What a server has done so far. Set size before it is filled.
 */
typedef struct rogue_mem_tcp_server_stats_t {
    /**
     * sizeof(rogue_mem_tcp_server_stats_t).
     */
    size_t size;
    /**
     * Clients being served now.
     */
    uint64_t clients;
    /**
     * Connections now open that belong to no served client yet.
     */
    uint64_t held;
    /**
     * Connections accepted.
     */
    uint64_t accepted;
    /**
     * Requests received, readiness probes included.
     */
    uint64_t requests;
    /**
     * Responses queued for sending.
     */
    uint64_t responses;
    /**
     * Messages dropped because they are no requests.
     */
    uint64_t malformed;
    /**
     * Requests answered with an error without reaching the slave.
     */
    uint64_t refused;
    /**
     * Responses dropped because their client had gone.
     */
    uint64_t dropped_responses;
    /**
     * Bytes received.
     */
    uint64_t bytes_in;
    /**
     * Bytes of responses queued for sending.
     */
    uint64_t bytes_out;
} rogue_mem_tcp_server_stats_t;

/**
 * Opens a server, which serves from here on. Until its master is connected to a slave, requests
 * are answered with "Unsupported transaction using unconnected memory bus".
 *
 * @param addr where to listen: "*" for everywhere, an IPv4 or IPv6 address, the name of an
 * interface or of a host.
 * @param port port of requests; that of responses is the next one. 0 = a free pair, see
 * rogue_mem_tcp_server_port.
 * @param options_or_null what may be chosen; NULL: the defaults.
 * @param out receives the server, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if an
 * option or the port cannot be meant; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_BIND if a port
 * is taken or not allowed; ROGUE_MEM_ERROR_RESOLVE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 *
 * Thread safe. Blocks while the system resolves addr, if that is a name.
 */
rogue_mem_status_t rogue_mem_tcp_server_new(const char *addr,
                                            uint16_t port,
                                            const rogue_mem_tcp_server_options_t *options_or_null,
                                            rogue_mem_tcp_server_t **out);

/**
 * Adds a reference.
 *
 * @param server the server; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_tcp_server_t *rogue_mem_tcp_server_retain(rogue_mem_tcp_server_t *server);

/**
 * Gives a reference back. The last one stops the server.
 *
 * @param server the server; NULL is allowed and ignored.
 *
 * Thread safe; also from a callback that the server makes.
 */
void rogue_mem_tcp_server_release(rogue_mem_tcp_server_t *server);

/**
 * The master through which requests reach the slave, to be connected to it; its timeout is the
 * time that the slave has.
 *
 * @param server the server.
 * @return the master, a new reference; NULL if server is NULL.
 *
 * Thread safe.
 */
rogue_mem_master_t *rogue_mem_tcp_server_master(const rogue_mem_tcp_server_t *server);

/**
 * The port of requests, also where port 0 asked for a free pair.
 *
 * @param server the server.
 * @return the port; 0 if server is NULL.
 *
 * Thread safe.
 */
uint16_t rogue_mem_tcp_server_port(const rogue_mem_tcp_server_t *server);

/**
 * Does nothing, for a server serves from its creation; for programs that treat servers and clients
 * alike.
 *
 * @param server the server.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_tcp_server_start(rogue_mem_tcp_server_t *server);

/**
 * Stops serving: closes both ports and all connections. Returns within 100 ms, whatever the peers
 * do; where the slave blocks for longer, the ports close when it returns. Further calls do
 * nothing.
 *
 * @param server the server; NULL is an error.
 *
 * Thread safe; also from a callback that the server makes.
 */
void rogue_mem_tcp_server_stop(rogue_mem_tcp_server_t *server);

/**
 * What the server has done so far.
 *
 * @param server the server.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_tcp_server_stats(const rogue_mem_tcp_server_t *server,
                                              rogue_mem_tcp_server_stats_t *stats);

/* --- Memory TCP bridge: clients --------------------------------------------------------------- */

/* A bridge client is a slave whose transactions are carried out by a remote server: this
 * library's, Rogue's, or a simulation's. It connects by itself, and again for ever until it is
 * stopped. While there is no connection a request waits for one until its own timeout; one that is
 * on its way when the connection breaks fails at once; none is sent twice. */

/**
 * State of a client: not connected; attempts go on.
 */
#define ROGUE_MEM_CLIENT_CONNECTING 0

/**
 * State of a client: connected over TCP, but the server has not accepted it yet.
 */
#define ROGUE_MEM_CLIENT_HANDSHAKE 1

/**
 * State of a client: requests are sent.
 */
#define ROGUE_MEM_CLIENT_CONNECTED 2

/**
 * State of a client: stopped for good.
 */
#define ROGUE_MEM_CLIENT_STOPPED 3

/**
 * What may be chosen about a client. Zero-initialise it, set size, and then what is wanted.
 */
typedef struct rogue_mem_tcp_client_options_t {
    /**
     * sizeof(rogue_mem_tcp_client_options_t).
     */
    size_t size;
    /**
     * Whether rogue_mem_tcp_client_start waits for the server.
     */
    bool wait_ready;
    /**
     * Whether readiness probes are also sent to servers that have not said that they know them.
     * They crash a running SURF simulation.
     */
    bool probe_legacy;
    /**
     * Requests that may be on their way at once, further ones wait; 0 = 400 towards servers that
     * announce no session, 8192 towards others.
     */
    uint32_t window;
    /**
     * Bytes of the largest transaction; 0 = not limited.
     */
    uint64_t transaction_bytes_max;
    /**
     * Microseconds for which a thread that waits for an answer looks again and again before it
     * sleeps, which keeps a processor busy. 0 = adaptive: up to 50, where that has been worth it
     * lately. ROGUE_MEM_SPIN_NEVER = none.
     */
    uint32_t spin_us;
    /**
     * Whether all answers are read by the client's own thread. Otherwise a thread that waits
     * for one reads them itself meanwhile, which saves a change of threads.
     */
    bool no_direct;
    /**
     * Whether answers come on a connection of their own from every server, as Rogue's do.
     * Otherwise they come back on that of the requests where the server agrees, which saves both
     * systems acknowledgements.
     */
    bool no_duplex;
} rogue_mem_tcp_client_options_t;

/**
 * What a client has done so far. Set size before it is filled.
 */
typedef struct rogue_mem_tcp_client_stats_t {
    /**
     * sizeof(rogue_mem_tcp_client_stats_t).
     */
    size_t size;
    /**
     * Requests not answered yet, those not sent yet included.
     */
    uint64_t outstanding;
    /**
     * Requests not sent yet.
     */
    uint64_t queued;
    /**
     * Requests sent, readiness probes included.
     */
    uint64_t requests;
    /**
     * Responses received.
     */
    uint64_t responses;
    /**
     * Connections made.
     */
    uint64_t connects;
    /**
     * Connections lost.
     */
    uint64_t disconnects;
    /**
     * Responses that nobody waited for any more.
     */
    uint64_t dropped_responses;
    /**
     * Bytes received.
     */
    uint64_t bytes_in;
    /**
     * Bytes sent.
     */
    uint64_t bytes_out;
} rogue_mem_tcp_client_stats_t;

/**
 * Makes a client, which begins to connect. Returns at once, whether there is a server or not.
 *
 * @param addr the server: an IPv4 or IPv6 address or the name of a host, which is resolved at
 * every attempt.
 * @param port the server's port of requests; that of responses is the next one.
 * @param options_or_null what may be chosen; NULL: the defaults.
 * @param out receives the client, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if addr,
 * the port or an option cannot be meant; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_tcp_client_new(const char *addr,
                                            uint16_t port,
                                            const rogue_mem_tcp_client_options_t *options_or_null,
                                            rogue_mem_tcp_client_t **out);

/**
 * Adds a reference.
 *
 * @param client the client; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_tcp_client_t *rogue_mem_tcp_client_retain(rogue_mem_tcp_client_t *client);

/**
 * Gives a reference back. The last one stops the client; its slave, and masters that this is
 * connected to, hold one each.
 *
 * @param client the client; NULL is allowed and ignored.
 *
 * Thread safe; also from a callback.
 */
void rogue_mem_tcp_client_release(rogue_mem_tcp_client_t *client);

/**
 * The client as a slave, to be given to masters.
 *
 * @param client the client.
 * @return the slave, a new reference, which keeps the client alive; NULL if client is NULL.
 *
 * Thread safe.
 */
rogue_mem_slave_t *rogue_mem_tcp_client_slave(const rogue_mem_tcp_client_t *client);

/**
 * Waits until the server is ready. A server that knows readiness probes is asked every period
 * until it answers; towards any other, ready means that the client is connected.
 *
 * @param client the client.
 * @param timeout_seconds how long to wait; 0 or less only looks.
 * @param period_seconds how often to ask, at most every millisecond.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_TIMEOUT, the last error telling the obstacle;
 * ROGUE_MEM_ERROR_STOPPED; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if a
 * time is not a number, or in a callback that the client makes.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_tcp_client_wait_ready(rogue_mem_tcp_client_t *client,
                                                   double timeout_seconds,
                                                   double period_seconds);

/**
 * Waits 10 seconds for the server, if the client was made with wait_ready; else does nothing.
 *
 * @param client the client.
 * @return ROGUE_MEM_OK, and all that rogue_mem_tcp_client_wait_ready returns:
 * ROGUE_MEM_ERROR_TIMEOUT, ROGUE_MEM_ERROR_STOPPED, ROGUE_MEM_ERROR_NULL_ARGUMENT,
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_tcp_client_start(rogue_mem_tcp_client_t *client);

/**
 * Closes the connections and fails every transaction that is outstanding or comes later, at once.
 * Returns within 100 ms; further calls do nothing.
 *
 * @param client the client; NULL is an error.
 *
 * Thread safe; also from a callback.
 */
void rogue_mem_tcp_client_stop(rogue_mem_tcp_client_t *client);

/**
 * How far the client has come with its server.
 *
 * @param client the client.
 * @return ROGUE_MEM_CLIENT_...; ROGUE_MEM_CLIENT_CONNECTING, with the last error set, if client is
 * NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_tcp_client_state(const rogue_mem_tcp_client_t *client);

/**
 * The state in words, with the obstacle where there is one.
 *
 * @param client the client.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_tcp_client_state_text(const rogue_mem_tcp_client_t *client,
                                                   char *buffer,
                                                   size_t capacity,
                                                   size_t *length);

/**
 * What the client has done so far.
 *
 * @param client the client.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_tcp_client_stats(const rogue_mem_tcp_client_t *client,
                                              rogue_mem_tcp_client_stats_t *stats);

/* --- Frames ----------------------------------------------------------------------------------- */

/* A frame is a number of bytes on their way through a stream, with what is said about them. Slaves
 * of one master share it. The bytes that it has room for come one after the other; the first of
 * them, as many as rogue_mem_frame_payload says, are its payload.
 *
 * The payload is guarded by the frame's lock. Functions that touch it take the lock by themselves,
 * unless the calling thread has taken it by rogue_mem_frame_lock. Flags, channel and error need no
 * lock. */

/**
 * Makes a frame of one piece, without payload.
 *
 * @param capacity bytes that the payload can have.
 * @param out receives the frame, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_frame_new(uint32_t capacity, rogue_mem_frame_t **out);

/**
 * Adds a reference.
 *
 * @param frame the frame; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_frame_t *rogue_mem_frame_retain(rogue_mem_frame_t *frame);

/**
 * Gives a reference back.
 *
 * @param frame the frame; NULL is allowed and ignored.
 *
 * Thread safe.
 */
void rogue_mem_frame_release(rogue_mem_frame_t *frame);

/**
 * Locks the frame's payload, waiting for whoever has it locked. A thread may lock it several
 * times, and must unlock it as often. It must not be sent meanwhile.
 *
 * @param frame the frame, which is kept alive until it is unlocked; NULL is an error.
 *
 * Thread safe.
 */
void rogue_mem_frame_lock(rogue_mem_frame_t *frame);

/**
 * Locks the frame's payload as rogue_mem_frame_lock does, unless that would take too long.
 *
 * @param frame the frame, which is kept alive until it is unlocked.
 * @param microseconds how long to wait at most; 0 only tries.
 * @param held_or_null set to true together with the locking, for languages in which an exception
 * can come between any two steps, and see rogue_mem_frame_unlock_held. If it is true already
 * nothing is locked once more.
 * @return true if it is locked, to be unlocked by rogue_mem_frame_unlock or
 * rogue_mem_frame_unlock_held; false if it is not, and, with the last error set, if frame is NULL.
 *
 * Thread safe, with a held_or_null of its own for each thread.
 */
bool rogue_mem_frame_lock_for(rogue_mem_frame_t *frame, uint64_t microseconds, bool *held_or_null);

/**
 * Unlocks the frame's payload.
 *
 * @param frame the frame; NULL, or one that this thread has not locked, is an error.
 *
 * Thread safe; to be called by the thread that locked it.
 */
void rogue_mem_frame_unlock(rogue_mem_frame_t *frame);

/**
 * Unlocks the frame's payload if rogue_mem_frame_lock_for has said that it is locked.
 *
 * @param frame the frame; NULL, or one that this thread has not locked although held says so, is
 * an error.
 * @param held what rogue_mem_frame_lock_for has set; set to false together with the unlocking.
 * NULL is an error.
 *
 * Thread safe; to be called by the thread that locked it.
 */
void rogue_mem_frame_unlock_held(rogue_mem_frame_t *frame, bool *held);

/**
 * The bytes that the payload can have.
 *
 * @param frame the frame.
 * @return bytes; 0 if frame is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_frame_size(const rogue_mem_frame_t *frame);

/**
 * The bytes by which the payload can grow.
 *
 * @param frame the frame.
 * @return bytes; 0 if frame is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_frame_available(const rogue_mem_frame_t *frame);

/**
 * The bytes of the payload.
 *
 * @param frame the frame.
 * @return bytes; 0 if frame is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_frame_payload(const rogue_mem_frame_t *frame);

/**
 * Makes the payload longer or shorter. Bytes that it gains are those that lie in memory.
 *
 * @param frame the frame.
 * @param payload its new length in bytes.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the frame has not
 * so much room.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_frame_set_payload(rogue_mem_frame_t *frame, uint32_t payload);

/**
 * The bytes of the frame: rogue_mem_frame_size of them, in one piece, the payload first. A frame
 * of several pieces is put together for it, which happens once. Use the result under the frame's
 * lock where others may have the frame.
 *
 * @param frame the frame.
 * @return the first byte, valid as long as the frame; NULL if it has no room at all, there is no
 * memory to put it together, or frame is NULL.
 *
 * Thread safe.
 */
uint8_t *rogue_mem_frame_data(rogue_mem_frame_t *frame);

/**
 * Copies bytes of the payload out.
 *
 * @param frame the frame.
 * @param offset first byte, counted from the start of the payload.
 * @param into where to copy to, outside of the frame; may be NULL if count is 0. Untouched on
 * failure.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the range does not
 * lie within the payload.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_frame_read_data(const rogue_mem_frame_t *frame,
                                             uint32_t offset,
                                             uint8_t *into,
                                             uint32_t count);

/**
 * Copies bytes into the payload, which does not grow by it.
 *
 * @param frame the frame.
 * @param offset first byte, counted from the start of the payload.
 * @param from where to copy from, outside of the frame; may be NULL if count is 0.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the range does not
 * lie within the payload, and then nothing is changed.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_frame_write_data(rogue_mem_frame_t *frame,
                                              uint32_t offset,
                                              const uint8_t *from,
                                              uint32_t count);

/**
 * The flags: bits 7 to 0 are the first user byte, bits 15 to 8 the last user byte.
 *
 * @param frame the frame.
 * @return the flags, 0 in a new frame; 0 if frame is NULL.
 *
 * Thread safe.
 */
uint16_t rogue_mem_frame_flags(const rogue_mem_frame_t *frame);

/**
 * Replaces the flags.
 *
 * @param frame the frame; NULL is an error.
 * @param flags the new flags.
 *
 * Thread safe.
 */
void rogue_mem_frame_set_flags(rogue_mem_frame_t *frame, uint16_t flags);

/**
 * The user bits that go with the first byte (AXI-Stream TUSER).
 *
 * @param frame the frame.
 * @return the bits, 0 in a new frame; 0 if frame is NULL.
 *
 * Thread safe.
 */
uint8_t rogue_mem_frame_first_user(const rogue_mem_frame_t *frame);

/**
 * Replaces the first user byte.
 *
 * @param frame the frame; NULL is an error.
 * @param user the new bits.
 *
 * Thread safe.
 */
void rogue_mem_frame_set_first_user(rogue_mem_frame_t *frame, uint8_t user);

/**
 * The user bits that go with the last byte (AXI-Stream TUSER).
 *
 * @param frame the frame.
 * @return the bits, 0 in a new frame; 0 if frame is NULL.
 *
 * Thread safe.
 */
uint8_t rogue_mem_frame_last_user(const rogue_mem_frame_t *frame);

/**
 * Replaces the last user byte.
 *
 * @param frame the frame; NULL is an error.
 * @param user the new bits.
 *
 * Thread safe.
 */
void rogue_mem_frame_set_last_user(rogue_mem_frame_t *frame, uint8_t user);

/**
 * The channel.
 *
 * @param frame the frame.
 * @return the channel, 0 in a new frame; 0 if frame is NULL.
 *
 * Thread safe.
 */
uint8_t rogue_mem_frame_channel(const rogue_mem_frame_t *frame);

/**
 * Replaces the channel.
 *
 * @param frame the frame; NULL is an error.
 * @param channel the new channel.
 *
 * Thread safe.
 */
void rogue_mem_frame_set_channel(rogue_mem_frame_t *frame, uint8_t channel);

/**
 * The error.
 *
 * @param frame the frame.
 * @return the error, 0 if the frame is good; 0 if frame is NULL.
 *
 * Thread safe.
 */
uint8_t rogue_mem_frame_error(const rogue_mem_frame_t *frame);

/**
 * Replaces the error.
 *
 * @param frame the frame; NULL is an error.
 * @param error the new error; 0 says that the frame is good.
 *
 * Thread safe.
 */
void rogue_mem_frame_set_error(rogue_mem_frame_t *frame, uint8_t error);

/* --- Stream slaves ---------------------------------------------------------------------------- */

/* A stream slave receives frames. Programs make their own from a callback, or get one from an
 * object that receives: rogue_mem_srp_v3_stream_slave, rogue_mem_srp_v3_emulation_stream_slave.
 *
 * The callback runs in the thread that sends, with no lock held, and several at once where frames
 * come from several threads. It may call every function of this header, and may send frames
 * itself. */

/**
 * What a stream slave made by rogue_mem_stream_slave_new does. Zero-initialise it, set size, and
 * then the rest.
 */
typedef struct rogue_mem_stream_slave_callbacks_t {
    /**
     * sizeof(rogue_mem_stream_slave_callbacks_t).
     */
    size_t size;
    /**
     * Passed to every callback.
     */
    void *ctx;
    /**
     * Called exactly once, when accept_frame will be called no more; on any thread. Not called if
     * rogue_mem_stream_slave_new fails. NULL: nothing is called.
     */
    void (*drop)(void *ctx);
    /**
     * Receives a frame, which is borrowed: call rogue_mem_frame_retain to keep it. Other slaves
     * may receive the same frame after this one. NULL: frames are only counted.
     */
    void (*accept_frame)(void *ctx, rogue_mem_frame_t *frame);
    /**
     * What all callbacks but drop pass, see above; a reference of its own is taken. NULL: nothing.
     */
    rogue_mem_gate_t *gate;
} rogue_mem_stream_slave_callbacks_t;

/**
 * Makes a stream slave from a callback.
 *
 * @param callbacks what the slave does, copied; may be NULL: frames are only counted.
 * @param out receives the slave, a new reference. Untouched on failure, and then ctx stays the
 * caller's: drop is not called.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
 * callbacks has a wrong size.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_stream_slave_new(const rogue_mem_stream_slave_callbacks_t *callbacks,
                                              rogue_mem_stream_slave_t **out);

/**
 * Adds a reference.
 *
 * @param slave the stream slave; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_stream_slave_t *rogue_mem_stream_slave_retain(rogue_mem_stream_slave_t *slave);

/**
 * Gives a reference back. Stream masters that the slave is connected to keep it alive.
 *
 * @param slave the stream slave; NULL is allowed and ignored.
 *
 * Thread safe.
 */
void rogue_mem_stream_slave_release(rogue_mem_stream_slave_t *slave);

/**
 * Hands a frame to the slave, in this thread.
 *
 * @param slave the stream slave.
 * @param frame the frame, borrowed; this thread must not have it locked.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if this
 * thread has the frame locked.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_stream_slave_accept_frame(rogue_mem_stream_slave_t *slave,
                                                       rogue_mem_frame_t *frame);

/**
 * Asks the slave for a frame to fill and send to it.
 *
 * @param slave the stream slave.
 * @param size bytes that it must have room for.
 * @param zero_copy whether it may lie in memory that the slave can send without copying.
 * @param out receives the frame, without payload, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_stream_slave_req_frame(rogue_mem_stream_slave_t *slave,
                                                    uint32_t size,
                                                    bool zero_copy,
                                                    rogue_mem_frame_t **out);

/**
 * The number of frames received.
 *
 * @param slave the stream slave.
 * @return frames; 0 if slave is NULL.
 *
 * Thread safe.
 */
uint64_t rogue_mem_stream_slave_frame_count(const rogue_mem_stream_slave_t *slave);

/**
 * The payload of the frames received.
 *
 * @param slave the stream slave.
 * @return bytes; 0 if slave is NULL.
 *
 * Thread safe.
 */
uint64_t rogue_mem_stream_slave_byte_count(const rogue_mem_stream_slave_t *slave);

/**
 * Counts the slave's buffers that are in use by frames now. A frame has one, or with a fixed size
 * as many as its room takes.
 *
 * @param slave the stream slave.
 * @return number of buffers; 0 if slave is NULL.
 *
 * Thread safe.
 */
uint64_t rogue_mem_stream_slave_alloc_count(const rogue_mem_stream_slave_t *slave);

/**
 * Counts the bytes of the slave's buffers that are in use by frames now.
 *
 * @param slave the stream slave.
 * @return bytes; 0 if slave is NULL.
 *
 * Thread safe.
 */
uint64_t rogue_mem_stream_slave_alloc_bytes(const rogue_mem_stream_slave_t *slave);

/**
 * The size of the slave's buffers.
 *
 * @param slave the stream slave.
 * @return bytes, 0 = as large as asked for; 0 if slave is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_stream_slave_fixed_size(const rogue_mem_stream_slave_t *slave);

/**
 * Sets the size of the slave's buffers: later frames have as many as their room takes.
 *
 * @param slave the stream slave; NULL is an error.
 * @param bytes size of each; 0 = as large as asked for, as it is at first.
 *
 * Thread safe.
 */
void rogue_mem_stream_slave_set_fixed_size(rogue_mem_stream_slave_t *slave, uint32_t bytes);

/**
 * How many buffers of the fixed size are kept to be used again.
 *
 * @param slave the stream slave.
 * @return number of buffers at most; 0 if slave is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_stream_slave_pool_size(const rogue_mem_stream_slave_t *slave);

/**
 * Sets how many buffers of the fixed size are kept to be used again. Bytes of a frame that were
 * never written may then be those of an earlier one.
 *
 * @param slave the stream slave; NULL is an error.
 * @param count number of buffers at most; it is 0 at first.
 *
 * Thread safe.
 */
void rogue_mem_stream_slave_set_pool_size(rogue_mem_stream_slave_t *slave, uint32_t count);

/* --- Stream masters --------------------------------------------------------------------------- */

/* A stream master sends frames to the slaves that it is connected to, and keeps these alive. */

/**
 * Makes a stream master that is connected to nothing.
 *
 * @param out receives the master, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_stream_master_new(rogue_mem_stream_master_t **out);

/**
 * Adds a reference.
 *
 * @param master the stream master; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_stream_master_t *rogue_mem_stream_master_retain(rogue_mem_stream_master_t *master);

/**
 * Gives a reference back.
 *
 * @param master the stream master; NULL is allowed and ignored.
 *
 * Thread safe.
 */
void rogue_mem_stream_master_release(rogue_mem_stream_master_t *master);

/**
 * Connects a slave, after those that are connected already. The one that was connected first is
 * asked for frames, and receives each frame last.
 *
 * @param master the stream master.
 * @param slave the stream slave; the master takes a reference of its own.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES beyond
 * 1024 slaves.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_stream_master_add_slave(rogue_mem_stream_master_t *master,
                                                     rogue_mem_stream_slave_t *slave);

/**
 * The number of slaves connected.
 *
 * @param master the stream master.
 * @return slaves; 0 if master is NULL.
 *
 * Thread safe.
 */
uint32_t rogue_mem_stream_master_slave_count(const rogue_mem_stream_master_t *master);

/**
 * Asks the slave that was connected first for a frame to fill and send; where there is none, the
 * master makes one itself.
 *
 * @param master the stream master.
 * @param size bytes that it must have room for.
 * @param zero_copy whether it may lie in memory that the slave can send without copying.
 * @param out receives the frame, without payload, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_stream_master_req_frame(rogue_mem_stream_master_t *master,
                                                     uint32_t size,
                                                     bool zero_copy,
                                                     rogue_mem_frame_t **out);

/**
 * Hands a frame to every slave, in this thread. Where there is none, nothing happens.
 *
 * @param master the stream master.
 * @param frame the frame, borrowed; this thread must not have it locked.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if this
 * thread has the frame locked.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_stream_master_send_frame(rogue_mem_stream_master_t *master,
                                                      rogue_mem_frame_t *frame);

/**
 * Lets go of all slaves: what is sent from now on reaches nobody.
 *
 * @param master the stream master; NULL is an error.
 *
 * Thread safe.
 */
void rogue_mem_stream_master_stop(rogue_mem_stream_master_t *master);

/* --- SRPv3 ------------------------------------------------------------------------------------ */

/* SRP version 3 carries register transactions over a stream, as SLAC's firmware understands it.
 * The object is a memory slave, whose accesses are multiples of 4 bytes and at most 4096, and a
 * stream master and slave, by which requests leave and answers come. Any number may be
 * outstanding.
 *
 * The stream slave and the stream master do not keep the object alive, so that two objects which
 * are connected with each other make no circle; its handle and its memory slave do. */

/**
 * Makes an SRPv3 object whose stream is not connected yet; until it is, transactions fail.
 *
 * @param out receives the object, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_srp_v3_new(rogue_mem_srp_v3_t **out);

/**
 * Adds a reference.
 *
 * @param srp the object; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_srp_v3_t *rogue_mem_srp_v3_retain(rogue_mem_srp_v3_t *srp);

/**
 * Gives a reference back. The last one stops the object.
 *
 * @param srp the object; NULL is allowed and ignored.
 *
 * Thread safe.
 */
void rogue_mem_srp_v3_release(rogue_mem_srp_v3_t *srp);

/**
 * The object as a memory slave, to be given to masters.
 *
 * @param srp the object.
 * @return the slave, a new reference, which keeps the object alive; NULL if srp is NULL.
 *
 * Thread safe.
 */
rogue_mem_slave_t *rogue_mem_srp_v3_slave(const rogue_mem_srp_v3_t *srp);

/**
 * Where requests leave.
 *
 * @param srp the object.
 * @return the stream master, a new reference; NULL if srp is NULL.
 *
 * Thread safe.
 */
rogue_mem_stream_master_t *rogue_mem_srp_v3_stream_master(const rogue_mem_srp_v3_t *srp);

/**
 * Where answers come.
 *
 * @param srp the object.
 * @return the stream slave, a new reference; NULL if srp is NULL.
 *
 * Thread safe.
 */
rogue_mem_stream_slave_t *rogue_mem_srp_v3_stream_slave(const rogue_mem_srp_v3_t *srp);

/**
 * Sets how long the device is told to wait for its own bus, for later requests.
 *
 * @param srp the object; NULL is an error.
 * @param timeout in units of 100 ms; 0 = for ever. It is 10 at first.
 *
 * Thread safe.
 */
void rogue_mem_srp_v3_set_hardware_timeout(rogue_mem_srp_v3_t *srp, uint8_t timeout);

/**
 * Lets go of the stream and fails all outstanding transactions. Later ones fail at once, until a
 * stream is connected again. Further calls do nothing.
 *
 * @param srp the object; NULL is an error.
 *
 * Thread safe; also from a callback.
 */
void rogue_mem_srp_v3_stop(rogue_mem_srp_v3_t *srp);

/* --- SRPv3: emulated device ------------------------------------------------------------------- */

/* The device's side of SRP version 3, in software: sparse memory that answers requests, for tests,
 * examples and simulations. What was never written reads as zero. Requests are carried out one
 * after the other, in a thread of the object's own, which therefore calls what its answers are
 * sent to. */

/**
 * Makes an SRPv3 device with empty memory, and starts its thread.
 *
 * @param out receives the device, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_srp_v3_emulation_new(rogue_mem_srp_v3_emulation_t **out);

/**
 * Adds a reference.
 *
 * @param device the device; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_srp_v3_emulation_t *rogue_mem_srp_v3_emulation_retain(
    rogue_mem_srp_v3_emulation_t *device);

/**
 * Gives a reference back. The device lives on, with its thread, as long as its stream slave does.
 *
 * @param device the device; NULL is allowed and ignored.
 *
 * Thread safe.
 */
void rogue_mem_srp_v3_emulation_release(rogue_mem_srp_v3_emulation_t *device);

/**
 * Where answers leave.
 *
 * @param device the device.
 * @return the stream master, a new reference; NULL if device is NULL.
 *
 * Thread safe.
 */
rogue_mem_stream_master_t *rogue_mem_srp_v3_emulation_stream_master(
    const rogue_mem_srp_v3_emulation_t *device);

/**
 * Where requests come.
 *
 * @param device the device.
 * @return the stream slave, a new reference; NULL if device is NULL.
 *
 * Thread safe.
 */
rogue_mem_stream_slave_t *rogue_mem_srp_v3_emulation_stream_slave(
    const rogue_mem_srp_v3_emulation_t *device);

/**
 * Ends the device: its thread ends, requests that wait and those that come later are dropped.
 * Further calls do nothing.
 *
 * @param device the device; NULL is an error.
 *
 * Thread safe; also from a callback.
 */
void rogue_mem_srp_v3_emulation_stop(rogue_mem_srp_v3_emulation_t *device);

/* --- Logging ---------------------------------------------------------------------------------- */

/* Log messages have a logger's dotted name, below "pyrogue", and a level. They pass if their level
 * is at least that of the filter with the longest matching name, else of the global level, which
 * is ROGUE_MEM_LOG_ERROR at first. What passes is written to standard output, one line each, and
 * handed to the program's own sink. Lines go past the buffer that stdio keeps for standard output:
 * what is in there comes later. Changes act at once, also on loggers that exist. */

/**
 * Log level: the program cannot go on.
 */
#define ROGUE_MEM_LOG_CRITICAL 50

/**
 * Log level: something has failed.
 */
#define ROGUE_MEM_LOG_ERROR 40

/**
 * Log level: which thread does what.
 */
#define ROGUE_MEM_LOG_THREAD 35

/**
 * Log level: something unexpected, which has been coped with.
 */
#define ROGUE_MEM_LOG_WARNING 30

/**
 * Log level: normal events.
 */
#define ROGUE_MEM_LOG_INFO 20

/**
 * Log level: details for the search for a fault.
 */
#define ROGUE_MEM_LOG_DEBUG 10

/**
 * What a program does itself with log messages. Zero-initialise it, set size, and then the rest.
 */
typedef struct rogue_mem_log_sink_t {
    /**
     * sizeof(rogue_mem_log_sink_t).
     */
    size_t size;
    /**
     * Passed to every callback.
     */
    void *ctx;
    /**
     * Called exactly once, when log will be called no more; on any thread. Not called if
     * rogue_mem_log_set_sink fails. NULL: nothing is called.
     */
    void (*drop)(void *ctx);
    /**
     * Takes one message; must not be NULL. level is that of the message, name the logger's full
     * name, text the message; both are valid until the call returns. seconds and microseconds are
     * the wall clock since 1970. thread_id is the kernel's, 0 where it does not tell. Runs on the
     * thread that logs, on several at once; what it logs itself does not come back to it.
     */
    void (*log)(void *ctx,
                uint32_t level,
                const char *name,
                const char *text,
                uint64_t seconds,
                uint32_t microseconds,
                uint64_t thread_id,
                uint32_t process_id);
    /**
     * What all callbacks but drop pass, see above; a reference of its own is taken. NULL: nothing.
     */
    rogue_mem_gate_t *gate;
} rogue_mem_log_sink_t;

/**
 * Sets the level of every logger that no filter matches.
 *
 * @param level ROGUE_MEM_LOG_..., or any number: messages of at least this level pass.
 *
 * Thread safe.
 */
void rogue_mem_log_set_level(uint32_t level);

/**
 * Sets the level of the logger called name, and of all whose name continues it after a dot, unless
 * a longer filter matches them. Replaces the filter of the same name.
 *
 * @param name name of the filter; a leading "pyrogue." may be left out.
 * @param level ROGUE_MEM_LOG_..., or any number: messages of at least this level pass.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_log_set_filter(const char *name, uint32_t level);

/**
 * Takes a filter back.
 *
 * @param name name of the filter; a leading "pyrogue." may be left out.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_NOT_FOUND if there is no filter of exactly that name.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_log_remove_filter(const char *name);

/**
 * Switches writing of log messages to standard output on or off; it is on at first.
 *
 * @param emit whether to write.
 *
 * Thread safe.
 */
void rogue_mem_log_set_emit_stdout(bool emit);

/**
 * Whether log messages are written to standard output.
 *
 * @return true if they are.
 *
 * Thread safe.
 */
bool rogue_mem_log_emit_stdout(void);

/**
 * Sets or replaces the program's own sink. A message that another thread is just handing to the
 * former sink still arrives there; its drop is called after that.
 *
 * @param sink_or_null the new sink, copied. NULL: there is none any more.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT if its log is NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_log_set_sink(const rogue_mem_log_sink_t *sink_or_null);

/**
 * The full name for a logger's name: unchanged if it is "pyrogue" or begins with "pyrogue.", else
 * with "pyrogue." before it.
 *
 * @param name a name.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_log_normalize_name(const char *name,
                                                char *buffer,
                                                size_t capacity,
                                                size_t *length);

/**
 * Makes a logger.
 *
 * @param name its name; "pyrogue." is put before it unless it is there.
 * @param out receives the logger, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_logger_new(const char *name, rogue_mem_logger_t **out);

/**
 * Adds a reference.
 *
 * @param logger the logger; NULL is allowed and ignored.
 * @return its argument.
 *
 * Thread safe.
 */
rogue_mem_logger_t *rogue_mem_logger_retain(rogue_mem_logger_t *logger);

/**
 * Gives a reference back.
 *
 * @param logger the logger; NULL is allowed and ignored.
 *
 * Thread safe.
 */
void rogue_mem_logger_release(rogue_mem_logger_t *logger);

/**
 * The logger's full name.
 *
 * @param logger the logger.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * Thread safe.
 */
rogue_mem_status_t rogue_mem_logger_name(const rogue_mem_logger_t *logger,
                                         char *buffer,
                                         size_t capacity,
                                         size_t *length);

/**
 * Whether a message of this logger goes anywhere, so that one that does not need not be made.
 * Costs little.
 *
 * @param logger the logger.
 * @param level level of the message.
 * @return true if it does; false if logger is NULL.
 *
 * Thread safe.
 */
bool rogue_mem_logger_enabled(const rogue_mem_logger_t *logger, uint32_t level);

/**
 * Logs a message, if its level is enabled.
 *
 * @param logger the logger; NULL is an error.
 * @param level level of the message.
 * @param text the message; what is not UTF-8 in it is replaced. NULL is an error.
 *
 * Thread safe.
 */
void rogue_mem_logger_log(const rogue_mem_logger_t *logger, uint32_t level, const char *text);

/**
 * Logs, at level ROGUE_MEM_LOG_THREAD, which thread of which process this is.
 *
 * @param logger the logger; NULL is an error.
 *
 * Thread safe.
 */
void rogue_mem_logger_log_thread_id(const rogue_mem_logger_t *logger);

#ifdef __cplusplus
}
#endif

#endif /* ROGUE_MEM_H */
