#!/usr/bin/env python3
"""Registers in an asyncio program: many reads at once, none of which blocks the event loop.

Takes no arguments, and ends with 0 if all went as expected.
"""

import asyncio
import sys

import rogue.interfaces.memory as rim


async def use(master: rim.Master) -> int:
    await rim.writeAsync(master, 0x1000, bytes(range(256)))
    reads = [rim.readAsync(master, 0x1000 + 4 * n, 4) for n in range(64)]
    parts = await asyncio.gather(*reads)
    print("read %d registers at once" % len(parts))
    return 0 if b"".join(parts) == bytes(range(256)) else 1


def main() -> int:
    with rim.TcpServer("127.0.0.1", 0) as server:
        registers = rim.Emulate(4, 0x1000)
        server >> registers
        with rim.TcpClient("127.0.0.1", server.getPort()) as client:
            master = rim.Master()
            master >> client
            return asyncio.run(use(master))


if __name__ == "__main__":
    sys.exit(main())
