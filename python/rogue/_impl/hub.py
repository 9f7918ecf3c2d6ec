"""Memory hubs and the emulated memory."""

from __future__ import annotations

from .lifecycle import NativeHandle, described, filled
from .master import Master
from .native import NULL, asked, lib
from .slave import Slave


class Hub(Master, Slave):
    """A branch of the bus: adds its offset to the address of a transaction and passes it on, in
    parts if it is larger than the largest access downstream.

    :param offset: in bytes.
    :param min: smallest access in bytes.
    :param max: largest access in bytes. If `min` and `max` are both other than 0, the hub is the
        root of an address space of its own, and reports its own id, name, limits and address 0.

    Subclasses may override `_doTransaction`, and pass a transaction on with
    ``super()._doTransaction(tran)``, or make requests of their own, whose addresses are relative to
    the next layer (without the hub's offset). Without an override no Python runs.
    """

    __module__ = "rogue.interfaces.memory"

    def __init__(self, offset: int, min: int, max: int) -> None:
        owned = NativeHandle(NULL, lib.rogue_mem_hub_release)
        self._rg_hub = filled(owned, "rogue_mem_hub_t", lib.rogue_mem_hub_new, offset, min, max)
        handle = owned.handle
        self._rg_init_master(lib.rogue_mem_hub_master(handle))
        native = NativeHandle(lib.rogue_mem_hub_slave(handle), lib.rogue_mem_slave_release)
        self._rg_init_slave(native, min, max)

    def _getAddress(self) -> int:
        """Base address of the hub, as seen from the end of the path."""
        return asked(lib.rogue_mem_hub_address(self._rg_hub.handle))

    def _getOffset(self) -> int:
        """The hub's own offset in bytes."""
        return lib.rogue_mem_hub_offset(self._rg_hub.handle)

    def _blkMinAccess(self) -> int:
        """Smallest downstream access in bytes."""
        return self._reqMinAccess()

    def _blkMaxAccess(self) -> int:
        """Largest downstream access in bytes; 0 = not limited."""
        return self._reqMaxAccess()

    def _stop(self) -> None:
        """Does nothing: a hub has no activity of its own."""

    @described
    def __repr__(self) -> str:
        return "<%s.%s %r at 0x%x>" % (
            type(self).__module__,
            type(self).__name__,
            self._reqSlaveName(),
            self._getAddress(),
        )


class Emulate(Slave):
    """Emulated memory of 2^64 bytes; only used pages take space. Bytes that were never written read
    as zero; transactions complete at once.

    :param min: smallest access in bytes, advertised only.
    :param max: largest access in bytes, advertised only; 0 = not limited.
    :param memory_bytes_max: bytes that the memory may take, with the tables that lead to it; each
        written page takes 4 KiB, and a write that needs more fails. 0 = a quarter of what the
        process may have, at most 1 GiB.
    """

    __module__ = "rogue.interfaces.memory"

    def __init__(self, min: int, max: int, memory_bytes_max: int = 0) -> None:
        owned = NativeHandle(NULL, lib.rogue_mem_slave_release)
        new = lib.rogue_mem_emulate_new_limited
        filled(owned, "rogue_mem_slave_t", new, min, max, memory_bytes_max)
        self._rg_init_slave(owned, min, max)
