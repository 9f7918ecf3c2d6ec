/*
 * A client driven line by line from standard input; one answer line per command, beginning with
 * the number of the command (1, 2, ...):
 *
 *   read ADDRESS SIZE | verify ADDRESS SIZE    -> N ok HEX
 *   write ADDRESS HEX | post ADDRESS HEX       -> N ok
 *   fill ADDRESS SIZE SEED                     -> N ok          one write of a pattern
 *   check ADDRESS SIZE SEED                    -> N ok          one read; or: N differs at OFFSET
 *   burst ADDRESS SIZE COUNT STEP SEED         -> N burst ok=.. failed=.. unknown=.. differing=..
 *                                                 COUNT reads issued before the first is waited for
 *   start COMMAND                              -> N started     issue now, answer at its `wait`
 *   wait                                       -> one line per started command, in their order
 *   raw HEX HEX ...                            -> N ok | N not sent   one message of these parts;
 *                                                 "-" is an empty part
 *   ready SECONDS                              -> N ready | N not ready
 *   timeout SECONDS                            -> N ok
 *   state                                      -> N state TEXT
 *   counters                                   -> counters ...
 *
 * A failed command answers "N error TEXT", one of unknown outcome "N unknown TEXT", one that was
 * answered with something else "N foreign TEXT".
 */
#ifndef INTEROP_SCRIPT_H
#define INTEROP_SCRIPT_H

#include "engine.h"

/* Runs until the end of standard input; EXIT_DIFFERENCE when a foreign answer was seen. */
int script_run(engine_t *engine);

#endif
