"""Calls that keep the interpreter's lock, for functions that only move some bytes.

cffi releases the lock around each call. While another Python thread computes, every call may then
wait for the lock, up to the interpreter's switch interval of 5 ms; the call itself takes a tenth of
a microsecond, or one. CPython's ctypes can keep the lock. PyPy's cannot; its cffi hands the lock
over less often.

Only functions that wait for nothing but locks that are held for moments are called in this way: a
thread that has one of these does not need the interpreter. They run no code of the program.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

from .lifecycle import NativeHandle, forked_form
from .native import ffi, lib, library_path

try:
    import ctypes
    from ctypes import PyDLL
except ImportError:
    # PyPy, and a CPython that was built without ctypes.
    #: What is raised for an argument that is no number, beside TypeError.
    REFUSED_ARGUMENT: "type[Exception]" = TypeError

    def held(name: str) -> "Callable[..., Any]":
        """The library's function `name`."""
        function: "Callable[..., Any]" = getattr(lib, name)
        return function

    def place(pointer: Any) -> Any:
        """A pointer of cffi's, as an argument of `held` functions."""
        return pointer

else:
    REFUSED_ARGUMENT = ctypes.ArgumentError
    _library = PyDLL(library_path())
    _TYPES: "dict[str, Any]" = {
        "int32_t": ctypes.c_int32,
        "uint32_t": ctypes.c_uint32,
        "int64_t": ctypes.c_int64,
        "uint64_t": ctypes.c_uint64,
        "size_t": ctypes.c_size_t,
        "float": ctypes.c_float,
        "double": ctypes.c_double,
    }
    #: Without the types of a function's arguments, ctypes passes an integer as a C int, and a place
    #: as it is, each in a third of the time.
    _PLAIN_BYTES = ctypes.sizeof(ctypes.c_int)
    _cast = ffi.cast

    def _type(kind: Any) -> Any:
        """A type of cffi's as one of ctypes'."""
        return ctypes.c_void_p if kind.kind == "pointer" else _TYPES[kind.cname]

    def _is_plain(kind: Any) -> bool:
        """Whether ctypes passes an argument right without its type."""
        is_number = kind.cname in ("int32_t", "uint32_t") and ffi.sizeof(kind) == _PLAIN_BYTES
        return kind.kind == "pointer" or is_number

    @functools.lru_cache(None)
    def held(name: str) -> "Callable[..., Any]":
        """The library's function `name`. It does not check the range of integers. Its pointers are
        places."""
        declared = ffi.typeof(getattr(lib, name))
        function = _library[name]
        # All or none: those behind the last one that is said would be arguments of `...`, which
        # some processors pass in another way.
        if not all(map(_is_plain, declared.args)):
            function.argtypes = [_type(argument) for argument in declared.args]
        function.restype = _type(declared.result)
        return function

    def place(pointer: Any) -> Any:
        """A pointer of cffi's, as an argument of `held` functions."""
        address = int(_cast("uintptr_t", pointer))
        # Of all that stands for a pointer ctypes passes this without another object. It refers to
        # no memory of its own.
        return ctypes.byref(ctypes.c_char.from_address(address)) if address else None


class PlacedHandle(NativeHandle):
    """A native object that held functions take."""

    __slots__ = ("place",)

    #: The handle, as an argument of held functions.
    place: Any


forked_form(PlacedHandle)
