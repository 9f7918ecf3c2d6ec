"""Rogue's logging, and its forwarding to Python's."""

from __future__ import annotations

import logging
from typing import Any

from .lifecycle import NativeHandle, escaped, filled, gate, report
from .native import NULL, callback, check, decode, encode, encode_any, ffi, lib, text_of

_LEVELS = {
    "Critical": lib.ROGUE_MEM_LOG_CRITICAL,
    "Error": lib.ROGUE_MEM_LOG_ERROR,
    "Thread": lib.ROGUE_MEM_LOG_THREAD,
    "Warning": lib.ROGUE_MEM_LOG_WARNING,
    "Info": lib.ROGUE_MEM_LOG_INFO,
    "Debug": lib.ROGUE_MEM_LOG_DEBUG,
}
_PREFIX = "pyrogue."
_PLACE = "<rogue>"
_WHAT = "a handler of rogue's log messages"
logging.addLevelName(lib.ROGUE_MEM_LOG_THREAD, "THREAD")


class _Levels(type):
    """Makes the levels read-only."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if name in _LEVELS:
            raise AttributeError("the level %s cannot be changed" % name)
        super().__setattr__(name, value)


class _Forward:
    is_on = False


class Logging(metaclass=_Levels):
    """The settings of the log.

    Loggers have dotted names below ``pyrogue``. A message appears if its level is at least that of
    the longest filter that matches its logger, else the global level, ``Error`` by default. It is
    written to standard output as ``sec.usec:name: text``, and forwarded to Python's `logging` if
    `setForwardPython` has enabled that. Filters act at once, on existing and on later loggers.
    """

    __module__ = "rogue"

    Critical = _LEVELS["Critical"]
    Error = _LEVELS["Error"]
    Thread = _LEVELS["Thread"]
    Warning = _LEVELS["Warning"]
    Info = _LEVELS["Info"]
    Debug = _LEVELS["Debug"]

    def __init__(self, *_arguments: Any) -> None:
        raise RuntimeError("rogue.Logging is not to be instantiated")

    def name(self) -> str:
        """The name of a logger; Python has none."""
        raise RuntimeError("rogue.Logging is not to be instantiated")

    @staticmethod
    def setLevel(level: int) -> None:
        """Sets the level of all loggers without a filter of their own."""
        lib.rogue_mem_log_set_level(level)

    @staticmethod
    def setFilter(filter: str, level: int) -> None:
        """Sets the level of the loggers called `filter`, or whose name continues it after a dot. A
        leading ``pyrogue.`` may be left out."""
        check(lib.rogue_mem_log_set_filter(encode(filter), level))

    @staticmethod
    def normalizeName(name: str) -> str:
        """The full name of a logger: with ``pyrogue.`` at the start."""
        return text_of(lib.rogue_mem_log_normalize_name, encode(name))

    @staticmethod
    def setForwardPython(enable: bool) -> None:
        """Switches forwarding to Python's `logging` on or off; it is off by default. Records carry
        ``rogue_cpp``, ``rogue_tid``, ``rogue_pid``, ``rogue_logger``, ``rogue_timestamp`` and
        ``rogue_component`` beside the usual fields, and are handled on the thread that logs."""
        if enable:
            _sink.gate = gate()
            check(lib.rogue_mem_log_set_sink(_sink))
        else:
            check(lib.rogue_mem_log_set_sink(NULL))
        _Forward.is_on = bool(enable)

    @staticmethod
    def forwardPython() -> bool:
        """Whether messages go to Python's `logging`."""
        return _Forward.is_on

    @staticmethod
    def setEmitStdout(enable: bool) -> None:
        """Switches output to standard output on or off; it is on by default."""
        lib.rogue_mem_log_set_emit_stdout(bool(enable))

    @staticmethod
    def emitStdout() -> bool:
        """Whether messages go to standard output."""
        return bool(lib.rogue_mem_log_emit_stdout())


class Logger:
    """A source of messages of this package: ``pyrogue.<name>``."""

    def __init__(self, name: str) -> None:
        owned = NativeHandle(NULL, lib.rogue_mem_logger_release)
        kind, new = "rogue_mem_logger_t", lib.rogue_mem_logger_new
        self._logger: NativeHandle = filled(owned, kind, new, encode(name))

    def log(self, level: int, text: str) -> None:
        lib.rogue_mem_logger_log(self._logger.handle, level, encode_any(text))


def _record(level: int, name: str, text: str, seconds: float, tid: int, pid: int) -> Any:
    component = name.removeprefix(_PREFIX)
    return logging.makeLogRecord(
        {
            "name": name,
            "msg": text,
            "args": (),
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "pathname": _PLACE,
            "filename": _PLACE,
            "module": "rogue",
            "funcName": _PLACE,
            "lineno": 0,
            "created": seconds,
            "msecs": (seconds - int(seconds)) * 1000,
            "thread": tid,
            "threadName": "rogue",
            "process": pid,
            "processName": "rogue",
            "relativeCreated": 0.0,
            "rogue_cpp": True,
            "rogue_tid": tid,
            "rogue_pid": pid,
            "rogue_logger": name,
            "rogue_timestamp": seconds,
            "rogue_component": component.split(".")[0],
        }
    )


@callback(
    "void(void *, uint32_t, char *, char *, uint64_t, uint32_t, uint64_t, uint32_t)", escaped(_WHAT)
)
def _log(
    ctx: Any, level: int, name: Any, text: Any, seconds: int, micros: int, tid: int, pid: int
) -> None:
    try:
        full = decode(name)
        logger = logging.getLogger(full)
        if logger.isEnabledFor(level):
            when = seconds + micros / 1e6
            logger.handle(_record(level, full, decode(text), when, tid, pid))
    except BaseException as error:
        report(_WHAT, error)


_sink = ffi.new("rogue_mem_log_sink_t *")
_sink.size = ffi.sizeof("rogue_mem_log_sink_t")
_sink.log = _log
