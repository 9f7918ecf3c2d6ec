// Rogue's documented C++ server of the memory TCP bridge, verbatim. It is compiled and linked, but
// not run, because it takes two fixed ports of the machine.
#include "server.inc"
