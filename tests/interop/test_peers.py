"""The libzmq programs against each other: they must be right before anything is judged by them,
and every detector is shown a case in which it has to speak up."""

from harness import VIOLATION_STATUS, InteropTest, Settings

# Requests outstanding at once; 400 is what libzmq's queue surely takes.
WINDOWS = (1, 50, 400)


def request(identity, address, size, kind, *data):
    """The words of a raw request."""
    fields = ((identity, 4), (address, 8), (size, 4), (kind, 4))
    header = [value.to_bytes(octets, "little").hex() for value, octets in fields]
    return " ".join(header + list(data))


class Exchange(InteropTest):
    """One client, one server."""

    def test_a_probe_is_answered(self):
        server = self.zmq_server()
        client = self.zmq_client("probe", server)
        client.expect("^ready$")
        client.expect_exit()
        self.assertFields(client.last_fields("counters"), probe_answers=1, foreign=0)
        server.finish()
        self.assertFields(server.last_fields("counters"), requests=1, probes=1)

    def test_a_probe_without_a_server_times_out(self):
        server = self.zmq_server()
        server.finish()
        client = self.zmq_client("probe", server, "--wait-ready", "0.3")
        client.expect("^not ready$")
        client.expect_exit(1)
        self.assertFields(client.last_fields("counters"), probes=0, responses=0)

    def test_a_refused_probe_is_repeated_at_once(self):
        server = self.zmq_server("--probe-result", "Not ready")
        client = self.zmq_client("probe", server, "--wait-ready", "0.5")
        client.expect_exit(1)
        # Ten periods fit into that time at most.
        self.assertGreater(client.last_fields("counters")["probes"], 10)

    def test_every_type_does_its_work(self):
        server = self.zmq_server()
        client = self.zmq_client("rw", server)
        self.assertEqual(client.ask("read 0x1000 4"), "ok 00000000")
        self.assertEqual(client.ask("write 0x1001 01020304"), "ok")
        self.assertEqual(client.ask("post 0x1005 aa"), "ok")
        self.assertEqual(client.ask("verify 0x1000 8"), "ok 0001020304aa0000")
        self.assertEqual(client.ask("read 0xfffffffffffffff8 8"), "ok 0000000000000000")
        self.assertEqual(client.ask("fill 0x20000 1048576 7"), "ok")
        self.assertEqual(client.ask("check 0x20000 1048576 7"), "ok")
        self.assertEqual(client.ask("check 0x20000 16 8")[:10], "differs at")
        client.finish()
        self.assertIn("posts_unconfirmed=0", client.lines)
        self.assertFields(client.last_fields("counters"), ok=8, failed=0, foreign=0, hazards=0)
        server.finish()
        self.assertFields(
            server.last_fields("counters"), reads=4, writes=2, posts=1, verifies=1, dropped=0
        )

    def test_a_failed_access_carries_its_text_and_stale_octets(self):
        server = self.zmq_server("--fail", "0x100-0x1ff=Bus error at 0x%x")
        client = self.zmq_client("rw", server)
        self.assertEqual(client.ask("read 0x100 4"), "error Bus error at 0x%x")
        self.assertEqual(client.ask("write 0x1fe 00112233"), "error Bus error at 0x%x")
        self.assertEqual(client.ask("read 0x200 4"), "ok 00000000")
        client.finish()
        self.assertFields(client.last_fields("counters"), failed=2, hazards=2, leaks=1)

    def test_silence_ends_in_the_timeout_and_a_late_answer_is_dropped(self):
        server = self.zmq_server("--silent", "0x0-0xff", "--slow", "0x100-0x1ff=400")
        client = self.zmq_client("rw", server, "--timeout", "0.2")
        text = "unknown Timeout waiting for register transaction %d message response."
        self.assertEqual(client.ask("read 0 4"), text % 1)
        self.assertEqual(client.ask("read 0x100 4"), text % 2)
        client.ask("timeout 10")
        self.assertEqual(client.ask("read 0x200 4"), "ok 00000000")
        client.finish()
        self.assertFields(client.last_fields("counters"), expired=2, late=1, foreign=0)

    def test_an_answer_refreshes_what_was_issued_after_it(self):
        server = self.zmq_server("--delay-ms", "1000")
        client = self.zmq_client("rw", server, "--timeout", "2.5")
        for address in range(0, 16, 4):
            client.ask("start read %d 4" % address)
        client.send("wait")
        for _ in range(4):
            client.expect(r"^\d+ ok 00000000$")
        client.finish()

    def test_a_stuck_slave_costs_its_timeout_and_gives_the_text(self):
        server = self.zmq_server("--stuck", "0x0-0xff")
        client = self.zmq_client("rw", server, "--timeout", "30")
        self.assertRegex(client.ask("read 0 4"), "^error Timeout waiting for register transaction")

    def test_random_operations_agree_with_the_model(self):
        server = self.zmq_server("--unique-ids")
        for window in WINDOWS:
            client = self.zmq_client(
                "random",
                server,
                "--ops",
                20000 if Settings.full else 3000,
                "--window",
                window,
                "--seed",
                window,
                "--base",
                window * 0x100000,
            )
            client.expect_exit()
            self.assertFields(client.last_fields("random"), unknown=0, mismatch=0, foreign=0)
            self.assertGreater(client.last_fields("random")["compared"], 100000)
            server.kill()
            server = self.zmq_server("--unique-ids")


class Detectors(InteropTest):
    """What must be noticed is noticed."""

    def test_a_distorted_answer_is_noticed(self):
        mismatch = "foreign Transaction data mismatch in TcpClient"
        size = "error Received transaction response did not match header size"
        text = "x" * 999
        cases = (
            ("id", "^unknown", dict(foreign=1)),
            ("address", mismatch, dict(foreign=1)),
            ("size", mismatch, dict(foreign=1)),
            ("type", mismatch, dict(foreign=1)),
            ("short", size, dict(malformed=1)),
            ("long", size, dict(malformed=1)),
            ("parts5", "^unknown", dict(malformed=1)),
            ("parts7", "^unknown", dict(malformed=1)),
            ("header", "^unknown", dict(malformed=1)),
            ("result999", "error " + text, dict(failed=1)),
            ("result1200", "^unknown", dict(malformed=1)),
            ("result-empty", "ok 00000000", dict(ok=1)),
            ("result-nul", "ok 00000000", dict(ok=1)),
            ("result-ok-nul", "ok 00000000", dict(ok=1)),
            ("result-percent", "^error 50%% of %s %n", dict(hazards=1)),
            ("payload", "ok 00000001", dict(ok=1)),
            ("twice", "ok 00000000", dict(ok=1, foreign=1)),
        )
        for kind, answer, counters in cases:
            with self.subTest(kind):
                server = self.zmq_server("--mangle", "0x100=" + kind)
                timeout = "0.3" if answer == "^unknown" else "60"
                client = self.zmq_client("rw", server, "--timeout", timeout)
                self.assertRegex(client.ask("read 0x100 4"), answer)
                client.finish(1 if counters.get("foreign") else 0)
                self.assertFields(client.last_fields("counters"), **counters)
                server.finish()

    def test_a_distorted_echo_is_foreign(self):
        server = self.zmq_server("--mangle", "0x100=payload")
        client = self.zmq_client("rw", server)
        self.assertEqual(client.ask("write 0x100 00112233"), "foreign another request's echo")
        client.finish(1)

    def test_the_model_notices_one_wrong_bit(self):
        server = self.zmq_server("--mangle", "0x10800=payload")
        client = self.zmq_client("random", server, "--ops", "500")
        client.expect("^MISMATCH")
        client.expect_exit(1)

    def test_the_model_notices_a_lost_memory(self):
        server = self.zmq_server("--lenient")
        client = self.zmq_client(
            "random",
            server,
            "--until-eof",
            "--progress",
            "100",
            "--tolerate-restarts",
            "--timeout",
            "0.3",
            "--window",
            "4",
        )
        client.expect("^progress")
        server.kill()
        self.zmq_server("--lenient", "--port", server.port)
        client.expect("^MISMATCH")
        client.finish(1)

    def test_requests_that_a_server_minds_are_violations(self):
        cases = (
            request(1, 0, 4, 1).rsplit(" ", 1)[0],  # three parts
            request(1, 0, 4, 1, "00000000", "00"),  # six
            request(1, 0, 4, 1) + " " + " ".join(["00"] * 96),  # a hundred
            request(1, 0, 4, 1).replace("01000000", "0100", 1),  # a short id
            request(1, 0, 4, 2),  # a write without data
            request(1, 0, 4, 2, "000000"),  # a write with too little
            request(1, 0, 4, 1, "00000000"),  # a read with data
            request(1, 0, 4, 5),  # an unknown type
            request(1, 0, 4, 0xFFFFFFFE),  # a probe with a size
            request(1, 0, 0, 0xFFFFFFFE, "-"),  # a probe with a fifth part
            request(1, 0, 0xFFFFFFFF, 1),  # a read of 4 GiB
        )
        for words in cases:
            with self.subTest(words[:80]):
                server = self.zmq_server()
                client = self.zmq_client("rw", server)
                self.assertEqual(client.ask("raw " + words), "ok")
                server.expect_exit(VIOLATION_STATUS)
                self.assertIn("VIOLATION", "".join(server.errors))

    def test_an_id_used_twice_is_a_violation(self):
        server = self.zmq_server("--unique-ids")
        first = self.zmq_client("rw", server)
        self.assertEqual(first.ask("read 0 4"), "ok 00000000")
        first.finish()
        second = self.zmq_client("rw", server)
        second.send("read 0 4")
        server.expect_exit(VIOLATION_STATUS)

    def test_a_lenient_server_drops_what_it_minds(self):
        server = self.zmq_server("--lenient")
        client = self.zmq_client("rw", server)
        self.assertEqual(client.ask("raw 00 00"), "ok")
        self.assertEqual(client.ask("read 0 4"), "ok 00000000")
        self.assertFields(server.counters(), requests=3, dropped=1, reads=1)

    def test_the_simulation_minds_probes_and_odd_sizes(self):
        cases = (
            ("probe", None),
            ("rw", "read 0 0"),
            ("rw", "read 0 6"),
            ("rw", "write 0 00"),
            ("rw", "read 0 4100"),
        )
        for mode, command in cases:
            with self.subTest(command or mode):
                server = self.zmq_server("--surf")
                arguments = [] if mode == "probe" else ["--wait-ready", "0", "--timeout", "0.2"]
                client = self.zmq_client(mode, server, *arguments)
                while command is not None and server.process.poll() is None:
                    # Without a probe nothing tells when the connection is up.
                    client.ask(command)
                server.expect_exit(VIOLATION_STATUS)

    def test_the_simulation_answers_by_number(self):
        server = self.zmq_server("--surf", "--fail", "0x100-0x1ff=2")
        client = self.zmq_client("rw", server, "--wait-ready", "0", "--timeout", "0.3")
        while client.ask("read 0 4") != "ok 00000000":
            pass
        self.assertEqual(client.ask("write 0 01020304"), "ok")
        self.assertEqual(client.ask("read 0 4"), "ok 01020304")
        self.assertEqual(client.ask("read 0x100 4"), "error \\x02")


class Restarts(InteropTest):
    """The reference's ways with lost connections."""

    def test_a_client_comes_back_after_a_server_restart(self):
        memory = ("--memory", self.memory_file(), "0x10000", "0x4000", "--lenient")
        server = self.zmq_server(*memory)
        client = self.zmq_client(
            "random",
            server,
            "--until-eof",
            "--progress",
            "100",
            "--tolerate-restarts",
            "--timeout",
            "0.3",
            "--window",
            "8",
        )
        client.expect_progress(1000)
        for _ in range(3):
            server.kill()
            server = self.zmq_server("--port", server.port, *memory)
            client.expect_progress(1000)
        client.finish()
        fields = client.last_fields("random")
        self.assertFields(fields, mismatch=0, foreign=0)
        self.assertGreater(fields["unknown"], 0)

    def test_a_successor_gets_the_answers_of_its_predecessor(self):
        server = self.zmq_server("--slow", "0x100-0x1ff=1000", "--journal", "-")
        first = self.zmq_client("rw", server)
        first.ask("start read 0x100 4")
        server.expect("^request 1 read 0x100 4$")
        first.kill()
        second = self.zmq_client("rw", server, "--timeout", "30")
        self.assertEqual(second.ask("read 0x200 4"), "ok 00000000")
        second.finish(1)
        self.assertFields(second.last_fields("counters"), foreign=1)


class TwoClients(InteropTest):
    """One server, two clients with the same ids: the reference's server mixes their answers."""

    def test_the_reference_server_mixes_the_answers_of_two_clients(self):
        server = self.zmq_server()
        clients = [
            self.zmq_client(
                "random",
                server,
                "--ops",
                "200",
                "--window",
                "8",
                "--timeout",
                "0.2",
                "--identity",
                identity,
                "--base",
                identity * 0x100000,
                "--seed",
                "9",
            )
            for identity in (1, 2)
        ]
        for client in clients:
            client.expect_exit(1)
        self.assertGreater(sum(c.last_fields("random")["foreign"] for c in clients), 10)
