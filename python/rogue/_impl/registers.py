"""Typed registers: blocks of registers and their variables."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Iterable
from threading import get_ident
from typing import TYPE_CHECKING, Any, Callable, Optional

from .held import REFUSED_ARGUMENT, PlacedHandle, held, place
from .lifecycle import described, filled, gate, keep, report
from .master import Master
from .native import (
    NULL,
    asked,
    callback,
    check,
    decode,
    encode,
    ffi,
    general_error,
    in_main_thread,
    interrupts,
    lib,
    refuse_copies,
    text_of,
)
from .values import Shape, access_of

_start = lib.rogue_mem_block_start_packed
_check = lib.rogue_mem_block_check_packed
_try_start = held("rogue_mem_block_try_start_packed")
_try_check = held("rogue_mem_block_try_check_packed")
_STATUS = lib.ROGUE_MEM_PACKED_STATUS
_UPDATED = lib.ROGUE_MEM_PACKED_UPDATED
_FORCED = lib.ROGUE_MEM_PACKED_FORCED
_WOULD_WAIT = lib.ROGUE_MEM_PACKED_WOULD_WAIT
_NO_PLACE = place(NULL)
_ELEMENT_SHIFT = lib.ROGUE_MEM_PACKED_ELEMENT_SHIFT
#: Indices below this one can be packed with the type into 32 bits.
_PACKED_END = (1 << 32 - _ELEMENT_SHIFT) - 1
_READ = lib.ROGUE_MEM_READ
_UPDATE = "_queueUpdate of a memory variable"
_HOMELESS = "Variable %s is in no block, or that no longer exists: add it to a block first"
#: Reads of a test of the rate.
_RATE_COUNT = 100_000

if TYPE_CHECKING:
    from typing import Protocol

    class ModelLike(Protocol):
        """What a variable asks of its model, as pyrogue's models answer."""

        modelId: int
        isBigEndian: bool
        bitReverse: bool
        binPoint: int

    class ListDataLike(Protocol):
        """What a variable asks of the description of its list; 0 values: it is a scalar."""

        numValues: int
        valueBits: int
        valueStride: int


def _signalled(_type: Any, error: BaseException, _traceback: Any) -> None:
    keep(error)


# Only the handler of a signal raises anything here.
@callback("uint32_t(void *)", _signalled)
def _is_interrupted(_ctx: Any) -> int:
    # Python has handled signals before the first statement.
    return 1 if interrupts and in_main_thread() else 0


class _Watched:
    """The thread whose waits end at Ctrl-C."""

    ident: "Optional[int]" = None


def _watch_waits() -> None:
    """Lets waits of the main thread, which gets the signals, end at Ctrl-C."""
    if _Watched.ident == get_ident() or not in_main_thread():
        return
    watch = ffi.new("rogue_mem_watch_t *")
    watch.size = ffi.sizeof("rogue_mem_watch_t")
    watch.is_interrupted, watch.gate = _is_interrupted, gate()
    check(lib.rogue_mem_thread_watch(watch))
    _Watched.ident = get_ident()


def _after_fork() -> None:
    _Watched.ident = None
    _watch_waits()


_watch_waits()
if hasattr(os, "register_at_fork"):
    # After that of the life cycle, which makes a new gate.
    os.register_at_fork(after_in_child=_after_fork)


def _packed(index: Any) -> int:
    """The index of an element, in the form in which it is packed with a type."""
    if index.__class__ is int and 0 <= index < _PACKED_END:
        return int(index + 1 << _ELEMENT_SHIFT)
    raise REFUSED_ARGUMENT("index %r" % (index,))


def _limit(value: Any) -> float:
    """A limit of a range; what is no number is 0. numpy's scalars are numbers, and so is what else
    says so of itself: a limit that is left out unnoticed would allow everything."""
    kind = type(value)
    if not (hasattr(kind, "__float__") or hasattr(kind, "__index__")):
        return 0.0
    try:
        return float(value)
    except OverflowError:
        # Of an integer with more than 1000 bits.
        return float("inf") if value > 0 else float("-inf")


class Variable:
    """A named field of the registers of a `Block`: where its bits are, and what they mean. It is
    used after `Block.addVariables`, and may be subclassed.

    :param name: the name, and the path at first.
    :param mode: ``RW``, ``RO`` (only read) or ``WO`` (only written).
    :param minimum: the smallest value that may be set.
    :param maximum: the largest; if both are 0, or are no numbers, all that the width holds may be.
    :param offset: in bytes; only `_shiftOffsetDown` uses it.
    :param bitOffset: first bit of each part, from the start of the block.
    :param bitSize: width of each part in bits. A value has the bits of the parts in their order,
        from the lowest on.
    :param overlapEn: whether it may share bits with other variables that may.
    :param verify: whether it is read back and compared after a write.
    :param bulkOpEn: whether it takes part in bulk operations; for the program's own use.
    :param updateNotify: whether `_queueUpdate` is called after transactions.
    :param model: an object with the attributes ``modelId``, ``isBigEndian``, ``bitReverse`` and
        ``binPoint``; for ``PyFunc`` and integers of more than 64 bits also ``toBytes(value)`` and
        ``fromBytes(bytes)``.
    :param listData: an object with the attributes ``numValues`` (0: not a list), ``valueBits`` and
        ``valueStride``, both in bits.
    :param retryCount: attempts after a failed one, for each transaction of its block.

    Raises GeneralError for bits that no block can have, or a width that the model cannot have.
    """

    __module__ = "rogue.interfaces.memory"

    def __init__(
        self,
        name: "str | bytes",
        mode: "str | bytes",
        minimum: Any,
        maximum: Any,
        offset: int,
        bitOffset: "Iterable[int]",
        bitSize: "Iterable[int]",
        overlapEn: bool,
        verify: bool,
        bulkOpEn: bool,
        updateNotify: bool,
        model: "ModelLike",
        listData: "ListDataLike",
        retryCount: int,
    ) -> None:
        offsets, sizes = list(bitOffset), list(bitSize)
        texts = ffi.new("char[]", encode(name)), ffi.new("char[]", encode(mode))
        parts = ffi.new("uint64_t[]", offsets), ffi.new("uint64_t[]", sizes)
        model_id, count = model.modelId, listData.numValues
        spec = ffi.new("rogue_mem_variable_spec_t *")
        spec.size = ffi.sizeof("rogue_mem_variable_spec_t")
        spec.name, spec.mode = texts
        spec.minimum, spec.maximum = _limit(minimum), _limit(maximum)
        spec.offset = offset
        spec.bit_offsets, spec.bit_sizes = parts
        spec.has_parts, spec.part_count, spec.size_count = True, len(offsets), len(sizes)
        spec.may_overlap, spec.no_verify = bool(overlapEn), not verify
        spec.no_bulk, spec.no_notify = not bulkOpEn, not updateNotify
        spec.model, spec.bin_point = model_id, model.binPoint
        spec.big_endian, spec.reverse_bits = bool(model.isBigEndian), bool(model.bitReverse)
        spec.num_values, spec.value_bits = count, listData.valueBits
        spec.value_stride, spec.retry_count = listData.valueStride, retryCount
        owned = PlacedHandle(NULL, lib.rogue_mem_variable_release)
        filled(owned, "rogue_mem_variable_t", lib.rogue_mem_variable_new, spec)
        owned.place = place(owned.handle)
        self._rg_variable = owned
        self._rg_home: "Optional[weakref.ref[Block]]" = None
        bits = lib.rogue_mem_variable_value_bits(owned.handle)
        shape = Shape(owned, decode(texts[0]), count, bits, model)
        access = access_of(shape, model_id)
        self._rg_stage, self._rg_staged = access.stage, access.staged
        if type(self)._get is Variable._get:
            # Without the method around it: a class with `__getattr__`, such as pyrogue's, makes
            # each look-up of an attribute of the variable take several times as long.
            self.__dict__["_get"] = access.staged

    def _set(self, value: Any, index: int) -> None:
        """Stages `value`: the block has it, and the next write takes it to the device. Nothing is
        sent.

        :param value: for a list also a list, or an array of numpy's: one value for each element
            from `index` on.
        :param index: an element of a list; -1 means the first one. That of a scalar is ignored.

        Raises GeneralError for a value that the variable cannot have or the program does not allow,
        OverflowError for an integer that no variable of its kind can have. Nothing is staged then.
        """
        self._rg_stage(value, index)

    def _get(self, index: int) -> Any:
        """The staged value, without a transaction.

        :param index: an element of a list; -1: all of them, as an array if numpy has been imported,
            as a list otherwise. That of a scalar is ignored.
        """
        return self._rg_staged(index)

    def _queueUpdate(self) -> None:
        """Called after a transaction of its block has ended well, if updates are wanted, in the
        thread that checked the transaction; override to be told. An exception is printed."""

    def _updatePath(self, path: "str | bytes") -> None:
        """Sets the path that errors and dumps show. A block takes its own path from its first
        variable when that is added."""
        check(lib.rogue_mem_variable_update_path(self._rg_variable.handle, encode(path)))

    def _shiftOffsetDown(self, shift: int, minSize: int) -> None:
        """Moves the origin of the bit positions down by `shift` bytes. From now on accesses cover
        multiples of `minSize` bytes. Raises GeneralError if the variable is in a block."""
        check(lib.rogue_mem_variable_shift_offset_down(self._rg_variable.handle, shift, minSize))

    def _varBytes(self) -> int:
        """Bytes of a block that ends with this variable, in multiples of the smallest access."""
        return int(lib.rogue_mem_variable_var_bytes(self._rg_variable.handle))

    def _offset(self) -> int:
        """Byte offset, as shifted so far."""
        return int(lib.rogue_mem_variable_offset(self._rg_variable.handle))

    def _overlapEn(self) -> bool:
        """Whether it may share bits."""
        return bool(lib.rogue_mem_variable_may_overlap(self._rg_variable.handle))

    def _verifyEn(self) -> bool:
        """Whether it is verified."""
        return bool(lib.rogue_mem_variable_is_verified(self._rg_variable.handle))

    def _bitOffset(self) -> "list[int]":
        """First bits of the parts, as shifted so far."""
        return self._rg_parts(0)

    def _bitSize(self) -> "list[int]":
        """Widths of the parts in bits."""
        return self._rg_parts(1)

    def _rg_parts(self, which: int) -> "list[int]":
        handle, count = self._rg_variable.handle, ffi.new("size_t *")
        check(lib.rogue_mem_variable_parts(handle, NULL, NULL, 0, count))
        both = [ffi.new("uint64_t[]", count[0]) for _ in range(2)]
        check(lib.rogue_mem_variable_parts(handle, *both, count[0], count))
        return list(both[which])

    def _numValues(self) -> int:
        """Number of elements; 0 for a scalar."""
        return int(lib.rogue_mem_variable_num_values(self._rg_variable.handle))

    def _valueBits(self) -> int:
        """Width of a value in bits."""
        return int(lib.rogue_mem_variable_value_bits(self._rg_variable.handle))

    def _valueStride(self) -> int:
        """Distance between elements in bits."""
        return int(lib.rogue_mem_variable_value_stride(self._rg_variable.handle))

    def _retryCount(self) -> int:
        """Attempts after a failed one."""
        return int(lib.rogue_mem_variable_retry_count(self._rg_variable.handle))

    def _getDumpValue(self, read: bool) -> str:
        """The path, ``=``, each value after a space, and a newline; with `read` after a
        transaction. Values that code of the program converts are ``UNDEFINED``."""
        if read:
            self._rg_block_of()._startTransaction(_READ, False, True, self, -1)
        return text_of(lib.rogue_mem_variable_dump, self._rg_variable.handle, 0)

    def _setLogLevel(self, level: int) -> None:
        """Sets the threshold of the logger of its block."""
        check(lib.rogue_mem_variable_set_log_level(self._rg_variable.handle, level))

    def _rateTest(self) -> None:
        """Prints how fast the variable is read. Writes nothing, unlike Rogue's."""
        self._rg_block_of()._rg_rate_test(self)

    def _rg_block_of(self) -> Block:
        """The block that has the variable; GeneralError without one."""
        block = None if self._rg_home is None else self._rg_home()
        if block is None:
            path = text_of(lib.rogue_mem_variable_path, self._rg_variable.handle)
            raise general_error("Variable::block", _HOMELESS % path)
        return block

    __reduce_ex__ = refuse_copies

    @described
    def __repr__(self) -> str:
        path = text_of(lib.rogue_mem_variable_path, self._rg_variable.handle)
        return "<%s.%s %r>" % (type(self).__module__, type(self).__name__, path)


class Block(Master):
    """The registers of a contiguous region: their staged bytes, the variables that say what the
    bits are, and the transactions that move them.

    :param offset: byte offset, relative to the slave that the block is connected to.
    :param size: number of bytes.

    A value that is set is staged: it is in the block, and stale until a write takes it to the
    device. A read takes the bytes of the device over, except for those that are stale. Any thread
    may use a block; its transactions follow each other. A block is disabled at first.
    """

    __module__ = "rogue.interfaces.memory"

    def __init__(self, offset: int, size: int) -> None:
        _watch_waits()
        owned = PlacedHandle(NULL, lib.rogue_mem_block_release)
        self._rg_block = filled(owned, "rogue_mem_block_t", lib.rogue_mem_block_new, offset, size)
        owned.place = place(owned.handle)
        self._rg_init_master(lib.rogue_mem_block_master(owned.handle))
        self._rg_variables: "tuple[Variable, ...]" = ()
        self._rg_updates: "tuple[Callable[[], None], ...]" = ()

    @property
    def path(self) -> str:
        """The path that the first variable had when it was added; ``Undefined`` without any."""
        return text_of(lib.rogue_mem_block_path, self._rg_block.handle)

    @property
    def mode(self) -> str:
        """The mode that all variables have; ``RW`` where they differ, and without variables."""
        return text_of(lib.rogue_mem_block_mode, self._rg_block.handle)

    @property
    def bulkOpEn(self) -> bool:
        """Whether any variable takes part in bulk operations."""
        return bool(lib.rogue_mem_block_is_bulk(self._rg_block.handle))

    @property
    def offset(self) -> int:
        """Byte offset, relative to the slave."""
        return int(lib.rogue_mem_block_offset(self._rg_block.handle))

    @property
    def address(self) -> int:
        """Byte address, as seen from the end of the path."""
        return int(asked(lib.rogue_mem_block_address(self._rg_block.handle)))

    @property
    def size(self) -> int:
        """Number of bytes."""
        return int(lib.rogue_mem_block_size(self._rg_block.handle))

    @property
    def variables(self) -> "list[Variable]":
        """The variables, in the order of their addition."""
        return list(self._rg_variables)

    def setEnable(self, enable: bool) -> None:
        """Lets transactions be sent, or skips them. A write that is skipped is not made up for:
        what was staged for it is not stale any more."""
        check(lib.rogue_mem_block_set_enable(self._rg_block.handle, bool(enable)))

    def addVariables(self, variables: "Iterable[Variable]") -> None:
        """Replaces the variables. All must lie within the block. Variables that may overlap share
        bits with each other, all others share none. Raises GeneralError otherwise, and for no
        variables or one in another block; the block is unchanged then."""
        added = tuple(variables)
        for one in added:
            if not isinstance(one, Variable):
                raise TypeError(
                    "expected a rogue.interfaces.memory.Variable, got %s" % type(one).__name__
                )
        handles = [one._rg_variable.handle for one in added]
        check(lib.rogue_mem_block_add_variables(self._rg_block.handle, handles, len(handles)))
        for one in self._rg_variables:
            one._rg_home = None
        for one in added:
            one._rg_home = weakref.ref(self)
        self._rg_variables = added
        self._rg_updates = tuple(
            one._queueUpdate
            for one, handle in zip(added, handles)
            if lib.rogue_mem_variable_is_notified(handle)
        )

    def _startTransaction(
        self,
        type: int,
        forceWr: bool,
        check: bool,
        variable: "Optional[Variable]",
        index: int,
    ) -> None:
        """Starts a transaction, unless there is no need: a write without stale values that is not
        forced, a read of what is stale, a verify without a write, a block that is disabled.

        :param type: ``Read``, ``Write``, ``Post`` or ``Verify``.
        :param forceWr: whether to write also if nothing is stale.
        :param check: whether to wait for the end, as `_checkTransaction` does. A block with retries
            always waits.
        :param variable: a variable of the block; None: the whole block. A write takes everything
            that is stale along.
        :param index: the element to read; -1: all.

        A transaction of the block that is under way is waited for first. Raises GeneralError for a
        transaction that is larger than the path allows: nothing is sent then; with a wait as
        `_checkTransaction`.
        """
        if not check:
            try:
                what = type + _FORCED if forceWr else type
                if index != -1:
                    what += _packed(index)
                target = _NO_PLACE if variable is None else variable._rg_variable.place
                result = _try_start(self._rg_block.place, target, what)
            except REFUSED_ARGUMENT:
                # The other call takes it, or says what is wrong.
                result = _WOULD_WAIT
            if not result:
                return
            if result != _WOULD_WAIT:
                self._rg_settle(result)
                return
        handle = NULL if variable is None else variable._rg_variable.handle
        result = _start(self._rg_block.handle, type, bool(forceWr), bool(check), handle, index)
        if result or interrupts:
            self._rg_settle(result)

    def _checkTransaction(self) -> None:
        """Waits for the transaction that is under way. Raises GeneralError if one that this thread
        has started has failed, or if what was read back is not what was written."""
        owned = self._rg_block
        result = _try_check(owned.place)
        if result == _WOULD_WAIT:
            result = _check(owned.handle)
        if result == _UPDATED and not interrupts:
            # As `_rg_notify`, without a call: it is done for every access.
            for update in self._rg_updates:
                try:
                    update()
                except BaseException as error:
                    report(_UPDATE, error)
        elif result or interrupts:
            self._rg_settle(result)

    def _rg_settle(self, result: int) -> None:
        """Raises the error of a transaction, or tells its variables."""
        if result & _UPDATED:
            self._rg_notify()
        check(result & _STATUS)

    def _rg_notify(self) -> None:
        for update in self._rg_updates:
            try:
                update()
            except BaseException as error:
                report(_UPDATE, error)

    def _rateTest(self) -> None:
        """Prints how fast the block is read. Writes nothing, unlike Rogue's."""
        self._rg_rate_test(None)

    def _rg_rate_test(self, variable: "Optional[Variable]") -> None:
        start = time.perf_counter()
        for _ in range(_RATE_COUNT):
            self._startTransaction(_READ, False, True, variable, -1)
        rate = _RATE_COUNT / (time.perf_counter() - start)
        print("%s: %d reads, %.0f reads/s" % (self.path, _RATE_COUNT, rate))

    @described
    def __repr__(self) -> str:
        return "<%s.%s %r, %d bytes at 0x%x>" % (
            type(self).__module__,
            type(self).__name__,
            self.path,
            self.size,
            self.address,
        )
