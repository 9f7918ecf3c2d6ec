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
