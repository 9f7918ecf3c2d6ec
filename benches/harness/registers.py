"""A map of typed registers behind a bridge, read with one call."""

import statistics

from . import programs

REGISTERS = 10000
REGISTERS_QUICK = 50
# Reads of the whole map, of which the median counts, after as many that do not.
READS = 15


def registers(bin_dir, placement, quick):
    """How long one call takes that reads the map, and how long it takes to look at all values
    afterwards."""
    with programs.Session(bin_dir, placement) as session:
        session.start_server("c_server")
        client = session.start("registers_client", "--port", str(session.port))
        client.answer()
        client.ask("open registers=%d" % (REGISTERS_QUICK if quick else REGISTERS))
        client.ask("read rounds=%d" % READS)
        found = client.ask("read rounds=%d" % READS)
        session.finish()
    return {name: statistics.median(times) for name, times in found.items()}
