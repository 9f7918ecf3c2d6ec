"""Python values of variables: what a variable accepts, and how that reaches the library.

The library converts, checks and places values. What is here belongs to Python: which of its types
stand for a value, lists, numpy's arrays and scalars, and code of the program's models. numpy is
never imported here: before the program does that, there is no array.
"""

from __future__ import annotations

import sys
from array import array
from typing import Any, Callable, NamedTuple

from .held import PlacedHandle, held, place
from .kinds import ARRAY_SOURCES, CODES, ELEMENTS, NUMBERS, Kind
from .native import BYTES, NULL, decode, ffi, from_buffer, general_error, last_error, lib

#: Indices are `int32_t`.
_INDEX_END = 1 << 31
_INDEX_FIRST = -_INDEX_END
#: The widest value that is a number for the library.
_WORD_BITS = 64

_check_count = held("rogue_mem_variable_check_count")
_stage_values = held("rogue_mem_variable_stage_values")
_staged_values = held("rogue_mem_variable_staged_values")
_stage_bytes = held("rogue_mem_variable_stage_bytes")
_staged_bytes = held("rogue_mem_variable_staged_bytes")
_stage_raw = held("rogue_mem_variable_stage_raw")
_stage_raw_values = held("rogue_mem_variable_stage_raw_values")
_staged_raw = held("rogue_mem_variable_staged_raw")
_stage_string = held("rogue_mem_variable_stage_string")
_staged_string = held("rogue_mem_variable_staged_string")
_NO_PLACE = place(NULL)
_UNINDEXED = "Accessing unindexed value not supported for %s"


class Shape(NamedTuple):
    """What the access to a variable depends on."""

    owned: PlacedHandle
    name: str
    #: Number of elements; 0 for a scalar.
    elements: int
    #: Width of a value in bits.
    bits: int
    #: The program's model.
    model: Any


def _checked(index: Any) -> int:
    """`index`, if it is one for the library."""
    if not isinstance(index, int):
        raise TypeError("an index is an int, not %s" % type(index).__name__)
    if not _INDEX_FIRST <= index < _INDEX_END:
        raise OverflowError("index %d is beyond every list" % index)
    return int(index)


def _numpy() -> Any:
    """numpy, if the program has imported it."""
    module = sys.modules.get("numpy")
    # Another thread may be about to.
    return module if hasattr(module, "ndarray") else None


def _is_array(value: Any) -> bool:
    numpy = _numpy()
    return numpy is not None and isinstance(value, numpy.ndarray)


def _is_scalar(value: Any) -> bool:
    numpy = _numpy()
    return numpy is not None and isinstance(value, numpy.generic)


def _demand(status: int) -> None:
    if status:
        raise last_error()


class Access:
    """How Python's values reach a variable."""

    __slots__ = ("_bytes_count", "_count", "_model", "_name", "_owned")

    def __init__(self, shape: Shape) -> None:
        self._owned, self._name, self._count = shape.owned, shape.name, shape.elements
        self._model, self._bytes_count = shape.model, (shape.bits + 7) // 8

    def stage(self, value: Any, index: int) -> None:
        """Stages a value as `Variable._set` does."""
        raise NotImplementedError

    def staged(self, index: int) -> Any:
        """The staged value as `Variable._get` returns it."""
        raise NotImplementedError

    def _refusal(self, source: str, text: str) -> Exception:
        return general_error("Block::" + source, text % self._name)

    def _check_count(self, count: int, index: int, is_list: bool) -> None:
        _demand(_check_count(self._owned.place, count, index, is_list))

    def _element(self, index: Any, source: str, refusal: str) -> int:
        """The index of one value: of a list, all are refused."""
        index = _checked(index)
        if index < 0 and self._count:
            raise self._refusal(source, refusal)
        return index

    def _bytes(self, function: "Callable[..., int]", index: int) -> bytes:
        """The bytes that a function of the library fills in."""
        room = ffi.new("uint8_t[]", self._bytes_count)
        _demand(function(self._owned.place, index, place(room), len(room)))
        return bytes(ffi.buffer(room))


class Numbers(Access):
    """Access to numbers."""

    __slots__ = (
        *("_exact", "_highest", "_kind", "_lowest", "_peek", "_source", "_stage", "_unsure"),
        *("_bits", "_word"),
    )

    def __init__(self, shape: Shape, kind: Kind, model: str) -> None:
        super().__init__(shape)
        self._bits = shape.bits
        self._kind, self._word, self._source = kind, model, "set%sPy" % model
        self._exact, self._lowest, self._highest = kind.exact, kind.lowest, kind.highest
        self._stage = held("rogue_mem_variable_stage_" + kind.word)
        self._peek, self._unsure = held("rogue_mem_variable_peek_" + kind.word), kind.unsure

    def stage(self, value: Any, index: int) -> None:
        if index.__class__ is not int or not _INDEX_FIRST <= index < _INDEX_END:
            index = _checked(index)
        if value.__class__ is not self._exact or not self._lowest <= value <= self._highest:
            if isinstance(value, list):
                self._stage_list(value, index)
                return
            if _is_array(value):
                self._stage_array(value, index)
                return
            value = self._value(value)
        if self._stage(self._owned.place, value, 0 if index == -1 else index):
            raise last_error()

    def staged(self, index: int) -> Any:
        if index != -1:
            index = max(_checked(index), -1)
        if index == -1:
            if self._count:
                return self._all()
            # Ignored; a negative number takes ctypes longer.
            index = 0
        value = self._peek(self._owned.place, index)
        if value == self._unsure:
            return self._one(index)
        return value

    def _value(self, value: Any) -> Any:
        """The value that an object stands for."""
        kind = self._kind
        if _is_scalar(value):
            if value.dtype.name not in kind.scalars:
                raise self._refusal(self._source, kind.scalar_text)
            value = value.item()
        elif not isinstance(value, (kind.exact, *kind.others)):
            raise self._refusal(self._source, "Failed to extract value for %s.")
        return self._fitting(kind.exact(value))

    def _fitting(self, value: Any) -> Any:
        """`value`, if the library's type can hold it."""
        if value < self._lowest or value > self._highest:
            words = (value, self._name, self._lowest, self._highest)
            raise OverflowError("%d is no value for %s, which takes %d to %d" % words)
        return value

    def _stage_list(self, values: "list[Any]", index: int) -> None:
        kind = self._kind
        self._check_count(len(values), index, kind.sequence == "list")
        accepted = (kind.exact, *kind.others)
        if not all(issubclass(one, accepted) for one in set(map(type, values))):
            raise self._refusal(self._source, "Failed to extract value for %s.")
        made = [self._fitting(kind.exact(value)) for value in values]
        self._stage_all(kind.element, array(CODES[kind.element], made), len(made), index)

    def _stage_array(self, values: Any, index: int) -> None:
        kind = self._kind
        if values.ndim != 1:
            text = "Invalid number of dimensions (%d) for passed ndarray for %%s" % values.ndim
            raise self._refusal(self._source, text)
        self._check_count(len(values), index, False)
        name = values.dtype.name
        if name not in kind.arrays:
            word = ARRAY_SOURCES.get(self._word, self._word)
            raise self._refusal("set%sPy" % word, kind.array_text)
        element = name if name in ELEMENTS else kind.element
        # In native order, one after the other.
        values = _numpy().ascontiguousarray(values, element)
        self._stage_all(element, values, len(values), index)

    def _stage_all(self, element: str, values: Any, count: int, index: int) -> None:
        view = from_buffer(BYTES, values)
        kind = ELEMENTS[element]
        _demand(_stage_values(self._owned.place, kind, place(view), count, index))

    def _fill(self, element: str, values: Any, count: int, index: int) -> Any:
        view = from_buffer(BYTES, values, True)
        kind = ELEMENTS[element]
        _demand(_staged_values(self._owned.place, kind, index, place(view), count))
        return values

    def _one(self, index: int) -> Any:
        """One value, if `peek` leaves it open whether it failed."""
        element = self._kind.element
        value = self._fill(element, array(CODES[element], bytes(8)), 1, index)[0]
        return self._exact(value)

    def _all(self) -> Any:
        """All values: an array, or a list where nothing has imported numpy."""
        kind, count, numpy = self._kind, self._count, _numpy()
        if numpy is None:
            cells = array(CODES[kind.element], bytes(8 * count))
            return [
                self._exact(value) for value in self._fill(kind.element, cells, count, 0)[:count]
            ]
        shown = kind.array_of(self._bits)
        element = shown if shown in ELEMENTS else kind.element
        return self._fill(element, numpy.empty(count, element), count, 0).astype(shown, copy=False)


class Flags(Numbers):
    """Access to truth values."""

    __slots__ = ()

    def staged(self, index: int) -> Any:
        value = super().staged(index)
        return value == 1 if value.__class__ is int else value


class Converted(Access):
    """Access to values that code of the program's converts: those of its own models, and integers
    that are too wide to be numbers for the library."""

    __slots__ = ()

    def stage(self, value: Any, index: int) -> None:
        index = _checked(index)
        if _is_array(value):
            raise self._refusal("setPyFunc", "Passing ndarray not supported for %s")
        if not isinstance(value, list):
            self._put(self._made(value), 0 if index == -1 else index)
            return
        self._check_count(len(value), index, False)
        made = [self._made(one) for one in value]
        joined = from_buffer(BYTES, b"".join(map(bytes, made)))
        sizes = ffi.new("size_t[]", [len(view) for view in made])
        _demand(_stage_raw_values(self._owned.place, place(joined), place(sizes), len(made), index))

    def staged(self, index: int) -> Any:
        index = self._element(index, "getPyFunc", "Accessing unindexed value not support for %s")
        return self._model.fromBytes(self._bytes(_staged_raw, index))

    def _made(self, value: Any) -> Any:
        """The bytes that the program's model makes of a value."""
        made = self._model.toBytes(value)
        try:
            return from_buffer(BYTES, made)
        except (TypeError, ValueError, BufferError):
            text = "Failed to extract byte array from pyFunc return value for %s"
            raise self._refusal("setPyFunc", text) from None

    def _put(self, view: Any, index: int) -> None:
        _demand(_stage_raw(self._owned.place, place(view), len(view), index))


class Bytes(Access):
    """Access to bytes."""

    __slots__ = ()

    def stage(self, value: Any, index: int) -> None:
        index = self._element(index, "setByteArrayPy", _UNINDEXED)
        try:
            view = from_buffer(BYTES, value)
        except (TypeError, ValueError, BufferError):
            raise self._refusal("setByteArray", "Failed to extract byte array for %s") from None
        _demand(_stage_bytes(self._owned.place, place(view), len(view), index))

    def staged(self, index: int) -> bytes:
        index = self._element(index, "setByteArrayPy", _UNINDEXED)
        return self._bytes(_staged_bytes, index)


class Text(Access):
    """Access to text."""

    __slots__ = ()

    def stage(self, value: Any, index: int) -> None:
        index = self._element(index, "setStringPy", "Using nparray not supported for %s")
        try:
            text = str.encode(value)
        except (TypeError, UnicodeEncodeError):
            raise self._refusal("setStringPy", "Failed to extract value for %s.") from None
        view = ffi.new("char[]", text)
        _demand(_stage_string(self._owned.place, place(view), index))

    def staged(self, index: int) -> str:
        index = self._element(index, "getStringPy", "Using ndarry not supported for %s")
        text = ffi.new("char[]", self._bytes_count + 1)
        _demand(_staged_string(self._owned.place, index, place(text), len(text), _NO_PLACE))
        return decode(text)


class Foreign(Access):
    """Access to a variable whose model the library does not know."""

    __slots__ = ()

    def stage(self, value: Any, index: int) -> None:
        # It says so.
        _demand(_stage_raw(self._owned.place, place(ffi.new("uint8_t[1]")), 1, _checked(index)))

    def staged(self, index: int) -> Any:
        return self._bytes(_staged_raw, _checked(index))


def access_of(shape: Shape, model_id: int) -> Access:
    """The access to a variable of a model."""
    if model_id == lib.ROGUE_MEM_MODEL_STRING:
        return Text(shape)
    if model_id == lib.ROGUE_MEM_MODEL_BYTES:
        return Bytes(shape)
    if model_id == lib.ROGUE_MEM_MODEL_PYFUNC:
        return Converted(shape)
    if model_id not in NUMBERS:
        return Foreign(shape)
    if shape.bits > _WORD_BITS:
        return Converted(shape)
    kind = Flags if model_id == lib.ROGUE_MEM_MODEL_BOOL else Numbers
    return kind(shape, *NUMBERS[model_id])
