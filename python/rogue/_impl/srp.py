"""SRP version 3 and its emulated device."""

from __future__ import annotations

from typing import Any

from . import memory, stream
from .lifecycle import Core, described, filled
from .native import NULL, lib


class SrpV3(stream.Master, stream.Slave, memory.Slave):
    """Carries register transactions over a stream, as SLAC's firmware understands them.

    To masters it is a slave whose accesses are multiples of 4 bytes and at most 4096:
    ``master >> srp``. ``srp == transport`` connects its stream in both directions.
    """

    __module__ = "rogue.protocols.srp"

    def __init__(self) -> None:
        core = Core(NULL, lib.rogue_mem_srp_v3_release)
        self._rg_srp: Core = filled(core, "rogue_mem_srp_v3_t", lib.rogue_mem_srp_v3_new)
        handle = core.handle
        self._rg_init_stream_master(lib.rogue_mem_srp_v3_stream_master(handle))
        receiver = lib.rogue_mem_srp_v3_stream_slave(handle)
        self._rg_init_stream_slave(Core(receiver, lib.rogue_mem_stream_slave_release))
        native = Core(lib.rogue_mem_srp_v3_slave(handle), lib.rogue_mem_slave_release)
        limits = lib.rogue_mem_slave_min(native.handle), lib.rogue_mem_slave_max(native.handle)
        self._rg_init_slave(native, *limits)

    def _setHardwareTimeout(self, val: int) -> None:
        """Sets how long the device is told to wait for its own bus, in units of 100 ms; 0 = for
        ever. It is 10 at first."""
        lib.rogue_mem_srp_v3_set_hardware_timeout(self._rg_srp.handle, val)

    def _stop(self) -> None:
        """Lets go of the stream and fails what is outstanding."""
        self._rg_stream_slaves.clear()
        lib.rogue_mem_srp_v3_stop(self._rg_srp.handle)

    @described
    def __repr__(self) -> str:
        return "<%s.%s to %d stream slaves>" % (
            type(self).__module__,
            type(self).__name__,
            self._slaveCount(),
        )


class SrpV3Emulation(stream.Master, stream.Slave):
    """A device in software that answers SRP version 3: sparse memory, which reads as zero where
    nothing was written. It has a thread of its own until `_stop`, or the end of a ``with``."""

    __module__ = "rogue.protocols.srp"

    def __init__(self) -> None:
        core = Core(
            NULL, lib.rogue_mem_srp_v3_emulation_release, lib.rogue_mem_srp_v3_emulation_stop
        )
        kind, new = "rogue_mem_srp_v3_emulation_t", lib.rogue_mem_srp_v3_emulation_new
        self._rg_device: Core = filled(core, kind, new)
        handle = core.handle
        self._rg_init_stream_master(lib.rogue_mem_srp_v3_emulation_stream_master(handle))
        receiver = lib.rogue_mem_srp_v3_emulation_stream_slave(handle)
        self._rg_init_stream_slave(Core(receiver, lib.rogue_mem_stream_slave_release))

    def _stop(self) -> None:
        """Ends the device: requests that wait and those that come later are dropped."""
        self._rg_stream_slaves.clear()
        self._rg_device.stop()

    def __enter__(self) -> "SrpV3Emulation":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stop()
