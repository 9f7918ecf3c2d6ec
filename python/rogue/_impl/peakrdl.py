"""The callbacks of packages that peakrdl-python generates.

Their signatures are those of peakrdl-python's documentation, "Callbacks": `addr` in bytes, `width`
and `accesswidth` in bits, values as integers, a block in entries. Neither is imported here.
"""

from __future__ import annotations

import operator
import struct
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .master import Master
from .native import GeneralError, general_error, reason_of
from .requests import (
    read,
    readAsync,
    readMany,
    readManyAsync,
    write,
    writeAsync,
    writeMany,
    writeManyAsync,
)
from .slave import Slave

_SOURCE = "rogue.peakrdl"
_ORDERS = {"little": "<", "big": ">"}
#: Codes of `struct` and of the arrays of peakrdl-python's legacy sets, by the bytes of an entry.
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_ARRAY_CODES = {1: "B", 2: "H", 4: "L", 8: "Q"}
_ADDRESSES_END = 1 << 64


def _entry_bytes(addr: int, width: int) -> int:
    """The bytes that an entry takes: peakrdl-python places entries of a memory at powers of two."""
    if width < 8:
        raise ValueError(
            "the entries at 0x%x have %d bits, and peakrdl-python gives entries below 8 bits no "
            "addresses of their own: declare a memwidth of 8 or more" % (addr, width)
        )
    return 1 << (width - 1).bit_length() - 3


class Callbacks:
    """Reads and writes the registers of a generated package through a master; `callbacks` makes it.

    `normal` and `asyncio` have the arguments of the package's sets; `master` carries out the
    accesses. The methods are the callbacks: addresses are those of the register model, in bytes,
    and `width` is in bits. A register is read or written with one transaction of its width;
    `accesswidth` is up to the device. A block goes out as one burst of transactions of at most
    `access_bytes_max` bytes. Any thread may call them, and await the coroutines in any event loop.

    They raise GeneralError with the address and the cause if a transaction fails, and ValueError
    for a value that does not fit its width, before anything is sent.
    """

    __module__ = "rogue.peakrdl"

    def __init__(
        self, master: Master, offset: int, byteorder: str, access_bytes_max: int, arrays: bool
    ) -> None:
        if byteorder not in _ORDERS:
            raise ValueError("byteorder is 'little' or 'big', not %r" % (byteorder,))
        if access_bytes_max < 1:
            raise ValueError("access_bytes_max is 1 or more, not %d" % access_bytes_max)
        self.master = master
        self._offset = operator.index(offset)
        self._byteorder: Any = byteorder
        self._bytes_max = access_bytes_max
        self._arrays = arrays

    @property
    def normal(self) -> "dict[str, Any]":
        """The arguments of a NormalCallbackSet."""
        return {
            "read_callback": self.read,
            "write_callback": self.write,
            "read_block_callback": self.readBlock,
            "write_block_callback": self.writeBlock,
        }

    @property
    def asyncio(self) -> "dict[str, Any]":
        """The arguments of an AsyncCallbackSet."""
        return {
            "read_callback": self.readAsync,
            "write_callback": self.writeAsync,
            "read_block_callback": self.readBlockAsync,
            "write_block_callback": self.writeBlockAsync,
        }

    def read(self, addr: int, width: int, accesswidth: int) -> int:
        """The value of a register or an entry of a memory."""
        place, size = self._place(addr, width)
        with self._telling("read", addr, width):
            data = read(self.master, place, size)
        return self._values(data, addr, width)[0]

    def write(self, addr: int, width: int, accesswidth: int, data: int) -> None:
        """Writes a register or an entry of a memory, and waits for the device."""
        place, _ = self._place(addr, width)
        given = self._bytes([data], addr, width)
        with self._telling("write", addr, width):
            write(self.master, place, given)

    def readBlock(
        self, addr: int, width: int, accesswidth: int, length: int
    ) -> "list[int] | array[int]":
        """The values of `length` entries, one after the other."""
        parts = self._parts(addr, width, length)
        with self._telling("read", addr, width, length):
            data = readMany(self.master, *parts)
        return self._block(data, addr, width)

    def writeBlock(self, addr: int, width: int, accesswidth: int, data: "Iterable[int]") -> None:
        """Writes entries, one after the other, and waits for the device."""
        values = list(data)
        places, sizes = self._parts(addr, width, len(values))
        given = self._bytes(values, addr, width)
        with self._telling("write", addr, width, len(values)):
            writeMany(self.master, places, given, sizes)

    async def readAsync(self, addr: int, width: int, accesswidth: int) -> int:
        """`read`, without blocking the event loop."""
        place, size = self._place(addr, width)
        with self._telling("read", addr, width):
            data = await readAsync(self.master, place, size)
        return self._values(data, addr, width)[0]

    async def writeAsync(self, addr: int, width: int, accesswidth: int, data: int) -> None:
        """`write`, without blocking the event loop."""
        place, _ = self._place(addr, width)
        given = self._bytes([data], addr, width)
        with self._telling("write", addr, width):
            await writeAsync(self.master, place, given)

    async def readBlockAsync(
        self, addr: int, width: int, accesswidth: int, length: int
    ) -> "list[int] | array[int]":
        """`readBlock`, without blocking the event loop."""
        parts = self._parts(addr, width, length)
        with self._telling("read", addr, width, length):
            data = await readManyAsync(self.master, *parts)
        return self._block(data, addr, width)

    async def writeBlockAsync(
        self, addr: int, width: int, accesswidth: int, data: "Iterable[int]"
    ) -> None:
        """`writeBlock`, without blocking the event loop."""
        values = list(data)
        places, sizes = self._parts(addr, width, len(values))
        given = self._bytes(values, addr, width)
        with self._telling("write", addr, width, len(values)):
            await writeManyAsync(self.master, places, given, sizes)

    def _place(self, addr: int, width: int, count: int = 1) -> "tuple[int, int]":
        """The address on the bus, and the bytes of each entry."""
        place, size = addr + self._offset, _entry_bytes(addr, width)
        if place < 0 or place + count * size > _ADDRESSES_END:
            raise general_error(
                _SOURCE,
                "%d bytes at 0x%x of the register model, with the offset %#x, lie outside the bus, "
                "whose addresses are 0 to 2^64 - 1" % (count * size, addr, self._offset),
            )
        return place, size

    def _parts(self, addr: int, width: int, count: int) -> "tuple[list[int], list[int]]":
        """The addresses on the bus and the sizes of the transactions of a block."""
        place, size = self._place(addr, width, count)
        # 0 = not limited.
        limit = min(self.master._reqMaxAccess() or self._bytes_max, self._bytes_max)
        step, total = max(limit // size, 1) * size, count * size
        places = list(range(place, place + total, step))
        return places, [min(step, place + total - at) for at in places]

    def _values(self, data: "bytes | bytearray", addr: int, width: int) -> "list[int]":
        size = _entry_bytes(addr, width)
        if size in _CODES:
            form = "%s%d%s" % (_ORDERS[self._byteorder], len(data) // size, _CODES[size])
            values = list(struct.unpack(form, data))
        else:
            parts = (data[at : at + size] for at in range(0, len(data), size))
            values = [int.from_bytes(part, self._byteorder) for part in parts]
        if width == 8 * size:
            return values
        mask = (1 << width) - 1
        return [value & mask for value in values]

    def _block(self, data: bytearray, addr: int, width: int) -> "list[int] | array[int]":
        values = self._values(data, addr, width)
        if not self._arrays:
            return values
        code = _ARRAY_CODES.get(_entry_bytes(addr, width))
        if code is None:
            raise ValueError(
                "an array has entries of at most 64 bits, and those at 0x%x have %d" % (addr, width)
            )
        return array(code, values)

    def _bytes(self, data: "list[int]", addr: int, width: int) -> bytes:
        size, end = _entry_bytes(addr, width), 1 << width
        values = list(map(operator.index, data))
        if values and (min(values) < 0 or max(values) >= end):
            number, value = next(one for one in enumerate(values) if not 0 <= one[1] < end)
            words = "%#x does not fit the %d bits at 0x%x"
            raise ValueError(words % (value, width, addr + number * size))
        if size in _CODES:
            form = "%s%d%s" % (_ORDERS[self._byteorder], len(values), _CODES[size])
            return struct.pack(form, *values)
        return b"".join(value.to_bytes(size, self._byteorder) for value in values)

    @contextmanager
    def _telling(
        self, what: str, addr: int, width: int, count: "int | None" = None
    ) -> "Iterator[None]":
        """Says in the error of an access which one it was."""
        try:
            yield
        except GeneralError as error:
            entries = (
                "%d bits" % width if count is None else "%d entries of %d bits" % (count, width)
            )
            bus = ", 0x%x on the bus" % (addr + self._offset) if self._offset else ""
            words = "Cannot %s %s at 0x%x%s: %s"
            text = words % (what, entries, addr, bus, reason_of(error))
            raise general_error(_SOURCE, text, error.cause) from error


def callbacks(
    master: "Master | Slave",
    offset: int = 0,
    *,
    byteorder: str = "little",
    access_bytes_max: int = 4096,
    arrays: bool = False,
) -> Callbacks:
    """The callbacks of a package that peakrdl-python has generated:
    ``RegModel(callbacks=NormalCallbackSet(**rogue.peakrdl.callbacks(client).normal))``.

    :param master: a master, whose timeout holds; or a slave, such as a TcpClient, a SrpV3 or a Hub,
        which gets a master of its own with the default timeout.
    :param offset: in bytes: where address 0 of the register model lies on the bus.
    :param byteorder: of the registers: ``"little"``, as Rogue has it, or ``"big"``.
    :param access_bytes_max: largest transaction of a block in bytes; less if the path up to the
        first bridge takes less. The default is the largest of SRPv3.
    :param arrays: whether blocks are read as `array.array`, for ``NormalCallbackSetLegacy`` and
        ``AsyncCallbackSetLegacy`` of peakrdl-python 0.9 to 3.
    """
    if isinstance(master, Slave):
        # A hub is both: the registers are what lies behind its offset.
        slave, master = master, Master()
        master._setSlave(slave)
    elif not isinstance(master, Master):
        raise TypeError(
            "expected a Master or a Slave of rogue.interfaces.memory, got %s"
            % type(master).__name__
        )
    return Callbacks(master, offset, byteorder, access_bytes_max, arrays)
