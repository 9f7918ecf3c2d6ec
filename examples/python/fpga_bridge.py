#!/usr/bin/env python3
"""Exports the registers of an FPGA to remote programs:

    TcpServer >> SrpV3 == packetizer == RSSI == UDP

    fpga_bridge.py HOST PORT [TCP_PORT]     default: a TCP port the system chooses

Prints its port, and serves until its standard input ends. Tells when the link to the FPGA opens and
closes.
"""

import sys

import rogue
import rogue.interfaces.memory as rim
import rogue.protocols as rp
import rogue.protocols.srp as rps


def serve(host: str, port: int, tcp_port: int) -> None:
    # The road to the board; firmware with the interleaving packetizer has version 2
    with rp.UdpRssiPack(port=port, host=host, packVer=2) as board:
        # Runs on a thread of its own
        board.setLinkCallback(lambda is_open, text: print(text, flush=True))

        # Fails with a text that names the layer: no datagram, a closed port, no RSSI
        board.waitOpen(10.0)

        # Destination 0 is that of registers by convention
        srp = rps.SrpV3()
        srp == board.application(0)

        # Listen on all interfaces using ports <port> and <port> + 1
        with rim.TcpServer("*", tcp_port) as tcp:
            tcp >> srp
            print("listening on port %d" % tcp.getPort(), flush=True)
            sys.stdin.read()

        link = board.getStats()
        print(
            "link: opened %d times, round trip %.1f us (99 %% below %.1f us), "
            "%d segments sent again"
            % (
                link["open_count"],
                link["round_trip_p50_ns"] / 1e3,
                link["round_trip_p99_ns"] / 1e3,
                link["retransmits"],
            ),
            flush=True,
        )


def main() -> int:
    if len(sys.argv) < 3:
        print("usage: fpga_bridge.py HOST PORT [TCP_PORT]", file=sys.stderr)
        return 2
    tcp_port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    try:
        serve(sys.argv[1], int(sys.argv[2]), tcp_port)
    except rogue.GeneralError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
