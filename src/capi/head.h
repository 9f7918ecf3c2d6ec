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
