#!/usr/bin/env python3
"""A custom memory Master: many outstanding transactions at once, errors, and a timeout.

Takes no arguments, and ends with 0 if all went as expected.
"""

import sys

import rogue
import rogue.interfaces.memory as rim


class TableMaster(rim.Master):
    """Moves whole tables of registers: over a network they take one round trip and not one each."""

    def write(self, address: int, table: list[int]) -> None:
        places = range(address, address + 4 * len(table), 4)
        rim.writeMany(self, places, b"".join(value.to_bytes(4, "little") for value in table))

    def read(self, address: int, count: int) -> list[int]:
        data = rim.readMany(self, range(address, address + 4 * count, 4), 4)
        return [int.from_bytes(data[n : n + 4], "little") for n in range(0, 4 * count, 4)]


class DeadSlave(rim.Slave):
    """Never answers."""

    def __init__(self) -> None:
        super().__init__(4, 4)

    def _doTransaction(self, tran: rim.Transaction) -> None:
        pass


def error_of(master: TableMaster) -> str:
    try:
        master.read(0, 1)
    except rogue.GeneralError as error:
        return str(error)
    return ""


def main() -> int:
    master = TableMaster()

    # Not connected yet: every transaction fails at once with an error that says so.
    unconnected = error_of(master)
    print("unconnected: %s" % unconnected)

    memory = rim.Emulate(4, 0x1000)
    master >> memory
    table = [n * n for n in range(1000)]
    master.write(0x2000, table)
    back = master.read(0x2000, len(table))
    print("wrote and read %d registers" % len(table))

    # A slave that does not answer costs one timeout; the error names the transaction.
    dead = DeadSlave()
    master >> dead
    master._setTimeout(50 * 1000)  # microseconds
    timeout = error_of(master)
    print("no answer: %s" % timeout)
    return 0 if unconnected and back == table and "Timeout" in timeout else 1


if __name__ == "__main__":
    sys.exit(main())
