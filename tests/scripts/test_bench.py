"""scripts/bench: how it judges, combines and reports, on invented figures; and that a program that
does not do its part fails it."""

import pathlib
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "benches"))
sys.dont_write_bytecode = True

from harness import bars, extras, figures, programs, report  # noqa: E402
from harness.results import Results  # noqa: E402
from harness.verdicts import FAIL, NOT_MEASURED, PASS  # noqa: E402


def verdicts(results, bar, placement, peer):
    """The verdicts on one bar."""
    return [
        verdict.verdict
        for verdict in bars.judge(results)
        if (verdict.bar, verdict.placement, verdict.peer) == (bar, placement, peer)
    ]


def with_latencies(*rounds):
    """Results with (floor p50, ours p50) of each round, in microseconds, on one CPU."""
    results = Results()
    for number, (floor, ours) in enumerate(rounds):
        for peer, p50 in (("floor", floor), ("cpp", ours)):
            results.add("latency", peer, "one", number, {"p50_ns": p50 * 1e3, "p99_ns": p50 * 1e3})
    return results


def with_tails(floor, ours):
    """Results with (p50, p99) of the floor and of ours."""
    results = Results()
    for peer, (p50, p99) in (("floor", floor), ("cpp", ours)):
        results.add("latency", peer, "free", 1, {"p50_ns": p50, "p99_ns": p99})
    return results


class Judging(unittest.TestCase):
    def test_what_is_missing_is_not_measured(self):
        found = bars.judge(Results())
        self.assertGreater(len(found), 40)
        self.assertEqual({verdict.verdict for verdict in found}, {NOT_MEASURED})

    def test_a_ratio_at_the_limit_passes_and_one_above_fails(self):
        for ours, expected in ((14.0, PASS), (14.2, FAIL)):
            results = with_latencies((10.0, ours))
            self.assertEqual(verdicts(results, "latency", "one", "cpp"), [expected])
            self.assertEqual(verdicts(results, "latency", "one", "c"), [NOT_MEASURED])

    def test_python_is_judged_by_cpp_and_by_figures_of_its_own(self):
        results = Results()
        results.add("latency", "cpp", "one", 1, {"p50_ns": 1000})
        results.add("latency", "python", "one", 1, {"p50_ns": 1251})
        results.add("burst_100", "python", "free", 1, {"rate_per_s": 350e3})
        results.add("burst_10000", "python", "free", 1, {"ns": 6001})
        results.add("emulate", "python", "one", 1, {"ns": 1500})
        expected = {
            "python_latency": FAIL,
            "python_burst": FAIL,
            "python_rate": PASS,
            "python_emulate": PASS,
            "python_python_slave": NOT_MEASURED,
        }
        for bar, verdict in expected.items():
            placement = "free" if bar in ("python_rate", "python_burst") else "one"
            self.assertEqual(verdicts(results, bar, placement, "python"), [verdict], bar)

    def test_rounds_are_paired_so_that_drift_cancels(self):
        # The machine is three times slower in the second and in the third round. Medians taken
        # apart would compare 36 with 10.
        results = with_latencies(
            (10.0, 12.0), (10.0, 36.0), (30.0, 36.0), (10.0, 12.0), (30.0, 36.0)
        )
        ratio = results.ratio(
            ("latency", "cpp", "one", "p50_ns"), ("latency", "floor", "one", "p50_ns")
        )
        self.assertAlmostEqual(ratio, 1.2)

    def test_a_slow_tail_fails_unless_the_floor_shows_the_same_hiccup(self):
        steady, shaken = (10e3, 15e3), (10e3, 90e3)
        for floor, ours, expected in (
            (steady, (20e3, 39e3), PASS),
            (steady, (20e3, 50e3), FAIL),
            (shaken, (20e3, 95e3), PASS),
            (shaken, (20e3, 120e3), FAIL),
        ):
            results = with_tails(floor, ours)
            self.assertEqual(verdicts(results, "tail", "free", "cpp"), [expected], (floor, ours))

    def test_rates_are_judged_by_themselves_and_by_zmq(self):
        for ours, expected in (
            (2.5e6, [PASS, PASS, PASS]),
            (1.9e6, [FAIL, FAIL, PASS]),
        ):
            results = Results()
            results.add("reads_1024", "zmq", "free", 1, {"rate_per_s": 0.4e6})
            results.add("burst_1024", "c", "free", 1, {"rate_per_s": ours})
            results.add("reads_1024", "c", "free", 1, {"rate_per_s": 0.8e6})
            found = [
                verdict
                for bar in ("rate_1024", "burst_1024", "reads_1024")
                for verdict in verdicts(results, bar, "free", "c")
            ]
            self.assertEqual(found, expected)

    def test_f01_a_write_is_seen_as_soon_as_one_that_is_waited_for(self):
        for p50, p999, expected in (
            (12e3, 1.1e6, [PASS, PASS]),
            (12.1e3, 1.2e6, [FAIL, FAIL]),
        ):
            results = Results()
            results.add("seen_waited", "floor", "free", 1, {"p50_ns": 9e3, "p999_ns": 1e5})
            results.add("seen_waited", "cpp", "free", 1, {"p50_ns": 10e3, "p999_ns": 2e6})
            results.add("seen_unwaited", "cpp", "free", 1, {"p50_ns": p50, "p999_ns": p999})
            results.add("seen_unwaited", "cpp", "one", 1, {"p50_ns": 9e6, "p999_ns": 9e6})
            found = [
                verdict
                for bar in ("seen_p50", "seen_p999")
                for verdict in verdicts(results, bar, "free", "cpp")
            ]
            self.assertEqual(found, expected)
            self.assertEqual(verdicts(results, "seen_p50", "one", "cpp"), [])

    def test_many_clients_are_compared_with_the_best_of_one(self):
        for total, expected in ((1.7e6, PASS), (1.5e6, FAIL)):
            results = Results()
            for number, name in enumerate(bars.SINGLE_CLIENT_FIGURES):
                results.add(name, "cpp", "free", 1, {"rate_per_s": 2e6 - number * 1e5})
            self.assertEqual(verdicts(results, "clients_total", "free", "cpp"), [NOT_MEASURED])
            results.add(
                "clients_64", "cpp", "free", 1, {"rate_per_s": total, "worst_client_share": 0.4}
            )
            self.assertEqual(verdicts(results, "clients_total", "free", "cpp"), [expected])
            self.assertEqual(verdicts(results, "clients_worst", "free", "cpp"), [FAIL])

    def test_what_is_within_one_process_is_judged_by_the_difference(self):
        for emulate, expected in ((215.0, PASS), (231.0, FAIL)):
            results = Results()
            results.add("virtual_call", "cpp", "one", 1, {"ns": 20.0})
            results.add("emulate", "cpp", "one", 1, {"ns": emulate})
            self.assertEqual(verdicts(results, "emulate", "one", "cpp"), [expected])

    def test_one_wakeup_of_either_end_is_too_many(self):
        for server, client, expected in (
            (0, 0, PASS),
            (0.2, 0, FAIL),
            (0, 0.2, FAIL),
        ):
            results = Results()
            results.add("idle", "cpp", "free", 1, {"server_per_s": server, "client_per_s": client})
            self.assertEqual(verdicts(results, "idle", "free", "cpp"), [expected])


def answer(transactions, rates, buckets):
    """What a client process says about a run of one second."""
    return {
        "transactions": transactions,
        "requests": transactions + 10,
        "elapsed_ns": 10**9,
        "per_client": rates,
        "cpu_ns": 10**9,
        "voluntary": 100,
        "involuntary": 0,
        "latency_ns": {"buckets": buckets, "max": buckets[-1][0]},
    }


class Combining(unittest.TestCase):
    def test_processes_are_added_up_and_their_latencies_merged(self):
        figure = figures.Figure("clients_4", "", outstanding=5, clients=4)
        used = {"cpu_ns": 10**9, "voluntary": 50, "involuntary": 50}
        first = answer(600, [300, 300], [[1000, 98], [5000, 2]])
        second = answer(400, [300, 100], [[1000, 99], [9000, 1]])
        values = figures.combine(figure, [first, second], used)
        self.assertEqual(values["rate_per_s"], 1000)
        self.assertEqual(values["bytes_per_s"], 4000)
        self.assertEqual(values["worst_client_share"], 0.4)
        self.assertEqual(
            (values["p50_ns"], values["p99_ns"], values["p999_ns"]), (1000, 5000, 9000)
        )
        self.assertEqual(values["max_ns"], 9000)
        self.assertAlmostEqual(values["client_cpu_ns"], 2e9 / 1020)
        self.assertAlmostEqual(values["server_cpu_ns"], 1e9 / 1020)
        self.assertAlmostEqual(values["server_switches"], 100 / 1020)

    def test_quantiles_are_what_so_many_samples_do_not_exceed(self):
        buckets = [[10, 50], [30, 1], [20, 49]]
        self.assertEqual(
            [figures.quantile(buckets, fraction) for fraction in (0.5, 0.51, 0.99, 1)],
            [10, 20, 20, 30],
        )

    def test_clients_are_spread_evenly(self):
        self.assertEqual(figures.spread_over(1), [1])
        self.assertEqual(figures.spread_over(6), [2, 2, 1, 1])
        self.assertEqual(sum(figures.spread_over(256)), 256)

    def test_callgrind_output_is_summed_up(self):
        with tempfile.NamedTemporaryFile("w", suffix=".out") as file:
            file.write("events: Ir\nfn=(1)\n16 5\n\ntotals: 123456\n")
            file.flush()
            self.assertEqual(extras.instructions_of(file.name), 123456)
        with tempfile.NamedTemporaryFile("w", suffix=".out") as file:
            with self.assertRaisesRegex(programs.BenchError, "no total"):
                extras.instructions_of(file.name)


class Failing(unittest.TestCase):
    """Programs that are small scripts."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.free = programs.placements()["free"]
        self.program(
            "floor_server",
            "echo 'listening on port 1'; while read -r line; do"
            ' echo \'{"cpu_ns": 1, "voluntary": 1, "involuntary": 1}\'; done',
        )

    def program(self, name, body):
        path = self.folder / name
        path.write_text("#!/usr/bin/env bash\n" + body + "\n")
        path.chmod(0o755)

    def sample(self):
        figure = figures.Figure("latency", "")
        return figures.take_sample(str(self.folder), figure, figures.PEERS["floor"], self.free, 0.1)

    def test_a_program_that_was_not_built(self):
        with self.assertRaisesRegex(programs.BenchError, "floor_client is not there"):
            self.sample()

    def test_a_client_that_ends_with_an_error_is_quoted(self):
        self.program(
            "floor_client", "echo '{\"ready\": true}'; read -r line; echo 'wrong word' >&2; exit 1"
        )
        with self.assertRaisesRegex(programs.BenchError, "(?s)ended with 1.*wrong word"):
            self.sample()

    def test_a_client_that_is_not_ready(self):
        self.program("floor_client", "echo '{\"ready\": false}'; cat >/dev/null")
        with self.assertRaisesRegex(programs.BenchError, "not that it is ready"):
            self.sample()

    def test_a_client_that_speaks_no_json(self):
        self.program("floor_client", "echo hello; cat >/dev/null")
        with self.assertRaisesRegex(programs.BenchError, "JSON"):
            self.sample()

    def test_a_program_that_fails_at_its_end(self):
        run = (
            '{"transactions": 5, "requests": 6, "elapsed_ns": 1000, "per_client": [5],'
            ' "cpu_ns": 1, "voluntary": 1, "involuntary": 1}'
        )
        body = (
            "echo '{\"ready\": true}'; read -r line; echo '{}'; read -r line;"
            " echo '%s'; cat >/dev/null; exit " % run
        )
        self.program("floor_client", body + "0")
        self.assertEqual(self.sample()["transactions"], 5)
        self.program("floor_client", body + "9")
        with self.assertRaisesRegex(programs.BenchError, "ended with 9"):
            self.sample()

    def test_placement_is_that_of_the_process(self):
        allowed = programs.os.sched_getaffinity(0)
        one = programs.placements()["one"]
        self.program("floor_client", "echo '{\"ready\": true}'; read -r line; cat >/dev/null")
        with programs.Session(str(self.folder), one) as session:
            session.start_server("floor_server")
            client = session.start_client("floor_client")
            for program in (session.server, client):
                self.assertEqual(programs.os.sched_getaffinity(program.pid), {min(allowed)})
        self.assertEqual(programs.os.sched_getaffinity(0), allowed)


class Reporting(unittest.TestCase):
    def document(self, results):
        machine = dict.fromkeys(("system", "rustc", "cc", "libzmq"), "x")
        machine.update(
            time="2030-01-01T00:00:00Z",
            cpu="a processor",
            cpus=2,
            virtual=True,
            memory_bytes=1 << 30,
            kernel="6.0",
            commit="0123456789abcdef",
        )
        return {
            "machine": machine,
            "notes": ["all is invented"],
            "options": {"rounds_done": 3},
            "bars": [verdict.as_dict() for verdict in bars.judge(results)],
        }

    def test_tables_show_figures_ratios_verdicts_and_the_machine(self):
        results = with_latencies((10.0, 13.0))
        for show in (report.text, report.markdown):
            said = show(self.document(results), results)
            for words in (
                "4-byte read, p50",
                "≤ 1.4 × floor",
                "1.30 × floor",
                "PASS",
                "13 µs",
                "a processor, 2 CPUs",
                "0123456789ab",
                "not measured",
                "all is invented",
            ):
                self.assertIn(words, said)

    def test_samples_survive_being_written_down(self):
        results = with_latencies((10.0, 13.0), (11.0, 14.0))
        again = Results.from_samples(results.samples)
        self.assertEqual(again.medians(), results.medians())

    def test_every_row_of_a_markdown_table_has_as_many_cells_as_its_heading(self):
        table = report.Table("a", "b", "c")
        table.add("1", None, 3)
        lines = table.markdown().splitlines()
        self.assertEqual({line.count("|") for line in lines}, {4})
        self.assertEqual(lines[2], "| 1 | – | 3 |")


if __name__ == "__main__":
    unittest.main()
