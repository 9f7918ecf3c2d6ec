"""The reference's client on this library's server: neither may notice the other."""

import os

from harness import InteropTest, Settings
from test_peers import WINDOWS, request

MEMORY_BASE = "0x10000"
MEMORY_SIZE = "0x100000"


class OneClient(InteropTest):
    """What a single client of the reference gets."""

    def test_a_probe_is_answered_at_the_first_try(self):
        server = self.our_server()
        client = self.zmq_client("probe", server, "--wait-ready", "60")
        client.expect("^ready$")
        client.expect_exit()
        self.assertFields(client.last_fields("counters"), probe_answers=1, foreign=0)

    def test_every_type_does_its_work(self):
        for backing in ((), ("--emulate",), ("--delay-ms", "1")):
            with self.subTest(" ".join(backing)):
                server = self.our_server(*backing)
                client = self.zmq_client("rw", server, "--timeout", "60")
                self.assertEqual(client.ask("read 0x1000 4"), "ok 00000000")
                self.assertEqual(client.ask("write 0x1001 01020304"), "ok")
                self.assertEqual(client.ask("post 0x1005 aa"), "ok")
                self.assertEqual(client.ask("verify 0x1000 8"), "ok 0001020304aa0000")
                self.assertEqual(client.ask("read 0xfffffffffffffff8 8"), "ok 0000000000000000")
                client.finish()
                self.assertIn("posts_unconfirmed=0", client.lines)
                self.assertFields(
                    client.last_fields("counters"), ok=5, foreign=0, malformed=0, hazards=0
                )
                server.finish()
                if "--emulate" not in backing:
                    self.assertFields(
                        server.last_fields("counters"), reads=2, writes=1, posts=1, verifies=1
                    )

    def test_a_size_of_zero_is_answered(self):
        server = self.our_server()
        client = self.zmq_client("rw", server)
        self.assertEqual(client.ask("raw " + request(77, 0x1000, 0, 1)), "ok")
        # Answers come in order.
        client.send("read 0x1000 4")
        client.expect("^raw answer id=77 payload=0 result=OK$")
        client.expect("^2 ok 00000000$")
        client.finish()

    def test_large_blocks_arrive_whole(self):
        server = self.our_server()
        client = self.zmq_client("rw", server, "--timeout", "60")
        for size in (4096, 65535, 65536, 1048576):
            self.assertEqual(client.ask("fill 0x20000 %d %d" % (size, size)), "ok")
            self.assertEqual(client.ask("check 0x20000 %d %d" % (size, size)), "ok")
        self.assertEqual(
            client.ask("burst 0x20000 65536 16 65536 1048576"),
            "burst ok=16 failed=0 unknown=0 differing=0",
        )
        client.finish()

    def test_results_are_safe_for_the_reference(self):
        long_text = "ä" * 700  # 1400 octets
        server = self.our_server(
            "--fail",
            "0x100-0x1ff=50% of %s at %n",
            "--fail",
            "0x200-0x2ff=",
            "--fail",
            "0x300-0x3ff=OK",
            "--fail",
            "0x400-0x4ff=" + long_text,
        )
        client = self.zmq_client("rw", server, "--timeout", "60")
        self.assertRegex(client.ask("read 0x100 4"), "^error 50[^%]* of [^%]*s at [^%]*n$")
        self.assertRegex(client.ask("write 0x100 00010203"), "^error 50")
        self.assertRegex(client.ask("read 0x200 4"), "^error .")
        self.assertRegex(client.ask("read 0x300 4"), "^error .")
        answer = client.ask("read 0x400 64")
        # Cut at a boundary between characters, not inside one.
        self.assertRegex(answer, r"^error (\\xc3\\xa4)+")
        self.assertNotRegex(answer, r"\\xc3($|[^\\])")
        self.assertEqual(client.ask("read 0x500 4"), "ok 00000000")
        client.finish()
        self.assertFields(
            client.last_fields("counters"), failed=5, hazards=0, leaks=0, malformed=0, expired=0
        )

    def test_a_silent_slave_ends_in_the_servers_timeout(self):
        server = self.our_server("--silent", "0x100-0x1ff", "--slave-timeout", "0.3")
        client = self.zmq_client("rw", server, "--timeout", "60")
        self.assertRegex(
            client.ask("read 0x100 4"),
            r"^error Timeout waiting for register transaction \d+ message response\.",
        )
        self.assertEqual(client.ask("read 0x200 4"), "ok 00000000")
        client.finish()
        self.assertFields(client.last_fields("counters"), leaks=0, foreign=0)

    def test_random_operations_agree_with_the_model(self):
        for backing in ((), ("--emulate",), ("--delay-ms", "1", "--window", "64")):
            for window in WINDOWS:
                with self.subTest(backing=" ".join(backing), window=window):
                    server = self.our_server(*backing)
                    operations = Settings.operations(
                        20000 if Settings.full or window == WINDOWS[-1] else 3000
                    )
                    if backing and backing[0] == "--delay-ms":
                        operations = min(operations, 1000 * window)
                    client = self.zmq_client(
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
                    self.assertFields(
                        client.last_fields("counters"), malformed=0, hazards=0, leaks=0
                    )
                    server.finish()
                    self.assertFields(server.last_fields("counters"), malformed=0, dropped=0)

    def test_malformed_requests_are_dropped_and_the_next_is_served(self):
        server = self.our_server("--bytes-max", "1048576")
        other = self.zmq_client("rw", server, "--timeout", "60")
        client = self.zmq_client("rw", server, "--timeout", "1")
        cases = (
            "00",
            request(1000, 0, 4, 1).rsplit(" ", 1)[0],
            request(1000, 0, 4, 1).replace("e8030000", "e803", 1),
            request(1000, 0, 4, 2),
            request(1000, 0, 4, 2, "000000"),
            request(1000, 0, 4, 3, "0000000000"),
            request(1000, 0, 4, 0xFFFFFFFE),
            request(1000, 0, 0, 0xFFFFFFFE, "-"),
            request(1000, 0, 4, 1, "00000000", "00"),
            request(1000, 0, 4, 1) + " " + " ".join(["00"] * 96),
            "08000000 04000000 02000000 01000000",
        )
        for words in cases:
            with self.subTest(words[:80]):
                self.assertEqual(client.ask("raw " + words), "ok")
                # It may have been disconnected for that, but it must come back.
                while client.ask("read 0x1000 4") != "ok 00000000":
                    pass
                self.assertEqual(other.ask("read 0x1000 4"), "ok 00000000")
        client.finish()
        self.assertFields(client.last_fields("counters"), malformed=0, foreign=0)
        # A write that lies about its data may be told so; nothing malformed may be executed.
        self.assertFalse([line for line in client.lines if line.endswith("result=OK")])
        other.finish()
        self.assertFields(other.last_fields("counters"), ok=len(cases), foreign=0, unsent=0)
        self.assertGreaterEqual(server.counters()["malformed"], len(cases))

    def test_an_absurd_size_is_refused_before_memory_is_taken(self):
        server = self.our_server("--bytes-max", "1048576")
        client = self.zmq_client("rw", server, "--timeout", "60")
        self.assertEqual(client.ask("raw " + request(1000, 0, 0xFFFFFFFF, 1)), "ok")
        while client.ask("read 0x1000 4") != "ok 00000000":
            pass
        if not Settings.wrap:
            self.assertLess(server.counters()["peak_kib"], 64 << 10)


class ComingAndGoing(InteropTest):
    """Clients and servers that die and come back."""

    def test_d14_a_successor_gets_no_answer_of_its_predecessor(self):
        server = self.our_server(
            "--slow", "0x100-0x1ff=300", "--journal", "-", "--slave-timeout", "60"
        )
        first = self.zmq_client("rw", server, "--timeout", "60")
        first.ask("start read 0x100 4")
        server.expect("^request read 0x100 4$")
        first.kill()
        # Slow accesses are served in order: the dead client's is over before this one's.
        second = self.zmq_client("rw", server, "--timeout", "60", "--wait-ready", "60")
        self.assertEqual(second.ask("read 0x100 8"), "ok 0000000000000000")
        second.finish()
        self.assertFields(second.last_fields("counters"), ok=1, foreign=0)

    def test_clients_come_and_go(self):
        server = self.our_server()
        for seed in range(10):
            client = self.zmq_client(
                "random",
                server,
                "--ops",
                "300",
                "--seed",
                seed,
                "--wait-ready",
                "60",
                "--timeout",
                "60",
            )
            client.expect_exit()
            self.assertClean(client, unknown=0)

    def test_clients_that_are_killed_leave_nothing_behind(self):
        server = self.our_server()
        for seed in range(5):
            client = self.zmq_client(
                "random",
                server,
                "--until-eof",
                "--seed",
                seed,
                "--progress",
                "100",
                "--wait-ready",
                "60",
                "--timeout",
                "60",
            )
            client.expect("^progress")
            client.kill()
        client = self.zmq_client("random", server, "--wait-ready", "60", "--timeout", "60")
        client.expect_exit()
        self.assertClean(client, unknown=0)

    def restart_with(self, count, *arguments):
        """So many clients, working through restarts of the server."""

        def start(*more):
            return self.our_server(
                "--memory", self.memory_file(), MEMORY_BASE, MEMORY_SIZE, *arguments, *more
            )

        server = start()
        # The seeds are equal and so are the ids: only the windows and identities differ.
        clients = [
            self.zmq_client(
                "random",
                server,
                "--until-eof",
                "--progress",
                "100",
                "--tolerate-restarts",
                "--timeout",
                "0.5",
                "--window",
                "16",
                "--seed",
                "5",
                "--wait-ready",
                "60",
                "--identity",
                identity,
                "--base",
                0x10000 * identity,
            )
            for identity in range(1, count + 1)
        ]
        self.restarts(server, clients, 8 if Settings.full else 4, start)
        for client in clients:
            client.finish()
            fields = self.assertClean(client)
            self.assertGreater(fields["unknown"], 0)
            self.assertFields(client.last_fields("counters"), malformed=0, hazards=0)

    def test_a_client_works_through_restarts_of_the_server(self):
        self.restart_with(1)

    def test_d14_two_clients_work_through_restarts_without_a_foreign_answer(self):
        self.restart_with(2)

    def test_d14_four_clients_of_one_host_work_through_restarts(self):
        self.restart_with(4, "--legacy", "local-pid")

    def test_one_client_works_through_restarts_under_the_address_rule(self):
        self.restart_with(1, "--legacy", "one-per-address", "--settle-ms", "400")


class SeveralClients(InteropTest):
    """Clients with the same ids at once."""

    def test_d14_each_client_gets_its_own_answers(self):
        server = self.our_server()
        clients = [
            self.zmq_client(
                "random",
                server,
                "--window",
                "50",
                "--ops",
                Settings.operations(20000 if Settings.full else 5000),
                "--identity",
                identity,
                "--base",
                identity * 0x100000,
                "--seed",
                "9",
                "--wait-ready",
                "60",
                "--timeout",
                "60",
            )
            for identity in range(1, 5)
        ]
        for client in clients:
            client.expect_exit()
            self.assertClean(client, unknown=0)

    def test_d14_a_slow_access_of_one_client_does_not_hold_up_another(self):
        server = self.our_server(
            "--slow", "0x100-0x1ff=600000", "--slave-timeout", "3600", "--journal", "-"
        )
        slow = self.zmq_client("rw", server, "--timeout", "3600")
        slow.ask("start read 0x100 4")
        server.expect("^request read 0x100 4$")
        fast = self.zmq_client("rw", server, "--timeout", "60")
        self.assertEqual(fast.ask("read 0x1000 4"), "ok 00000000")
        self.assertEqual(slow.ask("read 0x1000 4"), "ok 00000000")
        fast.finish()

    def test_a_client_that_does_not_read_does_not_hold_up_another(self):
        server = self.our_server()
        deaf = self.zmq_client("rw", server, "--timeout", "60")
        self.assertEqual(deaf.ask("fill 0x100000 1048576 3"), "ok")
        for _ in range(200):
            deaf.ask("start check 0x100000 1048576 3")
        deaf.pause()
        client = self.zmq_client(
            "random", server, "--ops", Settings.operations(5000), "--timeout", "60"
        )
        client.expect_exit()
        self.assertClean(client, unknown=0)
        # What is kept for it is bounded: not all of its 200 MiB.
        if not Settings.wrap:
            self.assertLess(server.counters()["peak_kib"], 160 << 10)
        deaf.resume()
        deaf.send("wait")
        for _ in range(200):
            deaf.expect(r"^\d+ ok$")
        deaf.finish()

    def test_the_address_rule_holds_a_second_client_until_the_first_has_gone(self):
        server = self.our_server("--legacy", "one-per-address")
        first = self.zmq_client("rw", server, "--timeout", "60", "--wait-ready", "60")
        first.expect("^ready$")
        second = self.zmq_client("rw", server, "--timeout", "60", "--wait-ready", "1")
        second.expect("^not ready$")
        self.assertEqual(first.ask("read 0x1000 4"), "ok 00000000")
        first.finish()
        self.assertEqual(second.ask("ready 100"), "ready")
        self.assertEqual(second.ask("read 0x1000 4"), "ok 00000000")
        second.finish()

    def test_refused_clients_are_not_served_and_not_killed(self):
        server = self.our_server("--legacy", "refuse")
        client = self.zmq_client("rw", server, "--wait-ready", "1")
        client.expect("^not ready$")
        server.kill()
        # It still tries: a protocol error would have silenced it for ever.
        self.our_server("--port", server.port)
        self.assertEqual(client.ask("ready 100"), "ready")
        client.finish()


class AtAPath(InteropTest):
    """libzmq's ipc transport, which has a path for each socket."""

    def test_the_reference_is_served_at_the_path_and_the_file_beside_it(self):
        path = "unix:" + os.path.join(self.folder, "board.sock")
        server = self.our_server("--host", path)
        self.assertEqual(server.port, 0)
        client = self.zmq_client("rw", server, "--host", path, "--timeout", "60")
        self.assertEqual(client.ask("write 0x1000 01020304"), "ok")
        self.assertEqual(client.ask("read 0x1000 4"), "ok 01020304")
        self.assertEqual(client.ask("fill 0x20000 1048576 7"), "ok")
        self.assertEqual(client.ask("check 0x20000 1048576 7"), "ok")
        server.kill()
        # Its files are still there; the next one replaces them, and the client comes back.
        self.our_server("--host", path)
        self.assertEqual(client.ask("ready 100"), "ready")
        self.assertEqual(client.ask("write 0x1000 05060708"), "ok")
        client.finish()

    def test_two_processes_are_told_apart_by_the_kernel(self):
        path = "unix:" + os.path.join(self.folder, "board.sock")
        server = self.our_server("--host", path)
        clients = [
            self.zmq_client(
                *("random", server, "--host", path, "--base", 0x10000 * n),
                *("--ops", Settings.operations(3000)),
            )
            for n in (1, 2)
        ]
        for client in clients:
            client.expect_exit()
            self.assertClean(client, unknown=0)
