"""Processes of the check, each an object whose methods another process calls."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import traceback
from typing import Any

#: Longest wait for the answer to a call, in seconds: a process that hangs ends the check.
PATIENCE_S = 120


class Process:
    """An object of the class `name` of a module of this package, in a process of its own. What the
    process prints goes to the file `log`."""

    def __init__(self, log: str, module: str, name: str, *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._log = log
        self._process = context.Process(target=_run, args=(theirs, log, module, name, arguments))
        self._process.start()
        theirs.close()
        try:
            self._answer("its start")
        except BaseException:
            self.end()
            raise

    def call(self, method: str, *arguments: Any) -> Any:
        """Calls a method of the object, and returns what it returns. Raises RuntimeError with the
        other process's traceback."""
        self._pipe.send((method, arguments))
        return self._answer(method)

    def _answer(self, what: str) -> Any:
        try:
            if not self._pipe.poll(PATIENCE_S):
                raise RuntimeError(f"no answer to {what} within {PATIENCE_S} s; see {self._log}")
            result, failure = self._pipe.recv()
        except EOFError:
            raise RuntimeError(f"the process ended before {what} did; see {self._log}") from None
        if failure is not None:
            raise RuntimeError(failure)
        return result

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Ends the process, by force if it does not end by itself."""
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _run(pipe: Any, log: str, module: str, name: str, arguments: tuple[Any, ...]) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    served = None
    try:
        served = getattr(importlib.import_module("." + module, __package__), name)(*arguments)
        pipe.send((None, None))
        while True:
            method, arguments = pipe.recv()
            try:
                answer = (getattr(served, method)(*arguments), None)
            except Exception:
                answer = (None, traceback.format_exc())
            pipe.send(answer)
    except EOFError:
        pass
    except Exception:
        pipe.send((None, traceback.format_exc()))
    finally:
        if served is not None:
            served.stop()
        sys.stdout.flush()
