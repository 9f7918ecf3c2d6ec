"""Registers in mapped memory."""

from __future__ import annotations

from .lifecycle import NativeHandle, filled
from .native import NULL, encode, lib
from .slave import Slave


class MemMap(Slave):
    """A slave over a shared mapping of physical memory, or of any file: ``master >> memMap``.

    :param base: offset of the first byte in the file.
    :param size: number of bytes.
    :param path: the file: ``/dev/mem``, a UIO device as ``/dev/uio0``, or any other.
    :param access_bytes: width of each access in bytes: 4, or 8 on a processor of 64 bits.

    Addresses are offsets from the base. Address and size of a transaction are multiples of the
    access width; anything else fails, and so does whatever lies beyond the map. Transactions
    complete at once. Linux maps device addresses uncached, and ordinary memory cached. A bus error
    of the device ends the process. Raises GeneralError with the system's reason.
    """

    __module__ = "rogue.hardware"

    def __init__(
        self, base: int, size: int, *, path: str = "/dev/mem", access_bytes: int = 4
    ) -> None:
        owned = NativeHandle(NULL, lib.rogue_mem_slave_release, lib.rogue_mem_slave_stop)
        new = lib.rogue_mem_mem_map_new
        filled(owned, "rogue_mem_slave_t", new, encode(path), base, size, access_bytes)
        limits = lib.rogue_mem_slave_min(owned.handle), lib.rogue_mem_slave_max(owned.handle)
        self._rg_mapped: NativeHandle = owned
        self._rg_init_slave(owned, *limits)

    def _stop(self) -> None:
        """Unmaps the memory: later transactions fail at once."""
        self._rg_mapped.stop()
