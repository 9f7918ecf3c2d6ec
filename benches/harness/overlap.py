"""Registers of a board behind a bridge, which needs time for each access."""

import statistics

from . import programs

REGISTERS = 10000
REGISTERS_QUICK = 50
# From one register to the next: no two could be read with one access.
STEP_BYTES = 4096
# Times that all are read with one burst, of which the median counts; one by one they are read once.
READS = 5
# What the board needs for an access; the accesses that it has begun overlap.
LATENCY_US = 200
# Segments under way on the link: as Rogue has them, and as firmware has.
WINDOWS = (32, 8)


def overlap(bin_dir, placement, window, quick):
    """How long it takes to read all registers, and how long if each is waited for before the next
    is requested."""
    registers = REGISTERS_QUICK if quick else REGISTERS
    with programs.Session(bin_dir, placement) as session:
        board = ("--window", str(window), "--latency", str(LATENCY_US))
        session.start_server("c_rssi_server", *board)
        session.start_server("c_bridge", "--to", str(session.port))
        client = session.start("crate_client")
        client.ask("open shared=0 ports=%d" % session.port)
        which = "registers=%d step=%d" % (registers, STEP_BYTES)
        client.ask("write " + which)
        together = client.ask("read rounds=%d %s" % (READS, which))["times_ns"]
        alone = client.ask("read burst=0 " + which)["times_ns"]
        session.finish()
    return {
        "registers": registers,
        "burst_ns": statistics.median(together),
        "alone_ns": alone[0],
        "ratio": alone[0] / statistics.median(together),
    }
