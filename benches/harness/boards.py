"""What the numbers of boards, of other roads than the bridge, and of frames must be."""

from . import crate, figures, overlap, registers, streams
from .figures import KIB
from .verdicts import Verdicts

# Of a register road: p50 by the floor's in each placement, thousands of reads per second with 64
# outstanding, and bytes per second of blocks by the floor's.
ROAD_LIMITS = {
    "udp": ({"one": 1.6, "free": 0.5}, 200, 0.5),
    "rssi": ({"one": 2.2, "free": 0.8}, 100, 0.35),
}
# By the segments under way.
OVERLAP_LIMITS = dict(zip(overlap.WINDOWS, (25, 6)))


class Boards(Verdicts):
    """Judges them."""

    # --- many boards ---

    def crate(self):
        """One client for each of many boards, all on one loop."""
        first, last = ("crate_%d" % boards for boards in (crate.BOARDS[0], crate.BOARDS[-1]))
        boards, registers = crate.BOARDS[-1], crate.REGISTERS

        def value(figure, name):
            return self.results.median(figure, "c", "free", name)

        def scaled(name, unit):
            found = value(last, name)
            return None if found is None else found / unit

        self.at_most(
            "crate",
            "%d registers of each of %d boards" % (registers, boards),
            "free",
            "c",
            "≤ 75 ms",
            scaled("burst_ns", 1e6),
            75.0,
            "%.1f ms",
        )
        costs = [value(figure, "board_ns") for figure in (first, last)]
        self.at_most(
            "crate_flat",
            "one board of %d, by one of %d" % (boards, crate.BOARDS[0]),
            "free",
            "c",
            "≤ 2 ×",
            None if None in costs else costs[1] / costs[0],
            2.0,
            "%.2f ×",
        )
        self.at_most(
            "crate_threads",
            "threads of a program with %d clients" % boards,
            "free",
            "c",
            "≤ 5",
            value(last, "client_threads"),
            5,
            "%d",
        )
        for who in ("client", "server"):
            self.at_most(
                "crate_" + who,
                "private memory of an idle %s" % who,
                "free",
                "c",
                "≤ 32 KiB",
                scaled(who + "_bytes", KIB),
                32.0,
                "%.1f KiB",
            )

    def roads(self):
        """Registers over UDP, and over packetizer, RSSI and UDP, by a blocking socket with
        datagrams of the same sizes."""
        for road, (floor, peer) in figures.ROADS.items():
            latency, rate, block = ROAD_LIMITS[road]
            title = figures.ROAD_TITLES[road]
            for placement, limit in latency.items():
                ratio = self.results.ratio(
                    ("latency_" + road, peer, placement, "p50_ns"),
                    ("latency_" + road, floor, placement, "p50_ns"),
                )
                self.at_most(
                    "latency_" + road,
                    "4-byte read over %s, p50" % title,
                    placement,
                    "c",
                    "≤ %.1f × floor" % limit,
                    ratio,
                    limit,
                    "%.2f × floor",
                )
            found = self.results.median("reads_64_" + road, peer, "free", "rate_per_s")
            self.at_least(
                "reads_64_" + road,
                "reads/s over %s, 64 outstanding" % title,
                "free",
                "c",
                "≥ %.0f k/s" % rate,
                None if found is None else found / 1e3,
                rate,
                "%.0f k/s",
            )
            ratio = self.results.ratio(
                ("block_read_" + road, peer, "free", "bytes_per_s"),
                ("block_read_" + road, floor, "free", "bytes_per_s"),
            )
            self.at_least(
                "block_read_" + road,
                "block read over %s, 4 KiB, 16 outstanding" % title,
                "free",
                "c",
                "≥ %.3g × floor" % block,
                ratio,
                block,
                "%.2f × floor",
            )

    def overlap(self):
        """Many registers of a board far away, by the same ones one at a time."""
        for window, limit in OVERLAP_LIMITS.items():
            self.at_least(
                "overlap_%d" % window,
                "%d registers of a board behind a bridge, window of %d"
                % (overlap.REGISTERS, window),
                "free",
                "c",
                "≥ %d × one at a time" % limit,
                self.results.median("overlap_%d" % window, "c", "free", "ratio"),
                limit,
                "%.0f × one at a time",
            )

    def registers(self):
        """A map of typed registers, read with one call."""
        found = self.results.median("registers", "c", "free", "read_ns")
        self.at_most(
            "registers",
            "%d variables read over the bridge with one call" % registers.REGISTERS,
            "free",
            "c",
            "≤ 8 ms",
            None if found is None else found / 1e6,
            8.0,
            "%.1f ms",
        )

    # --- streams ---

    def streams(self):
        """Frames from one process to another."""
        for figure, limit_text, limit, factor, text in (
            ("stream_frames", "≥ 1 GB/s", 1.0, 1e9, "%.2f GB/s"),
            ("rssi_frames", "≥ 200 MB/s", 200.0, 1e6, "%.0f MB/s"),
        ):
            rate = self.results.median(figure, "c", "free", "bytes_per_s")
            self.at_least(
                figure,
                "frames of %d bytes %s" % (streams.FRAME_BYTES, streams.ROADS[figure].title),
                "free",
                "c",
                limit_text,
                None if rate is None else rate / factor,
                limit,
                text,
            )
