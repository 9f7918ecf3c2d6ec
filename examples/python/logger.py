#!/usr/bin/env python3
"""Rogue's log messages, on standard output and through Python's own logging.

Takes no arguments, and ends with 0 if all went as expected.
"""

import logging
import sys

import rogue
import rogue.interfaces.memory as rim


class Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append("%s: %s" % (record.name, record.getMessage()))


def main() -> int:
    # Before or after the creation of the object: filters act at once
    rogue.Logging.setFilter("pyrogue.memory.Emulate", rogue.Logging.Debug)

    collector = Collector()
    logging.getLogger("pyrogue").addHandler(collector)
    logging.getLogger("pyrogue").setLevel(logging.DEBUG)
    rogue.Logging.setForwardPython(True)

    master, memory = rim.Master(), rim.Emulate(4, 0x1000)
    master >> memory
    rim.write(master, 0x1000, bytes(4))
    rogue.Logging.setForwardPython(False)
    return 0 if any("Allocating block" in line for line in collector.lines) else 1


if __name__ == "__main__":
    sys.exit(main())
