"""This library's client on the reference's server and on the simulation-side one."""

import os
import re

from harness import InteropTest, Settings

MEMORY = ("0x10000", "0x100000")
# What the reference's server must never see from us.
STRICT = ("--no-probes", "--unique-ids")


class OneServer(InteropTest):
    """A server that stays."""

    def test_ready_means_connected_and_no_probe_is_sent(self):
        server = self.zmq_server(*STRICT)
        client = self.our_client("probe", server, "--wait-ready", "60")
        client.expect("^ready$")
        client.expect_exit()
        server.finish()
        self.assertFields(server.last_fields("counters"), requests=0)

    def test_a_probe_is_sent_where_it_is_asked_for(self):
        server = self.zmq_server()
        client = self.our_client("probe", server, "--wait-ready", "60", "--probe-legacy")
        client.expect("^ready$")
        client.expect_exit()
        server.finish()
        self.assertGreaterEqual(server.last_fields("counters")["probes"], 1)

    def test_a_server_that_is_not_ready_is_not_flooded_with_probes(self):
        server = self.zmq_server("--probe-result", "Not ready")
        client = self.our_client("probe", server, "--wait-ready", "1", "--probe-legacy")
        client.expect("^not ready$")
        client.expect_exit(1)
        server.finish()
        # One per 0.1 s, and a few for good measure; the reference sends thousands.
        self.assertLess(server.last_fields("counters")["probes"], 30)

    def test_every_type_does_its_work(self):
        server = self.zmq_server(*STRICT)
        client = self.our_client("rw", server, "--timeout", "60")
        self.assertEqual(client.ask("read 0x1000 4"), "ok 00000000")
        self.assertEqual(client.ask("write 0x1001 01020304"), "ok")
        self.assertEqual(client.ask("post 0x1005 aa"), "ok")
        self.assertEqual(client.ask("verify 0x1000 8"), "ok 0001020304aa0000")
        self.assertEqual(client.ask("read 0xfffffffffffffff8 8"), "ok 0000000000000000")
        for size in (4096, 65535, 65536, 1048576):
            self.assertEqual(client.ask("fill 0x20000 %d %d" % (size, size)), "ok")
            self.assertEqual(client.ask("check 0x20000 %d %d" % (size, size)), "ok")
        client.finish()
        server.finish()
        self.assertFields(
            server.last_fields("counters"), requests=13, writes=5, posts=1, verifies=1, dropped=0
        )

    def test_random_operations_agree_with_the_model(self):
        for window in (1, 50, 400):
            with self.subTest(window=window):
                server = self.zmq_server(*STRICT)
                operations = Settings.operations(20000 if Settings.full or window == 400 else 3000)
                client = self.our_client(
                    "random",
                    server,
                    "--ops",
                    operations,
                    "--window",
                    window,
                    "--seed",
                    window,
                    "--timeout",
                    "60",
                )
                client.expect_exit()
                self.assertClean(client, unknown=0)
                server.finish()

    def test_d13_error_texts_arrive_as_they_are(self):
        text = "50%% of %s%s%n at 0x%x"
        server = self.zmq_server(*STRICT, "--fail", "0x100-0x1ff=" + text)
        client = self.our_client("rw", server, "--timeout", "60")
        # The program checks that a failed read leaves its buffer alone (d12).
        self.assertRegex(client.ask("read 0x100 64"), "^error .*" + re.escape(text))
        self.assertRegex(client.ask("write 0x100 00010203"), "^error .*" + re.escape(text))
        self.assertEqual(client.ask("read 0x200 4"), "ok 00000000")
        client.finish()

    def test_distorted_answers_give_the_documented_errors(self):
        mismatch = "^foreign .*Transaction data mismatch in TcpClient"
        size = "^error .*Received transaction response did not match header size"
        timeout = r"^unknown .*Timeout waiting for register transaction \d+ message response\."
        cases = (
            ("id", timeout),
            ("address", mismatch),
            ("size", mismatch),
            ("type", mismatch),
            ("short", size),
            ("long", size),
            ("parts5", timeout),
            ("parts7", timeout),
            ("header", timeout),
            ("result999", "^error .*" + "x" * 900),
            ("result1200", "^error .*" + "x" * 1000),
            ("result-empty", "^ok 00000000"),
            ("result-nul", "^ok 00000000"),
            ("result-ok-nul", "^ok 00000000"),
            ("result-percent", "^error .*50%% of %s %n"),
            ("twice", "^ok 00000000"),
        )
        for kind, answer in cases:
            with self.subTest(kind):
                server = self.zmq_server(*STRICT, "--mangle", "0x100=" + kind)
                limit = "0.5" if answer == timeout else "60"
                client = self.our_client("rw", server, "--timeout", limit)
                self.assertRegex(client.ask("read 0x100 4"), answer)
                client.ask("timeout 60")
                self.assertEqual(client.ask("read 0x200 4"), "ok 00000000")
                client.finish(1 if answer == mismatch else 0)
                server.finish()

    def test_a_late_answer_is_dropped(self):
        server = self.zmq_server(*STRICT, "--slow", "0x100-0x1ff=1000")
        client = self.our_client("rw", server, "--timeout", "0.3")
        self.assertRegex(client.ask("read 0x100 4"), "^unknown .*Timeout")
        client.ask("timeout 60")
        self.assertEqual(client.ask("read 0x200 8"), "ok 0000000000000000")
        client.finish()
        self.assertFields(client.last_fields("counters"), dropped=1)

    def test_an_answer_refreshes_what_was_issued_after_it(self):
        server = self.zmq_server(*STRICT, "--delay-ms", "1000")
        client = self.our_client("rw", server, "--timeout", "2.5")
        for address in range(0, 16, 4):
            client.ask("start read %d 4" % address)
        client.send("wait")
        for _ in range(4):
            client.expect(r"^\d+ ok 00000000$")
        client.finish()

    def test_d09_any_number_of_outstanding_reads_is_answered(self):
        count = Settings.operations(100000 if Settings.full else 20000)
        # The second window is more than the queues of libzmq hold.
        for window in ((), ("--client-window", "5000")):
            with self.subTest(" ".join(window)):
                server = self.zmq_server(*STRICT)
                client = self.our_client("rw", server, "--timeout", "60", *window)
                self.assertEqual(client.ask("fill 0x20000 1048576 5"), "ok")
                self.assertEqual(
                    client.ask("burst 0x20000 4 %d 8 5" % count),
                    "burst ok=%d failed=0 unknown=0 differing=0" % count,
                )
                client.finish()
                server.finish()


class Simulation(InteropTest):
    """The simulation-side server: numeric results, no probes, whole words."""

    def test_numeric_results_are_understood(self):
        server = self.zmq_server(
            "--surf",
            "--unique-ids",
            "--fail",
            "0x100-0x1ff=2",
            "--fail",
            "0x200-0x2ff=3",
            "--fail",
            "0x300-0x3ff=1",
        )
        client = self.our_client("rw", server, "--timeout", "60", "--wait-ready", "60")
        client.expect("^ready$")
        self.assertEqual(client.ask("write 0x1000 01020304"), "ok")
        self.assertEqual(client.ask("read 0x1000 8"), "ok 0102030400000000")
        self.assertEqual(client.ask("post 0x1004 05060708"), "ok")
        self.assertEqual(client.ask("verify 0x1000 8"), "ok 0102030405060708")
        self.assertRegex(client.ask("read 0x100 4"), "^error .*SLVERR")
        self.assertRegex(client.ask("write 0x200 00000000"), "^error .*DECERR")
        self.assertRegex(client.ask("read 0x300 4"), "^error .*EXOKAY")
        client.finish()
        server.finish()
        self.assertFields(server.last_fields("counters"), probes=0)

    def test_random_whole_words_agree_with_the_model(self):
        server = self.zmq_server("--surf", "--unique-ids")
        client = self.our_client(
            "random",
            server,
            "--ops",
            Settings.operations(5000),
            "--granularity",
            "4",
            "--window",
            "50",
            "--timeout",
            "60",
        )
        client.expect_exit()
        self.assertClean(client, unknown=0)
        server.finish()


class ComingAndGoing(InteropTest):
    """Servers that are not there, die and come back."""

    def absent_port(self):
        """A port pair that was free a moment ago, as a stand-in for a server."""
        server = self.zmq_server()
        server.finish()
        return server

    def test_without_a_server_the_timeout_says_why(self):
        absent = self.absent_port()
        client = self.our_client("rw", absent, "--timeout", "1", "--wait-ready", "0")
        self.assertRegex(client.ask("read 0x100 4"), "(?i)^(unknown|error) .*refused")
        self.assertRegex(client.ask("state"), "(?i)^state .*refused")
        client.finish()

    def test_a_request_waits_for_a_server_that_appears(self):
        absent = self.absent_port()
        client = self.our_client("rw", absent, "--timeout", "100", "--wait-ready", "0")
        self.assertEqual(client.ask("start read 0x100 4"), "started")
        server = self.zmq_server(*STRICT, "--port", absent.port)
        client.send("wait")
        client.expect(r"^1 ok 00000000$")
        client.finish()
        server.finish()
        self.assertFields(server.last_fields("counters"), reads=1)

    def test_wait_ready_waits_for_a_server_that_appears(self):
        absent = self.absent_port()
        client = self.our_client("probe", absent, "--wait-ready", "100")
        self.zmq_server(*STRICT, "--port", absent.port)
        client.expect("^ready$")
        client.expect_exit()

    def test_requests_in_flight_fail_at_once_when_the_server_dies(self):
        server = self.zmq_server(*STRICT, "--silent", "0x100-0x1ff", "--journal", "-")
        # Longer than any wait here: only the loss of the connection can end it.
        client = self.our_client("rw", server, "--timeout", "3600")
        client.ask("start read 0x100 4")
        client.ask("start write 0x104 00000000")
        server.expect("^request .* write 0x104 4$")
        server.kill()
        client.send("wait")
        client.expect("^1 unknown .*onnection")
        client.expect("^2 unknown .*onnection")
        server = self.zmq_server(*STRICT, "--port", server.port)
        self.assertEqual(client.ask("read 0x200 4"), "ok 00000000")
        client.finish()
        server.finish()
        # Nothing is sent twice.
        self.assertFields(server.last_fields("counters"), requests=1)

    def test_a_client_works_through_restarts_and_sends_nothing_twice(self):
        journal = self.memory_file("journal")

        def start(*more):
            return self.zmq_server(
                *STRICT, "--memory", self.memory_file(), *MEMORY, "--journal", journal, *more
            )

        server = start()
        client = self.our_client(
            "random",
            server,
            "--until-eof",
            "--progress",
            "100",
            "--tolerate-restarts",
            "--timeout",
            "60",
            "--window",
            "16",
        )
        self.restarts(server, [client], 8 if Settings.full else 4, start)
        client.finish()
        fields = self.assertClean(client)
        self.assertGreater(fields["ok"], 4000)
        # The loss of a connection ends what was on its way; nothing runs into its timeout.
        self.assertFields(client.last_fields("counters"), timeouts=0)
        with open(journal, encoding="ascii") as lines:
            ids = [line.split()[1] for line in lines if line.endswith("\n")]
        self.assertEqual(len(ids), len(set(ids)), "a request was sent twice")


class AtAPath(InteropTest):
    """libzmq's ipc transport, which has a path for each socket."""

    def test_both_sockets_of_the_reference_are_found(self):
        path = "unix:" + os.path.join(self.folder, "board.sock")
        server = self.zmq_server(*STRICT, "--host", path)
        client = self.our_client("rw", server, "--host", path, "--timeout", "60")
        self.assertEqual(client.ask("write 0x1000 01020304"), "ok")
        self.assertEqual(client.ask("read 0x1000 4"), "ok 01020304")
        self.assertEqual(client.ask("fill 0x20000 1048576 7"), "ok")
        self.assertEqual(client.ask("check 0x20000 1048576 7"), "ok")
        client.finish()
        server.finish()
