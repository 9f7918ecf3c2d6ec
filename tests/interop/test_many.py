"""Several clients, of this library and of the reference, on one server of this library."""

from harness import InteropTest, Settings

OPERATIONS_EACH = 100000
MEMORY = ("0x10000", "0x100000")


class Many(InteropTest):
    """Every value compared, zero differences."""

    def test_four_processes_with_a_hundred_thousand_operations_each(self):
        server = self.our_server()
        clients = [
            self.our_client(
                "random", server, "--ops", OPERATIONS_EACH, "--window", "64", "--seed", identity,
                "--identity", identity, "--base", identity * 0x100000, "--timeout", "60")
            for identity in range(1, 5)
        ]
        for client in clients:
            client.expect_exit(timeout_s=500)
            fields = self.assertClean(client, unknown=0)
            self.assertGreaterEqual(fields["ok"], OPERATIONS_EACH)
            self.assertFields(client.last_fields("counters"), dropped=0, disconnects=0)
        server.finish()
        self.assertFields(server.last_fields("counters"), malformed=0, dropped=0)

    def test_both_kinds_of_client_at_once(self):
        operations = 50000 if Settings.full else 10000
        for backing in ((), ("--emulate",), ("--delay-ms", "1")):
            with self.subTest(" ".join(backing)):
                server = self.our_server(*backing)
                clients = []
                for identity in range(1, 5):
                    kind = self.our_client if identity % 2 else self.zmq_client
                    clients.append(kind(
                        "random", server, "--ops", operations, "--window", "50", "--seed", "7",
                        "--identity", identity, "--base", identity * 0x100000,
                        "--timeout", "60", "--wait-ready", "60"))
                for client in clients:
                    client.expect_exit()
                    self.assertClean(client, unknown=0)
                server.finish()
                self.assertFields(server.last_fields("counters"), malformed=0, dropped=0)

    def test_both_kinds_of_client_through_restarts(self):
        def start(*more):
            return self.our_server("--memory", self.memory_file(), *MEMORY, *more)

        server = start()
        clients = []
        for identity in range(1, 5):
            kind, timeout = (self.our_client, 60) if identity % 2 else (self.zmq_client, 0.5)
            clients.append(kind(
                "random", server, "--until-eof", "--progress", "100", "--tolerate-restarts",
                "--window", "16", "--seed", "7", "--identity", identity,
                "--base", 0x10000 * identity, "--timeout", timeout, "--wait-ready", "60"))
        self.restarts(server, clients, 8 if Settings.full else 3, start)
        for client in clients:
            client.finish()
            self.assertClean(client)

    def test_d09_a_hundred_thousand_outstanding_reads_of_a_slow_slave(self):
        server = self.our_server("--delay-ms", "20", "--slave-timeout", "60")
        client = self.our_client("rw", server, "--timeout", "300")
        self.assertEqual(client.ask("fill 0x20000 1048576 5"), "ok")
        self.assertEqual(client.ask("burst 0x20000 4 100000 8 5"),
                         "burst ok=100000 failed=0 unknown=0 differing=0")
        counters = client.counters()
        client.finish()
        server.finish()
        served = server.last_fields("counters")
        self.assertFields(served, reads=100000, dropped=0, malformed=0)
        # Bounded: the server holds a window of requests, the client what it was given.
        print("100 000 outstanding reads: client %d KiB, server %d KiB at most"
              % (counters["peak_kib"], served["peak_kib"]))
        self.assertLess(served["peak_kib"], 64 << 10)
        self.assertLess(counters["peak_kib"], 256 << 10)

    def test_a_strictly_serial_server_serves_everybody(self):
        server = self.our_server("--window", "1")
        clients = [
            kind("random", server, "--ops", "5000", "--window", "50", "--identity", identity,
                 "--base", identity * 0x100000, "--timeout", "60", "--wait-ready", "60")
            for identity, kind in ((1, self.our_client), (2, self.zmq_client))
        ]
        for client in clients:
            client.expect_exit()
            self.assertClean(client, unknown=0)
