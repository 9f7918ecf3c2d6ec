"""The figures that are taken once, because noise hardly touches them: wake-ups, memory,
instructions and allocations; and how what is measured within one process is taken."""

import contextlib
import os
import re
import tempfile
import time

from . import figures, programs

# How long a connected pair is left alone before its wake-ups are counted.
IDLE_SETTLE_S = 1.0
# Reads that have gone over the connection before.
IDLE_USED_COUNT = 100
# Memory for one outstanding request is read off between these two.
HELD_FIRST_COUNT = 10000
HELD_COUNT = 100000
HELD_QUICK_DIVISOR = 50
# Memory per client is read off between these two; the first pays for what all share.
IDLE_CLIENTS_FIRST = 16
IDLE_CLIENTS = 128
# Writes that are seen, of each kind, and the pauses before and after them.
SEEN_COUNT = 10000
SEEN_QUICK_DIVISOR = 100
SEEN_GAP_US = 100
# Two lengths of a run under callgrind; start-up and shutdown are the same in both.
INSTRUCTION_RUNS = {1: (300, 1300), 128: (2560, 12800)}
INSTRUCTION_RUNS_QUICK = {1: (50, 100)}
INPROCESS_ALLOCATION_COUNT = 100000

CALLGRIND_TOTAL = re.compile(r"^(?:totals|summary):\s*(\d+)", re.MULTILINE)
# By which API each is written.
INPROCESS_PROGRAMS = {
    "cpp_inprocess": "cpp",
    "cpp_srp": "cpp",
    "c_inprocess": "c",
    "c_srp": "c",
    "python_inprocess": "python",
}


def idle_wakeups(bin_dir, placement, names, seconds):
    """Wake-ups per second of a connected pair that nobody uses, for each peer. All pairs are
    watched at the same time: idle ones do not disturb each other."""
    with contextlib.ExitStack() as stack:
        sessions = {}
        for name in names:
            peer = figures.PEERS[name]
            session = stack.enter_context(programs.Session(bin_dir, placement))
            sessions[name] = session
            session.start_server(peer.server)
            client = session.start_client(peer.client)
            client.ask("prepare")
            client.ask("run count=%d" % IDLE_USED_COUNT)
        time.sleep(IDLE_SETTLE_S)
        before = {name: switches(session) for name, session in sessions.items()}
        begin = time.monotonic()
        time.sleep(seconds)
        found = {}
        for name, session in sessions.items():
            elapsed_s = time.monotonic() - begin
            server, client = (
                (after - earlier) / elapsed_s
                for after, earlier in zip(switches(session), before[name])
            )
            found[name] = {"server_per_s": server, "client_per_s": client}
        for session in sessions.values():
            session.finish()
    return found


def idle_link(bin_dir, placement, name, seconds):
    """Wake-ups per second of both ends of an open link that nobody uses, and the segments that they
    exchange to keep it open: one that comes wakes a thread, and one that is due has a timer. What
    comes is answered at once, so that half of the segments are answers."""
    peer = figures.PEERS[name]
    with programs.Session(bin_dir, placement) as session:
        session.start_server(peer.server)
        client = session.start_client(peer.client)
        client.ask("prepare")
        client.ask("run count=%d" % IDLE_USED_COUNT)
        time.sleep(IDLE_SETTLE_S)
        before, first = sum(switches(session)), client.ask("segments")["segments"]
        begin = time.monotonic()
        time.sleep(seconds)
        elapsed_s = time.monotonic() - begin
        after, last = sum(switches(session)), client.ask("segments")["segments"]
        session.finish()
    # One of the wake-ups was for the first question.
    wakeups, segments = after - before - 1, last - first
    return {
        "wakeups_per_s": wakeups / elapsed_s,
        "segments_per_s": segments / elapsed_s,
        "beyond_per_s": (wakeups - 1.5 * segments) / elapsed_s,
    }


def switches(session):
    """Context switches of each program of a session."""
    return [programs.context_switches(program.pid) for program in session.programs]


def client_memory(bin_dir, placement, name, seconds, quick):
    """Memory of the server per client that is connected, and per one that keeps requests in
    flight."""
    peer = figures.PEERS[name]
    first, further = IDLE_CLIENTS_FIRST, IDLE_CLIENTS
    if quick:
        first, further = first // 8, further // 16
    values = {"clients": further}
    with programs.Session(bin_dir, placement) as session:
        server = session.start_server(peer.server)
        few = session.start_client(peer.client, "--clients", str(first))
        if peer.many_clients:
            few.ask("prepare")
        with_first = programs.memory_bytes(server.pid)
        busy = session.start_client(peer.client, "--clients", str(further))
        values["idle_bytes"] = (programs.memory_bytes(server.pid) - with_first) / further
        if peer.many_clients:
            busy.send("run outstanding=%d seconds=%.3f" % (figures.CLIENTS_OUTSTANDING, seconds))
            time.sleep(seconds / 2)
            values["busy_bytes"] = (programs.memory_bytes(server.pid) - with_first) / further
            busy.answer()
        session.finish()
    return values


def outstanding_memory(bin_dir, placement, name, quick):
    """Memory of the client per request that is not answered, beside its payload. The client is not
    asked to end: it is in the middle of things."""
    peer = figures.PEERS[name]
    first, all_of_them = HELD_FIRST_COUNT, HELD_COUNT
    if quick:
        first, all_of_them = first // HELD_QUICK_DIVISOR, all_of_them // HELD_QUICK_DIVISOR
    with programs.Session(bin_dir, placement) as session:
        session.start_server(peer.server, "--slave", "silent")
        client = session.start_client(peer.client)
        begin = client.ask("hold count=%d capacity=%d" % (first, all_of_them))
        end = client.ask("hold count=%d" % (all_of_them - first))
    held = end["held"] - begin["held"]
    return {
        "outstanding": end["held"],
        "bytes": (end["memory_bytes"] - begin["memory_bytes"]) / held,
    }


def seen(bin_dir, placement, name, quick):
    """How old writes are when the slave sees them, of which every second one is waited for."""
    peer = figures.PEERS[name]
    count = 2 * (SEEN_COUNT // SEEN_QUICK_DIVISOR if quick else SEEN_COUNT)
    with programs.Session(bin_dir, placement) as session:
        server = session.start_server(peer.server, "--slave", "stamp")
        # On one CPU a program that goes on would keep the server from running.
        sleeps = placement.name == "one"
        command = "seen count=%d gap_us=%d sleeps=%d" % (count, SEEN_GAP_US, sleeps)
        session.start_client(peer.client).ask(command)
        found = {
            kind: server.ask("seen waited=%d" % waited)["latency_ns"]
            for waited, kind in enumerate(("seen_unwaited", "seen_waited"))
        }
        session.finish()
    return {
        kind: {"samples": times["samples"], "p50_ns": times["p50"], "p999_ns": times["p999"]}
        for kind, times in found.items()
    }


def instructions_of(path):
    """The total of a callgrind output file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        match = CALLGRIND_TOTAL.search(file.read())
    if not match:
        raise programs.BenchError("%s: callgrind has written no total" % path)
    return int(match.group(1))


def instructions_of_run(bin_dir, placement, peer, outstanding, count):
    """Instructions of server and client for one run of `count` reads, and the requests made."""
    with tempfile.TemporaryDirectory(prefix="rogue_mem_bench_") as folder:

        def wrap(name):
            path = os.path.join(folder, name)
            return [
                "valgrind",
                "--tool=callgrind",
                "--quiet",
                "--fair-sched=yes",
                "--callgrind-out-file=" + path,
            ]

        with programs.Session(bin_dir, placement) as session:
            session.start_server(peer.server, wrap=wrap("server"))
            client = session.start_client(peer.client, wrap=wrap("client"))
            client.ask("prepare")
            answer = client.ask("run outstanding=%d count=%d sample=0" % (outstanding, count))
            session.finish()
        return {
            "requests": answer["requests"],
            "server": instructions_of(os.path.join(folder, "server")),
            "client": instructions_of(os.path.join(folder, "client")),
        }


def instructions(bin_dir, placement, name, quick):
    """Instructions per transaction of client and server, for each number outstanding: the
    difference between two runs, so that what is done once does not count."""
    peer = figures.PEERS[name]
    found = {}
    for outstanding, lengths in (INSTRUCTION_RUNS_QUICK if quick else INSTRUCTION_RUNS).items():
        short, long = (
            instructions_of_run(bin_dir, placement, peer, outstanding, count) for count in lengths
        )
        requests = long["requests"] - short["requests"]
        found[outstanding] = {
            who: (long[who] - short[who]) / requests for who in ("client", "server")
        }
    return found


def inprocess_figures(bin_dir, program):
    """What a program can measure within its process."""
    path = os.path.join(bin_dir, program)
    if not os.access(path, os.X_OK):
        raise programs.BenchError("%s is not there: it has not been built" % path)
    child = programs.Program([path, "--list"])
    try:
        child.process.wait(programs.HANG_S)
        listed = child.process.stdout.read().decode().split()
        if child.process.returncode != 0 or not listed:
            child.fail("lists no figures")
    finally:
        child.discard()
    return listed


def inprocess(bin_dir, placement, program, figure, limit, preload=None):
    """One figure within one process; `limit` is "seconds=S" or "count=N"."""
    with programs.Session(bin_dir, placement, preload=preload) as session:
        child = session.start(program, figure, limit)
        answer = child.answer()
        session.finish()
    count = answer["transactions"]
    values = {
        "transactions": count,
        "ns": answer["elapsed_ns"] / count,
        "rate_per_s": count * 1e9 / answer["elapsed_ns"],
        "cpu_ns": answer["cpu_ns"] / count,
    }
    if "allocations" in answer:
        values["allocations"] = answer["allocations"] / count
    return values
