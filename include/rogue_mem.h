/* rogue_mem.h: register transactions over TCP and SRPv3, wire compatible with SLAC Rogue.
 *
 * Generated from the library's sources; do not edit. For C99 and later, and C++. What only bindings
 * to other languages need is in rogue_mem_binding.h.
 *
 * The rules below hold for every function, unless its own comment says otherwise.
 *
 * Results. A function that can fail returns rogue_mem_status_t: ROGUE_MEM_OK, which is 0, or one of
 * ROGUE_MEM_ERROR_.... Its results go to out-parameters, which come last and are untouched on
 * failure. rogue_mem_last_error() then returns a text that describes the error. A function that
 * returns its result directly returns 0, false or NULL on failure, and sets the last error as well.
 *
 * Arguments. Every pointer is checked for NULL, every number for its range, every text for valid
 * UTF-8. The caller must ensure the rest: a pointer that is not NULL points to an object of the
 * documented type and size, for the documented time; if none is documented, until the call returns.
 *
 * Handles. Objects are known by pointers to opaque types. A handle stands for one reference:
 * ..._new, and every other function that returns a handle, returns a new one. The caller releases
 * it with the ..._release of its type. ..._retain adds a reference and returns its argument.
 * Release of NULL does nothing. A handle passed to a callback is borrowed, unless the set of
 * callbacks asks for references: it is valid until the callback returns, or longer if the callback
 * retains it. An object keeps the objects that it uses alive.
 *
 * Texts. Input text ends in NUL and is copied. Output text is written to a buffer of capacity
 * bytes: at most capacity - 1 bytes of the text, never a part of a UTF-8 character, and then a NUL.
 * If length is not NULL, *length receives the full length in bytes without NUL. The text was cut if
 * *length >= capacity. To query the length, pass a capacity of 0; buffer may then be NULL.
 *
 * Flags. A flag is a uint32_t: 0 is no, every other value is yes. The library writes 0 or 1. Only
 * functions return bool.
 *
 * Structures. Options, callbacks and statistics begin with a member size, which the caller sets to
 * the sizeof of the structure. Unused members must be zero, as `= {0}` makes them. A program
 * compiled with an older header works with a newer library, which takes the missing members as
 * zero. A program compiled with a newer header works with an older library if the members that the
 * library does not know are zero. Any other size, including 0, gives
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT, and so does a member called reserved that is not zero.
 *
 * Callbacks. A set of callbacks has a pointer ctx, which is passed to each of them, and a function
 * drop, which is called exactly once, on any thread, after the last call of the others. drop is not
 * called if the function that takes the set fails. Callbacks may call every function
 * of this header. A C++ exception, or longjmp, must not leave a callback: the process would be
 * aborted at best.
 *
 * Threads. Every function may be called from any thread, also from a callback, and on one object
 * from several threads at once. The exceptions say so in their comments: a lock that must not be
 * held, a lock that the thread that took it gives back, a wait that its own callback would wait
 * for. The caller of a function must hold a reference to each object that it passes until the
 * function has returned. Each thread has its own last error.
 *
 * Times. Time limits of waits, timeouts and periods are whole microseconds: a parameter
 * timeout_us or period_us. A limit of 0 does not wait, unless the comment says otherwise. Members
 * of options and statistics have their unit in the name: _us, _ms or _ns.
 *
 * Forks. A child by fork may use the library, with objects of its own. Those made before the fork
 * are the parent's. Their functions wait for no thread of the parent: one that can fail returns an
 * error that says so, mostly ROGUE_MEM_ERROR_STOPPED, and a wait for a transaction
 * ROGUE_MEM_ERROR_TRANSACTION; one that returns a result directly returns a neutral value; the
 * others do nothing. The child may release them, and their callbacks, drop included, may not be
 * called any more.
 *
 * Versions. While the major version is 0, each minor version has a binary interface of its own, and
 * the library's soname carries both numbers. Values of statuses and other constants never change
 * their meaning.
 */

/* clang-format off */

#ifndef ROGUE_MEM_H
#define ROGUE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Status and version ----------------------------------------------------------------------- */

/* Results of calls, and the version of the library. */

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
 * Result of a call: ROGUE_MEM_OK or one of ROGUE_MEM_ERROR_... Values are never
 * renumbered; later releases may add some.
 */
typedef int32_t rogue_mem_status_t;

/**
 * One constant sentence for a status, without details of the occurrence.
 *
 * @param status what a function returned.
 * @return static text, never NULL; "unknown status" for a number that is none.
 */
const char *rogue_mem_status_text(rogue_mem_status_t status);

/**
 * The name of a status in this header, for example "ROGUE_MEM_ERROR_TIMEOUT".
 *
 * @param status what a function returned.
 * @return static text, never NULL; "unknown status" for a number that is none.
 */
const char *rogue_mem_status_name(rogue_mem_status_t status);

/**
 * The status of the calling thread's last failure. Functions without a status, which return 0,
 * false or NULL on failure, set it too. Success does not change it.
 *
 * @return ROGUE_MEM_OK if nothing has failed on this thread.
 *
 * Each thread has its own.
 */
rogue_mem_status_t rogue_mem_last_error_status(void);

/**
 * A text that describes the calling thread's last failure.
 *
 * @return text that is valid until the next failing call on this thread; "" if nothing has failed
 * on it. Never NULL.
 *
 * Each thread has its own.
 */
const char *rogue_mem_last_error(void);

/**
 * The source of the calling thread's last failure, for example "memory::TcpServer::TcpServer", or
 * the name of the function that refused an argument.
 *
 * @return text that is valid until the next failing call on this thread; "" if nothing has failed
 * on it. Never NULL.
 *
 * Each thread has its own.
 */
const char *rogue_mem_last_error_source(void);

/**
 * The version of the loaded library, for example "0.1.0". ROGUE_MEM_VERSION is that of the header.
 *
 * @return static text, never NULL.
 */
const char *rogue_mem_version(void);

/**
 * The version of the loaded library as a number, for comparison with ROGUE_MEM_VERSION_NUMBER.
 *
 * @return 0xMMmmpp: major, minor and patch in 8 bits each.
 */
uint32_t rogue_mem_version_number(void);

/**
 * The release of Rogue whose interface this library implements, for example "6.1.0":
 * `rogue::Version` in C++ and Python returns it. The library's own version is rogue_mem_version().
 *
 * @return static text, three numbers with dots; never NULL.
 */
const char *rogue_mem_interface_version(void);

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
 * The program has given the wait up.
 */
#define ROGUE_MEM_ERROR_INTERRUPTED 10

/**
 * The transaction failed.
 */
#define ROGUE_MEM_ERROR_TRANSACTION 100

/**
 * The transaction timed out.
 */
#define ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT 101

/**
 * What was read back differs from what was written.
 */
#define ROGUE_MEM_ERROR_VERIFY 102

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

/**
 * A file could not be opened, read or written.
 */
#define ROGUE_MEM_ERROR_FILE 400

/* --- Objects ---------------------------------------------------------------------------------- */

/* The objects of this interface. Each type is opaque: programs hold pointers to it and nothing
 * else. A pointer stands for one reference, or for more that somebody else keeps. */

/**
 * The peers that servers let in, and what each of them may do.
 */
typedef struct rogue_mem_access_list_t rogue_mem_access_list_t;

/**
 * The record of what the clients of servers did.
 */
typedef struct rogue_mem_audit_t rogue_mem_audit_t;

/**
 * Packs frames into super-frames.
 */
typedef struct rogue_mem_batch_combiner_t rogue_mem_batch_combiner_t;

/**
 * Turns the tails of super-frames into headers.
 */
typedef struct rogue_mem_batch_inverter_t rogue_mem_batch_inverter_t;

/**
 * Splits super-frames into frames.
 */
typedef struct rogue_mem_batch_splitter_t rogue_mem_batch_splitter_t;

/**
 * Where the records of a super-frame lie.
 */
typedef struct rogue_mem_batch_t rogue_mem_batch_t;

/**
 * The registers of a contiguous region: their staged bytes, and the transactions that move them.
 */
typedef struct rogue_mem_block_t rogue_mem_block_t;

/**
 * The usual road to a board: UDP, RSSI and a packetizer on one thread.
 */
typedef struct rogue_mem_board_t rogue_mem_board_t;

/**
 * The keys of clients with CURVE, and that of their server.
 */
typedef struct rogue_mem_curve_client_t rogue_mem_curve_client_t;

/**
 * A key pair for CURVE.
 */
typedef struct rogue_mem_curve_keys_t rogue_mem_curve_keys_t;

/**
 * The keys of servers with CURVE, and the clients that they accept.
 */
typedef struct rogue_mem_curve_server_t rogue_mem_curve_server_t;

/**
 * A thread that several objects share.
 */
typedef struct rogue_mem_event_loop_t rogue_mem_event_loop_t;

/**
 * A queue of frames with a thread that delivers them.
 */
typedef struct rogue_mem_fifo_t rogue_mem_fifo_t;

/**
 * Receives frames for a file writer.
 */
typedef struct rogue_mem_file_channel_t rogue_mem_file_channel_t;

/**
 * Sends the frames of data files.
 */
typedef struct rogue_mem_file_reader_t rogue_mem_file_reader_t;

/**
 * Records frames in data files.
 */
typedef struct rogue_mem_file_writer_t rogue_mem_file_writer_t;

/**
 * Passes on the frames of one channel.
 */
typedef struct rogue_mem_filter_t rogue_mem_filter_t;

/**
 * A message of a stream: bytes with flags, a channel and an error.
 */
typedef struct rogue_mem_frame_t rogue_mem_frame_t;

/**
 * Lets callbacks call the program until it is closed.
 */
typedef struct rogue_mem_gate_t rogue_mem_gate_t;

/**
 * A master and a slave in one: forwards transactions with its offset added to their address.
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
 * The frames of many destinations, carried over one packet transport.
 */
typedef struct rogue_mem_packetizer_t rogue_mem_packetizer_t;

/**
 * Generates and checks frames of pseudo-random bits.
 */
typedef struct rogue_mem_prbs_t rogue_mem_prbs_t;

/**
 * Drops frames to limit their rate.
 */
typedef struct rogue_mem_rate_drop_t rogue_mem_rate_drop_t;

/**
 * A client or a server of a reliable stream over datagrams.
 */
typedef struct rogue_mem_rssi_t rogue_mem_rssi_t;

/**
 * Carries out transactions: an object of the library, or a set of callbacks. Two handles of one
 * slave may have different addresses; compare rogue_mem_slave_id.
 */
typedef struct rogue_mem_slave_t rogue_mem_slave_t;

/**
 * Register transactions carried over a stream by SRP version 0.
 */
typedef struct rogue_mem_srp_v0_t rogue_mem_srp_v0_t;

/**
 * A device in software that answers SRP version 3.
 */
typedef struct rogue_mem_srp_v3_emulation_t rogue_mem_srp_v3_emulation_t;

/**
 * Register transactions carried over a stream by SRP version 3.
 */
typedef struct rogue_mem_srp_v3_t rogue_mem_srp_v3_t;

/**
 * The connecting end of the stream TCP bridge: exchanges frames with a server.
 */
typedef struct rogue_mem_stream_client_t rogue_mem_stream_client_t;

/**
 * Sends frames to stream slaves.
 */
typedef struct rogue_mem_stream_master_t rogue_mem_stream_master_t;

/**
 * Sends and receives frames.
 */
typedef struct rogue_mem_stream_port_t rogue_mem_stream_port_t;

/**
 * The listening end of the stream TCP bridge: exchanges frames with any number of clients.
 */
typedef struct rogue_mem_stream_server_t rogue_mem_stream_server_t;

/**
 * Receives frames. Two handles of one stream slave may have different addresses.
 */
typedef struct rogue_mem_stream_slave_t rogue_mem_stream_slave_t;

/**
 * The requesting end of the memory TCP bridge: a slave whose other end is a server.
 */
typedef struct rogue_mem_tcp_client_t rogue_mem_tcp_client_t;

/**
 * The serving end of the memory TCP bridge: serves a slave to any number of clients.
 */
typedef struct rogue_mem_tcp_server_t rogue_mem_tcp_server_t;

/**
 * One register access: the request, the place of its data, and its result. Made by
 * rogue_mem_master_request, passed to slaves.
 */
typedef struct rogue_mem_transaction_t rogue_mem_transaction_t;

/**
 * A client or a server of a stream over UDP.
 */
typedef struct rogue_mem_udp_t rogue_mem_udp_t;

/**
 * A named field of a block of registers: where its bits are, and what they mean.
 */
typedef struct rogue_mem_variable_t rogue_mem_variable_t;

/* --- Transactions ----------------------------------------------------------------------------- */

/* A transaction is passed to a slave's do_transaction callback, in the requester's thread and with
 * no lock held. The slave completes it exactly once, by rogue_mem_transaction_done or
 * rogue_mem_transaction_error: at once, or later and from any thread. For later completion it
 * keeps a reference (rogue_mem_transaction_retain, or rogue_mem_slave_add_transaction).
 *
 * The data belongs to the requester. It may be touched only under the transaction's lock, and only
 * while the transaction has not expired. rogue_mem_transaction_copy_from_requester and
 * rogue_mem_transaction_copy_to_requester ensure both. */

/**
 * Transaction type: read into the requester's buffer.
 */
#define ROGUE_MEM_READ 1

/**
 * Transaction type: write; completed when the device has answered.
 */
#define ROGUE_MEM_WRITE 2

/**
 * Transaction type: posted write; may be completed as soon as the transport has taken it.
 */
#define ROGUE_MEM_POST 3

/**
 * Transaction type: read that checks an earlier write; every transport treats it as a read.
 */
#define ROGUE_MEM_VERIFY 4

/**
 * The transaction's id, unique among the pending transactions of this process.
 *
 * @param transaction the transaction.
 * @return the id, never 0; 0 if transaction is NULL.
 */
uint32_t rogue_mem_transaction_id(const rogue_mem_transaction_t *transaction);

/**
 * The byte address, as adjusted by the hubs passed so far.
 *
 * @param transaction the transaction.
 * @return the address; 0 if transaction is NULL.
 */
uint64_t rogue_mem_transaction_address(const rogue_mem_transaction_t *transaction);

/**
 * The number of bytes to read or write.
 *
 * @param transaction the transaction.
 * @return size in bytes; 0 if transaction is NULL.
 */
uint32_t rogue_mem_transaction_size(const rogue_mem_transaction_t *transaction);

/**
 * The transaction's type.
 *
 * @param transaction the transaction.
 * @return ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY; 0 if transaction is
 * NULL.
 */
uint32_t rogue_mem_transaction_type(const rogue_mem_transaction_t *transaction);

/**
 * Whether a result would be too late: the transaction, or the one that it is a part of, has ended
 * or has been given up. Its data must not be touched then. The answer stays valid while the
 * transaction's lock is held. A transaction of a server may expire meanwhile, which is harmless:
 * its data stays until the lock is released.
 *
 * @param transaction the transaction.
 * @return true if it has expired; false if transaction is NULL.
 */
bool rogue_mem_transaction_expired(const rogue_mem_transaction_t *transaction);

/**
 * Whether the transaction has ended, successfully or not.
 *
 * @param transaction the transaction.
 * @return true if it has ended; false if transaction is NULL.
 */
bool rogue_mem_transaction_is_done(const rogue_mem_transaction_t *transaction);

/**
 * Takes the lock that guards the data, waiting if necessary. While it is held, the requester
 * neither times out nor takes its buffer back. A server, however, answers its client when the time
 * has passed, and keeps the data, which then has no reader, until the lock is released. All parts
 * of one request share one lock. It is not recursive: a second lock in one thread deadlocks.
 *
 * @param transaction the transaction; NULL is an error and nothing is locked.
 */
void rogue_mem_transaction_lock(rogue_mem_transaction_t *transaction);

/**
 * Completes the transaction successfully. The first completion counts, later ones are ignored. The
 * transaction's lock may be held or not.
 *
 * @param transaction the transaction; NULL is an error.
 */
void rogue_mem_transaction_done(rogue_mem_transaction_t *transaction);

/**
 * Declares that all parts have been made. The transaction ends at once if all of them have ended.
 *
 * @param transaction the whole; NULL is an error.
 */
void rogue_mem_transaction_done_subs(rogue_mem_transaction_t *transaction);

/**
 * Releases the lock that rogue_mem_transaction_lock took. If the lock is not held, the behaviour
 * is undefined.
 *
 * @param transaction the transaction; NULL is an error and nothing is unlocked.
 *
 * Any thread may release the lock.
 */
void rogue_mem_transaction_unlock(rogue_mem_transaction_t *transaction);

/**
 * The data: rogue_mem_transaction_size bytes of the requester's buffer. Call this, and use its
 * result, only under the transaction's lock.
 *
 * @param transaction the transaction.
 * @return the first byte; NULL once the requester has given the transaction up, or if transaction
 * is NULL.
 */
uint8_t *rogue_mem_transaction_data(rogue_mem_transaction_t *transaction);

/**
 * Copies bytes from the requester: the data that it writes. Takes the transaction's lock, so the
 * caller must not hold it.
 *
 * @param transaction the transaction.
 * @param offset first byte, counted from the start of the data.
 * @param into where to copy to; may be NULL if count is 0. Untouched on failure.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * range does not lie within the data; ROGUE_MEM_ERROR_INVALID_DATA if the requester has given the
 * transaction up.
 */
rogue_mem_status_t rogue_mem_transaction_copy_from_requester(rogue_mem_transaction_t *transaction,
                                                             uint32_t offset,
                                                             uint8_t *into,
                                                             uint32_t count);

/**
 * Copies bytes as rogue_mem_transaction_copy_from_requester does, for a caller that holds the
 * transaction's lock. Without it the behaviour is undefined.
 *
 * @param transaction the transaction.
 * @param offset first byte, counted from the start of the data.
 * @param into where to copy to; may be NULL if count is 0. Untouched on failure.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
 * ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_copy_from_requester.
 */
rogue_mem_status_t rogue_mem_transaction_copy_from_requester_locked(
    rogue_mem_transaction_t *transaction,
    uint32_t offset,
    uint8_t *into,
    uint32_t count);

/**
 * Copies bytes to the requester: the data that it reads. Takes the transaction's lock, so the
 * caller must not hold it.
 *
 * @param transaction the transaction.
 * @param offset first byte, counted from the start of the data.
 * @param from where to copy from; may be NULL if count is 0.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * range does not lie within the data, or the transaction is a write, whose data must not change;
 * ROGUE_MEM_ERROR_INVALID_DATA if the requester has given the transaction up.
 */
rogue_mem_status_t rogue_mem_transaction_copy_to_requester(rogue_mem_transaction_t *transaction,
                                                           uint32_t offset,
                                                           const uint8_t *from,
                                                           uint32_t count);

/**
 * Copies bytes as rogue_mem_transaction_copy_to_requester does, for a caller that holds the
 * transaction's lock. Without it the behaviour is undefined.
 *
 * @param transaction the transaction.
 * @param offset first byte, counted from the start of the data.
 * @param from where to copy from; may be NULL if count is 0.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK, ROGUE_MEM_ERROR_NULL_ARGUMENT, ROGUE_MEM_ERROR_INVALID_ARGUMENT and
 * ROGUE_MEM_ERROR_INVALID_DATA as rogue_mem_transaction_copy_to_requester.
 */
rogue_mem_status_t rogue_mem_transaction_copy_to_requester_locked(
    rogue_mem_transaction_t *transaction,
    uint32_t offset,
    const uint8_t *from,
    uint32_t count);

/**
 * Completes the transaction with an error. The first completion counts, later ones are ignored.
 * The transaction's lock may be held or not.
 *
 * @param transaction the transaction; NULL is an error.
 * @param text the error text for the requester, copied; invalid UTF-8 in it is replaced. NULL or
 * "": an error without a text.
 */
void rogue_mem_transaction_error(rogue_mem_transaction_t *transaction, const char *text);

/**
 * Makes a transaction that is a part of another one, for rogue_mem_slave_do_transaction. The whole
 * ends when all its parts have ended and rogue_mem_transaction_done_subs has been called. It fails
 * if a part failed.
 *
 * @param transaction the whole.
 * @param offset first byte of the part, counted from the start of the whole's data.
 * @param size bytes of the part.
 * @param address byte address of the part.
 * @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
 * @param out receives the part, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * range does not lie within the whole, the part reaches beyond the address space, type is invalid,
 * or it is a read while the whole is a write; ROGUE_MEM_ERROR_INVALID_DATA if the whole has
 * already ended.
 */
rogue_mem_status_t rogue_mem_transaction_create_sub(rogue_mem_transaction_t *transaction,
                                                    uint32_t offset,
                                                    uint32_t size,
                                                    uint64_t address,
                                                    uint32_t type,
                                                    rogue_mem_transaction_t **out);

/**
 * Renews the transaction's deadline: it times out one timeout from now at the earliest.
 *
 * @param transaction the transaction; NULL is an error.
 * @param reference_or_null a transaction that has just been answered, which proves that the link
 * works: the deadline is renewed only if transaction did not start before it. NULL: renewed in any
 * case.
 */
void rogue_mem_transaction_refresh_timer(rogue_mem_transaction_t *transaction,
                                         const rogue_mem_transaction_t *reference_or_null);

/**
 * Adds a reference. A slave that completes the transaction later keeps one.
 *
 * @param transaction the transaction; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_transaction_t *rogue_mem_transaction_retain(rogue_mem_transaction_t *transaction);

/**
 * Gives a reference back. A transaction that is released without completion ends with its timeout.
 *
 * @param transaction the transaction; NULL is allowed and ignored.
 */
void rogue_mem_transaction_release(rogue_mem_transaction_t *transaction);

/* --- Slaves ----------------------------------------------------------------------------------- */

/* A slave carries out transactions. Programs make their own from a set of callbacks, or get one
 * from an object that is a slave too: rogue_mem_emulate_new, rogue_mem_hub_slave,
 * rogue_mem_tcp_client_slave, rogue_mem_srp_v3_slave.
 *
 * Callbacks run in the requesting thread, with no lock held; several may run at once if requests
 * come from several threads. For a slave behind a rogue_mem_tcp_server_t that is the server's
 * thread. Callbacks may call every function of this header and may block, which blocks only the
 * requesting thread. No exception may leave them. */

/**
 * Callbacks of a slave made by rogue_mem_slave_new. Zero-initialise it, set size, and then other
 * members as needed; a member that is NULL has the behaviour documented with it.
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
     * Called exactly once, on any thread, after the last call of the others. Not called if
     * rogue_mem_slave_new fails. NULL: nothing is called.
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
     * A flag: whether do_transaction gets a reference to the transaction, which it releases with
     * rogue_mem_transaction_release at any time, instead of a borrowed handle. For bindings that
     * would otherwise retain every transaction.
     */
    uint32_t gives_reference;
    /**
     * Must be 0.
     */
    uint32_t reserved;
    /**
     * The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
     * NULL: none.
     */
    rogue_mem_gate_t *gate;
} rogue_mem_slave_callbacks_t;

/**
 * The slave's own id, unique in this process.
 *
 * @param slave the slave.
 * @return the id; 0 for the slave of an unconnected master; 0 if slave is NULL.
 */
uint32_t rogue_mem_slave_id(const rogue_mem_slave_t *slave);

/**
 * The smallest access that the slave was made with.
 *
 * @param slave the slave.
 * @return bytes; 0 if slave is NULL.
 */
uint32_t rogue_mem_slave_min(const rogue_mem_slave_t *slave);

/**
 * The largest access that the slave was made with.
 *
 * @param slave the slave.
 * @return bytes; 0 if slave is NULL.
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
 */
rogue_mem_status_t rogue_mem_slave_set_name(rogue_mem_slave_t *slave, const char *name);

/**
 * Asks for the id of the slave at the end of the path, through the slave_id callback if it has
 * one.
 *
 * @param slave the slave.
 * @return the id; 0 if slave is NULL.
 */
uint32_t rogue_mem_slave_do_slave_id(const rogue_mem_slave_t *slave);

/**
 * Asks for the name of the slave at the end of the path, through the slave_name callback if it has
 * one.
 *
 * @param slave the slave.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
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
 */
uint32_t rogue_mem_slave_do_min_access(const rogue_mem_slave_t *slave);

/**
 * Asks for the largest access, through the max_access callback if the slave has one.
 *
 * @param slave the slave.
 * @return bytes, 0 = not limited; 0 if slave is NULL.
 */
uint32_t rogue_mem_slave_do_max_access(const rogue_mem_slave_t *slave);

/**
 * Asks for the base address, through the address callback if the slave has one.
 *
 * @param slave the slave.
 * @return byte address as seen from the end of the path; 0 if slave is NULL.
 */
uint64_t rogue_mem_slave_do_address(const rogue_mem_slave_t *slave);

/**
 * Passes a transaction to the slave unchanged, in this thread. The transaction's lock must not be
 * held.
 *
 * @param slave the slave; NULL is an error, and the transaction stays pending.
 * @param transaction the transaction, borrowed; NULL is an error.
 */
void rogue_mem_slave_do_transaction(rogue_mem_slave_t *slave, rogue_mem_transaction_t *transaction);

/**
 * Keeps a transaction, by its id, until rogue_mem_slave_take_transaction removes it or its
 * requester gives it up. An expired transaction is not kept.
 *
 * @param slave the slave.
 * @param transaction the transaction; the slave takes a reference of its own.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * The transaction's lock may be held or not.
 */
rogue_mem_status_t rogue_mem_slave_add_transaction(rogue_mem_slave_t *slave,
                                                   rogue_mem_transaction_t *transaction);

/**
 * Ends the slave's own activity, if it has any: a bridge client closes its connection and fails
 * all outstanding requests. Returns without waiting for a peer. Further calls do nothing.
 *
 * @param slave the slave; NULL is an error.
 */
void rogue_mem_slave_stop(rogue_mem_slave_t *slave);

/**
 * Makes a slave from callbacks.
 *
 * @param min smallest access in bytes, advertised only.
 * @param max largest access in bytes; hubs and servers split larger ones. 0 = not limited.
 * @param callbacks the callbacks, copied; may be NULL: every transaction fails.
 * @param out receives the slave, a new reference. Untouched on failure, and then ctx stays the
 * caller's: drop is not called.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
 * callbacks has a wrong size.
 */
rogue_mem_status_t rogue_mem_slave_new(uint32_t min,
                                       uint32_t max,
                                       const rogue_mem_slave_callbacks_t *callbacks,
                                       rogue_mem_slave_t **out);

/**
 * Looks up and removes a kept transaction whose answer has just arrived. The answer proves that
 * the link works, so the deadlines of all kept transactions that started with it or later are
 * renewed. The caller has to check rogue_mem_transaction_expired under the lock before it touches
 * the data.
 *
 * @param slave the slave.
 * @param id the transaction's id.
 * @return the transaction, a new reference; NULL if none with that id is kept, which is usual for
 * a late answer and not an error; also NULL if slave is NULL.
 */
rogue_mem_transaction_t *rogue_mem_slave_take_transaction(rogue_mem_slave_t *slave, uint32_t id);

/**
 * Adds a reference.
 *
 * @param slave the slave; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_slave_t *rogue_mem_slave_retain(rogue_mem_slave_t *slave);

/**
 * Gives a reference back. Masters that the slave is connected to keep it alive.
 *
 * @param slave the slave; NULL is allowed and ignored.
 */
void rogue_mem_slave_release(rogue_mem_slave_t *slave);

/* --- Emulated memory -------------------------------------------------------------------------- */

/* Memory that exists only in this process, for tests, examples and simulations. */

/**
 * Makes a slave with sparse byte memory in the whole 64-bit address space. Memory that was never
 * written reads as zero. Transactions complete at once.
 *
 * @param min smallest access in bytes, advertised only.
 * @param max largest access in bytes, advertised only; 0 = not limited.
 * @param out receives the slave, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_emulate_new(uint32_t min, uint32_t max, rogue_mem_slave_t **out);

/**
 * As rogue_mem_emulate_new, with a limit of the memory. A write that needs more fails, and writes
 * nothing.
 *
 * @param min smallest access in bytes, advertised only.
 * @param max largest access in bytes, advertised only; 0 = not limited.
 * @param memory_bytes_max bytes that the memory may take, with the tables that lead to it; each
 * written page takes 4 KiB. 0 = as rogue_mem_emulate_new: a quarter of what the process may have
 * (control group, address space, memory of the host), at most 1 GiB.
 * @param out receives the slave, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_emulate_new_limited(uint32_t min,
                                                 uint32_t max,
                                                 uint64_t memory_bytes_max,
                                                 rogue_mem_slave_t **out);

/* --- Mapped memory ---------------------------------------------------------------------------- */

/* Registers in a range of physical memory, or of any file that can be mapped: a slave whose
 * accesses are aligned words of 4 or 8 bytes. */

/**
 * Makes a slave over a shared mapping of a file. A transaction is carried out in the requester's
 * thread, before the request returns, and those of several threads one after the other. Its
 * address is an offset from base. Address and size must be multiples of the access width and lie
 * within the map; otherwise it fails and touches nothing. Data is copied in ascending order by
 * aligned accesses of exactly that width, each made once, in the processor's byte order.
 *
 * The mapping has the cache attributes that the system gives to it: Linux maps device addresses of
 * /dev/mem, and the memory of UIO devices, uncached, and ordinary memory cached. A bus error of the
 * device ends the process.
 *
 * rogue_mem_slave_stop unmaps the file: later transactions fail at once.
 *
 * @param path_or_null the file: a UIO device as /dev/uio0, or any other. NULL: /dev/mem.
 * @param base offset of the first byte in the file, a multiple of the access width.
 * @param size number of bytes, a multiple of the access width, not 0.
 * @param access_bytes access width: 4 or 8; 0 = 4. 8 needs a processor of 64 bits.
 * @param out receives the slave, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * range or the width is invalid, or beyond the end of an ordinary file;
 * ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the file cannot be opened or
 * mapped, with the system's reason.
 */
rogue_mem_status_t rogue_mem_mem_map_new(const char *path_or_null,
                                         uint64_t base,
                                         uint64_t size,
                                         uint32_t access_bytes,
                                         rogue_mem_slave_t **out);

/* --- Masters ---------------------------------------------------------------------------------- */

/* A master makes transactions and waits for them. Any number may be outstanding. Any thread may
 * make them and wait for them. */

/**
 * Callbacks for the end of a transaction. Zero-initialise it, set size, and then the rest.
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
     * Called exactly once, on any thread, after the last call of ended. Not called if
     * rogue_mem_master_observe fails. NULL: nothing is called.
     */
    void (*drop)(void *ctx);
    /**
     * Called at most once, with the transaction's id, when it has ended, successfully or not, and
     * no slave touches its buffer any more, which may be freed or reused; must not be NULL. status
     * is the result that rogue_mem_master_wait would return; text is that of the error, valid
     * during the call, "" for ROGUE_MEM_OK. Runs with no lock of the library held, on the thread
     * that ends the transaction or releases its lock after that, or on the library's thread for
     * deadlines or observers, in which case it delays other calls on that thread. Not on a thread
     * that waits for a transaction: it may take a lock that the program holds during a wait. May
     * make the next request and observe it, in a chain of any length: of the calls within each
     * other on one thread, the fifth runs after the fourth. Should not wait: what it waits for may
     * have to be received by the thread that calls it, and then ends at its deadline.
     */
    void (*ended)(void *ctx, uint32_t id, rogue_mem_status_t status, const char *text);
    /**
     * The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
     * NULL: none.
     */
    rogue_mem_gate_t *gate;
} rogue_mem_observer_t;

/**
 * Makes a master. Until rogue_mem_master_set_slave connects it, every request fails with
 * "Unsupported transaction using unconnected memory bus".
 *
 * @param out receives the master, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_master_new(rogue_mem_master_t **out);

/**
 * Connects the master to a slave, in place of a former one.
 *
 * @param master the master.
 * @param slave the slave; the master takes a reference of its own.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_master_set_slave(rogue_mem_master_t *master, rogue_mem_slave_t *slave);

/**
 * The slave that the master is connected to.
 *
 * @param master the master.
 * @return the slave, a new reference, whose address may differ from that of the handle passed to
 * rogue_mem_master_set_slave; NULL if master is NULL.
 */
rogue_mem_slave_t *rogue_mem_master_slave(const rogue_mem_master_t *master);

/**
 * Asks for the id of the slave at the end of the path.
 *
 * @param master the master.
 * @return the id; 0 if there is none; 0 if master is NULL.
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
 */
uint32_t rogue_mem_master_req_min_access(const rogue_mem_master_t *master);

/**
 * Asks for the largest access. A master does not split its requests, a hub does.
 *
 * @param master the master.
 * @return bytes, 0 = not limited; 0 if master is NULL.
 */
uint32_t rogue_mem_master_req_max_access(const rogue_mem_master_t *master);

/**
 * Asks for the address at the end of the path that corresponds to address 0 of the master.
 *
 * @param master the master.
 * @return byte address; 0 if master is NULL.
 */
uint64_t rogue_mem_master_req_address(const rogue_mem_master_t *master);

/**
 * The text of the last error of a wait on this master, by any thread. Prefer the result of
 * rogue_mem_master_wait, which belongs to one transaction.
 *
 * @param master the master.
 * @param buffer receives the text, "" if there was no error; see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_master_error(const rogue_mem_master_t *master,
                                          char *buffer,
                                          size_t capacity,
                                          size_t *length);

/**
 * Forgets the master's last error.
 *
 * @param master the master; NULL is an error.
 */
void rogue_mem_master_clear_error(rogue_mem_master_t *master);

/**
 * Sets the timeout of later transactions, counted from their last sign of life. The default is one
 * second.
 *
 * @param master the master; NULL is an error.
 * @param timeout_us the timeout, in microseconds; 0 leaves it unchanged.
 */
void rogue_mem_master_set_timeout(rogue_mem_master_t *master, uint64_t timeout_us);

/**
 * The timeout of transactions.
 *
 * @param master the master.
 * @return microseconds; 0 if master is NULL.
 */
uint64_t rogue_mem_master_timeout(const rogue_mem_master_t *master);

/**
 * Waits until a transaction has ended, at most for its timeout. After this has returned, no slave
 * touches its buffer.
 *
 * @param master the master that made the transaction.
 * @param id the transaction's id; 0 = all that are outstanding now; the result is then that of the
 * failed one with the highest id.
 * @return ROGUE_MEM_OK, also for an id that is unknown or has been waited for;
 * ROGUE_MEM_ERROR_TRANSACTION if the slave reported an error or the transaction was cancelled;
 * ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT if it was not completed in time; ROGUE_MEM_ERROR_NOT_FOUND
 * if it has been forgotten, see rogue_mem_master_forgotten_count; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 * The error's text is both that of rogue_mem_last_error and of rogue_mem_master_error.
 *
 * A failed read over TCP leaves the buffer unchanged, with one exception: a read of more than 64
 * KiB may have filled it in part if the connection broke, or the time ran out, while its data was
 * arriving.
 *
 * Several threads may wait for one transaction. Its lock must not be held.
 */
rogue_mem_status_t rogue_mem_master_wait(rogue_mem_master_t *master, uint32_t id);

/**
 * Counts the transactions of this master that have ended and were forgotten because too many had
 * no waiter: the library keeps 131072 failures, and at least as many ids of successes. A wait for
 * a forgotten transaction is an error.
 *
 * @param master the master.
 * @return the number since the master was made; 0 if master is NULL.
 */
uint64_t rogue_mem_master_forgotten_count(const rogue_mem_master_t *master);

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
 * @param id receives the transaction's id, for rogue_mem_master_wait. Untouched on failure.
 * @return ROGUE_MEM_OK, also if the transaction has already failed, which rogue_mem_master_wait
 * reports; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 *
 * A transaction of another type fails, and so does an access beyond the end of the address space,
 * also one caused by the offset of a hub. No slave sees it.
 */
rogue_mem_status_t rogue_mem_master_request(rogue_mem_master_t *master,
                                            uint64_t address,
                                            uint32_t size,
                                            void *data,
                                            uint32_t type,
                                            uint32_t *id);

/**
 * Starts several transactions of one type, in the given order, as one burst: a TCP client sends
 * them with one system call, and SRP over UDP with few, within windows and the room of the socket,
 * also through hubs.
 *
 * @param master the master.
 * @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
 * @param count number of transactions.
 * @param addresses count byte addresses.
 * @param sizes count numbers of bytes.
 * @param data the bytes of all transactions, one after the other; otherwise as for
 * rogue_mem_master_request. NULL is allowed if there are none.
 * @param ids receives count ids, for the wait functions. On failure it is untouched, and nothing
 * has been started.
 * @return ROGUE_MEM_OK, also if transactions have already failed; ROGUE_MEM_ERROR_NULL_ARGUMENT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if the number of bytes is impossible;
 * ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_master_request_many(rogue_mem_master_t *master,
                                                 uint32_t type,
                                                 size_t count,
                                                 const uint64_t *addresses,
                                                 const uint32_t *sizes,
                                                 void *data,
                                                 uint32_t *ids);

/**
 * Lists the ids of all outstanding transactions: requested, and not waited for.
 *
 * @param master the master.
 * @param ids_or_null receives the first capacity ids, lowest first; may be NULL if capacity is 0.
 * @param capacity room of ids_or_null, as a number of ids.
 * @param count receives the total number of outstanding transactions.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
 * capacity is impossible.
 */
rogue_mem_status_t rogue_mem_master_outstanding(rogue_mem_master_t *master,
                                                uint32_t *ids_or_null,
                                                size_t capacity,
                                                size_t *count);

/**
 * Waits for several transactions, in the given order, up to the first that failed.
 *
 * @param master the master that made the transactions.
 * @param count number of ids.
 * @param ids count ids, none of them 0.
 * @param timeout_us the time limit for all together, in microseconds; 0 does not wait.
 * @param waited receives the number of ended transactions, counted from the first; if one failed,
 * it is the last of these. Set with every result except the errors of an argument.
 * @return ROGUE_MEM_OK if all have succeeded; ROGUE_MEM_ERROR_TRANSACTION or
 * ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT if one failed, as for rogue_mem_master_wait;
 * ROGUE_MEM_ERROR_TIMEOUT if the time has passed first; ROGUE_MEM_ERROR_NULL_ARGUMENT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if count is impossible.
 *
 * No lock of the transactions must be held.
 */
rogue_mem_status_t rogue_mem_master_wait_many(rogue_mem_master_t *master,
                                              size_t count,
                                              const uint32_t *ids,
                                              uint64_t timeout_us,
                                              size_t *waited);

/**
 * Calls a function when a transaction has ended, for programs that do not block in a wait. A wait
 * for the transaction is allowed but not needed: the transaction ends at its deadline without one,
 * and the library forgets it after the function has returned.
 *
 * @param master the master that made the transaction.
 * @param id the transaction's id.
 * @param observer the callbacks, copied. If the transaction has ended already, they are called
 * within this call, or after the innermost of four ended callbacks that this call is in. It
 * replaces an observer set before, of which only drop is called, within this call.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if its ended is NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size; ROGUE_MEM_ERROR_NOT_FOUND if no such
 * transaction is outstanding, or it has been forgotten; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the
 * system refuses the thread for deadlines. On failure drop is not called.
 */
rogue_mem_status_t rogue_mem_master_observe(rogue_mem_master_t *master,
                                            uint32_t id,
                                            const rogue_mem_observer_t *observer);

/**
 * Cancels transactions. A cancelled transaction has failed: its waiters and its observer get an
 * error at once, no slave touches its buffer any more, and later waits do not find it. A request
 * that has been sent cannot be withdrawn: the device may carry it out.
 *
 * @param master the master that made the transactions.
 * @param count number of ids.
 * @param ids_or_null count ids; NULL: all transactions that are outstanding, whatever count is.
 * @param timeout_us the time limit, in microseconds and for all together, to wait for slaves that
 * hold the lock of a transaction; 0 does not wait.
 * @return true if all have been cancelled or had ended; false if the lock of one is held: that one
 * stays pending, and its buffer in use. Also false, with the last error set, if master is NULL or
 * count is impossible.
 */
bool rogue_mem_master_cancel(rogue_mem_master_t *master,
                             size_t count,
                             const uint32_t *ids_or_null,
                             uint64_t timeout_us);

/**
 * Adds a reference.
 *
 * @param master the master; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_master_t *rogue_mem_master_retain(rogue_mem_master_t *master);

/**
 * Gives a reference back. Release of the last reference gives up all pending transactions: after
 * it has returned, no slave touches their buffers.
 *
 * @param master the master; NULL is allowed and ignored.
 */
void rogue_mem_master_release(rogue_mem_master_t *master);

/* --- Hubs ------------------------------------------------------------------------------------- */

/* A hub is a master and a slave in one. Its master half forwards the transactions of its slave
 * half with the hub's offset added to the address, in parts if they are larger than the largest
 * access downstream.
 *
 * Hubs must not be connected in a cycle. A request that has passed 64 nested hubs fails with
 * ROGUE_MEM_ERROR_TRANSACTION and a text that says so; a query is then answered as that of
 * an unconnected master. A slave made from callbacks counts as a hub.
 *
 * A hub that translates is a slave made from callbacks (rogue_mem_slave_new), whose do_transaction
 * makes requests through rogue_mem_hub_master, or calls rogue_mem_hub_forward. */

/**
 * Makes a hub.
 *
 * @param offset in bytes, added to the address of each transaction.
 * @param min smallest access in bytes.
 * @param max largest access in bytes. If min and max are both other than 0, the hub is the root of
 * an address space of its own: it reports its own id, name and limits, and address 0.
 * @param out receives the hub, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_hub_new(uint64_t offset,
                                     uint32_t min,
                                     uint32_t max,
                                     rogue_mem_hub_t **out);

/**
 * The hub's master half, to be connected to a slave downstream. Requests made through it are
 * relative to the next layer: the hub's offset is not added.
 *
 * @param hub the hub.
 * @return the master, a new reference; NULL if hub is NULL.
 */
rogue_mem_master_t *rogue_mem_hub_master(const rogue_mem_hub_t *hub);

/**
 * The hub's slave half, for masters upstream to connect to.
 *
 * @param hub the hub.
 * @return the slave, a new reference, which keeps the whole hub alive; NULL if hub is NULL.
 */
rogue_mem_slave_t *rogue_mem_hub_slave(const rogue_mem_hub_t *hub);

/**
 * The hub's own offset.
 *
 * @param hub the hub.
 * @return bytes; 0 if hub is NULL.
 */
uint64_t rogue_mem_hub_offset(const rogue_mem_hub_t *hub);

/**
 * The address at the end of the path that corresponds to the hub's own address 0; also for the
 * root of an address space.
 *
 * @param hub the hub.
 * @return byte address; 0 if hub is NULL.
 */
uint64_t rogue_mem_hub_address(const rogue_mem_hub_t *hub);

/**
 * Adds the hub's offset to a transaction's address and forwards it, in parts if necessary, in this
 * thread. The transaction's lock must not be held.
 *
 * @param hub the hub; NULL is an error, and the transaction stays pending.
 * @param transaction the transaction, borrowed; NULL is an error.
 */
void rogue_mem_hub_forward(rogue_mem_hub_t *hub, rogue_mem_transaction_t *transaction);

/**
 * Adds a reference.
 *
 * @param hub the hub; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_hub_t *rogue_mem_hub_retain(rogue_mem_hub_t *hub);

/**
 * Gives a reference back. Its halves, and masters that it is connected to, keep it alive as
 * needed.
 *
 * @param hub the hub; NULL is allowed and ignored.
 */
void rogue_mem_hub_release(rogue_mem_hub_t *hub);

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
 */
rogue_mem_status_t rogue_mem_set_bits(uint8_t *dst, size_t dst_size, uint64_t lsb, uint64_t bits);

/**
 * Asks whether any bit of a range is one.
 *
 * @param src bytes to look at.
 * @param src_size number of bytes at src.
 * @param lsb first bit.
 * @param bits number of bits.
 * @param any receives 1 if one is, 0 if none is, as in a range of no bits. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * range does not lie within the bytes.
 */
rogue_mem_status_t rogue_mem_any_bits(const uint8_t *src,
                                      size_t src_size,
                                      uint64_t lsb,
                                      uint64_t bits,
                                      uint32_t *any);

/* --- Registers: variables --------------------------------------------------------------------- */

/* A variable says where the bits of a value are in a block of registers, and what they mean. It
 * holds no data: that is in the block to which rogue_mem_block_add_variables adds it.
 *
 * Bit n of a block is bit n % 8, counted from the least significant, of byte n / 8. A scalar has
 * one or more parts, which take the bits of its value in their order, from the lowest on. A list
 * has elements of value_bits bits, one each value_stride bits.
 *
 * The functions below come in four forms. set_... stages a value and writes it, as
 * rogue_mem_block_write does; get_... reads first, as rogue_mem_block_read does. stage_... and
 * staged_... only touch the bytes of the block. A value that is refused is not staged. index
 * selects an element of a list.
 *
 * Errors of values: ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the variable
 * has another model ("Wrong set type"), for an index out of range, and for a value that the
 * variable cannot have, or that is outside of its limits; ROGUE_MEM_ERROR_NOT_FOUND if the variable
 * is in no block. Errors of transfers: those of rogue_mem_block_start with check. */

/**
 * Model: bytes that the program itself converts. A big-endian value is reversed.
 */
#define ROGUE_MEM_MODEL_PYFUNC 0

/**
 * Model: bytes, lowest address first.
 */
#define ROGUE_MEM_MODEL_BYTES 1

/**
 * Model: an unsigned integer; one of more than 64 bits is bytes, lowest first.
 */
#define ROGUE_MEM_MODEL_UINT 2

/**
 * Model: a signed integer in two's complement; one of more than 64 bits is bytes, lowest first.
 */
#define ROGUE_MEM_MODEL_INT 3

/**
 * Model: a truth value.
 */
#define ROGUE_MEM_MODEL_BOOL 4

/**
 * Model: text up to the first NUL.
 */
#define ROGUE_MEM_MODEL_STRING 5

/**
 * Model: IEEE 754 single precision, 32 bits.
 */
#define ROGUE_MEM_MODEL_FLOAT 6

/**
 * Model: IEEE 754 double precision, 64 bits.
 */
#define ROGUE_MEM_MODEL_DOUBLE 7

/**
 * Model: a signed integer, divided by two to the power of bin_point.
 */
#define ROGUE_MEM_MODEL_FIXED 8

/**
 * Model: an unsigned integer, divided by two to the power of bin_point.
 */
#define ROGUE_MEM_MODEL_UFIXED 9

/**
 * Model: IEEE 754 half precision, 16 bits.
 */
#define ROGUE_MEM_MODEL_FLOAT16 10

/**
 * Model: E4M3, 8 bits: largest value 448, no infinity.
 */
#define ROGUE_MEM_MODEL_FLOAT8 11

/**
 * Model: the upper half of a single precision number, 16 bits.
 */
#define ROGUE_MEM_MODEL_BFLOAT16 12

/**
 * Model: a single precision number whose lowest 13 bits are zero, 32 bits.
 */
#define ROGUE_MEM_MODEL_TENSOR_FLOAT32 13

/**
 * Model: E3M2, 6 to 8 bits: largest value 28, neither infinity nor NaN.
 */
#define ROGUE_MEM_MODEL_FLOAT6 14

/**
 * Model: E2M1, 4 to 8 bits: largest value 6, neither infinity nor NaN.
 */
#define ROGUE_MEM_MODEL_FLOAT4 15

/**
 * The first id of models of the program's own, for which the library has no conversion.
 */
#define ROGUE_MEM_MODEL_CUSTOM 128

/**
 * All that a program says about a variable. Zero-initialise it, set size, name, model, and then
 * other members as needed.
 */
typedef struct rogue_mem_variable_spec_t {
    /**
     * sizeof(rogue_mem_variable_spec_t).
     */
    size_t size;
    /**
     * The name, UTF-8, copied; the path at first. Must not be NULL.
     */
    const char *name;
    /**
     * "RW": read and written; "RO": only read; "WO": only written. Another text, which Rogue
     * accepts: read and written, never verified. NULL: "RW".
     */
    const char *mode;
    /**
     * First bits of part_count parts, relative to the start of the block.
     */
    const uint64_t *bit_offsets;
    /**
     * Widths of part_count parts, in bits; see has_parts.
     */
    const uint64_t *bit_sizes;
    /**
     * The first bit, if part_count is 0: there is one part then.
     */
    uint64_t bit_offset;
    /**
     * The width in bits, if part_count is 0. 0 for a list: num_values times value_stride.
     */
    uint64_t bit_size;
    /**
     * Byte offset; only rogue_mem_variable_shift_offset_down uses it.
     */
    uint64_t offset;
    /**
     * The smallest value that may be set.
     */
    double minimum;
    /**
     * The largest value that may be set. If both are 0, all that the width holds may be set; see
     * has_range.
     */
    double maximum;
    /**
     * Number of parts in bit_offsets and bit_sizes; 0: one part, of bit_offset and bit_size.
     */
    uint32_t part_count;
    /**
     * ROGUE_MEM_MODEL_..., or the id of a model of the program's own.
     */
    uint32_t model;
    /**
     * Bits of the fraction of a fixed point number.
     */
    uint32_t bin_point;
    /**
     * Number of elements of a list; 0: a scalar.
     */
    uint32_t num_values;
    /**
     * Width of an element of a list, in bits.
     */
    uint32_t value_bits;
    /**
     * Distance between elements of a list, in bits; 0 = value_bits.
     */
    uint32_t value_stride;
    /**
     * Attempts after a failed one, for each transaction of its block.
     */
    uint32_t retry_count;
    /**
     * A flag: whether minimum and maximum limit the value even if both are 0.
     */
    uint32_t has_range;
    /**
     * A flag: whether the highest byte of a value comes first.
     */
    uint32_t big_endian;
    /**
     * A flag: whether the highest bit of a number comes first.
     */
    uint32_t reverse_bits;
    /**
     * A flag: whether it may share bits with other variables that may.
     */
    uint32_t may_overlap;
    /**
     * A flag: whether it is not read back and compared after a write.
     */
    uint32_t no_verify;
    /**
     * A flag: whether it takes no part in bulk operations; for the program's own use.
     */
    uint32_t no_bulk;
    /**
     * A flag: whether the observer of its block is not called for it.
     */
    uint32_t no_notify;
    /**
     * A flag, for callers that have not compared the numbers of bit_offsets and bit_sizes:
     * part_count is that of bit_offsets, also if it is 0, and size_count that of bit_sizes. A
     * variable with unequal numbers, or none, is refused.
     */
    uint32_t has_parts;
    /**
     * Number of values in bit_sizes, with has_parts; otherwise ignored.
     */
    uint32_t size_count;
} rogue_mem_variable_spec_t;

/**
 * The name.
 *
 * @param variable the variable.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_variable_name(const rogue_mem_variable_t *variable,
                                           char *buffer,
                                           size_t capacity,
                                           size_t *length);

/**
 * The path, which errors and dumps show: the name until rogue_mem_variable_update_path.
 *
 * @param variable the variable.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_variable_path(const rogue_mem_variable_t *variable,
                                           char *buffer,
                                           size_t capacity,
                                           size_t *length);

/**
 * Sets the path. A block takes its own path from its first variable when that is added.
 *
 * @param variable the variable.
 * @param path the path, UTF-8, copied.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
 */
rogue_mem_status_t rogue_mem_variable_update_path(rogue_mem_variable_t *variable, const char *path);

/**
 * The mode, as rogue_mem_variable_spec_t has it.
 *
 * @param variable the variable.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_variable_mode(const rogue_mem_variable_t *variable,
                                           char *buffer,
                                           size_t capacity,
                                           size_t *length);

/**
 * The model.
 *
 * @param variable the variable.
 * @return ROGUE_MEM_MODEL_..., or the id of a model of the program's own; 0 if variable is NULL.
 */
uint32_t rogue_mem_variable_model(const rogue_mem_variable_t *variable);

/**
 * The smallest value that may be set.
 *
 * @param variable the variable.
 * @return the limit; 0 if there is none; 0 if variable is NULL.
 */
double rogue_mem_variable_minimum(const rogue_mem_variable_t *variable);

/**
 * The largest value that may be set.
 *
 * @param variable the variable.
 * @return the limit; 0 if there is none; 0 if variable is NULL.
 */
double rogue_mem_variable_maximum(const rogue_mem_variable_t *variable);

/**
 * Bits of the fraction of a fixed point number.
 *
 * @param variable the variable.
 * @return bits; 0 if variable is NULL.
 */
uint32_t rogue_mem_variable_bin_point(const rogue_mem_variable_t *variable);

/**
 * The sum of the widths of the parts; of a list, the width given for its only part.
 *
 * @param variable the variable.
 * @return bits; 0 if variable is NULL.
 */
uint64_t rogue_mem_variable_bit_total(const rogue_mem_variable_t *variable);

/**
 * rogue_mem_variable_bit_total in bytes, rounded up.
 *
 * @param variable the variable.
 * @return bytes; 0 if variable is NULL.
 */
uint64_t rogue_mem_variable_byte_size(const rogue_mem_variable_t *variable);

/**
 * Width of one value.
 *
 * @param variable the variable.
 * @return bits; 0 if variable is NULL.
 */
uint32_t rogue_mem_variable_value_bits(const rogue_mem_variable_t *variable);

/**
 * Width of one value in bytes, rounded up.
 *
 * @param variable the variable.
 * @return bytes; 0 if variable is NULL.
 */
uint32_t rogue_mem_variable_value_bytes(const rogue_mem_variable_t *variable);

/**
 * Distance between elements; of a scalar its width.
 *
 * @param variable the variable.
 * @return bits; 0 if variable is NULL.
 */
uint32_t rogue_mem_variable_value_stride(const rogue_mem_variable_t *variable);

/**
 * Number of elements.
 *
 * @param variable the variable.
 * @return the number; 0 for a scalar; 0 if variable is NULL.
 */
uint32_t rogue_mem_variable_num_values(const rogue_mem_variable_t *variable);

/**
 * Size of a block that ends with this variable, in multiples of the smallest access.
 *
 * @param variable the variable.
 * @return bytes; 0 if variable is NULL.
 */
uint64_t rogue_mem_variable_var_bytes(const rogue_mem_variable_t *variable);

/**
 * The byte offset, as shifted so far.
 *
 * @param variable the variable.
 * @return bytes; 0 if variable is NULL.
 */
uint64_t rogue_mem_variable_offset(const rogue_mem_variable_t *variable);

/**
 * Whether it may share bits with other variables that may.
 *
 * @param variable the variable.
 * @return true if it may; false if variable is NULL.
 */
bool rogue_mem_variable_may_overlap(const rogue_mem_variable_t *variable);

/**
 * Whether it is read back and compared after a write, if its mode is "RW".
 *
 * @param variable the variable.
 * @return true if it is; false if variable is NULL.
 */
bool rogue_mem_variable_is_verified(const rogue_mem_variable_t *variable);

/**
 * Whether it takes part in bulk operations of the program's.
 *
 * @param variable the variable.
 * @return true if it does; false if variable is NULL.
 */
bool rogue_mem_variable_is_bulk(const rogue_mem_variable_t *variable);

/**
 * Whether the observer of its block is called for it.
 *
 * @param variable the variable.
 * @return true if it is; false if variable is NULL.
 */
bool rogue_mem_variable_is_notified(const rogue_mem_variable_t *variable);

/**
 * Whether its highest byte comes first.
 *
 * @param variable the variable.
 * @return true if it does; false if variable is NULL.
 */
bool rogue_mem_variable_is_big_endian(const rogue_mem_variable_t *variable);

/**
 * Whether the highest bit of a number comes first.
 *
 * @param variable the variable.
 * @return true if it does; false if variable is NULL.
 */
bool rogue_mem_variable_reverses_bits(const rogue_mem_variable_t *variable);

/**
 * Attempts after a failed one, for each transaction of its block.
 *
 * @param variable the variable.
 * @return the number; 0 if variable is NULL.
 */
uint32_t rogue_mem_variable_retry_count(const rogue_mem_variable_t *variable);

/**
 * Moves the origin of the bit positions down: the offset decreases, modulo 2^64, and all bit
 * positions increase. From now on accesses cover multiples of min_size bytes.
 *
 * @param variable the variable.
 * @param shift bytes.
 * @param min_size bytes of the smallest access.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * variable is in a block, or would end beyond every block: nothing is changed then.
 */
rogue_mem_status_t rogue_mem_variable_shift_offset_down(rogue_mem_variable_t *variable,
                                                        uint64_t shift,
                                                        uint64_t min_size);

/**
 * Sets the threshold of the logger of its block, "pyrogue.memory.block." and the block's path.
 *
 * @param variable the variable.
 * @param level ROGUE_MEM_LOG_..., or any number: messages of at least this level pass.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND if it is in no
 * block.
 */
rogue_mem_status_t rogue_mem_variable_set_log_level(rogue_mem_variable_t *variable, uint32_t level);

/**
 * Checks that values of the variable are those of a model, for programs whose own functions name
 * the model.
 *
 * @param variable the variable.
 * @param model ROGUE_MEM_MODEL_...; ROGUE_MEM_MODEL_FIXED and ROGUE_MEM_MODEL_UFIXED both mean
 * either.
 * @param is_set a flag: whether a value is to be set; the error says so.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT, "Wrong
 * set type for variable" and its path, if it has another model.
 */
rogue_mem_status_t rogue_mem_variable_expect_model(rogue_mem_variable_t *variable,
                                                   uint32_t model,
                                                   uint32_t is_set);

/**
 * Reads the variable, and waits.
 *
 * @param variable the variable.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND if it is in no
 * block; the errors of rogue_mem_block_start with check.
 */
rogue_mem_status_t rogue_mem_variable_read(rogue_mem_variable_t *variable);

/**
 * Writes the variable with everything that is staged in its block, verifies what is to be
 * verified, and waits.
 *
 * @param variable the variable.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND if it is in no
 * block; the errors of rogue_mem_block_start with check.
 */
rogue_mem_status_t rogue_mem_variable_write(rogue_mem_variable_t *variable);

/**
 * Makes a variable.
 *
 * @param spec what it is, copied.
 * @param out receives the variable, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also for a name of NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT for a wrong size of spec, a geometry that no block can have, or
 * a width that the model cannot have; ROGUE_MEM_ERROR_INVALID_TEXT.
 */
rogue_mem_status_t rogue_mem_variable_new(const rogue_mem_variable_spec_t *spec,
                                          rogue_mem_variable_t **out);

/**
 * The block that has the variable.
 *
 * @param variable the variable.
 * @return the block, a new reference; NULL, with the last error set, if variable is NULL or in no
 * block (ROGUE_MEM_ERROR_NOT_FOUND).
 */
rogue_mem_block_t *rogue_mem_variable_block(const rogue_mem_variable_t *variable);

/**
 * Lists the parts: where they begin, as shifted so far, and how wide they are.
 *
 * @param variable the variable.
 * @param bit_offsets_or_null receives the first bits of the first capacity parts; may be NULL.
 * @param bit_sizes_or_null receives the widths of these, in bits; may be NULL.
 * @param capacity room of both, as a number of parts.
 * @param count receives the number of parts.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if capacity
 * is impossible.
 */
rogue_mem_status_t rogue_mem_variable_parts(const rogue_mem_variable_t *variable,
                                            uint64_t *bit_offsets_or_null,
                                            uint64_t *bit_sizes_or_null,
                                            size_t capacity,
                                            size_t *count);

/**
 * Prints the values: the path, "=", each value after a space, and a newline. Integers are decimal,
 * those of more than 64 bits hexadecimal with the highest digit first; bytes hexadecimal with the
 * lowest address first; floating point numbers have six digits. Values that the program converts
 * are "UNDEFINED".
 *
 * @param variable the variable.
 * @param read a flag: whether to read the variable first. The text of one call with it may differ
 * from that of the next: give enough room, or ask for the length with a second call without it.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND if the variable is
 * in no block; with read the errors of transfers.
 */
rogue_mem_status_t rogue_mem_variable_dump(rogue_mem_variable_t *variable,
                                           uint32_t read,
                                           char *buffer,
                                           size_t capacity,
                                           size_t *length);

/**
 * Adds a reference.
 *
 * @param variable the variable; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_variable_t *rogue_mem_variable_retain(rogue_mem_variable_t *variable);

/**
 * Gives a reference back. Its block keeps it alive.
 *
 * @param variable the variable; NULL is allowed and ignored.
 */
void rogue_mem_variable_release(rogue_mem_variable_t *variable);

/* --- Registers: numbers ----------------------------------------------------------------------- */

/* Numbers and truth values, one at a time: of a scalar, or of an element of a list. Errors of
 * values and of transfers are those of the section on variables. */

/**
 * Sets an unsigned integer of at most 64 bits (ROGUE_MEM_MODEL_UINT).
 *
 * @param variable the variable.
 * @param value the value.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_set_uint(rogue_mem_variable_t *variable,
                                               uint64_t value,
                                               int32_t index);

/**
 * The value of an unsigned integer of at most 64 bits, as the device has it.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param value receives the value. Untouched on failure.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_get_uint(rogue_mem_variable_t *variable,
                                               int32_t index,
                                               uint64_t *value);

/**
 * Stages an unsigned integer of at most 64 bits.
 *
 * @param variable the variable.
 * @param value the value.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_stage_uint(rogue_mem_variable_t *variable,
                                                 uint64_t value,
                                                 int32_t index);

/**
 * The staged value of an unsigned integer of at most 64 bits.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param value receives the value. Untouched on failure.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_staged_uint(rogue_mem_variable_t *variable,
                                                  int32_t index,
                                                  uint64_t *value);

/**
 * Sets a signed integer of at most 64 bits (ROGUE_MEM_MODEL_INT).
 *
 * @param variable the variable.
 * @param value the value.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_set_int(rogue_mem_variable_t *variable,
                                              int64_t value,
                                              int32_t index);

/**
 * The value of a signed integer of at most 64 bits, as the device has it.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param value receives the value. Untouched on failure.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_get_int(rogue_mem_variable_t *variable,
                                              int32_t index,
                                              int64_t *value);

/**
 * Stages a signed integer of at most 64 bits.
 *
 * @param variable the variable.
 * @param value the value.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_stage_int(rogue_mem_variable_t *variable,
                                                int64_t value,
                                                int32_t index);

/**
 * The staged value of a signed integer of at most 64 bits.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param value receives the value. Untouched on failure.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_staged_int(rogue_mem_variable_t *variable,
                                                 int32_t index,
                                                 int64_t *value);

/**
 * Sets a truth value (ROGUE_MEM_MODEL_BOOL).
 *
 * @param variable the variable.
 * @param value a flag.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_set_bool(rogue_mem_variable_t *variable,
                                               uint32_t value,
                                               int32_t index);

/**
 * A truth value, as the device has it.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param value receives a flag. Untouched on failure.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_get_bool(rogue_mem_variable_t *variable,
                                               int32_t index,
                                               uint32_t *value);

/**
 * Stages a truth value.
 *
 * @param variable the variable.
 * @param value a flag.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_stage_bool(rogue_mem_variable_t *variable,
                                                 uint32_t value,
                                                 int32_t index);

/**
 * A staged truth value.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param value receives a flag. Untouched on failure.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_staged_bool(rogue_mem_variable_t *variable,
                                                  int32_t index,
                                                  uint32_t *value);

/**
 * Sets a number that single precision holds: of ROGUE_MEM_MODEL_FLOAT, or one of the narrower
 * models, to which it is rounded.
 *
 * @param variable the variable.
 * @param value the value.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_set_float(rogue_mem_variable_t *variable,
                                                float value,
                                                int32_t index);

/**
 * A number that single precision holds, as the device has it.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param value receives the value. Untouched on failure.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_get_float(rogue_mem_variable_t *variable,
                                                int32_t index,
                                                float *value);

/**
 * Stages a number that single precision holds.
 *
 * @param variable the variable.
 * @param value the value.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_stage_float(rogue_mem_variable_t *variable,
                                                  float value,
                                                  int32_t index);

/**
 * A staged number that single precision holds.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param value receives the value. Untouched on failure.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_staged_float(rogue_mem_variable_t *variable,
                                                   int32_t index,
                                                   float *value);

/**
 * Sets a number of double precision (ROGUE_MEM_MODEL_DOUBLE), or one of fixed point
 * (ROGUE_MEM_MODEL_FIXED, ROGUE_MEM_MODEL_UFIXED), to which it is rounded.
 *
 * @param variable the variable.
 * @param value the value.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_set_double(rogue_mem_variable_t *variable,
                                                 double value,
                                                 int32_t index);

/**
 * A number of double precision or fixed point, as the device has it.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param value receives the value. Untouched on failure.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_get_double(rogue_mem_variable_t *variable,
                                                 int32_t index,
                                                 double *value);

/**
 * Stages a number of double precision or fixed point.
 *
 * @param variable the variable.
 * @param value the value.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_stage_double(rogue_mem_variable_t *variable,
                                                   double value,
                                                   int32_t index);

/**
 * A staged number of double precision or fixed point.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param value receives the value. Untouched on failure.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_staged_double(rogue_mem_variable_t *variable,
                                                    int32_t index,
                                                    double *value);

/* --- Registers: lists ------------------------------------------------------------------------- */

/* Lists have numbers of any type that holds them, and one call moves any number of elements. Errors
 * of values and of transfers are those of the section on variables. */

/**
 * Type of elements: uint8_t.
 */
#define ROGUE_MEM_ELEMENT_UINT8 1

/**
 * Type of elements: uint16_t.
 */
#define ROGUE_MEM_ELEMENT_UINT16 2

/**
 * Type of elements: uint32_t.
 */
#define ROGUE_MEM_ELEMENT_UINT32 3

/**
 * Type of elements: uint64_t.
 */
#define ROGUE_MEM_ELEMENT_UINT64 4

/**
 * Type of elements: int8_t.
 */
#define ROGUE_MEM_ELEMENT_INT8 5

/**
 * Type of elements: int16_t.
 */
#define ROGUE_MEM_ELEMENT_INT16 6

/**
 * Type of elements: int32_t.
 */
#define ROGUE_MEM_ELEMENT_INT32 7

/**
 * Type of elements: int64_t.
 */
#define ROGUE_MEM_ELEMENT_INT64 8

/**
 * Type of elements: a truth value in a uint8_t: 0 is false, every other one true.
 */
#define ROGUE_MEM_ELEMENT_BOOL 9

/**
 * Type of elements: float.
 */
#define ROGUE_MEM_ELEMENT_FLOAT 10

/**
 * Type of elements: double.
 */
#define ROGUE_MEM_ELEMENT_DOUBLE 11

/**
 * Sets elements of a list from one element on, with one transfer; none without values. All are
 * checked before the first is staged.
 *
 * @param variable the variable.
 * @param type ROGUE_MEM_ELEMENT_...: the type of the values, as the model needs: unsigned or signed
 * integers, truth values, float, or double.
 * @param values count values; may be NULL if count is 0.
 * @param count number of values.
 * @param index the first element; -1 means 0.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers; ROGUE_MEM_ERROR_INVALID_ARGUMENT
 * also if there are more values than elements, or for an unknown type.
 */
rogue_mem_status_t rogue_mem_variable_set_values(rogue_mem_variable_t *variable,
                                                 uint32_t type,
                                                 const void *values,
                                                 size_t count,
                                                 int32_t index);

/**
 * Stages elements of a list from one element on. All are checked before the
 * first is staged.
 *
 * @param variable the variable.
 * @param type ROGUE_MEM_ELEMENT_...: the type of the values, as the model needs: unsigned or signed
 * integers, truth values, float, or double.
 * @param values count values; may be NULL if count is 0.
 * @param count number of values.
 * @param index the first element; -1 means 0.
 * @return ROGUE_MEM_OK; the errors of values; ROGUE_MEM_ERROR_INVALID_ARGUMENT also if
 * there are more values than elements, or for an unknown type.
 */
rogue_mem_status_t rogue_mem_variable_stage_values(rogue_mem_variable_t *variable,
                                                   uint32_t type,
                                                   const void *values,
                                                   size_t count,
                                                   int32_t index);

/**
 * Elements of a list from one element on, as the device has them, with one transfer.
 *
 * @param variable the variable.
 * @param type ROGUE_MEM_ELEMENT_...: the type of the values, as the model needs; integers at least
 * as wide as the elements.
 * @param index the first element; -1 means 0.
 * @param values receives count values; may be NULL if count is 0. Untouched on failure.
 * @param count number of values.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers; ROGUE_MEM_ERROR_INVALID_ARGUMENT
 * also if there are fewer elements, or for an unknown or too narrow type.
 */
rogue_mem_status_t rogue_mem_variable_get_values(rogue_mem_variable_t *variable,
                                                 uint32_t type,
                                                 int32_t index,
                                                 void *values,
                                                 size_t count);

/**
 * Staged elements of a list from one element on.
 *
 * @param variable the variable.
 * @param type ROGUE_MEM_ELEMENT_...: the type of the values, as the model needs; integers at least
 * as wide as the elements.
 * @param index the first element; -1 means 0.
 * @param values receives count values; may be NULL if count is 0. Untouched on failure.
 * @param count number of values.
 * @return ROGUE_MEM_OK; the errors of values; ROGUE_MEM_ERROR_INVALID_ARGUMENT also if
 * there are fewer elements, or for an unknown or too narrow type.
 */
rogue_mem_status_t rogue_mem_variable_staged_values(rogue_mem_variable_t *variable,
                                                    uint32_t type,
                                                    int32_t index,
                                                    void *values,
                                                    size_t count);

/* --- Registers: bytes and text ---------------------------------------------------------------- */

/* Values that are bytes: those of ROGUE_MEM_MODEL_BYTES, integers of more than 64 bits, text, and
 * values that the program itself converts. Errors of values and of transfers are those of the
 * section on variables. */

/**
 * Sets bytes: those of a ROGUE_MEM_MODEL_BYTES, lowest address first, or an integer of more
 * than 64 bits in two's complement, lowest byte first.
 *
 * @param variable the variable.
 * @param bytes count bytes; what a value does not have is ignored.
 * @param count number of bytes, at least rogue_mem_variable_value_bytes.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_set_bytes(rogue_mem_variable_t *variable,
                                                const uint8_t *bytes,
                                                size_t count,
                                                int32_t index);

/**
 * The bytes that rogue_mem_variable_set_bytes sets, as the device has them. The unused bits of
 * the last byte repeat the sign of a signed integer, and are 0 otherwise.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param bytes receives rogue_mem_variable_value_bytes bytes. Untouched on failure.
 * @param count size of bytes; at least that many.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_get_bytes(rogue_mem_variable_t *variable,
                                                int32_t index,
                                                uint8_t *bytes,
                                                size_t count);

/**
 * Stages bytes: those of a ROGUE_MEM_MODEL_BYTES, lowest address first, or an integer of more
 * than 64 bits in two's complement, lowest byte first.
 *
 * @param variable the variable.
 * @param bytes count bytes; what a value does not have is ignored.
 * @param count number of bytes, at least rogue_mem_variable_value_bytes.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_stage_bytes(rogue_mem_variable_t *variable,
                                                  const uint8_t *bytes,
                                                  size_t count,
                                                  int32_t index);

/**
 * Staged bytes, as rogue_mem_variable_stage_bytes takes them. The unused bits of
 * the last byte repeat the sign of a signed integer, and are 0 otherwise.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param bytes receives rogue_mem_variable_value_bytes bytes. Untouched on failure.
 * @param count size of bytes; at least that many.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_staged_bytes(rogue_mem_variable_t *variable,
                                                   int32_t index,
                                                   uint8_t *bytes,
                                                   size_t count);

/**
 * Stages bytes that the program has made from a value: the first ones, in their order, or for a
 * big-endian variable in the opposite order. Of a ROGUE_MEM_MODEL_PYFUNC, a
 * ROGUE_MEM_MODEL_BYTES, or an integer of more than 64 bits, which has to fit: the unused bits of
 * its highest byte are 0, or repeat the sign.
 *
 * @param variable the variable.
 * @param bytes count bytes; what a value does not have is ignored.
 * @param count number of bytes, at least rogue_mem_variable_value_bytes.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_stage_raw(rogue_mem_variable_t *variable,
                                                const uint8_t *bytes,
                                                size_t count,
                                                int32_t index);

/**
 * Staged bytes, as rogue_mem_variable_stage_raw takes them.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param bytes receives rogue_mem_variable_value_bytes bytes. Untouched on failure.
 * @param count size of bytes; at least that many.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_staged_raw(rogue_mem_variable_t *variable,
                                                 int32_t index,
                                                 uint8_t *bytes,
                                                 size_t count);

/**
 * Sets the text of a ROGUE_MEM_MODEL_STRING. It may fill the variable; the rest is set to zero.
 *
 * @param variable the variable.
 * @param text the text, of any encoding: it ends at the first NUL.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers; ROGUE_MEM_ERROR_INVALID_ARGUMENT
 * also if the text is too long.
 */
rogue_mem_status_t rogue_mem_variable_set_string(rogue_mem_variable_t *variable,
                                                 const char *text,
                                                 int32_t index);

/**
 * Stages the text of a ROGUE_MEM_MODEL_STRING. It may fill the variable; the rest is set to zero.
 *
 * @param variable the variable.
 * @param text the text, of any encoding: it ends at the first NUL.
 * @param index an element of a list; ignored for a scalar.
 * @return ROGUE_MEM_OK; the errors of values; ROGUE_MEM_ERROR_INVALID_ARGUMENT also if
 * the text is too long.
 */
rogue_mem_status_t rogue_mem_variable_stage_string(rogue_mem_variable_t *variable,
                                                   const char *text,
                                                   int32_t index);

/**
 * The text of a ROGUE_MEM_MODEL_STRING, as the device has it, up to the first NUL.
 * It may be cut within a character, and need not be UTF-8: the bytes are those of the device.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; the errors of values, and of transfers.
 */
rogue_mem_status_t rogue_mem_variable_get_string(rogue_mem_variable_t *variable,
                                                 int32_t index,
                                                 char *buffer,
                                                 size_t capacity,
                                                 size_t *length);

/**
 * The staged text of a ROGUE_MEM_MODEL_STRING, up to the first NUL.
 * It may be cut within a character, and need not be UTF-8: the bytes are those of the device.
 *
 * @param variable the variable.
 * @param index an element of a list; ignored for a scalar.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; the errors of values.
 */
rogue_mem_status_t rogue_mem_variable_staged_string(rogue_mem_variable_t *variable,
                                                    int32_t index,
                                                    char *buffer,
                                                    size_t capacity,
                                                    size_t *length);

/* --- Registers: blocks ------------------------------------------------------------------------ */

/* A block has the bytes of a contiguous region of registers. A value that is set is staged: it is
 * in the block, and stale until a write takes it to the device. A read takes the bytes of the
 * device over, except for those that are stale, and for variables that are only written.
 *
 * A block has one transaction under way at a time: those of several threads follow each other.
 * Staged values may be set and read meanwhile, and reach neither a write that is under way nor the
 * comparison after it. A slave must not use the block in the thread that hands it a transaction of
 * the block. */

/**
 * The transaction was sent.
 */
#define ROGUE_MEM_SKIP_NONE 0

/**
 * Not sent: the block, or the variable, is only read.
 */
#define ROGUE_MEM_SKIP_READ_ONLY 1

/**
 * Not sent: the block, or the variable, is only written.
 */
#define ROGUE_MEM_SKIP_WRITE_ONLY 2

/**
 * Not sent: nothing has been staged since the last write, and the write is not forced.
 */
#define ROGUE_MEM_SKIP_NOTHING_STAGED 3

/**
 * Not sent: all that would be read is staged and not written yet.
 */
#define ROGUE_MEM_SKIP_ALL_STAGED 4

/**
 * Not sent: nothing that is verified has been written since the last verify.
 */
#define ROGUE_MEM_SKIP_NOTHING_TO_VERIFY 5

/**
 * Not sent: the write before this verify has failed; the next check reports it.
 */
#define ROGUE_MEM_SKIP_WRITE_FAILED 6

/**
 * Not sent: the block is disabled.
 */
#define ROGUE_MEM_SKIP_DISABLED 7

/**
 * Callbacks for variables whose values may have changed. Zero-initialise it, set size, and then the
 * rest.
 */
typedef struct rogue_mem_block_observer_t {
    /**
     * sizeof(rogue_mem_block_observer_t).
     */
    size_t size;
    /**
     * Passed to every callback.
     */
    void *ctx;
    /**
     * Called exactly once, on any thread, after the last call of updated. Not called if
     * rogue_mem_block_observe fails. NULL: nothing is called.
     */
    void (*drop)(void *ctx);
    /**
     * Called after a transaction that has ended well, for each variable of the block without
     * no_notify, in the order of their addition; must not be NULL. The variable is borrowed. Runs
     * in the thread that checks the transaction, with no lock held.
     */
    void (*updated)(void *ctx, rogue_mem_variable_t *variable);
    /**
     * The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
     * NULL: none.
     */
    rogue_mem_gate_t *gate;
} rogue_mem_block_observer_t;

/**
 * Makes a block. Its bytes are zero at first. It is disabled: until rogue_mem_block_set_enable its
 * transactions are skipped.
 *
 * @param offset byte offset, relative to the slave that its master is connected to.
 * @param size number of bytes.
 * @param out receives the block, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for no
 * bytes, or an end beyond the address space; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_block_new(uint64_t offset, uint32_t size, rogue_mem_block_t **out);

/**
 * The master whose slave has the registers: connect it with rogue_mem_master_set_slave. The
 * transactions of the block have its timeout.
 *
 * @param block the block.
 * @return the master, a new reference; NULL if block is NULL.
 */
rogue_mem_master_t *rogue_mem_block_master(const rogue_mem_block_t *block);

/**
 * The byte offset, relative to the slave of its master.
 *
 * @param block the block.
 * @return bytes; 0 if block is NULL.
 */
uint64_t rogue_mem_block_offset(const rogue_mem_block_t *block);

/**
 * The number of bytes.
 *
 * @param block the block.
 * @return bytes; 0 if block is NULL.
 */
uint32_t rogue_mem_block_size(const rogue_mem_block_t *block);

/**
 * The address as seen from the end of the path.
 *
 * @param block the block.
 * @return byte address; 0 if block is NULL.
 */
uint64_t rogue_mem_block_address(const rogue_mem_block_t *block);

/**
 * "Undefined", or the path that the first variable had when it was added.
 *
 * @param block the block.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_block_path(const rogue_mem_block_t *block,
                                        char *buffer,
                                        size_t capacity,
                                        size_t *length);

/**
 * The mode that all variables have; "RW" if they differ, and without variables.
 *
 * @param block the block.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_block_mode(const rogue_mem_block_t *block,
                                        char *buffer,
                                        size_t capacity,
                                        size_t *length);

/**
 * Whether a variable takes part in bulk operations of the program's.
 *
 * @param block the block.
 * @return true if one does; false if block is NULL.
 */
bool rogue_mem_block_is_bulk(const rogue_mem_block_t *block);

/**
 * Whether transactions are sent.
 *
 * @param block the block.
 * @return true if they are; false if block is NULL.
 */
bool rogue_mem_block_is_enabled(const rogue_mem_block_t *block);

/**
 * Lets transactions be sent, or skips them. A write that is skipped is not made up for: what was
 * staged for it is not stale any more.
 *
 * @param block the block.
 * @param enable a flag.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_block_set_enable(rogue_mem_block_t *block, uint32_t enable);

/**
 * Sets the threshold of the block's logger, "pyrogue.memory.block." and its path.
 *
 * @param block the block.
 * @param level ROGUE_MEM_LOG_..., or any number: messages of at least this level pass.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_NOT_FOUND for a block
 * without variables, which has no logger.
 */
rogue_mem_status_t rogue_mem_block_set_log_level(rogue_mem_block_t *block, uint32_t level);

/**
 * Reads a variable of the block, and waits.
 *
 * @param block the block.
 * @param variable the variable.
 * @param index the element to read; -1, or any other one that does not exist: all.
 * @return ROGUE_MEM_OK; the errors of rogue_mem_block_start with check.
 */
rogue_mem_status_t rogue_mem_block_read(rogue_mem_block_t *block,
                                        rogue_mem_variable_t *variable,
                                        int32_t index);

/**
 * Writes a variable of the block with everything that is staged, verifies what is to be verified,
 * and waits. No transaction of another thread comes between, so this thread is told of a
 * difference.
 *
 * @param block the block.
 * @param variable the variable.
 * @param index the element to write; -1, or any other one that does not exist: all.
 * @return ROGUE_MEM_OK; the errors of rogue_mem_block_start with check.
 */
rogue_mem_status_t rogue_mem_block_write(rogue_mem_block_t *block,
                                         rogue_mem_variable_t *variable,
                                         int32_t index);

/**
 * Replaces the variables of a block. All must lie within it. Variables that may overlap share bits
 * with each other, all others share none. A bit is verified if a verified variable covers it, and
 * no other one. Nothing is staged afterwards.
 *
 * @param block the block.
 * @param variables count variables, which are in no other block; the block takes a reference to
 * each.
 * @param count number of variables, at least 1.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also for a variable of NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT for no variables, one in another block, one that ends beyond the
 * block, or an overlap; ROGUE_MEM_ERROR_OUT_OF_RESOURCES. On failure the block is unchanged.
 */
rogue_mem_status_t rogue_mem_block_add_variables(rogue_mem_block_t *block,
                                                 rogue_mem_variable_t *const *variables,
                                                 size_t count);

/**
 * Lists the variables of a block, in the order of their addition.
 *
 * @param block the block.
 * @param variables_or_null receives the first capacity variables, each a new reference; may be NULL
 * if capacity is 0.
 * @param capacity room of variables_or_null, as a number of handles.
 * @param count receives the number of variables.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if capacity
 * is impossible.
 */
rogue_mem_status_t rogue_mem_block_variables(const rogue_mem_block_t *block,
                                             rogue_mem_variable_t **variables_or_null,
                                             size_t capacity,
                                             size_t *count);

/**
 * Starts a transaction.
 *
 * A read covers the block, or with a variable its bytes. A write and a posted write cover the
 * block, or with a variable everything that is stale and that variable; they take the staged
 * values along, which are not stale any more then. A verify reads back all that has been written
 * since the last one, and compares the bits that are verified. All are widened to multiples of the
 * smallest access of the path, within the block. A transaction that is under way is waited for
 * first.
 *
 * @param block the block.
 * @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
 * @param forced a flag: whether to write also if nothing is stale; a posted write always is.
 * @param check a flag: whether to wait for the end, as rogue_mem_block_check does. A block with
 * retries always waits, and makes further attempts. Otherwise the next check, or the next
 * transaction, waits.
 * @param variable_or_null a variable of the block; NULL: the block.
 * @param index the element to read; -1, or any other one that does not exist: all.
 * @param skipped_or_null receives ROGUE_MEM_SKIP_...: why nothing was sent, which is no failure;
 * may be NULL. Untouched on failure.
 * @param updated_or_null receives a flag: whether the transaction has been checked, and variables
 * that are notified may have changed; may be NULL. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for an
 * unknown type, a variable of another block, or a transaction that is larger than the largest
 * access of the path; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if there is no memory for it. Nothing is
 * sent then. With a wait those of rogue_mem_block_check.
 */
rogue_mem_status_t rogue_mem_block_start(rogue_mem_block_t *block,
                                         uint32_t type,
                                         uint32_t forced,
                                         uint32_t check,
                                         rogue_mem_variable_t *variable_or_null,
                                         int32_t index,
                                         uint32_t *skipped_or_null,
                                         uint32_t *updated_or_null);

/**
 * Waits for the transaction that is under way, and reports once the failure of those that this
 * thread has started, whatever other threads do; in a thread that has started none, one of another
 * thread, which reports it too. The observer is called before this returns, unless it fails.
 *
 * @param block the block.
 * @param updated_or_null receives a flag: whether variables that are notified may have changed; may
 * be NULL. 0 without a transaction since the last check. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_TRANSACTION or
 * ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT if the transaction failed; ROGUE_MEM_ERROR_VERIFY, with the
 * first byte that differs, if what was read back is not what was written.
 */
rogue_mem_status_t rogue_mem_block_check(rogue_mem_block_t *block, uint32_t *updated_or_null);

/**
 * Copies the staged bytes of a block.
 *
 * @param block the block.
 * @param offset the first byte, counted from the start of the block.
 * @param into where to copy to; may be NULL if count is 0. Untouched on failure.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * bytes do not lie within the block.
 */
rogue_mem_status_t rogue_mem_block_staged_data(rogue_mem_block_t *block,
                                               uint32_t offset,
                                               uint8_t *into,
                                               uint32_t count);

/**
 * Calls a function after transactions, in place of the present one.
 *
 * @param block the block.
 * @param observer_or_null the callbacks, copied; NULL: none from now on.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if updated is NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size. On failure drop is not called.
 */
rogue_mem_status_t rogue_mem_block_observe(rogue_mem_block_t *block,
                                           const rogue_mem_block_observer_t *observer_or_null);

/**
 * Adds a reference.
 *
 * @param block the block; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_block_t *rogue_mem_block_retain(rogue_mem_block_t *block);

/**
 * Gives a reference back. Release of the last reference gives up its pending transaction; its
 * variables then have no block.
 *
 * @param block the block; NULL is allowed and ignored.
 */
void rogue_mem_block_release(rogue_mem_block_t *block);

/* --- Registers: many blocks ------------------------------------------------------------------- */

/* Transactions of many blocks. All are started before the first is waited for, and those of one
 * slave are handed over together, so a TCP client sends them with few system calls. A failure
 * concerns no other block. */

/**
 * Where a call for many blocks reports what has become of each. It is used during the call only.
 * Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_bulk_report_t {
    /**
     * sizeof(rogue_mem_bulk_report_t).
     */
    size_t size;
    /**
     * Passed to failed.
     */
    void *ctx;
    /**
     * Called for each block that failed, in their order, in the calling thread before the call
     * returns, with no lock held: the index of the block in the list, and its error, whose texts
     * are valid during the call. NULL: nothing is called.
     */
    void (*failed)(void *ctx,
                   size_t index,
                   rogue_mem_status_t status,
                   const char *source,
                   const char *text);
    /**
     * Receives a flag for each block: whether variables that are notified may have changed. Set
     * with every result except the errors of an argument. NULL: not wanted.
     */
    uint32_t *updated;
} rogue_mem_bulk_report_t;

/**
 * Reads blocks, and waits. All reads are requested before the first is waited for. The observers
 * are called before this returns.
 *
 * @param blocks count blocks.
 * @param count number of blocks.
 * @param report_or_null where to report what has become of each block; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also for a block of NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if count is impossible or report_or_null has a wrong size;
 * otherwise the error of the first block that failed, as from rogue_mem_block_start with check.
 */
rogue_mem_status_t rogue_mem_block_read_all(rogue_mem_block_t *const *blocks,
                                            size_t count,
                                            const rogue_mem_bulk_report_t *report_or_null);

/**
 * Writes blocks, verifies what is to be verified, and waits. All writes are requested before the
 * first is waited for, and then all verifies. The observers are called before this returns. If
 * another thread verifies one of the blocks meanwhile, that thread is told of a difference.
 *
 * @param blocks count blocks.
 * @param count number of blocks.
 * @param forced a flag: whether to write blocks also if nothing in them is stale.
 * @param report_or_null where to report what has become of each block; may be NULL.
 * @return as rogue_mem_block_read_all, ROGUE_MEM_OK or the error of the first block that failed.
 */
rogue_mem_status_t rogue_mem_block_write_all(rogue_mem_block_t *const *blocks,
                                             size_t count,
                                             uint32_t forced,
                                             const rogue_mem_bulk_report_t *report_or_null);

/**
 * Starts a transaction in each of many blocks, which covers the block, and waits for none of them.
 * The next check of each block waits, and makes no further attempt.
 *
 * @param blocks count blocks.
 * @param count number of blocks.
 * @param type ROGUE_MEM_READ, ROGUE_MEM_WRITE, ROGUE_MEM_POST or ROGUE_MEM_VERIFY.
 * @param forced a flag: whether to write blocks also if nothing in them is stale.
 * @param report_or_null where to report failures, which are those of requests that were not sent;
 * no block is updated. May be NULL.
 * @return as rogue_mem_block_read_all, ROGUE_MEM_OK or the error of the first block that failed;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT also for an unknown type.
 */
rogue_mem_status_t rogue_mem_block_start_all(rogue_mem_block_t *const *blocks,
                                             size_t count,
                                             uint32_t type,
                                             uint32_t forced,
                                             const rogue_mem_bulk_report_t *report_or_null);

/**
 * Checks each of many blocks as rogue_mem_block_check does, also after a failure. The observers are
 * called before this returns.
 *
 * @param blocks count blocks.
 * @param count number of blocks.
 * @param report_or_null where to report what has become of each block; may be NULL.
 * @return as rogue_mem_block_read_all, ROGUE_MEM_OK or the error of the first block that failed.
 */
rogue_mem_status_t rogue_mem_block_check_all(rogue_mem_block_t *const *blocks,
                                             size_t count,
                                             const rogue_mem_bulk_report_t *report_or_null);

/* --- Memory TCP bridge: servers --------------------------------------------------------------- */

/* A bridge server listens on two consecutive ports, for requests and for responses, and serves the
 * slave of its master. Requests of one client reach the slave in the order of their arrival, in
 * the server's own thread, several outstanding at once; each answer goes to the client that asked.
 * A slave that blocks stalls only its own server. */

/**
 * Value of spin_us: do not poll before a sleep.
 */
#define ROGUE_MEM_SPIN_NEVER UINT32_MAX

/**
 * Value of progress_per_second_min: clients may be as slow as they like.
 */
#define ROGUE_MEM_PROGRESS_ANY UINT32_MAX

/**
 * Legacy clients, which announce no session, are identified on the same host by their process and
 * its ZeroMQ context, or by their user if the server may not inspect the process; on other hosts
 * by their address. One client is served for each. A second one is held until the first has left,
 * with an error in the log.
 */
#define ROGUE_MEM_LEGACY_AUTO 0

/**
 * One legacy client is served for each source address.
 */
#define ROGUE_MEM_LEGACY_ONE_PER_ADDRESS 1

/**
 * Legacy clients are identified by their process; those with an invisible process are not served.
 */
#define ROGUE_MEM_LEGACY_LOCAL_PID 2

/**
 * Legacy clients are not served.
 */
#define ROGUE_MEM_LEGACY_REFUSE 3

/**
 * Options of a server. Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_tcp_server_options_t {
    /**
     * sizeof(rogue_mem_tcp_server_options_t).
     */
    size_t size;
    /**
     * The server's keys, and the clients that it accepts: all connections are encrypted, and both
     * ends have proved their keys. The server takes a reference. NULL: all connections are in the
     * clear.
     */
    rogue_mem_curve_server_t *curve;
    /**
     * The peers that may connect, and, of a tcp_server, what each of them may do. The server takes
     * a reference. NULL: every peer that reaches the server may do everything that its other
     * options permit.
     */
    rogue_mem_access_list_t *access_list;
    /**
     * Gets a record of each write when it has ended, also of refused ones, and of reads if it was
     * made so. The server takes a reference. NULL: nothing is recorded.
     */
    rogue_mem_audit_t *audit;
    /**
     * Maximum number of requests of one client outstanding at the slave; 1 = strictly one at a
     * time, 0 = 1024.
     */
    uint32_t window;
    /**
     * ROGUE_MEM_LEGACY_...: how clients that announce no session are identified.
     */
    uint32_t legacy;
    /**
     * Milliseconds for which the connections of one address must have been unambiguous before they
     * are paired, if ports and processes do not decide; 0 = 400.
     */
    uint32_t settle_ms;
    /**
     * Clients served at once, at most. When there are that many, the longest idle client of the
     * address that has most of them makes room for another; none does that has requests
     * outstanding, or was used within the last second. 0 = 1024.
     */
    uint32_t clients_max;
    /**
     * Size limit of a transaction, in bytes; larger requests are refused. 0 = 64 MiB.
     */
    uint64_t transaction_bytes_max;
    /**
     * Microseconds for which the server polls for the next request before it sleeps, which keeps a
     * processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
     * ROGUE_MEM_SPIN_NEVER = none.
     */
    uint32_t spin_us;
    /**
     * A flag: whether every client gets its answers on a separate connection, as in Rogue.
     * Otherwise answers use the connection of the requests if the client agrees, which saves both
     * systems acknowledgements.
     */
    uint32_t no_duplex;
    /**
     * Further addresses at which the server listens, at most 31, between commas:
     * "192.168.1.5:9000, [fe80::1%eth0]:9000, unix:/run/board.sock". It listens at all of them, or
     * at none.
     */
    const char *addresses;
    /**
     * Stack size of the server's thread, in bytes; the slave runs on it. At least 2 MiB. 0 = the
     * size of other threads of the process ("ulimit -s").
     */
    uint64_t stack_bytes;
    /**
     * Descriptors that the server leaves to the program. If fewer are free below the process's
     * soft limit ("ulimit -n"), it closes connections that belong to no client, or accepts none.
     * 0 = a tenth of the limit, at least 32. At most half of the limit.
     */
    uint32_t descriptors_reserved;
    /**
     * A flag: whether the legacy clients of one process of this host, or of one ZeroMQ context of
     * it, are served together, where legacy is ROGUE_MEM_LEGACY_AUTO or
     * ROGUE_MEM_LEGACY_LOCAL_PID. Each answer then goes to all of their response connections, the
     * one exception to "to the client that asked, or to nobody". This is correct if request ids
     * are unique in a process, as those of Rogue's clients are, which drop an answer with an
     * unknown id. Without the flag the second of them is held until the first has left.
     */
    uint32_t legacy_shared_process;
    /**
     * Permissions of the files at a path ("unix:/run/board.sock"), at most 0777: users that may
     * write to them may connect. 0 = 0600, which lets in this user only.
     */
    uint32_t unix_mode;
    /**
     * Milliseconds for which the other host may be silent, because it has lost its power or the
     * network is cut, before the connection is given up; its system answers probes otherwise, also
     * while the bridge is idle or the peer busy. In whole seconds, at least 4000. 0 = 10 000.
     */
    uint32_t host_silence_ms_max;
    /**
     * Bytes per second with which a client has to go on with a message that it has begun, and, of
     * a tcp_server, to read its answers. A client that falls behind by 10 s is disconnected.
     * 0 = 4096. ROGUE_MEM_PROGRESS_ANY = no limit.
     */
    uint32_t progress_per_second_min;
    /**
     * A flag: whether every client may read only, whatever access_list says. A write is answered
     * with an error, and does not reach the slave.
     */
    uint32_t read_only;
    /**
     * Clients of one address, or of one user by Unix-domain connections, served at once, at most:
     * the longest idle one of them makes room for another. 0 = as many as clients_max.
     */
    uint32_t clients_per_address_max;
    /**
     * A client is disconnected that sends this many malformed messages in a second. 0 = 16, the
     * largest number = never.
     */
    uint32_t malformed_per_second_max;
    /**
     * Bytes that the server holds for all of its clients together: requests and frames, complete
     * or in part, and what clients have not read. A part of the budget of the process,
     * rogue_mem_budget_set_max. Clients for which there is no room are not read until there is.
     * One transaction or frame takes at most half of it. 0 = a quarter of what the process may
     * have (control group, address space, memory of the host), at most 1 GiB.
     */
    uint64_t budget_bytes_max;
} rogue_mem_tcp_server_options_t;

/**
 * Counters of a server. Set size before the call.
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
     * Open connections without a served client.
     */
    uint64_t held;
    /**
     * Connections accepted.
     */
    uint64_t accepted;
    /**
     * Connections that CURVE has refused: without it, with a wrong key of the server, or with a
     * client's key that is not allowed.
     */
    uint64_t refused_keys;
    /**
     * Requests received, readiness probes included.
     */
    uint64_t requests;
    /**
     * Responses queued for sending.
     */
    uint64_t responses;
    /**
     * Messages dropped because they are not requests.
     */
    uint64_t malformed;
    /**
     * Requests refused with an error before they reached the slave, for any of the causes below.
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
    /**
     * Refused: no such access is possible, for its type or its address.
     */
    uint64_t refused_access;
    /**
     * Refused: larger than the server allows.
     */
    uint64_t refused_size;
    /**
     * Refused: a write of a client that may read only.
     */
    uint64_t refused_writes;
    /**
     * Refused: the time had passed when its turn came.
     */
    uint64_t refused_late;
    /**
     * Refused: the system had no memory for it.
     */
    uint64_t refused_memory;
    /**
     * Refused: the data did not match the header.
     */
    uint64_t refused_malformed;
    /**
     * Bytes that the server holds for its clients now.
     */
    uint64_t budget_used;
    /**
     * How often a client had to wait for room in the budget.
     */
    uint64_t budget_waits;
    /**
     * Age of the oldest message that has come in part, or answer that is unread, in milliseconds;
     * 0 = none.
     */
    uint64_t unfinished_ms;
    /**
     * Clients disconnected because they were too slow with what they had begun.
     */
    uint64_t closed_slow;
    /**
     * Clients disconnected because they were the slowest and others needed the room.
     */
    uint64_t closed_for_room;
    /**
     * Idle clients that have made room for others.
     */
    uint64_t clients_evicted;
    /**
     * Clients not served because all places were taken by clients that were not idle.
     */
    uint64_t clients_refused_full;
    /**
     * Clients not served because all places of their address were taken by clients that were not
     * idle.
     */
    uint64_t clients_refused_address;
    /**
     * Clients disconnected because too many of their messages were malformed.
     */
    uint64_t closed_malformed;
    /**
     * Connections without a client that have made room for others.
     */
    uint64_t connections_displaced;
    /**
     * 1 since the server drains, see rogue_mem_tcp_server_drain.
     */
    uint64_t draining;
    /**
     * Refused: the server drained.
     */
    uint64_t refused_draining;
    /**
     * Clients not served because the server drained.
     */
    uint64_t clients_refused_draining;
    /**
     * Refused: outside of the addresses that the access list lets the client read, or write.
     */
    uint64_t refused_windows;
    /**
     * Connections closed because the access list does not let their peers in, or not any more.
     */
    uint64_t refused_peers;
    /**
     * Connections closed because the system had no memory for what they needed.
     */
    uint64_t closed_no_memory;
} rogue_mem_tcp_server_stats_t;

/**
 * Opens a server, which serves at once. Until its master is connected to a slave, requests are
 * answered with "Unsupported transaction using unconnected memory bus".
 *
 * @param addr the address to listen on: "*" for all, an IPv4 or IPv6 address, the name of an
 * interface or of a host; or a path of this host, "unix:/run/board.sock", for its own processes.
 * @param port port for requests; the port for responses is the next one. 0 = a free pair, see
 * rogue_mem_tcp_server_port. A path has port 0.
 * @param options_or_null the options; NULL: the defaults.
 * @param out receives the server, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if an
 * option or the port is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_BIND if a port or
 * path is taken or not allowed; ROGUE_MEM_ERROR_RESOLVE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 *
 * Blocks while the system resolves addr, if that is a name.
 */
rogue_mem_status_t rogue_mem_tcp_server_new(const char *addr,
                                            uint16_t port,
                                            const rogue_mem_tcp_server_options_t *options_or_null,
                                            rogue_mem_tcp_server_t **out);

/**
 * The master through which requests reach the slave, to be connected to it. Its timeout is that of
 * the slave's answers.
 *
 * @param server the server.
 * @return the master, a new reference; NULL if server is NULL.
 */
rogue_mem_master_t *rogue_mem_tcp_server_master(const rogue_mem_tcp_server_t *server);

/**
 * The port for requests; with port 0, that of the free pair found. 0 at a path.
 *
 * @param server the server.
 * @return the port; 0 if server is NULL.
 */
uint16_t rogue_mem_tcp_server_port(const rogue_mem_tcp_server_t *server);

/**
 * The addresses at which the server listens, each with its port or its path, one a line: first
 * that of rogue_mem_tcp_server_new, then those of the option addresses.
 *
 * @param server the server.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_tcp_server_addresses(const rogue_mem_tcp_server_t *server,
                                                  char *buffer,
                                                  size_t capacity,
                                                  size_t *length);

/**
 * Does nothing, because a server serves from its creation. For programs that treat servers and
 * clients alike.
 *
 * @param server the server.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_tcp_server_start(rogue_mem_tcp_server_t *server);

/**
 * Stops serving: closes both ports and all connections. Returns within 100 ms. No peer can delay
 * that. If the slave blocks for longer, the ports close when it returns. Further calls do nothing.
 *
 * @param server the server; NULL is an error.
 */
void rogue_mem_tcp_server_stop(rogue_mem_tcp_server_t *server);

/**
 * Opens a server, which serves at once, at sockets that listen already: those that a service
 * manager has opened for the program (socket activation). Takes the place of
 * rogue_mem_tcp_server_new.
 *
 * At TCP ports each socket for requests, at port P, is followed by that for responses, at port
 * P + 1 of the same address. A socket at a path may be followed by that at the path with ".1"
 * appended; without that, peers on libzmq cannot connect there. The server uses duplicates: the
 * descriptors stay the caller's, and may be closed at once. While any process has a socket open,
 * connections wait in it also after rogue_mem_tcp_server_stop, for the next server. The sockets
 * become non-blocking. Files at their paths stay.
 *
 * @param descriptors count descriptors, in the order in which the service manager gives them.
 * @param count number of descriptors.
 * @param options_or_null the options; NULL: the defaults. The server also listens at its
 * addresses.
 * @param out receives the server, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if an
 * option is invalid, or a descriptor is not open, does not listen at a TCP port or at a path, or
 * does not belong to the one before it, and if there is none; ROGUE_MEM_ERROR_INVALID_TEXT,
 * ROGUE_MEM_ERROR_BIND and ROGUE_MEM_ERROR_RESOLVE for the addresses of the options;
 * ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_tcp_server_adopt(const int32_t *descriptors,
                                              size_t count,
                                              const rogue_mem_tcp_server_options_t *options_or_null,
                                              rogue_mem_tcp_server_t **out);

/**
 * Takes no request any more, and waits until those that the slave has are answered and the answers
 * have arrived at the hosts of the clients. Then stop the server: no answer is lost by that.
 *
 * Requests that come meanwhile, also those that have come in part, are answered with an error that
 * says so, and do not reach the slave. New clients are sent away: what those of this library have
 * to send waits for the next server at the address, until it times out.
 *
 * There is no way back: a server that has begun to drain does so until it is stopped, also if this
 * returns before. Further calls wait on.
 *
 * @param server the server.
 * @param timeout_us the time limit, in microseconds; 0 does not wait.
 * @param remaining receives what is left at the end of the time, 0 = nothing: requests that the
 * slave keeps, and clients that have not got all answers; 1 if the slave has not let the server's
 * thread count them. Untouched on failure.
 * @return ROGUE_MEM_OK, also if something is left; ROGUE_MEM_ERROR_STOPPED if the server is
 * stopped, before or meanwhile; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT in
 * a callback of the server, whose thread would wait for itself.
 */
rogue_mem_status_t rogue_mem_tcp_server_drain(rogue_mem_tcp_server_t *server,
                                              uint64_t timeout_us,
                                              uint64_t *remaining);

/**
 * What the server has done so far.
 *
 * @param server the server.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_tcp_server_stats(const rogue_mem_tcp_server_t *server,
                                              rogue_mem_tcp_server_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param server the server; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_tcp_server_t *rogue_mem_tcp_server_retain(rogue_mem_tcp_server_t *server);

/**
 * Gives a reference back. Release of the last reference stops the server.
 *
 * @param server the server; NULL is allowed and ignored.
 */
void rogue_mem_tcp_server_release(rogue_mem_tcp_server_t *server);

/* --- Memory TCP bridge: clients --------------------------------------------------------------- */

/* A bridge client is a slave whose transactions are carried out by a remote server: of this
 * library, of Rogue, or of a simulation. It connects by itself, and reconnects until it is
 * stopped. Without a connection, a request waits for one until its own timeout. A request in
 * flight when the connection breaks fails at once. No request is sent twice. */

/**
 * State of a client: not connected; connection attempts continue.
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
 * Options of a client. Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_tcp_client_options_t {
    /**
     * sizeof(rogue_mem_tcp_client_options_t).
     */
    size_t size;
    /**
     * The client's keys, and the server's public key: the connection is encrypted, and both ends
     * have proved their keys. The client takes a reference. NULL: it is in the clear.
     */
    rogue_mem_curve_client_t *curve;
    /**
     * A flag: whether rogue_mem_tcp_client_start waits for the server.
     */
    uint32_t wait_ready;
    /**
     * A flag: whether readiness probes are also sent to servers that have not announced them.
     * Probes crash a running SURF simulation.
     */
    uint32_t probe_legacy;
    /**
     * Maximum number of requests in flight; further ones wait. 0 = 400 for servers that announce
     * no session, 8192 for others.
     */
    uint32_t window;
    /**
     * Microseconds for which a thread that waits for an answer polls before it sleeps, which keeps
     * a processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
     * ROGUE_MEM_SPIN_NEVER = none.
     */
    uint32_t spin_us;
    /**
     * Size limit of a transaction, in bytes; 0 = not limited.
     */
    uint64_t transaction_bytes_max;
    /**
     * A flag: whether the client's own thread reads all answers. Otherwise a thread that waits for
     * an answer reads them itself, which saves a thread switch.
     */
    uint32_t no_direct;
    /**
     * A flag: whether every server sends answers on a separate connection, as in Rogue. Otherwise
     * answers use the connection of the requests if the server agrees, which saves both systems
     * acknowledgements.
     */
    uint32_t no_duplex;
    /**
     * Stack size of the client's thread, in bytes; observers run on it. At least 2 MiB. 0 = the
     * size of other threads of the process ("ulimit -s").
     */
    uint64_t stack_bytes;
    /**
     * A flag: whether the client shares one thread with all other clients of the process that have
     * this flag: 1000 of them then cost two threads. Observers of all these clients, and of their
     * transactions, run on the second thread, one at a time: an observer that blocks delays the
     * other observers, but no client. stack_bytes then has no effect.
     */
    uint32_t shared_loop;
    /**
     * Milliseconds for which the other host may be silent, because it has lost its power or the
     * network is cut, before the connection is given up; its system answers probes otherwise, also
     * while the bridge is idle or the peer busy. In whole seconds, at least 4000. 0 = 10 000.
     */
    uint32_t host_silence_ms_max;
} rogue_mem_tcp_client_options_t;

/**
 * A connect or disconnect of a client.
 */
typedef struct rogue_mem_connection_t {
    /**
     * sizeof(rogue_mem_connection_t), as the library knows it.
     */
    size_t size;
    /**
     * 1: connected; 0: disconnected.
     */
    uint32_t connected;
    /**
     * The protocol level of the bridge that the server has announced; 0: none, as with Rogue.
     */
    uint32_t bridge_level;
    /**
     * The server's address and port of requests, as `192.0.2.1:9000` or `[2001:db8::1]:9000`, or
     * its path, as `unix:/run/board.sock`.
     */
    const char *server;
    /**
     * The reason of a disconnect; empty for a connect.
     */
    const char *reason;
} rogue_mem_connection_t;

/**
 * Callbacks for connects and disconnects of a client. Zero-initialise it, set size, and then the
 * rest.
 */
typedef struct rogue_mem_connection_observer_t {
    /**
     * sizeof(rogue_mem_connection_observer_t).
     */
    size_t size;
    /**
     * Passed to every callback.
     */
    void *ctx;
    /**
     * Called exactly once, on any thread, after the last call of changed has returned. Not called
     * if rogue_mem_tcp_client_observe fails. NULL: nothing is called.
     */
    void (*drop)(void *ctx);
    /**
     * Called after each connect and each disconnect, which alternate; must not be NULL. The
     * structure and its texts are valid during the call. Runs on a thread of its own, one call at
     * a time and in order, and may call every function. It may block: only further calls for this
     * client wait for it, of which the latest 64 are kept.
     */
    void (*changed)(void *ctx, const rogue_mem_connection_t *connection);
    /**
     * The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
     * NULL: none.
     */
    rogue_mem_gate_t *gate;
} rogue_mem_connection_observer_t;

/**
 * Counters of a client. Set size before the call.
 */
typedef struct rogue_mem_tcp_client_stats_t {
    /**
     * sizeof(rogue_mem_tcp_client_stats_t).
     */
    size_t size;
    /**
     * Requests without an answer, unsent ones included.
     */
    uint64_t outstanding;
    /**
     * Unsent requests.
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
     * Responses to requests that had been given up.
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
 * Makes a client, which begins to connect. Returns at once, even without a server.
 *
 * @param addr the server: an IPv4 or IPv6 address, or a host name; or its path on this host,
 * "unix:/run/board.sock". A name is looked up again in parallel with every attempt; the attempt
 * uses the latest known addresses until the answer arrives. If an address has not answered after
 * 250 ms, the next one is tried in parallel. The client uses the first address that answers.
 * @param port the server's port for requests; the port for responses is the next one. A path has
 * port 0.
 * @param options_or_null the options; NULL: the defaults.
 * @param out receives the client, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if addr,
 * the port or an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_tcp_client_new(const char *addr,
                                            uint16_t port,
                                            const rogue_mem_tcp_client_options_t *options_or_null,
                                            rogue_mem_tcp_client_t **out);

/**
 * The client as a slave, for masters to connect to.
 *
 * @param client the client.
 * @return the slave, a new reference, which keeps the client alive; NULL if client is NULL.
 */
rogue_mem_slave_t *rogue_mem_tcp_client_slave(const rogue_mem_tcp_client_t *client);

/**
 * Waits 10 seconds for the server, if the client was made with wait_ready; else does nothing.
 *
 * @param client the client.
 * @return ROGUE_MEM_OK, and all that rogue_mem_tcp_client_wait_ready returns:
 * ROGUE_MEM_ERROR_TIMEOUT, ROGUE_MEM_ERROR_STOPPED, ROGUE_MEM_ERROR_NULL_ARGUMENT,
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_tcp_client_start(rogue_mem_tcp_client_t *client);

/**
 * Closes the connections, and fails all outstanding and later transactions at once. Returns within
 * 100 ms; further calls do nothing.
 *
 * @param client the client; NULL is an error.
 */
void rogue_mem_tcp_client_stop(rogue_mem_tcp_client_t *client);

/**
 * The state as text, with the obstacle if there is one.
 *
 * @param client the client.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_tcp_client_state_text(const rogue_mem_tcp_client_t *client,
                                                   char *buffer,
                                                   size_t capacity,
                                                   size_t *length);

/**
 * Waits until the server is ready. A server that supports readiness probes is probed every period
 * until it answers. Any other server is ready when the client is connected.
 *
 * @param client the client.
 * @param timeout_us the time limit, in microseconds; 0 does not wait.
 * @param period_us the time between probes, in microseconds, at least 1000.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_TIMEOUT, with the obstacle in the last error;
 * ROGUE_MEM_ERROR_STOPPED; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT in a
 * callback of the client.
 */
rogue_mem_status_t rogue_mem_tcp_client_wait_ready(rogue_mem_tcp_client_t *client,
                                                   uint64_t timeout_us,
                                                   uint64_t period_us);

/**
 * Sets a function that is called after each connect and disconnect of the client, with the reason.
 * If the client is connected already, the first call reports that.
 *
 * After this has returned, no call of a former observer begins. After rogue_mem_tcp_client_stop
 * has returned, or the last reference has been released, no call begins at all, not even for the
 * disconnect. A running call continues, and so does one that a thread is just about to make: ctx is
 * in use until drop is called.
 *
 * @param client the client.
 * @param set_or_null the callbacks, copied; they replace former ones. NULL removes them. If the
 * client has been stopped, only drop is called, at once.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if its changed is NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size.
 */
rogue_mem_status_t rogue_mem_tcp_client_observe(rogue_mem_tcp_client_t *client,
                                                const rogue_mem_connection_observer_t *set_or_null);

/**
 * The state of the client.
 *
 * @param client the client.
 * @return ROGUE_MEM_CLIENT_...; ROGUE_MEM_CLIENT_CONNECTING, with the last error set, if client is
 * NULL.
 */
uint32_t rogue_mem_tcp_client_state(const rogue_mem_tcp_client_t *client);

/**
 * What the client has done so far.
 *
 * @param client the client.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_tcp_client_stats(const rogue_mem_tcp_client_t *client,
                                              rogue_mem_tcp_client_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param client the client; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_tcp_client_t *rogue_mem_tcp_client_retain(rogue_mem_tcp_client_t *client);

/**
 * Gives a reference back. Release of the last reference stops the client. Its slave, and masters
 * that the slave is connected to, hold one each.
 *
 * @param client the client; NULL is allowed and ignored.
 */
void rogue_mem_tcp_client_release(rogue_mem_tcp_client_t *client);

/* --- Memory of servers ------------------------------------------------------------------------ */

/* The memory that all servers of the bridges hold for their clients, in this process together:
 * requests and frames, complete or in part, and what clients have not read. Each server has a limit
 * too, its option budget_bytes_max. */

/**
 * Limits the memory that servers hold together. What is held already stays. Clients for which there
 * is no room are not read until there is.
 *
 * @param bytes_max the most that servers may hold, in bytes. 0 = a quarter of what the process may
 * have (control group, address space, memory of the host), at most 1 GiB.
 */
void rogue_mem_budget_set_max(uint64_t bytes_max);

/**
 * The limit of the memory that servers hold together.
 *
 * @return bytes.
 */
uint64_t rogue_mem_budget_max(void);

/**
 * The memory that servers hold now.
 *
 * @return bytes, for each server rounded up by some 64 KiB.
 */
uint64_t rogue_mem_budget_used(void);

/* --- Frames ----------------------------------------------------------------------------------- */

/* A frame is a message of a stream: bytes with flags, a channel and an error. All slaves of a
 * master get the same frame. It has room for rogue_mem_frame_size bytes, of which the first
 * rogue_mem_frame_payload are its payload.
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
 */
rogue_mem_status_t rogue_mem_frame_new(uint32_t capacity, rogue_mem_frame_t **out);

/**
 * The flags: bits 7 to 0 are the first user byte, bits 15 to 8 the last user byte.
 *
 * @param frame the frame.
 * @return the flags, 0 in a new frame; 0 if frame is NULL.
 */
uint16_t rogue_mem_frame_flags(const rogue_mem_frame_t *frame);

/**
 * Replaces the flags.
 *
 * @param frame the frame; NULL is an error.
 * @param flags the new flags.
 */
void rogue_mem_frame_set_flags(rogue_mem_frame_t *frame, uint16_t flags);

/**
 * The user bits of the first byte (AXI-Stream TUSER).
 *
 * @param frame the frame.
 * @return the bits, 0 in a new frame; 0 if frame is NULL.
 */
uint8_t rogue_mem_frame_first_user(const rogue_mem_frame_t *frame);

/**
 * Replaces the first user byte.
 *
 * @param frame the frame; NULL is an error.
 * @param user the new bits.
 */
void rogue_mem_frame_set_first_user(rogue_mem_frame_t *frame, uint8_t user);

/**
 * The user bits of the last byte (AXI-Stream TUSER).
 *
 * @param frame the frame.
 * @return the bits, 0 in a new frame; 0 if frame is NULL.
 */
uint8_t rogue_mem_frame_last_user(const rogue_mem_frame_t *frame);

/**
 * Replaces the last user byte.
 *
 * @param frame the frame; NULL is an error.
 * @param user the new bits.
 */
void rogue_mem_frame_set_last_user(rogue_mem_frame_t *frame, uint8_t user);

/**
 * The channel.
 *
 * @param frame the frame.
 * @return the channel, 0 in a new frame; 0 if frame is NULL.
 */
uint8_t rogue_mem_frame_channel(const rogue_mem_frame_t *frame);

/**
 * Replaces the channel.
 *
 * @param frame the frame; NULL is an error.
 * @param channel the new channel.
 */
void rogue_mem_frame_set_channel(rogue_mem_frame_t *frame, uint8_t channel);

/**
 * The error.
 *
 * @param frame the frame.
 * @return the error, 0 if the frame is good; 0 if frame is NULL.
 */
uint8_t rogue_mem_frame_error(const rogue_mem_frame_t *frame);

/**
 * Replaces the error.
 *
 * @param frame the frame; NULL is an error.
 * @param error the new error; 0 means that the frame is good.
 */
void rogue_mem_frame_set_error(rogue_mem_frame_t *frame, uint8_t error);

/**
 * Locks the frame's payload, and waits while another thread holds the lock. A thread may lock it
 * several times, and must unlock it as often. While the thread sends the frame, the frame is
 * unlocked, until its receivers have returned.
 *
 * @param frame the frame, which is kept alive until it is unlocked; NULL is an error.
 */
void rogue_mem_frame_lock(rogue_mem_frame_t *frame);

/**
 * Unlocks the frame's payload.
 *
 * @param frame the frame; NULL, or one that this thread has not locked, is an error.
 *
 * To be called by the thread that locked it.
 */
void rogue_mem_frame_unlock(rogue_mem_frame_t *frame);

/**
 * The maximum size of the payload.
 *
 * @param frame the frame.
 * @return bytes; 0 if frame is NULL.
 */
uint32_t rogue_mem_frame_size(const rogue_mem_frame_t *frame);

/**
 * The room for a larger payload.
 *
 * @param frame the frame.
 * @return bytes; 0 if frame is NULL.
 */
uint32_t rogue_mem_frame_available(const rogue_mem_frame_t *frame);

/**
 * The size of the payload.
 *
 * @param frame the frame.
 * @return bytes; 0 if frame is NULL.
 */
uint32_t rogue_mem_frame_payload(const rogue_mem_frame_t *frame);

/**
 * Sets the size of the payload. Added bytes have the values left in the frame's memory.
 *
 * @param frame the frame.
 * @param payload its new length in bytes.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the frame has too
 * little room.
 */
rogue_mem_status_t rogue_mem_frame_set_payload(rogue_mem_frame_t *frame, uint32_t payload);

/**
 * The bytes of the frame: rogue_mem_frame_size of them, in one piece, the payload first. The first
 * call joins the buffers of a frame, and with that copies its payload once; see
 * rogue_mem_frame_buffer for access without a copy. If other threads may have the frame, use the
 * result under its lock.
 *
 * @param frame the frame.
 * @return the first byte, valid as long as the frame; NULL if it has no room, there is no memory
 * to join its pieces, or frame is NULL.
 */
uint8_t *rogue_mem_frame_data(rogue_mem_frame_t *frame);

/**
 * Copies bytes from the payload.
 *
 * @param frame the frame.
 * @param offset first byte, counted from the start of the payload.
 * @param into the destination, outside of the frame; may be NULL if count is 0. Untouched on
 * failure.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the range does not
 * lie within the payload.
 */
rogue_mem_status_t rogue_mem_frame_read_data(const rogue_mem_frame_t *frame,
                                             uint32_t offset,
                                             uint8_t *into,
                                             uint32_t count);

/**
 * Copies bytes into the payload, whose size stays.
 *
 * @param frame the frame.
 * @param offset first byte, counted from the start of the payload.
 * @param from the source, outside of the frame; may be NULL if count is 0.
 * @param count number of bytes.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if the range does not
 * lie within the payload; the payload is then unchanged.
 */
rogue_mem_status_t rogue_mem_frame_write_data(rogue_mem_frame_t *frame,
                                              uint32_t offset,
                                              const uint8_t *from,
                                              uint32_t count);

/**
 * Adds a reference.
 *
 * @param frame the frame; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_frame_t *rogue_mem_frame_retain(rogue_mem_frame_t *frame);

/**
 * Gives a reference back.
 *
 * @param frame the frame; NULL is allowed and ignored.
 */
void rogue_mem_frame_release(rogue_mem_frame_t *frame);

/* --- Frames: buffers -------------------------------------------------------------------------- */

/* A frame lies in one or more buffers, each a contiguous piece of memory: a header reservation, the
 * payload, room for more payload, and a tail reservation. The payloads of the buffers in sequence
 * are the payload of the frame. Programs that only want the bytes need none of this: see
 * rogue_mem_frame_data and rogue_mem_frame_read_data. */

/**
 * A buffer of a frame. Set size before the call.
 */
typedef struct rogue_mem_frame_buffer_t {
    /**
     * sizeof(rogue_mem_frame_buffer_t).
     */
    size_t size;
    /**
     * The memory, of which memory_bytes can be used; NULL if there are none. It belongs to the
     * frame: use it under the frame's lock, if other threads may have the frame, and as long as
     * the frame has this buffer.
     */
    uint8_t *memory;
    /**
     * That of the program's memory, see rogue_mem_frame_wrap; NULL for memory of the library.
     */
    void *ctx;
    /**
     * As ctx: lets a program recognise memory of its own.
     */
    void (*drop)(void *ctx);
    /**
     * Size of the memory.
     */
    uint32_t memory_bytes;
    /**
     * Bytes reserved at the start of the memory; the payload begins after them.
     */
    uint32_t header;
    /**
     * Bytes reserved at the end of the memory.
     */
    uint32_t tail;
    /**
     * Bytes of payload. It can grow up to memory_bytes - header - tail.
     */
    uint32_t payload;
} rogue_mem_frame_buffer_t;

/**
 * Memory of the program's. Zero-initialise it, set size, and then the rest.
 */
typedef struct rogue_mem_frame_memory_t {
    /**
     * sizeof(rogue_mem_frame_memory_t).
     */
    size_t size;
    /**
     * Passed to drop.
     */
    void *ctx;
    /**
     * Called exactly once, on any thread, when the buffer is gone: with the frame, or when the
     * frame is cleared or its buffers are joined. It may call every function. Not called if
     * rogue_mem_frame_wrap fails. NULL: nothing is called.
     */
    void (*drop)(void *ctx);
    /**
     * The first byte; may be NULL if memory_bytes is 0. The memory belongs to the frame until drop
     * is called.
     */
    uint8_t *memory;
    /**
     * Size of the memory.
     */
    uint32_t memory_bytes;
    /**
     * Must be 0.
     */
    uint32_t reserved;
} rogue_mem_frame_memory_t;

/**
 * The number of buffers.
 *
 * @param frame the frame.
 * @return buffers; 0 if frame is NULL.
 */
uint32_t rogue_mem_frame_buffer_count(const rogue_mem_frame_t *frame);

/**
 * One of the frame's buffers.
 *
 * @param frame the frame.
 * @param index number of the buffer, from 0.
 * @param buffer receives the buffer; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if buffer
 * has a wrong size; ROGUE_MEM_ERROR_FRAME if there is no such buffer.
 */
rogue_mem_status_t rogue_mem_frame_buffer(rogue_mem_frame_t *frame,
                                          uint32_t index,
                                          rogue_mem_frame_buffer_t *buffer);

/**
 * Sets the reservations and the payload of one of the frame's buffers. No byte is moved: bytes at
 * the start that are no longer reserved become the start of the payload, and the other way round.
 *
 * @param frame the frame.
 * @param index number of the buffer, from 0.
 * @param header bytes to reserve at the start.
 * @param tail bytes to reserve at the end.
 * @param payload bytes of payload, after the header.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_FRAME if there is no such
 * buffer, or if that is more than its memory; nothing is changed then.
 */
rogue_mem_status_t rogue_mem_frame_set_buffer(rogue_mem_frame_t *frame,
                                              uint32_t index,
                                              uint32_t header,
                                              uint32_t tail,
                                              uint32_t payload);

/**
 * Moves the buffers of another frame behind those of a frame, without a copy. The other frame is
 * empty then, and keeps its flags, channel and error.
 *
 * @param frame the frame that grows.
 * @param other the frame that is emptied.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if both are
 * the same frame; ROGUE_MEM_ERROR_OUT_OF_RESOURCES beyond 65536 buffers. Nothing is changed then.
 *
 * Takes one lock after the other.
 */
rogue_mem_status_t rogue_mem_frame_append(rogue_mem_frame_t *frame, rogue_mem_frame_t *other);

/**
 * Drops the buffers of a frame: it is empty then, and has no room. Flags, channel and error stay.
 *
 * @param frame the frame; NULL is an error.
 */
void rogue_mem_frame_clear(rogue_mem_frame_t *frame);

/**
 * Makes a frame of one buffer around memory of the program's, without payload. Nothing is copied,
 * here or where the frame crosses nodes that do not change it.
 *
 * @param memory the memory; the structure is copied.
 * @param out receives the frame, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also for no memory with a size;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if the structure has a wrong size.
 */
rogue_mem_status_t rogue_mem_frame_wrap(const rogue_mem_frame_memory_t *memory,
                                        rogue_mem_frame_t **out);

/* --- Stream slaves ---------------------------------------------------------------------------- */

/* A stream slave receives frames. Programs make their own from callbacks, or get that of a stream
 * port: rogue_mem_stream_port_slave.
 *
 * Callbacks run in the thread that sends or requests a frame, with no lock held; several may run
 * at once in several threads. They may call every function of this header, and may send frames
 * themselves. */

/**
 * Callbacks of a stream slave made by rogue_mem_stream_slave_new. Zero-initialise it, set size,
 * and then the rest.
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
     * Called exactly once, on any thread, after the last call of the others. Not called if
     * rogue_mem_stream_slave_new fails. NULL: nothing is called.
     */
    void (*drop)(void *ctx);
    /**
     * Receives a frame, which is borrowed: call rogue_mem_frame_retain to keep it. Other slaves
     * may receive the same frame after this one. NULL: frames are only counted.
     */
    void (*accept_frame)(void *ctx, rogue_mem_frame_t *frame);
    /**
     * The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
     * NULL: none.
     */
    rogue_mem_gate_t *gate;
    /**
     * Makes an unlocked frame with room for size bytes, which a master will send to this slave.
     * Returns a reference, which passes to the master. zero_copy is a flag, see
     * rogue_mem_stream_master_req_frame. If it returns NULL the master gets
     * ROGUE_MEM_ERROR_OUT_OF_RESOURCES. NULL: frames come from the slave's own pool, as with
     * rogue_mem_stream_slave_req_local_frame.
     */
    rogue_mem_frame_t *(*accept_req)(void *ctx, uint32_t size, uint32_t zero_copy);
} rogue_mem_stream_slave_callbacks_t;

/**
 * Requests a frame from the slave, to be filled and sent to it.
 *
 * @param slave the stream slave.
 * @param size bytes that it must have room for.
 * @param zero_copy a flag: whether it may be in memory that the slave can send without a copy.
 * @param out receives the frame, without payload, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_stream_slave_req_frame(rogue_mem_stream_slave_t *slave,
                                                    uint32_t size,
                                                    uint32_t zero_copy,
                                                    rogue_mem_frame_t **out);

/**
 * Makes a frame from the slave's own pool, even if the slave has an accept_req, which may call
 * this.
 *
 * @param slave the stream slave.
 * @param size bytes that it must have room for.
 * @param out receives the frame, without payload, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_stream_slave_req_local_frame(rogue_mem_stream_slave_t *slave,
                                                          uint32_t size,
                                                          rogue_mem_frame_t **out);

/**
 * The number of frames received.
 *
 * @param slave the stream slave.
 * @return frames; 0 if slave is NULL.
 */
uint64_t rogue_mem_stream_slave_frame_count(const rogue_mem_stream_slave_t *slave);

/**
 * The payload of the frames received.
 *
 * @param slave the stream slave.
 * @return bytes; 0 if slave is NULL.
 */
uint64_t rogue_mem_stream_slave_byte_count(const rogue_mem_stream_slave_t *slave);

/**
 * Logs the start of each later frame that arrives, at ROGUE_MEM_LOG_CRITICAL: its size, its error
 * and its first bytes in hexadecimal digits. Slaves that are a part of a transport log nothing.
 *
 * @param slave the stream slave.
 * @param bytes number of bytes at most; 0 = nothing is logged, as at first.
 * @param name name of the logger, copied; see rogue_mem_logger_new.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
 */
rogue_mem_status_t rogue_mem_stream_slave_set_debug(rogue_mem_stream_slave_t *slave,
                                                    uint32_t bytes,
                                                    const char *name);

/**
 * Counts the slave's buffers that are in use by frames now. A frame has one, or with a fixed size
 * as many as its room takes.
 *
 * @param slave the stream slave.
 * @return number of buffers; 0 if slave is NULL.
 */
uint64_t rogue_mem_stream_slave_alloc_count(const rogue_mem_stream_slave_t *slave);

/**
 * Counts the bytes of the slave's buffers that are in use by frames now.
 *
 * @param slave the stream slave.
 * @return bytes; 0 if slave is NULL.
 */
uint64_t rogue_mem_stream_slave_alloc_bytes(const rogue_mem_stream_slave_t *slave);

/**
 * The size of the slave's buffers.
 *
 * @param slave the stream slave.
 * @return bytes, 0 = as large as asked for; 0 if slave is NULL.
 */
uint32_t rogue_mem_stream_slave_fixed_size(const rogue_mem_stream_slave_t *slave);

/**
 * Sets the size of the slave's buffers: later frames have as many as their room takes.
 *
 * @param slave the stream slave; NULL is an error.
 * @param bytes size of each; 0 = as large as asked for, as it is at first.
 */
void rogue_mem_stream_slave_set_fixed_size(rogue_mem_stream_slave_t *slave, uint32_t bytes);

/**
 * How many buffers of the fixed size are kept to be used again.
 *
 * @param slave the stream slave.
 * @return number of buffers at most; 0 if slave is NULL.
 */
uint32_t rogue_mem_stream_slave_pool_size(const rogue_mem_stream_slave_t *slave);

/**
 * Sets how many buffers of the fixed size are kept to be used again. Bytes of a frame that were
 * never written may then be those of an earlier one.
 *
 * @param slave the stream slave; NULL is an error.
 * @param count number of buffers at most; it is 0 at first.
 */
void rogue_mem_stream_slave_set_pool_size(rogue_mem_stream_slave_t *slave, uint32_t count);

/**
 * Makes a stream slave from callbacks.
 *
 * @param callbacks the callbacks, copied; may be NULL: frames are only counted.
 * @param out receives the slave, a new reference. Untouched on failure, and then ctx stays the
 * caller's: drop is not called.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if
 * callbacks has a wrong size.
 */
rogue_mem_status_t rogue_mem_stream_slave_new(const rogue_mem_stream_slave_callbacks_t *callbacks,
                                              rogue_mem_stream_slave_t **out);

/**
 * Passes a frame to the slave, in this thread.
 *
 * @param slave the stream slave.
 * @param frame the frame, borrowed; if this thread has it locked, it is unlocked meanwhile, as in
 * rogue_mem_stream_master_send_frame.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_stream_slave_accept_frame(rogue_mem_stream_slave_t *slave,
                                                       rogue_mem_frame_t *frame);

/**
 * Counts a frame as received by the slave, and logs it as rogue_mem_stream_slave_set_debug demands,
 * without passing it to the slave. For programs that receive in place of the slave.
 *
 * @param slave the stream slave.
 * @param frame the frame, borrowed.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_stream_slave_count_frame(rogue_mem_stream_slave_t *slave,
                                                      rogue_mem_frame_t *frame);

/**
 * Adds a reference.
 *
 * @param slave the stream slave; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_stream_slave_t *rogue_mem_stream_slave_retain(rogue_mem_stream_slave_t *slave);

/**
 * Gives a reference back. Stream masters that the slave is connected to keep it alive.
 *
 * @param slave the stream slave; NULL is allowed and ignored.
 */
void rogue_mem_stream_slave_release(rogue_mem_stream_slave_t *slave);

/* --- Stream masters --------------------------------------------------------------------------- */

/* A stream master sends frames to its connected slaves, and keeps them alive. */

/**
 * Makes a stream master without slaves.
 *
 * @param out receives the master, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_stream_master_new(rogue_mem_stream_master_t **out);

/**
 * Connects a further slave. The first one connected supplies requested frames, and receives each
 * frame last.
 *
 * @param master the stream master.
 * @param slave the stream slave; the master takes a reference of its own.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES beyond
 * 1024 slaves.
 */
rogue_mem_status_t rogue_mem_stream_master_add_slave(rogue_mem_stream_master_t *master,
                                                     rogue_mem_stream_slave_t *slave);

/**
 * The number of connected slaves.
 *
 * @param master the stream master.
 * @return slaves; 0 if master is NULL.
 */
uint32_t rogue_mem_stream_master_slave_count(const rogue_mem_stream_master_t *master);

/**
 * Requests a frame, to be filled and sent, from the slave that was connected first. Without a
 * slave the master makes the frame itself.
 *
 * @param master the stream master.
 * @param size bytes that it must have room for.
 * @param zero_copy a flag: whether it may be in memory that the slave can send without a copy.
 * @param out receives the frame, without payload, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_stream_master_req_frame(rogue_mem_stream_master_t *master,
                                                     uint32_t size,
                                                     uint32_t zero_copy,
                                                     rogue_mem_frame_t **out);

/**
 * Disconnects all slaves. Frames sent from then on are discarded.
 *
 * @param master the stream master; NULL is an error.
 */
void rogue_mem_stream_master_stop(rogue_mem_stream_master_t *master);

/**
 * Passes a frame to every slave, in this thread. Without slaves it does nothing.
 *
 * @param master the stream master.
 * @param frame the frame, borrowed. If this thread has it locked, it is unlocked for the slaves,
 * and locked again before this returns.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_stream_master_send_frame(rogue_mem_stream_master_t *master,
                                                      rogue_mem_frame_t *frame);

/**
 * Adds a reference.
 *
 * @param master the stream master; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_stream_master_t *rogue_mem_stream_master_retain(rogue_mem_stream_master_t *master);

/**
 * Gives a reference back.
 *
 * @param master the stream master; NULL is allowed and ignored.
 */
void rogue_mem_stream_master_release(rogue_mem_stream_master_t *master);

/* --- Stream ports ----------------------------------------------------------------------------- */

/* A stream port sends and receives frames. Every transport has one, see
 * rogue_mem_srp_v3_stream_port and rogue_mem_srp_v3_emulation_stream_port. A program makes its
 * own from a stream master and a stream slave. One function connects any two ports. */

/**
 * Makes a port from its two ends.
 *
 * @param master the sending end; the port takes a reference of its own.
 * @param slave the receiving end; the port takes a reference of its own.
 * @param out receives the port, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_stream_port_new(rogue_mem_stream_master_t *master,
                                             rogue_mem_stream_slave_t *slave,
                                             rogue_mem_stream_port_t **out);

/**
 * The sending end of a port.
 *
 * @param port the port.
 * @return the stream master, a new reference; NULL if port is NULL.
 */
rogue_mem_stream_master_t *rogue_mem_stream_port_master(const rogue_mem_stream_port_t *port);

/**
 * The receiving end of a port.
 *
 * @param port the port.
 * @return the stream slave, a new reference; NULL if port is NULL.
 */
rogue_mem_stream_slave_t *rogue_mem_stream_port_slave(const rogue_mem_stream_port_t *port);

/**
 * Connects two ports in both directions: each receives the frames that the other one sends. A port
 * connected with itself receives its own frames.
 *
 * @param port one port. Both may be released afterwards: the connection lasts until the masters
 * are stopped, or gone.
 * @param other the other port.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if a
 * master has 1024 slaves already; one direction may then be connected.
 */
rogue_mem_status_t rogue_mem_stream_port_connect(rogue_mem_stream_port_t *port,
                                                 rogue_mem_stream_port_t *other);

/**
 * Adds a reference.
 *
 * @param port the port; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_stream_port_t *rogue_mem_stream_port_retain(rogue_mem_stream_port_t *port);

/**
 * Gives a reference back. Its connections remain.
 *
 * @param port the port; NULL is allowed and ignored.
 */
void rogue_mem_stream_port_release(rogue_mem_stream_port_t *port);

/* --- Streams: TCP bridge, server -------------------------------------------------------------- */

/* A stream server listens on two consecutive ports and exchanges frames with its clients through
 * its stream port. Frames for clients go to them in turn, each frame to one of them; a client that
 * does not read is passed over. A sender waits while all are slow, and while there is none.
 * Received frames are passed on in the server's own thread, those of one client in their order.
 *
 * A sender that waits may be the thread of another object, for example of a fifo. If it must go
 * on, put a fifo before the server that drops what it has no room for, or set send_wait_ms_max.
 * Objects that receive from a network do not wait here: servers and clients of this kind, and
 * links (RSSI), stop receiving instead. A frame of a UDP client or server without a link is
 * dropped. */

/**
 * Value of send_wait_ms_max: a frame without room or a peer is dropped at once.
 */
#define ROGUE_MEM_SEND_WAIT_NEVER UINT32_MAX

/**
 * Options of a stream server. Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_stream_server_options_t {
    /**
     * sizeof(rogue_mem_stream_server_options_t).
     */
    size_t size;
    /**
     * The server's keys, and the clients that it accepts: all connections are encrypted, and both
     * ends have proved their keys. The server takes a reference. NULL: all connections are in the
     * clear.
     */
    rogue_mem_curve_server_t *curve;
    /**
     * The peers that may connect, and, of a tcp_server, what each of them may do. The server takes
     * a reference. NULL: every peer that reaches the server may do everything that its other
     * options permit.
     */
    rogue_mem_access_list_t *access_list;
    /**
     * Limit of the bytes of frames that wait to be sent. Once it is reached, further senders wait
     * until half of it is free. One frame is always allowed. 0 = 4 MiB.
     */
    uint64_t queue_bytes_max;
    /**
     * Size limit of a received frame, in bytes; larger ones are dropped, counted, and logged.
     * 0 = 256 MiB.
     */
    uint64_t frame_bytes_max;
    /**
     * Further addresses at which the server listens, at most 31, between commas:
     * "192.168.1.5:9000, [fe80::1%eth0]:9000, unix:/run/board.sock". It listens at all of them, or
     * at none.
     */
    const char *addresses;
    /**
     * Stack size of its thread, in bytes; the receivers of its frames run on it. At least 2 MiB.
     * 0 = the size of other threads of the process ("ulimit -s").
     */
    uint64_t stack_bytes;
    /**
     * Milliseconds for which a sender waits for room, or for a peer, at most; then its frame is
     * dropped, counted, and logged. 0 = as long as it takes, as in Rogue.
     * ROGUE_MEM_SEND_WAIT_NEVER = it does not wait.
     */
    uint32_t send_wait_ms_max;
    /**
     * Microseconds for which its thread polls before it sleeps, which keeps a processor busy.
     * 0 = adaptive: up to 50, if recent polls have been successful. ROGUE_MEM_SPIN_NEVER = none.
     */
    uint32_t spin_us;
    /**
     * ROGUE_MEM_LEGACY_...: how clients that announce no session are identified.
     */
    uint32_t legacy;
    /**
     * Milliseconds for which the connections of one address must have been unambiguous before they
     * are paired, if ports and processes do not decide; 0 = 400.
     */
    uint32_t settle_ms;
    /**
     * Clients served at once, at most. When there are that many, the longest idle client of the
     * address that has most of them makes room for another; none does to which frames are being
     * sent, or that was used within the last second. 0 = 1024.
     */
    uint32_t clients_max;
    /**
     * Descriptors that the server leaves to the program, see rogue_mem_tcp_server_options_t.
     */
    uint32_t descriptors_reserved;
    /**
     * Permissions of the files at a path ("unix:/run/board.sock"), at most 0777: users that may
     * write to them may connect. 0 = 0600, which lets in this user only.
     */
    uint32_t unix_mode;
    /**
     * Milliseconds for which the other host may be silent, because it has lost its power or the
     * network is cut, before the connection is given up; its system answers probes otherwise, also
     * while the bridge is idle or the peer busy. In whole seconds, at least 4000. 0 = 10 000.
     */
    uint32_t host_silence_ms_max;
    /**
     * Bytes per second with which a client has to go on with a message that it has begun, and, of
     * a tcp_server, to read its answers. A client that falls behind by 10 s is disconnected.
     * 0 = 4096. ROGUE_MEM_PROGRESS_ANY = no limit.
     */
    uint32_t progress_per_second_min;
    /**
     * Clients of one address, or of one user by Unix-domain connections, served at once, at most:
     * the longest idle one of them makes room for another. 0 = as many as clients_max.
     */
    uint32_t clients_per_address_max;
    /**
     * A client is disconnected that sends this many malformed messages in a second. 0 = 16, the
     * largest number = never.
     */
    uint32_t malformed_per_second_max;
    /**
     * Must be 0.
     */
    uint32_t reserved;
    /**
     * Bytes that the server holds for all of its clients together: requests and frames, complete
     * or in part, and what clients have not read. A part of the budget of the process,
     * rogue_mem_budget_set_max. Clients for which there is no room are not read until there is.
     * One transaction or frame takes at most half of it. 0 = a quarter of what the process may
     * have (control group, address space, memory of the host), at most 1 GiB.
     */
    uint64_t budget_bytes_max;
} rogue_mem_stream_server_options_t;

/**
 * Counters of a stream server. Set size before the call.
 */
typedef struct rogue_mem_stream_server_stats_t {
    /**
     * sizeof(rogue_mem_stream_server_stats_t).
     */
    size_t size;
    /**
     * Peers connected now: the clients of a server; of a client, its server.
     */
    uint64_t peers;
    /**
     * Open connections of a server that belong to no client yet.
     */
    uint64_t held;
    /**
     * Connections that CURVE has refused at a server, as in rogue_mem_tcp_server_stats_t.
     */
    uint64_t refused_keys;
    /**
     * Peers that have connected.
     */
    uint64_t connects;
    /**
     * Peers that have disconnected.
     */
    uint64_t disconnects;
    /**
     * Frames received and passed on.
     */
    uint64_t frames_in;
    /**
     * Bytes of their payload.
     */
    uint64_t bytes_in;
    /**
     * Frames sent, which means: taken by the system.
     */
    uint64_t frames_out;
    /**
     * Bytes of their payload.
     */
    uint64_t bytes_out;
    /**
     * Frames accepted and not yet sent.
     */
    uint64_t queued;
    /**
     * Received frames that were dropped: too large, or without a receiver.
     */
    uint64_t dropped_in;
    /**
     * Frames to be sent that were dropped: the object was stopped, the sender's wait ended, a
     * connection was lost before they were sent completely, or a request was given up before.
     */
    uint64_t dropped_out;
    /**
     * Messages received that are no frames.
     */
    uint64_t malformed;
    /**
     * Bytes that a server holds for its clients now: frames in part, unread ones.
     */
    uint64_t budget_used;
    /**
     * How often a client of a server had to wait for room in the budget.
     */
    uint64_t budget_waits;
    /**
     * Age of a server's oldest frame that has come in part, or is unread, in milliseconds;
     * 0 = none.
     */
    uint64_t unfinished_ms;
    /**
     * Clients of a server disconnected because they were too slow with a frame they had begun.
     */
    uint64_t closed_slow;
    /**
     * Clients of a server disconnected because they were the slowest and others needed the room.
     */
    uint64_t closed_for_room;
    /**
     * Idle clients of a server that have made room for others.
     */
    uint64_t clients_evicted;
    /**
     * Clients that a server did not serve because all places were taken by clients that were not
     * idle.
     */
    uint64_t clients_refused_full;
    /**
     * Clients that a server did not serve because all places of their address were taken by
     * clients that were not idle.
     */
    uint64_t clients_refused_address;
    /**
     * Clients of a server disconnected because too many of their messages were malformed.
     */
    uint64_t closed_malformed;
    /**
     * Connections of a server without a client that have made room for others.
     */
    uint64_t connections_displaced;
    /**
     * Connections of a server closed because the access list does not let their peers in, or not
     * any more.
     */
    uint64_t refused_peers;
    /**
     * Connections of a server closed because the system had no memory for what they needed.
     */
    uint64_t closed_no_memory;
} rogue_mem_stream_server_stats_t;

/**
 * Opens a stream server. Received frames are dropped, counted and logged until a slave is connected
 * to its stream port's master.
 *
 * @param addr the address to listen on: "*" for all, an IPv4 or IPv6 address, the name of an
 * interface or of a host; or a path of this host, "unix:/run/board.sock", for its own processes.
 * @param port port for frames from clients; the port for frames to clients is the next one. 0 = a
 * free pair, see rogue_mem_stream_server_port. A path has port 0.
 * @param options the options; may be NULL: the defaults.
 * @param out receives the server, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if an
 * option or the port is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_BIND if a port
 * or path is taken or not allowed; ROGUE_MEM_ERROR_RESOLVE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 *
 * Blocks while the system resolves addr, if that is a name.
 */
rogue_mem_status_t rogue_mem_stream_server_new(const char *addr,
                                               uint16_t port,
                                               const rogue_mem_stream_server_options_t *options,
                                               rogue_mem_stream_server_t **out);

/**
 * The stream port of the server: receives frames for clients, and sends those of clients.
 *
 * @param server the server.
 * @return the port, a new reference, which keeps the server running; NULL if server is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_stream_server_stream_port(
    const rogue_mem_stream_server_t *server);

/**
 * The port for frames from clients; with port 0, that of the free pair found.
 *
 * @param server the server.
 * @return the port; 0 if server is NULL.
 */
uint16_t rogue_mem_stream_server_port(const rogue_mem_stream_server_t *server);

/**
 * The addresses at which the server listens, each with its port or its path, one a line: first that
 * of rogue_mem_stream_server_new, then those of the option addresses.
 *
 * @param server the server.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_stream_server_addresses(const rogue_mem_stream_server_t *server,
                                                     char *buffer,
                                                     size_t capacity,
                                                     size_t *length);

/**
 * Stops the server: closes both ports and all connections, and disconnects its slaves. Senders that
 * wait return. Frames that clients do not take at once are dropped, counted, and logged. Returns
 * within 100 ms. No peer can delay that. If a slave blocks for longer, the ports close when it
 * returns. Further calls do nothing.
 *
 * @param server the server; NULL is an error.
 */
void rogue_mem_stream_server_stop(rogue_mem_stream_server_t *server);

/**
 * What the server has done so far.
 *
 * @param server the server.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_stream_server_stats(const rogue_mem_stream_server_t *server,
                                                 rogue_mem_stream_server_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param server the server; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_stream_server_t *rogue_mem_stream_server_retain(rogue_mem_stream_server_t *server);

/**
 * Gives a reference back. The server runs as long as it or the slave of its stream port has a
 * reference, also that of a connected stream master.
 *
 * @param server the server; NULL is allowed and ignored.
 */
void rogue_mem_stream_server_release(rogue_mem_stream_server_t *server);

/* --- Streams: TCP bridge, client -------------------------------------------------------------- */

/* A stream client exchanges frames with a stream server through its stream port. It connects, and
 * reconnects until it is stopped. A sender waits while the server is slow, and while there is no
 * connection. Received frames are passed on in the client's own thread. */

/**
 * Options of a stream client. Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_stream_client_options_t {
    /**
     * sizeof(rogue_mem_stream_client_options_t).
     */
    size_t size;
    /**
     * The client's keys, and the server's public key: the connection is encrypted, and both ends
     * have proved their keys. The client takes a reference. NULL: it is in the clear.
     */
    rogue_mem_curve_client_t *curve;
    /**
     * Limit of the bytes of frames that wait to be sent. Once it is reached, further senders wait
     * until half of it is free. One frame is always allowed. 0 = 4 MiB.
     */
    uint64_t queue_bytes_max;
    /**
     * Size limit of a received frame, in bytes; larger ones are dropped, counted, and logged.
     * 0 = 256 MiB.
     */
    uint64_t frame_bytes_max;
    /**
     * Stack size of its thread, in bytes; the receivers of its frames run on it. At least 2 MiB.
     * 0 = the size of other threads of the process ("ulimit -s").
     */
    uint64_t stack_bytes;
    /**
     * Milliseconds for which a sender waits for room, or for a peer, at most; then its frame is
     * dropped, counted, and logged. 0 = as long as it takes, as in Rogue.
     * ROGUE_MEM_SEND_WAIT_NEVER = it does not wait.
     */
    uint32_t send_wait_ms_max;
    /**
     * Microseconds for which its thread polls before it sleeps, which keeps a processor busy.
     * 0 = adaptive: up to 50, if recent polls have been successful. ROGUE_MEM_SPIN_NEVER = none.
     */
    uint32_t spin_us;
    /**
     * Milliseconds for which the other host may be silent, because it has lost its power or the
     * network is cut, before the connection is given up; its system answers probes otherwise, also
     * while the bridge is idle or the peer busy. In whole seconds, at least 4000. 0 = 10 000.
     */
    uint32_t host_silence_ms_max;
    /**
     * Must be 0.
     */
    uint32_t reserved;
} rogue_mem_stream_client_options_t;

/**
 * Counters of a stream client. Set size before the call.
 */
typedef struct rogue_mem_stream_client_stats_t {
    /**
     * sizeof(rogue_mem_stream_client_stats_t).
     */
    size_t size;
    /**
     * Peers connected now: the clients of a server; of a client, its server.
     */
    uint64_t peers;
    /**
     * Open connections of a server that belong to no client yet.
     */
    uint64_t held;
    /**
     * Connections that CURVE has refused at a server, as in rogue_mem_tcp_server_stats_t.
     */
    uint64_t refused_keys;
    /**
     * Peers that have connected.
     */
    uint64_t connects;
    /**
     * Peers that have disconnected.
     */
    uint64_t disconnects;
    /**
     * Frames received and passed on.
     */
    uint64_t frames_in;
    /**
     * Bytes of their payload.
     */
    uint64_t bytes_in;
    /**
     * Frames sent, which means: taken by the system.
     */
    uint64_t frames_out;
    /**
     * Bytes of their payload.
     */
    uint64_t bytes_out;
    /**
     * Frames accepted and not yet sent.
     */
    uint64_t queued;
    /**
     * Received frames that were dropped: too large, or without a receiver.
     */
    uint64_t dropped_in;
    /**
     * Frames to be sent that were dropped: the object was stopped, the sender's wait ended, a
     * connection was lost before they were sent completely, or a request was given up before.
     */
    uint64_t dropped_out;
    /**
     * Messages received that are no frames.
     */
    uint64_t malformed;
    /**
     * Bytes that a server holds for its clients now: frames in part, unread ones.
     */
    uint64_t budget_used;
    /**
     * How often a client of a server had to wait for room in the budget.
     */
    uint64_t budget_waits;
    /**
     * Age of a server's oldest frame that has come in part, or is unread, in milliseconds;
     * 0 = none.
     */
    uint64_t unfinished_ms;
    /**
     * Clients of a server disconnected because they were too slow with a frame they had begun.
     */
    uint64_t closed_slow;
    /**
     * Clients of a server disconnected because they were the slowest and others needed the room.
     */
    uint64_t closed_for_room;
    /**
     * Idle clients of a server that have made room for others.
     */
    uint64_t clients_evicted;
    /**
     * Clients that a server did not serve because all places were taken by clients that were not
     * idle.
     */
    uint64_t clients_refused_full;
    /**
     * Clients that a server did not serve because all places of their address were taken by
     * clients that were not idle.
     */
    uint64_t clients_refused_address;
    /**
     * Clients of a server disconnected because too many of their messages were malformed.
     */
    uint64_t closed_malformed;
    /**
     * Connections of a server without a client that have made room for others.
     */
    uint64_t connections_displaced;
    /**
     * Connections of a server closed because the access list does not let their peers in, or not
     * any more.
     */
    uint64_t refused_peers;
    /**
     * Connections of a server closed because the system had no memory for what they needed.
     */
    uint64_t closed_no_memory;
} rogue_mem_stream_client_stats_t;

/**
 * Makes a stream client, which begins to connect at once. Received frames are dropped, counted and
 * logged until a slave is connected to its stream port's master.
 *
 * @param addr the server's IPv4 or IPv6 address, host name or path, see rogue_mem_tcp_client_new.
 * @param port the server's port for frames from clients; the one for frames to clients is the
 * next. A path has port 0.
 * @param options the options; may be NULL: the defaults.
 * @param out receives the client, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if addr,
 * the port or an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_stream_client_new(const char *addr,
                                               uint16_t port,
                                               const rogue_mem_stream_client_options_t *options,
                                               rogue_mem_stream_client_t **out);

/**
 * The stream port of the client: receives frames for the server, and sends those of the server.
 *
 * @param client the client.
 * @return the port, a new reference, which keeps the client running; NULL if client is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_stream_client_stream_port(
    const rogue_mem_stream_client_t *client);

/**
 * The state of the client.
 *
 * @param client the client.
 * @return ROGUE_MEM_CLIENT_...; ROGUE_MEM_CLIENT_CONNECTING, with the last error set, if client is
 * NULL.
 */
uint32_t rogue_mem_stream_client_state(const rogue_mem_stream_client_t *client);

/**
 * The state as text, with the obstacle if there is one.
 *
 * @param client the client.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_stream_client_state_text(const rogue_mem_stream_client_t *client,
                                                      char *buffer,
                                                      size_t capacity,
                                                      size_t *length);

/**
 * Stops the client: closes the connection, and disconnects its slaves. Senders that wait return.
 * Frames that the server does not take at once are dropped, counted, and logged. Returns within
 * 100 ms. Further calls do nothing.
 *
 * @param client the client; NULL is an error.
 */
void rogue_mem_stream_client_stop(rogue_mem_stream_client_t *client);

/**
 * What the client has done so far.
 *
 * @param client the client.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_stream_client_stats(const rogue_mem_stream_client_t *client,
                                                 rogue_mem_stream_client_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param client the client; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_stream_client_t *rogue_mem_stream_client_retain(rogue_mem_stream_client_t *client);

/**
 * Gives a reference back. The client runs as long as it or the slave of its stream port has a
 * reference, also that of a connected stream master.
 *
 * @param client the client; NULL is allowed and ignored.
 */
void rogue_mem_stream_client_release(rogue_mem_stream_client_t *client);

/* --- Streams: fifos --------------------------------------------------------------------------- */

/* A fifo parts the receivers of frames from their sender: a queue, and a thread that delivers
 * from it. A sender never waits for it. A frame that arrives while the queue is full is
 * dropped and counted; the frame being delivered is no longer in the queue. */

/**
 * Makes a fifo, and starts its thread.
 *
 * @param depth_max maximum number of queued frames; 0 = not limited.
 * @param trim_bytes bytes to which copies are cut; 0 = not cut.
 * @param no_copy a flag: whether the frames themselves are queued, whole. Their sender and their
 * other receivers must leave them alone then. Otherwise each is copied on arrival, with flags,
 * channel and error, into a frame from the first receiver.
 * @param out receives the fifo, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the
 * system refuses a thread.
 */
rogue_mem_status_t rogue_mem_fifo_new(uint32_t depth_max,
                                      uint32_t trim_bytes,
                                      uint32_t no_copy,
                                      rogue_mem_fifo_t **out);

/**
 * The stream port of the fifo: receives frames, and sends them on.
 *
 * @param fifo the fifo.
 * @return the port, a new reference, which keeps the fifo alive; NULL if fifo is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_fifo_stream_port(const rogue_mem_fifo_t *fifo);

/**
 * The number of queued frames.
 *
 * @param fifo the fifo.
 * @return frames; 0 if fifo is NULL.
 */
uint64_t rogue_mem_fifo_size(const rogue_mem_fifo_t *fifo);

/**
 * The number of dropped frames: because the queue was full, because a copy could not be made,
 * which the log says, or because a request was given up while it waited here.
 *
 * @param fifo the fifo.
 * @return frames; 0 if fifo is NULL.
 */
uint64_t rogue_mem_fifo_dropped(const rogue_mem_fifo_t *fifo);

/**
 * Sets the number of dropped frames to 0.
 *
 * @param fifo the fifo; NULL is an error.
 */
void rogue_mem_fifo_clear_dropped(rogue_mem_fifo_t *fifo);

/**
 * Stops the fifo: ends its thread, drops queued and later frames, and disconnects its receivers.
 * Further calls do nothing.
 *
 * @param fifo the fifo; NULL is an error.
 */
void rogue_mem_fifo_stop(rogue_mem_fifo_t *fifo);

/**
 * Adds a reference.
 *
 * @param fifo the fifo; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_fifo_t *rogue_mem_fifo_retain(rogue_mem_fifo_t *fifo);

/**
 * Gives a reference back. The fifo and its thread exist as long as its stream port does.
 *
 * @param fifo the fifo; NULL is allowed and ignored.
 */
void rogue_mem_fifo_release(rogue_mem_fifo_t *fifo);

/* --- Streams: filters ------------------------------------------------------------------------- */

/* A filter passes on the frames of one channel, in the sender's thread and without a copy.
 * Frames that are requested from it come from the node behind it. */

/**
 * Makes a filter.
 *
 * @param drop_errors a flag: whether frames with an error are dropped too.
 * @param channel the channel whose frames pass.
 * @param out receives the filter, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_filter_new(uint32_t drop_errors,
                                        uint8_t channel,
                                        rogue_mem_filter_t **out);

/**
 * The stream port of the filter: receives frames, and sends on those that pass.
 *
 * @param filter the filter.
 * @return the port, a new reference, which keeps the filter alive; NULL if filter is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_filter_stream_port(const rogue_mem_filter_t *filter);

/**
 * Adds a reference.
 *
 * @param filter the filter; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_filter_t *rogue_mem_filter_retain(rogue_mem_filter_t *filter);

/**
 * Gives a reference back. The filter exists as long as its stream port does.
 *
 * @param filter the filter; NULL is allowed and ignored.
 */
void rogue_mem_filter_release(rogue_mem_filter_t *filter);

/* --- Streams: rate drops ---------------------------------------------------------------------- */

/* A rate drop passes on some of the frames that it receives, in the sender's thread and
 * without a copy. Frames that are requested from it come from the node behind it. */

/**
 * Makes a rate drop.
 *
 * @param is_period a flag: the meaning of value.
 * @param value with is_period, seconds: at most one frame passes in that time, and none in the
 * first one after this call. Without, a number, whose fraction is ignored: as many frames are
 * dropped after each one that passes; the first one passes. 0 passes all frames, either way.
 * @param out receives the rate drop, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if value
 * is negative or not a number.
 */
rogue_mem_status_t rogue_mem_rate_drop_new(uint32_t is_period,
                                           double value,
                                           rogue_mem_rate_drop_t **out);

/**
 * The stream port of the rate drop: receives frames, and sends on those that pass.
 *
 * @param rate_drop the rate drop.
 * @return the port, a new reference, which keeps the rate drop alive; NULL if rate_drop is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_rate_drop_stream_port(const rogue_mem_rate_drop_t *rate_drop);

/**
 * Adds a reference.
 *
 * @param rate_drop the rate drop; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_rate_drop_t *rogue_mem_rate_drop_retain(rogue_mem_rate_drop_t *rate_drop);

/**
 * Gives a reference back. The rate drop exists as long as its stream port does.
 *
 * @param rate_drop the rate drop; NULL is allowed and ignored.
 */
void rogue_mem_rate_drop_release(rogue_mem_rate_drop_t *rate_drop);

/* --- SRPv3 ------------------------------------------------------------------------------------ */

/* SRP version 3 carries register transactions over a stream, in the form of SLAC's firmware.
 * The object is a memory slave, with accesses of multiples of 4 bytes up to 4096, and a stream
 * port, which sends requests and receives answers. Any number may be outstanding.
 *
 * Handles of the object and of its memory slave keep the object alive. Its stream port does
 * not, so that two connected objects form no reference cycle. */

/**
 * Makes an SRPv3 object whose stream is not connected yet; until it is, transactions fail.
 *
 * @param out receives the object, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_srp_v3_new(rogue_mem_srp_v3_t **out);

/**
 * The object as a memory slave, for masters to connect to.
 *
 * @param srp the object.
 * @return the slave, a new reference, which keeps the object alive; NULL if srp is NULL.
 */
rogue_mem_slave_t *rogue_mem_srp_v3_slave(const rogue_mem_srp_v3_t *srp);

/**
 * The stream port of the object: sends requests, and receives answers.
 *
 * @param srp the object.
 * @return the port, a new reference, which does not keep the object alive; NULL if srp is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_srp_v3_stream_port(const rogue_mem_srp_v3_t *srp);

/**
 * Sets the time that later requests allow the device to wait for its own bus.
 *
 * @param srp the object; NULL is an error.
 * @param timeout in units of 100 ms; 0 = no limit. The default is 10.
 */
void rogue_mem_srp_v3_set_hardware_timeout(rogue_mem_srp_v3_t *srp, uint8_t timeout);

/**
 * Disconnects the stream and fails all outstanding transactions. Later ones fail at once, until a
 * stream is connected again. Further calls do nothing.
 *
 * @param srp the object; NULL is an error.
 */
void rogue_mem_srp_v3_stop(rogue_mem_srp_v3_t *srp);

/**
 * Adds a reference.
 *
 * @param srp the object; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_srp_v3_t *rogue_mem_srp_v3_retain(rogue_mem_srp_v3_t *srp);

/**
 * Gives a reference back. Release of the last reference stops the object.
 *
 * @param srp the object; NULL is allowed and ignored.
 */
void rogue_mem_srp_v3_release(rogue_mem_srp_v3_t *srp);

/* --- SRPv3: emulated device ------------------------------------------------------------------- */

/* A device in software that answers SRP version 3 from sparse memory, for tests, examples and
 * simulations. Memory that was never written reads as zero. The object's own thread carries
 * out requests in sequence, and calls the receivers of its answers. */

/**
 * Options of an emulated device. Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_srp_v3_emulation_options_t {
    /**
     * sizeof(rogue_mem_srp_v3_emulation_options_t).
     */
    size_t size;
    /**
     * Stack size of the device's thread, in bytes; the receivers of its answers run on it. At
     * least 2 MiB. 0 = the size of other threads of the process ("ulimit -s").
     */
    uint64_t stack_bytes;
    /**
     * Microseconds for which a request waits before it is carried out, at least; the system's
     * timers may add some 100. Waiting requests overlap, as in firmware that has several accesses
     * under way: each is carried out, in order of arrival, so long after its own arrival.
     * 0 = none.
     */
    uint32_t latency_us;
    /**
     * Must be 0.
     */
    uint32_t reserved;
    /**
     * Bytes that the emulated memory may take, with the tables that lead to it; each written page
     * takes 4 KiB. A write that needs more gets the error that memory has. 0 = a quarter of what
     * the process may have, at most 1 GiB.
     */
    uint64_t memory_bytes_max;
} rogue_mem_srp_v3_emulation_options_t;

/**
 * Makes an SRPv3 device with empty memory, and starts its thread.
 *
 * @param options_or_null the options, copied. NULL: the defaults.
 * @param out receives the device, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
 * options with a wrong size or a value out of range; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_srp_v3_emulation_new(
    const rogue_mem_srp_v3_emulation_options_t *options_or_null,
    rogue_mem_srp_v3_emulation_t **out);

/**
 * The stream port of the device: receives requests, and sends answers.
 *
 * @param device the device.
 * @return the port, a new reference, which keeps the device alive; NULL if device is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_srp_v3_emulation_stream_port(
    const rogue_mem_srp_v3_emulation_t *device);

/**
 * Stops the device: ends its thread, and drops waiting and later requests. Further calls do
 * nothing.
 *
 * @param device the device; NULL is an error.
 */
void rogue_mem_srp_v3_emulation_stop(rogue_mem_srp_v3_emulation_t *device);

/**
 * Adds a reference.
 *
 * @param device the device; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_srp_v3_emulation_t *rogue_mem_srp_v3_emulation_retain(
    rogue_mem_srp_v3_emulation_t *device);

/**
 * Gives a reference back. The device and its thread exist as long as its stream port does.
 *
 * @param device the device; NULL is allowed and ignored.
 */
void rogue_mem_srp_v3_emulation_release(rogue_mem_srp_v3_emulation_t *device);

/* --- SRPv0 ------------------------------------------------------------------------------------ */

/* SRP version 0 carries register transactions over a stream, in the form of SLAC's firmware. The
 * object is a memory slave, with accesses of multiples of 4 bytes up to 2048 at 32 bits of
 * address, and a stream port, which sends requests and receives answers. Any number may be
 * outstanding.
 *
 * Handles of the object and of its memory slave keep the object alive. Its stream port does not,
 * so that two connected objects form no reference cycle. */

/**
 * Makes an SRPv0 object whose stream is not connected yet; until it is, transactions fail.
 *
 * @param out receives the object, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_srp_v0_new(rogue_mem_srp_v0_t **out);

/**
 * The object as a memory slave, for masters to connect to.
 *
 * @param srp the object.
 * @return the slave, a new reference, which keeps the object alive; NULL if srp is NULL.
 */
rogue_mem_slave_t *rogue_mem_srp_v0_slave(const rogue_mem_srp_v0_t *srp);

/**
 * The stream port of the object: sends requests, and receives answers.
 *
 * @param srp the object.
 * @return the port, a new reference, which does not keep the object alive; NULL if srp is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_srp_v0_stream_port(const rogue_mem_srp_v0_t *srp);

/**
 * Disconnects the stream and fails all outstanding transactions. Later ones fail at once, until a
 * stream is connected again. Further calls do nothing.
 *
 * @param srp the object; NULL is an error.
 */
void rogue_mem_srp_v0_stop(rogue_mem_srp_v0_t *srp);

/**
 * Adds a reference.
 *
 * @param srp the object; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_srp_v0_t *rogue_mem_srp_v0_retain(rogue_mem_srp_v0_t *srp);

/**
 * Gives a reference back. Release of the last reference stops the object.
 *
 * @param srp the object; NULL is allowed and ignored.
 */
void rogue_mem_srp_v0_release(rogue_mem_srp_v0_t *srp);

/* --- Command frames --------------------------------------------------------------------------- */

/* Commands to SLAC's firmware: frames of 16 bytes with an opcode and a context, which are not
 * answered. */

/**
 * Sends one command to the slaves of a stream master, in this thread. Without slaves it does
 * nothing.
 *
 * @param master the stream master.
 * @param opcode the opcode.
 * @param context a number for the firmware.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_cmd_send(rogue_mem_stream_master_t *master,
                                      uint8_t opcode,
                                      uint32_t context);

/* --- Packetizer ------------------------------------------------------------------------------- */

/* A packetizer carries the frames of up to 256 destinations over one packet transport, in the form
 * of SLAC's firmware. Connect its transport port to that of the transport, and the application
 * port of each destination to the object that sends and receives its frames.
 *
 * A frame is cut in the thread that sends it, and delivered in the thread that brings its last
 * packet, with no lock held. Frames of one destination leave in order and one at a time; with
 * version 1 the frames of all destinations do. A frame for a destination whose port was never
 * asked for is discarded.
 *
 * The ports work as long as they are connected, also without a handle of the object. */

/**
 * Options of a packetizer. Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_packetizer_options_t {
    /**
     * sizeof(rogue_mem_packetizer_options_t).
     */
    size_t size;
    /**
     * A flag: whether frames do not follow the SSI convention. Otherwise the start of a sent frame
     * is marked in its first user byte (0x02), and a received frame whose last user byte has 0x01
     * set, because it ended in an error, gets the error 0x80.
     */
    uint32_t no_ssi;
    /**
     * A flag: whether packets of version 2 are received without a look at their CRC. Otherwise
     * those without a right one are dropped.
     */
    uint32_t no_crc_check;
    /**
     * A flag: whether packets of version 2 are sent without a CRC.
     */
    uint32_t no_crc;
    /**
     * Must be 0.
     */
    uint32_t reserved;
} rogue_mem_packetizer_options_t;

/**
 * Counters of a packetizer. Set size before the call.
 */
typedef struct rogue_mem_packetizer_stats_t {
    /**
     * sizeof(rogue_mem_packetizer_stats_t).
     */
    size_t size;
    /**
     * Frames sent.
     */
    uint64_t frames_sent;
    /**
     * Packets sent.
     */
    uint64_t packets_sent;
    /**
     * Frames not sent: marked as faulty, empty, without a transport, or of requests given up while
     * they waited.
     */
    uint64_t frames_refused;
    /**
     * Packets received, dropped ones included.
     */
    uint64_t packets_received;
    /**
     * Frames delivered.
     */
    uint64_t frames_received;
    /**
     * Packets dropped, and, with version 2, unfinished frames that were; modulo 2^32.
     */
    uint64_t dropped;
    /**
     * Packets dropped for their CRC; modulo 2^32.
     */
    uint64_t crc_errors;
    /**
     * Unfinished frames dropped because another one began or the link was lost, or for their size;
     * modulo 2^32.
     */
    uint64_t abandoned;
    /**
     * Packets dropped because they are of the other version, or of none; modulo 2^32.
     */
    uint64_t wrong_version;
} rogue_mem_packetizer_stats_t;

/**
 * Makes a packetizer that is not connected.
 *
 * @param version 1 or 2, as that of the other end. Version 2 interleaves destinations and has a
 * CRC.
 * @param options_or_null the options, copied. NULL: the defaults.
 * @param out receives the packetizer, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
 * another version, or options with a wrong size.
 */
rogue_mem_status_t rogue_mem_packetizer_new(uint32_t version,
                                            const rogue_mem_packetizer_options_t *options_or_null,
                                            rogue_mem_packetizer_t **out);

/**
 * The port through which packets go, one in each frame.
 *
 * @param packetizer the packetizer.
 * @return the port, a new reference; NULL if packetizer is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_packetizer_transport_port(
    const rogue_mem_packetizer_t *packetizer);

/**
 * The port through which the frames of a destination go.
 *
 * @param packetizer the packetizer.
 * @param dest the destination.
 * @return the port, a new reference; NULL if packetizer is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_packetizer_application_port(
    const rogue_mem_packetizer_t *packetizer,
    uint8_t dest);

/**
 * The number of received packets that were dropped: of an impossible form, of another version,
 * with a wrong CRC, or without those before them. With version 2 also the unfinished frames that
 * were dropped because another one began.
 *
 * @param packetizer the packetizer.
 * @return packets, modulo 2^32; 0 if packetizer is NULL.
 */
uint32_t rogue_mem_packetizer_drop_count(const rogue_mem_packetizer_t *packetizer);

/**
 * Sets how often a thread that waits for another one's frame says so in the log.
 *
 * @param packetizer the packetizer; NULL is an error.
 * @param timeout_us the time between two messages, in microseconds, at least 1000; one second at
 * first.
 */
void rogue_mem_packetizer_set_timeout(rogue_mem_packetizer_t *packetizer, uint32_t timeout_us);

/**
 * Disconnects everything that the packetizer sends to, on all of its ports, and fails the requests
 * that wait for an answer over it. Further calls do nothing, until something is connected again.
 *
 * @param packetizer the packetizer; NULL is an error.
 */
void rogue_mem_packetizer_stop(rogue_mem_packetizer_t *packetizer);

/**
 * What the packetizer has done so far.
 *
 * @param packetizer the packetizer.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_packetizer_stats(const rogue_mem_packetizer_t *packetizer,
                                              rogue_mem_packetizer_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param packetizer the packetizer; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_packetizer_t *rogue_mem_packetizer_retain(rogue_mem_packetizer_t *packetizer);

/**
 * Gives a reference back. Its ports work as long as they are connected.
 *
 * @param packetizer the packetizer; NULL is allowed and ignored.
 */
void rogue_mem_packetizer_release(rogue_mem_packetizer_t *packetizer);

/* --- Pseudo-random bits ----------------------------------------------------------------------- */

/* A generator and checker of frames of pseudo-random bits: a link test whose twin is in SLAC's
 * firmware. Its stream port sends the generated frames and checks received ones. Width and taps
 * must be equal at both ends. Received frames are checked in the thread that brings them.
 *
 * The receiving end of its port does not keep the object alive. */

/**
 * Counters of a generator and checker. Set size before the call.
 */
typedef struct rogue_mem_prbs_stats_t {
    /**
     * sizeof(rogue_mem_prbs_stats_t).
     */
    size_t size;
    /**
     * Frames sent; modulo 2^32.
     */
    uint64_t tx_count;
    /**
     * Frames that could not be sent; modulo 2^32.
     */
    uint64_t tx_errors;
    /**
     * Bytes sent.
     */
    uint64_t tx_bytes;
    /**
     * Good frames received; modulo 2^32.
     */
    uint64_t rx_count;
    /**
     * Bad frames received; modulo 2^32.
     */
    uint64_t rx_errors;
    /**
     * Bytes of good frames received.
     */
    uint64_t rx_bytes;
} rogue_mem_prbs_stats_t;

/**
 * Makes a generator and checker with words of 32 bits and taps 1, 2, 6 and 31, as firmware has
 * them by default.
 *
 * @param out receives the object, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_prbs_new(rogue_mem_prbs_t **out);

/**
 * The stream port of the object: sends generated frames, and checks received ones.
 *
 * @param prbs the object.
 * @return the port, a new reference, which does not keep the object alive; NULL if prbs is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_prbs_stream_port(const rogue_mem_prbs_t *prbs);

/**
 * Sets the width of a word, for later frames.
 *
 * @param prbs the object.
 * @param bits a multiple of 32, at most 512.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
 * another width; ROGUE_MEM_ERROR_STOPPED in a child by fork.
 */
rogue_mem_status_t rogue_mem_prbs_set_width(rogue_mem_prbs_t *prbs, uint32_t bits);

/**
 * Sets the taps of the shift register, for later frames: numbers of bits. One listed twice
 * cancels itself; those beyond the width have no effect.
 *
 * @param prbs the object.
 * @param taps the taps, copied; may be NULL if there are none.
 * @param count number of taps.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_prbs_set_taps(rogue_mem_prbs_t *prbs,
                                           const uint8_t *taps,
                                           uint32_t count);

/**
 * Chooses whether the payload of later frames counts its words instead of being random. A checker
 * has to leave such a payload unchecked.
 *
 * @param prbs the object; NULL is an error.
 * @param state a flag.
 */
void rogue_mem_prbs_send_count(rogue_mem_prbs_t *prbs, uint32_t state);

/**
 * Chooses whether later frames have a payload; otherwise it is zeros. They have one at first.
 *
 * @param prbs the object; NULL is an error.
 * @param state a flag.
 */
void rogue_mem_prbs_gen_payload(rogue_mem_prbs_t *prbs, uint32_t state);

/**
 * Chooses whether the payload of received frames is checked, besides their size and sequence
 * number. It is at first.
 *
 * @param prbs the object; NULL is an error.
 * @param state a flag.
 */
void rogue_mem_prbs_check_payload(rogue_mem_prbs_t *prbs, uint32_t state);

/**
 * Chooses whether frames are received, as they are at first. While they are not, a thread that
 * brings one waits: its sender is held up, and nothing is lost.
 *
 * @param prbs the object; NULL is an error.
 * @param state a flag.
 */
void rogue_mem_prbs_set_rx_enable(rogue_mem_prbs_t *prbs, uint32_t state);

/**
 * Whether frames are received.
 *
 * @param prbs the object.
 * @return whether they are; false if prbs is NULL.
 */
bool rogue_mem_prbs_rx_enable(const rogue_mem_prbs_t *prbs);

/**
 * Sets the pause after each frame of the thread; also while it runs.
 *
 * @param prbs the object; NULL is an error.
 * @param period_us the pause, in microseconds; 0 at first.
 */
void rogue_mem_prbs_set_tx_period(rogue_mem_prbs_t *prbs, uint32_t period_us);

/**
 * The pause after each frame of the thread.
 *
 * @param prbs the object.
 * @return microseconds; 0 if prbs is NULL.
 */
uint32_t rogue_mem_prbs_tx_period(const rogue_mem_prbs_t *prbs);

/**
 * Sends one frame, in this thread. A frame that cannot be made counts as an error, and the log
 * says why.
 *
 * @param prbs the object.
 * @param size bytes of the frame: a multiple of the width, and at least three words.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
 * another size; ROGUE_MEM_ERROR_STOPPED in a child by fork.
 */
rogue_mem_status_t rogue_mem_prbs_gen_frame(rogue_mem_prbs_t *prbs, uint32_t size);

/**
 * Starts a thread that sends frames until rogue_mem_prbs_disable. Does nothing if it runs
 * already.
 *
 * @param prbs the object.
 * @param size bytes of each frame, as for rogue_mem_prbs_gen_frame.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for a
 * size that no frame has; ROGUE_MEM_ERROR_OUT_OF_RESOURCES; ROGUE_MEM_ERROR_STOPPED in a child by
 * fork.
 */
rogue_mem_status_t rogue_mem_prbs_enable(rogue_mem_prbs_t *prbs, uint32_t size);

/**
 * Ends the thread, after the frame that it is sending. Returns within 100 ms, also if the
 * receiver of that frame does not. Further calls do nothing.
 *
 * @param prbs the object; NULL is an error.
 */
void rogue_mem_prbs_disable(rogue_mem_prbs_t *prbs);

/**
 * Sets all counters and rates to zero. The sequence of frames goes on.
 *
 * @param prbs the object; NULL is an error.
 */
void rogue_mem_prbs_reset_count(rogue_mem_prbs_t *prbs);

/**
 * Ends the thread, disconnects the receivers of frames, and releases threads that wait because
 * frames are not received; their frames are dropped.
 *
 * @param prbs the object; NULL is an error.
 */
void rogue_mem_prbs_stop(rogue_mem_prbs_t *prbs);

/**
 * Frames sent a second, over the last second or more at whose end there was a frame.
 *
 * @param prbs the object.
 * @return frames a second; 0 if prbs is NULL.
 */
double rogue_mem_prbs_tx_rate(const rogue_mem_prbs_t *prbs);

/**
 * Bytes sent a second, in the same time as the rate.
 *
 * @param prbs the object.
 * @return bytes a second; 0 if prbs is NULL.
 */
double rogue_mem_prbs_tx_bandwidth(const rogue_mem_prbs_t *prbs);

/**
 * Frames received a second, over the last second or more at whose end there was a frame.
 *
 * @param prbs the object.
 * @return frames a second; 0 if prbs is NULL.
 */
double rogue_mem_prbs_rx_rate(const rogue_mem_prbs_t *prbs);

/**
 * Bytes received a second, in the same time as the rate.
 *
 * @param prbs the object.
 * @return bytes a second; 0 if prbs is NULL.
 */
double rogue_mem_prbs_rx_bandwidth(const rogue_mem_prbs_t *prbs);

/**
 * What the object has done so far.
 *
 * @param prbs the object.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_prbs_stats(const rogue_mem_prbs_t *prbs,
                                        rogue_mem_prbs_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param prbs the object; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_prbs_t *rogue_mem_prbs_retain(rogue_mem_prbs_t *prbs);

/**
 * Gives a reference back. Release of the last reference ends its thread.
 *
 * @param prbs the object; NULL is allowed and ignored.
 */
void rogue_mem_prbs_release(rogue_mem_prbs_t *prbs);

/* --- CURVE: key pairs ------------------------------------------------------------------------- */

/* A key pair for CURVE: by its secret key an end of a bridge proves that it is the owner of the
 * public one. The text form of a key has 40 characters, Z85 (RFC 32), as in libzmq. */

/**
 * Makes a key pair, of the system's random numbers.
 *
 * @param out receives the key pair, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the
 * system has no generator.
 */
rogue_mem_status_t rogue_mem_curve_keys_generate(rogue_mem_curve_keys_t **out);

/**
 * Reads a key pair that rogue_mem_curve_keys_save has written.
 *
 * @param path the file with the secret key.
 * @param out receives the key pair, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_FILE if it cannot be read, or others than its owner may read or write it;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if its contents are no key pair.
 */
rogue_mem_status_t rogue_mem_curve_keys_load(const char *path, rogue_mem_curve_keys_t **out);

/**
 * Makes a key pair from the text form of its secret key.
 *
 * @param secret the secret key. Wipe it afterwards.
 * @param out receives the key pair, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if it is no key.
 */
rogue_mem_status_t rogue_mem_curve_keys_from_secret(const char *secret,
                                                    rogue_mem_curve_keys_t **out);

/**
 * Writes the key pair to a new file that only its owner may read, and the public key alone to
 * another one, whose name ends in ".pub", for the other end.
 *
 * @param keys the key pair.
 * @param path the file with the secret key; neither may exist.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_FILE.
 */
rogue_mem_status_t rogue_mem_curve_keys_save(rogue_mem_curve_keys_t *keys, const char *path);

/**
 * The text form of the public key.
 *
 * @param keys the key pair.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_curve_keys_public_key(const rogue_mem_curve_keys_t *keys,
                                                   char *buffer,
                                                   size_t capacity,
                                                   size_t *length);

/**
 * The text form of the secret key. Wipe the buffer afterwards.
 *
 * @param keys the key pair.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_curve_keys_secret_key(const rogue_mem_curve_keys_t *keys,
                                                   char *buffer,
                                                   size_t capacity,
                                                   size_t *length);

/**
 * Adds a reference.
 *
 * @param keys the key pair; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_curve_keys_t *rogue_mem_curve_keys_retain(rogue_mem_curve_keys_t *keys);

/**
 * Gives a reference back. With the last one the secret key is wiped.
 *
 * @param keys the key pair; NULL is allowed and ignored.
 */
void rogue_mem_curve_keys_release(rogue_mem_curve_keys_t *keys);

/* --- CURVE: keys of servers ------------------------------------------------------------------- */

/* What servers with CURVE need: their key pair, and the clients that they accept. Both may
 * change while servers have it: that holds for new connections at once, and clients that are not
 * accepted any more are disconnected as soon as the threads of their servers are free. */

/**
 * Makes the keys of servers. No client is accepted until one of the functions below says so.
 *
 * @param keys the servers' own key pair.
 * @param out receives the keys of the servers, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_curve_server_new(rogue_mem_curve_keys_t *keys,
                                              rogue_mem_curve_server_t **out);

/**
 * Sets the key pair for new connections. Those that exist remain.
 *
 * @param curve the keys of the servers.
 * @param keys the servers' own key pair.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_curve_server_set_keys(rogue_mem_curve_server_t *curve,
                                                   rogue_mem_curve_keys_t *keys);

/**
 * Accepts clients with any key: those that know the servers' public key.
 *
 * @param curve the keys of the servers.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_curve_server_accept_any(rogue_mem_curve_server_t *curve);

/**
 * Accepts the clients with these public keys, and no others.
 *
 * @param curve the keys of the servers.
 * @param keys_text the keys, separated by white space.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if a word is no public key: nothing has changed then.
 */
rogue_mem_status_t rogue_mem_curve_server_set_clients(rogue_mem_curve_server_t *curve,
                                                      const char *keys_text);

/**
 * Accepts the clients whose public keys are in a file, and no others. Call it again when the file
 * has changed.
 *
 * @param curve the keys of the servers.
 * @param path the file: a line for each key, such as several ".pub" files one behind the other.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_FILE if it cannot be read, or others than its owner may write it;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if a line is no public key. Nothing has changed then.
 */
rogue_mem_status_t rogue_mem_curve_server_load_clients(rogue_mem_curve_server_t *curve,
                                                       const char *path);

/**
 * The text form of the servers' public key, which their clients have to know.
 *
 * @param curve the keys of the servers.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_curve_server_public_key(const rogue_mem_curve_server_t *curve,
                                                     char *buffer,
                                                     size_t capacity,
                                                     size_t *length);

/**
 * Adds a reference.
 *
 * @param curve the keys of the servers; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_curve_server_t *rogue_mem_curve_server_retain(rogue_mem_curve_server_t *curve);

/**
 * Gives a reference back. Servers that have it as their option curve keep it.
 *
 * @param curve the keys of the servers; NULL is allowed and ignored.
 */
void rogue_mem_curve_server_release(rogue_mem_curve_server_t *curve);

/* --- CURVE: keys of clients ------------------------------------------------------------------- */

/* What clients need for a server with CURVE. */

/**
 * Makes the keys of clients.
 *
 * @param server_key the text form of the server's public key.
 * @param keys the clients' own key pair, by which the server may know them. For a server that
 * accepts any, one of rogue_mem_curve_keys_generate is enough.
 * @param out receives the keys of the clients, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if server_key is no public key.
 */
rogue_mem_status_t rogue_mem_curve_client_new(const char *server_key,
                                              rogue_mem_curve_keys_t *keys,
                                              rogue_mem_curve_client_t **out);

/**
 * Adds a reference.
 *
 * @param curve the keys of the clients; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_curve_client_t *rogue_mem_curve_client_retain(rogue_mem_curve_client_t *curve);

/**
 * Gives a reference back. Clients that have it as their option curve keep it.
 *
 * @param curve the keys of the clients; NULL is allowed and ignored.
 */
void rogue_mem_curve_client_release(rogue_mem_curve_client_t *curve);

/* --- Access lists: rights of peers ------------------------------------------------------------ */

/* The peers that servers let in, and what each of them may do. A text with a rule on each line: a
 * peer, and its rights; what follows a word that begins with "#" is for people. A peer is
 * an address ("192.168.1.5", "fe80::1"), a range ("192.168.1.0/24"), a user at a path ("uid:1000"),
 * the owner of a key ("key:" and its 40 characters), or "*" for all. Rights are "none", "read" and
 * "read-write", each of the last two with windows if it is limited to them, first and last address
 * ("read 0x0..0xffff read-write 0x1000..0x1fff"). The first rule for a peer decides; a peer without
 * a rule has no access. The rules may change while servers have them: that holds for new
 * connections at once, and for connected clients as soon as their servers' threads are free. */

/**
 * Makes a list.
 *
 * @param rules the rules, one a line; at least one.
 * @param out receives the access list, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if a line is no rule, or there is none.
 */
rogue_mem_status_t rogue_mem_access_list_new(const char *rules, rogue_mem_access_list_t **out);

/**
 * Makes a list from a file.
 *
 * @param path the file, which only its owner may write.
 * @param out receives the access list, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_FILE if it cannot be read, or others than its owner may write it;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if a line is no rule, or there is none.
 */
rogue_mem_status_t rogue_mem_access_list_load(const char *path, rogue_mem_access_list_t **out);

/**
 * Replaces all rules. A client that has no right any more is disconnected, and the rights of
 * others change, as soon as the threads of their servers are free. Requests that the slave has got
 * already go on.
 *
 * @param access the access list.
 * @param rules the rules, one a line; at least one.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT as of rogue_mem_access_list_new: nothing has changed then.
 */
rogue_mem_status_t rogue_mem_access_list_set_rules(rogue_mem_access_list_t *access,
                                                   const char *rules);

/**
 * As rogue_mem_access_list_set_rules, from a file. Call it again when the file has changed.
 *
 * @param access the access list.
 * @param path the file, which only its owner may write.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, and all that rogue_mem_access_list_load
 * returns: ROGUE_MEM_ERROR_INVALID_TEXT, ROGUE_MEM_ERROR_FILE, ROGUE_MEM_ERROR_INVALID_ARGUMENT.
 * Nothing has changed then.
 */
rogue_mem_status_t rogue_mem_access_list_load_rules(rogue_mem_access_list_t *access,
                                                    const char *path);

/**
 * Adds a reference.
 *
 * @param access the access list; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_access_list_t *rogue_mem_access_list_retain(rogue_mem_access_list_t *access);

/**
 * Gives a reference back. Servers that have it as their option access_list keep it.
 *
 * @param access the access list; NULL is allowed and ignored.
 */
void rogue_mem_access_list_release(rogue_mem_access_list_t *access);

/* --- Audit: records of what clients did ------------------------------------------------------- */

/* An audit records what the clients of the servers did that have it as their option audit:
 * which client wrote what, where, when, and with which result. Servers never wait for it:
 * records wait in a bounded queue for a thread of the audit's own, which passes them to a
 * callback or writes them to a file. What the queue has no room for is counted and said.
 * Several servers may share one. */

/**
 * Value of data_bytes_max: no data is recorded.
 */
#define ROGUE_MEM_AUDIT_NO_DATA UINT32_MAX

/**
 * Result of an access: the slave has carried it out.
 */
#define ROGUE_MEM_AUDIT_OK 0

/**
 * Result of an access: the slave has failed it, or has not completed it in time, so that it may
 * have been carried out.
 */
#define ROGUE_MEM_AUDIT_ERROR 1

/**
 * Result of an access: the server has refused it; it has not reached the slave.
 */
#define ROGUE_MEM_AUDIT_REFUSED 2

/**
 * Result of an access: its time had passed when its turn came; it has not reached the slave.
 */
#define ROGUE_MEM_AUDIT_LATE 3

/**
 * Result of an access: the server was stopped before the slave had ended it, so that it may
 * have been carried out.
 */
#define ROGUE_MEM_AUDIT_ABANDONED 4

/**
 * Value of uid: the client has not connected at a path.
 */
#define ROGUE_MEM_AUDIT_NO_UID UINT32_MAX

/**
 * Options of an audit. Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_audit_options_t {
    /**
     * sizeof(rogue_mem_audit_options_t).
     */
    size_t size;
    /**
     * Bytes of the data of an access that are recorded, from its beginning. 0 = 64.
     * ROGUE_MEM_AUDIT_NO_DATA = none.
     */
    uint32_t data_bytes_max;
    /**
     * A flag: whether reads are recorded too.
     */
    uint32_t reads;
    /**
     * Bytes of the data and texts of records that wait, at most; memory for twice as many is set
     * aside. 0 = 1 MiB.
     */
    uint64_t queue_bytes_max;
    /**
     * Bytes of a file after which the next one begins. 0 = 64 MiB.
     */
    uint64_t file_bytes_max;
    /**
     * Records that wait, at most; memory for twice as many is set aside. 0 = 8192.
     */
    uint32_t records_max;
    /**
     * Number of files that are kept, the present one included. 0 = 8.
     */
    uint32_t files_max;
    /**
     * Permissions of a new file, at most 0777, which the umask may reduce. 0 = 0600, which lets
     * only its owner read it.
     */
    uint32_t file_mode;
    /**
     * Must be 0.
     */
    uint32_t reserved;
} rogue_mem_audit_options_t;

/**
 * An access of a client that has ended.
 */
typedef struct rogue_mem_audit_record_t {
    /**
     * sizeof(rogue_mem_audit_record_t), as the library knows it.
     */
    size_t size;
    /**
     * When it ended, by the wall clock: nanoseconds since 1970, UTC.
     */
    uint64_t time_ns;
    /**
     * Nanoseconds from the moment when the server had read all of it to its end.
     */
    uint64_t latency_ns;
    /**
     * Number of the client, counted from the start of the server.
     */
    uint64_t client_number;
    /**
     * The address of the first byte.
     */
    uint64_t address;
    /**
     * Bytes of the access.
     */
    uint32_t access_bytes;
    /**
     * ROGUE_MEM_READ, ..., or what the client has sent in its place.
     */
    uint32_t kind;
    /**
     * ROGUE_MEM_AUDIT_...: how it ended.
     */
    uint32_t result;
    /**
     * The status of a failure; ROGUE_MEM_OK without one.
     */
    rogue_mem_status_t status;
    /**
     * The user of a client that has connected at a path; ROGUE_MEM_AUDIT_NO_UID for others.
     */
    uint32_t uid;
    /**
     * The process of such a client, if it is visible; else 0.
     */
    uint32_t pid;
    /**
     * 1 if the client was there to be answered, else 0.
     */
    uint32_t answered;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * The first bytes of what the client sent to be written, or of what was read.
     */
    const uint8_t *data;
    /**
     * Number of these bytes. 0 also where the server has not kept them, because the access is
     * too large or malformed, or the read has failed.
     */
    size_t data_bytes;
    /**
     * The first address of the server.
     */
    const char *server;
    /**
     * The remote end of the connection of the client's requests.
     */
    const char *client;
    /**
     * The text form of the client's public key; empty without CURVE.
     */
    const char *key;
    /**
     * What the client was told of a failure, the first 1024 bytes; empty without one.
     */
    const char *text;
} rogue_mem_audit_record_t;

/**
 * Callbacks for records. Zero-initialise it, set size, and then the rest.
 */
typedef struct rogue_mem_audit_sink_t {
    /**
     * sizeof(rogue_mem_audit_sink_t).
     */
    size_t size;
    /**
     * Passed to every callback.
     */
    void *ctx;
    /**
     * Called exactly once, on any thread, after the last call of the others has returned. Not
     * called if rogue_mem_audit_new fails, but for ROGUE_MEM_ERROR_OUT_OF_RESOURCES. NULL: nothing
     * is called.
     */
    void (*drop)(void *ctx);
    /**
     * Takes a record; must not be NULL. The structure, its data and its texts are valid during
     * the call. Runs on the audit's thread, one call at a time and in order, and may call every
     * function but rogue_mem_audit_flush of this audit. It may block: only records wait for it,
     * as far as the options say.
     */
    void (*record)(void *ctx, const rogue_mem_audit_record_t *record);
    /**
     * count records are missing between those before and those after this call, because the
     * queue had no room for them. As record, otherwise. NULL: nothing is called.
     */
    void (*lost)(void *ctx, uint64_t count);
    /**
     * The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a
     * reference. NULL: none.
     */
    rogue_mem_gate_t *gate;
} rogue_mem_audit_sink_t;

/**
 * Counters of an audit. records is the sum of delivered, lost and queued. Set size before the
 * call.
 */
typedef struct rogue_mem_audit_stats_t {
    /**
     * sizeof(rogue_mem_audit_stats_t).
     */
    size_t size;
    /**
     * Accesses of which a record was due.
     */
    uint64_t records;
    /**
     * Records that the callback has got, or that are in a file.
     */
    uint64_t delivered;
    /**
     * Records lost: the queue was full, or the file could not be written.
     */
    uint64_t lost;
    /**
     * Records that wait for the audit's thread now.
     */
    uint64_t queued;
    /**
     * Attempts to write the file that have failed.
     */
    uint64_t write_errors;
    /**
     * Bytes written to files.
     */
    uint64_t bytes_written;
    /**
     * Files begun after the first one.
     */
    uint64_t files_rotated;
} rogue_mem_audit_stats_t;

/**
 * Makes an audit that writes its records to a file, a line of JSON each, whose form is in
 * docs/security.md. An existing file is continued. A full one is renamed to path with ".1", that
 * one to path with ".2" and so on, and the oldest is removed. A failed write costs records, is
 * counted, and said once in the log; it is tried again with the next records, and the file says
 * then how many are missing. Only one audit may write a file at a time.
 *
 * @param path the file: no pipe.
 * @param options_or_null the options; NULL: the defaults.
 * @param out receives the audit, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if an option is invalid; ROGUE_MEM_ERROR_FILE if the file
 * cannot be opened; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_audit_to_file(const char *path,
                                           const rogue_mem_audit_options_t *options_or_null,
                                           rogue_mem_audit_t **out);

/**
 * Makes an audit that passes its records to a callback.
 *
 * @param sink the callbacks, copied.
 * @param options_or_null the options; NULL: the defaults. Those of files have no meaning.
 * @param out receives the audit, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if record is NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if a structure has a wrong size or an option is invalid;
 * ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system refuses memory or a thread: drop is called
 * then.
 */
rogue_mem_status_t rogue_mem_audit_new(const rogue_mem_audit_sink_t *sink,
                                       const rogue_mem_audit_options_t *options_or_null,
                                       rogue_mem_audit_t **out);

/**
 * Waits until all records so far have been passed to the callback, or are on the disk.
 *
 * @param audit the audit.
 * @param timeout_us the time limit, in microseconds; 0 does not wait.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_TIMEOUT; ROGUE_MEM_ERROR_FILE if records could not be
 * written since the last call, with the reason; ROGUE_MEM_ERROR_NULL_ARGUMENT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT in a callback of the audit, whose thread would wait for itself;
 * ROGUE_MEM_ERROR_STOPPED in a child by fork.
 */
rogue_mem_status_t rogue_mem_audit_flush(rogue_mem_audit_t *audit, uint64_t timeout_us);

/**
 * What the audit has done so far.
 *
 * @param audit the audit.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_audit_stats(const rogue_mem_audit_t *audit,
                                         rogue_mem_audit_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param audit the audit; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_audit_t *rogue_mem_audit_retain(rogue_mem_audit_t *audit);

/**
 * Gives a reference back. Servers that have it as their option audit keep it. With the last
 * reference its thread passes the remaining records and ends; the release waits for that 80 ms at
 * most.
 *
 * @param audit the audit; NULL is allowed and ignored.
 */
void rogue_mem_audit_release(rogue_mem_audit_t *audit);

/* --- Event loops ------------------------------------------------------------------------------ */

/* A thread that several objects share, such as the layers of a road to a board, or many boards:
 * give it to each of them by its option event_loop. Without one each has a thread of its own.
 *
 * The receivers of frames run on the thread, one at a time. One that blocks stalls all objects
 * of the loop, and must not wait for any of them. */

/**
 * Options of an event loop. Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_event_loop_options_t {
    /**
     * sizeof(rogue_mem_event_loop_options_t).
     */
    size_t size;
    /**
     * Microseconds for which the thread polls for the next event before it sleeps, which keeps a
     * processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
     * ROGUE_MEM_SPIN_NEVER = none.
     */
    uint32_t spin_us;
    /**
     * Must be 0.
     */
    uint32_t reserved;
    /**
     * Stack size of the thread, in bytes; the receivers of frames run on it. At least 2 MiB.
     * 0 = the size of other threads of the process ("ulimit -s").
     */
    uint64_t stack_bytes;
} rogue_mem_event_loop_options_t;

/**
 * Starts an event loop.
 *
 * @param name the name of its thread, of which the system may show the first 15 bytes.
 * @param options_or_null the options; NULL: the defaults.
 * @param out receives the event loop, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if an
 * option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system
 * refuses descriptors, memory or the thread.
 */
rogue_mem_status_t rogue_mem_event_loop_new(const char *name,
                                            const rogue_mem_event_loop_options_t *options_or_null,
                                            rogue_mem_event_loop_t **out);

/**
 * Adds a reference.
 *
 * @param event_loop the event loop; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_event_loop_t *rogue_mem_event_loop_retain(rogue_mem_event_loop_t *event_loop);

/**
 * Gives a reference back. The thread ends with the last reference and the last object that uses
 * it.
 *
 * @param event_loop the event loop; NULL is allowed and ignored.
 */
void rogue_mem_event_loop_release(rogue_mem_event_loop_t *event_loop);

/* --- Observers of links ----------------------------------------------------------------------- */

/* The link of an RSSI client or server, or of a road to a board, opens and closes, and is opened
 * again when it was lost. A set of callbacks tells a program so: rogue_mem_rssi_observe,
 * rogue_mem_board_observe.
 *
 * After an observe function has returned, no call of a former observer begins. A closing by stop is
 * told as well. After the end of the object no call begins. A running call continues, and so does
 * one that a thread is just about to make: ctx is in use until drop is called. */

/**
 * An opening or a closing of a link.
 */
typedef struct rogue_mem_link_t {
    /**
     * sizeof(rogue_mem_link_t), as the library knows it.
     */
    size_t size;
    /**
     * 1: frames can be sent from now on; 0: no longer, and requests under way have failed.
     */
    uint32_t open;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * What has happened, in words that name the layer; the reason of a closing.
     */
    const char *text;
} rogue_mem_link_t;

/**
 * Callbacks for openings and closings of a link. Zero-initialise it, set size, and then the rest.
 */
typedef struct rogue_mem_link_observer_t {
    /**
     * sizeof(rogue_mem_link_observer_t).
     */
    size_t size;
    /**
     * Passed to every callback.
     */
    void *ctx;
    /**
     * Called exactly once, on any thread, after the last call of changed has returned. Not called
     * if the function that takes the set fails. NULL: nothing is called.
     */
    void (*drop)(void *ctx);
    /**
     * Called after each opening and each closing, which alternate; must not be NULL. The structure
     * and its text are valid during the call. Runs on a thread of its own, one call at a time and
     * in order, and may call every function: it may stop and release the object. It may block:
     * only further calls for this link wait for it, of which the latest 64 are kept; frames do
     * not.
     */
    void (*changed)(void *ctx, const rogue_mem_link_t *link);
    /**
     * The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
     * NULL: none.
     */
    rogue_mem_gate_t *gate;
} rogue_mem_link_observer_t;

/* --- Streams over UDP ------------------------------------------------------------------------- */

/* A stream over UDP: each buffer of a frame is sent as one datagram, and each datagram that
 * arrives becomes a frame of one buffer. Flags, channel and error of a frame are not transmitted;
 * frames with an error are not sent. Datagrams are lost, duplicated and reordered as the network
 * pleases.
 *
 * A client has one peer, whose address it is given; datagrams from other addresses are dropped and
 * counted. A server answers the source of the latest datagram that was not empty; while an RSSI
 * link over it is open, it too drops and counts datagrams from other addresses than the peer's.
 * Errors of the network are logged and counted, and end nothing.
 *
 * Received frames are delivered in the object's own thread. Frames to send are sent in the
 * caller's thread. The object exists as long as its handles, and the stream masters that its
 * port's slave is connected to. */

/**
 * Options of a client or server. Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_udp_options_t {
    /**
     * sizeof(rogue_mem_udp_options_t).
     */
    size_t size;
    /**
     * A flag: whether a datagram carries up to 8972 bytes, for networks with frames of 9000,
     * instead of 1472.
     */
    uint32_t jumbo;
    /**
     * Microseconds for which the object's thread polls for the next datagram before it sleeps,
     * which keeps a processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
     * ROGUE_MEM_SPIN_NEVER = none.
     */
    uint32_t spin_us;
    /**
     * The event loop in place of a thread of the object's own; the library takes a reference.
     * spin_us and stack_bytes then have no effect. NULL: a thread of its own.
     */
    rogue_mem_event_loop_t *event_loop;
    /**
     * Stack size of the object's thread, in bytes; the receivers of frames run on it. At least 2
     * MiB. 0 = the size of other threads of the process ("ulimit -s").
     */
    uint64_t stack_bytes;
} rogue_mem_udp_options_t;

/**
 * Counters and sizes of a client or server. Set size before the call.
 */
typedef struct rogue_mem_udp_stats_t {
    /**
     * sizeof(rogue_mem_udp_stats_t).
     */
    size_t size;
    /**
     * Datagrams received and delivered.
     */
    uint64_t datagrams_in;
    /**
     * Their bytes.
     */
    uint64_t bytes_in;
    /**
     * Datagrams sent.
     */
    uint64_t datagrams_out;
    /**
     * Their bytes.
     */
    uint64_t bytes_out;
    /**
     * System calls that have sent them: datagrams that are sent together share one.
     */
    uint64_t send_calls;
    /**
     * Datagrams that wait for room in the socket now.
     */
    uint64_t queued;
    /**
     * Datagrams dropped because they exceed the largest payload.
     */
    uint64_t oversized;
    /**
     * Datagrams dropped because others than the peer sent them: to a client, or to a server whose
     * receiver holds a link with the peer.
     */
    uint64_t strangers;
    /**
     * Frames and datagrams not sent: in error, without a peer, refused by the system, too many,
     * after the end, or of requests given up before.
     */
    uint64_t unsent;
    /**
     * Errors that the network has reported about sent datagrams (ICMP).
     */
    uint64_t network_errors;
    /**
     * Datagrams that the system has dropped because the receive buffer was full; 0 where it does
     * not say.
     */
    uint64_t overflows;
    /**
     * Bytes of the receive buffer; 0 after the end.
     */
    uint64_t receive_buffer_bytes;
    /**
     * Datagrams dropped because the system gave this process no memory for them.
     */
    uint64_t no_memory;
} rogue_mem_udp_stats_t;

/**
 * Makes a client, which exchanges datagrams with one peer. Its local port is the system's choice.
 *
 * @param host the peer: an IPv4 or IPv6 address, or a host name, which is resolved once.
 * @param port the peer's port.
 * @param options_or_null the options, copied; NULL: the defaults.
 * @param out receives the client, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if host,
 * the port or an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_RESOLVE;
 * ROGUE_MEM_ERROR_BIND if the system gives no socket; ROGUE_MEM_ERROR_OUT_OF_RESOURCES;
 * ROGUE_MEM_ERROR_STOPPED if the option event_loop belongs to the parent process.
 *
 * Blocks while the system resolves host, if that is a name.
 */
rogue_mem_status_t rogue_mem_udp_new_client(const char *host,
                                            uint16_t port,
                                            const rogue_mem_udp_options_t *options_or_null,
                                            rogue_mem_udp_t **out);

/**
 * Makes a server, which answers the source of the latest datagram. Until one has arrived, it has
 * no peer, and frames are dropped.
 *
 * @param addr the local address: "*" for all of IPv4, "::" for all, an IPv4 or IPv6 address, the
 * name of an interface or of a host.
 * @param port the local port, which must be free; 0 = the system's choice, see rogue_mem_udp_port.
 * @param options_or_null the options, copied; NULL: the defaults.
 * @param out receives the server, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if addr or
 * an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_RESOLVE;
 * ROGUE_MEM_ERROR_BIND if the port is taken or not allowed; ROGUE_MEM_ERROR_OUT_OF_RESOURCES;
 * ROGUE_MEM_ERROR_STOPPED if the option event_loop belongs to the parent process.
 *
 * Blocks while the system resolves addr, if that is a name.
 */
rogue_mem_status_t rogue_mem_udp_new_server(const char *addr,
                                            uint16_t port,
                                            const rogue_mem_udp_options_t *options_or_null,
                                            rogue_mem_udp_t **out);

/**
 * The stream port: sends frames as datagrams, and delivers datagrams as frames.
 *
 * @param udp the client or server.
 * @return the port, a new reference; its slave keeps the object alive. NULL if udp is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_udp_stream_port(const rogue_mem_udp_t *udp);

/**
 * The local port, in host byte order.
 *
 * @param udp the client or server.
 * @return the port; 0 if udp is NULL.
 */
uint16_t rogue_mem_udp_port(const rogue_mem_udp_t *udp);

/**
 * The largest payload of a datagram, in bytes. Longer ones are dropped when they arrive. Frames
 * requested from the port have buffers of this size; longer buffers are sent as they are.
 *
 * @param udp the client or server.
 * @return 1472, or 8972 for jumbo; 0 if udp is NULL.
 */
uint32_t rogue_mem_udp_max_payload(const rogue_mem_udp_t *udp);

/**
 * Asks the system for a receive buffer for this number of datagrams of 1500 bytes, or 9000 for
 * jumbo.
 *
 * @param udp the client or server.
 * @param count number of datagrams; not 0.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system grants less, which then
 * stays in effect; ROGUE_MEM_ERROR_STOPPED; ROGUE_MEM_ERROR_NULL_ARGUMENT;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_udp_set_receive_buffers(rogue_mem_udp_t *udp, uint32_t count);

/**
 * Sets how long a thread of the program waits at most, if the network takes datagrams more slowly
 * than they are sent, before a datagram is dropped.
 *
 * @param udp the client or server; NULL is an error.
 * @param timeout_us in microseconds. The default is 1000000.
 */
void rogue_mem_udp_set_timeout(rogue_mem_udp_t *udp, uint64_t timeout_us);

/**
 * Closes the port, drops waiting and later frames, fails the requests that wait for an answer over
 * it, and disconnects the receivers. Returns within 100 ms. After that no frame is delivered,
 * unless a receiver blocks in a delivery. Further calls do nothing.
 *
 * @param udp the client or server; NULL is an error.
 */
void rogue_mem_udp_stop(rogue_mem_udp_t *udp);

/**
 * What the client or server has done so far.
 *
 * @param udp the client or server.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_udp_stats(const rogue_mem_udp_t *udp,
                                       rogue_mem_udp_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param udp the client or server; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_udp_t *rogue_mem_udp_retain(rogue_mem_udp_t *udp);

/**
 * Gives a reference back. It exists as long as a stream master sends to its port.
 *
 * @param udp the client or server; NULL is allowed and ignored.
 */
void rogue_mem_udp_release(rogue_mem_udp_t *udp);

/* --- The usual road to a board ---------------------------------------------------------------- */

/* The usual road to a board in one object: the frames of up to 256 destinations over a packetizer,
 * RSSI and UDP, as SLAC's firmware has it by convention. Connect the application port of
 * destination 0 to rogue_mem_srp_v3_stream_port for registers.
 *
 * A client opens the link to a board, and opens it again whenever it was lost: transactions under
 * way then fail at once, with a text that names the layer, and later ones succeed when the link is
 * open again. A server waits for a client, in the place of a board. All layers run on one thread,
 * in which received frames are delivered. Frames are sent in the caller's thread. */

/**
 * Version 1, as in Rogue.
 */
#define ROGUE_MEM_PACK_VERSION_DEFAULT 0

/**
 * The packetizer's version 1: one frame at a time, without a checksum.
 */
#define ROGUE_MEM_PACK_VERSION_1 1

/**
 * The packetizer's version 2: destinations interleave, and packets have a CRC.
 */
#define ROGUE_MEM_PACK_VERSION_2 2

/**
 * Options of a road. Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_board_options_t {
    /**
     * sizeof(rogue_mem_board_options_t).
     */
    size_t size;
    /**
     * A flag: whether a datagram carries up to 8972 bytes, for networks with frames of 9000,
     * instead of 1472.
     */
    uint32_t jumbo;
    /**
     * ROGUE_MEM_PACK_VERSION_...: the packetizer's version, which both ends must have.
     */
    uint32_t pack_version;
    /**
     * As in rogue_mem_packetizer_options_t.
     */
    uint32_t no_ssi;
    /**
     * As in rogue_mem_packetizer_options_t.
     */
    uint32_t no_crc_check;
    /**
     * As in rogue_mem_packetizer_options_t.
     */
    uint32_t no_crc;
    /**
     * Segments that the peer may have under way, at most 255; 0 = RSSI's default, 32.
     */
    uint32_t max_buffers;
    /**
     * Milliseconds after which a segment is acknowledged at the latest; 0 = 5.
     */
    uint32_t cum_ack_timeout_ms;
    /**
     * Milliseconds after which a segment is sent again; 0 = 20.
     */
    uint32_t retran_timeout_ms;
    /**
     * Milliseconds without a segment after which the peer takes the link for lost; 0 = 1000.
     */
    uint32_t null_timeout_ms;
    /**
     * How often a segment is sent again before the link is taken for lost, at most 255; 0 = 15.
     */
    uint32_t max_retran;
    /**
     * Segments acknowledged together at most; 0 = 2.
     */
    uint32_t max_cum_ack;
    /**
     * Milliseconds between two attempts to open the link; 0 = 100.
     */
    uint32_t try_period_ms;
    /**
     * Microseconds for which the road's thread polls for the next datagram before it sleeps, which
     * keeps a processor busy. 0 = adaptive: up to 50, if recent polls have been successful.
     * ROGUE_MEM_SPIN_NEVER = none.
     */
    uint32_t spin_us;
    /**
     * Must be 0.
     */
    uint32_t reserved;
    /**
     * The event loop in place of a thread of the road's own, which several roads may share; the
     * library takes a reference. A receiver of frames that blocks then stalls them all. spin_us
     * then has no effect. NULL: a thread of its own.
     */
    rogue_mem_event_loop_t *event_loop;
    /**
     * Stack size of the road's thread, in bytes; the receivers of frames run on it, and an
     * observer on one of the same size. At least 2 MiB. 0 = the size of other threads of the
     * process ("ulimit -s").
     */
    uint64_t stack_bytes;
} rogue_mem_board_options_t;

/**
 * State and counters of a road at a glance. Set size before the call.
 */
typedef struct rogue_mem_board_stats_t {
    /**
     * sizeof(rogue_mem_board_stats_t).
     */
    size_t size;
    /**
     * Whether the link is open: 1 or 0.
     */
    uint64_t open;
    /**
     * How often it has opened.
     */
    uint64_t open_count;
    /**
     * How often it was lost.
     */
    uint64_t down_count;
    /**
     * Median of the latest round trips, in nanoseconds: from a segment to its acknowledgement,
     * which the peer may delay.
     */
    uint64_t round_trip_p50_ns;
    /**
     * 99th percentile of these.
     */
    uint64_t round_trip_p99_ns;
    /**
     * Segments sent again.
     */
    uint64_t retransmits;
    /**
     * Microseconds for which this end could not take more.
     */
    uint64_t local_busy_us;
    /**
     * Microseconds for which the peer could not.
     */
    uint64_t remote_busy_us;
    /**
     * Frames delivered to the destinations.
     */
    uint64_t frames_in;
    /**
     * Frames of the destinations sent.
     */
    uint64_t frames_out;
    /**
     * Bytes of datagrams received.
     */
    uint64_t bytes_in;
    /**
     * Bytes of datagrams sent.
     */
    uint64_t bytes_out;
    /**
     * Datagrams that the system has dropped because the receive buffer was full.
     */
    uint64_t dropped_overflow;
    /**
     * Datagrams dropped because they are too long, others than the peer sent them, or there was no
     * memory for them.
     */
    uint64_t dropped_datagrams;
    /**
     * Segments dropped because their form or their checksum is wrong.
     */
    uint64_t dropped_corrupt;
    /**
     * Segments dropped because they had arrived before.
     */
    uint64_t dropped_duplicates;
    /**
     * Segments dropped because they do not belong to the link, forged ones among them.
     */
    uint64_t dropped_stray;
    /**
     * Packets dropped, and unfinished frames that were.
     */
    uint64_t dropped_packets;
    /**
     * Frames not sent: the link was closed, or they were refused.
     */
    uint64_t unsent;
    /**
     * Errors that the network has reported about sent datagrams (ICMP).
     */
    uint64_t network_errors;
    /**
     * Packets dropped because the peer's packetizer is of another version; dropped_packets
     * contains them.
     */
    uint64_t dropped_version;
} rogue_mem_board_stats_t;

/**
 * Makes a road to a board and begins to open its link: see rogue_mem_board_wait_open.
 *
 * @param host the board: an IPv4 or IPv6 address, or a host name, which is resolved once.
 * @param port the board's port; firmware has 8192 by convention.
 * @param options_or_null the options, copied; NULL: the defaults.
 * @param out receives the road, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if host,
 * the port or an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_RESOLVE;
 * ROGUE_MEM_ERROR_BIND if the system gives no socket; ROGUE_MEM_ERROR_OUT_OF_RESOURCES;
 * ROGUE_MEM_ERROR_STOPPED if the option event_loop belongs to the parent process.
 *
 * Blocks while the system resolves host, if that is a name.
 */
rogue_mem_status_t rogue_mem_board_new_client(const char *host,
                                              uint16_t port,
                                              const rogue_mem_board_options_t *options_or_null,
                                              rogue_mem_board_t **out);

/**
 * Makes a road that one client at a time may open.
 *
 * @param addr the local address: "*" for all of IPv4, "::" for all, an IPv4 or IPv6 address, the
 * name of an interface or of a host.
 * @param port the local port, which must be free; 0 = the system's choice, see
 * rogue_mem_board_port.
 * @param options_or_null the options, copied; NULL: the defaults.
 * @param out receives the road, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if addr or
 * an option is invalid; ROGUE_MEM_ERROR_INVALID_TEXT; ROGUE_MEM_ERROR_RESOLVE;
 * ROGUE_MEM_ERROR_BIND if the port is taken or not allowed; ROGUE_MEM_ERROR_OUT_OF_RESOURCES;
 * ROGUE_MEM_ERROR_STOPPED if the option event_loop belongs to the parent process.
 *
 * Blocks while the system resolves addr, if that is a name.
 */
rogue_mem_status_t rogue_mem_board_new_server(const char *addr,
                                              uint16_t port,
                                              const rogue_mem_board_options_t *options_or_null,
                                              rogue_mem_board_t **out);

/**
 * The port for the frames of a destination.
 *
 * @param board the road.
 * @param dest the destination; 0 is that of registers by convention. Frames that arrive for a
 * destination whose port was never asked for are discarded.
 * @return the port, a new reference; NULL if board is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_board_application_port(const rogue_mem_board_t *board,
                                                          uint8_t dest);

/**
 * Waits until the link is open.
 *
 * @param board the road; NULL is an error.
 * @param timeout_us how long at most, in microseconds.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_TIMEOUT, with a text that
 * names the layer that fails: UDP (nothing comes from the board, or the network refuses) or RSSI;
 * ROGUE_MEM_ERROR_STOPPED.
 *
 * Does not wait in the delivery of a frame.
 */
rogue_mem_status_t rogue_mem_board_wait_open(rogue_mem_board_t *board, uint64_t timeout_us);

/**
 * Sets a function that is called after each opening and each closing of the link, with the reason.
 * If the link is open already, the first call reports that. A call that reports
 * rogue_mem_board_stop is the last one, and drop follows.
 *
 * @param board the road.
 * @param set_or_null the callbacks, copied; they replace former ones. NULL removes them. After
 * rogue_mem_board_stop only drop is called, at once.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if its changed is NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size.
 */
rogue_mem_status_t rogue_mem_board_observe(rogue_mem_board_t *board,
                                           const rogue_mem_link_observer_t *set_or_null);

/**
 * Whether the link is open.
 *
 * @param board the road.
 * @return whether it is; false if board is NULL.
 */
bool rogue_mem_board_is_open(const rogue_mem_board_t *board);

/**
 * The local port.
 *
 * @param board the road.
 * @return the UDP port, in host byte order; 0 if board is NULL.
 */
uint16_t rogue_mem_board_port(const rogue_mem_board_t *board);

/**
 * Closes the link, tells the peer, closes the port and disconnects all destinations. Transactions
 * under way fail. Returns within 100 ms if no receiver of a frame blocks. Further calls do nothing.
 *
 * @param board the road; NULL is an error.
 */
void rogue_mem_board_stop(rogue_mem_board_t *board);

/**
 * What the road to the board has done so far.
 *
 * @param board the road to the board.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_board_stats(const rogue_mem_board_t *board,
                                         rogue_mem_board_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param board the road to the board; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_board_t *rogue_mem_board_retain(rogue_mem_board_t *board);

/**
 * Gives a reference back. The road works as long as a stream master sends to one of its ports.
 *
 * @param board the road to the board; NULL is allowed and ignored.
 */
void rogue_mem_board_release(rogue_mem_board_t *board);

/* --- Reliable streams: RSSI ------------------------------------------------------------------- */

/* RSSI, SLAC's reliable protocol over datagrams: frames of the application arrive once and in
 * order, each in one datagram. Connect the transport port to an object that carries datagrams, such
 * as a rogue_mem_udp_t, and the application port to that which sends and receives data; then start.
 *
 * A client opens the link, and opens it again whenever it was lost. A server waits for a client.
 * Requests over a lost link fail with a text that names this layer.
 *
 * Received frames are delivered in the thread that brings the datagram. Frames to send go to the
 * transport in the caller's thread; if the peer has not acknowledged as many as agreed, a thread
 * of the program waits. Frames for a link that is not open are dropped and counted.
 *
 * The object runs as long as its handles, and the stream masters that its application port's slave
 * is connected to. */

/**
 * Parameter: period of a client's attempts to open the link, in ms; 100 at first.
 */
#define ROGUE_MEM_RSSI_TRY_PERIOD 0

/**
 * Parameter: segments without an acknowledge, up to 255, of which 32 are used; 32 at first.
 */
#define ROGUE_MEM_RSSI_MAX_BUFFERS 1

/**
 * Parameter: largest segment in bytes, its header of 8 bytes included.
 */
#define ROGUE_MEM_RSSI_MAX_SEGMENT 2

/**
 * Parameter: how long an acknowledge waits, in ms; 5 at first.
 */
#define ROGUE_MEM_RSSI_CUM_ACK_TIMEOUT 3

/**
 * Parameter: time without an acknowledge after which a segment is sent again, in ms; 20 at first.
 */
#define ROGUE_MEM_RSSI_RETRAN_TIMEOUT 4

/**
 * Parameter: silence after which firmware closes a link, in ms; 1000 at first.
 */
#define ROGUE_MEM_RSSI_NULL_TIMEOUT 5

/**
 * Parameter: how often a segment is sent before the link counts as lost; 15 at first.
 */
#define ROGUE_MEM_RSSI_MAX_RETRAN 6

/**
 * Parameter: segments after which an acknowledge does not wait; 2 at first.
 */
#define ROGUE_MEM_RSSI_MAX_CUM_ACK 7

/**
 * Options of a client or server. Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_rssi_options_t {
    /**
     * sizeof(rogue_mem_rssi_options_t).
     */
    size_t size;
    /**
     * The event loop that runs the link's timers, in place of a thread of the object's own; the
     * library takes a reference. If it also brings the datagrams, a receiver of frames that blocks
     * it for longer than max_retran times retran_timeout_ms, 300 ms by default, costs the link.
     * NULL: a thread of its own, which tells the peer meanwhile that this end is busy.
     */
    rogue_mem_event_loop_t *event_loop;
    /**
     * Stack size of the object's thread, and of that which calls its observer, in bytes. At least
     * 2 MiB. 0 = the size of other threads of the process ("ulimit -s").
     */
    uint64_t stack_bytes;
} rogue_mem_rssi_options_t;

/**
 * State and counters of a client or server. Set size before the call.
 */
typedef struct rogue_mem_rssi_stats_t {
    /**
     * sizeof(rogue_mem_rssi_stats_t).
     */
    size_t size;
    /**
     * 1 while the link is open.
     */
    uint64_t open;
    /**
     * How often it has opened.
     */
    uint64_t open_count;
    /**
     * How often it was lost or stopped.
     */
    uint64_t down_count;
    /**
     * Received segments that were dropped, in all; by cause below.
     */
    uint64_t drop_count;
    /**
     * Dropped: shorter than a header, or with an impossible one.
     */
    uint64_t dropped_malformed;
    /**
     * Dropped: a wrong checksum.
     */
    uint64_t dropped_checksum;
    /**
     * Dropped: received before.
     */
    uint64_t dropped_duplicate;
    /**
     * Dropped: a number too far ahead, or an acknowledge of what was not sent.
     */
    uint64_t dropped_out_of_window;
    /**
     * Dropped: an RST with a number that the peer cannot have sent.
     */
    uint64_t dropped_forged_reset;
    /**
     * Dropped: a SYN that has no effect.
     */
    uint64_t dropped_syn;
    /**
     * Dropped: datagrams whose frame had an error. Not part of the sum.
     */
    uint64_t dropped_errored;
    /**
     * Frames not sent: in error, empty, too long, without a link, too many, or of requests given
     * up while they waited.
     */
    uint64_t unsent;
    /**
     * Segments sent again.
     */
    uint64_t retran_count;
    /**
     * Acknowledges that were ignored because others were newer.
     */
    uint64_t stale_acks;
    /**
     * Frames sent.
     */
    uint64_t frames_out;
    /**
     * Frames received.
     */
    uint64_t frames_in;
    /**
     * Segments that are not acknowledged now.
     */
    uint64_t outstanding;
    /**
     * Frames that wait for room now.
     */
    uint64_t queued;
    /**
     * 1 while this end is busy: its receiver takes nothing.
     */
    uint64_t local_busy;
    /**
     * How often it was.
     */
    uint64_t local_busy_count;
    /**
     * How long it was, in microseconds.
     */
    uint64_t local_busy_us;
    /**
     * 1 while the peer is busy.
     */
    uint64_t remote_busy;
    /**
     * How often it was.
     */
    uint64_t remote_busy_count;
    /**
     * How long it was, in microseconds.
     */
    uint64_t remote_busy_us;
    /**
     * Median of the latest 256 round trips, in nanoseconds; 0 = none.
     */
    uint64_t round_trip_p50_ns;
    /**
     * 99th percentile of these.
     */
    uint64_t round_trip_p99_ns;
} rogue_mem_rssi_stats_t;

/**
 * Makes a client, which is not started.
 *
 * @param segment_bytes the largest segment, its header of 8 bytes included; at least 9. Rogue's
 * choice is the largest payload of a datagram less 8: 1464, or 8964 for jumbo.
 * @param options_or_null the options, copied; NULL: the defaults.
 * @param out receives the client, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * size or an option is invalid; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_rssi_new_client(uint16_t segment_bytes,
                                             const rogue_mem_rssi_options_t *options_or_null,
                                             rogue_mem_rssi_t **out);

/**
 * Makes a server, which is not started. It takes over the client's timeouts, and the smaller number
 * and size of segments.
 *
 * @param segment_bytes as for rogue_mem_rssi_new_client.
 * @param options_or_null the options, copied; NULL: the defaults.
 * @param out receives the server, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if the
 * size or an option is invalid; ROGUE_MEM_ERROR_OUT_OF_RESOURCES.
 */
rogue_mem_status_t rogue_mem_rssi_new_server(uint16_t segment_bytes,
                                             const rogue_mem_rssi_options_t *options_or_null,
                                             rogue_mem_rssi_t **out);

/**
 * The port for datagrams: each frame is one.
 *
 * @param rssi the client or server.
 * @return the port, a new reference, which does not keep the object alive; NULL if rssi is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_rssi_transport_port(const rogue_mem_rssi_t *rssi);

/**
 * The port for data. A frame requested from it has one buffer, of the requested size or of that
 * which rogue_mem_rssi_max_payload tells.
 *
 * @param rssi the client or server.
 * @return the port, a new reference; its slave keeps the object alive. NULL if rssi is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_rssi_application_port(const rogue_mem_rssi_t *rssi);

/**
 * Begins to open the link, or to wait for a client; also again after a stop. Returns at once.
 *
 * @param rssi the client or server.
 * @return ROGUE_MEM_OK, also if it runs; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system refuses a
 * thread; ROGUE_MEM_ERROR_STOPPED in a child by fork; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_rssi_start(rogue_mem_rssi_t *rssi);

/**
 * Closes the link, tells the peer, and releases senders that wait. Connected objects stay
 * connected. Returns within 100 ms. After that no frame is delivered, unless a receiver blocks in
 * a delivery. Further calls do nothing.
 *
 * @param rssi the client or server; NULL is an error.
 */
void rogue_mem_rssi_stop(rogue_mem_rssi_t *rssi);

/**
 * Waits until the link is open. From a callback of the object it does not wait.
 *
 * @param rssi the client or server.
 * @param timeout_us how long to wait at most, in microseconds.
 * @return ROGUE_MEM_OK if it is open; ROGUE_MEM_ERROR_TIMEOUT, whose text has the reason as far as
 * it is known; ROGUE_MEM_ERROR_STOPPED if the object is not started; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_rssi_wait_open(const rogue_mem_rssi_t *rssi, uint64_t timeout_us);

/**
 * Sets a function that is called after each opening and each closing of the link, with the reason.
 * If the link is open already, the first call reports that. A set stays in effect over
 * rogue_mem_rssi_stop and rogue_mem_rssi_start.
 *
 * @param rssi the client or server.
 * @param set_or_null the callbacks, copied; they replace former ones. NULL removes them.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT, also if its changed is NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size.
 */
rogue_mem_status_t rogue_mem_rssi_observe(rogue_mem_rssi_t *rssi,
                                          const rogue_mem_link_observer_t *set_or_null);

/**
 * Whether the link is open.
 *
 * @param rssi the client or server.
 * @return whether it is; false if rssi is NULL.
 */
bool rogue_mem_rssi_is_open(const rogue_mem_rssi_t *rssi);

/**
 * The largest payload of a frame, in bytes, as agreed with the peer.
 *
 * @param rssi the client or server.
 * @return bytes; 0 if rssi is NULL.
 */
uint32_t rogue_mem_rssi_max_payload(const rogue_mem_rssi_t *rssi);

/**
 * Sets a parameter that this end proposes to its peer, or limits its peer's by; in use from the
 * next opening on.
 *
 * @param rssi the client or server.
 * @param parameter ROGUE_MEM_RSSI_...
 * @param value the value; not 0.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_INVALID_ARGUMENT for another parameter or a value out of
 * its range; ROGUE_MEM_ERROR_STOPPED in a child by fork; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_rssi_set_local(rogue_mem_rssi_t *rssi,
                                            uint32_t parameter,
                                            uint32_t value);

/**
 * The value of a parameter that this end proposes.
 *
 * @param rssi the client or server.
 * @param parameter ROGUE_MEM_RSSI_...
 * @param out receives the value. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_INVALID_ARGUMENT for another parameter;
 * ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_rssi_local(const rogue_mem_rssi_t *rssi,
                                        uint32_t parameter,
                                        uint32_t *out);

/**
 * The value of a parameter that both ends have agreed on: of the link, or of the last one; the one
 * that this end proposes, if there was none.
 *
 * @param rssi the client or server.
 * @param parameter ROGUE_MEM_RSSI_...
 * @param out receives the value. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_INVALID_ARGUMENT for another parameter;
 * ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_rssi_current(const rogue_mem_rssi_t *rssi,
                                          uint32_t parameter,
                                          uint32_t *out);

/**
 * Sets how often a sender that waits for the peer says so in the log.
 *
 * @param rssi the client or server; NULL is an error.
 * @param timeout_us the time between two messages, in microseconds; one second at first.
 */
void rogue_mem_rssi_set_timeout(rogue_mem_rssi_t *rssi, uint64_t timeout_us);

/**
 * Sets the counters to 0.
 *
 * @param rssi the client or server; NULL is an error.
 */
void rogue_mem_rssi_reset_counters(rogue_mem_rssi_t *rssi);

/**
 * What the client or server has done so far.
 *
 * @param rssi the client or server.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_rssi_stats(const rogue_mem_rssi_t *rssi,
                                        rogue_mem_rssi_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param rssi the client or server; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_rssi_t *rogue_mem_rssi_retain(rogue_mem_rssi_t *rssi);

/**
 * Gives a reference back. It runs as long as a stream master sends to its application port.
 *
 * @param rssi the client or server; NULL is allowed and ignored.
 */
void rogue_mem_rssi_release(rogue_mem_rssi_t *rssi);

/* --- Super-frames ----------------------------------------------------------------------------- */

/* Super-frames of the batcher, in the form of SLAC's firmware: several frames, the records, in one.
 * The nodes below make them and take them apart; a batch tells where the records of one lie, for
 * programs that read them in place. */

/**
 * A record of a super-frame. Set size before the call.
 */
typedef struct rogue_mem_batch_record_t {
    /**
     * sizeof(rogue_mem_batch_record_t).
     */
    size_t size;
    /**
     * Offset of its data in the payload of the frame.
     */
    uint32_t start;
    /**
     * Bytes of data, without padding.
     */
    uint32_t bytes;
    /**
     * Offset of its tail.
     */
    uint32_t tail;
    /**
     * The destination, 0 to 255.
     */
    uint32_t dest;
    /**
     * The first user byte.
     */
    uint32_t first_user;
    /**
     * The last user byte.
     */
    uint32_t last_user;
} rogue_mem_batch_record_t;

/**
 * The number of records; at least 1.
 *
 * @param batch the batch.
 * @return records; 0 if batch is NULL.
 */
uint32_t rogue_mem_batch_count(const rogue_mem_batch_t *batch);

/**
 * The size of what stands before the first record.
 *
 * @param batch the batch.
 * @return bytes; 0 if batch is NULL.
 */
uint32_t rogue_mem_batch_header_bytes(const rogue_mem_batch_t *batch);

/**
 * The size of the tail behind the data and the padding of each record.
 *
 * @param batch the batch.
 * @return bytes; 0 if batch is NULL.
 */
uint32_t rogue_mem_batch_tail_bytes(const rogue_mem_batch_t *batch);

/**
 * The number of the super-frame.
 *
 * @param batch the batch.
 * @return the number, modulo 256; 0 if batch is NULL.
 */
uint32_t rogue_mem_batch_sequence(const rogue_mem_batch_t *batch);

/**
 * Reads a frame as a super-frame. The frame's error is not looked at.
 *
 * @param frame the frame, which may be released or changed afterwards.
 * @param version 1 or 2.
 * @param out receives the batch, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for another
 * version; ROGUE_MEM_ERROR_FRAME, with the reason, if it is no whole super-frame of this version.
 */
rogue_mem_status_t rogue_mem_batch_new(rogue_mem_frame_t *frame,
                                       uint32_t version,
                                       rogue_mem_batch_t **out);

/**
 * One of the records, in the order in which they were packed.
 *
 * @param batch the batch.
 * @param index number of the record, from 0.
 * @param record receives the record; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if record
 * has a wrong size; ROGUE_MEM_ERROR_FRAME if there is no such record.
 */
rogue_mem_status_t rogue_mem_batch_record(rogue_mem_batch_t *batch,
                                          uint32_t index,
                                          rogue_mem_batch_record_t *record);

/**
 * Adds a reference.
 *
 * @param batch the batch; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_batch_t *rogue_mem_batch_retain(rogue_mem_batch_t *batch);

/**
 * Gives a reference back.
 *
 * @param batch the batch; NULL is allowed and ignored.
 */
void rogue_mem_batch_release(rogue_mem_batch_t *batch);

/* --- Super-frames: combiners ------------------------------------------------------------------ */

/* A combiner packs frames into super-frames: it queues those that it receives, and sends all of
 * them as one. The channel of a frame becomes the destination of its record; its error is not
 * transported. The bytes are those that the frame has when it arrives. */

/**
 * Counters of a combiner. Set size before the call.
 */
typedef struct rogue_mem_batch_combiner_stats_t {
    /**
     * sizeof(rogue_mem_batch_combiner_stats_t).
     */
    size_t size;
    /**
     * Frames queued now.
     */
    uint64_t queued;
    /**
     * Super-frames sent.
     */
    uint64_t super_frames;
    /**
     * Frames in them.
     */
    uint64_t frames;
    /**
     * Frames lost: the super-frame would have had more than 2^32 bytes, or its receiver gave no
     * frame for it.
     */
    uint64_t lost;
} rogue_mem_batch_combiner_stats_t;

/**
 * Makes a combiner of version 1, which pads the data of each record to whole words.
 *
 * @param width the width code, 0 to 5: words of 2, 4, 8, 16, 32 or 64 bytes.
 * @param out receives the combiner, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
 * another width code.
 */
rogue_mem_status_t rogue_mem_batch_combiner_new_v1(uint8_t width, rogue_mem_batch_combiner_t **out);

/**
 * Makes a combiner of version 2, without padding.
 *
 * @param out receives the combiner, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_batch_combiner_new_v2(rogue_mem_batch_combiner_t **out);

/**
 * The stream port of the combiner: queues frames, and sends super-frames.
 *
 * @param combiner the combiner.
 * @return the port, a new reference, which keeps the combiner alive; NULL if combiner is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_batch_combiner_stream_port(
    const rogue_mem_batch_combiner_t *combiner);

/**
 * The number of queued frames.
 *
 * @param combiner the combiner.
 * @return frames; 0 if combiner is NULL.
 */
uint64_t rogue_mem_batch_combiner_count(const rogue_mem_batch_combiner_t *combiner);

/**
 * Sends all queued frames as one super-frame, in this thread; nothing if there are none.
 * Super-frames leave in the order of their numbers: a thread waits for the one before it, unless
 * it is in a delivery; then that one sends the batch too.
 *
 * @param combiner the combiner.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; the error of the first receiver, which gave
 * no frame: the queued frames are lost then, and counted.
 */
rogue_mem_status_t rogue_mem_batch_combiner_send(rogue_mem_batch_combiner_t *combiner);

/**
 * What the combiner has done so far.
 *
 * @param combiner the combiner.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_batch_combiner_stats(const rogue_mem_batch_combiner_t *combiner,
                                                  rogue_mem_batch_combiner_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param combiner the combiner; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_batch_combiner_t *rogue_mem_batch_combiner_retain(rogue_mem_batch_combiner_t *combiner);

/**
 * Gives a reference back. The combiner exists as long as its stream port does.
 *
 * @param combiner the combiner; NULL is allowed and ignored.
 */
void rogue_mem_batch_combiner_release(rogue_mem_batch_combiner_t *combiner);

/* --- Super-frames: splitters ------------------------------------------------------------------ */

/* A splitter sends each record of a super-frame as a frame of its own, in the sender's thread:
 * with the destination as its channel, its first and last user, and no error. What came with an
 * error, or is no super-frame, is dropped as a whole, counted and logged. */

/**
 * Counters of a splitter. Set size before the call.
 */
typedef struct rogue_mem_batch_splitter_stats_t {
    /**
     * sizeof(rogue_mem_batch_splitter_stats_t).
     */
    size_t size;
    /**
     * Super-frames split.
     */
    uint64_t super_frames;
    /**
     * Frames sent.
     */
    uint64_t frames;
    /**
     * Received frames dropped: with an error, or no super-frames.
     */
    uint64_t dropped;
    /**
     * Records dropped because the receiver gave no frame for them.
     */
    uint64_t lost;
} rogue_mem_batch_splitter_stats_t;

/**
 * Makes a splitter for super-frames of version 1.
 *
 * @param out receives the splitter, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_batch_splitter_new_v1(rogue_mem_batch_splitter_t **out);

/**
 * Makes a splitter for super-frames of version 2.
 *
 * @param out receives the splitter, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_batch_splitter_new_v2(rogue_mem_batch_splitter_t **out);

/**
 * The stream port of the splitter: receives super-frames, and sends frames.
 *
 * @param splitter the splitter.
 * @return the port, a new reference, which keeps the splitter alive; NULL if splitter is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_batch_splitter_stream_port(
    const rogue_mem_batch_splitter_t *splitter);

/**
 * What the splitter has done so far.
 *
 * @param splitter the splitter.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_batch_splitter_stats(const rogue_mem_batch_splitter_t *splitter,
                                                  rogue_mem_batch_splitter_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param splitter the splitter; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_batch_splitter_t *rogue_mem_batch_splitter_retain(rogue_mem_batch_splitter_t *splitter);

/**
 * Gives a reference back. The splitter exists as long as its stream port does.
 *
 * @param splitter the splitter; NULL is allowed and ignored.
 */
void rogue_mem_batch_splitter_release(rogue_mem_batch_splitter_t *splitter);

/* --- Super-frames: inverters ------------------------------------------------------------------ */

/* An inverter turns the tails behind the records of a super-frame into headers before them, in
 * the sender's thread. The frame itself is changed and sent on; if others have it too, a copy.
 * What came with an error, or is no super-frame, is dropped, counted and logged. */

/**
 * Counters of an inverter. Set size before the call.
 */
typedef struct rogue_mem_batch_inverter_stats_t {
    /**
     * sizeof(rogue_mem_batch_inverter_stats_t).
     */
    size_t size;
    /**
     * Super-frames inverted and sent.
     */
    uint64_t super_frames;
    /**
     * Received frames dropped: with an error, no super-frames, or not invertible.
     */
    uint64_t dropped;
} rogue_mem_batch_inverter_stats_t;

/**
 * Makes an inverter for super-frames of version 1 with width codes 2 to 5.
 *
 * @param out receives the inverter, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_batch_inverter_new_v1(rogue_mem_batch_inverter_t **out);

/**
 * Makes an inverter for super-frames of version 2, of which it moves two bytes of each tail, as
 * Rogue does: the result is of use for one record at most.
 *
 * @param out receives the inverter, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_batch_inverter_new_v2(rogue_mem_batch_inverter_t **out);

/**
 * The stream port of the inverter: receives super-frames, and sends them inverted.
 *
 * @param inverter the inverter.
 * @return the port, a new reference, which keeps the inverter alive; NULL if inverter is NULL.
 */
rogue_mem_stream_port_t *rogue_mem_batch_inverter_stream_port(
    const rogue_mem_batch_inverter_t *inverter);

/**
 * What the inverter has done so far.
 *
 * @param inverter the inverter.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_batch_inverter_stats(const rogue_mem_batch_inverter_t *inverter,
                                                  rogue_mem_batch_inverter_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param inverter the inverter; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_batch_inverter_t *rogue_mem_batch_inverter_retain(rogue_mem_batch_inverter_t *inverter);

/**
 * Gives a reference back. The inverter exists as long as its stream port does.
 *
 * @param inverter the inverter; NULL is allowed and ignored.
 */
void rogue_mem_batch_inverter_release(rogue_mem_batch_inverter_t *inverter);

/* --- Data files: writers ---------------------------------------------------------------------- */

/* A file writer records the frames that its channels receive in a data file, or in a series of
 * them. A frame is written in the thread that sends it: the disk holds up the sender. Frames
 * without payload are not written, nor are any while no file is open. A write that fails closes
 * the file; the log says why and what is lost. */

/**
 * Counters of a writer since its file was opened. Set size before the call.
 */
typedef struct rogue_mem_file_writer_stats_t {
    /**
     * sizeof(rogue_mem_file_writer_stats_t).
     */
    size_t size;
    /**
     * Frames written, those in the buffer included.
     */
    uint64_t frames;
    /**
     * Bytes of these in all files.
     */
    uint64_t bytes;
    /**
     * Number of files.
     */
    uint64_t files;
    /**
     * Frames left out, as they were to be: without payload, or with an error.
     */
    uint64_t skipped;
    /**
     * Frames that came while no file was open.
     */
    uint64_t unopened;
    /**
     * Frames that could not be written, also those that were in the buffer when that failed.
     */
    uint64_t lost;
} rogue_mem_file_writer_stats_t;

/**
 * Makes a writer without a file, a limit or a buffer.
 *
 * @param out receives the writer, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_file_writer_new(rogue_mem_file_writer_t **out);

/**
 * Creates a data file, or empties one that exists, and sets the counts of the writer and its
 * channels to 0. A file that is open is closed first.
 *
 * @param writer the writer.
 * @param path the file; with a size limit, ".1" is appended for the first one, then ".2".
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_FILE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if there is no memory for the buffer.
 */
rogue_mem_status_t rogue_mem_file_writer_open(rogue_mem_file_writer_t *writer, const char *path);

/**
 * Writes out what is in the buffer and closes the file, if one is open. The counts stay.
 *
 * @param writer the writer.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; the first failure since the file was
 * opened, once: ROGUE_MEM_ERROR_FILE, or ROGUE_MEM_ERROR_FRAME for a frame that was larger than a
 * file may be. The file is closed all the same.
 */
rogue_mem_status_t rogue_mem_file_writer_close(rogue_mem_file_writer_t *writer);

/**
 * Whether a file is open.
 *
 * @param writer the writer.
 * @return whether one is; false if writer is NULL.
 */
bool rogue_mem_file_writer_is_open(const rogue_mem_file_writer_t *writer);

/**
 * The first failure since the file was opened, in words; empty if there is none.
 *
 * @param writer the writer.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_file_writer_error(const rogue_mem_file_writer_t *writer,
                                               char *buffer,
                                               size_t capacity,
                                               size_t *length);

/**
 * Chooses whether the payload of later frames is written alone. Nothing can tell then where one
 * ends.
 *
 * @param writer the writer; NULL is an error.
 * @param raw a flag.
 */
void rogue_mem_file_writer_set_raw(rogue_mem_file_writer_t *writer, uint32_t raw);

/**
 * Whether payload is written alone.
 *
 * @param writer the writer.
 * @return whether it is; false if writer is NULL.
 */
bool rogue_mem_file_writer_raw(const rogue_mem_file_writer_t *writer);

/**
 * Sets the size of the buffer, in which whole records are collected as long as they fit. What is
 * in it is written out first.
 *
 * @param writer the writer.
 * @param bytes the size; 0 = each frame is written at once, as at first.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_OUT_OF_RESOURCES;
 * ROGUE_MEM_ERROR_FILE.
 */
rogue_mem_status_t rogue_mem_file_writer_set_buffer_size(rogue_mem_file_writer_t *writer,
                                                         uint32_t bytes);

/**
 * Sets the size limit of each file. A record that would exceed it begins the next file. Set it
 * before the file is opened.
 *
 * @param writer the writer; NULL is an error.
 * @param bytes the limit; 0 = none, as at first.
 */
void rogue_mem_file_writer_set_max_size(rogue_mem_file_writer_t *writer, uint64_t bytes);

/**
 * Chooses whether frames with an error are left out. They are not at first.
 *
 * @param writer the writer; NULL is an error.
 * @param drop a flag.
 */
void rogue_mem_file_writer_set_drop_errors(rogue_mem_file_writer_t *writer, uint32_t drop);

/**
 * The channel with a number, which is made once.
 *
 * @param writer the writer.
 * @param number written as the channel of its frames; 0 = they keep their own.
 * @return the channel, a new reference, which keeps the file open; NULL if writer is NULL.
 */
rogue_mem_file_channel_t *rogue_mem_file_writer_channel(const rogue_mem_file_writer_t *writer,
                                                        uint8_t number);

/**
 * Bytes in all files since the file was opened, those in the buffer included.
 *
 * @param writer the writer.
 * @return bytes; 0 if writer is NULL.
 */
uint64_t rogue_mem_file_writer_total_size(const rogue_mem_file_writer_t *writer);

/**
 * Bytes in the present file, those in the buffer included.
 *
 * @param writer the writer.
 * @return bytes; 0 if writer is NULL.
 */
uint64_t rogue_mem_file_writer_current_size(const rogue_mem_file_writer_t *writer);

/**
 * Bytes written a second, over the last second.
 *
 * @param writer the writer.
 * @return bytes a second; 0 while no file is open; 0 if writer is NULL.
 */
double rogue_mem_file_writer_bandwidth(const rogue_mem_file_writer_t *writer);

/**
 * Frames written since the file was opened, those in the buffer included.
 *
 * @param writer the writer.
 * @return frames; 0 if writer is NULL.
 */
uint64_t rogue_mem_file_writer_frame_count(const rogue_mem_file_writer_t *writer);

/**
 * Waits until a number of frames has been written.
 *
 * @param writer the writer.
 * @param count the number.
 * @param timeout_us how long at most, in microseconds; 0 = as long as it takes.
 * @return whether there are as many; false if writer is NULL.
 */
bool rogue_mem_file_writer_wait_frame_count(const rogue_mem_file_writer_t *writer,
                                            uint64_t count,
                                            uint64_t timeout_us);

/**
 * What the writer has done so far.
 *
 * @param writer the writer.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_file_writer_stats(const rogue_mem_file_writer_t *writer,
                                               rogue_mem_file_writer_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param writer the writer; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_file_writer_t *rogue_mem_file_writer_retain(rogue_mem_file_writer_t *writer);

/**
 * Gives a reference back. The file is closed, with what is in the buffer, when the writer and its
 * channels have no reference any more.
 *
 * @param writer the writer; NULL is allowed and ignored.
 */
void rogue_mem_file_writer_release(rogue_mem_file_writer_t *writer);

/* --- Data files: channels --------------------------------------------------------------------- */

/* A file channel receives frames for a file writer, and keeps its file open. */

/**
 * The channel as a stream slave.
 *
 * @param channel the channel.
 * @return the slave, a new reference; NULL if channel is NULL.
 */
rogue_mem_stream_slave_t *rogue_mem_file_channel_slave(const rogue_mem_file_channel_t *channel);

/**
 * Frames received since the file was opened: also those that were not written, and those that came
 * while no file was open.
 *
 * @param channel the channel.
 * @return frames; 0 if channel is NULL.
 */
uint64_t rogue_mem_file_channel_frame_count(const rogue_mem_file_channel_t *channel);

/**
 * Sets the number of frames received.
 *
 * @param channel the channel; NULL is an error.
 * @param count the number.
 */
void rogue_mem_file_channel_set_frame_count(rogue_mem_file_channel_t *channel, uint64_t count);

/**
 * Waits until a number of frames has been received.
 *
 * @param channel the channel.
 * @param count the number.
 * @param timeout_us how long at most, in microseconds; 0 = as long as it takes.
 * @return whether there are as many; false if channel is NULL.
 */
bool rogue_mem_file_channel_wait_frame_count(const rogue_mem_file_channel_t *channel,
                                             uint64_t count,
                                             uint64_t timeout_us);

/**
 * Adds a reference.
 *
 * @param channel the channel; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_file_channel_t *rogue_mem_file_channel_retain(rogue_mem_file_channel_t *channel);

/**
 * Gives a reference back. Stream masters that its slave is connected to, and its writer, keep it
 * alive.
 *
 * @param channel the channel; NULL is allowed and ignored.
 */
void rogue_mem_file_channel_release(rogue_mem_file_channel_t *channel);

/* --- Data files: readers ---------------------------------------------------------------------- */

/* A file reader sends the records of a data file as frames, from a thread of its own and as fast
 * as the receivers take them. It holds one record at a time, and asks for no more memory than the
 * file has bytes, whatever a record claims. A file that is cut or damaged is read up to there. If
 * the payload of a record is cut, a frame with error 1 tells the receivers. */

/**
 * Options of a reader. Zero-initialise it, set size, and then other members as needed.
 */
typedef struct rogue_mem_file_reader_options_t {
    /**
     * sizeof(rogue_mem_file_reader_options_t).
     */
    size_t size;
    /**
     * Size limit of a frame, in bytes; larger records are left out, counted and logged. 0 = 256
     * MiB.
     */
    uint64_t frame_bytes_max;
    /**
     * Stack size of the reader's thread, in bytes; the receivers of its frames run on it. At least
     * 2 MiB. 0 = the size of other threads of the process ("ulimit -s").
     */
    uint64_t stack_bytes;
} rogue_mem_file_reader_options_t;

/**
 * Counters of a reader since its file was opened. Set size before the call.
 */
typedef struct rogue_mem_file_reader_stats_t {
    /**
     * sizeof(rogue_mem_file_reader_stats_t).
     */
    size_t size;
    /**
     * Frames sent.
     */
    uint64_t frames;
    /**
     * Bytes of their payload.
     */
    uint64_t bytes;
    /**
     * Number of files.
     */
    uint64_t files;
    /**
     * Records without a payload, which are no frames.
     */
    uint64_t empty;
    /**
     * Records left out: too large, or without a frame from the receiver.
     */
    uint64_t left_out;
    /**
     * 1 if reading has ended before the end of the files.
     */
    uint64_t faults;
} rogue_mem_file_reader_stats_t;

/**
 * Makes a reader without a file.
 *
 * @param options_or_null the options, copied. NULL: the defaults.
 * @param out receives the reader, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT for
 * options with a wrong size.
 */
rogue_mem_status_t rogue_mem_file_reader_new(const rogue_mem_file_reader_options_t *options_or_null,
                                             rogue_mem_file_reader_t **out);

/**
 * The stream master that sends the frames.
 *
 * @param reader the reader.
 * @return the master, a new reference; NULL if reader is NULL.
 */
rogue_mem_stream_master_t *rogue_mem_file_reader_stream_master(
    const rogue_mem_file_reader_t *reader);

/**
 * Opens a data file and starts to send its frames. A file that is being read is closed first.
 *
 * @param reader the reader.
 * @param path a regular file. If it ends in ".1", those that end in ".2", ".3" and so on follow,
 * until one is missing.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_FILE; ROGUE_MEM_ERROR_OUT_OF_RESOURCES if the system refuses a thread.
 */
rogue_mem_status_t rogue_mem_file_reader_open(rogue_mem_file_reader_t *reader, const char *path);

/**
 * Stops after the frame that is being sent, and closes the file. Returns within 100 ms, also if
 * the receiver of that frame does not. Further calls do nothing.
 *
 * @param reader the reader; NULL is an error.
 */
void rogue_mem_file_reader_close(rogue_mem_file_reader_t *reader);

/**
 * Whether a file is being read: not any more when the last of its frames has been sent.
 *
 * @param reader the reader.
 * @return whether one is; false if reader is NULL.
 */
bool rogue_mem_file_reader_is_open(const rogue_mem_file_reader_t *reader);

/**
 * Waits until all frames have been sent, or the reader was closed.
 *
 * @param reader the reader.
 * @param timeout_us how long at most, in microseconds; 0 = as long as it takes.
 * @return whether that is so; true at once in a delivery by this reader, which would wait for
 * itself; false if reader is NULL.
 */
bool rogue_mem_file_reader_wait(const rogue_mem_file_reader_t *reader, uint64_t timeout_us);

/**
 * What was wrong with the file, in words: the first message since it was opened; empty if there is
 * none.
 *
 * @param reader the reader.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_file_reader_error(const rogue_mem_file_reader_t *reader,
                                               char *buffer,
                                               size_t capacity,
                                               size_t *length);

/**
 * Closes the file, and disconnects the receivers. Further calls do nothing.
 *
 * @param reader the reader; NULL is an error.
 */
void rogue_mem_file_reader_stop(rogue_mem_file_reader_t *reader);

/**
 * What the reader has done so far.
 *
 * @param reader the reader.
 * @param stats receives the counters; its size must be set. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_ARGUMENT if stats
 * has a wrong size.
 */
rogue_mem_status_t rogue_mem_file_reader_stats(const rogue_mem_file_reader_t *reader,
                                               rogue_mem_file_reader_stats_t *stats);

/**
 * Adds a reference.
 *
 * @param reader the reader; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_file_reader_t *rogue_mem_file_reader_retain(rogue_mem_file_reader_t *reader);

/**
 * Gives a reference back. Release of the last reference ends its thread.
 *
 * @param reader the reader; NULL is allowed and ignored.
 */
void rogue_mem_file_reader_release(rogue_mem_file_reader_t *reader);

/* --- Logging ---------------------------------------------------------------------------------- */

/* A log message has the dotted name of its logger, below "pyrogue", and a level. It passes if its
 * level is at least that of the filter with the longest matching name, or, without such a filter,
 * the global level, which is ROGUE_MEM_LOG_ERROR initially. A message that passes is written to
 * standard output, as one line, and given to the program's own sink. Lines bypass the buffer of
 * stdio: text in that buffer appears later. Changes act at once, also on existing loggers. */

/**
 * Log level: the program cannot continue.
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
 * Log level: something unexpected, which has been handled.
 */
#define ROGUE_MEM_LOG_WARNING 30

/**
 * Log level: normal events.
 */
#define ROGUE_MEM_LOG_INFO 20

/**
 * Log level: details for debugging.
 */
#define ROGUE_MEM_LOG_DEBUG 10

/**
 * Callbacks for log messages. Zero-initialise it, set size, and then the rest.
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
     * Called exactly once, on any thread, after the last call of log. Not called if
     * rogue_mem_log_set_sink fails. NULL: nothing is called.
     */
    void (*drop)(void *ctx);
    /**
     * Takes one message; must not be NULL. level is that of the message, name the logger's full
     * name, text the message; both are valid until the call returns. seconds and microseconds are
     * the wall clock since 1970. thread_id is the kernel's, 0 if unknown. Runs on the logging
     * thread, several at once; messages of the library's threads come on the log's own thread, so
     * that a sink that blocks stops no server and no client. Messages that it logs itself are not
     * passed to it.
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
     * The gate of all callbacks but drop, see rogue_mem_binding.h; the library takes a reference.
     * NULL: none.
     */
    rogue_mem_gate_t *gate;
} rogue_mem_log_sink_t;

/**
 * Makes a logger.
 *
 * @param name its name; "pyrogue." is put before it unless it is there.
 * @param out receives the logger, a new reference. Untouched on failure.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
 */
rogue_mem_status_t rogue_mem_logger_new(const char *name, rogue_mem_logger_t **out);

/**
 * The logger's full name.
 *
 * @param logger the logger.
 * @param buffer receives the text, see "Texts" above.
 * @param capacity size of buffer in bytes.
 * @param length receives the length of the text; may be NULL.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.
 */
rogue_mem_status_t rogue_mem_logger_name(const rogue_mem_logger_t *logger,
                                         char *buffer,
                                         size_t capacity,
                                         size_t *length);

/**
 * Whether a message of this logger has an output. If not, the caller can skip its construction.
 * Cheap.
 *
 * @param logger the logger.
 * @param level level of the message.
 * @return true if it does; false if logger is NULL.
 */
bool rogue_mem_logger_enabled(const rogue_mem_logger_t *logger, uint32_t level);

/**
 * Sets the level of every logger that no filter matches.
 *
 * @param level ROGUE_MEM_LOG_..., or any number: messages of at least this level pass.
 */
void rogue_mem_log_set_level(uint32_t level);

/**
 * Sets the level of the logger called name, and of all loggers whose name continues it after a
 * dot, except those that a longer filter matches. Replaces a filter of the same name.
 *
 * @param name name of the filter; a leading "pyrogue." may be left out.
 * @param level ROGUE_MEM_LOG_..., or any number: messages of at least this level pass.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT.
 */
rogue_mem_status_t rogue_mem_log_set_filter(const char *name, uint32_t level);

/**
 * Removes a filter.
 *
 * @param name name of the filter; a leading "pyrogue." may be left out.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT; ROGUE_MEM_ERROR_INVALID_TEXT;
 * ROGUE_MEM_ERROR_NOT_FOUND if there is no filter of exactly that name.
 */
rogue_mem_status_t rogue_mem_log_remove_filter(const char *name);

/**
 * Switches the output of log messages to standard output on or off. The default is on.
 *
 * @param emit whether to write, a flag.
 */
void rogue_mem_log_set_emit_stdout(uint32_t emit);

/**
 * Whether log messages are written to standard output.
 *
 * @return true if they are.
 */
bool rogue_mem_log_emit_stdout(void);

/**
 * Sets or replaces the program's own sink. A running call of the former sink completes; its drop
 * is called after that.
 *
 * @param sink_or_null the new sink, copied. NULL removes the sink.
 * @return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT if its log is NULL;
 * ROGUE_MEM_ERROR_INVALID_ARGUMENT if it has a wrong size.
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
 */
rogue_mem_status_t rogue_mem_log_normalize_name(const char *name,
                                                char *buffer,
                                                size_t capacity,
                                                size_t *length);

/**
 * Logs a message, if its level is enabled.
 *
 * @param logger the logger; NULL is an error.
 * @param level level of the message.
 * @param text the message; invalid UTF-8 in it is replaced. NULL is an error.
 */
void rogue_mem_logger_log(const rogue_mem_logger_t *logger, uint32_t level, const char *text);

/**
 * Logs the ids of this thread and process, at level ROGUE_MEM_LOG_THREAD.
 *
 * @param logger the logger; NULL is an error.
 */
void rogue_mem_logger_log_thread_id(const rogue_mem_logger_t *logger);

/**
 * Adds a reference.
 *
 * @param logger the logger; NULL is allowed and ignored.
 * @return its argument.
 */
rogue_mem_logger_t *rogue_mem_logger_retain(rogue_mem_logger_t *logger);

/**
 * Gives a reference back.
 *
 * @param logger the logger; NULL is allowed and ignored.
 */
void rogue_mem_logger_release(rogue_mem_logger_t *logger);

#ifdef __cplusplus
}
#endif

#endif /* ROGUE_MEM_H */
