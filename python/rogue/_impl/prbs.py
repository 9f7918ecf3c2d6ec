"""Frames of pseudo-random bits: a link test."""

from __future__ import annotations

from typing import Any

from . import stream
from .lifecycle import NativeHandle, filled
from .native import NULL, check, counters, lib, view_of


class Prbs(stream.Master, stream.Slave):
    """Sends frames of pseudo-random bits to its stream slaves, and checks those that it receives.
    Its twin in firmware is SsiPrbsTx and SsiPrbsRx; width and taps must be equal at both ends."""

    __module__ = "rogue.utilities"

    def __init__(self) -> None:
        owned = NativeHandle(NULL, lib.rogue_mem_prbs_release, lib.rogue_mem_prbs_disable)
        self._rg_prbs: NativeHandle = filled(owned, "rogue_mem_prbs_t", lib.rogue_mem_prbs_new)
        stream.init_ends(self, lib.rogue_mem_prbs_stream_port(owned.handle))

    def setWidth(self, width: int) -> None:
        """Sets the width of a word: a multiple of 32 bits, at most 512."""
        check(lib.rogue_mem_prbs_set_width(self._rg_prbs.handle, width))

    def setTaps(self, taps: Any) -> None:
        """Sets the taps of the shift register: a buffer of numbers of bits."""
        view = view_of("Prbs::setTapsPy", taps, False)
        check(lib.rogue_mem_prbs_set_taps(self._rg_prbs.handle, view, len(view)))

    def sendCount(self, state: bool) -> None:
        """Makes the payload of later frames count its words instead of being random."""
        lib.rogue_mem_prbs_send_count(self._rg_prbs.handle, bool(state))

    def genPayload(self, state: bool) -> None:
        """Gives later frames a payload; without, it is zeros."""
        lib.rogue_mem_prbs_gen_payload(self._rg_prbs.handle, bool(state))

    def checkPayload(self, state: bool) -> None:
        """Checks the payload of received frames, besides their size and sequence number."""
        lib.rogue_mem_prbs_check_payload(self._rg_prbs.handle, bool(state))

    def setRxEnable(self, state: bool) -> None:
        """Receives frames; while off, a thread that brings one waits."""
        lib.rogue_mem_prbs_set_rx_enable(self._rg_prbs.handle, bool(state))

    def getRxEnable(self) -> bool:
        """Whether frames are received."""
        return lib.rogue_mem_prbs_rx_enable(self._rg_prbs.handle)

    def setTxPeriod(self, period: int) -> None:
        """Sets the pause after each frame of the thread, in microseconds."""
        lib.rogue_mem_prbs_set_tx_period(self._rg_prbs.handle, period)

    def getTxPeriod(self) -> int:
        """The pause after each frame of the thread, in microseconds."""
        return lib.rogue_mem_prbs_tx_period(self._rg_prbs.handle)

    def genFrame(self, size: int) -> None:
        """Sends one frame of `size` bytes, in this thread. GeneralError unless that is a multiple
        of the width and at least three words."""
        check(lib.rogue_mem_prbs_gen_frame(self._rg_prbs.handle, size))

    def enable(self, size: int) -> None:
        """Starts a thread that sends frames of `size` bytes; nothing if it runs already."""
        check(lib.rogue_mem_prbs_enable(self._rg_prbs.handle, size))

    def disable(self) -> None:
        """Ends the thread."""
        lib.rogue_mem_prbs_disable(self._rg_prbs.handle)

    def resetCount(self) -> None:
        """Zeroes all counters and rates."""
        lib.rogue_mem_prbs_reset_count(self._rg_prbs.handle)

    def _rg_stats(self) -> "dict[str, int]":
        return counters("rogue_mem_prbs_stats_t", lib.rogue_mem_prbs_stats, self._rg_prbs.handle)

    def getTxCount(self) -> int:
        """Number of frames sent."""
        return self._rg_stats()["tx_count"]

    def getTxErrors(self) -> int:
        """Number of frames that could not be sent."""
        return self._rg_stats()["tx_errors"]

    def getTxBytes(self) -> int:
        """Bytes sent."""
        return self._rg_stats()["tx_bytes"]

    def getTxRate(self) -> float:
        """Frames sent a second."""
        return lib.rogue_mem_prbs_tx_rate(self._rg_prbs.handle)

    def getTxBw(self) -> float:
        """Bytes sent a second."""
        return lib.rogue_mem_prbs_tx_bandwidth(self._rg_prbs.handle)

    def getRxCount(self) -> int:
        """Number of good frames received."""
        return self._rg_stats()["rx_count"]

    def getRxErrors(self) -> int:
        """Number of bad frames received."""
        return self._rg_stats()["rx_errors"]

    def getRxBytes(self) -> int:
        """Bytes of good frames received."""
        return self._rg_stats()["rx_bytes"]

    def getRxRate(self) -> float:
        """Good frames received a second."""
        return lib.rogue_mem_prbs_rx_rate(self._rg_prbs.handle)

    def getRxBw(self) -> float:
        """Bytes of good frames received a second."""
        return lib.rogue_mem_prbs_rx_bandwidth(self._rg_prbs.handle)

    def _stop(self) -> None:
        """Ends the thread, disconnects the slaves, and releases threads that wait."""
        self._rg_stream_slaves.clear()
        lib.rogue_mem_prbs_stop(self._rg_prbs.handle)
