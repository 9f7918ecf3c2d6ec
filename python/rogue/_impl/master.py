"""Memory masters: requests and waits."""

from __future__ import annotations

from typing import Any, Optional

from .lifecycle import Core, interrupts, raise_interrupt
from .native import (
    BYTES,
    COLLECTS_LATE,
    SLICE_US,
    check,
    ffi,
    from_buffer,
    general_error,
    last_error,
    lib,
    made,
    release,
    text_of,
)
from .slave import Slave

_new = ffi.new
_UINT32 = ffi.typeof("uint32_t *")
_request = lib.rogue_mem_master_request
_request_copy = lib.rogue_mem_master_request_copy
_wait_for = lib.rogue_mem_master_wait_for
_PENDING = lib.ROGUE_MEM_ERROR_TIMEOUT
_READ = lib.ROGUE_MEM_READ
_WRITE = lib.ROGUE_MEM_WRITE
_POST = lib.ROGUE_MEM_POST
_VERIFY = lib.ROGUE_MEM_VERIFY


class MasterCore(Core):
    """A native master, and the buffers that its transactions may still write to."""

    # A transaction's entry is what `ffi.from_buffer` made: it keeps the buffer where it is.
    __slots__ = ("pins",)

    def __init__(self, handle: Any) -> None:
        self.pins: "dict[int, Any]" = {}
        super().__init__(handle, lib.rogue_mem_master_release)

    def __del__(self) -> None:
        # Others may refer to the native master: the buffers must be out of its reach nevertheless.
        if self.pins and self.handle:
            lib.rogue_mem_master_give_up(self.handle)
            self.pins.clear()
        super().__del__()


class Master:
    """Makes transactions and waits for them.

    Any number may be outstanding, made and waited for by any threads; waits release the GIL and end
    by Ctrl-C. A master keeps the slave that it is connected to. When it goes, its outstanding
    transactions are given up, and nothing writes to their buffers any more.
    """

    __module__ = "rogue.interfaces.memory"

    def __init__(self) -> None:
        self._rg_master = MasterCore(made("rogue_mem_master_t", lib.rogue_mem_master_new))
        self._rg_target: "Optional[Slave]" = None

    def _rg_init_master(self, handle: Any) -> None:
        """`handle` is the master half of another native object, a new reference."""
        self._rg_master = MasterCore(handle)
        self._rg_target = None

    def _setSlave(self, slave: "Optional[Slave]") -> None:
        """Connects to `slave`, in place of what it was connected to; None disconnects."""
        if slave is None:
            other = MasterCore(made("rogue_mem_master_t", lib.rogue_mem_master_new))
            nobody = Core(lib.rogue_mem_master_slave(other.handle), lib.rogue_mem_slave_release)
            check(lib.rogue_mem_master_set_slave(self._rg_master.handle, nobody.handle))
        elif isinstance(slave, Slave):
            handle = slave._rg_slave.handle
            check(lib.rogue_mem_master_set_slave(self._rg_master.handle, handle))
        else:
            raise TypeError(
                "expected a rogue.interfaces.memory.Slave, got %s" % type(slave).__name__
            )
        self._rg_target = slave

    def _getSlave(self) -> "Optional[Slave]":
        """The slave that it is connected to, or None."""
        return self._rg_target

    def _reqSlaveId(self) -> int:
        """Id of the slave at the end of the path."""
        return lib.rogue_mem_master_req_slave_id(self._rg_master.handle)

    def _reqSlaveName(self) -> str:
        """Name of the slave at the end of the path."""
        return text_of(lib.rogue_mem_master_req_slave_name, self._rg_master.handle)

    def _reqMinAccess(self) -> int:
        """Smallest access in bytes."""
        return lib.rogue_mem_master_req_min_access(self._rg_master.handle)

    def _reqMaxAccess(self) -> int:
        """Largest access in bytes; 0 = not limited. A master does not split, a hub does."""
        return lib.rogue_mem_master_req_max_access(self._rg_master.handle)

    def _reqAddress(self) -> int:
        """Address of what this master sees at 0, as seen from the end of the path."""
        return lib.rogue_mem_master_req_address(self._rg_master.handle)

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
        :param size: number of bytes; 0 = all of the buffer.
        :param offset: first byte of the buffer to use.
        :param type: ``Read``, ``Write``, ``Post`` or ``Verify``.

        The slave may be called in this thread. Whether the transaction fails is for the wait to
        tell. Raises GeneralError if the buffer or the type cannot be used.
        """
        core = self._rg_master
        reads = type != _WRITE and type != _POST
        try:
            view = from_buffer(BYTES, buffer, reads)
        except (TypeError, ValueError, BufferError) as error:
            raise general_error(
                "Master::reqTransaction",
                "Python Buffer %s Error: %s" % ("contig" if reads else "simple", error),
            ) from None
        total = len(view)
        if not size:
            size = total
        if offset:
            if size + offset > total or offset < 0:
                raise _beyond(size, total, offset)
            place = view + offset
        elif size > total:
            raise _beyond(size, total, offset)
        else:
            place = view
        number = _new(_UINT32)
        if not reads:
            if _request_copy(core.handle, address, size, place, type, number):
                raise last_error()
            if interrupts:
                raise_interrupt()
            return number[0]
        try:
            if _request(core.handle, address, size, place, type, number):
                raise last_error()
            id = number[0]
            core.pins[id] = view
            if interrupts:
                raise_interrupt()
            return id
        except BaseException:
            # Ctrl-C may come right behind the request, whose buffer must stay then.
            if number[0]:
                core.pins[number[0]] = view
            raise

    def _waitTransaction(self, id: int) -> None:
        """Waits until transaction `id` has ended, or all that are outstanding if it is 0; at most
        for its timeout. An unknown id returns at once. A failure is told by `_getError`."""
        core = self._rg_master
        pins = core.pins
        if not id:
            self._rg_wait_all(core)
            return
        while _wait_for(core.handle, id, SLICE_US) == _PENDING:
            pass
        view = pins.pop(id, None)
        if COLLECTS_LATE and view is not None:
            release(view)

    def _rg_wait_all(self, core: MasterCore) -> None:
        # Those that are requested meanwhile keep theirs.
        known = list(core.pins)
        while _wait_for(core.handle, 0, SLICE_US) == _PENDING:
            pass
        for one in known:
            view = core.pins.pop(one, None)
            if view is not None:
                release(view)

    def _stop(self) -> None:
        """Ends the master's activity, where it has any of its own."""

    @staticmethod
    def _copyBits(dst: Any, dstLsb: int, src: Any, srcLsb: int, size: int) -> None:
        """Copies `size` bits from bit `srcLsb` of buffer `src` to bit `dstLsb` of `dst`. Bit n is
        bit n % 8, counted from the least significant, of byte n / 8."""
        to, of = from_buffer(BYTES, dst, True), from_buffer(BYTES, src)
        check(lib.rogue_mem_copy_bits(to, len(to), dstLsb, of, len(of), srcLsb, size))

    @staticmethod
    def _setBits(dst: Any, lsb: int, size: int) -> None:
        """Sets `size` bits of buffer `dst`, from bit `lsb` on, to one."""
        to = from_buffer(BYTES, dst, True)
        check(lib.rogue_mem_set_bits(to, len(to), lsb, size))

    @staticmethod
    def _anyBits(src: Any, lsb: int, size: int) -> bool:
        """Whether any of `size` bits of buffer `src`, from bit `lsb` on, is one."""
        of, found = from_buffer(BYTES, src), _new("bool *")
        check(lib.rogue_mem_any_bits(of, len(of), lsb, size, found))
        return bool(found[0])

    def __rshift__(self, other: Any) -> None:
        """``master >> slave`` connects the master to the slave."""
        slave = other
        if not isinstance(slave, Slave) and hasattr(other, "_getMemorySlave"):
            slave = other._getMemorySlave()
        if not isinstance(slave, Slave):
            raise general_error(
                "memory::Master::rshiftPy",
                "Attempt to use >> with an incompatible memory slave: %r" % (other,),
            )
        self._setSlave(slave)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # A subclass that says how it is pickled comes first; this is for those that do not.
        if type(self).__reduce__ is not object.__reduce__:
            return self.__reduce__()
        raise RuntimeError("%s can be neither copied nor pickled" % type(self).__name__)

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
        "Master::reqTransaction",
        "Attempt to access %d bytes in python buffer with size %d at offset %d"
        % (size, total, offset),
    )
