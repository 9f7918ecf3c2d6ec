"""SRP: its versions, the emulated device of version 3, and command frames."""

from __future__ import annotations

from typing import Any

from . import memory, stream
from .lifecycle import NativeHandle, described, filled
from .native import NULL, check, lib, options


def _init(self: Any, version: str) -> None:
    """Makes `self` the object of a version, given as in the names of the library's functions."""
    prefix = "rogue_mem_srp_" + version
    owned = NativeHandle(NULL, getattr(lib, prefix + "_release"))
    self._rg_srp = filled(owned, prefix + "_t", getattr(lib, prefix + "_new"))
    handle = owned.handle
    stream.init_ends(self, getattr(lib, prefix + "_stream_port")(handle))
    slave = getattr(lib, prefix + "_slave")(handle)
    native = NativeHandle(slave, lib.rogue_mem_slave_release)
    limits = lib.rogue_mem_slave_min(native.handle), lib.rogue_mem_slave_max(native.handle)
    self._rg_init_slave(native, *limits)


def _describe(self: Any) -> str:
    return "<%s.%s to %d stream slaves>" % (
        type(self).__module__,
        type(self).__name__,
        self._slaveCount(),
    )


class SrpV3(stream.Master, stream.Slave, memory.Slave):
    """Carries register transactions over a stream to SLAC's firmware.

    For masters it is a slave whose accesses are multiples of 4 bytes and at most 4096:
    ``master >> srp``. ``srp == transport`` connects its stream in both directions.
    """

    __module__ = "rogue.protocols.srp"

    _rg_srp: NativeHandle

    def __init__(self) -> None:
        _init(self, "v3")

    def _setHardwareTimeout(self, val: int) -> None:
        """Sets the device's timeout for its own bus, in units of 100 ms; 0 = none. The default is
        10."""
        lib.rogue_mem_srp_v3_set_hardware_timeout(self._rg_srp.handle, val)

    def _stop(self) -> None:
        """Disconnects the stream and fails all outstanding transactions."""
        self._rg_stream_slaves.clear()
        lib.rogue_mem_srp_v3_stop(self._rg_srp.handle)

    __repr__ = described(_describe)


class SrpV0(stream.Master, stream.Slave, memory.Slave):
    """The same for older firmware, by SRP version 0: accesses are at most 2048 bytes, at addresses
    of 32 bits."""

    __module__ = "rogue.protocols.srp"

    _rg_srp: NativeHandle

    def __init__(self) -> None:
        _init(self, "v0")

    def _stop(self) -> None:
        """Disconnects the stream and fails all outstanding transactions."""
        self._rg_stream_slaves.clear()
        lib.rogue_mem_srp_v0_stop(self._rg_srp.handle)

    __repr__ = described(_describe)


class Cmd(stream.Master):
    """Sends commands, which are not answered, to its stream slaves."""

    __module__ = "rogue.protocols.srp"

    def sendCmd(self, opCode: int, context: int) -> None:
        """Sends one frame of 16 bytes: `context`, `opCode`, and zeros."""
        check(lib.rogue_mem_cmd_send(self._rg_stream_master.handle, opCode, context))


class SrpV3Emulation(stream.Master, stream.Slave):
    """An emulated device that answers SRP version 3: sparse memory; bytes that were never written
    read as zero. It has a thread of its own until `_stop`, or the end of a ``with``.

    :param chosen: options of the C interface, by the member names of
        ``rogue_mem_srp_v3_emulation_options_t``: ``stack_bytes``, ``latency_us``,
        ``memory_bytes_max``.
    """

    __module__ = "rogue.protocols.srp"

    def __init__(self, **chosen: Any) -> None:
        owned = NativeHandle(
            NULL, lib.rogue_mem_srp_v3_emulation_release, lib.rogue_mem_srp_v3_emulation_stop
        )
        kind, new = "rogue_mem_srp_v3_emulation_t", lib.rogue_mem_srp_v3_emulation_new
        given = options("rogue_mem_srp_v3_emulation_options_t", chosen)
        self._rg_device: NativeHandle = filled(owned, kind, new, given)
        stream.init_ends(self, lib.rogue_mem_srp_v3_emulation_stream_port(owned.handle))

    def _stop(self) -> None:
        """Ends the device: drops queued and later requests."""
        self._rg_stream_slaves.clear()
        self._rg_device.stop()

    def __enter__(self) -> "SrpV3Emulation":
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._stop()
