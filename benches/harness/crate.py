"""A crate of boards: one server for each of many boards, and a process with a client for each, all
on one shared loop."""

import statistics
import time

from . import programs

# Of how many boards the cost is taken.
BOARDS = (10, 100, 1000)
BOARDS_QUICK = (2, 5, 10)
REGISTERS = 10
# Reads of all boards, of which the median counts, after as many that do not.
READS = 15
# What a pair keeps for a while after it has been used.
SETTLE_S = 3.0
SETTLE_QUICK_S = 0.1


def burst_ns(client):
    """How long it takes to read the registers of every board once."""
    read = "read registers=%d rounds=%d" % (REGISTERS, READS)
    client.ask(read)
    return statistics.median(client.ask(read)["times_ns"])


def crate(bin_dir, placement, quick, shared=True):
    """{number of boards: values}. The memory of one more client and server is that of the last
    step, by which the others are many times as many as before."""
    found = {}
    before = (0, 0)
    with programs.Session(bin_dir, placement) as session:
        server, client = session.start("crate_server"), session.start("crate_client")
        there = 0
        for boards in BOARDS_QUICK if quick else BOARDS:
            ports = server.ask("open boards=%d" % (boards - there))["ports"]
            listed = ",".join(str(port) for port in ports)
            client.ask("open shared=%d ports=%s" % (shared, listed))
            time_ns = burst_ns(client)
            time.sleep(SETTLE_QUICK_S if quick else SETTLE_S)
            memory = tuple(programs.private_bytes(one.pid) for one in (server, client))
            found[boards] = {
                "burst_ns": time_ns,
                "board_ns": time_ns / boards,
                "client_threads": programs.thread_count(client.pid),
                "server_bytes": (memory[0] - before[0]) / (boards - there),
                "client_bytes": (memory[1] - before[1]) / (boards - there),
            }
            there, before = boards, memory
        session.finish()
    return found
