"""The memory that the bridge servers of this process hold for their clients."""

from .native import lib


def setMemoryBudget(bytesMax: int) -> None:
    """Limits what all servers of the bridges hold together: requests and frames, complete or in
    part, and what clients have not read. Clients for which there is no room are not read until
    there is. Each server has a limit too, its option ``budget_bytes_max``.

    :param bytesMax: bytes; 0 = a quarter of what the process may have, at most 1 GiB.
    """
    lib.rogue_mem_budget_set_max(bytesMax)


def memoryBudget() -> int:
    """The limit that `setMemoryBudget` sets, in bytes."""
    return lib.rogue_mem_budget_max()


def memoryHeld() -> int:
    """Bytes that servers hold now, for each of them rounded up by some 64 KiB."""
    return lib.rogue_mem_budget_used()
