"""Memory masters: requests and waits."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Iterable
from typing import Any, Optional, TypeVar

from .lifecycle import Core, State, described, end_parked, filled, leaves, parked
from .native import (
    COLLECTS_LATE,
    NULL,
    SLICE_US,
    GeneralError,
    asked,
    check,
    ffi,
    general_error,
    in_main_thread,
    interrupts,
    last_error,
    lib,
    raise_interrupt,
    refuse_copies,
    release,
    text_of,
    view_of,
)
from .slave import Slave

_start = lib.rogue_mem_master_start
_wait_for = lib.rogue_mem_master_wait_for
_PENDING = lib.ROGUE_MEM_ERROR_TIMEOUT
_DONE = lib.ROGUE_MEM_STARTED_DONE
_READ = lib.ROGUE_MEM_READ
_WRITE = lib.ROGUE_MEM_WRITE
_POST = lib.ROGUE_MEM_POST
_SOURCE = "Master::reqTransactionPy"
#: What a wait may say; errors are told by `_getError`.
WAITED = (
    lib.ROGUE_MEM_OK,
    _PENDING,
    lib.ROGUE_MEM_ERROR_TRANSACTION,
    lib.ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT,
)
_UNKNOWN = object()
_SIZE_MAX = 0xFFFF_FFFF
_give_up = lib.rogue_mem_master_give_up_for
_outstanding = lib.rogue_mem_master_outstanding
_wait_many = lib.rogue_mem_master_wait_many
_Other = TypeVar("_Other")


class MasterCore(Core):
    """A native master, and the buffers that its transactions may still write to."""

    # By the id of a transaction that has not been waited for: what `ffi.from_buffer` made, which
    # keeps the buffer where it is; or None if it was done at once, and the library knows it no
    # more. Of a write, whose buffer is not needed, there is the latter only.
    # Connecting is two steps, which other threads must not come between.
    __slots__ = ("connecting", "pins")

    def __init__(self, handle: Any) -> None:
        self.pins: "dict[int, Any]" = {}
        self.connecting = threading.RLock()
        super().__init__(handle, lib.rogue_mem_master_release)

    def was_done_at_once(self, id: int) -> bool:
        """Whether transaction `id` was done when it was started: the library need not be asked."""
        if self.pins.get(id, _UNKNOWN) is not None:
            return False
        self.pins.pop(id, None)
        return True

    def free(self, id: int) -> None:
        """Lets go of the buffer of a transaction that has been collected, if there is one."""
        view = self.pins.pop(id, None)
        if view is not None:
            release(view)

    def give_up(self, ids: "Iterable[int]", view: Any = None) -> None:
        """Gives up transactions that nobody will wait for. Those that a slave has just locked keep
        their buffer, which is `view` where it is not known already."""
        known = [one for one in ids if one]
        if not known:
            return
        if _give_up(self.handle, len(known), known, 0):
            for one in known:
                self.pins.pop(one, None)
        elif view is not None:
            self.pins.update((one, view) for one in known)

    def __del__(self) -> None:
        if State.is_closing:
            # Nobody writes to the buffers any more, and there is no need to be quite sure.
            parked.append(self)
        elif not self.end():
            parked.append(self)

    def end(self) -> bool:
        """Gives everything up, unless somebody holds the lock of a transaction, for whom this does
        not wait: it may be this very thread. Others may refer to the native master: the buffers
        must be out of its reach nevertheless."""
        handle = getattr(self, "handle", None)
        if handle:
            if not _give_up(handle, 0, NULL, 0):
                return False
            self.pins.clear()
            self._release(handle)
        return True


leaves(MasterCore)


class Master:
    """Makes transactions and waits for them.

    Any number may be outstanding, made and waited for by any threads; waits release the GIL and end
    by Ctrl-C. A master keeps the slave that it is connected to. When it goes, its outstanding
    transactions are given up, and nothing writes to their buffers any more.
    """

    __module__ = "rogue.interfaces.memory"

    def __init__(self) -> None:
        if parked:
            end_parked()
        self._rg_master = filled(MasterCore(NULL), "rogue_mem_master_t", lib.rogue_mem_master_new)
        self._rg_target: "Optional[Slave]" = None

    def _rg_init_master(self, handle: Any) -> None:
        """`handle` is the master half of another native object, a new reference."""
        self._rg_master = MasterCore(handle)
        self._rg_target = None

    def _setSlave(self, slave: "Optional[Slave]") -> None:
        """Connects to `slave`, in place of what it was connected to; None disconnects."""
        if slave is None:
            other = filled(MasterCore(NULL), "rogue_mem_master_t", lib.rogue_mem_master_new)
            target = Core(lib.rogue_mem_master_slave(other.handle), lib.rogue_mem_slave_release)
        elif isinstance(slave, Slave):
            target = slave._rg_slave
        else:
            raise TypeError(
                "expected a rogue.interfaces.memory.Slave, got %s" % type(slave).__name__
            )
        former = self._rg_target
        with self._rg_master.connecting:
            # Both or none: the library's slave lives for as long as the object here does.
            check(lib.rogue_mem_master_set_slave(self._rg_master.handle, target.handle))
            self._rg_target = slave
        # Not under the lock, as it may be the last of it.
        del former

    def _getSlave(self) -> "Optional[Slave]":
        """The slave that it is connected to, or None."""
        return self._rg_target

    def _reqSlaveId(self) -> int:
        """Id of the slave at the end of the path."""
        return asked(lib.rogue_mem_master_req_slave_id(self._rg_master.handle))

    def _reqSlaveName(self) -> str:
        """Name of the slave at the end of the path."""
        return text_of(lib.rogue_mem_master_req_slave_name, self._rg_master.handle)

    def _reqMinAccess(self) -> int:
        """Smallest access in bytes."""
        return asked(lib.rogue_mem_master_req_min_access(self._rg_master.handle))

    def _reqMaxAccess(self) -> int:
        """Largest access in bytes; 0 = not limited. A master does not split, a hub does."""
        return asked(lib.rogue_mem_master_req_max_access(self._rg_master.handle))

    def _reqAddress(self) -> int:
        """Address of what this master sees at 0, as seen from the end of the path."""
        return asked(lib.rogue_mem_master_req_address(self._rg_master.handle))

    def _getError(self) -> str:
        """Text of the last error that a wait of this master has met, "" if there was none since
        `_clearError`."""
        return text_of(lib.rogue_mem_master_error, self._rg_master.handle)

    def _clearError(self) -> None:
        """Forgets the last error."""
        lib.rogue_mem_master_clear_error(self._rg_master.handle)

    def _setTimeout(self, timeout: int) -> None:
        """Sets the time, in microseconds, that later transactions get from their last sign of
        life; 0 leaves it as it is. It is one second at first."""
        lib.rogue_mem_master_set_timeout(self._rg_master.handle, timeout)

    def _reqTransaction(
        self, address: int, buffer: Any, size: int = 0, offset: int = 0, type: int = _READ
    ) -> int:
        """Starts a transaction and returns its id, for `_waitTransaction`.

        :param address: byte address.
        :param buffer: bytes, bytearray, memoryview or contiguous array. A Read or Verify writes to
            it until the transaction has been waited for, and it cannot be resized until then; what
            a Write or Post carries is copied before this returns.
        :param size: number of bytes; 0 = all of the buffer from `offset` on.
        :param offset: first byte of the buffer to use.
        :param type: ``Read``, ``Write``, ``Post`` or ``Verify``.

        The slave may be called in this thread. Whether the transaction fails is for the wait to
        tell. Raises GeneralError if the buffer or the type cannot be used.
        """
        core = self._rg_master
        if type == _WRITE or type == _POST:
            reads = False
            view = view_of(_SOURCE, buffer, False, "Python Buffer simple Error")
        else:
            reads = True
            view = view_of(_SOURCE, buffer, True, "Python Buffer contig Error")
        total = len(view)
        if offset != 0:
            if size == 0:
                size = max(total - offset, 0)
            if size + offset > total or offset < 0:
                raise _beyond(size, total, offset)
            place = view + offset
        else:
            if size == 0:
                size = total
            elif size > total:
                raise _beyond(size, total, offset)
            place = view
        started = 0
        try:
            started = _start(core.handle, address, size, place, type)
            if not started:
                raise last_error()
            if started > _DONE:
                started -= _DONE
                if type != _POST:
                    core.pins[started] = None
            elif reads:
                core.pins[started] = view
        except (GeneralError, TypeError):
            raise
        except OverflowError:
            if size > _SIZE_MAX:
                words = "A transaction of %d bytes was asked for; one carries at most %d: split it"
                raise general_error(_SOURCE, words % (size, _SIZE_MAX)) from None
            raise
        except BaseException:
            # Ctrl-C has come right behind the start, whose id nobody learns.
            if started:
                core.give_up([started % _DONE], view if reads else None)
            elif reads:
                # Not even here: the buffer must stay, under whatever number.
                core.pins[-builtins.id(view)] = view
            raise
        if interrupts and in_main_thread():
            core.give_up([started])
            raise_interrupt()
        return started

    def _waitTransaction(self, id: int) -> None:
        """Waits until transaction `id` has ended, or all that are outstanding if it is 0; at most
        for its timeout. An unknown id returns at once. A failure is told by `_getError`."""
        core = self._rg_master
        pins = core.pins
        if not id:
            if not isinstance(id, int):
                raise TypeError("an id is an int, not %s" % type(id).__name__)
            self._rg_wait_all(core)
            return
        if pins.get(id, _UNKNOWN) is None:
            # It was done at once.
            pins.pop(id, None)
            return
        while _wait_for(core.handle, id, SLICE_US) == _PENDING:
            if interrupts:
                raise_interrupt()
        view = pins.pop(id, None)
        if COLLECTS_LATE and view is not None:
            release(view)
        if interrupts:
            raise_interrupt()

    def _rg_wait_all(self, core: MasterCore) -> None:
        # Those that are requested meanwhile are for others to wait for, and keep their buffers.
        known = list(core.pins)
        count, waited = ffi.new("size_t *"), ffi.new("size_t *")
        check(_outstanding(core.handle, NULL, 0, count))
        ids = ffi.new("uint32_t[]", count[0])
        check(_outstanding(core.handle, ids, len(ids), count))
        at, end = 0, min(count[0], len(ids))
        while at < end:
            status = _wait_many(core.handle, end - at, ids + at, SLICE_US, waited)
            if status not in WAITED:
                raise last_error()
            at += waited[0]
            if interrupts:
                raise_interrupt()
        for one in known:
            core.free(one)

    def _stop(self) -> None:
        """Ends the master's activity, where it has any of its own."""

    @staticmethod
    def _copyBits(dst: Any, dstLsb: int, src: Any, srcLsb: int, size: int) -> None:
        """Copies `size` bits from bit `srcLsb` of buffer `src` to bit `dstLsb` of `dst`. Bit n is
        bit n % 8, counted from the least significant, of byte n / 8."""
        source = "Master::copyBits"
        to, of = view_of(source, dst, True), view_of(source, src, False)
        words = "Attempt to copy %d bits starting from bit %d from %s array with bitSize %d"
        for view, lsb, which in ((to, dstLsb, "dest"), (of, srcLsb, "source")):
            if lsb + size > 8 * len(view):
                raise general_error(source, words % (size, lsb, which, 8 * len(view)))
        check(lib.rogue_mem_copy_bits(to, len(to), dstLsb, of, len(of), srcLsb, size))

    @staticmethod
    def _setBits(dst: Any, lsb: int, size: int) -> None:
        """Sets `size` bits of buffer `dst`, from bit `lsb` on, to one."""
        to = view_of("Master::setBits", dst, True)
        if lsb + size > 8 * len(to):
            words = "Attempt to set %d bits starting from bit %d in array with bitSize %d"
            raise general_error("Master::setBits", words % (size, lsb, 8 * len(to)))
        check(lib.rogue_mem_set_bits(to, len(to), lsb, size))

    @staticmethod
    def _anyBits(src: Any, lsb: int, size: int) -> bool:
        """Whether any of `size` bits of buffer `src`, from bit `lsb` on, is one."""
        of, found = view_of("Master::anyBits", src, False), ffi.new("bool *")
        if lsb + size > 8 * len(of):
            words = "Attempt to access %d bits starting from bit %d from array with bitSize %d"
            raise general_error("Master::anyBits", words % (size, lsb, 8 * len(of)))
        check(lib.rogue_mem_any_bits(of, len(of), lsb, size, found))
        return bool(found[0])

    def __rshift__(self, other: _Other) -> _Other:
        """``master >> slave`` connects the master to the slave, and is `other`."""
        slave: Any = other
        if not isinstance(slave, Slave) and hasattr(other, "_getMemorySlave"):
            slave = other._getMemorySlave()
        if not isinstance(slave, Slave):
            raise general_error(
                "memory::Master::rshiftPy",
                "Attempt to use >> operator with incompatible memory slave: %r" % (other,),
            )
        self._setSlave(slave)
        return other

    __reduce_ex__ = refuse_copies

    @described
    def __repr__(self) -> str:
        error = self._getError()
        return "<%s.%s to %r at 0x%x%s>" % (
            type(self).__module__,
            type(self).__name__,
            self._reqSlaveName(),
            self._reqAddress(),
            ", last error: %s" % error if error else "",
        )


def _beyond(size: int, total: int, offset: int) -> Exception:
    return general_error(
        _SOURCE,
        "Attempt to access %d bytes in python buffer with size %d at offset %d"
        % (size, total, offset),
    )
