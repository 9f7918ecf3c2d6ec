// Rogue's documented C++ server of the memory TCP bridge, word for word. It is compiled and linked;
// it is not run, because it takes two fixed ports of the machine.
#include "server.inc"
