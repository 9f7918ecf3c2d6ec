"""Either kind of client on either kind of server through `rogue-mem spy`: neither may notice it,
and it may miss nothing."""

import json
import signal

from harness import InteropTest, Settings
from test_network import CUTS, WORK

FAILING = ("--fail", "0x400-0x4ff=Bus error")
SHOWN_OCTETS = 32


class Spy(InteropTest):
    """What it passes on, and what it says of it."""

    def records(self, spy):
        """Ends it; all that it has said, and its counts."""
        spy.process.send_signal(signal.SIGINT)
        spy.expect_exit()
        *lines, summary = [json.loads(line) for line in spy.lines[1:]]
        self.assertEqual(summary["event"], "summary")
        return lines, summary

    def pairs(self, lines):
        """Each request with its response, in the order of the requests, probes aside."""
        requests, responses = (
            [line for line in lines if line["event"] == event and line["type"] != "probe"]
            for event in ("request", "response")
        )
        self.assertEqual(len(requests), len(responses))
        answers = {(line["client"], line["id"]): line for line in responses}
        pairs = [(line, answers[(line["client"], line["id"])]) for line in requests]
        for request, response in pairs:
            for key in ("address", "size", "type"):
                self.assertEqual(request[key], response[key])
            self.assertGreater(response["latency_us"], 0)
        return pairs

    def check_lines(self, server, start_client):
        """A client does a bit of everything, and every line is compared with that."""
        spy = self.spy(server, "--json")
        client = start_client("rw", spy, "--timeout", "60")
        self.assertEqual(client.ask("write 0x1000 01020304"), "ok")
        self.assertEqual(client.ask("read 0x1000 4"), "ok 01020304")
        self.assertEqual(client.ask("post 0x1004 aa"), "ok")
        self.assertEqual(client.ask("verify 0x1000 8"), "ok 01020304aa000000")
        self.assertRegex(client.ask("read 0x400 4"), "^error .*Bus error")
        self.assertEqual(client.ask("fill 0x20000 1048576 7"), "ok")
        self.assertEqual(client.ask("check 0x20000 1048576 7"), "ok")
        client.finish()
        lines, summary = self.records(spy)
        pairs = self.pairs(lines)
        said = [
            (ask["type"], ask["address"], ask["size"], ask.get("data"), answer["result"])
            for ask, answer in pairs
        ]
        self.assertEqual(
            said[:5],
            [
                ("write", 0x1000, 4, "01020304", "OK"),
                ("read", 0x1000, 4, None, "OK"),
                ("posted", 0x1004, 1, "aa", "OK"),
                ("verify", 0x1000, 8, None, "OK"),
                ("read", 0x400, 4, None, "Bus error"),
            ],
        )
        self.assertEqual(pairs[1][1]["data"], "01020304")
        self.assertEqual(pairs[3][1]["data"], "01020304aa000000")
        for kind in ("write", "read"):
            large = [
                pair for pair in pairs if pair[0]["size"] == 1 << 20 and pair[0]["type"] == kind
            ]
            self.assertEqual(len(large), 1)
            data = large[0][0 if kind == "write" else 1]
            self.assertEqual(data["data_bytes"], 1 << 20)
            self.assertEqual(len(data["data"]), 2 * SHOWN_OCTETS)
        self.assertEqual({ask["client"] for ask, _ in pairs}, {1})
        counts = {key: summary[key] for key in ("writes", "reads", "posted", "verifies", "errors")}
        self.assertEqual(counts, {"writes": 2, "reads": 3, "posted": 1, "verifies": 1, "errors": 1})
        for key in ("unanswered", "unasked", "malformed", "undecodable", "lost_lines"):
            self.assertEqual(summary[key], 0, key)
        self.assertEqual((summary["clients"], summary["connections"]), (1, 2))

    def test_a_libzmq_client_on_our_server(self):
        self.check_lines(self.our_server(*FAILING), self.zmq_client)

    def test_a_libzmq_client_on_a_libzmq_server(self):
        self.check_lines(self.zmq_server(*FAILING), self.zmq_client)

    def test_our_client_on_a_libzmq_server(self):
        self.check_lines(self.zmq_server(*FAILING), self.our_client)

    def test_our_client_on_our_server(self):
        self.check_lines(self.our_server(*FAILING), self.our_client)

    def test_random_operations_of_several_clients_agree_with_the_model(self):
        spy = self.spy(self.our_server(), "--quiet", "--json")
        clients = [self.zmq_client, self.our_client, self.our_client]
        count = Settings.operations(20000 if Settings.full else 3000)
        running = [
            start(
                "random", spy, "--ops", count, "--window", 50, "--identity", identity,
                "--base", hex(0x10000 * identity), "--size", "0x8000", "--timeout", "60",
            )
            for identity, start in enumerate(clients, 1)
        ]  # fmt: skip
        for client in running:
            client.expect_exit()
            self.assertClean(client, unknown=0)
        lines, summary = self.records(spy)
        self.assertEqual(lines, [])
        self.assertEqual(summary["clients"], 3)
        asked = sum(summary[key] for key in ("reads", "writes", "posted", "verifies", "probes"))
        self.assertEqual(asked, summary["responses"])
        self.assertGreaterEqual(asked, 3 * count)
        for key in ("errors", "unanswered", "unasked", "malformed", "undecodable"):
            self.assertEqual(summary[key], 0, key)

    def test_clients_work_through_cuts_behind_the_spy(self):
        for start in (self.our_client, self.zmq_client):
            with self.subTest(start.__name__):
                network = self.proxy(self.our_server())
                spy = self.spy(network, "--quiet", "--json")
                client = start(WORK[0], spy, *WORK[1:], "--timeout", "0.5", "--wait-ready", "60")
                for kinds in CUTS:
                    client.expect_progress(300)
                    self.assertGreater(network.cut(*kinds), 0)
                client.expect_progress(300)
                client.finish()
                self.assertClean(client)
                _, summary = self.records(spy)
                # A cut of either connection ends both.
                self.assertGreaterEqual(summary["connections"], 2 * (1 + len(CUTS)))
                for key in ("unasked", "malformed", "undecodable"):
                    self.assertEqual(summary[key], 0, key)

    def test_a_spy_for_each_keeps_libzmq_clients_apart_on_our_server(self):
        server = self.our_server()
        clients = [
            self.zmq_client("rw", self.spy(server), "--timeout", "60", "--wait-ready", "60")
            for _ in range(2)
        ]
        for number, client in enumerate(clients):
            data = "%08x" % number
            self.assertEqual(client.ask("write %d %s" % (4 * number, data)), "ok")
            self.assertEqual(client.ask("read %d 4" % (4 * number)), "ok " + data)
        for client in clients:
            client.finish()
            self.assertFields(client.last_fields("counters"), foreign=0)

    def test_a_client_with_curve_is_passed_on_unread(self):
        spy = self.spy(self.our_server("--curve", "any"), "--json")
        client = self.zmq_client("rw", spy, "--timeout", "60", "--curve", "on")
        self.assertEqual(client.ask("write 0x1000 01020304"), "ok")
        self.assertEqual(client.ask("read 0x1000 4"), "ok 01020304")
        client.finish()
        lines, summary = self.records(spy)
        events = {line["event"] for line in lines}
        self.assertEqual(events, {"opened", "remark", "frame", "closed"})
        frames = [line for line in lines if line["event"] == "frame"]
        self.assertEqual(summary["frames"], len(frames))
        # Two requests and two responses, each in several frames.
        self.assertGreaterEqual(len([frame for frame in frames if not frame["command"]]), 4 + 12)
