"""Memory masters: requests and waits."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Iterable
from typing import Any, Optional, TypeVar

from .lifecycle import (
    Interpreter,
    NativeHandle,
    deferred,
    described,
    end_deferred,
    filled,
    forked_form,
)
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
#: Results of a wait; `_getError` returns the error texts.
WAITED = (
    lib.ROGUE_MEM_OK,
    _PENDING,
    lib.ROGUE_MEM_ERROR_TRANSACTION,
    lib.ROGUE_MEM_ERROR_TRANSACTION_TIMEOUT,
)
_UNKNOWN = object()
_SIZE_MAX = 0xFFFF_FFFF
#: Number of entries at which finished transactions without a wait are removed. As many as the
#: library keeps.
_PINS_COUNT_MIN = 1 << 17
_cancel = lib.rogue_mem_master_cancel
_outstanding = lib.rogue_mem_master_outstanding
_wait_many = lib.rogue_mem_master_wait_many
_Other = TypeVar("_Other")


class MasterHandle(NativeHandle):
    """A native master, and the buffers that its pending reads write to."""

    # pins, by the id of a transaction without a wait: the result of `ffi.from_buffer`, which keeps
    # the buffer in place; or None if the transaction was done at its start and the library no
    # longer knows it. For writes, which need no buffer, only the latter.
    # connecting: a lock around the two steps of a connection.
    __slots__ = ("connecting", "pins", "pins_count_max")

    def __init__(self, handle: Any) -> None:
        self.pins: "dict[int, Any]" = {}
        self.pins_count_max = _PINS_COUNT_MIN
        self.connecting = threading.RLock()
        super().__init__(handle, lib.rogue_mem_master_release)

    def was_done_at_once(self, id: int) -> bool:
        """Whether transaction `id` was done at its start: the library is not asked."""
        if self.pins.get(id, _UNKNOWN) is not None:
            return False
        self.pins.pop(id, None)
        return True

    def free(self, id: int) -> None:
        """Releases the buffer of a collected transaction, if there is one."""
        view = self.pins.pop(id, None)
        if view is not None:
            release(view)

    def cancel(self, ids: "Iterable[int]", view: Any = None) -> bool:
        """Cancels transactions. False: a slave has just locked some; these keep their buffer, which
        is `view` if it is not known yet."""
        known = [one for one in ids if one]
        if not known:
            return True
        if _cancel(self.handle, len(known), known, 0):
            for one in known:
                self.pins.pop(one, None)
            return True
        if view is not None:
            self.pins.update((one, view) for one in known)
        return False

    def shed(self) -> None:
        """Releases the buffers of transactions that the library no longer knows, and the entries of
        all but the latest of those that were done at their start."""
        known = list(self.pins.items())
        # Queried after the copy: an id that is missing now has ended.
        outstanding = set(self.outstanding())
        done = [id for id, view in known if view is None]
        for id in done[:-_PINS_COUNT_MIN]:
            self.pins.pop(id, None)
        for id, view in known:
            if view is not None and id > 0 and id not in outstanding:
                self.free(id)
        self.pins_count_max = max(_PINS_COUNT_MIN, 2 * len(self.pins))

    def outstanding(self) -> "list[int]":
        """Ids of the transactions that the library still knows."""
        count = ffi.new("size_t *")
        check(_outstanding(self.handle, NULL, 0, count))
        ids = ffi.new("uint32_t[]", count[0])
        check(_outstanding(self.handle, ids, len(ids), count))
        return ffi.unpack(ids, min(count[0], len(ids))) if len(ids) else []

    def __del__(self) -> None:
        if Interpreter.is_closing:
            # No thread writes to the buffers any more, so a wait is pointless.
            deferred.append(self)
        elif not self.end():
            deferred.append(self)

    def end(self) -> bool:
        """Cancels all transactions, without a wait for their locks: this thread may hold one. Other
        objects may refer to the native master, so its buffers must be out of its reach."""
        handle = getattr(self, "handle", None)
        if handle:
            if not _cancel(handle, 0, NULL, 0):
                return False
            self.pins.clear()
            self._release(handle)
        return True


forked_form(MasterHandle)


class Master:
    """Creates transactions and waits for them.

    Any number may be outstanding. Any thread may create them and wait for them; waits release the
    GIL and end at Ctrl-C. A master keeps its slave alive. When it is destroyed, its outstanding
    transactions are given up, and nothing writes to their buffers any more.
    """

    __module__ = "rogue.interfaces.memory"

    def __init__(self) -> None:
        if deferred:
            end_deferred()
        self._rg_master = filled(MasterHandle(NULL), "rogue_mem_master_t", lib.rogue_mem_master_new)
        self._rg_target: "Optional[Slave]" = None

    def _rg_init_master(self, handle: Any) -> None:
        """`handle`, a new reference, is the master half of another native object."""
        self._rg_master = MasterHandle(handle)
        self._rg_target = None

    def _setSlave(self, slave: "Optional[Slave]") -> None:
        """Connects to `slave`, in place of the present one; None disconnects."""
        if slave is None:
            other = filled(MasterHandle(NULL), "rogue_mem_master_t", lib.rogue_mem_master_new)
            target = NativeHandle(
                lib.rogue_mem_master_slave(other.handle), lib.rogue_mem_slave_release
            )
        elif isinstance(slave, Slave):
            target = slave._rg_slave
        else:
            raise TypeError(
                "expected a rogue.interfaces.memory.Slave, got %s" % type(slave).__name__
            )
        former = self._rg_target
        with self._rg_master.connecting:
            # Both or neither: the library's slave lives as long as this object.
            check(lib.rogue_mem_master_set_slave(self._rg_master.handle, target.handle))
            self._rg_target = slave
        # Outside the lock: possibly the last reference.
        del former

    def _getSlave(self) -> "Optional[Slave]":
        """The connected slave, or None."""
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
        """Base address of this master, as seen from the end of the path."""
        return asked(lib.rogue_mem_master_req_address(self._rg_master.handle))

    def _getError(self) -> str:
        """Text of the last error of a wait of this master; "" if there was none since
        `_clearError`."""
        return text_of(lib.rogue_mem_master_error, self._rg_master.handle)

    def _clearError(self) -> None:
        """Clears the last error."""
        lib.rogue_mem_master_clear_error(self._rg_master.handle)

    def _setTimeout(self, timeout: int) -> None:
        """Sets the timeout of later transactions in microseconds, counted from their last sign of
        life; 0 changes nothing. The default is one second."""
        lib.rogue_mem_master_set_timeout(self._rg_master.handle, timeout)

    def _reqTransaction(
        self, address: int, buffer: Any, size: int = 0, offset: int = 0, type: int = _READ
    ) -> int:
        """Starts a transaction and returns its id, for `_waitTransaction`.

        :param address: byte address.
        :param buffer: bytes, bytearray, memoryview or contiguous array. A Read or Verify writes to
            it until the end of the wait for the transaction, and it cannot be resized until then;
            the data of a Write or Post is copied before this returns.
        :param size: number of bytes; 0 = the buffer from `offset` on.
        :param offset: first byte of the buffer to use.
        :param type: ``Read``, ``Write``, ``Post`` or ``Verify``.

        The slave may be called in this thread. A failure of the transaction is reported by the
        wait, also for an unknown type or an access beyond the address space. Raises GeneralError if
        the buffer cannot be used.
        """
        owned = self._rg_master
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
                raise beyond(size, total, offset)
            place = view + offset
        else:
            if size == 0:
                size = total
            elif size > total:
                raise beyond(size, total, offset)
            place = view
        started = 0
        try:
            started = _start(owned.handle, address, size, place, type)
            if not started:
                raise last_error()
            if started > _DONE:
                started -= _DONE
                if type != _POST:
                    owned.pins[started] = None
            elif reads:
                owned.pins[started] = view
            if len(owned.pins) > owned.pins_count_max:
                owned.shed()
        except (GeneralError, TypeError):
            raise
        except OverflowError:
            if size > _SIZE_MAX:
                words = "A transaction of %d bytes was asked for; one carries at most %d: split it"
                raise general_error(_SOURCE, words % (size, _SIZE_MAX)) from None
            raise
        except BaseException:
            # Ctrl-C came right after the start, and the id is lost.
            if started:
                owned.cancel([started % _DONE], view if reads else None)
            elif reads:
                # Still in use: the buffer must be kept, under any number.
                owned.pins[-builtins.id(view)] = view
            raise
        if interrupts and in_main_thread():
            owned.cancel([started])
            raise_interrupt()
        return started

    def _waitTransaction(self, id: int) -> None:
        """Waits until transaction `id` has ended, or all outstanding ones if it is 0; at most until
        its timeout. An unknown id returns at once. `_getError` returns the text of a failure."""
        owned = self._rg_master
        pins = owned.pins
        if not id:
            if not isinstance(id, int):
                raise TypeError("an id is an int, not %s" % type(id).__name__)
            self._rg_wait_all(owned)
            return
        if pins.get(id, _UNKNOWN) is None:
            # It was done at its start.
            pins.pop(id, None)
            return
        while _wait_for(owned.handle, id, SLICE_US) == _PENDING:
            if interrupts:
                raise_interrupt()
        view = pins.pop(id, None)
        if COLLECTS_LATE and view is not None:
            release(view)
        if interrupts:
            raise_interrupt()

    def _rg_wait_all(self, owned: MasterHandle) -> None:
        # Transactions requested from now on are not waited for, and keep their buffers.
        known = list(owned.pins)
        waited = ffi.new("size_t *")
        ids = ffi.new("uint32_t[]", owned.outstanding())
        at, end = 0, len(ids)
        while at < end:
            status = _wait_many(owned.handle, end - at, ids + at, SLICE_US, waited)
            if status not in WAITED:
                raise last_error()
            at += waited[0]
            if interrupts:
                raise_interrupt()
        for one in known:
            owned.free(one)

    def _stop(self) -> None:
        """Ends the master's own activity, if it has any."""

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
        of, found = view_of("Master::anyBits", src, False), ffi.new("uint32_t *")
        if lsb + size > 8 * len(of):
            words = "Attempt to access %d bits starting from bit %d from array with bitSize %d"
            raise general_error("Master::anyBits", words % (size, lsb, 8 * len(of)))
        check(lib.rogue_mem_any_bits(of, len(of), lsb, size, found))
        return bool(found[0])

    def __rshift__(self, other: _Other) -> _Other:
        """``master >> slave`` connects the master to the slave and returns `other`."""
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


def beyond(size: int, total: int, offset: int, source: str = _SOURCE) -> Exception:
    return general_error(
        source,
        "Attempt to access %d bytes in python buffer with size %d at offset %d"
        % (size, total, offset),
    )
