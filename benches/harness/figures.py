"""The figures that are taken in rounds: one sample is one server and its clients, run afresh."""

import contextlib
import math
import tempfile
import time

from . import programs

KIB = 1 << 10
MIB = 1 << 20

# In flight per client where many clients run at once: enough for one client to come near its best
# rate, so that the total of many can be compared with that. And of how many requests the latency
# is taken.
CLIENTS_OUTSTANDING = 128
CLIENTS_SAMPLE = 64
# Processes that many clients are spread over.
CLIENT_PROCESSES_MAX = 4
# What a spinning peer is told: longer than any wait of a benchmark.
SPIN_US = 1000000
# What a sample begins with and does not count: a part of its time, and what it takes to start
# threads. All clients then begin to count at the same moment.
WARM_SHARE = 0.2
START_S_PER_CLIENT = 0.0005
# Blocks of this size get more time, for there are few of them in a second.
LARGE_BYTES = 4 * MIB
LARGE_TIME_FACTOR = 2


class Peer:
    """One way to carry register reads over TCP."""

    def __init__(
        self,
        name,
        title,
        server,
        client,
        spin=False,
        many_clients=True,
        without="",
        path=False,
        curve=False,
    ):
        self.name = name
        self.title = title
        self.server = server
        self.client = client
        self.spin = spin
        self.without = without
        self.many_clients = many_clients
        # They meet at a path and not at a port.
        self.path = path
        self.curve = curve

    @property
    def family(self):
        """The peer that this is, or is a variant of."""
        return self.name.split("_")[0].rstrip("2")

    @property
    def arguments(self):
        """Options of both programs."""
        spin = ("--spin", str(SPIN_US)) if self.spin else ()
        curve = ("--curve", "on") if self.curve else ()
        return spin + curve + (("--without", self.without) if self.without else ())

    @contextlib.contextmanager
    def place(self):
        """Further options of both programs: where they meet."""
        if not self.path:
            yield ()
            return
        with tempfile.TemporaryDirectory(prefix="rogue_mem_bench_") as folder:
            yield ("--host", "unix:%s/bridge" % folder)


PEERS = {
    peer.name: peer
    for peer in (
        Peer("floor", "floor", "floor_server", "floor_client"),
        Peer("floor2", "floor, two connections", "floor_server", "floor2_client"),
        Peer("floor_spin", "floor, spinning", "floor_server", "floor_client", spin=True),
        # Its server sends answers to whichever client is next.
        Peer("zmq", "zmq", "zmq_server", "zmq_client", many_clients=False),
        Peer("c", "C", "c_server", "c_client"),
        Peer("cpp", "C++", "cpp_server", "cpp_client"),
        # One client, that reads, of the server that C++ has: the client makes the difference.
        Peer("python", "Python", "cpp_server", "python_client", many_clients=False),
        Peer("c_spin", "C, spinning", "c_server", "c_client", spin=True),
        Peer("c_nodirect", "without direct reading", "c_server", "c_client", without="direct"),
        Peer("c_noduplex", "without duplex", "c_server", "c_client", without="duplex"),
        Peer("c_nospin", "without spinning", "c_server", "c_client", without="spin"),
        Peer("c_plain", "without all three", "c_server", "c_client", without="direct,duplex,spin"),
        Peer("c_path", "C, at a path", "c_server", "c_client", path=True),
        Peer("c_curve", "C, CURVE", "c_server", "c_client", curve=True),
        Peer("zmq_curve", "zmq, CURVE", "zmq_server", "zmq_client", many_clients=False, curve=True),
        Peer("cpp_spin", "C++, spinning", "cpp_server", "cpp_client", spin=True),
        # One peer at a time, and a lost datagram is a hang.
        Peer("floor_udp", "floor, UDP", "floor_udp_server", "floor_udp_client", many_clients=False),
        Peer("c_udp", "C, SRPv3 over UDP", "c_udp_server", "c_udp_client", many_clients=False),
        Peer(
            "floor_rssi",
            "floor, UDP with as many bytes",
            "floor_rssi_server",
            "floor_rssi_client",
            many_clients=False,
        ),
        Peer(
            "c_rssi",
            "C, SRPv3 over packetizer, RSSI and UDP",
            "c_rssi_server",
            "c_rssi_client",
            many_clients=False,
        ),
    )
}
MAIN_PEERS = ("floor", "zmq", "c", "cpp")
OURS = ("c", "cpp")
# Those that a run has unless told otherwise.
ALL_PEERS = MAIN_PEERS + ("python",)
# Register roads without the bridge, each with what it is measured by: {name: (floor, ours)}.
ROADS = {"udp": ("floor_udp", "c_udp"), "rssi": ("floor_rssi", "c_rssi")}
ROAD_TITLES = {"udp": "UDP", "rssi": "RSSI"}
# The library at a port and at a path.
PATH_PEERS = ("c", "c_path")
# The library in the clear and encrypted, and libzmq encrypted.
CURVE_PEERS = ("c", "c_curve", "zmq_curve")
# The library with its ways of saving time, and without.
WITHOUT_PEERS = ("c", "c_nodirect", "c_noduplex", "c_nospin", "c_plain")


class Figure:
    """One quantity that peers are compared by."""

    def __init__(self, name, title, peers=MAIN_PEERS, placements=("one", "free"), **shape):
        self.name = name
        self.title = title
        self.peers = peers
        self.placements = placements
        self.type = shape.get("type", "read")
        self.size = shape.get("size", 4)
        self.outstanding = shape.get("outstanding", 1)
        self.clients = shape.get("clients", 1)
        # Requests made with one call; 0: each with one of its own.
        self.burst = shape.get("burst", 0)
        self.sample = shape.get("sample", 1 if self.outstanding == 1 else 0)

    def runs_with(self, peer):
        """Whether the peer can be measured in this way."""
        return self.clients == 1 or peer.many_clients

    def command(self, seconds):
        """The command for the clients, to be sent now."""
        if self.size >= LARGE_BYTES:
            seconds *= LARGE_TIME_FACTOR
        warm_s = seconds * WARM_SHARE + self.clients * START_S_PER_CLIENT
        begin_ns = time.monotonic_ns() + int(warm_s * 1e9)
        return "run type=%s size=%d outstanding=%d burst=%d sample=%d seconds=%.4f begin_ns=%d" % (
            self.type,
            self.size,
            self.outstanding,
            self.burst,
            self.sample,
            seconds,
            begin_ns,
        )


def size_text(size):
    """4096 as "4 KiB"."""
    if size >= MIB:
        return "%d MiB" % (size // MIB)
    return "%d KiB" % (size // KIB) if size >= KIB else "%d B" % size


def latency_figures(spinning):
    """4-byte reads, one after the other."""
    peers = ("floor", "floor2", "zmq", "c", "cpp", "python")
    figures = [Figure("latency", "4-byte read, one at a time", peers)]
    # Two processes that spin on one CPU keep each other from running: free only.
    figures.append(
        Figure(
            "latency_spin",
            "4-byte read, one at a time, spinning",
            ("floor_spin",) + spinning,
            ("free",),
        )
    )
    return figures


def without_figures():
    """What each way of saving time brings."""
    return [
        Figure("without_latency", "4-byte read, one at a time", WITHOUT_PEERS),
        Figure("without_reads_16", "4-byte reads, 16 outstanding", WITHOUT_PEERS, outstanding=16),
    ]


def path_figures():
    """What a path is worth on one host."""
    return [
        Figure("path_latency", "4-byte read, one at a time", PATH_PEERS),
        Figure("path_reads_128", "4-byte reads, 128 outstanding", PATH_PEERS, outstanding=128),
        Figure("path_read_%d" % MIB, "block read, 1 MiB", PATH_PEERS, size=MIB),
        Figure("path_write_%d" % MIB, "block write, 1 MiB", PATH_PEERS, type="write", size=MIB),
    ]


def curve_figures():
    """What encryption costs."""
    return [
        Figure("curve_latency", "4-byte read, one at a time", CURVE_PEERS),
        Figure("curve_reads_128", "4-byte reads, 128 outstanding", CURVE_PEERS, outstanding=128),
        Figure("curve_read_%d" % MIB, "block read, 1 MiB", CURVE_PEERS, size=MIB),
        Figure("curve_write_%d" % MIB, "block write, 1 MiB", CURVE_PEERS, type="write", size=MIB),
    ]


def road_figures():
    """Registers over UDP, and over packetizer, RSSI and UDP."""
    figures = []
    for road, peers in ROADS.items():
        title = ROAD_TITLES[road]
        figures += [
            Figure("latency_" + road, "4-byte read over %s, one at a time" % title, peers),
            Figure(
                "reads_64_" + road,
                "4-byte reads over %s, 64 outstanding" % title,
                peers,
                outstanding=64,
            ),
            Figure(
                "burst_64_" + road,
                "4-byte reads over %s, 64 outstanding, with the burst call" % title,
                peers[1:],
                outstanding=64,
                burst=32,
            ),
            Figure(
                "block_read_" + road,
                "block read over %s, 4 KiB, 16 outstanding" % title,
                peers,
                size=4 * KIB,
                outstanding=16,
            ),
        ]
    return figures


def all_figures(spinning=(), quick=False):
    """Every figure taken in rounds; `spinning` are those of our peers that can spin."""
    figures = latency_figures(spinning)
    for outstanding in (16, 128, 1024, 8192):
        figures.append(
            Figure(
                "reads_%d" % outstanding,
                "4-byte reads, %d outstanding" % outstanding,
                outstanding=outstanding,
            )
        )
    # Half of them are on their way while the requester looks after the others.
    for outstanding in (16, 1024):
        figures.append(
            Figure(
                "burst_%d" % outstanding,
                "4-byte reads, %d outstanding, with the burst call" % outstanding,
                ("c", "cpp"),
                outstanding=outstanding,
                burst=outstanding // 2,
            )
        )
    for name, words, burst in (("reads_100", "", 0), ("burst_100", ", with the burst call", 50)):
        title = "4-byte reads, 100 outstanding" + words
        figures.append(Figure(name, title, ("cpp", "python"), outstanding=100, burst=burst))
    for size in (4 * KIB, 64 * KIB, MIB, 16 * MIB):
        for kind in ("read", "write"):
            figures.append(
                Figure(
                    "block_%s_%d" % (kind, size),
                    "block %s, %s" % (kind, size_text(size)),
                    type=kind,
                    size=size,
                )
            )
    figures.append(
        Figure("stream_read_%d" % MIB, "block read, 1 MiB, 4 outstanding", size=MIB, outstanding=4)
    )
    for clients in (1, 4) if quick else (1, 4, 16, 64, 256):
        figures.append(
            Figure(
                "clients_%d" % clients,
                "%d client%s, each %d outstanding"
                % (clients, "s" if clients > 1 else "", CLIENTS_OUTSTANDING),
                outstanding=CLIENTS_OUTSTANDING,
                clients=clients,
                sample=CLIENTS_SAMPLE,
            )
        )
    return figures + without_figures() + path_figures() + curve_figures() + road_figures()


def quantile(buckets, fraction):
    """The value that `fraction` of the samples in [[value, count], ...] do not exceed."""
    wanted = fraction * sum(count for _, count in buckets)
    seen = 0
    for value, count in sorted(buckets):
        seen += count
        if seen >= wanted:
            return value
    return math.nan


def spread_over(clients):
    """How many clients each process has."""
    processes = min(clients, CLIENT_PROCESSES_MAX)
    return [clients // processes + (1 if i < clients % processes else 0) for i in range(processes)]


def combine(figure, answers, server_used):
    """One sample's values out of what the client processes and the server have said."""
    transactions = sum(answer["transactions"] for answer in answers)
    # Usage is counted until the last answer, the rates only as long as the window was full.
    finished = transactions + figure.outstanding * figure.clients
    requests = sum(answer["requests"] for answer in answers)
    shares = [rate for answer in answers for rate in answer["per_client"]]
    rate = sum(answer["transactions"] * 1e9 / answer["elapsed_ns"] for answer in answers)
    values = {
        "transactions": transactions,
        "rate_per_s": rate,
        "bytes_per_s": rate * figure.size,
        "worst_client_share": min(shares) * len(shares) / sum(shares) if sum(shares) else 0.0,
        "client_cpu_ns": sum(answer["cpu_ns"] for answer in answers) / finished,
        "server_cpu_ns": server_used["cpu_ns"] / requests,
        "client_switches": sum(answer["voluntary"] + answer["involuntary"] for answer in answers)
        / finished,
        "server_switches": (server_used["voluntary"] + server_used["involuntary"]) / requests,
    }
    for who, used, count in (("client", answers[0], finished), ("server", server_used, requests)):
        if "allocations" in used:
            values[who + "_allocations"] = used["allocations"] / count
    buckets = [
        bucket
        for answer in answers
        if "latency_ns" in answer
        for bucket in answer["latency_ns"]["buckets"]
    ]
    if buckets:
        for name, fraction in (("p50_ns", 0.5), ("p99_ns", 0.99), ("p999_ns", 0.999)):
            values[name] = quantile(buckets, fraction)
        values["max_ns"] = max(
            answer["latency_ns"]["max"] for answer in answers if "latency_ns" in answer
        )
    return values


def used_since(server, before):
    """What the server has used since it was asked before."""
    now = server.ask("usage")
    return {key: now[key] - before[key] for key in before}


def take_sample(bin_dir, figure, peer, placement, seconds, preload=None):
    """Runs a server and its clients and returns the values."""
    with peer.place() as place, programs.Session(bin_dir, placement, preload=preload) as session:
        arguments = place + peer.arguments
        server = session.start_server(peer.server, *arguments)
        clients = []
        for count in spread_over(figure.clients):
            clients.append(session.start_client(peer.client, "--clients", str(count), *arguments))
        # Far memory has its pattern before anybody reads it.
        clients[0].ask("prepare size=%d" % (figure.size if figure.type == "read" else 0))
        before = server.ask("usage")
        command = figure.command(seconds)
        for client in clients:
            client.send(command)
        answers = [client.answer(programs.HANG_S) for client in clients]
        used = used_since(server, before)
        session.finish()
    return combine(figure, answers, used)
