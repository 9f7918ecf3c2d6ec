"""Calls that keep the interpreter's lock, for functions that only move some bytes.

cffi releases the lock around each call. While another Python thread computes, every call may then
wait for the lock, up to the interpreter's switch interval of 5 ms; the call itself takes a tenth of
a microsecond. CPython's ctypes can keep the lock. PyPy's cannot; its cffi hands the lock over less
often.

Only functions that wait for nothing but the bytes of a block are called in this way: a thread that
has these does not need the interpreter.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

from .native import ffi, lib, library_path

try:
    import ctypes
    from ctypes import PyDLL
except ImportError:
    # PyPy, and a CPython that was built without ctypes.

    def held(name: str) -> "Callable[..., Any]":
        """The library's function `name`."""
        function: "Callable[..., Any]" = getattr(lib, name)
        return function

    def place(pointer: Any) -> Any:
        """A pointer of cffi's, as an argument of `held` functions."""
        return pointer

else:
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
    _cast = ffi.cast

    def _type(kind: Any) -> Any:
        """A type of cffi's as one of ctypes'."""
        return ctypes.c_void_p if kind.kind == "pointer" else _TYPES[kind.cname]

    @functools.lru_cache(None)
    def held(name: str) -> "Callable[..., Any]":
        """The library's function `name`. It does not check the range of integers."""
        declared = ffi.typeof(getattr(lib, name))
        function = _library[name]
        function.argtypes = [_type(argument) for argument in declared.args]
        function.restype = _type(declared.result)
        return function

    def place(pointer: Any) -> Any:
        """A pointer of cffi's, as an argument of `held` functions."""
        return int(_cast("uintptr_t", pointer))
