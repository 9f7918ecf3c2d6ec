"""The families of numbers: their types in Python, in numpy and in the library."""

from __future__ import annotations

import math
import sys
from typing import Any, NamedTuple

from .native import lib

#: Numbers of the library's types of elements, by their names in numpy.
ELEMENTS = {
    "uint8": lib.ROGUE_MEM_ELEMENT_UINT8,
    "uint16": lib.ROGUE_MEM_ELEMENT_UINT16,
    "uint32": lib.ROGUE_MEM_ELEMENT_UINT32,
    "uint64": lib.ROGUE_MEM_ELEMENT_UINT64,
    "int8": lib.ROGUE_MEM_ELEMENT_INT8,
    "int16": lib.ROGUE_MEM_ELEMENT_INT16,
    "int32": lib.ROGUE_MEM_ELEMENT_INT32,
    "int64": lib.ROGUE_MEM_ELEMENT_INT64,
    "bool": lib.ROGUE_MEM_ELEMENT_BOOL,
    "float32": lib.ROGUE_MEM_ELEMENT_FLOAT,
    "float64": lib.ROGUE_MEM_ELEMENT_DOUBLE,
}
#: Codes in `array` of those that lists are made of.
CODES = {"uint64": "Q", "int64": "q", "bool": "B", "float32": "f", "float64": "d"}


class Kind(NamedTuple):
    """A family of numbers."""

    #: Part of the names of the library's functions.
    word: str
    #: Python's type of the values, and other types that stand for one.
    exact: type
    others: "tuple[type, ...]"
    #: The smallest and the largest value of the library's type.
    lowest: Any
    highest: Any
    #: What the library's functions for interpreters return on failure, but also for this value.
    unsure: Any
    #: Names in numpy of types of scalars and of arrays.
    scalars: "tuple[str, ...]"
    arrays: "tuple[str, ...]"
    #: The type of the elements of Python lists for the library.
    element: str
    #: What a Python list is called.
    sequence: str
    #: Texts of refusals of numpy's types, with a place for the name of the variable.
    scalar_text: str
    array_text: str

    def array_of(self, bits: int) -> str:
        """The type of arrays of values of `bits` bits: of several the narrowest."""
        widest_first = zip((64, 32, 16, 8), self.arrays)
        return [name for width, name in widest_first if width >= bits][-1]


def _integers(word: str, lowest: int, highest: int, unsure: int) -> Kind:
    names = tuple("%s%d" % (word, bits) for bits in (64, 32, 16, 8))
    sign = "signed" if lowest else "unsigned"
    return Kind(
        word=word,
        exact=int,
        others=(),
        lowest=lowest,
        highest=highest,
        unsure=unsure,
        scalars=names,
        arrays=names,
        element=names[0],
        sequence="list",
        scalar_text="Failed to extract scalar %s int value for %%s." % sign,
        array_text="Passed nparray is not of an accepted %s int type (%s) for %%s"
        % (sign, ", ".join(names)),
    )


def _floats(word: str, scalar: str, array: str, element: str, shown: str) -> Kind:
    """`shown` is how the texts call the type of arrays."""
    return Kind(
        word=word,
        exact=float,
        others=(int,),
        lowest=-math.inf,
        highest=math.inf,
        unsure=-sys.float_info.max,
        scalars=(scalar,),
        arrays=(array,),
        element=element,
        sequence="array",
        scalar_text="Failed to extract value for %s.",
        array_text="Passed nparray is not of type (%s) for %%s" % shown,
    )


_UNSIGNED = _integers("uint", 0, (1 << 64) - 1, 1 << 63)
_SIGNED = _integers("int", -1 << 63, (1 << 63) - 1, -1 << 63)
_SINGLE = _floats("float", "float32", "float32", "float32", "float32")
_HALF = _floats("float", "float16", "float16", "float32", "float16")
_NARROW = _floats("float", "float64", "float32", "float32", "float32")
_DOUBLE = _floats("double", "float64", "float64", "float64", "double")
_FLAG = Kind(
    word="bool",
    exact=bool,
    others=(int, type(None)),
    lowest=False,
    highest=True,
    unsure=2,
    scalars=("bool",),
    arrays=("bool",),
    element="bool",
    sequence="array",
    scalar_text="Failed to extract value for %s.",
    array_text="Passed nparray is not of type (bool) for %s",
)

#: The numbers of each model, and what the sources of errors call it.
NUMBERS: "dict[int, tuple[Kind, str]]" = {
    lib.ROGUE_MEM_MODEL_UINT: (_UNSIGNED, "UInt"),
    lib.ROGUE_MEM_MODEL_INT: (_SIGNED, "Int"),
    lib.ROGUE_MEM_MODEL_BOOL: (_FLAG, "Bool"),
    lib.ROGUE_MEM_MODEL_FLOAT: (_SINGLE, "Float"),
    lib.ROGUE_MEM_MODEL_DOUBLE: (_DOUBLE, "Double"),
    lib.ROGUE_MEM_MODEL_FIXED: (_DOUBLE, "Fixed"),
    lib.ROGUE_MEM_MODEL_UFIXED: (_DOUBLE, "Fixed"),
    lib.ROGUE_MEM_MODEL_FLOAT16: (_HALF, "Float16"),
    lib.ROGUE_MEM_MODEL_FLOAT8: (_NARROW, "Float8"),
    lib.ROGUE_MEM_MODEL_BFLOAT16: (_NARROW, "BFloat16"),
    lib.ROGUE_MEM_MODEL_TENSOR_FLOAT32: (_NARROW, "TensorFloat32"),
    lib.ROGUE_MEM_MODEL_FLOAT6: (_NARROW, "Float6"),
    lib.ROGUE_MEM_MODEL_FLOAT4: (_NARROW, "Float4"),
}
#: What the source of a refusal of an array's type calls these models instead.
ARRAY_SOURCES = {"Float": "FLoat", "Double": "FLoat"}
