"""What the numbers must be, and whether they are."""

from . import figures
from .boards import Boards
from .figures import KIB, MIB

# A table that grows once in a while is no allocation per transaction.
ALLOCATIONS_MAX = 0.001
SINGLE_CLIENT_FIGURES = (
    "latency",
    "reads_16",
    "reads_128",
    "reads_1024",
    "reads_8192",
    "clients_1",
)


class Judge(Boards):
    """Compares results with the bars."""

    # --- one client ---

    def latency(self):
        """The median of a 4-byte read by that of the floor."""
        for placement, limit in (("one", 1.4), ("free", 1.2)):
            for peer in figures.OURS:
                ratio = self.results.ratio(
                    ("latency", peer, placement, "p50_ns"),
                    ("latency", "floor", placement, "p50_ns"),
                )
                self.at_most(
                    "latency",
                    "4-byte read, p50",
                    placement,
                    peer,
                    "≤ %.1f × floor" % limit,
                    ratio,
                    limit,
                    "%.2f × floor",
                )
        for peer in figures.OURS:
            ratio = self.results.ratio(
                ("latency_spin", peer + "_spin", "free", "p50_ns"),
                ("latency_spin", "floor_spin", "free", "p50_ns"),
            )
            self.at_most(
                "latency_spin",
                "4-byte read, p50, both sides spinning",
                "free",
                peer,
                "≤ 1.5 × spinning floor",
                ratio,
                1.5,
                "%.2f × floor",
            )

    def path(self):
        """The median of a 4-byte read at a path by that at a port of the same host."""
        for placement in ("one", "free"):
            ratio = self.results.ratio(
                ("path_latency", "c_path", placement, "p50_ns"),
                ("path_latency", "c", placement, "p50_ns"),
            )
            self.at_most(
                "path_latency",
                "4-byte read, p50, at a path",
                placement,
                "c",
                "≤ 1.0 × at a port",
                ratio,
                1.0,
                "%.2f × at a port",
            )

    def curve(self):
        """Encrypted by in the clear, and by libzmq encrypted."""
        blocks = [("curve_%s_%d" % (kind, MIB), kind) for kind in ("read", "write")]
        for placement in ("one", "free"):
            for other, limit, words in (("c", 3.0, "in the clear"), ("zmq_curve", 1.0, "zmq")):
                ratio = self.results.ratio(
                    ("curve_latency", "c_curve", placement, "p50_ns"),
                    ("curve_latency", other, placement, "p50_ns"),
                )
                self.at_most(
                    "curve_latency",
                    "4-byte read, p50, CURVE",
                    placement,
                    "c",
                    "≤ %.1f × %s" % (limit, words),
                    ratio,
                    limit,
                    "%.2f × " + words,
                )
            for figure, kind in blocks:
                title = "1 MiB block %s, CURVE" % kind
                rate = self.results.median(figure, "c_curve", placement, "bytes_per_s")
                self.at_least(
                    figure,
                    title,
                    placement,
                    "c",
                    "≥ 0.2 GB/s",
                    None if rate is None else rate / 1e9,
                    0.2,
                    "%.2f GB/s",
                )
                ratio = self.results.ratio(
                    (figure, "c_curve", placement, "bytes_per_s"),
                    (figure, "zmq_curve", placement, "bytes_per_s"),
                )
                self.at_least(
                    figure, title, placement, "c", "≥ 1.0 × zmq", ratio, 1.0, "%.2f × zmq"
                )

    def tail(self):
        """The slowest hundredth. A hiccup of the machine adds a time of its own to whatever it
        hits; the floor shows how long: by as much as the floor's p99 lies above its p50, ours
        may."""
        limit_text = "≤ 2 × own p50, machine hiccups aside"
        for placement in ("one", "free"):
            floor = [
                self.results.median("latency", "floor", placement, name)
                for name in ("p50_ns", "p99_ns")
            ]
            for peer in figures.OURS:
                p50, p99 = (
                    self.results.median("latency", peer, placement, name)
                    for name in ("p50_ns", "p99_ns")
                )
                if p50 is None or floor[0] is None:
                    self.add("tail", "4-byte read, p99", placement, peer, limit_text)
                    continue
                hiccup = p99 > 2 * p50 and p99 - p50 <= floor[1] - floor[0]
                note = ""
                if p99 > 2 * p50:
                    note = "floor: %.2f × own p50" % (floor[1] / floor[0])
                    note += ", the machine's hiccups" if hiccup else ""
                self.add(
                    "tail",
                    "4-byte read, p99",
                    placement,
                    peer,
                    limit_text,
                    "%.2f × own p50" % (p99 / p50),
                    p99 <= 2 * p50 or hiccup,
                    note,
                )

    def rates(self):
        """Reads per second with many outstanding."""
        for peer in figures.OURS:
            rate = self.results.median("burst_1024", peer, "free", "rate_per_s")
            self.at_least(
                "rate_1024",
                "reads/s, 1024 outstanding, burst call",
                "free",
                peer,
                "≥ 2.0 M/s",
                None if rate is None else rate / 1e6,
                2.0,
                "%.2f M/s",
            )
        for figure, placements, limit in (
            ("burst_1024", ("free",), 5.0),
            ("burst_16", ("one", "free"), 4.0),
            ("reads_1024", ("free",), 2.0),
            ("reads_16", ("one", "free"), 2.0),
        ):
            kind, outstanding = figure.split("_")
            title = "reads/s, %s outstanding" % outstanding
            title += ", burst call" if kind == "burst" else ""
            for placement in placements:
                for peer in figures.OURS:
                    ratio = self.results.ratio(
                        (figure, peer, placement, "rate_per_s"),
                        ("reads_" + outstanding, "zmq", placement, "rate_per_s"),
                    )
                    self.at_least(
                        figure,
                        title,
                        placement,
                        peer,
                        "≥ %.0f × zmq" % limit,
                        ratio,
                        limit,
                        "%.1f × zmq",
                    )

    def seen(self):
        """When the slave sees a write that nobody waits for. On one CPU it is measured too, with
        the requester asleep after the request, and not judged."""
        floor = self.results.median("seen_waited", "floor", "free", "p999_ns")
        for peer in figures.OURS:
            ratio = self.results.ratio(
                ("seen_unwaited", peer, "free", "p50_ns"), ("seen_waited", peer, "free", "p50_ns")
            )
            self.at_most(
                "seen_p50",
                "write that nobody waits for, seen by the slave: p50",
                "free",
                peer,
                "≤ 1.2 × one that is waited for",
                ratio,
                1.2,
                "%.2f × waited for",
            )
            late = self.results.median("seen_unwaited", peer, "free", "p999_ns")
            more = None if None in (floor, late) else (late - floor) / 1e6
            self.at_most(
                "seen_p999",
                "write that nobody waits for, seen by the slave: p99.9",
                "free",
                peer,
                "≤ 1 ms more than the floor",
                more,
                1.0,
                "%.3f ms more",
            )

    def blocks(self):
        """Bytes per second of large transactions."""
        for size, other, limit in (
            (MIB, "floor", 0.9),
            (16 * MIB, "floor", 0.9),
            (64 * KIB, "zmq", 1.5),
        ):
            for kind in ("read", "write"):
                figure = "block_%s_%d" % (kind, size)
                title = "%s block %s" % (figures.size_text(size), kind)
                for placement in ("one", "free"):
                    for peer in figures.OURS:
                        ratio = self.results.ratio(
                            (figure, peer, placement, "bytes_per_s"),
                            (figure, other, placement, "bytes_per_s"),
                        )
                        self.at_least(
                            figure,
                            title,
                            placement,
                            peer,
                            "≥ %.1f × %s" % (limit, other),
                            ratio,
                            limit,
                            "%.2f × " + other,
                        )

    # --- many clients ---

    def many_clients(self):
        """64 clients by the best that one client reaches in any way."""
        for placement in ("one", "free"):
            for peer in figures.OURS:
                rates = [
                    self.results.median(name, peer, placement, "rate_per_s")
                    for name in SINGLE_CLIENT_FIGURES
                ]
                total = self.results.median("clients_64", peer, placement, "rate_per_s")
                measured = total is not None and None not in rates
                self.at_least(
                    "clients_total",
                    "64 clients: total rate",
                    placement,
                    peer,
                    "≥ 0.8 × best single client",
                    total / max(rates) if measured else None,
                    0.8,
                    "%.2f × best single",
                )
                share = self.results.median("clients_64", peer, placement, "worst_client_share")
                self.at_least(
                    "clients_worst",
                    "64 clients: worst client",
                    placement,
                    peer,
                    "≥ half the mean",
                    share,
                    0.5,
                    "%.2f × mean",
                )

    # --- within one process ---

    def in_process(self):
        """A read through Emulate, and SRPv3."""
        call = self.results.median("virtual_call", "cpp", "one", "ns")
        read = self.results.median("emulate", "cpp", "one", "ns")
        more = None if call is None or read is None else read - call
        self.at_most(
            "emulate",
            "in-process 4-byte read through Emulate",
            "one",
            "cpp",
            "≤ 200 ns more than a virtual call with a mutex",
            more,
            200.0,
            "%.0f ns more",
        )
        read = self.results.median("variable", "cpp", "one", "ns")
        self.at_most(
            "variable",
            "in-process read of a Variable through Emulate",
            "one",
            "cpp",
            "≤ 0.5 µs",
            read,
            500.0,
            "%.0f ns",
        )
        for name in ("emulate", "emulate_1_hub", "emulate_3_hubs"):
            # The C program's allocations are all the library's.
            count = self.results.median(name + "_allocations", "c", "one", "allocations")
            self.at_most(
                name + "_allocations",
                "in-process allocations per transaction, " + name.replace("_", " "),
                "one",
                "c",
                "none in steady state",
                count,
                ALLOCATIONS_MAX,
                "%.3f",
            )
        for placement in ("one", "free"):
            for peer in figures.OURS:
                rates = [
                    self.results.median(name, peer, placement, "rate_per_s")
                    for name in ("srp_v3", "srp_v3_pipelined")
                ]
                best = max((rate for rate in rates if rate is not None), default=None)
                self.at_least(
                    "srp_v3",
                    "SRPv3 and emulation in-process",
                    placement,
                    peer,
                    "≥ 1 M transactions/s",
                    None if best is None else best / 1e6,
                    1.0,
                    "%.2f M/s",
                )

    # --- Python ---

    def python(self):
        """What Python may cost."""
        for placement in ("one", "free"):
            ratio = self.results.ratio(
                ("latency", "python", placement, "p50_ns"), ("latency", "cpp", placement, "p50_ns")
            )
            self.at_most(
                "python_latency",
                "4-byte read, p50",
                placement,
                "python",
                "≤ 1.25 × C++",
                ratio,
                1.25,
                "%.2f × C++",
            )
        rate = self.results.median("burst_100", "python", "free", "rate_per_s")
        self.at_least(
            "python_rate",
            "reads/s, 100 outstanding, burst call",
            "free",
            "python",
            "≥ 350 k/s",
            None if rate is None else rate / 1e3,
            350.0,
            "%.0f k/s",
        )
        burst = self.results.median("burst_10000", "python", "free", "ns")
        self.at_most(
            "python_burst",
            "10 000 reads outstanding at once, none lost",
            "free",
            "python",
            "≤ 60 ms",
            None if burst is None else burst / 100,
            60.0,
            "%.1f ms",
        )
        for name, title, limit in (
            ("emulate", "in-process 4-byte read through Emulate", 1.5),
            ("python_slave", "in-process read of a slave in Python", 4.0),
            ("variable", "in-process read of a register through Emulate", 2.0),
            ("staged_set", "value of a register, staged", 0.8),
            ("staged_get", "staged value of a register, looked at", 0.8),
            ("staged_contended", "both, beside a thread that computes", 10.0),
        ):
            time = self.results.median(name, "python", "one", "ns")
            self.at_most(
                "python_" + name,
                title,
                "one",
                "python",
                "≤ %.1f µs" % limit,
                None if time is None else time / 1e3,
                limit,
                "%.2f µs",
            )

    # --- what it costs to be there ---

    def resources(self):
        """Wake-ups and memory."""
        for peer in figures.OURS:
            wakeups = [
                self.results.median("idle", peer, "free", name)
                for name in ("server_per_s", "client_per_s")
            ]
            self.at_most(
                "idle",
                "idle bridge: wake-ups of both ends",
                "free",
                peer,
                "0 /s",
                None if None in wakeups else sum(wakeups),
                0.0,
                "%.1f /s",
            )
        self.at_most(
            "idle_link",
            "idle RSSI link: wake-ups of both ends beyond its null segments",
            "free",
            "c",
            # A segment may fall between the looks at wake-ups and segments.
            "0 /s, one segment aside",
            self.results.median("idle_link", "c_rssi", "free", "beyond_per_s"),
            0.5,
            "%.1f /s",
        )
        for peer in figures.OURS:
            memory = self.results.median("client_memory", peer, "free", "idle_bytes")
            self.at_most(
                "idle_client",
                "idle client at the server",
                "free",
                peer,
                "≤ 64 KiB",
                None if memory is None else memory / KIB,
                64.0,
                "%.1f KiB",
            )
        for peer in figures.OURS:
            memory = self.results.median("outstanding_memory", peer, "free", "bytes")
            self.at_most(
                "outstanding",
                "outstanding transaction beside its payload",
                "free",
                peer,
                "≤ 256 bytes",
                memory,
                256.0,
                "%.0f bytes",
            )

    def judge(self):
        """All verdicts, in the order of the table."""
        for part in (
            self.latency,
            self.path,
            self.curve,
            self.tail,
            self.rates,
            self.seen,
            self.blocks,
            self.many_clients,
            self.in_process,
            self.python,
            self.resources,
            self.crate,
            self.roads,
            self.overlap,
            self.registers,
            self.streams,
        ):
            part()
        return self.verdicts


def judge(results):
    """The verdict on every bar."""
    return Judge(results).judge()
