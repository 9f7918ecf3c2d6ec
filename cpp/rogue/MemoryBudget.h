/** The memory that the bridge servers of a process hold for their clients. Beyond Rogue. */
#ifndef ROGUE_MEMORY_BUDGET_H
#define ROGUE_MEMORY_BUDGET_H

#include "rogue/Directives.h"

#include <rogue_mem.h>

#include <cstdint>

namespace rogue {

/**
 * Limits the octets that all servers of the bridges hold in this process together: requests and frames,
 * complete or in part, and what clients have not read. Clients for which there is no room are not read
 * until there is. 0 = a quarter of what the process may have, at most 1 GiB. Each server has a limit
 * too, its option budget_bytes_max.
 */
inline void setMemoryBudget(uint64_t bytesMax) { rogue_mem_budget_set_max(bytesMax); }

/** That limit. */
inline uint64_t memoryBudget() { return rogue_mem_budget_max(); }

/** What servers hold now, for each of them rounded up by some 64 KiB. */
inline uint64_t memoryHeld() { return rogue_mem_budget_used(); }

} // namespace rogue

#endif
