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
