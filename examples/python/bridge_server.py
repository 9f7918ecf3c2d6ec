#!/usr/bin/env python3
"""Serves a register bus over TCP, as Rogue's documentation of the memory TCP bridge shows it.

    bridge_server.py [PORT]     default: a port the system chooses

It says on which port it listens, and serves until its standard input ends.
"""

import sys

import rogue
import rogue.interfaces.memory as rim
import rogue.protocols.srp as rps


def main() -> int:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    try:
        # Local memory SRP bridge
        srpv3 = rps.SrpV3()

        # The emulation takes the place of the stream to the hardware
        hardware = rps.SrpV3Emulation()
        srpv3 == hardware

        # Listen on all interfaces using ports <port> and <port> + 1
        tcp = rim.TcpServer("*", port)

        # Connect the TCP bridge to the local memory Slave
        tcp >> srpv3

        print("listening on port %d" % tcp.getPort(), flush=True)
        sys.stdin.read()
        tcp._stop()
    except rogue.GeneralError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
