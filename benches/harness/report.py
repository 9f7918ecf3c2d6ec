"""The tables for people: on the terminal, and as Markdown."""

from . import crate, figures, machine, overlap, registers, streams, verdicts

PLACEMENT_TITLES = {"one": "both processes on one CPU", "free": "free on all CPUs"}
PEER_TITLES = {name: peer.title for name, peer in figures.PEERS.items()}
NOTHING = "–"


def duration(ns):
    """Nanoseconds in a readable unit."""
    for unit, factor in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= factor:
            return "%.3g %s" % (ns / factor, unit)
    return "%.3g ns" % ns


def scaled(value, unit):
    """A number with a decimal prefix."""
    for prefix, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return "%.3g %s%s" % (value / factor, prefix, unit)
    return "%.3g %s" % (value, unit)


def octets(value):
    """Bytes with a binary prefix."""
    if abs(value) >= 10 * figures.KIB:
        return "%.1f KiB" % (value / figures.KIB)
    return "%.0f B" % value


def per_transaction(value):
    """A small number."""
    return "%.2f" % value


def count(value):
    """A whole number."""
    return "%.0f" % value


class Table:
    """Rows of cells below a heading, for a terminal or as Markdown."""

    def __init__(self, *heading):
        self.heading = list(heading)
        self.rows = []

    def add(self, *cells):
        """One row."""
        self.rows.append([NOTHING if cell is None else str(cell) for cell in cells])

    def _widths(self):
        rows = [self.heading] + self.rows
        return [max(len(row[i]) for row in rows) for i in range(len(self.heading))]

    def text(self):
        """For a terminal."""
        widths = self._widths()
        lines = []
        for row in [self.heading, ["-" * width for width in widths]] + self.rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths)]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def markdown(self):
        """As Markdown."""
        lines = ["| " + " | ".join(row) + " |" for row in [self.heading] + self.rows]
        lines.insert(1, "|" + "---|" * len(self.heading))
        return "\n".join(lines)


def bar_table(judged):
    """One row for each bar and placement; the verdicts on C++, C and Python side by side."""
    table = Table(
        "figure", "placement", "bar", "C++", "verdict", "C", "verdict", "Python", "verdict", ""
    )
    rows = {}
    for verdict in judged:
        key = (verdict["bar"], verdict["title"], verdict["placement"], verdict["limit"])
        rows.setdefault(key, {})[verdict["peer"]] = verdict
    for (_, title, placement, limit), peers in rows.items():
        cells = [title, placement, limit]
        notes = []
        for peer in ("cpp", "c", "python"):
            verdict = peers.get(peer)
            cells.append(verdict and verdict["found"])
            cells.append(verdict and verdict["verdict"])
            if verdict and verdict["note"]:
                notes.append("%s: %s" % (PEER_TITLES[peer], verdict["note"]))
        table.add(*cells, "; ".join(notes))
    return table


def with_ratio(results, cell, other, text):
    """A median, and by how much it is another peer's."""
    value = results.median(*cell)
    if value is None:
        return None
    figure, peer, placement, name = cell
    ratio = results.ratio(cell, (figure, other, placement, name))
    if ratio is None or peer == other:
        return text(value)
    return "%s (%.3g ×)" % (text(value), ratio)


# What is shown of each kind of figure: the value, its words, and the unit.
def shown_values(figure):
    """[(name of the value, words, how to write it)] of what a figure is about."""
    if figure.clients > 1 or figure.name == "clients_1":
        return [
            ("rate_per_s", "total", lambda value: scaled(value, "/s")),
            ("worst_client_share", "worst by mean", per_transaction),
            ("p99_ns", "p99", duration),
        ]
    if figure.name.startswith(("latency", "path_latency", "curve_latency")):
        return [
            ("p50_ns", "p50", duration),
            ("p99_ns", "p99", duration),
            ("p999_ns", "p99.9", duration),
        ]
    if figure.size > 4:
        return [("bytes_per_s", "", lambda value: scaled(value, "B/s"))]
    return [("rate_per_s", "", lambda value: scaled(value, "/s"))]


COST_FIGURES = ("latency", "reads_16", "reads_1024")
COSTS = (
    ("client_cpu_ns", "CPU time, client", duration),
    ("server_cpu_ns", "CPU time, server", duration),
    ("client_switches", "context switches, client", per_transaction),
    ("server_switches", "context switches, server", per_transaction),
)


def round_tables(results):
    """The figures of the rounds, one table for each placement: [(title, table)]."""
    peers = ("floor", "floor2", "floor_spin", "zmq", "cpp", "c", "python", "cpp_spin", "c_spin")
    elsewhere = (
        figures.WITHOUT_PEERS,
        figures.PATH_PEERS,
        figures.CURVE_PEERS,
        *figures.ROADS.values(),
    )
    every = [
        figure
        for figure in figures.all_figures(("c_spin", "cpp_spin"))
        if figure.peers not in elsewhere
    ]
    tables = []
    for placement, title in PLACEMENT_TITLES.items():
        present = [
            peer
            for peer in peers
            if any(results.has(figure.name, peer, placement) for figure in every)
        ]
        table = Table("figure", *(PEER_TITLES[peer] for peer in present))
        rows = [
            (figure.name, figure.title, value) for figure in every for value in shown_values(figure)
        ]
        rows += [
            (figure.name, "per transaction, " + figure.title, value)
            for figure in every
            if figure.name in COST_FIGURES
            for value in COSTS
        ]
        for name, words, (value, what, text) in rows:
            cells = [
                with_ratio(results, (name, peer, placement, value), "floor", text)
                for peer in present
            ]
            if any(cell is not None for cell in cells):
                table.add(": ".join(part for part in (words, what) if part), *cells)
        if table.rows:
            tables.append((title + " (in brackets: by the floor's)", table))
    return tables


def without_tables(results):
    """The library with and without its ways of saving time: [(title, table)]."""
    tables = []
    for placement, title in PLACEMENT_TITLES.items():
        table = Table(
            "C", "as it comes", *(PEER_TITLES[peer] for peer in figures.WITHOUT_PEERS[1:])
        )
        for figure in figures.without_figures():
            speed = (
                ("p50_ns", "p50", duration)
                if figure.outstanding == 1
                else ("rate_per_s", "", lambda value: scaled(value, "/s"))
            )
            for value, what, text in (speed,) + COSTS[:2]:
                cells = [
                    with_ratio(results, (figure.name, peer, placement, value), "c", text)
                    for peer in figures.WITHOUT_PEERS
                ]
                if any(cell is not None for cell in cells):
                    table.add(": ".join(part for part in (figure.title, what) if part), *cells)
        if table.rows:
            tables.append(("what saves time, " + title, table))
    return tables


def path_table(results):
    """The library at a path and at a port of the same host."""
    return beside_table(results, figures.PATH_PEERS, figures.path_figures())


def beside_table(results, peers, every):
    """Figures of several peers, by the first of them."""
    table = Table("figure", *(PEER_TITLES[peer] for peer in peers))
    for placement, title in PLACEMENT_TITLES.items():
        for figure in every:
            for value, what, text in shown_values(figure) + list(COSTS[:2]):
                cells = [
                    with_ratio(results, (figure.name, peer, placement, value), peers[0], text)
                    for peer in peers
                ]
                if any(cell is not None for cell in cells):
                    words = ": ".join(part for part in (figure.title, what) if part)
                    table.add("%s, %s" % (words, title), *cells)
    return table


def curve_table(results):
    """The library in the clear and encrypted, and libzmq encrypted."""
    return beside_table(results, figures.CURVE_PEERS, figures.curve_figures())


def road_table(results, road):
    """Registers without the bridge."""
    peers = figures.ROADS[road]
    table = Table(
        "registers over " + figures.ROAD_TITLES[road], *(PEER_TITLES[peer] for peer in peers)
    )
    for placement, title in PLACEMENT_TITLES.items():
        for figure in figures.road_figures():
            for value, what, text in shown_values(figure) + list(COSTS):
                cells = [
                    with_ratio(results, (figure.name, peer, placement, value), peers[0], text)
                    for peer in peers
                ]
                if any(cell is not None for cell in cells):
                    words = ": ".join(part for part in (figure.title, what) if part)
                    table.add("%s, %s" % (words, title), *cells)
    return table


SINGLE_ROWS = (
    ("idle", "server_per_s", "wake-ups of an idle server, per second", per_transaction),
    ("idle", "client_per_s", "wake-ups of an idle client, per second", per_transaction),
    (
        "idle_link",
        "wakeups_per_s",
        "wake-ups of both ends of an idle link, per second",
        per_transaction,
    ),
    (
        "idle_link",
        "segments_per_s",
        "segments of both ends of an idle link, per second",
        per_transaction,
    ),
    ("client_memory", "idle_bytes", "server memory per idle client", octets),
    ("client_memory", "busy_bytes", "server memory per busy client", octets),
    ("outstanding_memory", "bytes", "client memory per outstanding transaction", octets),
    ("instructions_1", "client", "instructions per read, 1 outstanding, client", count),
    ("instructions_1", "server", "instructions per read, 1 outstanding, server", count),
    ("instructions_128", "client", "instructions per read, 128 outstanding, client", count),
    ("instructions_128", "server", "instructions per read, 128 outstanding, server", count),
    ("allocations", "client_allocations", "allocations per read, client", per_transaction),
    ("allocations", "server_allocations", "allocations per read, server", per_transaction),
) + tuple(
    ("crate_%d" % boards, value, "%d boards: %s" % (boards, words), text)
    for boards in crate.BOARDS
    for value, words, text in (
        ("burst_ns", "%d registers of each" % crate.REGISTERS, duration),
        ("board_ns", "of one", duration),
        ("client_threads", "threads of the clients' process", count),
        ("client_bytes", "private memory per client", octets),
        ("server_bytes", "private memory per server", octets),
    )
)
SINGLE_ROWS += tuple(
    (
        "overlap_%d" % window,
        value,
        "%d registers of a board behind a bridge, window of %d: %s"
        % (overlap.REGISTERS, window, words),
        duration,
    )
    for window in overlap.WINDOWS
    for value, words in (("burst_ns", "requested together"), ("alone_ns", "one at a time"))
)
SINGLE_ROWS += tuple(
    (
        "registers",
        value,
        "%d variables over the bridge: %s" % (registers.REGISTERS, words),
        duration,
    )
    for value, words in (("read_ns", "read with one call"), ("look_ns", "looked at afterwards"))
)
INPROCESS_ROWS = (
    "virtual_call",
    "emulate",
    "emulate_1_hub",
    "emulate_3_hubs",
    "variable",
    "srp_v3",
    "srp_v3_pipelined",
    "python_slave",
    "burst_10000",
    "staged_set",
    "staged_get",
    "staged_contended",
    "map_10000",
)


def single_table(results):
    """What is taken once."""
    peers = ("floor", "zmq", "cpp", "c", "c_rssi")
    table = Table("figure", *(PEER_TITLES[peer] for peer in peers))
    for figure, value, words, text in SINGLE_ROWS:
        medians = [results.median(figure, peer, "free", value) for peer in peers]
        if any(median is not None for median in medians):
            table.add(words, *(None if median is None else text(median) for median in medians))
    return table


def stream_table(results):
    """Frames from one process to another."""
    table = Table(
        "frames of %d bytes" % streams.FRAME_BYTES,
        "rate",
        "CPU time each, sender",
        "receiver",
        "context switches each, sender",
        "receiver",
        "segments sent again each",
    )
    for name, road in streams.ROADS.items():
        values = [
            results.median(name, "c", "free", value)
            for value in (
                "bytes_per_s",
                "client_cpu_ns",
                "server_cpu_ns",
                "client_switches",
                "server_switches",
                "retransmits",
            )
        ]
        if values[0] is not None:
            rate, cpu, rest = scaled(values[0], "B/s"), values[1:3], values[3:]
            cells = [duration(value) for value in cpu] + [per_transaction(value) for value in rest]
            table.add(road.title, rate, *cells)
    return table


def seen_table(results):
    """How old a write is when the slave sees it."""
    table = Table("write, seen by the slave", "floor", "C++", "C")
    for placement, title in PLACEMENT_TITLES.items():
        for kind, words in (("seen_unwaited", "not waited for"), ("seen_waited", "waited for")):
            for value, quantile in (("p50_ns", "p50"), ("p999_ns", "p99.9")):
                times = [
                    results.median(kind, peer, placement, value) for peer in ("floor", "cpp", "c")
                ]
                if any(time is not None for time in times):
                    cells = [None if time is None else duration(time) for time in times]
                    table.add("%s, %s: %s" % (title, words, quantile), *cells)
    return table


def inprocess_table(results):
    """What is measured within one process."""
    table = Table(
        "request and wait",
        "C++, one CPU",
        "C++, free",
        "C, one CPU",
        "C, free",
        "Python, one CPU",
        "Python, free",
        "allocations, C++",
        "allocations, C",
    )
    for name in INPROCESS_ROWS:
        times = [
            results.median(name, peer, placement, "ns")
            for peer in ("cpp", "c", "python")
            for placement in ("one", "free")
        ]
        counts = [
            results.median(name + "_allocations", peer, "one", "allocations")
            for peer in ("cpp", "c")
        ]
        if any(time is not None for time in times):
            table.add(
                name.replace("_", " "),
                *(None if time is None else duration(time) for time in times),
                *(None if count is None else per_transaction(count) for count in counts),
            )
    return table


def sections(document, results):
    """[(title, table)] of the whole report."""
    found = [("Bars", bar_table(document["bars"]))] if document["bars"] else []
    found += round_tables(results)
    found += without_tables(results)
    found.append(("a path of the host (in brackets: by a port's)", path_table(results)))
    found.append(("CURVE (in brackets: by in the clear)", curve_table(results)))
    for road, title in figures.ROAD_TITLES.items():
        found.append(("over %s (in brackets: by the floor's)" % title, road_table(results, road)))
    found.append(("taken once, free on all CPUs", single_table(results)))
    found.append(("frames, free on all CPUs", stream_table(results)))
    found.append(("when a write is seen", seen_table(results)))
    found.append(("within one process", inprocess_table(results)))
    return [(title, table) for title, table in found if table.rows]


def count_verdicts(document):
    """ "12 PASS, 3 FAIL, 2 not measured"."""
    words = []
    for verdict in (verdicts.PASS, verdicts.FAIL, verdicts.NOT_MEASURED):
        count = sum(1 for bar in document["bars"] if bar["verdict"] == verdict)
        words.append("%d %s" % (count, verdict))
    return ", ".join(words)


def machine_words(document):
    """Where the figures come from, in one line."""
    return "%s; %s" % (document["machine"]["time"], machine.in_words(document["machine"]))


def text(document, results):
    """The report for a terminal."""
    parts = []
    for title, table in sections(document, results):
        parts.append("%s\n\n%s" % (title, table.text()))
    parts.append("machine: " + machine_words(document))
    parts.extend("note: " + note for note in document["notes"])
    if document["bars"]:
        parts.append("bars: " + count_verdicts(document))
    return "\n\n".join(parts)


def markdown(document, results):
    """The report as Markdown."""
    parts = [
        "Measured on: %s. %d rounds, medians."
        % (machine_words(document), document["options"]["rounds_done"])
    ]
    parts.extend("Note: %s." % note for note in document["notes"])
    for title, table in sections(document, results):
        parts.append("**%s**\n\n%s" % (title, table.markdown()))
    return "\n\n".join(parts) + "\n"
