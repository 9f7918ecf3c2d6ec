"""Memory hubs and the emulated memory."""

from __future__ import annotations

from .lifecycle import Core, described, filled
from .master import Master
from .native import NULL, asked, lib
from .slave import Slave


class Hub(Master, Slave):
    """A branch of the bus: what reaches it goes on with its offset added to the address, in parts
    where it is larger than the largest access downstream.

    :param offset: in bytes.
    :param min: smallest access in bytes.
    :param max: largest access in bytes. If `min` and `max` are both other than 0, the hub is the
        root of an address space of its own, and reports its own id, name, limits and address 0.

    Subclasses may override `_doTransaction`, and pass a transaction on with
    ``super()._doTransaction(tran)``, or make requests of their own, whose addresses are relative to
    the next layer (the hub's offset is not added). Without an override no Python runs.
    """

    __module__ = "rogue.interfaces.memory"

    def __init__(self, offset: int, min: int, max: int) -> None:
        core = Core(NULL, lib.rogue_mem_hub_release)
        self._rg_hub = filled(core, "rogue_mem_hub_t", lib.rogue_mem_hub_new, offset, min, max)
        handle = core.handle
        self._rg_init_master(lib.rogue_mem_hub_master(handle))
        native = Core(lib.rogue_mem_hub_slave(handle), lib.rogue_mem_slave_release)
        self._rg_init_slave(native, min, max)

    def _getAddress(self) -> int:
        """Address of the hub's own address 0, as seen from the end of the path."""
        return asked(lib.rogue_mem_hub_address(self._rg_hub.handle))

    def _getOffset(self) -> int:
        """The hub's own offset in bytes."""
        return lib.rogue_mem_hub_offset(self._rg_hub.handle)

    def _blkMinAccess(self) -> int:
        """Smallest access in bytes of what lies downstream."""
        return self._reqMinAccess()

    def _blkMaxAccess(self) -> int:
        """Largest access in bytes of what lies downstream; 0 = not limited."""
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
    """Memory that exists only in this process: 2^64 bytes, of which only the pages used take space.
    What was never written reads as zero; transactions complete at once.

    :param min: smallest access in bytes, advertised only.
    :param max: largest access in bytes, advertised only; 0 = not limited.
    """

    __module__ = "rogue.interfaces.memory"

    def __init__(self, min: int, max: int) -> None:
        core = Core(NULL, lib.rogue_mem_slave_release)
        filled(core, "rogue_mem_slave_t", lib.rogue_mem_emulate_new, min, max)
        self._rg_init_slave(core, min, max)
